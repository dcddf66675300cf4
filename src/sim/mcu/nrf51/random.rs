//! The generator of random bytes. A byte is drawn when somebody looks, so that nobody has to wake for those that are
//! never looked at.
//!
//! Sources: nRF51 Series Reference Manual 3.0.1, chapter 20; times: nRF51822 Product Specification 3.4.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::{MICROSECOND, NEVER};

/// A byte takes so long, on average and with its bias corrected.
const BYTE: u64 = 677 * MICROSECOND;

/// The generator.
#[derive(Clone, Debug, Default)]
pub(super) struct Generator {
    /// When the next byte is there, in cycles; nothing while it stands.
    ends: Option<u64>,
    is_done: bool,
    value: u8,
    enabled: u32,
}

impl Generator {
    /// Whether somebody is to be woken by a byte.
    pub(super) fn interrupts(&self) -> bool {
        self.enabled & 1 == 1
    }

    /// When a byte is there that somebody waits for.
    pub(super) fn next(&self) -> u64 {
        self.ends.filter(|_| self.interrupts()).unwrap_or(NEVER)
    }

    /// Whether it asks for an interrupt.
    pub(super) fn is_asking(&self) -> bool {
        self.is_done && self.interrupts()
    }

    /// Draws a byte, if one is there by now; of several the last is what counts.
    pub(super) fn advance(&mut self, now: u64, chance: &mut ChaCha8Rng) {
        if let Some(ends) = self.ends.filter(|ends| *ends <= now) {
            self.ends = Some(ends + ((now - ends) / BYTE + 1) * BYTE);
            self.is_done = true;
            self.value = chance.next_u64() as u8;
        }
    }

    pub(super) fn read(&mut self, offset: u32, now: u64, chance: &mut ChaCha8Rng) -> u32 {
        self.advance(now, chance);
        match offset {
            0x100 => self.is_done.into(),
            0x300 | 0x304 | 0x308 => self.enabled,
            0x508 => self.value.into(),
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64, chance: &mut ChaCha8Rng) {
        self.advance(now, chance);
        match offset {
            0x000 => self.ends = self.ends.or(Some(now + BYTE)),
            0x004 => self.ends = None,
            0x100 => self.is_done = value != 0,
            0x300 => self.enabled = value,
            0x304 => self.enabled |= value,
            0x308 => self.enabled &= !value,
            _ => {}
        }
    }
}
