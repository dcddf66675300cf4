//! Lives that nobody wrote: sound locks live all of them, and what a faulty one fails in is an ordinary scenario.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, text};

/// Explores and hands out the last line, and those of what was found.
fn explore(folder: &Path, arguments: &[&str], wanted: i32) -> (Json, Vec<Json>) {
    let output = lockrig(folder, &[&["explore", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(wanted), "{arguments:?}: {}", text(&output));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Json> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (lines.pop().expect("a summary"), lines)
}

#[test]
fn sound_locks_live_every_life() {
    let folder = empty_folder();
    let (summary, _) = explore(folder.path(), &["--budget", "1 h", "--lives", "40"], 0);
    assert_eq!(summary["found"], 0);
    assert_eq!(summary["unclear"], 0, "{summary}");
    assert!(summary["deeds"].as_u64() > Some(10_000), "{summary}");
    // Each deed is permitted by some model, and done.
    assert_eq!(summary["not_reached"], serde_json::json!([]));
    assert_eq!(summary["not_permitted"], serde_json::json!([]));
    for variation in ["slow-clock", "late-bolt", "deaf-keypad", "slow-answers"] {
        let arguments = ["--budget", "1 h", "--lives", "6", "--seed", "2", "--variation", variation];
        let (summary, _) = explore(folder.path(), &arguments, 0);
        assert_eq!(summary["unclear"], 0, "{variation}: {summary}");
    }
}

/// What is found is short, fails again on the faulty lock, passes on a sound one, and replays.
#[test]
fn what_is_found_is_a_scenario_that_anybody_can_play() {
    for (model, defect) in [
        ("kwikset-smartcode-914", "back-after-an-hour"),
        ("kwikset-smartcode-914", "prefix-opens"),
        ("kwikset-smartcode-914", "erases-once"),
        ("yale-nextouch", "near-miss-shortens"),
        ("delaney-zw300", "hold-outlasts-cut"),
        ("yale-nextouch", "locked-out-still-opens"),
        ("ttlock-oem", "bindings-back-at-third-start"),
        ("ttlock-oem", "dip-opens"),
    ] {
        let folder = empty_folder();
        let at = |arguments: &[&str]| lockrig(folder.path(), arguments);
        let arguments = ["--model", model, "--budget", "1 h", "--lives", "400", "--defect", defect];
        let (_, found) = explore(folder.path(), &arguments, 1);
        for one in found {
            let file = one["scenario"].as_str().expect("a file");
            let deeds = one["deeds"].as_u64().expect("a number");
            assert!((1..=8).contains(&deeds), "{defect}: {one}");
            assert!(
                fs::read_to_string(folder.path().join(file)).expect("a scenario").contains("title: Found")
            );
            let again = at(&["run", file, "--model", model, "--defect", defect, "--out", "faulty"]);
            assert_eq!(again.status.code(), Some(1), "{defect} {one}: {}", text(&again));
            let sound = at(&["run", file, "--model", model, "--out", "sound"]);
            assert_eq!(sound.status.code(), Some(0), "{defect} {one}: {}", text(&sound));
        }
        let runs = fs::read_dir(folder.path().join("faulty")).expect("runs");
        for run in runs.map(|run| run.expect("a run").path()) {
            let replayed = at(&["replay", &run.display().to_string(), "--simulate"]);
            assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed));
        }
    }
}

#[test]
fn the_same_seed_finds_the_same() {
    let folder = empty_folder();
    let arguments =
        ["--model", "yale-nextouch", "--budget", "1 h", "--lives", "60", "--defect", "residual-user"];
    let first = explore(folder.path(), &arguments, 1).1;
    assert_eq!(explore(folder.path(), &arguments, 1).1, first);
    assert!(!first.is_empty());
}

#[test]
fn what_cannot_be_explored_is_said() {
    let folder = empty_folder();
    for (arguments, said) in [
        (["--model", "kwikset-smartcode-941"], "did you mean"),
        (["--focus", "buton"], "unknown method `buton`"),
        (["--budget", "soon"], "`soon` is not a time"),
        (["--rig", "bench-keypad"], "a bench can't be explored yet"),
        (["--defect", "tired"], "unknown defect `tired`"),
    ] {
        let output = lockrig(folder.path(), &[&["explore"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(said), "{arguments:?}: {}", text(&output));
    }
}
