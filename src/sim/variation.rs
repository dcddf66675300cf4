//! What sound locks do differently from the textbook, to be switched on one by one: no claim may fail over it.

use crate::lock::named_enum;
use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::design::{ms, s};
use super::lock::{SimulatedLock, Task};

named_enum! {
    /// One way in which a sound lock differs.
    Variation {
        /// Its clock runs 1 % fast: a hold is long enough a little sooner.
        FastClock = "fast-clock",
        /// Its clock runs 1 % slow.
        SlowClock = "slow-clock",
        /// It clicks at each key: a beep of 40 ms.
        KeyClicks = "key-clicks",
        /// The contact of its bolt bounces for 6 ms.
        BouncingBolt = "bouncing-bolt",
        /// Its bolt opens late, 2.3 s after the last key.
        LateBolt = "late-bolt",
        /// Its bolt opens 50 ms after the last key.
        EarlyBolt = "early-bolt",
        /// Its keypad is deaf for 3 s after a wrong code.
        DeafKeypad = "deaf-keypad",
        /// Its keypad keeps half-typed keys for 30 s.
        LongMemory = "long-memory",
        /// It restarts after a reset, and says nothing for 5 s.
        RestartsAfterReset = "restarts-after-reset",
        /// Its lights are dimmed by switching them at 1 kHz.
        PwmLight = "pwm-light",
        /// App and hub take 6 s to answer.
        SlowAnswers = "slow-answers",
        /// Its answers have fields that the protocol does not define.
        ExtraFields = "extra-fields",
    }
}

/// Edges of a bouncing contact: how long after the first one.
const BOUNCES: [u64; 4] = [1, 2, 4, 6];
/// Half a period of 1 kHz.
const HALF_PERIOD: Duration = Duration::microseconds(500);

impl SimulatedLock {
    pub(super) fn is(&self, variation: Variation) -> bool {
        self.variation == Some(variation)
    }

    /// A time as its own clock counts it.
    pub(super) fn by_own_clock(&self, delay: Duration) -> Duration {
        let percent = self.clock();
        Duration::nanoseconds(delay.as_nanoseconds() / 100 * percent + delay.as_nanoseconds() % 100)
    }

    /// Percent of the true time that its clock takes.
    pub(super) fn clock(&self) -> u64 {
        match self.variation {
            Some(Variation::FastClock) => 99,
            Some(Variation::SlowClock) => 101,
            _ => 100,
        }
    }

    /// From the last key to the bolt.
    pub(super) fn motor(&self, usual: Duration) -> Duration {
        match self.variation {
            Some(Variation::LateBolt) => usual.max(ms(2_300)),
            Some(Variation::EarlyBolt) => ms(50),
            _ => usual,
        }
    }

    pub(super) fn forgets_after(&self, usual: Duration) -> Duration {
        if self.is(Variation::LongMemory) { s(30) } else { usual }
    }

    pub(super) fn answers_after(&self, usual: Duration) -> Duration {
        if self.is(Variation::SlowAnswers) { s(6) } else { usual }
    }

    pub(super) fn click(&mut self) {
        if self.is(Variation::KeyClicks) {
            self.put(Channel::Beeper, Value::Switch(true));
            self.plan(ms(40), Task::Show(Channel::Beeper, Value::Switch(false)));
        }
    }

    pub(super) fn bounce_bolt(&mut self, thrown: bool) {
        if self.is(Variation::BouncingBolt) {
            for (delay, value) in BOUNCES.into_iter().zip([!thrown, thrown, !thrown, thrown]) {
                self.plan(ms(delay), Task::Show(Channel::Bolt, Value::Switch(value)));
            }
        }
    }

    pub(super) fn hear_nothing_for_a_while(&mut self) {
        if self.is(Variation::DeafKeypad) {
            self.deaf_until = self.now + s(3);
        }
    }

    pub(super) fn restart_after_reset(&mut self) {
        if self.is(Variation::RestartsAfterReset) {
            self.running = false;
            self.plan(s(5), Task::Restarted);
        }
    }

    /// A light that was just switched on, or off, is dimmed from here on.
    pub(super) fn dim(&mut self, channel: &Channel, value: &Value) {
        if self.is(Variation::PwmLight) && matches!(channel, Channel::Light(_)) {
            self.dimmed += 1;
            if let Value::Light(Some(_)) = value {
                let task = Task::Dim {
                    channel: channel.clone(),
                    lit: value.clone(),
                    on: false,
                    generation: self.dimmed,
                };
                self.plan(HALF_PERIOD, task);
            }
        }
    }

    pub(super) fn switch_dimmed(&mut self, channel: Channel, lit: Value, on: bool, generation: u64) {
        if generation == self.dimmed {
            let value = if on { lit.clone() } else { Value::Light(None) };
            self.show_raw(channel.clone(), value);
            self.plan(HALF_PERIOD, Task::Dim { channel, lit, on: !on, generation });
        }
    }
}
