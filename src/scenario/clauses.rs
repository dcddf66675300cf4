//! Clauses that a scenario may name as evidence for, in our words.
//!
//! Sources: ETSI EN 303 645, UK PSTI SI 2023/1007, Regulation (EU) 2024/2847 (Cyber Resilience
//! Act), NISTIR 8425, Matter Core Specification. Deliberately absent: any clause whose text was
//! not read.

/// Identifier and requirement.
pub const ALL: &[(&str, &str)] = &[
    ("etsi-en-303-645/5.11-1", "user data, configuration and keys can be erased simply"),
    ("etsi-en-303-645/5.11-2", "personal data can be removed from associated services"),
    ("etsi-en-303-645/5.11-3", "clear instructions how to delete personal data"),
    ("etsi-en-303-645/5.11-4", "clear confirmation that personal data were deleted"),
    ("etsi-en-303-645/5.1", "no universal default passwords"),
    ("etsi-en-303-645/5.3", "software is kept updated: no downgrade by a reset"),
    ("etsi-en-303-645/5.5", "secure communication"),
    ("etsi-en-303-645/5.9-2", "recovers cleanly after loss of power or network"),
    ("uk-psti/sch1-1", "passwords outside the factory state are unique or set by the user"),
    ("cra/annex-1-2b", "secure default configuration, and reset to the original state"),
    ("cra/annex-1-2m", "permanent and simple removal of all data and settings"),
    ("nistir-8425/reset", "authorised entities can restore a secure default and delete data"),
    (
        "matter/13.4",
        "a factory reset removes all security- and privacy-related data made after commissioning",
    ),
    ("zwave/CL:005A.01.51.01.1", "the controller is told that the node was reset locally"),
];

/// The requirement of a clause.
pub fn title(id: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == id).map(|(_, title)| *title)
}
