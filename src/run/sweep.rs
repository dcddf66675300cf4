//! Cuts the power at moments of a reset, and finds those after which a lock is neither as it was nor wholly reset. Each
//! cut is a case like any other, so simulated locks, peers and benches are swept alike, with evidence.
//!
//! Deliberately absent: what is short and hides between two cuts with the same outcome. How much room there is for that is
//! said with the result.

use crate::engine::CaseResult;
use crate::lock::{Aftermath, DebugPort, Method};
use crate::rig::Rig;
use crate::scenario::alter::CutFrom;
use crate::scenario::ast::Model;
use crate::scenario::{ALL_OR_NOTHING, NOTHING_LEFT, Stage};
use crate::statistics::{Changes, Gap};
use crate::trace::Channel;
use crate::unit::{Duration, Ratio};
use crate::verdict::Verdict;

use super::trial::{STUCK, Trial};

/// In so many gaps the sweep is divided before any of them is looked at more closely.
const GAPS: u32 = 16;
/// A cut comes at most so many times the stated hold after the press.
const MOST: u64 = 100;
/// A hold that is to suffice is longer than stated by this, and the erase begins then at the latest.
const HELD: Ratio = Ratio::percent(105);

/// A cut that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// The number of its trial, from 1.
    pub number: usize,
    /// When, in seconds from where the sweep counts.
    pub at: f64,
    /// What became of the lock; nothing, if the trial does not tell.
    pub outcome: Option<Aftermath>,
    /// Why it is neither, or why it is not known.
    pub reason: String,
}

/// The sweep of a model and a method.
pub struct Sweep<'a> {
    model: &'a Model,
    method: Method,
    from: CutFrom,
    /// Of what the language counts a cut's share.
    whole: Duration,
    /// Memory is looked into as well.
    reads_memory: bool,
    changes: Changes<Aftermath>,
    cuts: Vec<Cut>,
}

impl<'a> Sweep<'a> {
    /// Cuts from the press of the decisive hold to the end of the confirmation window, no nearer to each other than
    /// `near`; of a method without such a hold from the moment at which its procedure is complete.
    ///
    /// # Errors
    /// Why the method can't be cut short on this rig, as a text for people.
    pub fn new(model: &'a Model, method: Method, rig: &Rig, near: Duration) -> Result<Self, String> {
        let id = &model.facts.id;
        let facts = model.methods.get(&method).and_then(|fact| fact.known());
        let facts = facts.ok_or_else(|| format!("{id} has no reset by {method}"))?;
        let window = facts.confirmation_window();
        let hold = facts.decisive.hold.as_ref().map(|hold| hold.length);
        let by_hold = hold.map(|hold| (CutFrom::Hold, hold, hold.scaled(HELD).saturating_add(window)));
        let by_completion = Some((CutFrom::Completion, window, window));
        let is_open = model.facts.memory.as_ref().is_some_and(|memory| memory.port == DebugPort::Open);
        let reads_memory = is_open && rig.wires(&Channel::Memory);
        let mut why = String::new();
        // A share of what is counted can't be as large as one likes.
        let by_hold = by_hold.filter(|(_, hold, end)| *end < hold.times(MOST));
        for (from, whole, end) in by_hold.into_iter().chain(by_completion) {
            if near.times(u64::from(GAPS)) > end {
                return Err(format!(
                    "cuts {near} apart would leave out most of the {end} that there are to look at"
                ));
            }
            let line = Gap { from: 0.0, to: end.as_seconds_f64() };
            let changes = Changes::along(line, GAPS, near.as_seconds_f64());
            let sweep = Self { model, method, from, whole, reads_memory, changes, cuts: Vec::new() };
            match sweep.trial(0.0)?.obstacle(rig, &[ALL_OR_NOTHING, NOTHING_LEFT]) {
                None => return Ok(sweep),
                Some(obstacle) => why = obstacle,
            }
        }
        Err(format!("the power of {id} can't be cut in a reset by {method}: {why}"))
    }

    /// From where it counts.
    pub fn from(&self) -> CutFrom {
        self.from
    }

    /// Whether the lock's memory is looked into.
    pub fn reads_memory(&self) -> bool {
        self.reads_memory
    }

    /// The cuts so far, in the order in which they were made.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// What is known of the moments.
    pub fn changes(&self) -> &Changes<Aftermath> {
        &self.changes
    }

    /// Whether too many trials at one moment said nothing, and why the last one did.
    pub fn is_stuck(&self) -> Option<&str> {
        let last = self.cuts.iter().rev().take_while(|cut| cut.outcome.is_none());
        let reasons: Vec<&str> = last.map(|cut| cut.reason.as_str()).collect();
        reasons.first().copied().filter(|_| reasons.len() >= STUCK)
    }

    /// The next trial; nothing, if nothing is left to be found at this width.
    ///
    /// # Errors
    /// The trial is not what the language permits, as a text for people.
    pub fn next(&self) -> Result<Option<Trial>, String> {
        self.changes.next().map(|at| self.trial(at)).transpose()
    }

    fn trial(&self, at: f64) -> Result<Trial, String> {
        let number = self.cuts.len() + 1;
        let whole = self.whole.as_seconds_f64();
        let share = Ratio::from_f64(at / whole).ok_or_else(|| format!("{at} s is no moment of a reset"))?;
        let id = Trial::id(number);
        let Self { method, from, .. } = self;
        let (before, after) = match self.reads_memory {
            true => ("  - prove: in_memory\n", "  - all_or_nothing_in_memory\n"),
            false => ("", ""),
        };
        let text = format!(
            "scenario: {id}\ntitle: Trial - power cut {at:.6} s after the {from}\nmethods: [{method}]\narrange:\n  \
             - provision: {{user_codes: 3, app: paired, hub: paired, master: set}}\n  - prove: provisioned\n{before}\
             but: {{cut_power_at: {share}, cut_from: {from}}}\nact:\n  - reset\nexpect:\n  - nothing_left\n{after}"
        );
        Trial::new(number, at, (self.model, *method), text)
    }

    /// Hears what became of a trial.
    pub fn hear(&mut self, trial: &Trial, result: &CaseResult, rig: &Rig) {
        let outcome = outcome(trial, result, rig);
        if let Some(outcome) = outcome {
            self.changes.hear(trial.value, outcome);
        }
        let is_plain = matches!(outcome, Some(Aftermath::Unchanged | Aftermath::Reset));
        let reason = if is_plain { String::new() } else { result.reason.clone() };
        self.cuts.push(Cut { number: trial.number, at: trial.value, outcome, reason });
    }
}

/// What became of the lock, by the parts of its case: all or nothing, and which of the two.
fn outcome(trial: &Trial, result: &CaseResult, rig: &Rig) -> Option<Aftermath> {
    match result.verdict {
        Verdict::Pass | Verdict::Fail => {}
        Verdict::Error | Verdict::Inconclusive | Verdict::NotApplicable | Verdict::Aborted => return None,
    }
    let (which, others): (Vec<_>, Vec<_>) = result.parts.iter().partition(|part| part.name == NOTHING_LEFT);
    if others.iter().any(|part| part.verdict == Verdict::Fail) {
        // Whatever fails once the lock was set up is what the cut did.
        let is_by_cut = trial.failed_where(result, rig, |stage| stage != Stage::Arrange);
        return is_by_cut.then_some(Aftermath::Neither);
    }
    let is_either = others.iter().any(|part| part.name == ALL_OR_NOTHING);
    if !is_either || others.iter().any(|part| part.verdict != Verdict::Pass) {
        return None;
    }
    match which.first()?.verdict {
        Verdict::Pass => Some(Aftermath::Reset),
        Verdict::Fail => Some(Aftermath::Unchanged),
        Verdict::Error | Verdict::Inconclusive | Verdict::NotApplicable | Verdict::Aborted => None,
    }
}
