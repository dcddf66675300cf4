//! What happened on the lock: channels, values, timeline, light and beep patterns, VCD.
//!
//! Deliberately absent: verdicts, drivers, and any clock; every time comes in from outside.

mod channel;
mod pattern;
mod timeline;
mod value;
pub mod vcd;

pub use channel::{Channel, ChannelPattern};
pub use pattern::{GLITCH, Judgement, Length, Phase, Pulse, PulsePattern, TRAILING, pulses};
pub use timeline::{Edge, Timeline};
pub use value::{Argument, Handle, Keystroke, MAX_TEXT_BYTES, Request, Response, Value, ValueError};
