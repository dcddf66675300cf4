//! The process that owns every physical output, and its client.
//!
//! `core` decides and knows no clock, socket or board; `process` is the second process around it;
//! `client` starts that process, listens to it, and takes its outputs over when it dies or hangs; `control` is how
//! anybody else finds a guard and makes it stop.
//!
//! Deliberately absent: async, channels of the lock, and any level but energised or not: without
//! power is always safe.

mod client;
mod control;
mod core;
mod link;
mod outputs;
mod process;
mod protocol;

pub use client::{Client, GuardError};
pub use control::service_sockets;
pub use core::{Core, Effect, Trip};
pub use outputs::force_safe;
pub use process::{serve_parent, serve_socket};
pub use protocol::{Edge, Event, Limits, OutputSpec, Program, Refusal, Setup, When};

use crate::unit::Duration;

/// A client that is silent for so long is taken for dead, and so is a guard.
pub const SILENCE: Duration = Duration::milliseconds(200);

/// How often each tells the other that it lives.
pub const BEAT: Duration = Duration::milliseconds(50);
