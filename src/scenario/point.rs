//! The combinations of a claim, a model and a method: axes with levels, and points among them. A point and the
//! id of its case say the same, so that one case of a million is made without the others.

use std::fmt;

use crate::lock;
use crate::unit::Ratio;

/// A level of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Of a factor.
    Factor(lock::Level),
    /// When the power is cut.
    Cut(Ratio),
    /// Which key is another one, from 1.
    Key(u32),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factor(level) => f.write_str(level.word()),
            Self::Cut(share) => write!(f, "{}", share.as_parts_per_million() as f64 / 1e4),
            Self::Key(key) => write!(f, "{key}"),
        }
    }
}

/// What varies, and over what. No two levels of an axis have the same word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub name: &'static str,
    pub levels: Vec<Level>,
}

/// A level for each axis, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub levels: Vec<(&'static str, Level)>,
}

impl Point {
    pub(super) fn cut(&self) -> Option<Ratio> {
        self.levels
            .iter()
            .find_map(|(_, level)| if let Level::Cut(share) = level { Some(*share) } else { None })
    }

    pub(super) fn key(&self) -> Option<u32> {
        self.levels.iter().find_map(|(_, level)| if let Level::Key(key) = level { Some(*key) } else { None })
    }

    /// The levels of factors.
    pub(super) fn factors(&self) -> impl Iterator<Item = lock::Level> {
        self.levels
            .iter()
            .filter_map(|(_, level)| if let Level::Factor(level) = level { Some(*level) } else { None })
    }

    /// What a case id has of it: `~power=low~cut=40`.
    pub(super) fn suffix(&self) -> String {
        self.levels.iter().map(|(name, level)| format!("~{name}={level}")).collect()
    }
}

/// How many points the axes have; none at all is one point.
pub(super) fn count(axes: &[Axis]) -> u64 {
    axes.iter().map(|axis| axis.levels.len() as u64).fold(1, u64::saturating_mul)
}

/// The point with a number below [`count`]; the last axis varies fastest.
pub(super) fn point(axes: &[Axis], number: u64) -> Option<Point> {
    let mut rest = number;
    let mut levels = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        let size = u64::try_from(axis.levels.len()).ok().filter(|size| *size > 0)?;
        let index = usize::try_from(rest % size).ok()?;
        levels.push((axis.name, *axis.levels.get(index)?));
        rest /= size;
    }
    levels.reverse();
    (rest == 0).then_some(Point { levels })
}

/// The number of the point that a suffix of a case id names.
pub(super) fn number(axes: &[Axis], suffix: &str) -> Option<u64> {
    let mut parts = suffix.split('~');
    // What stands before the first `~` belongs to no axis.
    let mut number = 0_u64;
    if !parts.next()?.is_empty() {
        return None;
    }
    for axis in axes {
        let (name, word) = parts.next()?.split_once('=')?;
        let index = axis.levels.iter().position(|level| name == axis.name && level.to_string() == word)?;
        number = number.checked_mul(axis.levels.len() as u64)?.checked_add(index as u64)?;
    }
    parts.next().is_none().then_some(number)
}
