//! What can be wrong with a simulated lock: a defect that somebody thought of, or a rule that was changed.

use std::fmt;

use crate::lock::Named;

use super::defect::Defect;
use super::mutation::Mutant;

/// What is wrong with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A defect.
    Defect(Defect),
    /// A changed rule.
    Mutant(Mutant),
}

impl Flaw {
    /// The word for it; a mutant's has a `/`.
    pub fn word(self) -> String {
        match self {
            Self::Defect(defect) => defect.word().to_owned(),
            Self::Mutant(mutant) => mutant.word(),
        }
    }

    /// The flaw that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Defect::from_word(word).map(Self::Defect).or_else(|| Mutant::from_word(word).map(Self::Mutant))
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defect(defect) => defect.fmt(f),
            Self::Mutant(mutant) => mutant.fmt(f),
        }
    }
}
