//! What one line of the journal says.

use std::sync::Arc;

use crate::engine::{CaseResult, Record};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

use super::manifest::{DeviceIdentity, Manifest};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// First line of a run: `run.json` as it was when the run began.
    Run(Box<Manifest>),
    /// A case begins.
    Begin {
        /// Seed of its device.
        seed: u64,
    },
    /// The device is ready.
    Ready(DeviceIdentity),
    /// The engine set a channel.
    Command {
        /// Number of the command.
        id: u64,
        /// Where.
        channel: Channel,
        /// To what.
        value: Value,
        /// When it was achieved, if that is known already.
        achieved_ns: Option<Instant>,
    },
    /// A command was achieved later.
    Achieved {
        /// Number of the command.
        id: u64,
    },
    /// When the case began by other clocks.
    Clock {
        /// In UTC, as this machine has it.
        utc: String,
        /// On the machine's monotonic clock, which stamps edges.
        monotonic_ns: u64,
    },
    /// A contact that is read back closed or opened.
    Sensed {
        /// Output.
        output: String,
        /// Closed.
        closed: bool,
    },
    /// A hold ended.
    Hold {
        /// What was held.
        channel: Channel,
        /// When it began.
        begin_ns: Instant,
        /// How long it was commanded, if that was known beforehand.
        commanded_ns: Option<Duration>,
        /// How long it lasted by the edges of its outputs.
        achieved_ns: Duration,
        /// Expanded uncertainty (k = 2) of that.
        uncertainty_ns: Duration,
    },
    /// A hold ended by the contact that is read back.
    SensedHold {
        /// Output.
        output: String,
        /// How long it lasted.
        sensed_ns: Duration,
        /// Expanded uncertainty (k = 2) of that.
        uncertainty_ns: Duration,
    },
    /// The lock showed something.
    Signal {
        /// Where.
        channel: Channel,
        /// What.
        value: Value,
    },
    /// What the lock said just now had a secret in it, in plain digits.
    Told {
        /// Where.
        channel: Channel,
        /// Its name.
        secret: String,
    },
    /// Time passed, and all signals up to the horizon were handed in.
    Advance {
        /// The horizon.
        horizon_ns: Instant,
    },
    /// What the engine says about a step, a part or a measurement.
    Record(Record),
    /// A line that the peer wrote to standard error.
    Stderr {
        /// The line.
        line: String,
    },
    /// The player ended the case.
    Stop {
        /// As what.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// The case ended.
    End(Box<CaseResult>),
    /// Everything before this line is durable.
    Commit {
        /// Hash of everything before it.
        chain: String,
    },
}

/// A line that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a journal entry: {0}")]
pub struct EntryError(pub String);

/// An entry with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalLine {
    /// Time in the case.
    pub at: Instant,
    /// Case id; empty for the run.
    pub case: Arc<str>,
    /// What happened.
    pub entry: Entry,
}

/// Whether a text can be a case id: it becomes a file name, and nothing that leads elsewhere is one.
pub(super) fn is_case_id(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '=' | '.' | '%');
    text.len() <= 250 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(safe)
}
