//! How a bench brings a real lock to the state that every case begins with: as delivered.
//!
//! Nothing is judged here. A lock that did not follow shows it when the case proves the state
//! before the act, and the case is inconclusive.

use std::sync::Arc;

use crate::lock::Credential;
use crate::scenario::program::{Since, Stage, Weight};
use crate::unit::Duration;

use super::builder::{Builder, Excluded};
use super::procedure::{Binding, Bindings};

/// Time for a lock to erase its memory and to start again.
const SETTLE: Duration = Duration::seconds(15);
/// More attempts could lock the keypad.
const ATTEMPTS: usize = 3;

/// In which state a rig hands over a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As delivered: each case has a lock of its own.
    Delivered,
    /// As the case before left it.
    AsFound,
}

impl Builder<'_> {
    /// Resets the lock by the model's baseline method, with the codes that it may know.
    pub(super) fn bring_to_baseline(&mut self, name: &str) -> Result<(), Excluded> {
        let model = self.model;
        let fact = model.baseline.and_then(|method| model.methods.get(&method));
        let facts = fact.and_then(|fact| fact.known()).ok_or("the model's baseline has no procedure")?;
        let (stage, weight) = (self.stage, self.weight);
        (self.stage, self.weight) = (Stage::Between, Weight::Ignore);
        let nominal = self.lock().power.nominal;
        if self.voltage != nominal {
            self.supply(nominal);
            self.wait(SETTLE);
        }
        let codes = self.codes_that_may_work();
        if facts.starts_unlocked {
            for code in codes.iter().take(ATTEMPTS) {
                self.perform("enter", &Bindings::owner().code(code))?;
                self.wait(Duration::seconds(3));
            }
        }
        let mut bindings = Bindings::owner();
        if let Some(code) = codes.first() {
            bindings = bindings.code(code);
        }
        let published = self.lock().defaults.master.known().cloned().map(Credential::Published);
        if let Some(master) = self.master.clone().or(published) {
            bindings = bindings.with("master", Binding::Code(master));
        }
        let proof = Credential::secret("proof", super::PROOF_DIGITS);
        bindings = bindings.with("proof", Binding::Code(proof));
        for (name, word) in [("role", "owner"), ("ownership", "verified"), ("network", "online")] {
            bindings = bindings.with(name, Binding::Word(Arc::from(word)));
        }
        self.procedure(&facts.procedure, &bindings)?;
        if let Some(confirmation) = facts.confirmed_by.known() {
            for step in confirmation {
                self.observe(&step.action, Since::Here, false)?;
            }
        }
        self.wait(SETTLE);
        for operation in &facts.afterwards {
            self.perform(operation, &Bindings::owner())?;
        }
        self.part(name);
        (self.stage, self.weight) = (stage, weight);
        Ok(())
    }

    /// The newest first; then those from before the act, then the published ones.
    fn codes_that_may_work(&self) -> Vec<Credential> {
        let published = self.lock().defaults.user_codes.known().into_iter().flatten().cloned();
        let mut all: Vec<Credential> = self.known_good.clone().into_iter().collect();
        all.extend(self.codes.iter().take(1).cloned());
        all.extend(published.map(Credential::Published));
        all.dedup();
        all
    }
}
