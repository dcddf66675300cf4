//! `bounces: 3`: the contact closes so many times more before it stays closed.

use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Bounces {
    pub times: u32,
}

impl Alter for Bounces {
    fn kind(&self) -> Kind {
        Kind::Bounces
    }

    /// A worn contact is still a press.
    fn is_negative(&self) -> bool {
        false
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let pressed = subject.facts.decisive.hold.as_ref().and_then(|hold| subject.facts.pressed_at(hold));
        pressed.map(|_| ()).ok_or_else(|| subject.has_no("hold of one control"))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.bounces = self.times;
    }

    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let steps = witnesses(program, Kind::Bounces);
        let sets = steps.iter().filter(|step| matches!(step.action, Action::Set { .. })).count();
        sets >= 2 * usize::try_from(self.times).unwrap_or(usize::MAX / 2)
    }
}
