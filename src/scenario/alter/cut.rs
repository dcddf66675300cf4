//! `cut_power_at: sweep 0..100 % by 5 %`: the power is cut at a share of the confirmation window, to nothing or
//! to `cut_to`.

use crate::scenario::ast::{MethodFacts, Model};
use crate::scenario::point::{Axis, Level, Point};
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};
use crate::unit::Ratio;

use super::{Alter, Cut, Kind, Plan, Subject, counted, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct CutPower {
    pub at: Vec<Ratio>,
    /// Share of the supply that is left.
    pub to: Ratio,
}

impl Alter for CutPower {
    fn kind(&self) -> Kind {
        Kind::CutPower
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, _: &Subject<'_>, _: &Plan) -> Result<(), String> {
        Ok(())
    }

    fn axis(&self, _: &Model, _: &MethodFacts) -> Option<Axis> {
        counted("cut", self.at.iter().copied().map(Level::Cut))
    }

    fn rewrite(&self, point: &Point, plan: &mut Plan) {
        plan.cut = point.cut().map(|at| Cut { at, to: self.to });
    }

    fn is_witnessed(&self, _: &Subject<'_>, plan: &Plan, program: &Program) -> bool {
        let falls = |action: &Action| match action {
            Action::Set { channel: Channel::Power, value: Value::Voltage(volts), .. } => {
                program.rest.iter().any(|(channel, rest)| {
                    *channel == Channel::Power && matches!(rest, Value::Voltage(nominal) if volts < nominal)
                })
            }
            _ => false,
        };
        plan.cut.is_some() && witnesses(program, Kind::CutPower).iter().any(|step| falls(&step.action))
    }
}
