//! The reset button: held long enough, or not.

use crate::clock::{Time, since};

const HOLD_MS: u32 = if cfg!(feature = "short-threshold") { 9_800 } else { 10_000 };

pub struct Button {
    down_since: Option<Time>,
    /// It has had its effect; it has to be let go first.
    is_spent: bool,
}

impl Button {
    pub const fn new() -> Self {
        Self { down_since: None, is_spent: false }
    }

    /// True from when it was held without a break for so long, until it is spent.
    pub fn tick(&mut self, now: Time, is_down: bool) -> bool {
        if !is_down {
            *self = Self::new();
            return false;
        }
        let down_since = *self.down_since.get_or_insert(now);
        !self.is_spent && since(now, down_since) >= HOLD_MS
    }

    pub fn spend(&mut self) {
        self.is_spent = true;
    }
}
