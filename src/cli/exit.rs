//! Exit codes.

use std::process::{ExitCode, Termination};

use crate::evidence::Counts;
use crate::verdict::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything passed.
    Pass,
    /// A lock failed.
    Failed,
    /// Bad usage or files.
    Usage,
    /// Rig error, inconclusive, aborted, disk full.
    Unproven,
    /// Evidence does not verify, or replay disagrees.
    Evidence,
    /// Interrupted.
    Interrupted,
}

/// What help and manual pages say of them.
pub(super) const CODES: &str = "Exit codes: 0 all pass, 1 a lock failed, 2 bad usage or files, 3 rig error, inconclusive or aborted, 4 evidence does not verify or replay disagrees, 130 interrupted";

impl Exit {
    /// The documented number.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unproven => 3,
            Self::Evidence => 4,
            Self::Interrupted => 130,
        }
    }

    /// What a run's verdicts come to; a failed lock outranks what could not be told.
    pub fn of(counts: &Counts) -> Self {
        let any = |verdict| counts.of(verdict) > 0;
        if any(Verdict::Fail) {
            Self::Failed
        } else if any(Verdict::Error) || any(Verdict::Inconclusive) || any(Verdict::Aborted) {
            Self::Unproven
        } else if any(Verdict::Pass) {
            Self::Pass
        } else {
            // A run that executed no case proves nothing.
            Self::Unproven
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
