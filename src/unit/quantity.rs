//! Parsing and printing of quantities with units, exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Duration;

/// Something that is written as a number and a unit.
pub trait Quantity: Sized {
    /// What it is called in a message: `duration`.
    const NAME: &'static str;
    /// How one is written: `12 s`.
    const EXAMPLE: &'static str;
    /// Its units, each with its size in base units.
    const UNITS: &'static [(&'static str, i128)];

    /// The quantity of `base` base units, if it can be held.
    fn from_base(base: i128) -> Option<Self>;
}

/// Why a text is not the wanted quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// There is no number at the front.
    #[error("`{text}` is not a valid {expected}; write it like `{example}`")]
    NotANumber {
        /// What was written.
        text: String,
        /// Name of the wanted quantity.
        expected: &'static str,
        /// A well-formed example.
        example: &'static str,
    },
    /// A bare number.
    #[error("`{text}` has no unit; write the {expected} like `{example}`")]
    NoUnit {
        /// What was written.
        text: String,
        /// Name of the wanted quantity.
        expected: &'static str,
        /// A well-formed example.
        example: &'static str,
    },
    /// A unit of something else, or of nothing.
    #[error("`{unit}` is {actual}; write the {expected} here like `{example}`")]
    WrongUnit {
        /// The unit that was written.
        unit: String,
        /// What that unit measures.
        actual: String,
        /// Name of the wanted quantity.
        expected: &'static str,
        /// A well-formed example.
        example: &'static str,
    },
    /// Negative, finer than the base unit, or too large to hold.
    #[error("the {expected} `{text}` is out of range")]
    OutOfRange {
        /// What was written.
        text: String,
        /// Name of the wanted quantity.
        expected: &'static str,
    },
}

/// Reads one quantity, such as `12 s`, `4.2 V`, `80 %` or `180 deg`.
///
/// # Errors
/// Says what is wrong with the text and how such a quantity is written.
pub fn parse<Q: Quantity>(text: &str) -> Result<Q, QuantityError> {
    let text = text.trim();
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let out_of_range = || QuantityError::OutOfRange { text: text.into(), expected: Q::NAME };
    let Some((mantissa, divisor)) = decimal(number) else {
        return Err(QuantityError::NotANumber { text: text.into(), expected: Q::NAME, example: Q::EXAMPLE });
    };
    if unit.is_empty() {
        return Err(QuantityError::NoUnit { text: text.into(), expected: Q::NAME, example: Q::EXAMPLE });
    }
    let Some((_, size)) = Q::UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(QuantityError::WrongUnit {
            unit: unit.into(),
            actual: unit_measures(unit),
            expected: Q::NAME,
            example: Q::EXAMPLE,
        });
    };
    let scaled = mantissa.checked_mul(*size).ok_or_else(out_of_range)?;
    if scaled % divisor != 0 {
        return Err(out_of_range());
    }
    Q::from_base(scaled / divisor).ok_or_else(out_of_range)
}

/// A decimal number as mantissa and power of ten; at most 15 digits.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let well_formed = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !well_formed(whole) || !well_formed(part) || digits.ends_with('.') {
        return None;
    }
    if whole.len() + part.len() > 15 {
        return None;
    }
    let mantissa: i128 = format!("{whole}{part}").parse().ok()?;
    let divisor = 10_i128.pow(u32::try_from(part.len()).ok()?);
    Some((if negative { -mantissa } else { mantissa }, divisor))
}

fn unit_measures(unit: &str) -> String {
    let known = [
        (Duration::NAME, Duration::UNITS),
        (Voltage::NAME, Voltage::UNITS),
        (Current::NAME, Current::UNITS),
        (Angle::NAME, Angle::UNITS),
        (Ratio::NAME, Ratio::UNITS),
    ];
    known
        .iter()
        .find(|(_, units)| units.iter().any(|(name, _)| *name == unit))
        .map_or_else(|| "not a known unit".to_owned(), |(name, _)| format!("a unit of {name}"))
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident, $label:literal, $example:literal, $symbol:literal, $units:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// From millionths of the unit.
            pub const fn from_millionths(millionths: i64) -> Self {
                Self(millionths)
            }

            /// In millionths of the unit.
            pub const fn as_millionths(self) -> i64 {
                self.0
            }

            /// As a floating number of the unit, for the wire and for drawing.
            pub fn as_f64(self) -> f64 {
                self.0 as f64 / 1e6
            }

            /// From a floating number of the unit, rounded to the nearest millionth; `None` if
            /// it is not finite or cannot be held.
            pub fn from_f64(number: f64) -> Option<Self> {
                let millionths = (number * 1e6).round();
                (millionths.is_finite() && millionths.abs() < 9e15).then_some(Self(millionths as i64))
            }
        }

        impl Quantity for $name {
            const NAME: &'static str = $label;
            const EXAMPLE: &'static str = $example;
            const UNITS: &'static [(&'static str, i128)] = $units;

            fn from_base(base: i128) -> Option<Self> {
                i64::try_from(base).ok().filter(|m| m.unsigned_abs() < 9_000_000_000_000_000).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.as_f64(), $symbol)
            }
        }
    };
}

fixed_point!(
    /// An electric potential, in microvolts.
    Voltage, "voltage", "4.2 V", "V", &[("V", 1_000_000), ("mV", 1_000)]
);
fixed_point!(
    /// An electric current, in microamperes.
    Current, "current", "250 mA", "A", &[("A", 1_000_000), ("mA", 1_000), ("uA", 1), ("µA", 1)]
);
fixed_point!(
    /// A turn, in millionths of a degree; positive is clockwise seen from outside.
    Angle, "angle", "180 deg", "deg", &[("deg", 1_000_000), ("°", 1_000_000)]
);

impl Angle {
    /// This turn scaled by `ratio`, rounded towards none.
    pub fn scaled(self, ratio: Ratio) -> Self {
        let scaled = i128::from(self.0) * i128::from(ratio.as_parts_per_million()) / 1_000_000;
        Self(i64::try_from(scaled).unwrap_or(i64::MAX))
    }
}

/// A share of something, in parts per million: `80 %` is 800,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(i64);

impl Voltage {
    /// This share of it, rounded towards none.
    pub fn scaled(self, ratio: Ratio) -> Self {
        let scaled = i128::from(self.0) * i128::from(ratio.as_parts_per_million()) / 1_000_000;
        Self(i64::try_from(scaled).unwrap_or(i64::MAX))
    }
}

impl Ratio {
    /// The whole.
    pub const WHOLE: Self = Self(1_000_000);

    /// `count` hundredths.
    pub const fn percent(count: i64) -> Self {
        Self(count * 10_000)
    }

    /// From a floating share of the whole, rounded to the nearest millionth; `None` if no share is that large.
    pub fn from_f64(share: f64) -> Option<Self> {
        let ppm = (share * 1e6).round();
        (0.0..=1e8).contains(&ppm).then_some(Self(ppm as i64))
    }

    /// What it leaves of the whole; nothing, if it is more.
    pub const fn rest(self) -> Self {
        Self(if self.0 < Self::WHOLE.0 { Self::WHOLE.0 - self.0 } else { 0 })
    }

    /// In parts per million.
    pub const fn as_parts_per_million(self) -> i64 {
        self.0
    }
}

impl Quantity for Ratio {
    const NAME: &'static str = "percentage";
    const EXAMPLE: &'static str = "80 %";
    const UNITS: &'static [(&'static str, i128)] = &[("%", 10_000)];

    fn from_base(base: i128) -> Option<Self> {
        i64::try_from(base).ok().filter(|ppm| (0..=100_000_000).contains(ppm)).map(Self)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0 as f64 / 1e4)
    }
}

/// A nominal duration and how far it may be off: `200 ms ±20 %` or `200 ms ±50 ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tolerance {
    nominal: Duration,
    deviation: Duration,
}

impl Tolerance {
    /// Reads `NOMINAL ±DEVIATION`, the deviation as a percentage or a duration.
    ///
    /// # Errors
    /// Says which half is malformed.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let Some((nominal, deviation)) = text.split_once('±') else {
            return Err(QuantityError::NotANumber {
                text: text.into(),
                expected: "duration with a tolerance",
                example: "200 ms ±20 %",
            });
        };
        let nominal: Duration = parse(nominal)?;
        let deviation = match parse::<Ratio>(deviation) {
            Ok(ratio) => nominal.scaled(ratio),
            Err(QuantityError::WrongUnit { .. }) => parse(deviation)?,
            Err(error) => return Err(error),
        };
        Ok(Self { nominal, deviation })
    }

    /// The same with its bounds further apart by `slack` on either side.
    #[must_use]
    pub fn widened(self, slack: Duration) -> Self {
        Self { deviation: self.deviation.saturating_add(slack), ..self }
    }

    /// The shortest length inside.
    pub fn least(self) -> Duration {
        self.nominal.saturating_sub(self.deviation)
    }

    /// The longest length inside.
    pub fn most(self) -> Duration {
        self.nominal.saturating_add(self.deviation)
    }

    /// Whether `length` is inside, bounds included.
    pub fn contains(self, length: Duration) -> bool {
        (self.least()..=self.most()).contains(&length)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ±{}", self.nominal, self.deviation)
    }
}
