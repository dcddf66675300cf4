//! Each limit of the language: what is just within it is taken, what is just beyond it is refused.

use std::fs;

use crate::common::{copy_tree, empty_folder, lockrig, root, text};

/// Whether `check` takes a scenario.
fn is_taken(arrange: &str, but: &str, act: &str, expect: &str) -> (bool, String) {
    let folder = empty_folder();
    let but = if but.is_empty() { String::new() } else { format!("but: {{{but}}}\n") };
    let scenario = format!(
        "scenario: mine\ntitle: Mine\nmethods: [button, keypad]\narrange:\n  - {arrange}\n{but}act:\n  - reset\n{act}\
         expect:\n  - {expect}\n"
    );
    fs::write(folder.path().join("mine.yaml"), scenario).expect("written");
    let output = lockrig(folder.path(), &["check", "mine.yaml"]);
    (output.status.success(), text(&output))
}

/// Each value, and whether it must be taken.
fn values<'a>(taken: &[&'a str], refused: &[&'a str]) -> Vec<(&'a str, bool)> {
    taken.iter().map(|value| (*value, true)).chain(refused.iter().map(|value| (*value, false))).collect()
}

const ARRANGE: &str = "provision: {user_codes: 1}";
const EXPECT: &str = "unchanged";

fn compare(outcomes: Vec<(String, bool, (bool, String))>) {
    let wrong: Vec<String> = outcomes
        .into_iter()
        .filter(|(_, expected, (taken, _))| expected != taken)
        .map(|(what, expected, (_, said))| {
            format!("`{what}` must be {}: {said}", if expected { "taken" } else { "refused" })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_alterations() {
    let limits: [(&str, &[&str], &[&str]); 12] = [
        ("presses", &["1", "-1", "1000", "-1000"], &["0", "1001", "-1001"]),
        ("bounces", &["1", "100"], &["0", "101"]),
        ("missing_keys", &["1"], &["0"]),
        ("missing_buttons", &["1"], &["0"]),
        ("wrong_key", &["1", "every"], &["0", "none"]),
        ("hold", &["1 %", "99 %", "101 %", "just_under"], &["0 %", "100 %"]),
        ("gap", &["1 %", "101 %"], &["0 %", "100 %", "just_under"]),
        ("interrupted_for", &["1 ms"], &["0 s"]),
        ("pause", &["1 ms"], &["0 s"]),
        ("dropout", &["1 ms"], &["0 s"]),
        ("cut_power_at: 50 %, cut_to", &["0 %", "99 %"], &["100 %", "101 %"]),
        (
            "cut_power_at",
            &["0 %", "sweep 50..50 % by 1 %", "sweep 0..99.5 % by 0.5 %"],
            &["sweep 51..50 % by 1 %", "sweep 0..100 % by 0 %", "sweep 0..100 % by 0.5 %"],
        ),
    ];
    let mut outcomes = Vec::new();
    for (word, taken, refused) in limits {
        for (value, expected) in values(taken, refused) {
            let but = format!("{word}: {value}");
            let outcome = is_taken(ARRANGE, &but, "", EXPECT);
            outcomes.push((but, expected, outcome));
        }
    }
    compare(outcomes);
}

#[test]
fn of_steps() {
    let limits: [(&str, &[&str], &[&str]); 6] = [
        ("wait: VALUE", &["0 s", "24 h"], &["86401 s"]),
        ("press: {button: reset, times: VALUE}", &["1", "1000"], &["0", "1001"]),
        ("repeat: {times: VALUE, steps: [{wait: 1 s}]}", &["1", "1000"], &["0", "1001"]),
        ("power: {cell: VALUE, to: on}", &["1", "12"], &["0", "13"]),
        ("power: {to: VALUE, for: 1 s}", &["0 V", "48 V"], &["48.1 V"]),
        ("no_change: {channels: [bolt], for: VALUE}", &["1 ms"], &["0 s"]),
    ];
    let mut outcomes = Vec::new();
    for (step, taken, refused) in limits {
        for (value, expected) in values(taken, refused) {
            let act = step.replace("VALUE", value);
            let outcome = is_taken(ARRANGE, "", &format!("  - {act}\n"), EXPECT);
            outcomes.push((act, expected, outcome));
        }
    }
    compare(outcomes);
}

#[test]
fn of_codes() {
    let mut outcomes = Vec::new();
    for (codes, expected) in [("0", true), ("50", true), ("51", false)] {
        let arrange = format!("provision: {{user_codes: {codes}, hub: paired}}");
        let outcome = is_taken(&arrange, "", "", EXPECT);
        outcomes.push((arrange, expected, outcome));
    }
    let codes = [
        ("user.1", true),
        ("user.50", true),
        ("user.0", false),
        ("user.51", false),
        ("'123'", true),
        ("'12'", false),
        ("'123456789012'", true),
        ("'1234567890123'", false),
        ("'12a4'", false),
    ];
    for (code, expected) in codes {
        let expect = format!("attempt: {{code: {code}, expect: refused}}");
        let outcome = is_taken("provision: {user_codes: 50}", "", "", &expect);
        outcomes.push((expect, expected, outcome));
    }
    compare(outcomes);
}

#[test]
fn of_models() {
    let limits: [(&str, &[&str], &[&str]); 8] = [
        ("cells: 4,", &["cells: 1,", "cells: 12,"], &["cells: 13,"]),
        ("nominal: 6.0 V", &["nominal: 1 V", "nominal: 48 V"], &["nominal: 0.99 V", "nominal: 48.01 V"]),
        ("low: unknown", &["low: 5.99 V", "low: 0.01 V"], &["low: 6 V", "low: 0 V"]),
        ("{digits: 8}", &["{digits: 4}", "{digits: 10}"], &["{digits: 3}", "{digits: 11}"]),
        ("[\"1234\"]", &["[\"1234567890\"]"], &["[\"123\"]", "[\"12345678901\"]", "[\"12a4\"]"]),
        ("master: \"0000\"", &["master: \"0123456789\""], &["master: \"000\"", "master: \"01234567890\""]),
        (
            "{attempts: 5, for: 45 s, within: 60 s}",
            &["{attempts: 1, for: 1 ms}", "{attempts: 5, for: 45 s, within: 1 ms}"],
            &["{attempts: 0, for: 45 s}", "{attempts: 5, for: 0 s}", "{attempts: 5, for: 45 s, within: 0 s}"],
        ),
        (
            "at_least: 5 s",
            &["at_least: 5.5 s", "at_least: 1.84 s"],
            &["at_least: 5.501 s", "at_least: 1.83 s", "at_least: 0 s"],
        ),
    ];
    let folder = empty_folder();
    copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
    let path = folder.path().join("scenarios/models/kwikset-powerbolt-2.yaml");
    let model = fs::read_to_string(&path).expect("a model");
    let mut outcomes = Vec::new();
    for (given, taken, refused) in limits {
        assert!(model.contains(given), "{given}");
        for (value, expected) in values(taken, refused) {
            fs::write(&path, model.replacen(given, value, 1)).expect("written");
            let output = lockrig(folder.path(), &["check", "scenarios/models/kwikset-powerbolt-2.yaml"]);
            outcomes.push((value.to_owned(), expected, (output.status.success(), text(&output))));
        }
    }
    compare(outcomes);
}
