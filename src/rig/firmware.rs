//! The lock that is emulated, and the names of its images; what stands in them is `sim`'s.

/// Id of the only model that is emulated.
pub const EMULATED_MODEL: &str = "reference";

/// Images of its firmware: the sound one, and variants with one known defect each (`firmware/SPEC.md`).
pub const FIRMWARES: [&str; 11] = [
    "sound",
    "partial-wipe",
    "flag-only-wipe",
    "short-threshold",
    "non-atomic-erase",
    "lockout-in-ram",
    "prefix-compare",
    "confirm-early",
    "remnant-in-spare",
    "old-page-at-low-voltage",
    "forgotten-table",
];
