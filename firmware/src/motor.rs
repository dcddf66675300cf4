//! The motor of the bolt.

use crate::clock::{Time, since};

/// If the bolt jams, the motor must not burn.
const LONGEST_MS: u32 = 1500;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    Stands,
    Opens,
    Closes,
}

pub struct Motor {
    drive: Drive,
    began: Time,
}

impl Motor {
    pub const fn new() -> Self {
        Self { drive: Drive::Stands, began: 0 }
    }

    pub fn begin(&mut self, now: Time, drive: Drive) {
        *self = Self { drive, began: now };
    }

    /// Stops it once the bolt is where it should be, or after too long.
    pub fn tick(&mut self, now: Time, bolt_is_open: bool, bolt_is_thrown: bool) -> Drive {
        let has_arrived = match self.drive {
            Drive::Stands => true,
            Drive::Opens => bolt_is_open,
            Drive::Closes => bolt_is_thrown,
        };
        if has_arrived || since(now, self.began) >= LONGEST_MS {
            self.drive = Drive::Stands;
        }
        self.drive
    }
}
