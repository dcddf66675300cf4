//! The language: models, procedures and scenarios from YAML, checked, and expanded into cases.
//!
//! Deliberately absent: the file system (sources come in as text), rigs, and playing.

pub mod alter;
pub mod ast;
pub mod clauses;
mod expand;
mod library;
mod lower;
mod names;
mod phrase;
mod plan;
mod point;
mod program;
mod script;
mod shape;
mod syntax;

pub use expand::{PROOF_DIGITS, Planned, Selection, Start, build, expand, find_case, why};
pub use library::Library;
pub use plan::Plan;
pub use program::{
    ALL_OR_NOTHING, Action, Content, Expected, Mark, NOTHING_LEFT, Origin, Part, Presence, Probe, Program,
    Rule, Since, Stage, Step, Weight, all,
};

pub use script::{Line, script};
pub use shape::{model_schema, scenario_schema};
