//! Clauses that a scenario may name as evidence for: what they require in our words, where that stands, and how far a rig
//! can show it. The one place for all of them; `lockrig list clauses` and every report read it.
//!
//! Deliberately absent: any clause of which nothing was read. `mark` says what was: the text itself (`primary`), somebody's
//! account of it (`secondary`), or neither of late (`memory`).

use crate::lock::Obligation;

/// One clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// By which scenarios name it.
    pub id: &'static str,
    /// What it requires, in our words.
    pub requirement: &'static str,
    /// Where it stands, with its edition.
    pub text: &'static str,
    /// What was read of it: `primary`, `secondary` or `memory`.
    pub mark: &'static str,
    /// How binding it is.
    pub obligation: Obligation,
    /// What a rig shows of it.
    pub shows: &'static str,
    /// What stays with a person.
    pub person: &'static str,
}

const ETSI: &str = "ETSI EN 303 645 V3.1.3 (2024-09)";
const CRA: &str = "Regulation (EU) 2024/2847 (Cyber Resilience Act), Annex I Part I (2)";

/// All of them.
pub const ALL: &[Clause] = &[
    Clause {
        id: "etsi-en-303-645/5.11-1",
        requirement: "user data, configuration and keys can be erased simply",
        text: ETSI,
        mark: "secondary",
        obligation: Obligation::Mandatory,
        shows: "every kind of data that the lock holds is stored, reset and looked for again",
        person: "whether the way to do it is simple",
    },
    Clause {
        id: "etsi-en-303-645/5.11-2",
        requirement: "personal data can be removed from associated services",
        text: ETSI,
        mark: "secondary",
        obligation: Obligation::Recommended,
        shows: "that hub and app no longer have the lock, as far as it tells them",
        person: "what the maker's own servers keep",
    },
    Clause {
        id: "etsi-en-303-645/5.11-3",
        requirement: "clear instructions how to delete personal data",
        text: ETSI,
        mark: "secondary",
        obligation: Obligation::Recommended,
        shows: "that the steps of the manual, followed to the letter, reset the lock",
        person: "whether the instructions are clear",
    },
    Clause {
        id: "etsi-en-303-645/5.11-4",
        requirement: "clear confirmation that personal data were deleted",
        text: ETSI,
        mark: "secondary",
        obligation: Obligation::Recommended,
        shows: "the lights, sounds and messages after a reset, against the manual",
        person: "whether the confirmation is clear",
    },
    Clause {
        id: "etsi-en-303-645/5.1",
        requirement: "no universal default passwords",
        text: ETSI,
        mark: "memory",
        obligation: Obligation::Conditional,
        shows: "that published codes open nothing once the lock is set up",
        person: "whether the default codes of two samples differ",
    },
    Clause {
        id: "etsi-en-303-645/5.3",
        requirement: "software is kept updated: no downgrade by a reset",
        text: ETSI,
        mark: "memory",
        obligation: Obligation::Mixed,
        shows: "that the firmware in memory is the same after a reset, where a probe is wired",
        person: "how the software is updated",
    },
    Clause {
        id: "etsi-en-303-645/5.5",
        requirement: "secure communication",
        text: ETSI,
        mark: "memory",
        obligation: Obligation::Mixed,
        shows: "that whoever is not paired, or has no right to, is not obeyed",
        person: "the cryptography",
    },
    Clause {
        id: "etsi-en-303-645/5.9-2",
        requirement: "recovers cleanly after loss of power or network",
        text: ETSI,
        mark: "secondary",
        obligation: Obligation::Recommended,
        shows: "power cuts, brown-outs and battery changes at any moment of a reset",
        person: "outages of the maker's servers",
    },
    Clause {
        id: "uk-psti/sch1-1",
        requirement: "passwords outside the factory state are unique or set by the user",
        text: "UK SI 2023/1007 (PSTI), Schedule 1, paragraph 1",
        mark: "primary",
        obligation: Obligation::Conditional,
        shows: "that the published default is refused once the lock is set up, also after a reset",
        person: "whether passwords that are unique can be guessed from each other",
    },
    Clause {
        id: "cra/annex-1-2b",
        requirement: "secure default configuration, and reset to the original state",
        text: CRA,
        mark: "primary",
        obligation: Obligation::Conditional,
        shows: "that a reset lock is as it was delivered",
        person: "whether the default configuration is a secure one",
    },
    Clause {
        id: "cra/annex-1-2m",
        requirement: "permanent and simple removal of all data and settings",
        text: CRA,
        mark: "primary",
        obligation: Obligation::Conditional,
        shows: "that nothing of the owner's opens, is listed or lies in memory after a reset, nor comes back",
        person: "whether the way to do it is simple",
    },
    Clause {
        id: "nistir-8425/reset",
        requirement: "authorised entities can restore a secure default and delete data",
        text: "NISTIR 8425 (2022-09)",
        mark: "primary",
        obligation: Obligation::Recommended,
        shows: "who may reset the lock by app, hub and maker, and who may not",
        person: "who is authorised",
    },
    Clause {
        id: "matter/13.4",
        requirement: "a factory reset removes all security- and privacy-related data made after commissioning",
        text: "Matter Core Specification, 13.4",
        mark: "primary",
        obligation: Obligation::Conditional,
        shows: "nothing yet: no case speaks Matter",
        person: "all of it",
    },
    Clause {
        id: "zwave/CL:005A.01.51.01.1",
        requirement: "the controller is told that the node was reset locally",
        text: "Z-Wave Device Reset Locally Command Class, CL:005A.01.51.01.1",
        mark: "secondary",
        obligation: Obligation::Conditional,
        shows: "that the hub is told of a reset at the lock",
        person: "whether the lock resets if nobody can be told",
    },
];

/// A clause by its id.
pub fn find(id: &str) -> Option<&'static Clause> {
    ALL.iter().find(|clause| clause.id == id)
}
