//! Covering arrays: few rows in which any two, or any three, factors meet in each of their combinations that can be.
//! The same factors give the same rows on every machine.
//!
//! Deliberately absent: what a factor or a level means, which is the caller's, and any clock.

mod counts;
mod grow;
mod search;
mod space;

#[cfg(test)]
mod tests;

use std::fmt;

pub use space::{Exclusion, Space};

/// How many factors have to meet in all their combinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Any two.
    Pairwise,
    /// Any three.
    ThreeWise,
}

impl Strength {
    /// So many factors.
    pub fn factors(self) -> usize {
        match self {
            Self::Pairwise => 2,
            Self::ThreeWise => 3,
        }
    }
}

/// How long a smaller array is looked for. Both limits are counted, never timed: an array depends on no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// An array of so many rows is small enough.
    pub enough: usize,
    /// Looks at a combination, for each combination that there is.
    pub looks: u64,
}

impl Default for Effort {
    /// Under a second for twenty factors of ten levels.
    fn default() -> Self {
        Self { enough: 0, looks: 2_000 }
    }
}

impl Effort {
    /// The first array that is found.
    pub const NONE: Self = Self { enough: usize::MAX, looks: 0 };
}

/// Why there is no array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More combinations than an array is looked for.
    TooLarge {
        /// So many levels of all factors together.
        levels: usize,
        /// So many may be.
        most: usize,
    },
    /// A factor without a level, by its index.
    NoLevel(usize),
    /// An exclusion speaks of a factor or a level that there is not, by its index.
    Unknown(usize),
    /// No row at all keeps these exclusions, by their indices; without any of them some row would.
    Contradiction(Vec<usize>),
    /// Whether the exclusions leave a row can't be told within reason.
    TooHard,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { levels, most } => {
                write!(f, "{levels} levels of all factors together; at most {most} can be covered")
            }
            Self::NoLevel(factor) => write!(f, "factor {} has no level", factor + 1),
            Self::Unknown(exclusion) => {
                write!(f, "exclusion {} names a factor or a level that there is not", exclusion + 1)
            }
            Self::Contradiction(exclusions) => {
                let numbers: Vec<String> = exclusions.iter().map(|index| (index + 1).to_string()).collect();
                write!(f, "exclusions {} together leave no combination", numbers.join(", "))
            }
            Self::TooHard => f.write_str("the exclusions are too entangled to tell what they leave"),
        }
    }
}

impl std::error::Error for Problem {}

/// Rows that cover a space: for each row the level of each factor, by index.
///
/// # Errors
/// [`Problem`] if the space is too large for the strength, or its exclusions are too entangled.
pub fn cover(space: &Space, strength: Strength, effort: Effort) -> Result<Vec<Vec<usize>>, Problem> {
    if space.factors() < strength.factors() {
        return space.all();
    }
    let (open, least) = counts::Open::new(space, strength)?;
    // What is small enough at once needs no second look.
    let mut rows = grow::rows(space, open.clone(), 1)?;
    if rows.len() > effort.enough {
        rows = grow::rows(space, open, grow::TRIES)?;
    }
    let rows = search::fewer(space, strength, rows, least, effort);
    Ok(rows.into_iter().map(|row| space.levels_of(&row)).collect())
}
