//! Seeded imperfection: contact bounce, jitter of answers, flicker of lights.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::unit::Duration;

/// A stream of imperfections; without noise it is silent.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    random: ChaCha8Rng,
    enabled: bool,
}

impl Noise {
    pub(super) fn new(seed: u64, enabled: bool) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), enabled }
    }

    /// A number below `bound`; 0 without noise.
    fn below(&mut self, bound: u64) -> u64 {
        if self.enabled { self.random.next_u64() % bound.max(1) } else { 0 }
    }

    /// `nominal` and up to 10 % more, in steps of 10 µs.
    pub(super) fn jitter(&mut self, nominal: Duration) -> Duration {
        let grain = 10_000;
        let spread = nominal.as_nanoseconds() / 10 / grain;
        nominal.saturating_add(Duration::nanoseconds(self.below(spread + 1) * grain))
    }

    /// Delays after an edge at which a contact opens and closes again, in pairs.
    pub(super) fn bounces(&mut self) -> Vec<Duration> {
        let pairs = self.below(4);
        let mut at = 0;
        (0..pairs * 2)
            .map(|_| {
                at += 200 + self.below(800);
                Duration::microseconds(at)
            })
            .collect()
    }

    /// A short gap in a light that is on, as delay and length.
    pub(super) fn flicker(&mut self, on: Duration) -> Option<(Duration, Duration)> {
        let room = on.as_nanoseconds() / 1_000_000;
        if room < 40 || self.below(4) != 0 || !self.enabled {
            return None;
        }
        let delay = Duration::milliseconds(15 + self.below(room - 35));
        Some((delay, Duration::milliseconds(1 + self.below(4))))
    }
}
