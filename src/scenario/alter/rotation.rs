//! `rotation: 75 %`: the turn is another share of its stated angle.

use crate::scenario::ast;
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};
use crate::unit::Ratio;

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Rotation {
    pub share: Ratio,
}

impl Alter for Rotation {
    fn kind(&self) -> Kind {
        Kind::Rotation
    }

    fn is_negative(&self) -> bool {
        self.share < Ratio::WHOLE
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        subject.facts.decisive.rotation.map(|_| ()).ok_or_else(|| subject.has_no("turn"))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.rotation = Some(self.share);
    }

    fn is_witnessed(&self, subject: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let turned: Vec<_> = subject
            .facts
            .procedure
            .iter()
            .flat_map(|step| ast::all([step]))
            .filter_map(|step| {
                if let ast::Action::Turn { by, .. } = step.action {
                    Some(by.scaled(self.share))
                } else {
                    None
                }
            })
            .collect();
        witnesses(program, Kind::Rotation).iter().any(|step| match &step.action {
            Action::Set { channel: Channel::Knob, value: Value::Angle(angle), .. } => turned.contains(angle),
            _ => false,
        })
    }
}
