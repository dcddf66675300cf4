//! Everything that was loaded: models and scenarios by id, and the sources they came from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::yaml::{self, Diagnostic, Diagnostics, Place, Source};

use super::ast::{self, Model, Scenario};
use super::lower::{self, Lineage};
use super::names::Name;
use super::syntax::{ModelSyntax, RENAMED, ScenarioSyntax, Word};

/// Files may be `like` others so many times over.
const MAX_LINEAGE: usize = 8;

/// Models and scenarios.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// By id.
    pub models: BTreeMap<Arc<str>, Model>,
    /// By id.
    pub scenarios: BTreeMap<Arc<str>, Scenario>,
}

impl Library {
    /// Reads model and scenario files and compares them; what is wrong with some does not hide the others.
    pub fn load(models: &[Arc<Source>], scenarios: &[Arc<Source>]) -> (Self, Diagnostics) {
        let (library, mut findings) = Self::read(models, scenarios);
        // What a model that can't be read would have had is not unknown.
        if !findings.has_errors() {
            library.compare(&mut findings);
        }
        (library, findings)
    }

    /// Reads files that a run recorded: it used them, and what else its library had is not among them.
    pub fn read(models: &[Arc<Source>], scenarios: &[Arc<Source>]) -> (Self, Diagnostics) {
        let mut findings = Diagnostics::default();
        let model_files =
            parse::<ModelSyntax>(models, &mut findings, |m| m.model.as_ref().or(m.family.as_ref()));
        let scenario_files = parse::<ScenarioSyntax>(scenarios, &mut findings, |s| s.scenario.as_ref());
        let mut library = Self::default();
        for name in model_files.keys() {
            let lineage = lineage(&model_files, name, |m| m.like.as_ref(), &mut findings);
            if let Some(model) = lineage.and_then(|lineage| lower::model(&lineage, &mut findings)) {
                library.models.insert(Arc::clone(&model.facts.id), model);
            }
        }
        for name in scenario_files.keys() {
            let lineage = lineage(&scenario_files, name, |s| s.like.as_ref(), &mut findings);
            if let Some(scenario) = lineage.and_then(|lineage| lower::scenario(&lineage, &mut findings)) {
                library.scenarios.insert(Arc::clone(&scenario.id), scenario);
            }
        }
        if !findings.has_errors() {
            library.bound(&mut findings);
        }
        (library, findings)
    }

    /// No scenario may be longer than a case can be, whichever model it is played on.
    fn bound(&self, findings: &mut Diagnostics) {
        let sizes: Vec<_> = self.models.values().map(|model| lower::sizes(&model.operations)).collect();
        let longest =
            |name: &str| sizes.iter().filter_map(|sizes| sizes.get(name)).max().copied().unwrap_or(1);
        for scenario in self.scenarios.values() {
            for stage in [&scenario.arrange, &scenario.act, &scenario.expect] {
                lower::too_long(stage, &longest, findings);
            }
        }
    }

    /// Compares what scenarios name with what any model has: a name that no model knows is a slip, and the claim
    /// would concern nobody.
    fn compare(&self, findings: &mut Diagnostics) {
        let models = || self.models.values();
        let buttons: BTreeSet<&str> = models().flat_map(|m| &m.facts.buttons).map(|name| &**name).collect();
        let lights: BTreeSet<&str> =
            models().flat_map(|m| m.facts.lights.keys()).map(|name| &**name).collect();
        let keys: BTreeSet<&str> = models().flat_map(|m| &m.facts.keys).map(|name| &**name).collect();
        for scenario in self.scenarios.values() {
            for stage in [&scenario.arrange, &scenario.act, &scenario.expect] {
                for step in ast::all(stage).into_iter().filter(|_| !self.models.is_empty()) {
                    for name in step.action.names() {
                        let mut unknown = |kind: &str, name: &str, known: &BTreeSet<&str>| {
                            if !known.contains(name) {
                                findings.unknown(&step.place, kind, name, known.iter().copied());
                            }
                        };
                        match &name {
                            Name::Button(name) => unknown("button", name, &buttons),
                            Name::Key(name) => unknown("key", name, &keys),
                            // What is only looked at may be of a lock that comes later: it concerns none yet.
                            Name::Light(name) if !lights.contains(&**name) => {
                                let hint = format!(
                                    "known lights: {}",
                                    Vec::from_iter(lights.iter().copied()).join(", ")
                                );
                                let place = step.place.narrowed_to(name);
                                let message = format!("no model has a light `{name}`");
                                findings.push(Diagnostic::warning(place, message).hint(hint));
                            }
                            Name::Light(_) => {}
                        }
                    }
                }
            }
        }
    }
}

type Files<T> = BTreeMap<String, (T, Arc<Source>)>;

fn parse<T: serde::de::DeserializeOwned>(
    sources: &[Arc<Source>],
    findings: &mut Diagnostics,
    name: impl Fn(&T) -> Option<&Word>,
) -> Files<T> {
    let mut files: Files<T> = BTreeMap::new();
    for source in sources {
        let all: Vec<T> = match yaml::load_all(source, RENAMED) {
            Ok(all) => all,
            Err(diagnostic) => {
                findings.push(diagnostic);
                continue;
            }
        };
        for syntax in all {
            let Some(word) = name(&syntax) else {
                // Of several documents, the one that does not is not known by its place.
                findings.push(
                    Diagnostic::error(Place::start_of(source), "the file does not say what it is")
                        .hint("begin with `model: ID`, `family: ID` or `scenario: ID`"),
                );
                continue;
            };
            let (id, place) = (word.value.0.clone(), Place::of(source, word));
            if let Some((_, earlier)) = files.get(&id) {
                let hint = format!("it is already defined in {}", earlier.name);
                findings.error_with_hint(&place, format!("`{id}` is defined twice"), hint);
                continue;
            }
            files.insert(id, (syntax, Arc::clone(source)));
        }
    }
    files
}

fn lineage<'a, T>(
    files: &'a Files<T>,
    name: &str,
    like: impl Fn(&T) -> Option<&Word>,
    findings: &mut Diagnostics,
) -> Option<Lineage<'a, T>> {
    let mut line = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = name.to_owned();
    loop {
        let (syntax, source) = files.get(&next)?;
        line.push((syntax, source));
        seen.insert(next);
        let Some(word) = like(syntax) else { return Some(Lineage(line)) };
        let place = Place::of(source, word);
        next = word.value.0.clone();
        if seen.contains(&next) {
            findings.error(&place, format!("`{next}` is `like` itself (files in the chain: {})", line.len()));
            return None;
        }
        if line.len() >= MAX_LINEAGE {
            findings.error(&place, format!("the chain of `like` is longer than {MAX_LINEAGE} files"));
            return None;
        }
        if !files.contains_key(&next) {
            findings.unknown(&place, "`like` target", &next, files.keys().map(String::as_str));
            return None;
        }
    }
}
