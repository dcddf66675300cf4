//! What a scenario varies, and which combinations of it are cases.

use std::collections::BTreeMap;

use crate::cover::{Exclusion, Problem, Space};
use crate::lock::Level;
use crate::scenario::ast::Cover;
use crate::scenario::syntax::ScenarioSyntax;
use crate::yaml::{Diagnostics, Map, OneOrMany, Place};

use super::{Lineage, Reader};

/// More are no exclusions any more, and would take long to reason about.
const MOST_EXCLUDED: usize = 100;

type Given = BTreeMap<&'static str, Vec<Level>>;

/// Levels by factor, and how they are combined.
pub(super) struct Matrix {
    pub given: Given,
    pub cover: Cover,
    pub exclude: Vec<Given>,
}

pub(super) fn matrix(lineage: &Lineage<'_, ScenarioSyntax>, findings: &mut Diagnostics) -> Matrix {
    let given = given(lineage, findings);
    let cover = lineage.nearest(|s| s.cover.as_ref()).and_then(|(word, source)| {
        let mut reader = Reader::new(source, findings);
        let place = reader.place(word);
        reader.named("kind of coverage", &word.value.0, &place)
    });
    let mut exclude = Vec::new();
    if let Some((list, source)) = lineage.nearest(|s| s.exclude.as_ref()) {
        let mut places: Vec<Place> = Vec::new();
        for entry in list {
            let place = Place::of(source, entry);
            if exclude.len() == MOST_EXCLUDED {
                findings.error(&place, format!("more than {MOST_EXCLUDED} exclusions"));
                break;
            }
            if let Some(excluded) = excluded(&entry.value, &given, &place, findings) {
                exclude.push(excluded);
                places.push(place);
            }
        }
        if !findings.has_errors() {
            check(&given, &exclude, &places, findings);
        }
    }
    Matrix { given, cover: cover.unwrap_or(Cover::All), exclude }
}

fn given(lineage: &Lineage<'_, ScenarioSyntax>, findings: &mut Diagnostics) -> Given {
    let mut given = BTreeMap::new();
    for (factor, (words, source)) in lineage.merged(|s| &s.given) {
        let place = Place::of(source, words);
        if let Some((name, levels)) = levels(factor, &words.value, &place, findings) {
            given.insert(name, levels);
        }
    }
    given
}

/// A factor and its levels, by their words.
fn levels(
    factor: &str,
    words: &OneOrMany<String>,
    place: &Place,
    findings: &mut Diagnostics,
) -> Option<(&'static str, Vec<Level>)> {
    let Some(name) = Level::FACTORS.iter().find(|name| **name == factor) else {
        findings.unknown(place, "factor", factor, Level::FACTORS.iter().copied());
        return None;
    };
    let mut levels = Vec::new();
    for word in &words.0 {
        match Level::from_words(factor, word).flatten() {
            Some(level) if levels.contains(&level) => {
                findings.error(place, format!("level `{word}` is listed twice"));
            }
            Some(level) => levels.push(level),
            None => findings.unknown(place, "level", word, Level::words_of(factor)),
        }
    }
    if words.0.is_empty() {
        findings.error(place, "no level is named");
    }
    Some((name, levels))
}

/// An entry of `exclude`: it can only name what is given.
fn excluded(
    entry: &Map<OneOrMany<String>>,
    given: &Given,
    place: &Place,
    findings: &mut Diagnostics,
) -> Option<Given> {
    let mut excluded = BTreeMap::new();
    if entry.iter().next().is_none() {
        findings.error(place, "this excludes nothing");
        return None;
    }
    for (factor, words) in entry.iter() {
        let (name, levels) = levels(factor, words, place, findings)?;
        let Some(known) = given.get(name) else {
            let hint = format!("add `{name}` to `given`, or remove it here");
            let message = format!("`{name}` does not vary, so it excludes nothing");
            findings.error_with_hint(place, message, hint);
            return None;
        };
        if let Some(foreign) = levels.iter().find(|level| !known.contains(level)) {
            let message = format!("`{name}: {}` is not in `given`, so it excludes nothing", foreign.word());
            findings.error_with_hint(place, message, "add it to `given`, or remove it here");
            return None;
        }
        excluded.insert(name, levels);
    }
    Some(excluded)
}

/// Something must be left, and of each level something.
fn check(given: &Given, exclude: &[Given], places: &[Place], findings: &mut Diagnostics) {
    let sizes: Vec<usize> = given.values().map(Vec::len).collect();
    let exclusions: Vec<Exclusion> = exclude.iter().map(|one| exclusion(given, one)).collect();
    let space = match Space::new(&sizes, &exclusions) {
        Ok(space) => space,
        Err(Problem::Contradiction(culprits)) => {
            let mut culprits = culprits.iter().filter_map(|index| places.get(*index));
            let Some(last) = culprits.next_back() else { return };
            let others: Vec<String> = culprits.map(|place| format!("line {}", place.line())).collect();
            let message = match others.as_slice() {
                [] => "this excludes every combination".to_owned(),
                others => format!("together with {}, this excludes every combination", others.join(" and ")),
            };
            findings.error(last, message);
            return;
        }
        Err(problem) => {
            places.iter().take(1).for_each(|place| findings.error(place, problem.to_string()));
            return;
        }
    };
    for (index, (factor, levels)) in given.iter().enumerate() {
        for (number, level) in levels.iter().enumerate() {
            if space.permits_together(&[(index, number)]) == Ok(false) {
                let concerned = exclude.iter().zip(places).rev().find(|(one, _)| one.contains_key(factor));
                let place = concerned.map(|(_, place)| place).or(places.last());
                let message = format!("nothing is left of `{factor}: {}`", level.word());
                let hint = "exclude less, or remove the level from `given`";
                place.into_iter().for_each(|place| findings.error_with_hint(place, message.clone(), hint));
            }
        }
    }
}

/// The same by numbers: factors and levels as they stand in `given`.
fn exclusion(given: &Given, excluded: &Given) -> Exclusion {
    let named = given.iter().enumerate().filter_map(|(index, (factor, known))| {
        let levels = excluded.get(factor)?;
        let numbers = levels.iter().filter_map(|level| known.iter().position(|one| one == level));
        Some((index, numbers.collect()))
    });
    Exclusion(named.collect())
}
