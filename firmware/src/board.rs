//! Which pin is what.

use crate::keypad;
use crate::motor::Drive;
use crate::registers::{GPIO_DIRSET, GPIO_IN, GPIO_OUTCLR, GPIO_OUTSET, gpio_pin_cnf};

const MOTOR_OPENS: u32 = 1 << 8;
const MOTOR_CLOSES: u32 = 1 << 9;
const BOLT_THROWN: u32 = 1 << 10;
const BOLT_OPEN: u32 = 1 << 11;
const FIRST_ROW: u32 = 12;
const ROWS: u32 = 0b1111 << FIRST_ROW;
const RESET_BUTTON: u32 = 1 << 17;
const FIRST_COLUMN: u32 = 18;
const COLUMNS: u32 = 0b111 << FIRST_COLUMN;
const GREEN: u32 = 1 << 21;
const RED: u32 = 1 << 22;
const BEEPER: u32 = 1 << 23;
pub const TX_PIN: u32 = 24;
pub const RX_PIN: u32 = 25;

const IDLE_HIGH: u32 = ROWS | 1 << TX_PIN;
const IDLE_LOW: u32 = MOTOR_OPENS | MOTOR_CLOSES | GREEN | RED | BEEPER;
const INPUTS: u32 = BOLT_THROWN | BOLT_OPEN | RESET_BUTTON | COLUMNS | 1 << RX_PIN;
/// Input, connected, pull-up.
const INPUT_WITH_PULL_UP: u32 = 3 << 2;

/// What is read at a tick.
pub struct Inputs {
    pub button_is_down: bool,
    pub bolt_is_thrown: bool,
    pub bolt_is_open: bool,
    /// Columns of the row that was driven at the tick before, a bit each.
    pub columns: u16,
}

/// What is driven until the next.
pub struct Outputs {
    pub motor: Drive,
    pub green: bool,
    pub red: bool,
    pub beeper: bool,
}

/// Levels first, then directions: no pin drives anything it should not, not even for a moment.
pub fn start() {
    GPIO_OUTSET.write(IDLE_HIGH);
    GPIO_OUTCLR.write(IDLE_LOW);
    GPIO_DIRSET.write(IDLE_HIGH | IDLE_LOW);
    for pin in (0..32).filter(|pin| INPUTS >> pin & 1 == 1) {
        gpio_pin_cnf(pin).write(INPUT_WITH_PULL_UP);
    }
    drive_row(0);
}

pub fn read() -> Inputs {
    let low = !GPIO_IN.read();
    Inputs {
        button_is_down: low & RESET_BUTTON != 0,
        bolt_is_thrown: low & BOLT_THROWN != 0,
        bolt_is_open: low & BOLT_OPEN != 0,
        columns: ((low & COLUMNS) >> FIRST_COLUMN) as u16,
    }
}

/// Drives one row of the keypad low, and the others high.
pub fn drive_row(row: u32) {
    let row = 1 << (FIRST_ROW + row % keypad::ROWS);
    GPIO_OUTSET.write(ROWS & !row);
    GPIO_OUTCLR.write(row);
}

/// What goes low does so first: so the motor is never driven both ways.
pub fn drive(outputs: &Outputs) {
    let motor = match outputs.motor {
        Drive::Stands => 0,
        Drive::Opens => MOTOR_OPENS,
        Drive::Closes => MOTOR_CLOSES,
    };
    let pin = |is_high: bool, pin: u32| if is_high { pin } else { 0 };
    let high = motor | pin(outputs.green, GREEN) | pin(outputs.red, RED) | pin(outputs.beeper, BEEPER);
    GPIO_OUTCLR.write(IDLE_LOW & !high);
    GPIO_OUTSET.write(high);
}
