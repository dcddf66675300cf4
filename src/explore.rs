//! Exploring a lock: lives that nobody wrote, drawn at random from what its model permits, and made shorter once one
//! shows a failure. A life is written in the language, so that whatever is found is an ordinary scenario.
//!
//! Deliberately absent: playing. What a lock should hold after each deed is `belief`'s, and a wrong lock is told by the
//! claims that every scenario has.

mod coverage;
mod deed;
mod draw;
mod life;
mod shrink;

pub use coverage::{Coverage, Reached};
pub use deed::{Deed, Kind};
pub use draw::{Drawing, Permitted};
pub use life::Life;
pub use shrink::Shrinking;
