//! A workload that never sleeps, to measure how fast an emulator is: what a lock computes, and how it talks to its chip.
//!
//! A round is a hundred SHA-256 digests, as the reference lock computes them; or, while the reset button is down, ten
//! thousand looks at the pins. First the console tells how many ticks of 16 MHz a round of each takes, then the green
//! light changes with each round.
#![no_std]
#![no_main]

mod digest;
#[expect(dead_code, reason = "a lock needs more of them")]
mod registers;
mod startup;

use core::hint::black_box;

use digest::sha256;
use registers::{
    GPIO_DIRSET, GPIO_IN, GPIO_OUTCLR, GPIO_OUTSET, TIMER_BITMODE, TIMER_CAPTURE_1, TIMER_CC_1, TIMER_CLEAR,
    TIMER_MODE, TIMER_PRESCALER, TIMER_START, UART_BAUDRATE, UART_ENABLE, UART_PSELTXD, UART_STARTTX,
    UART_TXD, UART_TXDRDY, gpio_pin_cnf,
};

const BUTTON_PIN: u32 = 17;
const GREEN: u32 = 1 << 21;
const BEEPER: u32 = 1 << 23;
const TX_PIN: u32 = 24;
/// Input, connected, pull-up.
const INPUT_WITH_PULL_UP: u32 = 3 << 2;
const BAUD_115200: u32 = 0x01D7_E000;

const DIGESTS: usize = 100;
const LOOKS: usize = 10_000;
/// Longer than a byte takes.
const LOOKS_FOR_A_BYTE: usize = 2000;

/// Where the firmware's startup goes.
extern "C" fn start() -> ! {
    GPIO_OUTCLR.write(GREEN | BEEPER);
    GPIO_DIRSET.write(GREEN | BEEPER | 1 << TX_PIN);
    gpio_pin_cnf(BUTTON_PIN).write(INPUT_WITH_PULL_UP);
    start_timer();
    let mut message = [0x5A; 32];
    let began = ticks();
    compute(&mut message);
    let computed = ticks();
    talk();
    let talked = ticks();
    say(computed.wrapping_sub(began));
    say(talked.wrapping_sub(computed));
    loop {
        round(&mut message);
        GPIO_OUTSET.write(GREEN);
        round(&mut message);
        GPIO_OUTCLR.write(GREEN);
    }
}

fn round(message: &mut [u8; 32]) {
    if GPIO_IN.read() >> BUTTON_PIN & 1 == 0 { talk() } else { compute(message) }
}

// The same instructions wherever it is called from: those that are timed are those of a round.
#[inline(never)]
fn compute(message: &mut [u8; 32]) {
    for _ in 0..DIGESTS {
        *message = black_box(sha256(message));
    }
}

/// The beeper's pin is written as it is: no level changes.
#[inline(never)]
fn talk() {
    for _ in 0..LOOKS {
        black_box(GPIO_IN.read());
        GPIO_OUTCLR.write(BEEPER);
    }
}

fn start_timer() {
    TIMER_MODE.write(0);
    TIMER_BITMODE.write(3);
    TIMER_PRESCALER.write(0);
    TIMER_CLEAR.write(1);
    TIMER_START.write(1);
}

/// Of 16 MHz.
fn ticks() -> u32 {
    TIMER_CAPTURE_1.write(1);
    TIMER_CC_1.read()
}

/// A line with a number in hexadecimal.
fn say(number: u32) {
    UART_PSELTXD.write(TX_PIN);
    UART_BAUDRATE.write(BAUD_115200);
    UART_ENABLE.write(4);
    UART_STARTTX.write(1);
    for at in (0..8).rev() {
        let digit = number >> (4 * at) & 0xF;
        send(if digit < 10 { u32::from(b'0') + digit } else { u32::from(b'a') - 10 + digit });
    }
    send(u32::from(b'\n'));
}

fn send(byte: u32) {
    UART_TXDRDY.write(0);
    UART_TXD.write(byte);
    for _ in 0..LOOKS_FOR_A_BYTE {
        if UART_TXDRDY.read() != 0 {
            return;
        }
    }
}
