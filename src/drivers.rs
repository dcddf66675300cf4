//! What the boards on a bench are and do: one file a family of devices.
//!
//! Deliberately absent: what a line means for the lock (the wiring says that), and any reaction of
//! its own: whoever calls a driver decides.

pub mod access;
pub mod clock;
pub mod console;
mod gpio;
pub mod input;
pub mod output;
pub mod ports;
pub mod probe;
pub mod program;
