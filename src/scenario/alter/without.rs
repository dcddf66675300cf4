//! `without: ownership`: a condition of the reset has a level at which the method does not work.

use crate::lock;
use crate::scenario::ast::{self, MethodFacts, Model};
use crate::scenario::point::{Axis, Level, Point};
use crate::scenario::program::{Action, Program};
use crate::trace::{Argument, Channel};

use super::{Alter, Kind, Plan, Subject, counted, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct Without {
    pub factor: &'static str,
}

impl Alter for Without {
    fn kind(&self) -> Kind {
        Kind::Without
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        if self.axis(subject.model, subject.facts).is_none() {
            return Err(format!("the method does not depend on {}", self.factor));
        }
        let asks = ast::all(&subject.facts.procedure)
            .iter()
            .any(|step| matches!(step.action, ast::Action::Ask { .. }));
        // Nobody but app, hub and maker hears of these.
        if self.factor != "power" && !asks {
            return Err(format!("no step of the procedure tells the lock about {}", self.factor));
        }
        Ok(())
    }

    fn axis(&self, _: &Model, facts: &MethodFacts) -> Option<Axis> {
        let levels = lock::Level::words_of(self.factor)
            .into_iter()
            .filter_map(|word| lock::Level::from_words(self.factor, word).flatten())
            .filter(|level| !facts.needs.permits(*level));
        counted(self.factor, levels.map(Level::Factor))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.without = Some(self.factor);
    }

    fn is_witnessed(&self, subject: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let word = subject.levels.word_of(self.factor);
        witnesses(program, Kind::Without).iter().any(|step| match &step.action {
            Action::Set { channel, .. } => self.factor == "power" && *channel == Channel::Power,
            Action::Ask { arguments, .. } => arguments.iter().any(|(name, argument)| {
                **name == *self.factor && matches!(argument, Argument::Text(text) if Some(&**text) == word)
            }),
            _ => false,
        })
    }
}
