//! Locks that look erased and are not: none may ever get a pass.

use std::fs;

use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, root, runs, text};

/// A claim about the owner's codes and nothing else.
const CODES_ONLY: &str = "scenario: codes-only
title: The codes are gone
methods: baseline
arrange:
  - provision: {user_codes: 3}
act:
  - reset
expect:
  - erased: user_codes
";

/// Verdicts of a scenario on the example lock with a lie.
fn verdicts(lie: &str, scenario: &str) -> Vec<(String, String)> {
    verdicts_in(empty_folder(), lie, scenario)
}

/// The same in a folder that may hold files of its own.
fn verdicts_in(folder: tempfile::TempDir, lie: &str, scenario: &str) -> Vec<(String, String)> {
    fs::write(folder.path().join("codes-only.yaml"), CODES_ONLY).expect("written");
    let rig = folder.path().join("liar.yaml");
    let script = root().join("tests/suite/liars.py");
    let command = format!("[python3, \"{}\", \"{}\", {lie}]", script.display(), root().display());
    fs::write(&rig, format!("rig: liar\nlockstep: {{command: {command}}}\nchannels: [\"*\"]\n"))
        .expect("written");
    let rig = rig.display().to_string();
    let output =
        lockrig(folder.path(), &["run", scenario, "--model", "kwikset-powerbolt-2", "--rig", &rig, "--json"]);
    let run = runs(folder.path()).pop().unwrap_or_else(|| panic!("{}", text(&output)));
    let results: Json =
        serde_json::from_slice(&fs::read(run.join("results.json")).expect("results")).expect("JSON");
    let word = |case: &Json, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let cases = results["cases"].as_array().expect("cases").clone();
    let played: Vec<_> = cases.iter().filter(|case| case["verdict"] != "not_applicable").collect();
    assert!(!played.is_empty(), "{lie}: {}", text(&output));
    played.iter().map(|case| (word(case, "verdict"), word(case, "reason"))).collect()
}

#[test]
fn the_honest_lock_passes_both() {
    for scenario in ["reset-erases-everything", "power-cut-erases-all-or-nothing"] {
        let all = verdicts("honest", scenario);
        assert!(all.iter().all(|(verdict, _)| verdict == "pass"), "{scenario}: {all:?}");
    }
}

#[test]
fn a_lock_that_keeps_codes_and_opens_late_does_not_pass() {
    for (verdict, reason) in verdicts("keeps-and-opens-late", "reset-erases-everything") {
        assert_ne!(verdict, "pass", "{reason}");
    }
}

#[test]
fn a_lock_that_takes_no_code_at_all_proves_nothing() {
    for (verdict, reason) in verdicts("dead-after-reset", "reset-erases-everything") {
        assert_ne!(verdict, "pass", "{reason}");
    }
    for (verdict, reason) in verdicts("dead-after-cut", "power-cut-erases-all-or-nothing") {
        assert_ne!(verdict, "pass", "{reason}");
    }
}

#[test]
fn a_lock_that_brings_old_codes_back_once_it_is_set_up_does_not_pass() {
    for (verdict, reason) in verdicts("hides-until-set-up", "reset-erases-everything") {
        assert_eq!(verdict, "fail", "{reason}");
    }
}

#[test]
fn a_short_hold_that_is_confirmed_late_or_after_a_beep_does_not_pass() {
    let scenario = "short-hold-is-not-confirmed";
    for (lie, expected) in [
        ("honest", "pass"),
        ("confirms-from-the-press", "fail"),
        ("confirms-late-from-the-press", "fail"),
        ("beeps-before-it-confirms", "fail"),
        // Four beeps could be a signal of their own.
        ("beeps-and-confirms", "inconclusive"),
    ] {
        for (verdict, reason) in verdicts(lie, scenario) {
            assert_eq!(verdict, expected, "{lie}: {reason}");
        }
    }
}

#[test]
fn a_lock_that_opens_once_its_bolt_is_free_does_not_pass() {
    for (verdict, reason) in verdicts("opens-once-clear", "jammed-bolt-erases-all-or-nothing") {
        assert_eq!(verdict, "fail", "{reason}");
    }
}

/// Without handing the lock moves no bolt for anybody: that no old code opens it is worth nothing.
#[test]
fn refusals_without_an_accepted_control_are_inconclusive() {
    let folder = empty_folder();
    let models = folder.path().join("scenarios/models");
    fs::create_dir_all(&models).expect("made");
    let text = fs::read_to_string(root().join("scenarios/models/kwikset-powerbolt-2.yaml")).expect("text");
    let unhanded = text.replace("    afterwards: [handing]\n", "").replace("    starts: unlocked\n", "");
    assert_ne!(text, unhanded);
    fs::write(models.join("kwikset-powerbolt-2.yaml"), unhanded).expect("written");
    for (verdict, reason) in verdicts_in(folder, "honest", "codes-only.yaml") {
        assert_eq!(verdict, "inconclusive", "{reason}");
        assert!(reason.contains("the refusals before it prove nothing"), "{reason}");
    }
}

#[test]
fn a_bolt_that_opens_while_the_next_code_is_typed_is_a_failure() {
    for (verdict, reason) in verdicts("keeps-and-opens-late", "codes-only.yaml") {
        assert_eq!(verdict, "fail", "{reason}");
        assert!(reason.contains("moved before the code was complete"), "{reason}");
    }
}
