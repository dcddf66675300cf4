//! Locks with a rule changed at random: they have words, are drawn alike each time, and most are caught.

use std::collections::BTreeSet;

use lockrig::lock::Named;
use lockrig::run::{Fate, Hunted, hunt};
use lockrig::scenario::{Selection, expand};
use lockrig::sim::{Change, Defect, Flaw, Mutant, Rule, draw_mutants, models};
use lockrig::statistics::wilson;
use serde_json::Value as Json;

use crate::common::{certified, empty_folder, lockrig, text};
use crate::defects::library;

/// What becomes of one mutant.
fn hunted(model: &'static str, rule: Rule, change: Change) -> Hunted {
    let library = library();
    let cases = expand(&library, &Selection { models: vec![model.into()], ..Selection::default() });
    hunt(&library, &cases, &[(model, Mutant { rule, change })], 1).remove(0)
}

#[test]
fn each_mutant_has_a_word_of_its_own() {
    let all = Mutant::all();
    let words: BTreeSet<String> = all.iter().map(|mutant| mutant.word()).collect();
    assert_eq!(words.len(), all.len());
    assert!(Rule::words().count() >= 55);
    for mutant in all {
        let word = mutant.word();
        assert_eq!(Mutant::from_word(&word), Some(mutant), "{word}");
        assert_eq!(Flaw::from_word(&word).map(Flaw::word), Some(word.clone()));
        assert!(mutant.described().len() > 10, "{word}");
    }
    for (word, defect) in Defect::WORDS {
        assert_eq!(Flaw::from_word(word), Some(Flaw::Defect(*defect)));
    }
    for word in ["erase-codes/twice", "erase-codes", "/", "erase/never", "erase-codes/never/never"] {
        assert_eq!(Mutant::from_word(word), None, "{word}");
    }
}

#[test]
fn mutants_are_drawn_alike_for_the_same_seed_and_each_once() {
    let drawn = draw_mutants(1, 500);
    assert_eq!(drawn, draw_mutants(1, 500));
    assert_ne!(drawn, draw_mutants(2, 500));
    assert_eq!(drawn.len(), 500);
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 500);
    // A smaller number is the beginning of a larger one.
    assert_eq!(draw_mutants(1, 60), drawn[..60]);
    let of: BTreeSet<&str> = drawn.iter().map(|(model, _)| *model).collect();
    assert_eq!(of, models().collect::<BTreeSet<_>>());
    let rules: BTreeSet<Rule> = draw_mutants(1, 100_000).iter().map(|(_, mutant)| mutant.rule).collect();
    assert_eq!(rules.len(), Rule::words().count(), "each rule concerns some design");
}

#[test]
fn a_rule_that_a_lock_never_comes_to_changes_nothing() {
    let hunted = hunted("yale-linus", Rule::DefaultMatches, Change::Always);
    assert_eq!((hunted.fate(), hunted.acted), (Fate::Unreached, 0), "{}", hunted.reason());
    assert!(hunted.cases > 10, "{}", hunted.cases);
}

#[test]
fn a_rule_that_matters_is_missed() {
    for (model, rule, change) in [
        ("kwikset-smartcode-914", Rule::EraseCodes, Change::Never),
        ("yale-linus", Rule::AdminMayReset, Change::Always),
        ("yale-nextouch", Rule::LockoutTime, Change::Half),
        ("tuya-fingercrystal", Rule::KeepProofUsed, Change::Never),
        ("delaney-zw300", Rule::ReleaseBreaks, Change::Never),
    ] {
        let hunted = hunted(model, rule, change);
        assert_eq!(hunted.fate(), Fate::Caught, "{model} {rule}/{change}: {}", hunted.reason());
        assert!(hunted.acted > 0, "{model} {rule}/{change}");
    }
}

#[test]
fn most_are_caught_and_the_others_have_a_reason() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["sim", "defects", "--mutants", "60", "--seed", "1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["drawn"], 60);
    assert!(said["designs"].as_u64() >= Some(10), "{said}");
    assert!(said["share_of_differing"].as_f64() >= Some(0.9), "{said:#}");
    let survivors = said["survivors"].as_array().expect("a list");
    assert_eq!(said["caught"].as_u64(), Some(60 - survivors.len() as u64));
    for survivor in survivors {
        for field in ["model", "mutant", "described", "fate", "reason", "play"] {
            assert!(survivor[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {survivor}");
        }
    }
}

#[test]
fn a_mutant_can_be_played_and_its_run_replays() {
    let folder = empty_folder();
    let run = certified(folder.path(), "kwikset-smartcode-914", &["--defect", "erase-codes/never"]);
    let manifest = std::fs::read(run.join("run.json")).expect("run.json");
    let manifest: Json = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["defect"], "erase-codes/never");
    assert!(manifest["counts"]["fail"].as_u64() > Some(0), "{manifest}");
    let replayed = lockrig(folder.path(), &["replay", &run.display().to_string(), "--simulate"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed));
    let arguments = ["certify", "--model", "yale-linus", "--defect", "erase-codes/twice"];
    let refused = lockrig(folder.path(), &arguments);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("unknown mutant `erase-codes/twice`"), "{}", text(&refused));
}

#[test]
fn the_interval_is_that_of_wilson() {
    let (low, high) = wilson(90, 100);
    assert!((low - 0.8256).abs() < 1e-3 && (high - 0.9448).abs() < 1e-3, "{low} {high}");
    assert_eq!(wilson(0, 0), (0.0, 1.0));
    let (low, high) = wilson(60, 60);
    assert!(low > 0.93 && high > 0.999, "{low} {high}");
}
