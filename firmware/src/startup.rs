//! From power-on to `start`: the vector table, and what happens when something goes wrong.
#![expect(unsafe_code, reason = "the table is assembler, which counts as unsafe; there is nothing else of it here")]

use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::registers;

// The core takes the stack pointer from the first word, and goes to the second. There are no static
// variables, so nothing has to be copied or cleared first. No interrupt is ever taken (see main.rs), so
// every other entry is a fault.
global_asm!(
    ".section .vectors, \"a\", %progbits",
    ".word _stack_top",
    ".word reset",
    ".rept 46",
    ".word {fault}",
    ".endr",
    ".section .text.reset, \"ax\", %progbits",
    ".global reset",
    ".type reset, %function",
    ".thumb_func",
    "reset:",
    "bl {start}",
    fault = sym fault,
    start = sym crate::start,
);

/// A fault leaves nothing to rely on but a fresh start; what counts is in flash.
extern "C" fn fault() -> ! {
    registers::restart()
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    registers::restart()
}
