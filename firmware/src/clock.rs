//! Time: TIMER0 counts microseconds and wakes the core every 5 ms.

use crate::registers::{
    NVIC_ICPR, NVIC_ISER, Register, TIMER_BITMODE, TIMER_CAPTURE_1, TIMER_CC_0, TIMER_CC_1, TIMER_CLEAR,
    TIMER_COMPARE_0, TIMER_INTENSET, TIMER_MODE, TIMER_PRESCALER, TIMER_START,
};

/// Milliseconds since power-on. It wraps after 49 days: compare times by `since` and `reached` only.
pub type Time = u32;

const TICK_MS: u32 = 5;
const TICK_US: u32 = 1000 * TICK_MS;
const LINE: u32 = 1 << 8;

pub struct Clock {
    now: Time,
    /// When the next tick is due, in microseconds of the timer.
    due: u32,
}

impl Clock {
    pub fn start() -> Self {
        TIMER_MODE.write(0);
        TIMER_BITMODE.write(3);
        TIMER_PRESCALER.write(4);
        TIMER_CC_0.write(TICK_US);
        TIMER_INTENSET.write(1 << 16);
        NVIC_ISER.write(LINE);
        TIMER_CLEAR.write(1);
        TIMER_START.write(1);
        Self { now: 0, due: TICK_US }
    }

    /// The time, if a tick is due. One that comes late, after a flash erase, stands for those that were
    /// missed.
    pub fn tick(&mut self) -> Option<Time> {
        if TIMER_COMPARE_0.read() == 0 {
            return None;
        }
        TIMER_COMPARE_0.write(0);
        NVIC_ICPR.write(LINE);
        let before = self.now;
        // The compare value may already lie in the past when it is written, and would not match for 71
        // minutes: so the timer is looked at after each.
        while reached(micros(), self.due) {
            self.due = self.due.wrapping_add(TICK_US);
            self.now = self.now.wrapping_add(TICK_MS);
            TIMER_CC_0.write(self.due);
        }
        (self.now != before).then_some(self.now)
    }
}

/// The timer as it stands.
pub fn micros() -> u32 {
    TIMER_CAPTURE_1.write(1);
    TIMER_CC_1.read()
}

/// Waits for an event, but not for ever: not every machine that this runs on has everything.
pub fn comes_within(microseconds: u32, event: Register) -> bool {
    let began = micros();
    while event.read() == 0 {
        if since(micros(), began) >= microseconds {
            return false;
        }
    }
    true
}

/// How long ago a time was.
pub fn since(now: Time, then: Time) -> u32 {
    now.wrapping_sub(then)
}

/// Whether a time has come.
pub fn reached(now: u32, then: u32) -> bool {
    now.wrapping_sub(then) < 1 << 31
}
