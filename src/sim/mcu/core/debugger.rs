//! What a debugger does with a core: halt it, step it, stop it at breakpoints and when it is reset or faults.
//!
//! Source: ARMv6-M Architecture Reference Manual (DDI 0419), chapter C1. One thing is easier than there: a core that
//! leaves a halt always does one instruction, whatever breakpoint stands before it.

use super::{Core, Rest, WithSystem};
use crate::sim::mcu::cpu::{Bus, PC, Trap};

/// Why a core halted, a bit each, as its register DFSR has it: it was told to, or stepped.
pub(in crate::sim::mcu) const ON_REQUEST: u32 = 1;
/// At a breakpoint.
const AT_BREAKPOINT: u32 = 1 << 1;
/// At something that is caught: a reset, a fault.
const WHEN_CAUGHT: u32 = 1 << 3;

/// Comparators for breakpoints; each can stand for two halfwords.
pub(in crate::sim::mcu) const COMPARATORS: usize = 4;

/// What a debugger has set. A reset leaves it alone, a loss of power does not.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::mcu) struct Debugger {
    /// There is one: the core can be halted, and a breakpoint is no fault.
    pub is_there: bool,
    /// Interrupts are not taken.
    pub masks_interrupts: bool,
    /// A reset halts the core before its first instruction.
    pub catches_reset: bool,
    /// A fault halts the core before the first instruction of its handler.
    pub catches_fault: bool,
    /// Addresses of instructions before which it halts.
    pub breakpoints: [Option<u32>; 2 * COMPARATORS],
    /// Why it halted, since somebody took note of it.
    pub causes: u32,
    /// It was reset, since somebody took note of it.
    pub has_seen_reset: bool,
    /// The next instruction is done, even if a breakpoint stands before it.
    passes: bool,
}

impl Debugger {
    /// Whether each instruction has to be looked at before it is done.
    pub(super) fn has_breakpoints(&self) -> bool {
        self.is_there && self.breakpoints.iter().any(Option::is_some)
    }
}

impl Core {
    /// Halts, for a reason.
    pub(in crate::sim::mcu) fn halt(&mut self, cause: u32) {
        self.rest = Rest::Halted;
        self.debugger.causes |= cause;
    }

    /// Goes on, if it was halted: what it slept for before that is looked at by its firmware.
    pub(in crate::sim::mcu) fn resume(&mut self) {
        if self.rest == Rest::Halted {
            self.rest = Rest::Runs;
            self.debugger.passes = true;
        }
    }

    /// Does one instruction and halts again, unless that locks it up.
    pub(in crate::sim::mcu) fn step<B: Bus>(&mut self, bus: &mut B) {
        self.rest = Rest::Runs;
        self.take_interrupt(bus);
        if self.rest == Rest::Runs
            && let Some(trap) = self.single(bus)
        {
            self.trap(bus, trap);
        }
        match self.rest {
            Rest::Runs | Rest::SleepsForInterrupt | Rest::SleepsForEvent => self.halt(ON_REQUEST),
            Rest::Halted | Rest::LockedUp => {}
        }
    }

    /// One instruction, unless a breakpoint stands before it.
    pub(super) fn watched<B: Bus>(&mut self, bus: &mut B) -> Option<Trap> {
        let passes = std::mem::take(&mut self.debugger.passes);
        if !passes && self.debugger.breakpoints.contains(&Some(self.cpu.r[PC])) {
            self.halt(AT_BREAKPOINT);
            return None;
        }
        self.single(bus)
    }

    /// A breakpoint that is an instruction: whether somebody is there for it.
    pub(super) fn stops_at_breakpoint(&mut self) -> bool {
        if self.debugger.is_there {
            self.halt(AT_BREAKPOINT);
        }
        self.debugger.is_there
    }

    /// The core was reset.
    pub(super) fn note_reset(&mut self) {
        self.debugger.has_seen_reset = true;
        if self.debugger.is_there && self.debugger.catches_reset {
            self.halt(WHEN_CAUGHT);
        }
    }

    /// The core is about to handle a fault.
    pub(super) fn note_fault(&mut self) {
        if self.rest == Rest::Runs && self.debugger.is_there && self.debugger.catches_fault {
            self.halt(WHEN_CAUGHT);
        }
    }

    fn single<B: Bus>(&mut self, bus: &mut B) -> Option<Trap> {
        let Self { cpu, nvic, .. } = self;
        let mut bus = WithSystem { bus, exception: cpu.exception, nvic, was_touched: false };
        cpu.step(&mut bus).err()
    }
}
