//! What to do with a lock that somebody complains of: simple remedies first, then every reset that it has, and from that what
//! a support agent should advise. Each check is a case like any other, with evidence.
//!
//! Each begins with a lock that was reset and set up, so what fails then no reset will mend. Deliberately absent: a lock
//! that keeps what is in it. Whoever has a lock triaged has it reset.

use crate::engine::CaseResult;
use crate::lock::{Method, named_enum};
use crate::rig::Rig;
use crate::scenario::ast::Model;
use crate::verdict::Verdict;

use super::trial::Trial;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It takes what is stored in it.
    Use,
    /// It still does after a restart.
    Restart,
    /// It still does with fresh batteries.
    FreshBattery,
    /// It still does once the hub has asked it again and again.
    HubSync,
    /// A reset by this method erases what it should, restarts bring nothing back, and it can be set up again.
    Reset(Method),
}

named_enum! {
    /// What to advise.
    Advice {
        /// Everything that could be tried works.
        Works = "works",
        /// It works, and not each of its resets does.
        Resettable = "resettable",
        /// It does not work even after a reset, or no reset that its owner can make works.
        Repair = "needs repair or replacement",
        /// Only the maker can say or do more.
        Maker = "call the maker",
        /// What could be tried says too little.
        Unclear = "not clear",
    }
}

/// A check that was made, or why it was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What was tried.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub reason: String,
    /// What stays after the reset, as the manual documents.
    pub stays: Vec<String>,
}

impl Check {
    /// What is tried, in the words of whoever is told.
    pub fn described(self) -> String {
        match self {
            Self::Use => "what is set up in it works".to_owned(),
            Self::Restart => "it still works after a restart".to_owned(),
            Self::FreshBattery => "it still works with fresh batteries".to_owned(),
            Self::HubSync => "it still works after the hub asked for its status again and again".to_owned(),
            Self::Reset(method) => {
                format!("a reset by {method} erases what it should, and it can be set up again")
            }
        }
    }

    fn steps(self) -> (&'static str, &'static str) {
        match self {
            Self::Use => ("wait: 5 s", "unchanged"),
            Self::Restart => ("restart: {off: 3 s}", "unchanged"),
            Self::FreshBattery => ("restart: {off: 1 min, cells: true}", "unchanged"),
            Self::HubSync => (
                "repeat: {times: 3, steps: [ask: {hub: status, role: owner, within: 10 s}, wait: 5 s]}",
                "unchanged",
            ),
            // What an erase has only in working memory, or counts starts, comes back with one of them.
            Self::Reset(_) => (
                "reset\n  - wait: 20 s\n  - restart: {off: 30 s}\n  - restart: {off: 3 s}\n  - restart: {off: 3 s}",
                "erased: all\n  - factory_state\n  - recommission",
            ),
        }
    }

    /// The method whose procedure it is, or for want of one the model's baseline.
    fn method(self, model: &Model) -> Option<Method> {
        match self {
            Self::Reset(method) => Some(method),
            Self::Use | Self::Restart | Self::FreshBattery | Self::HubSync => model.baseline,
        }
    }
}

/// The checks of a model, simple ones first, and those of the maker last.
pub fn checks(model: &Model) -> Vec<Check> {
    let known = model.methods.iter().filter(|(_, fact)| fact.known().is_some()).map(|(method, _)| *method);
    let (makers, own): (Vec<Method>, Vec<Method>) = known.partition(|method| is_makers(*method));
    let simple = [Check::Use, Check::Restart, Check::FreshBattery, Check::HubSync];
    simple.into_iter().chain(own.into_iter().chain(makers).map(Check::Reset)).collect()
}

/// Whether only the maker can begin a reset.
fn is_makers(method: Method) -> bool {
    match method {
        Method::Manufacturer => true,
        Method::Button | Method::Keypad | Method::App | Method::Hub | Method::Knob => false,
    }
}

/// The case of a check; or why there is none on this rig.
///
/// # Errors
/// The case is not what the language permits, as a text for people.
pub fn trial(
    model: &Model,
    check: Check,
    number: usize,
    rig: &Rig,
) -> Result<Result<Trial, Checked>, String> {
    let not = |reason: String| Checked { check, verdict: Verdict::NotApplicable, reason, stays: Vec::new() };
    let Some(method) = check.method(model) else {
        return Ok(Err(not("the model has no baseline to begin from".to_owned())));
    };
    let (act, expected) = check.steps();
    let text = format!(
        "scenario: {}\ntitle: Triage - {}\nmethods: [{method}]\narrange:\n  \
         - provision: {{user_codes: 2, app: paired, hub: paired, master: set}}\n  - prove: provisioned\nact:\n  \
         - {act}\nexpect:\n  - {expected}\n",
        Trial::id(number),
        check.described()
    );
    let trial = Trial::new(number, 0.0, (model, method), text)?;
    Ok(match trial.obstacle(rig, &[]) {
        Some(reason) => Err(not(reason)),
        None => Ok(trial),
    })
}

/// What came of a check.
pub fn checked(check: Check, result: &CaseResult) -> Checked {
    let stays = result.deviations.clone();
    Checked { check, verdict: result.verdict, reason: result.reason.clone(), stays }
}

/// What to advise after these checks.
pub fn advice(all: &[Checked]) -> Advice {
    let resets = |makers: bool| {
        all.iter().filter(move |one| matches!(one.check, Check::Reset(method) if is_makers(method) == makers))
    };
    let others = || all.iter().filter(|one| !matches!(one.check, Check::Reset(_)));
    let is = |verdict: Verdict| move |one: &Checked| one.verdict == verdict;
    // A rig that failed, or a proof that could not be made, says nothing of a lock.
    let is_unclear = |one: &Checked| match one.verdict {
        Verdict::Error | Verdict::Inconclusive | Verdict::Aborted => true,
        Verdict::Pass | Verdict::Fail | Verdict::NotApplicable => false,
    };
    let own_pass = resets(false).any(is(Verdict::Pass));
    if others().any(is(Verdict::Fail)) {
        Advice::Repair
    } else if all.iter().any(is_unclear) {
        Advice::Unclear
    } else if own_pass && resets(false).any(is(Verdict::Fail)) {
        Advice::Resettable
    } else if own_pass {
        Advice::Works
    } else if resets(true).any(is(Verdict::Pass)) {
        Advice::Maker
    } else if resets(false).chain(resets(true)).any(is(Verdict::Fail)) {
        Advice::Repair
    } else {
        // None of its resets could be tried here.
        Advice::Unclear
    }
}
