//! Flash and its controller: what is erased or written takes its time, during which the core stands still, and is half
//! done if the power goes meanwhile.
//!
//! Sources: nRF51 Series Reference Manual 3.0.1, chapter 6; times: nRF51822 Product Specification 3.4, table 32.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::{MICROSECOND, put, word};
use crate::sim::mcu::decode::{Op, Size, decode};

/// From address 0 on.
pub(in crate::sim) const FLASH_BYTES: usize = 256 << 10;
/// What is erased at once.
const PAGE_BYTES: usize = 1 << 10;
/// Settings that a reset of the chip leaves alone.
const SETTINGS_BYTES: usize = 1 << 8;
/// A word is written in 46.3 µs.
const WRITE_CYCLES: u64 = 741;
/// A page, or everything, is erased in 22.3 ms.
const ERASE_CYCLES: u64 = 22_300 * MICROSECOND;

/// Among the settings: two bytes of protection against being read. The first is for a part of the code and means
/// nothing here; in the second a nought protects everything.
const PROTECTION: usize = 4;
const ALL_PROTECTED: u8 = 0;

/// What the controller lets the core do.
const MAY_WRITE: u32 = 1;
const MAY_ERASE: u32 = 2;

/// A change that is under way.
#[derive(Clone, Debug)]
struct Work {
    /// Where it begins, and what was there.
    at: usize,
    before: Vec<u8>,
    /// From when to when, in cycles.
    begun: u64,
    ends: u64,
}

/// The flash, and its controller.
#[derive(Clone, Debug)]
pub(super) struct Flash {
    bytes: Vec<u8>,
    settings: Vec<u8>,
    /// Instructions that were decoded, one for each halfword.
    ops: Vec<Op>,
    mode: u32,
    /// The last change: it is over if its end has come.
    work: Option<Work>,
    /// When the controller is ready for the next one, in cycles.
    ready: u64,
}

impl Flash {
    /// It holds this, and is blank behind it.
    pub(super) fn new(contents: &[u8]) -> Self {
        let mut bytes = contents.to_vec();
        bytes.resize(FLASH_BYTES, 0xff);
        Self {
            bytes,
            settings: vec![0xff; SETTINGS_BYTES],
            ops: vec![Op::Fresh; FLASH_BYTES / 2],
            mode: 0,
            work: None,
            ready: 0,
        }
    }

    /// Everything that it holds; what is erased or written now is there already.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The controller is as after a reset.
    pub(super) fn reset(&mut self) {
        (self.mode, self.work, self.ready) = (0, None, 0);
    }

    /// The settings protect everything against being read.
    pub(super) fn protect(&mut self) {
        self.settings[PROTECTION + 1] = ALL_PROTECTED;
    }

    /// Whether they do.
    pub(super) fn is_protected(&self) -> bool {
        self.settings[PROTECTION + 1] == ALL_PROTECTED
    }

    /// The instruction at an address, if it was decoded.
    #[inline(always)]
    pub(super) fn fetch(&self, address: u32) -> Op {
        self.ops.get((address >> 1) as usize).copied().unwrap_or(Op::Fresh)
    }

    /// Decodes the instruction at an address; nothing, if that is no flash.
    pub(super) fn decoded(&mut self, address: u32) -> Option<Op> {
        let at = (address & !1) as usize;
        let half = |at: usize| word(&self.bytes, at, Size::Half).map(|half| half as u16);
        let op = decode(half(at)?, half(at + 2).unwrap_or(u16::MAX));
        *self.ops.get_mut(at / 2)? = op;
        Some(op)
    }

    #[inline(always)]
    pub(super) fn read(&self, at: usize, size: Size) -> Option<u32> {
        word(&self.bytes, at, size)
    }

    /// Reads the settings that stay.
    pub(super) fn read_settings(&self, at: usize, size: Size) -> Option<u32> {
        word(&self.settings, at, size)
    }

    /// Writes a word: only bits that are set can be cleared. Hands out how long that takes.
    pub(super) fn program(&mut self, at: usize, value: u32, now: u64) -> Option<u64> {
        if self.mode != MAY_WRITE {
            return None;
        }
        let before = word(&self.bytes, at, Size::Word)?;
        put(&mut self.bytes, at, Size::Word, before & value)?;
        self.begin(at, before.to_le_bytes().to_vec(), now, WRITE_CYCLES);
        Some(WRITE_CYCLES)
    }

    /// The same among the settings.
    pub(super) fn program_settings(&mut self, at: usize, value: u32, now: u64) -> Option<u64> {
        if self.mode != MAY_WRITE {
            return None;
        }
        let before = word(&self.settings, at, Size::Word)?;
        put(&mut self.settings, at, Size::Word, before & value)?;
        self.ready = now + WRITE_CYCLES;
        Some(WRITE_CYCLES)
    }

    fn erase(&mut self, at: usize, length: usize, now: u64) -> u64 {
        // An address that is none of the flash erases nothing.
        let Some(range) = self.bytes.get_mut(at..).and_then(|bytes| bytes.get_mut(..length)) else {
            return 0;
        };
        let before = range.to_vec();
        range.fill(0xff);
        self.begin(at, before, now, ERASE_CYCLES);
        ERASE_CYCLES
    }

    fn begin(&mut self, at: usize, before: Vec<u8>, now: u64, takes: u64) {
        self.forget(at, before.len());
        self.ready = now + takes;
        self.work = Some(Work { at, before, begun: now, ends: now + takes });
    }

    /// What was decoded of a range is decoded anew.
    fn forget(&mut self, at: usize, length: usize) {
        // A wide instruction begins one halfword earlier.
        let first = (at / 2).saturating_sub(1);
        let last = ((at + length) / 2).min(self.ops.len());
        self.ops.get_mut(first..last).into_iter().for_each(|ops| ops.fill(Op::Fresh));
    }

    /// The power goes. Of what is being changed each bit has changed already, or not: the more of the time is over, the
    /// more of them have.
    pub(super) fn cut(&mut self, now: u64, chance: &mut ChaCha8Rng) {
        let Some(work) = self.work.take().filter(|work| work.ends > now) else { return };
        let share = now.saturating_sub(work.begun) * 256 / (work.ends - work.begun).max(1);
        let bytes = self.bytes.get_mut(work.at..).unwrap_or_default();
        for (byte, before) in bytes.iter_mut().zip(&work.before) {
            let drawn = chance.next_u64().to_le_bytes();
            let changed = (0..)
                .zip(drawn)
                .fold(0_u8, |all, (bit, drawn)| if u64::from(drawn) < share { all | 1 << bit } else { all });
            *byte = before & !changed | *byte & changed;
        }
        self.forget(work.at, work.before.len());
    }

    /// A register of the controller.
    pub(super) fn read_register(&self, offset: u32, now: u64) -> u32 {
        match offset {
            0x400 => (now >= self.ready).into(),
            0x504 => self.mode,
            _ => 0,
        }
    }

    /// Writes one, and hands out for how long the core stands still.
    pub(super) fn write_register(&mut self, offset: u32, value: u32, now: u64) -> u64 {
        let may_erase = self.mode == MAY_ERASE;
        match offset {
            0x504 => self.mode = value & 3,
            0x508 if may_erase => return self.erase(value as usize & !(PAGE_BYTES - 1), PAGE_BYTES, now),
            0x50c if may_erase && value == 1 => {
                self.settings.fill(0xff);
                return self.erase(0, FLASH_BYTES, now);
            }
            0x514 if may_erase && value == 1 => {
                self.settings.fill(0xff);
                self.ready = now + ERASE_CYCLES;
                return ERASE_CYCLES;
            }
            _ => {}
        }
        0
    }
}
