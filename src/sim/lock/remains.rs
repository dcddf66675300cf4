//! What a lock should have forgotten: old codes, masters and bindings that a faulty one brings back.

use std::collections::btree_map::Entry;

use crate::sim::defect::Defect;
use crate::sim::design::Reset;
use crate::sim::memory::Source;
use crate::sim::mutation::Rule;
use crate::trace::{Channel, Value};

use super::SimulatedLock;

impl SimulatedLock {
    /// Stores a code that somebody added.
    pub(in crate::sim) fn add_code(&mut self, slot: u64, code: &str, source: Source) {
        if !self.rules.does(Rule::AddCode) {
            return;
        }
        let before = self.memory.codes.insert(slot, code.to_owned());
        self.memory.sources.insert(slot, source);
        if let Some(before) = before.filter(|before| before != code) {
            if self.has(Defect::OverwrittenCodeOpens) {
                self.memory.ghosts.push(before.clone());
            }
            self.memory.history.push(before);
        }
        self.memory.fresh &= !self.rules.does(Rule::FreshEnds);
        for (number, hidden) in (100..).zip(std::mem::take(&mut self.memory.remnants)) {
            self.memory.codes.insert(number, hidden);
        }
        if self.has(Defect::BackInSameSlot)
            && let Some(old) = self.memory.shelf.remove(&slot)
        {
            self.memory.ghosts.push(old);
        }
        if self.has(Defect::VoiceSaysNewCode) {
            self.put(Channel::Voice, Value::Text(code.into()));
        }
    }

    /// Stores a master code.
    pub(in crate::sim) fn set_master(&mut self, code: String) {
        if self.rules.does(Rule::SetMaster) {
            self.memory.master_before = self.memory.master.replace(code);
        }
    }

    /// Whether a code opens that is stored no more, or never was.
    pub(in crate::sim) fn remains_open_for(&self, code: &str) -> bool {
        let is_remembered = self.has(Defect::HistoryReturns) && self.memory.was_reset;
        self.memory.ghosts.iter().any(|ghost| ghost == code)
            || (is_remembered && self.memory.history.iter().any(|old| old == code))
    }

    /// Puts codes aside before they are erased, if a fault will find them there.
    pub(super) fn shelve_codes(&mut self) {
        let finds_them = matches!(
            self.defect,
            Some(
                Defect::BackAfterAnHour
                    | Defect::BackAtSecondStart
                    | Defect::BackAfterLockout
                    | Defect::BackAtLowVoltage
                    | Defect::BackWhenCodeUsed
                    | Defect::BackWhenPaired
                    | Defect::BackInSameSlot
            )
        );
        if finds_them {
            self.memory.shelf.clone_from(&self.memory.codes);
        }
    }

    /// Old codes open again; those whose slot was taken meanwhile do so beside the new one.
    pub(in crate::sim) fn bring_back(&mut self) {
        for (slot, code) in std::mem::take(&mut self.memory.shelf) {
            match self.memory.codes.entry(slot) {
                Entry::Vacant(free) => {
                    free.insert(code);
                }
                Entry::Occupied(_) => self.memory.ghosts.push(code),
            }
        }
    }

    /// Who is about to be forgotten.
    pub(super) fn note_old_bindings(&mut self, reset: &Reset) {
        self.memory.old_app.clone_from(&self.memory.app);
        self.memory.old_hub = self.memory.hub;
        self.memory.unpaired.clear();
        if reset.app && !self.memory.app.is_empty() {
            self.memory.forgotten.insert(Channel::App);
        }
        if self.memory.hub {
            self.memory.forgotten.insert(Channel::Hub);
        }
    }

    /// Counts the starts since the last reset: some faults take more than one to show.
    pub(in crate::sim) fn count_start(&mut self) {
        self.memory.starts = self.memory.starts.saturating_add(1);
        if !self.memory.was_reset {
            return;
        }
        match (self.defect, self.memory.starts) {
            (Some(Defect::BackAtSecondStart), 2) => self.bring_back(),
            (Some(Defect::BindingsBackAtThirdStart), 3) => {
                let mut old = std::mem::take(&mut self.memory.old_app);
                self.memory.app.append(&mut old);
                self.memory.hub |= self.memory.old_hub;
            }
            _ => {}
        }
    }
}
