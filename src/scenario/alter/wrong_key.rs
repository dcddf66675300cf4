//! `wrong_key: 3`, `wrong_key: every`: a key is another one of its kind.

use crate::scenario::ast::{MethodFacts, Model};
use crate::scenario::point::{Axis, Level, Point};
use crate::scenario::program::{Action, Program};
use crate::trace::Value;

use super::{Alter, Kind, Plan, Subject, counted, witnesses};

/// Which key of what is typed is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum WrongKey {
    /// The one at this position, from 1.
    At(u32),
    /// Each in a case of its own.
    Every,
}

impl Alter for WrongKey {
    fn kind(&self) -> Kind {
        Kind::WrongKey
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, plan: &Plan) -> Result<(), String> {
        let keys = subject.facts.decisive.keys.ok_or_else(|| subject.has_no("key sequence"))?;
        let typed = keys.saturating_sub(plan.missing_keys);
        match plan.wrong_key {
            Some(key) if key > keys => Err(format!("the number of keys in the procedure is only {keys}")),
            Some(key) if key > typed => Err(format!("key {key} is not typed at all")),
            Some(_) | None => Ok(()),
        }
    }

    fn axis(&self, _: &Model, facts: &MethodFacts) -> Option<Axis> {
        match self {
            Self::At(_) => None,
            Self::Every => counted("key", (1..=facts.decisive.keys?).map(Level::Key)),
        }
    }

    fn rewrite(&self, point: &Point, plan: &mut Plan) {
        plan.wrong_key = match self {
            Self::At(key) => Some(*key),
            Self::Every => point.key(),
        };
    }

    fn is_witnessed(&self, _: &Subject<'_>, plan: &Plan, program: &Program) -> bool {
        let pressed = |action: &Action| matches!(action, Action::Set { value: Value::Keys(keys), .. } if !keys.is_empty());
        plan.wrong_key.is_some()
            && witnesses(program, Kind::WrongKey).iter().any(|step| pressed(&step.action))
    }
}
