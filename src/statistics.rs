//! What trials say: where a threshold lies or an answer changes, how large a proportion is, and how sure that is.
//!
//! Deliberately absent: what is tried, and any clock or chance: the same answers give the same numbers.

mod changes;
mod proportion;
mod threshold;

pub use changes::{Changes, Gap};
pub use proportion::{interval, success_run, wilson};
pub use threshold::{Estimate, Threshold};
