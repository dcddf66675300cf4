//! The players that join engine, device and evidence, and replay; and the emulated lock for other programs.
//!
//! Deliberately absent: the terminal, and how a report looks. `lockstep` plays in virtual time
//! and reads no wall clock; the session's only clock decides when to make evidence durable.

mod catalogue;
mod characterize;
mod contain;
mod conversation;
mod explore;
mod fit;
mod health;
mod live;
mod lives;
mod lockstep;
mod mutants;
mod offer;
mod realtime;
mod recover;
mod replay;
mod schedule;
mod score;
mod selftest;
mod sense;
mod session;
mod stimulus;
mod sweep;
mod tally;
mod triage;
mod trial;
mod vault;

pub use catalogue::{catalogue, codes, unshown};
pub use characterize::{Answer, Heard, Quantity, Trials};
pub use contain::{OwnFault, contain};
pub use explore::{Ended, Explored, Explorer, Found, Purpose, Round, is_unclear, methods};
pub use fit::{gaps, start_of};
pub use health::Health;
pub use live::{Live, Watched};
pub use lives::{FirstLife, first_life};
pub use lockstep::{Interrupt, Played, play};
pub use mutants::{Fate, Hunted, Shown, hunt};
pub use offer::{Offer, Offered, Place};
pub use recover::recover;
pub use replay::{Again, ReplayError, Replayed, replay, selection};
pub use score::{Alarm, Caught, FirstAlarm, Specimen, alarms, false_alarms, must_catch, score};
pub use selftest::{Clicked, Followed, selftest};
pub use session::{Event, Prepared, Session, SessionError, case_seed};
pub use sweep::{Cut, Sweep};
pub use triage::{Advice, Check, Checked, advice, checked, checks, trial};
pub use trial::{STUCK, Trial};
pub use vault::{Overheard, Vault};
