//! `missing_keys: 1`: so many of the last keys are not typed.

use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::trace::Value;

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct MissingKeys {
    pub count: u32,
}

impl Alter for MissingKeys {
    fn kind(&self) -> Kind {
        Kind::MissingKeys
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let keys = subject.facts.decisive.keys.ok_or_else(|| subject.has_no("key sequence"))?;
        if self.count < keys {
            Ok(())
        } else {
            Err(format!("the number of keys in the procedure is only {keys}"))
        }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.missing_keys = self.count;
    }

    /// Each time the procedure types as many keys as are left.
    fn is_witnessed(&self, subject: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let left = subject.facts.decisive.keys.and_then(|keys| keys.checked_sub(self.count));
        let is_key = |action: &Action| matches!(action, Action::Set { value: Value::Keys(keys), .. } if !keys.is_empty());
        let typed = witnesses(program, Kind::MissingKeys).iter().filter(|step| is_key(&step.action)).count();
        let left = left.and_then(|left| usize::try_from(left).ok()).filter(|left| *left > 0);
        left.is_some_and(|left| typed > 0 && typed % left == 0)
    }
}
