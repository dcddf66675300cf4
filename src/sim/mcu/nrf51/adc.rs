//! What measures voltages. One is connected: that at AIN2.
//!
//! Source: nRF51 Series Reference Manual 3.0.1, chapter 30.

use super::{MICROSECOND, NEVER};

/// The reference, in microvolts.
const REFERENCE: u64 = 1_200_000;
/// The selection of AIN2 among the inputs.
const AIN2: u32 = 1 << 2;
/// Bits of a result, and how long it takes to get, by the resolution that is asked for.
const RESOLUTIONS: [(u32, u64); 4] =
    [(8, 20 * MICROSECOND), (9, 36 * MICROSECOND), (10, 68 * MICROSECOND), (10, 68 * MICROSECOND)];

/// The converter.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::mcu) struct Adc {
    /// The voltage at AIN2, in microvolts.
    input: u32,
    is_enabled: bool,
    config: u32,
    /// When the conversion that is under way ends, in cycles.
    ends: Option<u64>,
    is_done: bool,
    result: u32,
    interrupts: u32,
}

impl Adc {
    /// It is as after a reset; what is connected to it stays.
    pub(super) fn reset(&mut self) {
        *self = Self { input: self.input, ..Self::default() };
    }

    /// The voltage at AIN2, in microvolts.
    pub(in crate::sim::mcu) fn set_input(&mut self, microvolts: u32) {
        self.input = microvolts;
    }

    /// When a conversion ends.
    pub(super) fn next(&self) -> u64 {
        self.ends.unwrap_or(NEVER)
    }

    pub(super) fn advance(&mut self, now: u64) {
        if self.ends.take_if(|ends| *ends <= now).is_some() {
            self.is_done = true;
            self.result = self.converted();
        }
    }

    fn resolution(&self) -> (u32, u64) {
        RESOLUTIONS[(self.config & 3) as usize]
    }

    /// What it makes of the voltage, at most all bits.
    fn converted(&self) -> u32 {
        let input = if self.config >> 8 & 0xff == AIN2 { u64::from(self.input) } else { 0 };
        // The input can be divided first.
        let thirds = match self.config >> 2 & 7 {
            0 => 3,
            1 => 2,
            _ => 1,
        };
        let most = (1 << self.resolution().0) - 1;
        (input * thirds * most / (3 * REFERENCE)).min(most) as u32
    }

    /// Whether it asks for an interrupt.
    pub(super) fn interrupts(&self) -> bool {
        self.is_done && self.interrupts & 1 == 1
    }

    pub(super) fn read(&self, offset: u32) -> u32 {
        match offset {
            0x100 => self.is_done.into(),
            0x300 | 0x304 | 0x308 => self.interrupts,
            0x400 => self.ends.is_some().into(),
            0x500 => self.is_enabled.into(),
            0x504 => self.config,
            0x508 => self.result,
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64) {
        match offset {
            0x000 if self.is_enabled => self.ends = Some(now + self.resolution().1),
            0x004 => self.ends = None,
            0x100 => self.is_done = value != 0,
            0x300 => self.interrupts = value,
            0x304 => self.interrupts |= value,
            0x308 => self.interrupts &= !value,
            0x500 => self.is_enabled = value == 1,
            0x504 => self.config = value,
            _ => {}
        }
    }
}
