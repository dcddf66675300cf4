//! Time, voltage, current, angle, ratio and tolerance: exact fixed-point quantities with units. And
//! what text from a lock or a file may hold.
//!
//! Deliberately absent: floating point (results must be byte-identical everywhere), clocks, and
//! any quantity without a unit. A bare number where a unit belongs is an error.

mod quantity;
mod text;
mod time;

pub use quantity::{Angle, Current, Quantity, QuantityError, Ratio, Tolerance, Voltage, parse};
pub use text::{counted, is_harmful, visible};
pub use time::{Duration, Instant, Moment, Spoken};
