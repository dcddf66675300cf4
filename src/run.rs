//! The players that join engine, device and evidence, and replay.
//!
//! Deliberately absent: the terminal, and how a report looks. `lockstep` plays in virtual time
//! and reads no wall clock; the session's only clock decides when to make evidence durable.

mod conversation;
mod live;
mod lockstep;
mod realtime;
mod replay;
mod sense;
mod session;
mod stimulus;
mod vault;

pub use live::Live;
pub use lockstep::{Interrupt, Played, play};
pub use replay::{Replayed, replay};
pub use session::{Event, Session, SessionError, case_seed, start_of};
pub use vault::Vault;
