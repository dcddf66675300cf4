//! How a bench brings a real lock to the state that every case begins with: as delivered.
//!
//! Nothing is judged here. A lock that did not follow shows it when the case proves the state
//! before the act, and the case is inconclusive.

use crate::lock::Credential;
use crate::scenario::ast::MethodFacts;
use crate::scenario::program::{Origin, Since, Stage};
use crate::unit::Duration;

use super::act::SETTLE;
use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

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

impl<'a> Context<'a> {
    /// Resets the lock by the model's baseline method, with the codes that it may know.
    pub(super) fn bring_to_baseline(&self, draft: &mut Draft, name: &str) -> Result<(), Excluded> {
        let model = self.subject.model;
        let fact = model.baseline.and_then(|method| model.methods.get(&method));
        let facts = fact.and_then(|fact| fact.known()).ok_or("the model's baseline has no procedure")?;
        let nominal = self.lock().power.nominal;
        if draft.volts != nominal {
            draft.supply(nominal);
            draft.wait(SETTLE);
        }
        // Nothing is judged here, and nobody knows what the lock was left with.
        draft.may_open(Origin::Tidying, None, |draft| self.baseline_reset(draft, facts))?;
        draft.part(name, Stage::Between);
        Ok(())
    }

    fn baseline_reset(&self, draft: &mut Draft, facts: &'a MethodFacts) -> Result<(), Excluded> {
        let codes = self.codes_that_may_work(draft);
        let owner = Bindings::new(Origin::Tidying);
        if facts.starts_unlocked && self.has("unlock") {
            self.perform(draft, "unlock", &owner)?;
            draft.wait(Duration::seconds(3));
        } else if facts.starts_unlocked {
            for code in codes.iter().take(ATTEMPTS) {
                self.perform(draft, "enter", &owner.clone().code(code))?;
                draft.wait(Duration::seconds(3));
            }
        }
        let mut bindings = Bindings::of_reset(Origin::Tidying, self, &draft.belief);
        if let Some(code) = codes.first() {
            bindings = bindings.code(code);
        }
        self.procedure(draft, &facts.procedure, &bindings)?;
        for step in facts.confirmed_by.known().into_iter().flatten() {
            self.observe(draft, &step.action, Since::Here, Origin::Tidying, false)?;
        }
        draft.wait(self.started(SETTLE));
        for operation in &facts.afterwards {
            self.perform(draft, operation, &owner)?;
        }
        if facts.starts_unlocked && self.has("unlock") && self.gets_locked() {
            self.lock_if_open(draft, Origin::Tidying)?;
        }
        Ok(())
    }

    /// The newest first; then those from before the act, then the published ones.
    fn codes_that_may_work(&self, draft: &Draft) -> Vec<Credential> {
        let mut all: Vec<Credential> = draft.belief.known_good.clone().into_iter().collect();
        all.extend(draft.belief.codes.iter().take(1).cloned());
        all.extend(self.published_codes());
        all.dedup();
        all
    }
}
