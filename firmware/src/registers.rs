//! The chip as safe code may use it: its registers, its data pages, and the RAM that a debugger reads.
//!
//! All unsafe code is here. It is sound because no address comes from outside: a register is one of those
//! listed below, and the pages and the shared RAM are checked, and belong to no Rust variable.
#![expect(unsafe_code, reason = "registers and two instructions can't be reached otherwise")]

use core::arch::asm;
use core::ops::Range;
use core::ptr;

/// A register of the chip (nRF51 Series Reference Manual 3.0); there are no others than those below.
#[derive(Clone, Copy)]
pub struct Register(u32);

pub const GPIO_OUTSET: Register = Register(0x5000_0508);
pub const GPIO_OUTCLR: Register = Register(0x5000_050C);
pub const GPIO_IN: Register = Register(0x5000_0510);
pub const GPIO_DIRSET: Register = Register(0x5000_0518);

/// How a pin is configured.
pub const fn gpio_pin_cnf(pin: u32) -> Register {
    Register(0x5000_0700 + 4 * (pin & 31))
}

pub const UART_STARTRX: Register = Register(0x4000_2000);
pub const UART_STARTTX: Register = Register(0x4000_2008);
pub const UART_RXDRDY: Register = Register(0x4000_2108);
pub const UART_TXDRDY: Register = Register(0x4000_211C);
pub const UART_INTENSET: Register = Register(0x4000_2304);
pub const UART_ENABLE: Register = Register(0x4000_2500);
pub const UART_PSELTXD: Register = Register(0x4000_250C);
pub const UART_PSELRXD: Register = Register(0x4000_2514);
pub const UART_RXD: Register = Register(0x4000_2518);
pub const UART_TXD: Register = Register(0x4000_251C);
pub const UART_BAUDRATE: Register = Register(0x4000_2524);

pub const ADC_START: Register = Register(0x4000_7000);
pub const ADC_END: Register = Register(0x4000_7100);
pub const ADC_ENABLE: Register = Register(0x4000_7500);
pub const ADC_CONFIG: Register = Register(0x4000_7504);
pub const ADC_RESULT: Register = Register(0x4000_7508);

pub const TIMER_START: Register = Register(0x4000_8000);
pub const TIMER_CLEAR: Register = Register(0x4000_800C);
pub const TIMER_CAPTURE_1: Register = Register(0x4000_8044);
pub const TIMER_COMPARE_0: Register = Register(0x4000_8140);
pub const TIMER_INTENSET: Register = Register(0x4000_8304);
pub const TIMER_MODE: Register = Register(0x4000_8504);
pub const TIMER_BITMODE: Register = Register(0x4000_8508);
pub const TIMER_PRESCALER: Register = Register(0x4000_8510);
pub const TIMER_CC_0: Register = Register(0x4000_8540);
pub const TIMER_CC_1: Register = Register(0x4000_8544);

pub const RNG_START: Register = Register(0x4000_D000);
pub const RNG_VALRDY: Register = Register(0x4000_D100);
pub const RNG_VALUE: Register = Register(0x4000_D508);

pub const NVMC_READY: Register = Register(0x4001_E400);
pub const NVMC_CONFIG: Register = Register(0x4001_E504);
/// Not for others: what it erases has to be checked.
const NVMC_ERASEPAGE: Register = Register(0x4001_E508);

pub const NVIC_ISER: Register = Register(0xE000_E100);
pub const NVIC_ICPR: Register = Register(0xE000_E280);
const SCB_AIRCR: Register = Register(0xE000_ED0C);

impl Register {
    pub fn read(self) -> u32 {
        unsafe { ptr::read_volatile(ptr::with_exposed_provenance(self.0 as usize)) }
    }

    pub fn write(self, value: u32) {
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(self.0 as usize), value) }
    }
}

/// Flash pages that hold data, the factory page last.
const DATA: Range<u32> = 0x3_EC00..0x4_0000;
/// Those of them that may change: the factory page is never written, whatever goes wrong elsewhere.
const CHANGEABLE: Range<u32> = 0x3_EC00..0x3_FC00;

/// A word of a data page; as if blank anywhere else.
pub fn read_data(address: u32) -> u32 {
    if !DATA.contains(&address) || !address.is_multiple_of(4) {
        return u32::MAX;
    }
    Register(address).read()
}

/// Writes a word of a data page; the controller has to be in write mode.
pub fn write_data(address: u32, value: u32) {
    if CHANGEABLE.contains(&address) && address.is_multiple_of(4) {
        Register(address).write(value);
    }
}

/// Erases the data page at an address; the controller has to be in erase mode.
pub fn erase_data(address: u32) {
    if CHANGEABLE.contains(&address) {
        NVMC_ERASEPAGE.write(address);
    }
}

/// RAM that link.x keeps free for src/rtt.rs, because a debugger reads and writes it behind the compiler's
/// back.
pub const SHARED: u32 = 0x2000_0000;
const SHARED_SIZE: u32 = 304;

/// A word of it, by its offset.
pub fn read_shared(offset: u32) -> u32 {
    if offset >= SHARED_SIZE || !offset.is_multiple_of(4) {
        return 0;
    }
    Register(SHARED + offset).read()
}

/// Writes a word of it.
pub fn write_shared(offset: u32, value: u32) {
    if offset < SHARED_SIZE && offset.is_multiple_of(4) {
        Register(SHARED + offset).write(value);
    }
}

/// Writes a byte of it.
pub fn write_shared_byte(offset: u32, value: u8) {
    if offset < SHARED_SIZE {
        unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut((SHARED + offset) as usize), value) }
    }
}

/// From now on interrupts wake the core, but are not taken.
pub fn mask_interrupts() {
    unsafe { asm!("cpsid i", options(nostack, preserves_flags)) }
}

/// Sleeps until an interrupt is pending; not at all if one is.
pub fn sleep() {
    unsafe { asm!("wfi", options(nostack, preserves_flags)) }
}

/// Resets the whole chip.
pub fn restart() -> ! {
    loop {
        SCB_AIRCR.write(0x05FA_0004);
    }
}
