//! How a scenario alters a reset: it changes what the model says is decisive, and never a brand's steps.

use crate::unit::{Duration, Ratio};

/// What is with the bolt while a lock is reset, or while codes are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bolt {
    /// It can't move: the strike is blocked.
    Jammed,
    /// The motor throws it.
    Moving,
}

/// Which key of what is typed is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongKey {
    /// The one at this position, from 1.
    At(u32),
    /// Each in a case of its own.
    Every,
}

/// How a scenario alters the method's decisive quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct But {
    /// The hold lasts this share of its decisive length.
    pub hold: Option<Ratio>,
    /// The second hold does.
    pub then_hold: Option<Ratio>,
    /// What is held is let go for so long, in the middle of the hold.
    pub let_go: Option<Duration>,
    /// The contact closes so many times more before it stays closed.
    pub bounces: Option<u32>,
    /// The pause does.
    pub gap: Option<Ratio>,
    /// So many presses more, or fewer.
    pub presses: Option<i32>,
    /// A key is another one.
    pub wrong_key: Option<WrongKey>,
    /// So many of the last keys are not typed.
    pub missing_keys: Option<u32>,
    /// Before the last key nothing is typed for so long.
    pub pause: Option<Duration>,
    /// The maker's proof was used before.
    pub used_proof: bool,
    /// What is with the bolt meanwhile.
    pub bolt: Option<Bolt>,
    /// The turn is this share of its decisive angle.
    pub rotation: Option<Ratio>,
    /// This factor has a level at which the method does not work.
    pub without: Option<&'static str>,
    /// Power is cut at these shares of the confirmation window.
    pub cut_power_at: Vec<Ratio>,
    /// To this share of the nominal voltage; to nothing if not said.
    pub cut_to: Option<Ratio>,
}

impl But {
    /// Whether the act is the model's own procedure, unaltered.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the altered act is no reset any more.
    pub fn is_negative(&self) -> bool {
        let short = |ratio: Option<Ratio>| ratio.is_some_and(|r| r < Ratio::WHOLE);
        let long = |ratio: Option<Ratio>| ratio.is_some_and(|r| r > Ratio::WHOLE);
        short(self.hold)
            || short(self.then_hold)
            || short(self.rotation)
            || long(self.gap)
            || self.presses.is_some_and(|n| n < 0)
            || self.let_go.is_some()
            || self.wrong_key.is_some()
            || self.missing_keys.is_some()
            || self.pause.is_some()
            || self.used_proof
            || self.bolt.is_some()
            || self.without.is_some()
            || !self.cut_power_at.is_empty()
    }
}
