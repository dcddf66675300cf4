//! The serial line, both ways. Deliberately absent: flow control, parity, and what a sender of another rate comes to:
//! whoever sends does so at the rate of the receiver.
//!
//! Source: nRF51 Series Reference Manual 3.0.1, chapter 28.

use std::collections::VecDeque;

use super::NEVER;

/// A start bit, eight bits and a stop bit.
const BITS: u64 = 10;
/// The rate after a reset, 250,000 baud, in units of 16 MHz / 2^32.
const RESET_RATE: u32 = 0x0400_0000;
/// What switches it on.
const ENABLED: u32 = 4;
/// The bits of a byte that came in and of one that is sent, among the interrupts.
const RECEIVED: u32 = 1 << 2;
const SENT: u32 = 1 << 7;
/// So many bytes wait for the firmware; the next one is lost.
const HELD: usize = 6;
/// The error of a byte that is lost so.
const OVERRUN: u32 = 1;
/// So many bytes can be on their way in.
const UNDER_WAY: usize = 256;

/// Sender and receiver.
#[derive(Clone, Debug)]
pub(in crate::sim::mcu) struct Uart {
    is_enabled: bool,
    is_started: bool,
    rate: u32,
    /// A byte that is on its way, and when it is out, in cycles.
    sending: Option<(u64, u8)>,
    /// The one that comes after it.
    waiting: Option<u8>,
    is_sent: bool,
    interrupts: u32,
    /// Bytes that are out, with when.
    sent: Vec<(u64, u8)>,
    /// Bytes that are on their way in, with when they are there.
    coming: VecDeque<(u64, u8)>,
    is_receiving: bool,
    /// Bytes that are there; the firmware reads the first.
    held: VecDeque<u8>,
    /// Another byte is the first now.
    is_received: bool,
    errors: u32,
}

impl Default for Uart {
    fn default() -> Self {
        Self {
            is_enabled: false,
            is_started: false,
            rate: RESET_RATE,
            sending: None,
            waiting: None,
            is_sent: false,
            interrupts: 0,
            sent: Vec::new(),
            coming: VecDeque::new(),
            is_receiving: false,
            held: VecDeque::new(),
            is_received: false,
            errors: 0,
        }
    }
}

impl Uart {
    /// It is as after a reset; what is out is out, and whoever sends goes on.
    pub(super) fn reset(&mut self) {
        let (sent, coming) = (std::mem::take(&mut self.sent), std::mem::take(&mut self.coming));
        *self = Self { sent, coming, ..Self::default() };
    }

    /// Nobody sends to a chip without power.
    pub(super) fn lose_power(&mut self) {
        self.coming.clear();
    }

    /// When the next byte is out, or there.
    pub(super) fn next(&self) -> u64 {
        let out = self.sending.map_or(NEVER, |(ends, _)| ends);
        self.coming.front().map_or(out, |(there, _)| out.min(*there))
    }

    /// How many more bytes can be on their way in.
    pub(in crate::sim::mcu) fn takes(&self) -> usize {
        UNDER_WAY.saturating_sub(self.coming.len())
    }

    /// Somebody sends a byte, behind those that are on their way.
    pub(super) fn receive(&mut self, byte: u8, now: u64) {
        let begins = self.coming.back().map_or(now, |(there, _)| now.max(*there));
        self.coming.push_back((begins + self.frame(), byte));
    }

    pub(super) fn advance(&mut self, now: u64) {
        while let Some((ends, byte)) = self.sending.filter(|(ends, _)| *ends <= now) {
            self.sent.push((ends, byte));
            self.is_sent = true;
            self.sending = self.waiting.take().map(|next| (ends + self.frame(), next));
        }
        while let Some((_, byte)) = self.coming.pop_front_if(|(there, _)| *there <= now) {
            self.hold(byte);
        }
    }

    /// A byte is there; without a receiver it is gone.
    fn hold(&mut self, byte: u8) {
        match self.held.len() {
            _ if !self.is_receiving => {}
            HELD.. => self.errors |= OVERRUN,
            length => {
                self.is_received |= length == 0;
                self.held.push_back(byte);
            }
        }
    }

    /// The firmware takes the first byte, and the one behind it is the first then.
    fn take_held(&mut self) -> u32 {
        let byte = self.held.pop_front().unwrap_or_default();
        self.is_received |= !self.held.is_empty();
        byte.into()
    }

    /// How long a byte takes.
    fn frame(&self) -> u64 {
        (BITS << 32) / u64::from(self.rate.max(1))
    }

    /// Whether it asks for an interrupt.
    pub(super) fn interrupts(&self) -> bool {
        self.is_sent && self.interrupts & SENT != 0 || self.is_received && self.interrupts & RECEIVED != 0
    }

    /// Bytes that are out since they were taken.
    pub(in crate::sim::mcu) fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent).into_iter().map(|(_, byte)| byte).collect()
    }

    /// When the first of them was out.
    pub(super) fn first_sent(&self) -> Option<u64> {
        self.sent.first().map(|(at, _)| *at)
    }

    pub(super) fn read(&mut self, offset: u32) -> u32 {
        match offset {
            0x108 => self.is_received.into(),
            0x11c => self.is_sent.into(),
            0x300 | 0x304 | 0x308 => self.interrupts,
            0x480 => self.errors,
            0x500 => u32::from(self.is_enabled) * ENABLED,
            0x518 => self.take_held(),
            0x524 => self.rate,
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64) {
        match offset {
            0x000 => self.is_receiving = self.is_enabled,
            0x004 => self.is_receiving = false,
            0x008 => self.is_started = self.is_enabled,
            0x00c => self.is_started = false,
            0x108 => self.is_received = value != 0,
            0x11c => self.is_sent = value != 0,
            0x300 => self.interrupts = value,
            0x304 => self.interrupts |= value,
            0x308 => self.interrupts &= !value,
            0x480 => self.errors &= !value,
            0x500 => self.is_enabled = value == ENABLED,
            0x51c if self.is_started && self.sending.is_some() => self.waiting = Some(value as u8),
            0x51c if self.is_started => self.sending = Some((now + self.frame(), value as u8)),
            0x524 => self.rate = value,
            _ => {}
        }
    }
}
