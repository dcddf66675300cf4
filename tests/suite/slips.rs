//! Slips of whoever writes a model or a rig file: none may turn into a pass.

use std::fs;
use std::path::Path;

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, text};

/// A shipped model with a stretch of it replaced, in place of the shipped one.
fn with_model(folder: &Path, model: &str, from: &str, to: &str) {
    let file = format!("scenarios/models/{model}.yaml");
    let text = fs::read_to_string(root().join(&file)).expect("a model");
    assert!(text.contains(from), "{model} has no {from}");
    fs::create_dir_all(folder.join("scenarios/models")).expect("a folder");
    fs::write(folder.join(file), text.replace(from, to)).expect("written");
}

#[test]
fn a_lock_whose_codes_were_not_tested_is_not_certified() {
    let folder = empty_folder();
    let path = folder.path();
    let output = lockrig(path, &["certify", "--model", "lockly-pgd728f"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("not certified: lockly-pgd728f: codes were not tested"), "{said}");
    assert!(!said.contains("fail"), "{said}");
    let run = crate::common::runs(path).pop().expect("a run");
    let junit = fs::read_to_string(run.join("junit.xml")).expect("text");
    assert!(junit.contains("<error message=\"codes were not tested"), "{junit}");
    let page = fs::read_to_string(run.join("report.html")).expect("text");
    assert!(page.contains("Not certified: lockly-pgd728f: codes were not tested"));
    assert!(page.contains("banner inconclusive"), "the page's banner is no pass");
    let run = run.display().to_string();
    assert_eq!(code(path, &["verify", &run]), 0);
    assert_eq!(code(path, &["replay", &run]), 0);
    // Whoever names claims knows what they leave out.
    assert_eq!(code(path, &["run", "reset-erases-everything", "--model", "lockly-pgd728f"]), 0);
}

#[test]
fn models_whose_codes_nobody_can_test_are_left_out_by_name() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify", "--dry-run"]);
    let said = text(&output);
    assert!(said.contains("no source says how their codes are stored and entered: "), "{said}");
    assert!(said.contains("lockly-pgd728f"), "{said}");
    assert!(!said.contains("~lockly-pgd728f~"), "{said}");
    assert!(said.contains("~yale-linus~"), "a lock without a keypad has no codes: {said}");
}

#[test]
fn steps_after_the_decisive_one_move_no_window() {
    let count = |folder: &Path| {
        let run = certified(folder, "kwikset-powerbolt-2", &[]);
        let manifest = fs::read_to_string(run.join("run.json")).expect("text");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        manifest["counts"].clone()
    };
    let as_printed = count(empty_folder().path());
    assert_eq!(as_printed.get("fail"), None, "{as_printed}");
    for after in ["      - wait: 1 s\n      - cover: \"on\"\n", "      - wait: 2 s\n"] {
        let folder = empty_folder();
        let step = "      - release: reset\n";
        with_model(folder.path(), "kwikset-powerbolt-2", step, &format!("{step}{after}"));
        assert_eq!(count(folder.path()), as_printed, "{after}");
    }
}

#[test]
fn keys_are_text() {
    let folder = empty_folder();
    let scenario = "scenario: literal\ntitle: Keys are text\nmethods: all\nact:\n  - type: 0077\n  - press: key.lock\n  \
                    - type: 1_2\n  - reset\nexpect: [confirmed]\n";
    fs::write(folder.path().join("literal.yaml"), scenario).expect("written");
    let output = lockrig(folder.path(), &["check", "literal.yaml"]);
    assert!(text(&output).contains("unknown key `1_2`"), "{}", text(&output));
    fs::write(folder.path().join("literal.yaml"), scenario.replace("  - type: 1_2\n", "")).expect("written");
    let run = ["run", "literal.yaml", "--model", "kwikset-smartcode-914"];
    let output = lockrig(folder.path(), &run);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let run = crate::common::runs(folder.path()).pop().expect("a run");
    let journal = fs::read_to_string(run.join("journal.jsonl")).expect("text");
    let typed: String = journal
        .lines()
        .filter_map(|line| line.split_once("{\"keys\":[\"")?.1.chars().next())
        .take(4)
        .collect();
    assert_eq!(typed, "0077");
}

#[test]
fn a_program_is_one_lock_or_is_asked_by_name() {
    let folder = empty_folder();
    let path = folder.path();
    let program = assert_cmd::cargo::cargo_bin("lockrig").display().to_string();
    copy_tree(&root().join("rigs"), &path.join("rigs"));
    let rig = |lock: &str| {
        format!("rig: own\n{lock}lockstep: {{command: [\"{program}\", sim, peer]}}\nchannels: [\"*\"]\n")
    };
    let play = |lock: &str, more: &[&str]| {
        fs::write(path.join("rigs/own.yaml"), rig(lock)).expect("written");
        let output =
            lockrig(path, &[&["run", "reset-erases-everything", "--rig", "own", "--quiet"], more].concat());
        (output.status.code(), text(&output))
    };
    let (status, said) = play("", &[]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("rig `own` does not say which lock it is"), "{said}");
    assert_eq!(play("", &["--model", "yale-linus", "--model", "nuki-smart-lock"]).0, Some(0));
    let lock = "lock: {model: yale-linus}\n";
    assert_eq!(play(lock, &[]).0, Some(0));
    let (status, said) = play(lock, &["--model", "nuki-smart-lock"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("the lock of rig `own` is a `yale-linus`"), "{said}");
}
