//! An emulated microcontroller in virtual time, cycle by cycle: an nRF51822, which is a Cortex-M0 at 16 MHz with
//! 256 KiB of flash and 16 KiB of RAM.
//!
//! Deliberately absent: what its pins are wired to, which its board knows; the radio, and whatever else the firmware of
//! our lock does without: low-power clocks, GPIOTE, PPI.

mod core;
mod cpu;
#[cfg(test)]
mod cycles;
mod dap;
mod decode;
mod machine;
mod nrf51;
#[cfg(test)]
mod probed;

pub(super) use dap::{Refusal, Transfer};
pub(super) use machine::Machine;
pub(super) use nrf51::FLASH_BYTES;
