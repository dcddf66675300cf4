//! The watchdog: once it was started, a firmware that does not come back to it in time is reset.
//!
//! Source: nRF51 Series Reference Manual 3.0.1, chapter 24.

use super::{HZ, NEVER};

/// Its clock, in counts a second.
const RATE: u64 = 32_768;
/// What shows that the firmware still runs.
const RELOAD: u32 = 0x6e52_4635;

/// The watchdog.
#[derive(Clone, Debug)]
pub(in crate::sim::mcu) struct Watchdog {
    /// When it runs out, in cycles, if it was started.
    ends: Option<u64>,
    /// What it counts down from.
    counts: u32,
    /// Whether it counts while a debugger halts the core.
    counts_halted: bool,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { ends: None, counts: u32::MAX, counts_halted: false }
    }
}

impl Watchdog {
    /// When it runs out.
    pub(super) fn next(&self) -> u64 {
        self.ends.unwrap_or(NEVER)
    }

    /// Whether it has run out by now.
    pub(in crate::sim::mcu) fn is_out(&self, now: u64) -> bool {
        self.next() <= now
    }

    /// A debugger halts the core for so many cycles.
    pub(super) fn pause(&mut self, cycles: u64) {
        if !self.counts_halted {
            self.ends = self.ends.map(|ends| ends.saturating_add(cycles));
        }
    }

    fn length(&self) -> u64 {
        (u64::from(self.counts) + 1) * HZ / RATE
    }

    pub(super) fn read(&self, offset: u32) -> u32 {
        match offset {
            0x400 => self.ends.is_some().into(),
            0x504 => self.counts,
            0x50c => 1 | u32::from(self.counts_halted) << 3,
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64) {
        match offset {
            0x000 if self.ends.is_none() => self.ends = Some(now + self.length()),
            // Once it runs nothing changes it.
            0x504 if self.ends.is_none() => self.counts = value,
            0x50c if self.ends.is_none() => self.counts_halted = value >> 3 & 1 == 1,
            0x600 if self.ends.is_some() && value == RELOAD => self.ends = Some(now + self.length()),
            _ => {}
        }
    }
}
