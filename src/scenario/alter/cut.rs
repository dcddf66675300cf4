//! `cut_power_at: sweep 0..100 % by 5 %`: the power is cut at a share of the confirmation window, to nothing or
//! to `cut_to`. `cut_from` counts from the first press, or from the first sign of a confirmation, instead.

use crate::scenario::ast::{MethodFacts, Model};
use crate::scenario::point::{Axis, Level, Point};
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};
use crate::unit::Ratio;

use super::{
    Alter, Cut, CutFrom, Kind, Plan, Share, Stretch, Subject, counted, interval, takes_the_power, witnesses,
};

#[derive(Debug)]
pub(in crate::scenario) struct CutPower {
    pub at: Vec<Ratio>,
    /// Share of the supply that is left.
    pub to: Ratio,
    pub from: CutFrom,
}

impl Alter for CutPower {
    fn kind(&self) -> Kind {
        Kind::CutPower
    }

    /// What a lock has confirmed is done, whatever becomes of its supply.
    fn is_negative(&self) -> bool {
        match self.from {
            CutFrom::Completion | CutFrom::Hold => true,
            CutFrom::Confirmation => false,
        }
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let facts = subject.facts;
        match self.from {
            CutFrom::Completion => Ok(()),
            CutFrom::Hold => {
                let hold = interval(facts, Stretch::Hold).ok_or_else(|| subject.has_no("hold"))?;
                if takes_the_power(&facts.procedure) {
                    return Err("the method itself cuts the power".into());
                }
                facts.held_in(hold).map(|_| ()).ok_or_else(|| subject.has_no("hold"))
            }
            CutFrom::Confirmation => {
                let fact = &facts.confirmed_by;
                fact.known().map(|_| ()).ok_or_else(|| fact.absence("a confirmation of the reset"))
            }
        }
    }

    fn axis(&self, _: &Model, _: &MethodFacts) -> Option<Axis> {
        counted("cut", self.at.iter().copied().map(Level::Cut))
    }

    fn rewrite(&self, point: &Point, plan: &mut Plan) {
        /// Long enough, and too short for what is left of it after a cut to be.
        const JUST_OVER: Share = Share::Of(Ratio::percent(105));
        plan.cut = point.cut().map(|at| Cut { at, to: self.to, from: self.from });
        if self.from == CutFrom::Hold {
            plan.hold.get_or_insert(JUST_OVER);
        }
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
