//! Simulated locks in virtual time, a lock with a real firmware on an emulated microcontroller, and lockstep peers.
//!
//! The locks share vocabulary with `lock` and implement their triggers on their own, from the
//! sources: nothing here reads `scenarios/`, or no test could fail. Deliberately absent: threads
//! (but for the watchdog of a peer), wall clocks, and sockets: `run` offers the emulated lock to other programs.

mod defect;
mod design;
mod designs;
mod flaw;
mod glasgow;
mod keypad;
mod lock;
mod mcu;
mod memory;
mod mutation;
mod noise;
mod peer;
mod port_fault;
mod power;
mod radio;
mod recognizer;
mod reference;
mod serve;
mod signals;
mod variation;

pub use defect::Defect;
pub use designs::models;
pub use flaw::Flaw;
pub use glasgow::{Glasgow, Malformed};
pub use lock::SimulatedLock;
pub use mutation::{Change, Mutant, Rule, draw_mutants};
pub use peer::Peer;
pub use port_fault::PortFault;
pub use reference::{ReferenceLock, Relays, firmware_image};
pub use serve::serve;
pub use variation::Variation;
