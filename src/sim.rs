//! Simulated locks in virtual time, and lockstep peers.
//!
//! The locks share vocabulary with `lock` and implement their triggers on their own, from the
//! sources: nothing here reads `scenarios/`, or no test could fail. Deliberately absent: threads
//! (but for the watchdog of a peer) and wall clocks.

mod defect;
mod design;
mod designs;
mod flaw;
mod keypad;
mod lock;
mod memory;
mod mutation;
mod noise;
mod peer;
mod power;
mod radio;
mod recognizer;
mod serve;
mod signals;
mod variation;

pub use defect::Defect;
pub use designs::models;
pub use flaw::Flaw;
pub use lock::SimulatedLock;
pub use mutation::{Change, Mutant, Rule, draw_mutants};
pub use peer::Peer;
pub use serve::serve;
pub use variation::Variation;
