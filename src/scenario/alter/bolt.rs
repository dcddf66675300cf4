//! `bolt: jammed`, `bolt: moving`: what is with the bolt while a lock is reset, or while codes are tried.

use crate::scenario::ast;
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};

use super::{Alter, Kind, Plan, Subject, witnesses};

/// What is with the bolt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bolt {
    /// It can't move: the strike is blocked.
    Jammed,
    /// The motor throws it.
    Moving,
}

impl Alter for Bolt {
    fn kind(&self) -> Kind {
        Kind::Bolt
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn is_of_a_reset(&self) -> bool {
        *self == Self::Jammed
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        match self {
            Self::Jammed => Ok(()),
            Self::Moving if subject.facts.starts_unlocked => {
                Err("according to the manual, the reset starts with the bolt open".into())
            }
            Self::Moving => ["lock", "enter"].iter().try_for_each(|name| {
                let fact = subject.model.operation(name);
                fact.known().map(|_| ()).ok_or_else(|| fact.absence(&format!("operation `{name}`")))
            }),
        }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.bolt = Some(*self);
    }

    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        witnesses(program, Kind::Bolt).iter().any(|step| match (self, &step.action) {
            (Self::Jammed, Action::Set { channel, value, .. }) => {
                *channel == Channel::Strike && *value == Value::Switch(true)
            }
            (Self::Moving, Action::Together(branches)) => branches.len() == 2,
            (Self::Jammed | Self::Moving, _) => false,
        })
    }
}

/// Whether a procedure switches the supply, without which no motor moves.
pub(in crate::scenario) fn takes_the_power(procedure: &[ast::Step]) -> bool {
    ast::all(procedure).iter().any(|step| matches!(step.action, ast::Action::Power { .. }))
}
