//! What is known of a lock's memory: where a debug port leads, and how the firmware keeps a code.

use std::sync::Arc;

use super::named_enum;

named_enum! {
    /// What a debug port of the lock as it is sold does.
    DebugPort {
        /// Memory can be read through it.
        Open = "open",
        /// It refuses to read memory.
        Closed = "closed",
    }
}

/// The memory of a lock's microcontroller, as its maker documents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    /// Which microcontroller, as a probe's software names it.
    pub chip: Arc<str>,
    /// What its debug port does.
    pub port: DebugPort,
    /// Where something of an owner can be, by name.
    pub regions: Vec<Region>,
    /// How codes are kept, if they are kept as salted digests.
    pub salted: Option<SaltedDigest>,
}

/// Addresses that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it is called: `settings`, `ram`.
    pub name: Arc<str>,
    /// Its first address.
    pub from: u32,
    /// The address after its last.
    pub to: u32,
}

/// A code that is kept as salt and digest: the salt, and right after it the SHA-256 of the salt and the code's
/// digits in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaltedDigest {
    /// Length of the salt.
    pub salt_bytes: u8,
}
