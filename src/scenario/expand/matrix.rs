//! Which combinations of levels are cases: all of them, or a covering array.

use std::collections::{BTreeMap, BTreeSet};

use crate::cover::{self, Effort, Exclusion, Space, Strength};
use crate::lock::{Level, Levels, Method};
use crate::scenario::ast::{Cover, MethodFacts, Model, Scenario};
use crate::scenario::point::{self, Axis, Grid};

use super::context::{Excluded, level_voltage};

/// The points of a claim, a model and a method: over the factors of the scenario, then over what its alterations
/// spread.
pub(super) fn grid(scenario: &Scenario, model: &Model, method: Method) -> Grid {
    let axes = axes(scenario, model, method);
    let facts = model.methods.get(&method).and_then(|fact| fact.known());
    let rows = rows(scenario, &axes, |level| facts.is_none_or(|facts| is_possible(model, facts, level)));
    Grid { axes, rows }
}

/// What varies.
pub(super) fn axes(scenario: &Scenario, model: &Model, method: Method) -> Vec<Axis> {
    let given = scenario.given.iter().filter(|(_, levels)| !levels.is_empty()).map(|(name, levels)| Axis {
        name,
        levels: levels.iter().copied().map(point::Level::Factor).collect(),
    });
    let facts = model.methods.get(&method).and_then(|fact| fact.known());
    let altered =
        facts.into_iter().flat_map(|facts| scenario.but.iter().filter_map(|one| one.axis(model, facts)));
    given.chain(altered).collect()
}

/// The rows of a scenario that leaves some out. What can't be covered for its size is all played.
fn rows(scenario: &Scenario, axes: &[Axis], is_possible: impl Fn(Level) -> bool) -> Option<Vec<Vec<usize>>> {
    let strength = match scenario.cover {
        Cover::All if scenario.exclude.is_empty() => return None,
        Cover::All => None,
        Cover::Pairwise => Some(Strength::Pairwise),
        Cover::ThreeWise => Some(Strength::ThreeWise),
    };
    // A level at which the model does not permit the method would cost the others of its row their coverage.
    let possible: Vec<Vec<usize>> = axes
        .iter()
        .map(|axis| {
            let keeps = |index: &usize| match axis.levels[*index] {
                point::Level::Factor(level) => {
                    strength.is_none() || !scenario.given.contains_key(axis.name) || is_possible(level)
                }
                point::Level::Cut(_) | point::Level::Key(_) => true,
            };
            (0..axis.levels.len()).filter(keeps).collect()
        })
        .collect();
    let mut rows = BTreeSet::new();
    if possible.iter().all(|levels| !levels.is_empty()) {
        let sizes: Vec<usize> = possible.iter().map(Vec::len).collect();
        let excluded = scenario.exclude.iter().filter_map(|one| exclusion(one, axes, &possible));
        // With what the model does not permit, the exclusions may leave nothing: then nothing is played.
        if let Ok(space) = Space::new(&sizes, &excluded.collect::<Vec<_>>()) {
            let found = match strength {
                Some(strength) => cover::cover(&space, strength, Effort::default()),
                None => space.all(),
            };
            let original =
                |row: Vec<usize>| row.iter().zip(&possible).map(|(index, levels)| levels[*index]).collect();
            rows.extend(found.ok()?.into_iter().map(original));
        }
    }
    // A level that no row has gets a case that says why.
    for (at, axis) in axes.iter().enumerate().filter(|(_, axis)| scenario.given.contains_key(axis.name)) {
        for index in 0..axis.levels.len() {
            if !rows.iter().any(|row: &Vec<usize>| row.get(at) == Some(&index)) {
                rows.extend(row_with(scenario, axes, &possible, (at, index)));
            }
        }
    }
    Some(rows.into_iter().collect())
}

/// A row with a level that is not excluded: the others are possible ones if they can be, else any.
fn row_with(
    scenario: &Scenario,
    axes: &[Axis],
    possible: &[Vec<usize>],
    (at, index): (usize, usize),
) -> Option<Vec<usize>> {
    let every: Vec<Vec<usize>> = axes.iter().map(|axis| (0..axis.levels.len()).collect()).collect();
    [possible, &every].into_iter().find_map(|levels| {
        let mut levels = levels.to_vec();
        *levels.get_mut(at)? = vec![index];
        let sizes: Vec<usize> = levels.iter().map(Vec::len).collect();
        let excluded: Vec<Exclusion> =
            scenario.exclude.iter().filter_map(|one| exclusion(one, axes, &levels)).collect();
        let row = Space::new(&sizes, &excluded).ok()?.any().ok()??;
        Some(row.iter().zip(&levels).map(|(index, levels)| levels[*index]).collect())
    })
}

/// What a scenario excludes, among the levels that are possible; `None` if none of them is concerned.
fn exclusion(
    excluded: &BTreeMap<&'static str, Vec<Level>>,
    axes: &[Axis],
    possible: &[Vec<usize>],
) -> Option<Exclusion> {
    let named = excluded.iter().map(|(factor, levels)| {
        let at = axes.iter().position(|axis| axis.name == *factor)?;
        let is_named = |index: &usize| {
            matches!(axes[at].levels[*index], point::Level::Factor(level) if levels.contains(&level))
        };
        let numbers: Vec<usize> =
            possible[at].iter().enumerate().filter(|(_, index)| is_named(index)).map(|(number, _)| number).collect();
        (!numbers.is_empty()).then_some((at, numbers))
    });
    named.collect::<Option<Vec<_>>>().map(Exclusion)
}

/// Whether a model permits a method at a level, and says what the level is.
fn is_possible(model: &Model, facts: &MethodFacts, level: Level) -> bool {
    let is_stated = match level {
        Level::Power(power) => level_voltage(&model.facts, power).is_ok(),
        Level::Ownership(_) | Level::Network(_) | Level::Role(_) => true,
    };
    is_stated && facts.needs.permits(level)
}

/// Whether a combination is a case at all.
pub(super) fn check_combination(scenario: &Scenario, levels: Levels) -> Result<(), Excluded> {
    let has = |named: &Vec<Level>| named.iter().any(|level| levels.same_factor(*level) == *level);
    if scenario.exclude.iter().any(|excluded| excluded.values().all(has)) {
        return Err("the scenario excludes this combination".into());
    }
    Ok(())
}

/// A positive claim holds only where the method works; a negative one only where it does not.
pub(super) fn check_levels(
    without: Option<&str>,
    facts: &MethodFacts,
    levels: Levels,
) -> Result<(), Excluded> {
    for level in levels.all() {
        match (without == Some(level.factor()), facts.needs.permits(level)) {
            (false, false) => {
                return Err(
                    format!("the method does not work with `{}: {}`", level.factor(), level.word()).into()
                );
            }
            (true, true) => return Err(format!("the method does not depend on {}", level.factor()).into()),
            (true, false) | (false, true) => {}
        }
    }
    Ok(())
}
