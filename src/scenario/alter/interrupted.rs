//! `interrupted_for: 300 ms`: what is held is let go for so long, in the middle of the hold.

use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::unit::Duration;

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Interrupted {
    pub pause: Duration,
}

impl Alter for Interrupted {
    fn kind(&self) -> Kind {
        Kind::Interrupted
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let held = subject.facts.decisive.hold.as_ref().and_then(|hold| subject.facts.held_in(hold));
        held.map(|_| ()).ok_or_else(|| subject.has_no("hold of one control"))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.interrupted_for = Some(self.pause);
    }

    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let steps = witnesses(program, Kind::Interrupted);
        let waits =
            |action: &Action| matches!(action, Action::Wait { duration, .. } if *duration == self.pause);
        let sets = steps.iter().filter(|step| matches!(step.action, Action::Set { .. })).count();
        sets >= 2 && steps.iter().any(|step| waits(&step.action))
    }
}
