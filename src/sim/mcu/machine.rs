//! The whole microcontroller: a core, what is around it, its debug port, and the supply.

use super::core::{Core, Debugger, Rest};
use super::dap::{DebugPort, Refusal, Target, Transfer};
use super::nrf51::{Chip, Edge, NEVER};
use crate::sim::PortFault;

/// Why the core was reset, a bit each, as the chip's register has it.
const BY_PIN: u32 = 1;
const BY_WATCHDOG: u32 = 1 << 1;
const BY_SOFTWARE: u32 = 1 << 2;
const BY_LOCK_UP: u32 = 1 << 3;

/// A microcontroller. All its times are in cycles of 62.5 ns.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Machine {
    core: Core,
    chip: Chip,
    is_powered: bool,
    /// There is no code to begin with: it would be reset again and again.
    is_blank: bool,
    /// Its reset line is held low.
    is_held: bool,
    /// The time that it was asked for last.
    now: u64,
    port: DebugPort,
}

impl Machine {
    /// With these contents of its flash, and without power at time 0.
    pub(in crate::sim) fn new(flash: &[u8], seed: u64) -> Self {
        Self {
            core: Core::default(),
            chip: Chip::new(flash, seed),
            is_powered: false,
            is_blank: false,
            is_held: false,
            now: 0,
            port: DebugPort::default(),
        }
    }

    /// Something is wrong with its debug port, as of its next start.
    pub(in crate::sim) fn ail(&mut self, fault: PortFault) {
        self.port = DebugPort::with(fault);
        if fault == PortFault::Protected {
            self.chip.protect();
        }
    }

    /// The supply comes or goes.
    pub(in crate::sim) fn power(&mut self, on: bool, now: u64) {
        if on == self.is_powered {
            return;
        }
        self.is_powered = on;
        self.now = now;
        if on {
            self.chip.gain_power(now);
            self.restart(0, now);
        } else {
            self.chip.lose_power(now);
            self.core.debugger = Debugger::default();
            self.port.lose_power();
            self.core.cpu.cycles = now;
        }
    }

    /// Pulls the reset line low, or lets it go.
    pub(in crate::sim) fn hold_reset(&mut self, is_held: bool) {
        let was_held = std::mem::replace(&mut self.is_held, is_held);
        if self.is_powered && was_held != is_held {
            self.restart(BY_PIN, self.now);
        }
    }

    /// What a probe asks of the debug port.
    ///
    /// # Errors
    /// The port refuses.
    pub(in crate::sim) fn transfer(&mut self, transfer: Transfer) -> Result<u32, Refusal> {
        if !self.is_powered {
            return Err(Refusal::Silence);
        }
        let mut target = Target { core: &mut self.core, chip: &mut self.chip, now: self.now };
        let answer = self.port.transfer(transfer, &mut target);
        if self.core.nvic.reset_requested {
            self.restart(BY_SOFTWARE, self.now);
        }
        answer
    }

    /// When the debug port takes the next transfer: what a probe writes into the flash takes its time.
    pub(in crate::sim) fn port_is_free(&self) -> u64 {
        self.port.is_free()
    }

    /// A byte comes in on the serial line, behind those that are on their way.
    pub(in crate::sim) fn receive(&mut self, byte: u8) {
        if self.is_powered {
            self.chip.receive(byte, self.now);
        }
    }

    /// How many bytes the serial line takes now.
    pub(in crate::sim) fn takes(&self) -> usize {
        self.chip.uart.takes()
    }

    /// Puts a level on a pin from outside, or lets it go.
    pub(in crate::sim) fn drive(&mut self, pin: u8, level: Option<bool>) {
        self.chip.pins.drive(pin, level);
    }

    /// Whether the firmware drives a pin to this level.
    pub(in crate::sim) fn drives(&self, pin: u8, level: bool) -> bool {
        self.chip.pins.drives(pin, level)
    }

    /// On which pins edges are put out, a bit each.
    pub(in crate::sim) fn watch(&mut self, pins: u32) {
        self.chip.pins.watch(pins);
    }

    /// The voltage at the analog input, in microvolts.
    pub(in crate::sim) fn set_analog(&mut self, microvolts: u32) {
        self.chip.adc.set_input(microvolts);
    }

    /// Edges that were put out since they were taken.
    pub(in crate::sim) fn take_edges(&mut self) -> Vec<Edge> {
        self.chip.pins.take_edges()
    }

    /// Bytes that the UART has sent since they were taken.
    pub(in crate::sim) fn take_sent(&mut self) -> Vec<u8> {
        self.chip.uart.take_sent()
    }

    /// What the flash holds, if there is power to read it.
    pub(in crate::sim) fn flash(&mut self, now: u64) -> Option<&[u8]> {
        self.chip.advance(now);
        self.is_powered.then(|| self.chip.flash())
    }

    /// From the beginning. What the core was about to do while it stood still for the flash does not happen any more.
    fn restart(&mut self, reason: u32, at: u64) {
        self.core.cpu.cycles = at;
        self.chip.reset(at, reason);
        self.core.reset(&mut self.chip);
        self.is_blank = self.core.rest == Rest::LockedUp;
    }

    /// When it does something next by itself, if nothing happens from outside.
    pub(in crate::sim) fn acts(&self) -> u64 {
        if !self.is_powered || self.is_held {
            return NEVER;
        }
        match self.core.rest {
            Rest::Runs => self.core.cpu.cycles,
            Rest::SleepsForInterrupt | Rest::SleepsForEvent if self.core.nvic.heeds(self.chip.lines()) => {
                self.now
            }
            Rest::SleepsForInterrupt | Rest::SleepsForEvent | Rest::Halted | Rest::LockedUp => {
                self.chip.due()
            }
        }
    }

    /// Runs until a time, or until something is put out: hands out when that was, if it was earlier.
    pub(in crate::sim) fn run(&mut self, until: u64) -> Option<u64> {
        if !self.is_powered {
            self.core.cpu.cycles = self.core.cpu.cycles.max(until);
            self.now = self.now.max(until);
            return None;
        }
        loop {
            // The core is ahead while it stands still for the flash; what is around it goes on.
            self.now = self.core.cpu.cycles.min(until).max(self.now);
            self.chip.advance(self.now);
            if let Some(at) = self.chip.put_out_at() {
                return Some(at);
            }
            if self.core.cpu.cycles >= until {
                return None;
            }
            self.go_on(until);
        }
    }

    /// Runs until something is to be looked at.
    fn go_on(&mut self, until: u64) {
        let now = self.now;
        if self.chip.watchdog.is_out(now) {
            return self.restart(BY_WATCHDOG, now);
        }
        self.core.nvic.set_lines(self.chip.lines());
        self.core.wake();
        let next = self.chip.due().min(until).max(now + 1);
        match self.core.rest {
            _ if self.is_held => self.core.cpu.cycles = next,
            Rest::Runs => self.core.run(&mut self.chip, next),
            Rest::SleepsForInterrupt | Rest::SleepsForEvent => self.core.cpu.cycles = next,
            Rest::Halted => {
                self.chip.pause_watchdog(next - now);
                self.core.cpu.cycles = next;
            }
            // Whoever debugs looks at it.
            Rest::LockedUp if self.is_blank || self.core.debugger.is_there => self.core.cpu.cycles = next,
            Rest::LockedUp => self.restart(BY_LOCK_UP, now),
        }
        if self.core.nvic.reset_requested {
            self.restart(BY_SOFTWARE, self.core.cpu.cycles);
        }
    }
}
