//! The cases of a run in their order. A case, and each repetition of it, is made when it is asked for: neither a
//! long run nor a large library needs more memory than a short one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Library;
use super::expand::{Family, Planned, Selection, Start, expand, families};
use super::program::{Content, Program};

/// So many cases of a family tell whether it tries codes: a sweep has thousands that differ in a time.
const ENOUGH: usize = 16;

/// What a run plays.
#[derive(Clone, Debug)]
pub struct Plan {
    source: Source,
    selection: Selection,
    wanted: BTreeSet<Arc<str>>,
    finished: BTreeSet<String>,
}

/// Where the cases come from.
#[derive(Clone, Debug)]
enum Source {
    /// All points of these families.
    Families(Vec<Family>),
    /// These, which were asked for by their ids.
    Cases(Vec<Planned>),
}

impl Plan {
    /// All wanted cases.
    pub fn new(library: &Library, selection: Selection) -> Self {
        let source = if selection.cases.is_empty() {
            Source::Families(families(library, &selection).collect())
        } else {
            Source::Cases(expand(library, &selection))
        };
        let wanted = selection.cases.iter().cloned().collect();
        Self { source, selection, wanted, finished: BTreeSet::new() }
    }

    /// Those cases but the ones that an earlier run finished.
    #[must_use]
    pub fn without(self, finished: BTreeSet<String>) -> Self {
        Self { finished, ..self }
    }

    /// The cases by model, method, scenario, levels and repetition.
    pub fn cases(&self) -> impl Iterator<Item = Planned> + '_ {
        let first: Box<dyn Iterator<Item = Planned>> = match &self.source {
            Source::Families(families) => Box::new(families.iter().flat_map(Family::cases)),
            Source::Cases(cases) => Box::new(cases.iter().cloned()),
        };
        let repetitions = 1..=self.selection.repeat.max(1);
        first
            .flat_map(move |case| repetitions.clone().map(move |number| case.repetition(number)))
            .filter(|case| self.wanted.is_empty() || self.wanted.contains(&case.id))
            .filter(|case| !self.finished.contains(&*case.id))
    }

    /// Whether it plays any case at all.
    pub fn is_empty(&self) -> bool {
        self.cases().next().is_none()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        match &self.source {
            Source::Families(families) if self.finished.is_empty() => {
                let cases = families.iter().map(Family::count).fold(0, u64::saturating_add);
                let all = cases.saturating_mul(u64::from(self.selection.repeat.max(1)));
                usize::try_from(all).unwrap_or(usize::MAX)
            }
            Source::Families(_) | Source::Cases(_) => self.cases().count(),
        }
    }

    /// Whether any case of a model and of certain scenarios can be played, or has a program of a certain kind.
    pub fn plays(
        &self,
        library: &Library,
        model: &str,
        is_of: &dyn Fn(&str) -> bool,
        is_wanted: Option<&dyn Fn(&Program) -> bool>,
    ) -> bool {
        // Whether a program is of a kind, some of a family tell; whether there is any, only all of it.
        let enough = if is_wanted.is_some() { ENOUGH } else { usize::MAX };
        let plays = |case: Planned| match case.build(library, Start::Delivered) {
            Content::Play(program) => is_wanted.is_none_or(|is_wanted| is_wanted(&program)),
            Content::NotApplicable(_) | Content::Unprovable(_) => false,
        };
        match &self.source {
            Source::Families(families) => families
                .iter()
                .filter(|family| *family.model == *model && is_of(&family.scenario))
                .any(|family| family.cases().take(enough).any(plays)),
            Source::Cases(cases) => {
                cases.iter().filter(|case| *case.model == *model && is_of(&case.scenario)).cloned().any(plays)
            }
        }
    }

    /// The scenarios and the models of its cases, each once.
    pub fn subjects(&self) -> (BTreeSet<Arc<str>>, BTreeSet<Arc<str>>) {
        match &self.source {
            Source::Families(families) => families
                .iter()
                .map(|family| (Arc::clone(&family.scenario), Arc::clone(&family.model)))
                .unzip(),
            Source::Cases(cases) => {
                cases.iter().map(|case| (Arc::clone(&case.scenario), Arc::clone(&case.model))).unzip()
            }
        }
    }
}
