//! The debug port: a serial-wire debug port with one access port, through which a probe reads and writes what the core
//! does, and the core's own debug registers.
//!
//! Sources: ARM Debug Interface Architecture Specification ADIv5.2 (IHI 0031); debug registers: ARMv6-M Architecture
//! Reference Manual (DDI 0419), chapter C1; what stays open in a protected chip: nRF51 Series Reference Manual 3.0.1,
//! chapter 9. Deliberately absent: JTAG, watchpoints, and that a port begins deaf until it gets a line reset.

use super::core::{COMPARATORS, Core, ON_REQUEST, Rest};
use super::cpu::{Bus as _, Cpu, PC};
use super::decode::Size;
use super::nrf51::{CONFIG_ID, Chip};
use crate::sim::PortFault;

/// What the debug port says that it is, and the access port: those of a Cortex-M0.
const PORT_ID: u32 = 0x0bb1_1477;
const ACCESS_PORT_ID: u32 = 0x0477_0021;
/// CTRL/STAT: an access failed.
const STICKY_ERROR: u32 = 1 << 5;
/// CTRL/STAT: requests for power of the system and of the debug domain; the bit above each acknowledges it.
const POWER_REQUESTS: u32 = 1 << 30 | 1 << 28;
const DEBUG_HAS_POWER: u32 = 1 << 29;
/// CTRL/STAT: what is kept as it was written.
const KEPT: u32 = POWER_REQUESTS | 1;
/// ABORT: the sticky error is cleared.
const CLEARS_ERROR: u32 = 1 << 2;
/// CSW after a reset: word by word, and enabled.
const RESET_CSW: u32 = 0x0300_0042;
const IS_ENABLED: u32 = 1 << 6;
/// TAR counts up in its lowest bits only.
const COUNTED: u32 = 0x3ff;
/// Where the table of debug components lies.
const ROM_TABLE: u32 = 0xf000_0000;
/// Debug components of the core: what is asked for most, watchpoints (there are none), breakpoints.
const SYSTEM: u32 = 0xe000_e000;
const WATCHPOINTS: u32 = 0xe000_1000;
const BREAKPOINTS: u32 = 0xe000_2000;
/// Of those: DFSR, DHCSR, DCRSR, DCRDR and DEMCR; BP_CTRL and the first and last BP_COMP.
const CAUSES: u32 = 0xe000_ed30;
const CONTROL: u32 = 0xe000_edf0;
const SELECTOR: u32 = 0xe000_edf4;
const DATA: u32 = 0xe000_edf8;
const CATCHES: u32 = 0xe000_edfc;
const FIRST_COMPARATOR: u32 = 0xe000_2008;
const LAST_COMPARATOR: u32 = 0xe000_2014;
/// What has to stand in the upper half of DHCSR to write it.
const KEY: u32 = 0xa05f;
/// Every so many accesses one is refused, if that is what is wrong.
const REFUSED: u32 = 500;
/// What a chip says that it is which is not this one: an nRF51422.
const OTHER_CHIP: u32 = 0xffff_0085;

/// One transfer, as a probe puts it on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Transfer {
    /// With the access port, or with the debug port itself.
    pub access_port: bool,
    /// Its register: bits 2 and 3 of an address.
    pub address: u8,
    /// What is written; else it is read.
    pub write: Option<u32>,
}

/// What a probe gets instead of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Refusal {
    /// FAULT, until the sticky error is cleared.
    Fault,
    /// Nothing: the chip has no power.
    Silence,
}

/// What the port gets at.
pub(super) struct Target<'a> {
    pub core: &'a mut Core,
    pub chip: &'a mut Chip,
    /// In cycles.
    pub now: u64,
}

/// The state of the port.
#[derive(Clone, Debug)]
pub(super) struct DebugPort {
    fault: PortFault,
    /// How often something was asked of the access port.
    accesses: u32,
    select: u32,
    control: u32,
    csw: u32,
    tar: u32,
    /// What the last read of the access port found: the next one hands it out.
    posted: u32,
    data: u32,
    catches: u32,
    has_breakpoints: bool,
    comparators: [u32; COMPARATORS],
    /// A write into the flash lasts until then.
    is_free: u64,
}

impl Default for DebugPort {
    fn default() -> Self {
        Self::with(PortFault::None)
    }
}

impl DebugPort {
    /// A port as it is without power.
    pub(super) fn with(fault: PortFault) -> Self {
        Self {
            fault,
            accesses: 0,
            select: 0,
            control: 0,
            csw: RESET_CSW,
            tar: 0,
            posted: 0,
            data: 0,
            catches: 0,
            has_breakpoints: false,
            comparators: [0; COMPARATORS],
            is_free: 0,
        }
    }

    pub(super) fn lose_power(&mut self) {
        *self = Self::with(self.fault);
    }

    pub(super) fn is_free(&self) -> u64 {
        self.is_free
    }

    /// Does a transfer. What a read of the access port hands out is what the read before it found, and an access that
    /// fails is known by the transfer after it.
    ///
    /// # Errors
    /// An access failed before, or the debug domain has no power.
    pub(super) fn transfer(&mut self, transfer: Transfer, target: &mut Target<'_>) -> Result<u32, Refusal> {
        let Transfer { access_port, address, write } = transfer;
        match (access_port, address & 12, write) {
            // These are answered whatever has happened.
            (false, 0, None) => Ok(PORT_ID),
            (false, 0, Some(value)) => {
                if value & CLEARS_ERROR != 0 {
                    self.control &= !STICKY_ERROR;
                }
                Ok(0)
            }
            (false, 4, None) if self.select & 15 == 0 => Ok(self.control),
            _ if self.control & STICKY_ERROR != 0 => Err(Refusal::Fault),
            (false, address, write) => Ok(self.own(address, write)),
            (true, address, write) => self.access(address, write, target),
        }
    }

    /// The other registers of the debug port itself.
    fn own(&mut self, address: u8, write: Option<u32>) -> u32 {
        match (address, write) {
            (4, Some(value)) if self.select & 15 == 0 => {
                let is_granted = self.fault != PortFault::NoPowerUp;
                let granted = if is_granted { (value & POWER_REQUESTS) << 1 } else { 0 };
                self.control = value & KEPT | granted | self.control & STICKY_ERROR;
            }
            // DLCR, which nobody changes.
            (4, None) => return 0x40,
            (8, Some(value)) => self.select = value,
            (8 | 12, None) => return self.posted,
            _ => {}
        }
        0
    }

    fn access(&mut self, address: u8, write: Option<u32>, target: &mut Target<'_>) -> Result<u32, Refusal> {
        self.accesses = self.accesses.wrapping_add(1);
        let is_refused = self.fault == PortFault::FaultAnswers && self.accesses.is_multiple_of(REFUSED);
        if is_refused || self.control & DEBUG_HAS_POWER == 0 {
            self.control |= STICKY_ERROR;
            return Err(Refusal::Fault);
        }
        let found = self.register(self.select as u8 & 0xf0 | address, write, target);
        Ok(if write.is_some() { 0 } else { std::mem::replace(&mut self.posted, found) })
    }

    /// A register of the access port.
    fn register(&mut self, address: u8, write: Option<u32>, target: &mut Target<'_>) -> u32 {
        if self.select >> 24 != 0 || self.fault == PortFault::NoAccessPort {
            return 0;
        }
        match (address, write) {
            (0x00, None) => return self.csw,
            (0x00, Some(value)) => self.csw = value | IS_ENABLED,
            (0x04, None) => return self.tar,
            (0x04, Some(value)) => self.tar = value,
            (0x0c, write) => return self.transfer_data(write, target),
            (0x10..=0x1c, write) => {
                return self.bus(self.tar & !15 | u32::from(address & 12), Size::Word, write, target);
            }
            (0xf8, None) => return ROM_TABLE | 3,
            (0xfc, None) => return ACCESS_PORT_ID,
            _ => {}
        }
        0
    }

    /// DRW: what stands at TAR, in the lane of its address.
    fn transfer_data(&mut self, write: Option<u32>, target: &mut Target<'_>) -> u32 {
        let size = match self.csw & 7 {
            0 => Size::Byte,
            1 => Size::Half,
            _ => Size::Word,
        };
        let bytes = size.bytes();
        let at = self.tar & !(bytes - 1);
        let (lane, mask) = (8 * (at & 3), u32::MAX >> (32 - 8 * bytes));
        let found = self.bus(at, size, write.map(|value| value >> lane & mask), target) << lane;
        if self.csw >> 4 & 3 != 0 {
            self.tar = self.tar & !COUNTED | self.tar.wrapping_add(bytes) & COUNTED;
        }
        found
    }

    /// What stands at an address; if nothing does, that is remembered as an error.
    fn bus(&mut self, at: u32, size: Size, write: Option<u32>, target: &mut Target<'_>) -> u32 {
        let is_word = size == Size::Word;
        let found = match (at, write) {
            (0xe000_0000..0xe010_0000, None) => is_word.then(|| self.read_debug(at, target)),
            (0xe000_0000..0xe010_0000, Some(value)) => is_word.then(|| {
                self.write_debug(at, value, target);
                0
            }),
            (ROM_TABLE..0xf000_1000, None) => is_word.then(|| table(at)),
            _ if target.chip.is_protected() && !stays_open(at) => None,
            (_, None) => self.read_memory(at, size, target),
            (_, Some(value)) => self.write_memory(at, size, value, target),
        };
        found.unwrap_or_else(|| {
            self.control |= STICKY_ERROR;
            0
        })
    }

    fn read_memory(&self, at: u32, size: Size, target: &mut Target<'_>) -> Option<u32> {
        if self.fault == PortFault::WrongIdentity && at == CONFIG_ID && size == Size::Word {
            return Some(OTHER_CHIP);
        }
        target.chip.read(at, size, target.now)
    }

    fn write_memory(&mut self, at: u32, size: Size, value: u32, target: &mut Target<'_>) -> Option<u32> {
        let takes = target.chip.write(at, size, value, target.now)?;
        if takes > 0 {
            self.is_free = target.now + takes;
            // The core, too, stands still for the flash.
            target.core.cpu.cycles = target.core.cpu.cycles.max(self.is_free);
        }
        Some(0)
    }

    fn read_debug(&self, at: u32, target: &mut Target<'_>) -> u32 {
        let core = &mut *target.core;
        match at {
            CONTROL => status(core, target.now),
            DATA => self.data,
            CATCHES => self.catches,
            CAUSES => core.debugger.causes,
            0xe000_e100..=0xe000_e4ff | 0xe000_ed00..=0xe000_ed24 => {
                core.nvic.read(at - SYSTEM, core.cpu.exception)
            }
            BREAKPOINTS => (COMPARATORS as u32) << 4 | u32::from(self.has_breakpoints),
            FIRST_COMPARATOR..=LAST_COMPARATOR => {
                self.comparators[(at - FIRST_COMPARATOR) as usize / 4 % COMPARATORS]
            }
            _ => identity(at),
        }
    }

    fn write_debug(&mut self, at: u32, value: u32, target: &mut Target<'_>) {
        let core = &mut *target.core;
        match at {
            CONTROL if value >> 16 == KEY => control(core, target.chip, value),
            // Registers are those of a core that is halted.
            SELECTOR if core.rest == Rest::Halted => {
                let number = (value & 31) as u8;
                if value >> 16 & 1 == 1 {
                    set_register(&mut core.cpu, number, self.data);
                } else {
                    self.data = register(&core.cpu, number);
                }
            }
            DATA => self.data = value,
            CATCHES => {
                self.catches = value & (1 << 24 | 1 << 10 | 1);
                core.debugger.catches_fault = value >> 10 & 1 == 1;
                core.debugger.catches_reset = value & 1 == 1;
            }
            CAUSES => core.debugger.causes &= !value,
            0xe000_e100..=0xe000_e4ff | 0xe000_ed00..=0xe000_ed24 => core.nvic.write(at - SYSTEM, value),
            BREAKPOINTS if value >> 1 & 1 == 1 => {
                self.has_breakpoints = value & 1 == 1;
                self.set_breakpoints(core);
            }
            FIRST_COMPARATOR..=LAST_COMPARATOR => {
                self.comparators[(at - FIRST_COMPARATOR) as usize / 4 % COMPARATORS] = value;
                self.set_breakpoints(core);
            }
            _ => {}
        }
    }

    fn set_breakpoints(&self, core: &mut Core) {
        let places = core.debugger.breakpoints.as_chunks_mut::<2>().0;
        for ([lower, upper], comparator) in places.iter_mut().zip(self.comparators) {
            let is_on = self.has_breakpoints && comparator & 1 == 1;
            let word = comparator & 0x1fff_fffc;
            *lower = (is_on && comparator >> 30 & 1 == 1).then_some(word);
            *upper = (is_on && comparator >> 31 == 1).then_some(word | 2);
        }
    }
}

/// What a protected chip still lets a probe at: the flash controller, which can erase everything, and two registers
/// that have to do with resets and with protection itself.
fn stays_open(at: u32) -> bool {
    matches!(at, 0x4001_e000..0x4001_f000 | 0x4000_0544 | 0x4000_0608)
}

/// DHCSR. Whoever reads it has taken note of a reset.
fn status(core: &mut Core, now: u64) -> u32 {
    // It halts once it stands no longer still for the flash.
    let is_halted = core.rest == Rest::Halted && core.cpu.cycles <= now;
    let is_asleep = matches!(core.rest, Rest::SleepsForEvent | Rest::SleepsForInterrupt);
    let was_reset = std::mem::take(&mut core.debugger.has_seen_reset);
    let bit = |is: bool, at: u32| u32::from(is) << at;
    bit(core.debugger.is_there, 0)
        | bit(core.rest == Rest::Halted, 1)
        | bit(core.debugger.masks_interrupts, 3)
        // A register is transferred at once.
        | bit(true, 16)
        | bit(is_halted, 17)
        | bit(is_asleep, 18)
        | bit(core.rest == Rest::LockedUp, 19)
        | bit(core.rest == Rest::Runs, 24)
        | bit(was_reset, 25)
}

/// Writes DHCSR.
fn control(core: &mut Core, chip: &mut Chip, value: u32) {
    let [is_there, halts, steps, masks] = [0, 1, 2, 3].map(|bit| value >> bit & 1 == 1);
    core.debugger.is_there = is_there;
    core.debugger.masks_interrupts = is_there && masks;
    match core.rest {
        Rest::Halted if is_there && halts => {}
        Rest::Halted if is_there && steps => core.step(chip),
        Rest::Halted => core.resume(),
        Rest::Runs | Rest::SleepsForInterrupt | Rest::SleepsForEvent | Rest::LockedUp => {
            if is_there && halts {
                core.halt(ON_REQUEST);
            }
        }
    }
}

/// A register of the core, by its number in DCRSR.
fn register(cpu: &Cpu, number: u8) -> u32 {
    match number {
        0..=15 => cpu.r[usize::from(number)],
        16 => cpu.status(),
        17 => cpu.stacks().0,
        18 => cpu.stacks().1,
        20 => cpu.special(20) << 24 | cpu.special(16),
        _ => 0,
    }
}

fn set_register(cpu: &mut Cpu, number: u8, value: u32) {
    match number {
        15 => cpu.r[PC] = value & !1,
        0..=14 => cpu.r[usize::from(number)] = value,
        16 => cpu.set_flags(value),
        17 => cpu.set_special(8, value),
        18 => cpu.set_special(9, value),
        20 => {
            cpu.set_special(20, value >> 24);
            cpu.set_special(16, value);
        }
        _ => {}
    }
}

/// The table of debug components: how far each lies from the table.
fn table(at: u32) -> u32 {
    let present = |component: u32| component.wrapping_sub(ROM_TABLE) | 3;
    match at - ROM_TABLE {
        0x0 => present(SYSTEM),
        0x4 => present(WATCHPOINTS),
        0x8 => present(BREAKPOINTS),
        // The memory is on the same bus.
        0xfcc => 1,
        _ => identity(at),
    }
}

/// By whom a component is, and which: the chip is Nordic's first, the others are those of ARM's Cortex-M0.
fn identity(at: u32) -> u32 {
    let (part, designer, class): (u32, [u32; 3], u32) = match at & !0xfff {
        ROM_TABLE => (0x01, [0x40, 0x0c, 0x02], 0x10),
        SYSTEM => (0x08, [0xb0, 0x0b, 0x04], 0xe0),
        WATCHPOINTS => (0x0a, [0xb0, 0x0b, 0x04], 0xe0),
        BREAKPOINTS => (0x0b, [0xb0, 0x0b, 0x04], 0xe0),
        _ => return 0,
    };
    match at & 0xfff {
        0xfd0 => designer[2],
        0xfe0 => part,
        0xfe4 => designer[0],
        0xfe8 => designer[1],
        0xff0 => 0x0d,
        0xff4 => class,
        0xff8 => 0x05,
        0xffc => 0xb1,
        _ => 0,
    }
}
