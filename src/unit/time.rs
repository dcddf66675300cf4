//! Points and lengths of a case's time, in nanoseconds.

use std::fmt;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use super::quantity::{Quantity, Ratio};

/// A length of time in whole nanoseconds, up to 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `count` nanoseconds.
    pub const fn nanoseconds(count: u64) -> Self {
        Self(count)
    }

    /// `count` microseconds.
    pub const fn microseconds(count: u64) -> Self {
        Self(count.saturating_mul(1_000))
    }

    /// `count` milliseconds.
    pub const fn milliseconds(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000))
    }

    /// `count` seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000_000))
    }

    /// The length in nanoseconds.
    pub const fn as_nanoseconds(self) -> u64 {
        self.0
    }

    /// The length in seconds, for drawing only.
    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This length scaled by `ratio`, rounded down to the nanosecond; never below zero.
    pub fn scaled(self, ratio: Ratio) -> Self {
        let scaled = i128::from(self.0) * i128::from(ratio.as_parts_per_million()) / 1_000_000;
        Self(u64::try_from(scaled.max(0)).unwrap_or(u64::MAX))
    }

    /// The sum, at most the longest length.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `count` times this length.
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

/// A length of time as a person says it: `10 h 10 min`, `3 min 5 s`; below a minute as ever.
#[derive(Clone, Copy, Debug)]
pub struct Spoken(pub Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.0 / 1_000_000_000;
        let parts = match seconds {
            0..60 => return write!(f, "{}", self.0),
            60..3_600 => [(seconds / 60, "min"), (seconds % 60, "s")],
            _ => [(seconds / 3_600, "h"), (seconds % 3_600 / 60, "min")],
        };
        let said =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"));
        f.write_str(&said.collect::<Vec<_>>().join(" "))
    }
}

impl Quantity for Duration {
    const NAME: &'static str = "duration";
    const EXAMPLE: &'static str = "12 s";
    const UNITS: &'static [(&'static str, i128)] = &[
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];

    fn from_base(base: i128) -> Option<Self> {
        u64::try_from(base).ok().map(Self)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, scale) = match self.0 {
            0 => return f.write_str("0 s"),
            n if n < 1_000 => ("ns", 1),
            n if n < 1_000_000 => ("µs", 1_000),
            n if n < 1_000_000_000 => ("ms", 1_000_000),
            n if n >= 3_600_000_000_000 && n % 60_000_000_000 == 0 => {
                return if n % 3_600_000_000_000 == 0 {
                    write!(f, "{} h", n / 3_600_000_000_000)
                } else {
                    write!(f, "{} min", n / 60_000_000_000)
                };
            }
            _ => ("s", 1_000_000_000),
        };
        // Three decimals are what a person reads; the record holds every nanosecond.
        let (whole, part) = (self.0 / scale, self.0 % scale * 1_000 / scale);
        match part {
            0 => write!(f, "{whole} {unit}"),
            _ if part % 100 == 0 => write!(f, "{whole}.{} {unit}", part / 100),
            _ if part % 10 == 0 => write!(f, "{whole}.{:02} {unit}", part / 10),
            _ => write!(f, "{whole}.{part:03} {unit}"),
        }
    }
}

/// A point in time: nanoseconds since the start of the case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The start of the case.
    pub const START: Self = Self(0);
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `nanoseconds` after the start of the case.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the start of the case.
    pub const fn as_nanoseconds(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero if that lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The point `length` before this one, at least the start.
    pub const fn before(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Duration(self.0))
    }
}

/// A point on the machine's monotonic clock, which no case starts or ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point at which the clock shows `nanoseconds`.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// What the clock shows in nanoseconds.
    pub const fn as_nanoseconds(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero if that lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The point `length` before this one.
    pub const fn before(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}
