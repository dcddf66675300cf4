//! `pause: 60 s`: before the last key nothing is typed for so long.

use crate::lock::Fact;
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::unit::Duration;

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Pause {
    pub length: Duration,
}

impl Alter for Pause {
    fn kind(&self) -> Kind {
        Kind::Pause
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        subject.facts.decisive.keys.ok_or_else(|| subject.has_no("key sequence"))?;
        match subject.model.facts.pad.forgets {
            Fact::Unsupported => {
                Err("the keypad never forgets half-typed keys, according to its source".into())
            }
            Fact::Known(stated) if stated >= self.length => {
                Err(format!("the keypad keeps half-typed keys for {stated}, according to its source"))
            }
            Fact::Known(_) | Fact::Unknown => Ok(()),
        }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.pause = Some(self.length);
    }

    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let waits =
            |action: &Action| matches!(action, Action::Wait { duration, .. } if *duration == self.length);
        witnesses(program, Kind::Pause).iter().any(|step| waits(&step.action))
    }
}
