//! Firmware of lockrig's reference lock, for the nRF51822: see SPEC.md.
//!
//! It sleeps until the clock ticks, every 5 ms, and does everything then.
#![no_std]
#![no_main]

mod battery;
mod board;
mod button;
mod clock;
mod console;
mod crc;
mod digest;
mod entry;
mod factory;
mod flash;
mod keypad;
mod lock;
mod motor;
mod random;
mod registers;
mod rtt;
mod secret;
mod settings;
mod signals;
mod startup;
mod storage;
mod variant;

use clock::Clock;
use console::Console;
use keypad::Keypad;
use lock::Lock;

/// Where startup.rs goes.
extern "C" fn start() -> ! {
    // A handler could run between a look at an event and the sleep, and the wake-up would be lost. So
    // interrupts are masked for good: a pending one ends the sleep all the same.
    registers::mask_interrupts();
    board::start();
    let mut console = Console::start();
    console.text("reference-lock ").text(env!("CARGO_PKG_VERSION")).text(" ").text(variant::NAME).end();
    console.text("boot").end();
    let mut clock = Clock::start();
    let mut keypad = Keypad::new();
    let mut lock = Lock::at_boot();
    loop {
        registers::sleep();
        if console.is_asked() {
            lock.report(&mut console);
        }
        if let Some(now) = clock.tick() {
            let inputs = board::read();
            let key = keypad.tick(inputs.columns);
            board::drive_row(keypad.row());
            let outputs = lock.tick(now, &inputs, key, &mut console);
            board::drive(&outputs);
            console.tick();
        }
    }
}
