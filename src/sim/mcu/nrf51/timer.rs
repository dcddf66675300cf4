//! Timers: a count, and four values with which it is compared.
//!
//! Source: nRF51 Series Reference Manual 3.0.1, chapter 18.

use super::NEVER;

/// One timer. It counts cycles, divided by a power of two.
#[derive(Clone, Debug, Default)]
pub(super) struct Timer {
    runs: bool,
    /// The count at a time, in cycles.
    count: u32,
    since: u64,
    prescaler: u32,
    bits: u32,
    compare: [u32; 4],
    events: [bool; 4],
    shorts: u32,
    enabled: u32,
}

impl Timer {
    fn shift(&self) -> u32 {
        self.prescaler.min(9)
    }

    fn mask(&self) -> u32 {
        match self.bits {
            0 => 0xffff,
            1 => 0xff,
            2 => 0xff_ffff,
            _ => u32::MAX,
        }
    }

    /// How often it has counted since the count was noted.
    fn counted(&self, now: u64) -> u64 {
        if self.runs { now.saturating_sub(self.since) >> self.shift() } else { 0 }
    }

    /// Notes the count as it stands; how far the next is away stays as it was.
    fn rebase(&mut self, now: u64) {
        let counted = self.counted(now);
        self.count = self.count.wrapping_add(counted as u32) & self.mask();
        self.since += counted << self.shift();
    }

    fn clear(&mut self, now: u64) {
        (self.count, self.since) = (0, now);
    }

    /// When it reaches a value next. One that it stands at is reached again only once it was all around.
    fn reaches(&self, channel: usize) -> u64 {
        if !self.runs {
            return NEVER;
        }
        let ahead = self.compare[channel].wrapping_sub(self.count) & self.mask();
        let ahead = if ahead == 0 { u64::from(self.mask()) + 1 } else { ahead.into() };
        self.since.saturating_add(ahead << self.shift())
    }

    /// When it reaches any.
    pub(super) fn next(&self) -> u64 {
        (0..4).map(|channel| self.reaches(channel)).min().unwrap_or(NEVER)
    }

    /// Notes what it has reached by now.
    pub(super) fn advance(&mut self, now: u64) {
        loop {
            let at = self.next();
            if at > now {
                return;
            }
            let reached = [0, 1, 2, 3].map(|channel| self.reaches(channel) == at);
            self.rebase(at);
            for channel in (0..4).filter(|channel| reached[*channel]) {
                self.events[channel] = true;
                if self.shorts >> channel & 1 == 1 {
                    self.clear(at);
                }
                if self.shorts >> (channel + 8) & 1 == 1 {
                    self.runs = false;
                }
            }
        }
    }

    /// Whether it asks for an interrupt.
    pub(super) fn interrupts(&self) -> bool {
        (0..4).any(|channel| self.events[channel] && self.enabled >> (16 + channel) & 1 == 1)
    }

    pub(super) fn read(&self, offset: u32) -> u32 {
        let channel = (offset as usize >> 2) & 3;
        match offset {
            0x140..=0x14c => self.events[channel].into(),
            0x200 => self.shorts,
            0x304 | 0x308 => self.enabled,
            0x508 => self.bits,
            0x510 => self.prescaler,
            0x540..=0x54c => self.compare[channel],
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64) {
        let channel = (offset as usize >> 2) & 3;
        self.rebase(now);
        match offset {
            0x000 if !self.runs => (self.runs, self.since) = (true, now),
            0x004 => self.runs = false,
            0x00c => self.clear(now),
            0x040..=0x04c => self.compare[channel] = self.count,
            0x140..=0x14c => self.events[channel] = value != 0,
            0x200 => self.shorts = value,
            0x304 => self.enabled |= value,
            0x308 => self.enabled &= !value,
            0x508 => self.bits = value & 3,
            0x510 => self.prescaler = value & 15,
            0x540..=0x54c => self.compare[channel] = value & self.mask(),
            _ => {}
        }
    }
}
