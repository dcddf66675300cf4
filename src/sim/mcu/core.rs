//! A core with its interrupt controller: exceptions, sleep and faults.
//!
//! Source: ARMv6-M Architecture Reference Manual (DDI 0419), chapters B1 and B3. Peripherals hold their lines high as
//! long as they ask, so a line that is still high after its handler is pending again.

mod debugger;

use super::cpu::{Bus, Cpu, LR, PC, SP, Trap};
use super::decode::{Op, Size};
pub(super) use debugger::{COMPARATORS, Debugger, ON_REQUEST};

/// Exceptions by their numbers.
const HARD_FAULT: u8 = 3;
const SV_CALL: u8 = 11;
const PEND_SV: u8 = 14;
/// The first of 32 interrupt lines.
const FIRST_LINE: u8 = 16;
const LINES: usize = 32;
/// From an interrupt to the first instruction of its handler: the manual's latency.
const ENTRY_CYCLES: u64 = 16;
/// From the end of a handler back; the manual states nothing, and eight words are loaded.
const RETURN_CYCLES: u64 = 13;
/// Priority of what is no handler: lower than any other.
const THREAD: i8 = 4;

/// Why a core stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// It does not.
    #[default]
    Runs,
    /// It waits for an interrupt.
    SleepsForInterrupt,
    /// It waits for an event.
    SleepsForEvent,
    /// A debugger halted it.
    Halted,
    /// A fault within a fault, or no code to begin with: only a reset helps.
    LockedUp,
}

/// The interrupt controller and the system control block.
#[derive(Clone, Debug, Default)]
pub(super) struct Nvic {
    /// Lines that are high, that are pending, and that may interrupt, a bit each.
    lines: u32,
    pending: u32,
    enabled: u32,
    /// Exceptions that are handled, one within another, a bit each.
    active: u64,
    priorities: [u8; LINES],
    sv_call_priority: u8,
    pend_sv_priority: u8,
    pend_sv: bool,
    sleep_on_exit: bool,
    deep_sleep: bool,
    send_event_on_pending: bool,
    /// Something happened that ends a wait for an event.
    event: bool,
    /// The firmware asked for a reset.
    pub reset_requested: bool,
}

/// A core.
#[derive(Clone, Debug, Default)]
pub(super) struct Core {
    /// Its registers.
    pub cpu: Cpu,
    /// Its interrupt controller.
    pub nvic: Nvic,
    /// Whether it runs.
    pub rest: Rest,
    /// What a debugger wants of it.
    pub debugger: Debugger,
}

impl Nvic {
    /// The lines of the peripherals are at these levels now.
    pub(super) fn set_lines(&mut self, lines: u32) {
        self.lines = lines;
        self.sample();
    }

    /// A line that is high is pending, unless its handler runs.
    fn sample(&mut self) {
        self.pend(self.lines & !((self.active >> FIRST_LINE) as u32));
    }

    fn pend(&mut self, lines: u32) {
        self.event |= self.send_event_on_pending && lines & !self.pending != 0;
        self.pending |= lines;
    }

    /// Whether one of these lines, if it is high, ends a sleep.
    pub(super) fn heeds(&self, lines: u32) -> bool {
        lines & self.enabled != 0
    }

    /// Reads a register of the system control space, by its offset from 0xE000E000.
    pub(super) fn read(&self, offset: u32, exception: u8) -> u32 {
        match offset {
            0x100 | 0x180 => self.enabled,
            0x200 | 0x280 => self.pending,
            0x400..=0x41c => {
                let first = (offset - 0x400) as usize & !3;
                (0..4).fold(0, |all, at| all | u32::from(self.priorities[first + at]) << (8 * at + 6))
            }
            // The part number of a Cortex-M0, revision r0p0.
            0xd00 => 0x410c_c200,
            0xd04 => {
                let pending = self.highest(THREAD + 1).map_or(0, u32::from);
                u32::from(exception)
                    | pending << 12
                    | u32::from(self.pending & self.enabled != 0) << 22
                    | u32::from(self.pend_sv) << 28
            }
            0xd0c => 0xfa05_0000,
            0xd10 => {
                u32::from(self.sleep_on_exit) << 1
                    | u32::from(self.deep_sleep) << 2
                    | u32::from(self.send_event_on_pending) << 4
            }
            // The stack is aligned to 8 bytes, and what is not aligned is a fault.
            0xd14 => 0x208,
            0xd1c => u32::from(self.sv_call_priority) << 30,
            0xd20 => u32::from(self.pend_sv_priority) << 22,
            _ => 0,
        }
    }

    /// Writes one.
    pub(super) fn write(&mut self, offset: u32, value: u32) {
        match offset {
            0x100 => self.enabled |= value,
            0x180 => self.enabled &= !value,
            0x200 => self.pend(value),
            0x280 => {
                self.pending &= !value;
                self.sample();
            }
            0x400..=0x41c => {
                let first = (offset - 0x400) as usize & !3;
                for at in 0..4 {
                    self.priorities[first + at] = (value >> (8 * at + 6) & 3) as u8;
                }
            }
            0xd04 => {
                let set = value >> 28 & 1 == 1;
                self.event |= self.send_event_on_pending && set && !self.pend_sv;
                self.pend_sv = (self.pend_sv || set) && value >> 27 & 1 == 0;
            }
            0xd0c if value >> 16 == 0x05fa => self.reset_requested |= value & 4 != 0,
            0xd10 => {
                self.sleep_on_exit = value & 2 != 0;
                self.deep_sleep = value & 4 != 0;
                self.send_event_on_pending = value & 16 != 0;
            }
            0xd1c => self.sv_call_priority = (value >> 30) as u8,
            0xd20 => self.pend_sv_priority = (value >> 22 & 3) as u8,
            _ => {}
        }
    }

    /// The number of the pending exception that is taken next, if one is more urgent than this; of several that are
    /// equally urgent the one with the lowest number.
    fn highest(&self, than: i8) -> Option<u8> {
        let mut best: Option<(u8, i8)> = None;
        let mut offer = |number: u8| {
            let priority = self.priority_of(number);
            if priority < than && best.is_none_or(|(_, known)| priority < known) {
                best = Some((number, priority));
            }
        };
        if self.pend_sv {
            offer(PEND_SV);
        }
        let mut left = self.pending & self.enabled;
        while left != 0 {
            offer(FIRST_LINE + left.trailing_zeros() as u8);
            left &= left - 1;
        }
        best.map(|(number, _)| number)
    }

    /// How urgent an exception is: the lower, the more.
    fn priority_of(&self, exception: u8) -> i8 {
        match exception {
            0 => THREAD,
            HARD_FAULT => -1,
            SV_CALL => self.sv_call_priority as i8,
            PEND_SV => self.pend_sv_priority as i8,
            line => self.priorities[usize::from(line.saturating_sub(FIRST_LINE)) % LINES] as i8,
        }
    }

    /// That of the most urgent of those that are handled; a mask makes all interrupts less urgent than that.
    fn priority_now(&self, masked: bool) -> i8 {
        let mut lowest = if masked { 0 } else { THREAD };
        let mut left = self.active;
        while left != 0 {
            lowest = lowest.min(self.priority_of(left.trailing_zeros() as u8));
            left &= left - 1;
        }
        lowest
    }

    /// The most urgent of those that are handled, or none.
    fn innermost(&self) -> u8 {
        let handled = (0..64).filter(|number| self.active >> number & 1 == 1);
        handled.min_by_key(|number| self.priority_of(*number)).unwrap_or(0)
    }

    /// An exception is handled from now on.
    fn take(&mut self, exception: u8) {
        match exception {
            PEND_SV => self.pend_sv = false,
            line if line >= FIRST_LINE => self.pending &= !(1 << ((line - FIRST_LINE) & 31)),
            _ => {}
        }
        self.active |= 1 << (exception & 63);
    }

    /// An exception is handled no longer.
    fn end(&mut self, exception: u8) {
        self.active &= !(1 << (exception & 63));
        self.sample();
    }
}

/// A bus, and the registers that are the core's own.
struct WithSystem<'a, B> {
    bus: &'a mut B,
    nvic: &'a mut Nvic,
    exception: u8,
    /// Another exception may be due.
    was_touched: bool,
}

/// Where those registers begin.
const SYSTEM: u32 = 0xe000_e000;

impl<B: Bus> Bus for WithSystem<'_, B> {
    #[inline(always)]
    fn fetch(&mut self, address: u32) -> Op {
        self.bus.fetch(address)
    }

    #[inline(always)]
    fn read(&mut self, address: u32, size: Size, now: u64) -> Option<u32> {
        if address >> 12 == SYSTEM >> 12 {
            return (size == Size::Word).then(|| self.nvic.read(address - SYSTEM, self.exception));
        }
        self.bus.read(address, size, now)
    }

    #[inline(always)]
    fn write(&mut self, address: u32, size: Size, value: u32, now: u64) -> Option<u64> {
        if address >> 12 == SYSTEM >> 12 {
            self.was_touched = true;
            return (size == Size::Word).then(|| {
                self.nvic.write(address - SYSTEM, value);
                0
            });
        }
        self.bus.write(address, size, value, now)
    }

    #[inline(always)]
    fn calls(&self) -> bool {
        self.was_touched || self.bus.calls()
    }
}

impl Core {
    /// Begins anew at what the vector table says.
    pub(super) fn reset<B: Bus>(&mut self, bus: &mut B) {
        let cycles = self.cpu.cycles;
        self.cpu = Cpu { cycles, ..Cpu::default() };
        self.nvic = Nvic::default();
        let mut word = |address| bus.read(address, Size::Word, cycles);
        self.rest = match (word(0), word(4)) {
            (Some(stack), Some(start)) if start & 1 == 1 => {
                self.cpu.r[SP] = stack & !3;
                self.cpu.r[LR] = u32::MAX;
                self.cpu.r[PC] = start & !1;
                Rest::Runs
            }
            _ => Rest::LockedUp,
        };
        self.note_reset();
    }

    /// Runs until a time in cycles, until it stands still, or until the bus calls.
    pub(super) fn run<B: Bus>(&mut self, bus: &mut B, until: u64) {
        while self.rest == Rest::Runs && self.cpu.cycles < until {
            self.take_interrupt(bus);
            if self.rest != Rest::Runs {
                return;
            }
            let has_breakpoints = self.debugger.has_breakpoints();
            let trap = if has_breakpoints { self.watched(bus) } else { self.stretch(bus, until) };
            if let Some(trap) = trap {
                self.trap(bus, trap);
            }
            if bus.calls() || self.nvic.reset_requested {
                return;
            }
        }
    }

    /// Instructions one after the other, as long as nothing else is to be looked at.
    #[inline(never)]
    fn stretch<B: Bus>(&mut self, bus: &mut B, until: u64) -> Option<Trap> {
        let Self { cpu, nvic, .. } = self;
        let mut bus = WithSystem { bus, exception: cpu.exception, nvic, was_touched: false };
        while cpu.cycles < until && !bus.calls() {
            if let Err(trap) = cpu.step(&mut bus) {
                return Some(trap);
            }
        }
        None
    }

    /// Whether what it sleeps for is there; it goes on then.
    pub(super) fn wake(&mut self) {
        // What is masked ends a wait for an interrupt all the same, and is not taken.
        let (is_urgent, is_taken) = (self.preempts(false), self.preempts(self.cpu.primask));
        match self.rest {
            Rest::SleepsForInterrupt if is_urgent => self.rest = Rest::Runs,
            Rest::SleepsForEvent if self.nvic.event || is_taken => {
                self.nvic.event = false;
                self.rest = Rest::Runs;
            }
            Rest::Runs | Rest::SleepsForInterrupt | Rest::SleepsForEvent | Rest::Halted | Rest::LockedUp => {}
        }
    }

    /// Whether something pending is more urgent than what is done.
    fn preempts(&self, masked: bool) -> bool {
        self.nvic.highest(self.nvic.priority_now(masked)).is_some()
    }

    fn take_interrupt<B: Bus>(&mut self, bus: &mut B) {
        if self.nvic.pending & self.nvic.enabled == 0 && !self.nvic.pend_sv || self.debugger.masks_interrupts
        {
            return;
        }
        if let Some(exception) = self.nvic.highest(self.nvic.priority_now(self.cpu.primask)) {
            self.enter(bus, exception);
        }
    }

    /// Does what a core alone could not.
    fn trap<B: Bus>(&mut self, bus: &mut B, trap: Trap) {
        match trap {
            Trap::Fault | Trap::NotThumb => self.fault(bus),
            // Without a debugger a breakpoint is a fault.
            Trap::Breakpoint => {
                if !self.stops_at_breakpoint() {
                    self.fault(bus);
                }
            }
            Trap::Call => {
                if self.nvic.priority_of(SV_CALL) < self.nvic.priority_now(self.cpu.primask) {
                    self.enter(bus, SV_CALL);
                } else {
                    self.fault(bus);
                }
            }
            Trap::Return(magic) => self.leave(bus, magic),
            Trap::WaitForInterrupt => {
                self.rest = Rest::SleepsForInterrupt;
                self.wake();
            }
            Trap::WaitForEvent => {
                self.rest = Rest::SleepsForEvent;
                self.wake();
            }
            Trap::SendEvent => self.nvic.event = true,
            Trap::Masked => {}
        }
    }

    /// The handler of hard faults, unless the fault is one of its own.
    fn fault<B: Bus>(&mut self, bus: &mut B) {
        if self.nvic.priority_now(false) < 0 {
            self.rest = Rest::LockedUp;
        } else {
            self.enter(bus, HARD_FAULT);
            self.note_fault();
        }
    }

    /// Saves what the handler may change, and goes there.
    fn enter<B: Bus>(&mut self, bus: &mut B, exception: u8) {
        let cpu = &mut self.cpu;
        let unaligned = cpu.r[SP] & 4;
        let frame = cpu.r[SP].wrapping_sub(32) & !4;
        let status = cpu.status() | unaligned << 7;
        let saved = [cpu.r[0], cpu.r[1], cpu.r[2], cpu.r[3], cpu.r[12], cpu.r[LR], cpu.r[PC], status];
        let magic = match (cpu.exception != 0, cpu.process_stack) {
            (true, _) => 0xffff_fff1,
            (false, false) => 0xffff_fff9,
            (false, true) => 0xffff_fffd,
        };
        for (at, value) in (0..).zip(saved) {
            if bus.write(frame.wrapping_add(4 * at), Size::Word, value, cpu.cycles).is_none() {
                self.rest = Rest::LockedUp;
                return;
            }
        }
        cpu.r[SP] = frame;
        if cpu.exception == 0 && cpu.process_stack {
            std::mem::swap(&mut cpu.r[SP], &mut cpu.other_sp);
        }
        cpu.exception = exception;
        cpu.r[LR] = magic;
        cpu.cycles += ENTRY_CYCLES;
        let handler = bus.read(4 * u32::from(exception), Size::Word, cpu.cycles).unwrap_or_default();
        cpu.r[PC] = handler & !1;
        self.nvic.take(exception);
        self.nvic.event = true;
        if handler & 1 == 0 {
            self.fault(bus);
        }
    }

    /// Goes back from a handler to where a magic address says.
    fn leave<B: Bus>(&mut self, bus: &mut B, magic: u32) {
        self.nvic.end(self.cpu.exception);
        let to_thread = magic & 8 != 0;
        if to_thread != (self.nvic.active == 0) {
            return self.fault(bus);
        }
        let cpu = &mut self.cpu;
        cpu.exception = self.nvic.innermost();
        if to_thread {
            cpu.process_stack = magic & 4 != 0;
            if cpu.process_stack {
                std::mem::swap(&mut cpu.r[SP], &mut cpu.other_sp);
            }
        }
        let frame = cpu.r[SP];
        let mut saved = [0; 8];
        for (at, value) in (0..).zip(&mut saved) {
            match bus.read(frame.wrapping_add(4 * at), Size::Word, cpu.cycles) {
                Some(word) => *value = word,
                None => return self.fault(bus),
            }
        }
        let status = saved[7];
        [cpu.r[0], cpu.r[1], cpu.r[2], cpu.r[3], cpu.r[12], cpu.r[LR], cpu.r[PC], _] = saved;
        cpu.r[PC] &= !1;
        cpu.set_flags(status);
        cpu.r[SP] = frame.wrapping_add(32) | (status >> 7 & 4);
        cpu.cycles += RETURN_CYCLES;
        self.nvic.event = true;
        if self.nvic.sleep_on_exit && to_thread {
            self.rest = Rest::SleepsForInterrupt;
            self.wake();
        }
    }
}
