//! What a simulated lock remembers without power, and what it forgets with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::trace::Channel;
use crate::unit::{Duration, Instant};

/// How a code was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Keypad,
    /// By app or hub.
    Radio,
}

/// Persistent storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// User codes by slot.
    pub codes: BTreeMap<u64, String>,
    /// How the code of a slot was added last.
    pub sources: BTreeMap<u64, Source>,
    /// Codes that open without being listed.
    pub ghosts: Vec<String>,
    /// Codes that were removed or overwritten.
    pub history: Vec<String>,
    /// Codes that a reset erased and that a fault may bring back.
    pub shelf: BTreeMap<u64, String>,
    /// The master code, if it is not the factory's.
    pub master: Option<String>,
    /// The one before it.
    pub master_before: Option<String>,
    /// Roles bound through the app.
    pub app: BTreeSet<String>,
    /// Whether the hub is bound.
    pub hub: bool,
    /// Roles and hub that the last reset took out.
    pub old_app: BTreeSet<String>,
    pub old_hub: bool,
    /// Radios whose binding a reset took out, until they are bound again.
    pub forgotten: BTreeSet<Channel>,
    /// Wrong codes in a row.
    pub wrong_codes: u8,
    /// What is left of the penalty; counts down only while the lock runs.
    pub penalty: Duration,
    /// An erase was begun and not ended: it is resumed when power returns.
    pub erasing: bool,
    /// The door's hand was taught.
    pub handed: bool,
    /// Nobody set it up yet.
    pub fresh: bool,
    /// Codes that are only hidden.
    pub remnants: Vec<String>,
    /// Codes that the next start brings back.
    pub shadow: BTreeMap<u64, String>,
    /// Who was bound before the reset is obeyed still.
    pub obeyed: bool,
    /// Taken out of its app or hub before.
    pub detached: bool,
    /// Radios whose binding was taken out on request, until they are bound again.
    pub unpaired: BTreeSet<Channel>,
    /// Dead for good.
    pub dead: bool,
    /// The maker's proof was used: it is good for one reset.
    pub proof_used: bool,
    /// How often the hub asked.
    pub asked: u32,
    /// The reset was done at least once.
    pub was_reset: bool,
    /// Starts since then.
    pub starts: u8,
    /// Starts in quick succession, and the last of them.
    pub close_starts: (u8, Instant),
    /// Power was lost while the bolt moved.
    pub lost_bolt: bool,
}

impl Memory {
    pub(super) fn factory() -> Self {
        Self { handed: true, fresh: true, ..Self::default() }
    }
}

/// Working memory of faults: it is lost with the power.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// The last hold was let go shortly before its end.
    pub near_miss: bool,
    /// The button that was just let go had been held far too long.
    pub overlong_hold: bool,
    /// When a button was pressed last.
    pub last_press: Option<Instant>,
    /// There was a lockout.
    pub was_locked_out: bool,
    /// How often somebody who is not bound asked in vain.
    pub refusals: u8,
    /// Codes whose storing was refused.
    pub refused: Vec<(u64, String)>,
    /// Codes that came while it erased.
    pub under_way: Vec<(u64, String)>,
}
