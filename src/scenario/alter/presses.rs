//! `presses: -1`: so many presses more, or fewer.

use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program, all};
use crate::trace::Value;

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Presses {
    pub more: i32,
}

impl Alter for Presses {
    fn kind(&self) -> Kind {
        Kind::Presses
    }

    fn is_negative(&self) -> bool {
        self.more < 0
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let presses =
            subject.facts.decisive.presses.as_ref().ok_or_else(|| subject.has_no("number of presses"))?;
        match presses.count.checked_add_signed(self.more) {
            Some(left) if left > 0 => Ok(()),
            _ => Err(format!(
                "the method takes only {}, so none would be left",
                crate::unit::counted(presses.count.into(), "press")
            )),
        }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.presses = self.more;
    }

    fn is_witnessed(&self, subject: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let Some(presses) = &subject.facts.decisive.presses else { return false };
        let wanted = presses.count.checked_add_signed(self.more).and_then(|n| usize::try_from(n).ok());
        let is_down = |action: &Action| match action {
            Action::Set { value: Value::Switch(down), .. } => *down,
            Action::Set { value: Value::Keys(keys), .. } => !keys.is_empty(),
            _ => false,
        };
        let downs = |inner: Vec<&crate::scenario::program::Step>| {
            inner.iter().filter(|step| is_down(&step.action)).count()
        };
        let controls = presses.controls.max(1);
        witnesses(program, Kind::Presses)
            .iter()
            .any(|step| wanted.is_some_and(|wanted| downs(all([*step])) == wanted * controls))
    }
}
