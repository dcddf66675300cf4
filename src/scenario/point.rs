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

/// The points of a family's cases.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    pub axes: Vec<Axis>,
    /// Those that are cases, each by the index of its level on each axis. If it is absent, all are.
    pub rows: Option<Vec<Vec<usize>>>,
}

impl Grid {
    /// How many points there are; no axis at all is one point.
    pub(super) fn count(&self) -> u64 {
        match &self.rows {
            Some(rows) => rows.len() as u64,
            None => self.axes.iter().map(|axis| axis.levels.len() as u64).fold(1, u64::saturating_mul),
        }
    }

    /// The point with a number below [`Grid::count`]; of all points, the last axis varies fastest.
    pub(super) fn point(&self, number: u64) -> Option<Point> {
        let indices = match &self.rows {
            Some(rows) => rows.get(usize::try_from(number).ok()?)?.clone(),
            None => self.digits(number)?,
        };
        let level = |(axis, index): (&Axis, usize)| Some((axis.name, *axis.levels.get(index)?));
        let levels = self.axes.iter().zip(indices).map(level).collect::<Option<_>>()?;
        Some(Point { levels })
    }

    /// What a row is the first to have of combinations of so many axes.
    pub(super) fn first(&self, number: u64, size: usize) -> Vec<Vec<(&'static str, Level)>> {
        let Some((rows, at)) = self.rows.as_ref().zip(usize::try_from(number).ok()) else {
            return Vec::new();
        };
        let Some(row) = rows.get(at) else { return Vec::new() };
        let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..size.min(row.len()) {
            let longer = |choice: Vec<usize>| {
                let from = choice.last().map_or(0, |last| last + 1);
                (from..row.len()).map(move |axis| [choice.as_slice(), &[axis]].concat())
            };
            choices = choices.into_iter().flat_map(longer).collect();
        }
        let is_first = |choice: &Vec<usize>| {
            !rows.iter().take(at).any(|other| choice.iter().all(|axis| other.get(*axis) == row.get(*axis)))
        };
        let named = |choice: Vec<usize>| {
            let level = |axis: usize| {
                let axes = self.axes.get(axis)?;
                Some((axes.name, *axes.levels.get(*row.get(axis)?)?))
            };
            choice.into_iter().filter_map(level).collect()
        };
        choices.into_iter().filter(is_first).map(named).collect()
    }

    fn digits(&self, number: u64) -> Option<Vec<usize>> {
        let mut rest = number;
        let mut digits = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let size = u64::try_from(axis.levels.len()).ok().filter(|size| *size > 0)?;
            digits.push(usize::try_from(rest % size).ok()?);
            rest /= size;
        }
        digits.reverse();
        (rest == 0).then_some(digits)
    }

    /// The number of the point that a suffix of a case id names.
    pub(super) fn number(&self, suffix: &str) -> Option<u64> {
        let mut parts = suffix.split('~');
        // What stands before the first `~` belongs to no axis.
        if !parts.next()?.is_empty() {
            return None;
        }
        let mut indices = Vec::with_capacity(self.axes.len());
        for axis in &self.axes {
            let (name, word) = parts.next()?.split_once('=')?;
            let index =
                axis.levels.iter().position(|level| name == axis.name && level.to_string() == word)?;
            indices.push(index);
        }
        if parts.next().is_some() {
            return None;
        }
        match &self.rows {
            Some(rows) => u64::try_from(rows.iter().position(|row| *row == indices)?).ok(),
            None => indices.iter().zip(&self.axes).try_fold(0_u64, |number, (index, axis)| {
                number.checked_mul(axis.levels.len() as u64)?.checked_add(*index as u64)
            }),
        }
    }
}
