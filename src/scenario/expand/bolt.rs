//! The bolt while a lock is reset or codes are tried: opened, jammed, or on its way.

use crate::lock::Credential;
use crate::scenario::ast;
use crate::scenario::but::Bolt;
use crate::scenario::program::{Action, Probe, Since, Stage, Step, Weight};
use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::act::SETTLE_UNSEEN;
use super::builder::{Builder, Excluded};
use super::procedure::Bindings;

/// Lets the edge of an opening pass, before a bolt that opens counts against the lock.
const OPENED: Duration = Duration::milliseconds(500);
/// When a motor that was told to throw the bolt certainly runs.
const MOTOR_RUNS: Duration = Duration::milliseconds(300);

impl Builder<'_> {
    /// Enters a good code, and sees that it opens.
    pub(super) fn expect_open(&mut self, code: &Credential) -> Result<(), Excluded> {
        self.stage = Stage::Arrange;
        self.open_with(code)?;
        self.part("unlock");
        self.stage = Stage::Act;
        Ok(())
    }

    fn open_with(&mut self, code: &Credential) -> Result<(), Excluded> {
        let weight = std::mem::replace(&mut self.weight, Weight::Inconclusive);
        self.perform("enter", &Bindings::owner().code(code))?;
        if let Some(accepted) = &self.operation("enter")?.accepted_by {
            self.observe(&accepted.action, Since::Here, false)?;
        }
        self.wait(OPENED);
        self.weight = weight;
        Ok(())
    }

    /// Opens the bolt, so that it can be thrown meanwhile.
    pub(super) fn open_bolt(&mut self) -> Result<(), Excluded> {
        if self.facts.starts_unlocked {
            return Err("the manual has the reset begin with the bolt open".into());
        }
        let is_supply = |step: &ast::Step| matches!(step.action, ast::Action::Power { .. });
        if self.scenario.act.iter().any(ast::resets) && self.facts.procedure.iter().any(is_supply) {
            return Err("the method takes the power, and no motor moves without it".into());
        }
        self.operation("lock")?;
        self.operation("enter")?;
        let code = self.codes.first().cloned();
        let code = code.ok_or_else(|| Excluded::from("no code is there to open the lock with"))?;
        self.expect_open(&code)
    }

    /// Resets while the bolt is jammed, or while it is thrown; neither then nor until it settled may it open.
    pub(super) fn reset_with_bolt(&mut self, bolt: Bolt, steps: Vec<Step>) -> Result<(), Excluded> {
        let ((), body) = self.nested(|b| {
            match bolt {
                Bolt::Jammed => {
                    b.set("strike blocked", Channel::Strike, Value::Switch(true));
                    b.push("reset", Action::Sequence(steps));
                    b.wait(SETTLE_UNSEEN);
                    b.set("strike clear", Channel::Strike, Value::Switch(false));
                }
                Bolt::Moving => b.while_it_moves("reset", steps)?,
            }
            b.wait(SETTLE_UNSEEN);
            Ok(())
        })?;
        self.never_opens(body);
        Ok(())
    }

    /// Throws the bolt, and does something before it has arrived.
    fn while_it_moves(&mut self, label: &str, steps: Vec<Step>) -> Result<(), Excluded> {
        let outer = std::mem::replace(&mut self.weight, Weight::Inconclusive);
        let ((), locks) = self.nested(|b| b.perform("lock", &Bindings::owner()))?;
        self.weight = outer;
        // The key that locks is let go first, and a bolt that has arrived by then shows nothing.
        let still = Action::NoChange {
            channels: vec![Channel::Bolt],
            duration: MOTOR_RUNS,
            weight: Weight::Inconclusive,
        };
        let meanwhile = vec![
            Step { label: "the bolt is on its way".to_owned(), action: still },
            Step { label: label.to_owned(), action: Action::Sequence(steps) },
        ];
        self.push(format!("{label} while the bolt moves"), Action::Together(vec![locks, meanwhile]));
        Ok(())
    }

    fn never_opens(&mut self, body: Vec<Step>) {
        let observation = ast::Observation::Contact { channel: Channel::Bolt, value: false };
        self.push("never see bolt open", Action::Never { observation, body });
    }

    /// Types a wrong code while the bolt is thrown, after a good one was taken in the same way: codes that a lock
    /// does not hear then count nothing.
    pub(super) fn wrong_code_while_it_moves(&mut self, code: &Credential) -> Result<Probe, Excluded> {
        self.open_bolt()?;
        let good = self.codes.first().cloned().ok_or_else(|| Excluded::plan("no code was provisioned"))?;
        let ((), opens) = self.nested(|b| b.open_with(&good))?;
        self.while_it_moves(&format!("enter {}", good.name()), opens)?;
        self.part("codes are heard");
        self.may_be_open = true;
        let (probe, tries) = self.nested(|b| b.attempt(code, "enter"))?;
        self.may_be_open = false;
        let ((), body) = self.nested(|b| b.while_it_moves(&format!("try {}", code.name()), tries))?;
        self.never_opens(body);
        Ok(probe)
    }
}
