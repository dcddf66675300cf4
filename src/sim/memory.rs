//! What a simulated lock remembers without power.

use std::collections::{BTreeMap, BTreeSet};

use crate::unit::Duration;

/// Persistent storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// User codes by slot.
    pub codes: BTreeMap<u64, String>,
    /// The master code, if it is not the factory's.
    pub master: Option<String>,
    /// Roles bound through the app.
    pub app: BTreeSet<String>,
    /// Whether the hub is bound.
    pub hub: bool,
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
    /// Dead for good.
    pub dead: bool,
    /// The maker's proof was used: it is good for one reset.
    pub proof_used: bool,
    /// How often the hub asked.
    pub asked: u32,
    /// The reset was done at least once.
    pub was_reset: bool,
}

impl Memory {
    pub(super) fn factory() -> Self {
        Self { handed: true, fresh: true, ..Self::default() }
    }
}
