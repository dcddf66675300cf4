//! The cases of a run in their order. A repetition is made when it is asked for: a long run needs no
//! more memory than a short one.

use std::collections::BTreeSet;

use super::Library;
use super::expand::{Planned, Selection, expand};

/// What a run plays.
#[derive(Clone, Debug)]
pub struct Plan {
    /// First repetitions.
    cases: Vec<Planned>,
    selection: Selection,
    finished: BTreeSet<String>,
}

impl Plan {
    /// All wanted cases.
    pub fn new(library: &Library, selection: Selection) -> Self {
        Self { cases: expand(library, &selection), selection, finished: BTreeSet::new() }
    }

    /// Those cases but the ones that an earlier run finished.
    #[must_use]
    pub fn without(self, finished: BTreeSet<String>) -> Self {
        Self { finished, ..self }
    }

    /// The cases by model, method, scenario, levels and repetition.
    pub fn cases(&self) -> impl Iterator<Item = Planned> + '_ {
        let repetitions = 1..=self.selection.repeat.max(1);
        self.cases
            .iter()
            .flat_map(move |case| repetitions.clone().map(|number| case.repetition(number)))
            .filter(|case| self.selection.has(&case.id) && !self.finished.contains(&*case.id))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.cases().count()
    }
}
