//! `dropout: 2 s`: before the last key, or the last press, the supply is gone for so long.

use crate::scenario::ast::MethodFacts;
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Voltage};

use super::{Alter, Kind, Plan, Subject, takes_the_power, witnesses};

/// What has a last one before which the supply drops out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Sequence {
    /// Keys.
    Keys,
    /// Presses.
    Presses,
}

#[derive(Debug)]
pub(in crate::scenario) struct Dropout {
    pub length: Duration,
}

impl Alter for Dropout {
    fn kind(&self) -> Kind {
        Kind::Dropout
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        if takes_the_power(&subject.facts.procedure) {
            return Err("the method itself cuts the power".into());
        }
        if subject.facts.decisive.gap.is_some() {
            return Err("the reset depends on a pause, which a supply failure makes longer".into());
        }
        sequence(subject.facts).map(|_| ()).ok_or_else(|| subject.has_no("sequence of keys or presses"))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.dropout = Some(self.length);
    }

    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let is_gone = |action: &Action| match action {
            Action::Set { channel: Channel::Power, value: Value::Voltage(volts), .. } => {
                *volts == Voltage::default()
            }
            _ => false,
        };
        witnesses(program, Kind::Dropout).iter().any(|step| is_gone(&step.action))
    }
}

/// The sequence that decides whether a lock resets.
pub(in crate::scenario) fn sequence(facts: &MethodFacts) -> Option<Sequence> {
    let is_several = |count: u32| count > 1;
    let presses = facts.decisive.presses.as_ref().map(|presses| presses.count);
    if facts.decisive.keys.is_some_and(is_several) {
        Some(Sequence::Keys)
    } else {
        presses.filter(|count| is_several(*count)).map(|_| Sequence::Presses)
    }
}
