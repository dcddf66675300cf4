//! Lights and beeper, played from the tick.

use crate::clock::{Time, reached};

/// Pulses of one light or of the beeper, in milliseconds.
#[derive(Clone, Copy)]
pub struct Pulses {
    times: u8,
    on: u32,
    off: u32,
    /// Before the first.
    pause: u32,
}

/// What one answer looks and sounds like.
#[derive(Clone, Copy)]
pub struct Signal {
    green: Pulses,
    red: Pulses,
    beeper: Pulses,
}

const NONE: Pulses = Pulses { times: 0, on: 0, off: 0, pause: 0 };
const LIGHT: Pulses = Pulses { times: 1, on: 1000, ..NONE };
const SHORT_BEEPS: Pulses = Pulses { times: 1, on: 100, off: 100, ..NONE };
const DARK: Signal = Signal { green: NONE, red: NONE, beeper: NONE };

pub const MOVED: Signal = Signal { green: LIGHT, beeper: SHORT_BEEPS, ..DARK };
pub const DONE: Signal = Signal { green: LIGHT, beeper: Pulses { times: 2, ..SHORT_BEEPS }, ..DARK };
pub const WRONG: Signal = Signal { red: LIGHT, beeper: Pulses { times: 3, ..SHORT_BEEPS }, ..DARK };
pub const LOCKED_OUT: Signal = Signal { red: Pulses { on: 200, ..LIGHT }, ..DARK };
pub const EMPTY_BATTERY: Signal = Signal { red: LIGHT, ..DARK };
pub const RESET_DONE: Signal = Signal {
    green: Pulses { times: 3, on: 300, off: 300, ..NONE },
    beeper: Pulses { times: 2, on: 600, off: 300, ..NONE },
    ..DARK
};
/// After the beep of the opening; the pause keeps them apart.
const LOW_BATTERY_BEEPS: Pulses = Pulses { times: 3, pause: 300, ..SHORT_BEEPS };

/// One light, or the beeper.
struct Player {
    pulses: Pulses,
    is_on: bool,
    /// When that changes, unless no pulse is left.
    changes_at: Time,
}

pub struct Signals {
    green: Player,
    red: Player,
    beeper: Player,
}

/// What is on now.
pub struct Levels {
    pub green: bool,
    pub red: bool,
    pub beeper: bool,
}

impl Player {
    const fn new() -> Self {
        Self { pulses: NONE, is_on: false, changes_at: 0 }
    }

    fn play(&mut self, now: Time, pulses: Pulses) {
        *self = Self { pulses, is_on: false, changes_at: now.wrapping_add(pulses.pause) };
    }

    fn tick(&mut self, now: Time) -> bool {
        while self.plays() && reached(now, self.changes_at) {
            let lasts = if self.is_on {
                self.pulses.times -= 1;
                self.pulses.off
            } else {
                self.pulses.on
            };
            self.is_on = !self.is_on;
            self.changes_at = self.changes_at.wrapping_add(lasts);
        }
        self.is_on
    }

    fn plays(&self) -> bool {
        self.pulses.times > 0
    }
}

impl Signals {
    pub const fn new() -> Self {
        Self { green: Player::new(), red: Player::new(), beeper: Player::new() }
    }

    /// Begins an answer, in place of what is still shown of the last.
    pub fn show(&mut self, now: Time, signal: Signal) {
        self.green.play(now, signal.green);
        self.red.play(now, signal.red);
        self.beeper.play(now, signal.beeper);
    }

    /// Warns of a low battery, if the beeper is free.
    pub fn warn(&mut self, now: Time) -> bool {
        let is_free = !self.beeper.plays();
        if is_free {
            self.beeper.play(now, LOW_BATTERY_BEEPS);
        }
        is_free
    }

    pub fn are_over(&self) -> bool {
        !(self.green.plays() || self.red.plays() || self.beeper.plays())
    }

    pub fn tick(&mut self, now: Time) -> Levels {
        Levels { green: self.green.tick(now), red: self.red.tick(now), beeper: self.beeper.tick(now) }
    }
}
