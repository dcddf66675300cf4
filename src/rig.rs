//! Rig files: what is wired to what, limits, and what a device must be able to do.
//!
//! Deliberately absent: drivers and peers themselves; a rig file describes, they act.

mod device;
mod file;

pub use device::{Fault, Hello, LockstepDevice, Ran, Ready, maker_proof};
pub use file::{Device, Rig, load};
