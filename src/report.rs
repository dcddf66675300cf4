//! Views of a finished run folder: HTML, PDF, JUnit, CSV and JSON lines.
//!
//! Computed from the folder alone. Deliberately absent: playing, and any decision about a
//! verdict; text from a lock is escaped here and believed nowhere.

mod again;
mod case;
mod clauses;
mod excerpt;
mod findings;
mod html;
mod junit;
mod page;
mod pdf;
mod summary;
mod sweep;
mod table;
mod threshold;
mod timeline;
mod triage;

pub use again::{Views, altered, are_own};
pub use excerpt::excerpt;
pub use findings::{Finding, Key, findings, key};
pub use html::html;
pub use junit::{junit, junit_with_attachments};
pub use pdf::pdf;
pub use summary::{Matrix, Summary, UNTRIED, overall, told};
pub use sweep::{SweepCut, SweepPage, sweep};
pub use table::{csv, json};
pub use threshold::{ThresholdPage, ThresholdTrial, threshold};
pub use triage::{TriagePage, triage};
