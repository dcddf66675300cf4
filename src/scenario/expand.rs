//! From claims and models to cases: which apply, under which levels, and what each plays.

mod act;
mod attempt;
mod baseline;
mod bolt;
mod builder;
mod expect;
mod procedure;

use std::sync::Arc;

use crate::lock::{Fact, Level, Levels, Method};
use crate::unit::Ratio;

use super::Library;
use super::ast::{MethodChoice, MethodFacts, Model, Scenario};
use super::but::WrongKey;
use super::program::{Content, share_word};
pub use baseline::Start;
use builder::{Builder, Excluded};

/// Digits of the proof that a maker issues for one reset.
pub const PROOF_DIGITS: u8 = 8;

/// Which cases are wanted; empty lists mean all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Models by id.
    pub models: Vec<Arc<str>>,
    /// Scenarios by id.
    pub scenarios: Vec<Arc<str>>,
    /// Methods.
    pub methods: Vec<Method>,
    /// Case ids, with their repetition.
    pub cases: Vec<Arc<str>>,
    /// How often each is played, at least once.
    pub repeat: u32,
}

impl Selection {
    fn wants<T: PartialEq>(list: &[T], item: &T) -> bool {
        list.is_empty() || list.contains(item)
    }

    /// Whether a case is among the ids, if there are any.
    pub(super) fn has(&self, id: &Arc<str>) -> bool {
        Self::wants(&self.cases, id)
    }

    /// Whether any repetition of a case is.
    fn has_any(&self, stem: &str) -> bool {
        let same = |id: &Arc<str>| id.rsplit_once("~r").is_some_and(|(known, _)| known == stem);
        self.cases.is_empty() || self.cases.iter().any(same)
    }
}

/// A case that is wanted, before its program is made.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Case id.
    pub id: Arc<str>,
    /// Scenario id.
    pub scenario: Arc<str>,
    /// Model id.
    pub model: Arc<str>,
    /// Method.
    pub method: Method,
    variant: Variant,
}

impl Planned {
    /// The same case, played for this time; 1 is the first.
    pub(super) fn repetition(&self, number: u32) -> Self {
        let stem = self.id.rsplit_once("~r").map_or(&*self.id, |(stem, _)| stem);
        Self { id: format!("{stem}~r{number}").into(), ..self.clone() }
    }

    /// Factors with the words for their levels.
    pub fn levels(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.variant.words()
    }

    /// Makes the program, or says why the model excludes the case.
    pub fn build(&self, library: &Library, start: Start) -> Content {
        match (library.scenarios.get(&self.scenario), library.models.get(&self.model)) {
            (Some(scenario), Some(model)) => {
                match content(scenario, model, self.method, &self.variant, start) {
                    Ok(content) => content,
                    Err(Excluded::Model(reason)) => Content::NotApplicable(reason),
                    Err(Excluded::Plan(reason)) => Content::Unprovable(reason),
                }
            }
            _ => Content::NotApplicable("the library has no such scenario or model".into()),
        }
    }
}

/// All wanted cases once, by model, method, scenario and levels.
pub fn expand(library: &Library, selection: &Selection) -> Vec<Planned> {
    let mut cases = Vec::new();
    for model in library.models.values().filter(|m| Selection::wants(&selection.models, &m.facts.id)) {
        for method in model.methods.keys().filter(|m| Selection::wants(&selection.methods, m)) {
            for scenario in library.scenarios.values() {
                if !Selection::wants(&selection.scenarios, &scenario.id)
                    || !speaks_of(scenario, model, *method)
                {
                    continue;
                }
                for variant in variants(scenario, model, *method) {
                    let stem = case_stem(scenario, model, *method, &variant);
                    if selection.has_any(&stem) {
                        cases.push(Planned {
                            id: format!("{stem}~r1").into(),
                            scenario: Arc::clone(&scenario.id),
                            model: Arc::clone(&model.facts.id),
                            method: *method,
                            variant,
                        });
                    }
                }
            }
        }
    }
    cases
}

/// The case with an id, if the library has it.
pub fn find_case(library: &Library, id: &str) -> Option<Planned> {
    let (stem, repetition) = id.rsplit_once("~r")?;
    let mut parts = stem.split('~');
    let (scenario, model) = (parts.next()?, parts.next()?);
    let repetition: u32 = repetition.parse().ok()?;
    let selection =
        Selection { scenarios: vec![scenario.into()], models: vec![model.into()], ..Selection::default() };
    let cases = expand(library, &selection);
    let first = cases.iter().find(|case| case.id.strip_suffix("~r1") == Some(stem))?;
    Some(first.repetition(repetition))
}

fn speaks_of(scenario: &Scenario, model: &Model, method: Method) -> bool {
    // A method that the source denies is a case that is not applicable; one that it does not
    // mention is none at all.
    let is_mentioned = !matches!(model.methods.get(&method), Some(Fact::Unknown) | None);
    match &scenario.methods {
        MethodChoice::All => is_mentioned,
        MethodChoice::Baseline => model.baseline == Some(method),
        MethodChoice::Some(set) => set.contains(&method) && is_mentioned,
    }
}

/// One combination of levels and of a sweep's share.
#[derive(Clone, Debug, Default)]
struct Variant {
    levels: Vec<Level>,
    cut: Option<Ratio>,
    wrong_key: Option<u32>,
}

impl Variant {
    fn words(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let levels = self.levels.iter().map(|level| (level.factor().into(), level.word().into()));
        let cut = self.cut.map(|share| ("cut".into(), share_word(share)));
        levels.chain(cut).chain(self.wrong_key.map(|key| ("key".into(), key.to_string().into()))).collect()
    }
}

fn variants(scenario: &Scenario, model: &Model, method: Method) -> Vec<Variant> {
    let mut all = vec![Variant::default()];
    let mut vary = |choices: &[Level]| {
        let combined = all.iter().flat_map(|variant| {
            choices.iter().map(|level| {
                let mut next = variant.clone();
                next.levels.push(*level);
                next
            })
        });
        all = combined.collect();
    };
    for levels in scenario.given.values().filter(|levels| !levels.is_empty()) {
        vary(levels);
    }
    let facts = model.methods.get(&method).and_then(|fact| fact.known());
    if let (Some(factor), Some(needs)) = (scenario.but.without, facts.map(|facts| &facts.needs)) {
        let excluded: Vec<Level> = Level::words_of(factor)
            .into_iter()
            .filter_map(|word| Level::from_words(factor, word).flatten())
            .filter(|level| !needs.permits(*level))
            .collect();
        if !excluded.is_empty() {
            vary(&excluded);
        }
    }
    if let (Some(WrongKey::Every), Some(keys)) = (scenario.but.wrong_key, facts.and_then(|f| f.decisive.keys))
    {
        let of = |key| all.iter().map(move |variant| Variant { wrong_key: Some(key), ..variant.clone() });
        return (1..=keys).flat_map(of).collect();
    }
    if scenario.but.cut_power_at.is_empty() {
        return all;
    }
    let shares = &scenario.but.cut_power_at;
    all.iter()
        .flat_map(|variant| shares.iter().map(|share| Variant { cut: Some(*share), ..variant.clone() }))
        .collect()
}

/// A case's id without its repetition.
fn case_stem(scenario: &Scenario, model: &Model, method: Method, variant: &Variant) -> String {
    let mut id = format!("{}~{}~{method}", scenario.id, model.facts.id);
    for (factor, level) in variant.words() {
        id.push_str(&format!("~{factor}={level}"));
    }
    id
}

/// The program of a case, or why the model excludes it.
fn content(
    scenario: &Scenario,
    model: &Model,
    method: Method,
    variant: &Variant,
    start: Start,
) -> Result<Content, Excluded> {
    let fact = model.methods.get(&method).unwrap_or(&Fact::Unknown);
    let facts = fact.known().ok_or_else(|| fact.absence(&format!("reset by {method}")))?;
    let levels = variant.levels.iter().fold(Levels::default(), |all, level| all.with(*level));
    check_levels(scenario, facts, levels)?;
    let mut builder = Builder::new(model, scenario, method, facts, levels, variant.cut);
    builder.wrong_key = match scenario.but.wrong_key {
        Some(WrongKey::At(key)) => Some(key),
        _ => variant.wrong_key,
    };
    builder.build(start)?;
    Ok(Content::Play(builder.finish()))
}

/// A positive claim holds only where the method works; a negative one only where it does not.
fn check_levels(scenario: &Scenario, facts: &MethodFacts, levels: Levels) -> Result<(), String> {
    let all = [
        Level::Power(levels.power),
        Level::Ownership(levels.ownership),
        Level::Network(levels.network),
        Level::Role(levels.role),
    ];
    for level in all {
        let without = scenario.but.without == Some(level.factor());
        match (without, facts.needs.permits(level)) {
            (false, false) => {
                return Err(format!("the method does not work with {} {}", level.factor(), level.word()));
            }
            (true, true) => return Err(format!("the method needs no {}", level.factor())),
            _ => {}
        }
    }
    Ok(())
}
