//! A fault of lockrig's own ends its case, and not the run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{CaseResult, Cause};
use crate::verdict::Verdict;

/// lockrig itself failed: what it said, if anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lockrig itself failed in this case; please report it: {0}")]
pub struct OwnFault(String);

impl OwnFault {
    /// How the case ends.
    pub fn result(&self) -> CaseResult {
        CaseResult::unplayed(Verdict::Error, Cause::Lockrig, self.to_string())
    }
}

/// Does `work`, whose panic is a [`OwnFault`]. What it borrowed is then in no state that anybody knows.
///
/// # Errors
/// It panicked.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, OwnFault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        OwnFault(
            said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned(),
        )
    })
}
