//! A threshold is found where the lock has it, with evidence, and what can't be found is said.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, text};

/// What was found: the value, the interval, and the folder of the measurement.
fn measure(folder: &Path, args: &[&str]) -> (Json, Option<i32>) {
    let output = lockrig(folder, &[&["characterize", "--json"], args].concat());
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    (json, output.status.code())
}

fn found(json: &Json) -> (f64, f64, f64) {
    let number = |name: &str| json["found"][name].as_f64().expect("a number");
    (number("value"), number("from"), number("to"))
}

const POWERBOLT: &[&str] = &["--model", "kwikset-powerbolt-2", "--method", "button"];
const SMARTCODE: &[&str] = &["--model", "kwikset-smartcode-914", "--method", "button"];

#[test]
fn the_hold_from_which_a_lock_resets_is_measured_with_evidence() {
    let folder = empty_folder();
    let (json, code) = measure(folder.path(), POWERBOLT);
    assert_eq!(code, Some(0));
    let (value, from, to) = found(&json);
    assert!((value - 5.0).abs() < 0.05 && from < value && value < to && to - from < 0.1, "{json}");
    let trials = json["trials"].as_array().expect("trials");
    assert!(trials.len() <= 20 && trials.len() >= 5, "{json}");
    let made = fs::read_dir(folder.path().join("characterized")).expect("a folder").next();
    let made = made.expect("an entry").expect("an entry").path();
    let page = fs::read_to_string(made.join("characterized.html")).expect("a page");
    assert!(page.contains("SIMULATED") && page.contains("<svg"), "{page}");
    let kept = fs::read_to_string(made.join("characterized.json")).expect("a record");
    assert_eq!(serde_json::from_str::<Json>(&kept).expect("JSON"), json);
    for trial in ["trial-001", "trial-005"] {
        let run = made.join(trial);
        for command in ["verify", "replay"] {
            let output = lockrig(folder.path(), &[command, &run.display().to_string()]);
            assert_eq!(output.status.code(), Some(0), "{trial}: {}", text(&output));
        }
        assert!(page.contains(&format!("{trial}/report.html")) && run.join("report.html").exists());
    }
    // The same seed, the same trials.
    assert_eq!(measure(folder.path(), POWERBOLT).0, json);
}

#[test]
fn a_faulty_lock_is_measured_as_it_is() {
    let folder = empty_folder();
    let (sound, _) = measure(folder.path(), SMARTCODE);
    let (faulty, code) = measure(folder.path(), &[SMARTCODE, &["--defect", "short-hold-resets"]].concat());
    assert_eq!(code, Some(0));
    assert!((found(&sound).0 - 30.0).abs() < 0.5, "{sound}");
    assert!(found(&faulty).2 < 16.0, "{faulty}");
    // Thrice the hold is none of that lock's resets, so the measurement begins again with less.
    assert_eq!(sound["trials"][0]["enough"], false, "{sound}");
}

#[test]
fn the_supply_from_which_a_reset_completes_is_measured() {
    let folder = empty_folder();
    let (json, code) = measure(folder.path(), &[POWERBOLT, &["--quantity", "supply"]].concat());
    assert_eq!(code, Some(0));
    let (value, from, to) = found(&json);
    assert!(value > 1.0 && value < 6.0 && to - from < 0.1, "{json}");
    let trials = json["trials"].as_array().expect("trials");
    for trial in trials.iter().skip(2) {
        let (at, enough) = (trial["value"].as_f64().expect("a number"), &trial["enough"]);
        assert!((at - value).abs() < 0.1 || *enough == (at > value), "{trial} and {value} V");
    }
}

#[test]
fn the_reference_firmware_is_measured_within_one_percent() {
    let folder = empty_folder();
    let reference = ["--rig", "emulated", "--model", "reference", "--method", "button"];
    let (json, code) = measure(folder.path(), &reference);
    assert_eq!(code, Some(0));
    // Its specification has 10 s (`firmware/SPEC.md`).
    let (value, from, to) = found(&json);
    assert!((value - 10.0).abs() < 0.1 && from <= 10.01 && to >= 9.99, "{json}");
}

#[test]
fn what_can_not_be_measured_is_said() {
    let folder = empty_folder();
    let refused = |args: &[&str], why: &str| {
        let output = lockrig(folder.path(), &[&["characterize"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(why), "{args:?}: {}", text(&output));
    };
    refused(&["--model", "nobody", "--method", "button"], "unknown model `nobody`");
    refused(&["--model", "kwikset-smartcode-914", "--method", "bell"], "unknown method `bell`");
    refused(&["--model", "kwikset-smartcode-914", "--method", "hub"], "depends on no hold");
    refused(&[SMARTCODE, &["--quantity", "mood"]].concat(), "unknown quantity `mood`");
    refused(&[SMARTCODE, &["--from", "2 V"]].concat(), "duration");
    refused(&[SMARTCODE, &["--from", "20 s", "--to", "10 s"]].concat(), "nothing to measure");
    refused(&[SMARTCODE, &["--defect", "no-such-fault"]].concat(), "no-such-fault");
    assert!(!folder.path().join("characterized").exists(), "nothing is left of what was refused");
    let (json, code) = measure(folder.path(), &[POWERBOLT, &["--from", "1 s", "--to", "2 s"]].concat());
    assert_eq!((code, &json["found"]), (Some(3), &Json::Null), "nothing changes there");
    // What is stated, and next to nothing, can be the ends.
    for ends in [["--from", "1 s", "--to", "5 s"], ["--from", "1 us", "--to", "6 s"]] {
        let output = lockrig(folder.path(), &[&["characterize"], POWERBOLT, &ends].concat());
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output));
        assert!(!text(&output).contains("can't read"), "{}", text(&output));
    }
}
