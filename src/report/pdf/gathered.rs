//! What the conformity report takes from the cases of a run, which are read once and not held.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{CaseEntry, Counts, EvidenceError, read_results};
use crate::lock::Method;
use crate::verdict::{Measurement, Verdict};

/// How the part of a case is called that puts on record what will be lost, and one that sets the lock up again.
const INVENTORY: &str = "inventory: ";
const SET_UP: &str = "set up again: ";
/// What is taken from the cases of a run as they are read once.
#[derive(Default)]
pub(super) struct Gathered {
    /// Of each model and quantity, the measurement with the least margin, and how often it was measured.
    pub measured: BTreeMap<(String, String), (Measurement, u64)>,
    /// Of each model and method, the case that decides.
    pub decisive: BTreeMap<(String, Method), CaseEntry>,
    /// Of each model and method, what was put on record before it was lost.
    pub inventory: BTreeMap<(String, Method), String>,
    /// Of each model and method, what came of each step by which a lock is set up again.
    pub set_up: BTreeMap<(String, Method), BTreeMap<String, Counts>>,
}

impl Gathered {
    pub(super) fn from(folder: &Path) -> Result<Self, EvidenceError> {
        let mut gathered = Self::default();
        for entry in read_results(folder)? {
            gathered.take(entry?);
        }
        Ok(gathered)
    }

    fn take(&mut self, entry: CaseEntry) {
        for measurement in &entry.result.measurements {
            let key = (entry.model.clone(), measurement.name.clone());
            let known = self.measured.entry(key).or_insert_with(|| (measurement.clone(), 0));
            known.1 += 1;
            if margin(measurement) < margin(&known.0) {
                known.0 = measurement.clone();
            }
        }
        let key = (entry.model.clone(), entry.method);
        for part in &entry.result.parts {
            if let Some(assets) = part.name.strip_prefix(INVENTORY) {
                self.inventory.entry(key.clone()).or_insert_with(|| assets.to_owned());
            }
            if let Some(step) = part.name.strip_prefix(SET_UP) {
                let steps = self.set_up.entry(key.clone()).or_default();
                steps.entry(step.to_owned()).or_default().add(part.verdict);
            }
        }
        if weight(&entry) > self.decisive.get(&key).map_or(0, weight) {
            self.decisive.insert(key, entry);
        }
    }
}

fn margin(measurement: &Measurement) -> i64 {
    measurement.margin.unwrap_or(i64::MAX)
}

/// How much a case tells of a reset: a failure most, then what a whole reset leaves, then any other pass.
fn weight(entry: &CaseEntry) -> u8 {
    match entry.result.verdict {
        Verdict::NotApplicable => 0,
        Verdict::Pass if entry.scenario == "reset-erases-everything" => 3,
        Verdict::Pass => 1,
        Verdict::Inconclusive | Verdict::Aborted | Verdict::Error => 2,
        Verdict::Fail => 4,
    }
}
