//! What is around the core of an nRF51822: memories and the map of its peripherals.
//!
//! Source: nRF51 Series Reference Manual 3.0.1.

mod adc;
mod flash;
mod pins;
mod ram;
mod random;
mod timer;
mod uart;
mod watchdog;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::cpu::Bus;
use super::decode::{Op, Size, decode};
use adc::Adc;
pub(in crate::sim) use flash::FLASH_BYTES;
use flash::Flash;
pub(in crate::sim) use pins::Edge;
use pins::Pins;
use random::Generator;
use timer::Timer;
use uart::Uart;
use watchdog::Watchdog;

/// Cycles a second, of the core and of the timers.
const HZ: u64 = 16_000_000;
/// Cycles in a microsecond.
const MICROSECOND: u64 = HZ / 1_000_000;
/// Later than anything.
pub(super) const NEVER: u64 = u64::MAX;

/// Where the RAM begins, and how large it is.
const RAM: u32 = 0x2000_0000;
const RAM_BYTES: usize = 16 << 10;
/// Which chip it is, among the facts.
pub(super) const CONFIG_ID: u32 = 0x1000_005c;
/// Where facts on the chip lie, and settings that stay.
const FICR: u32 = 0x1000_0000;
const UICR: u32 = 0x1000_1000;
/// Lines of the interrupt controller.
const UART_LINE: u8 = 2;
const ADC_LINE: u8 = 7;
const TIMER_LINES: [u8; 3] = [8, 9, 10];
const RANDOM_LINE: u8 = 13;

/// Everything but the core.
#[derive(Clone, Debug)]
pub(super) struct Chip {
    flash: Flash,
    ram: Vec<u8>,
    /// Its pins.
    pub pins: Pins,
    /// Its serial line.
    pub uart: Uart,
    timers: [Timer; 3],
    /// What measures voltages.
    pub adc: Adc,
    generator: Generator,
    /// What resets a firmware that hangs.
    pub watchdog: Watchdog,
    /// Whatever is up to chance.
    chance: ChaCha8Rng,
    seed: u64,
    reset_reason: u32,
    /// When the power went.
    dark_since: u64,
    /// A probe is kept from reading, as the settings said at the last reset.
    is_protected: bool,
    /// When something happens next by itself.
    due: u64,
    /// Something has changed that only the machine can deal with.
    calls: bool,
}

/// What stands at a place in a memory; nothing beyond its end.
fn word(bytes: &[u8], at: usize, size: Size) -> Option<u32> {
    match *bytes.get(at..)?.get(..size.bytes() as usize)? {
        [a] => Some(a.into()),
        [a, b] => Some(u16::from_le_bytes([a, b]).into()),
        [a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

/// Puts something there.
fn put(bytes: &mut [u8], at: usize, size: Size, value: u32) -> Option<()> {
    let length = size.bytes() as usize;
    bytes.get_mut(at..)?.get_mut(..length)?.copy_from_slice(&value.to_le_bytes()[..length]);
    Some(())
}

impl Chip {
    /// A chip whose flash holds this, and nothing else.
    pub(super) fn new(flash: &[u8], seed: u64) -> Self {
        let mut chip = Self {
            flash: Flash::new(flash),
            ram: vec![0; RAM_BYTES],
            pins: Pins::new(),
            uart: Uart::default(),
            timers: Default::default(),
            adc: Adc::default(),
            generator: Generator::default(),
            watchdog: Watchdog::default(),
            chance: ChaCha8Rng::seed_from_u64(seed),
            seed,
            reset_reason: 0,
            dark_since: 0,
            is_protected: false,
            due: NEVER,
            calls: false,
        };
        chip.chance.fill_bytes(&mut chip.ram);
        chip
    }

    /// The core is reset, and what is around it as well, but for the memories and what is put on the pins.
    pub(super) fn reset(&mut self, now: u64, reason: u32) {
        self.flash.reset();
        self.pins.reset(now);
        self.uart.reset();
        self.timers = Default::default();
        self.adc.reset();
        self.generator = Generator::default();
        self.watchdog = Watchdog::default();
        self.reset_reason |= reason;
        self.is_protected = self.flash.is_protected();
        self.plan();
    }

    /// What the flash holds.
    pub(super) fn flash(&self) -> &[u8] {
        self.flash.bytes()
    }

    /// The power goes: what is being changed in the flash is half done.
    pub(super) fn lose_power(&mut self, now: u64) {
        self.flash.cut(now, &mut self.chance);
        self.uart.lose_power();
        self.reset(now, 0);
        self.dark_since = now;
    }

    /// The power comes back.
    pub(super) fn gain_power(&mut self, now: u64) {
        self.reset_reason = 0;
        let dark = now.saturating_sub(self.dark_since);
        if dark > ram::GONE_AFTER {
            self.chance.fill_bytes(&mut self.ram);
        } else {
            ram::decay(&mut self.ram, dark, self.seed);
        }
    }

    /// As its firmware's author can do: from the next reset on a probe can't read any more.
    pub(super) fn protect(&mut self) {
        self.flash.protect();
    }

    /// Whether a probe is kept from reading.
    pub(super) fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// A byte comes in on the serial line.
    pub(super) fn receive(&mut self, byte: u8, now: u64) {
        self.uart.receive(byte, now);
        self.plan();
    }

    /// A debugger halts the core for so long.
    pub(super) fn pause_watchdog(&mut self, cycles: u64) {
        self.watchdog.pause(cycles);
        self.plan();
    }

    /// Lets happen what is due.
    pub(super) fn advance(&mut self, now: u64) {
        self.calls = false;
        if now >= self.due {
            self.catch_up(now);
        }
    }

    fn catch_up(&mut self, now: u64) {
        for timer in &mut self.timers {
            timer.advance(now);
        }
        self.uart.advance(now);
        self.adc.advance(now);
        if self.generator.interrupts() {
            self.generator.advance(now, &mut self.chance);
        }
        self.plan();
    }

    fn plan(&mut self) {
        let timers = self.timers.iter().map(Timer::next);
        let others =
            [self.uart.next(), self.adc.next(), self.generator.next(), self.watchdog.next()].into_iter();
        self.due = timers.chain(others).min().unwrap_or(NEVER);
    }

    /// When something happens next by itself.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// When the first of what was put out was, if anything was.
    pub(super) fn put_out_at(&self) -> Option<u64> {
        self.pins.first_edge().into_iter().chain(self.uart.first_sent()).min()
    }

    /// Lines of the interrupt controller that are high.
    pub(super) fn lines(&self) -> u32 {
        let timers = self.timers.iter().zip(TIMER_LINES).map(|(timer, line)| (timer.interrupts(), line));
        let others = [
            (self.uart.interrupts(), UART_LINE),
            (self.adc.interrupts(), ADC_LINE),
            (self.generator.is_asking(), RANDOM_LINE),
        ];
        timers.chain(others).fold(0, |all, (is_high, line)| all | u32::from(is_high) << line)
    }

    /// Registers of peripherals.
    #[cold]
    fn read_register(&mut self, address: u32, now: u64) -> Option<u32> {
        if now >= self.due {
            self.catch_up(now);
        }
        let offset = address & 0xfff;
        Some(match address >> 12 {
            0x4_0000 if offset == 0x400 => self.reset_reason,
            0x4_0002 => {
                let lines = self.lines();
                let value = self.uart.read(offset);
                self.calls |= self.lines() != lines;
                value
            }
            0x4_0007 => self.adc.read(offset),
            page @ 0x4_0008..=0x4_000a => self.timers[(page - 0x4_0008) as usize].read(offset),
            0x4_000d => self.generator.read(offset, now, &mut self.chance),
            0x4_0010 => self.watchdog.read(offset),
            0x4_001e => self.flash.read_register(offset, now),
            0x5_0000 => self.pins.read(offset),
            0x4_0000..=0x4_ffff | 0x5_0001..=0x5_ffff => 0,
            _ => return None,
        })
    }

    /// Writes one, and hands out for how many cycles the core stands still.
    #[cold]
    fn write_register(&mut self, address: u32, value: u32, now: u64) -> Option<u64> {
        if now >= self.due {
            self.catch_up(now);
        }
        let (page, offset) = (address >> 12, address & 0xfff);
        match page {
            0x5_0000 => {
                self.pins.write(offset, value, now);
                self.calls |= self.pins.first_edge().is_some();
                Some(0)
            }
            0x4_001e => Some(self.flash.write_register(offset, value, now)),
            0x4_0000..=0x4_ffff | 0x5_0001..=0x5_ffff => {
                let (due, lines) = (self.due, self.lines());
                self.write_other(page, offset, value, now);
                // That something is due earlier, or that another line is high, is the machine's to know.
                self.plan();
                self.calls |= self.due < due || self.lines() != lines;
                Some(0)
            }
            _ => None,
        }
    }

    /// Writes a register of what happens by itself.
    fn write_other(&mut self, page: u32, offset: u32, value: u32, now: u64) {
        match page {
            0x4_0000 if offset == 0x400 => self.reset_reason &= !value,
            0x4_0002 => self.uart.write(offset, value, now),
            0x4_0007 => self.adc.write(offset, value, now),
            0x4_0008..=0x4_000a => self.timers[(page - 0x4_0008) as usize].write(offset, value, now),
            0x4_000d => self.generator.write(offset, value, now, &mut self.chance),
            0x4_0010 => self.watchdog.write(offset, value, now),
            _ => {}
        }
    }

    /// Facts on the chip that was made.
    fn fact(offset: u32) -> u32 {
        match offset {
            // Bytes in a page, and pages.
            0x010 => 1 << 10,
            0x014 => 1 << 8,
            // Blocks of RAM, and bytes in each.
            0x034 => 2,
            0x038 => (RAM_BYTES / 2) as u32,
            // An nRF51822-QFAA of build H0, without a SoftDevice.
            0x05c => 0xffff_0072,
            _ => u32::MAX,
        }
    }

    /// An instruction that was not decoded yet.
    #[cold]
    fn decoded(&mut self, address: u32) -> Op {
        self.flash.decoded(address).unwrap_or_else(|| {
            // Code in RAM is decoded each time, for it may change.
            let at = address.wrapping_sub(RAM) as usize;
            let half = |at: usize| word(&self.ram, at, Size::Half).map(|half| half as u16);
            half(at).map_or(Op::Undefined, |first| decode(first, half(at + 2).unwrap_or(u16::MAX)))
        })
    }

    #[cold]
    fn read_elsewhere(&mut self, address: u32, size: Size, now: u64) -> Option<u32> {
        match address {
            // The rest of its page is blank.
            FICR..0x1000_0400 => {
                word(&Self::fact((address - FICR) & !3).to_le_bytes(), (address & 3) as usize, size)
            }
            UICR..0x1000_1100 => self.flash.read_settings((address - UICR) as usize, size),
            0x4000_0000..0x6000_0000 if size == Size::Word => self.read_register(address, now),
            _ => None,
        }
    }

    #[cold]
    fn write_elsewhere(&mut self, address: u32, size: Size, value: u32, now: u64) -> Option<u64> {
        // Flash and registers are written by words alone.
        if size != Size::Word {
            return None;
        }
        match address {
            0..0x4_0000 => self.flash.program(address as usize, value, now),
            UICR..0x1000_1100 => self.flash.program_settings((address - UICR) as usize, value, now),
            0x4000_0000..0x6000_0000 => self.write_register(address, value, now),
            _ => None,
        }
    }
}

impl Bus for Chip {
    #[inline(always)]
    fn fetch(&mut self, address: u32) -> Op {
        match self.flash.fetch(address) {
            Op::Fresh => self.decoded(address),
            op => op,
        }
    }

    #[inline(always)]
    fn read(&mut self, address: u32, size: Size, now: u64) -> Option<u32> {
        let at = address.wrapping_sub(RAM) as usize;
        if at < RAM_BYTES {
            return word(&self.ram, at, size);
        }
        if (address as usize) < FLASH_BYTES {
            return self.flash.read(address as usize, size);
        }
        self.read_elsewhere(address, size, now)
    }

    #[inline(always)]
    fn write(&mut self, address: u32, size: Size, value: u32, now: u64) -> Option<u64> {
        let at = address.wrapping_sub(RAM) as usize;
        if at < RAM_BYTES {
            return put(&mut self.ram, at, size, value).map(|()| 0);
        }
        self.write_elsewhere(address, size, value, now)
    }

    #[inline(always)]
    fn calls(&self) -> bool {
        self.calls
    }
}
