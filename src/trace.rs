//! What happened on the lock: channels, values, timeline, light and beep patterns, VCD.
//!
//! Deliberately absent: verdicts, drivers, and any clock; every time comes in from outside.

mod channel;
mod contact;
mod pattern;
mod recognition;
mod timeline;
mod train;
mod value;
pub mod vcd;

pub use channel::{Channel, ChannelPattern, Direction, Form, Traits};
pub use contact::Contact;
pub use pattern::{Judgement, Length, Phase, PulsePattern, TRAILING};
pub use recognition::Recognition;
pub use timeline::{Edge, Timeline};
pub use train::{GLITCH, Pulse, Train};
pub use value::{
    Argument, Found, Handle, Keystroke, MAX_FOUND, MAX_TEXT_BYTES, On, Reason, Request, Response, Value,
    ValueError,
};
