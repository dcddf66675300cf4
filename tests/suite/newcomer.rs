//! The first hour of somebody new, with nothing but what README, tutorial and language page say: an empty folder, a
//! lock, claim, rig and bench of their own, and a fault that is found.

use std::fs;
use std::path::Path;

use crate::common::{copy_tree, empty_folder, lockrig, root, runs, text};

fn says(folder: &Path, arguments: &[&str], wanted: i32, words: &[&str]) -> String {
    let output = lockrig(folder, arguments);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(wanted), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}");
    }
    said
}

#[test]
fn from_an_empty_folder_to_a_fault_that_is_found() {
    let folder = empty_folder();
    let path = folder.path();
    // What to start from: each is fine as it is written.
    for (what, id) in
        [("model", "own-lock"), ("scenario", "own-claim"), ("rig", "own-rig"), ("rig", "own-bench")]
    {
        let said = says(path, &["new", what, id], 0, &["after each change, run:"]);
        let command = said.lines().find_map(|line| line.strip_prefix("  lockrig ")).expect("a command");
        says(path, &command.split(' ').collect::<Vec<_>>(), 0, &["1 file is fine"]);
    }
    // What becomes of it.
    copy_tree(&root().join("tests/newcomer"), path);
    for file in ["scenarios/models/own-lock.yaml", "scenarios/own-claim.yaml", "rigs/own-rig.yaml"] {
        says(path, &["check", file], 0, &["1 file is fine"]);
    }
    // The built-in rig has no such lock, and says what to do.
    says(
        path,
        &["certify", "--model", "own-lock"],
        2,
        &["the simulated rig has no lock `own-lock`", "--rig FILE"],
    );
    // It is certified with every claim there is, and with the own one.
    says(path, &["certify", "--rig", "own-rig"], 0, &["own-lock  pass", "report: reports/"]);
    says(path, &["run", "own-claim", "--rig", "own-rig"], 0, &["pass         own-claim~own-lock~button~r1"]);
    for run in runs(path) {
        let run = run.display().to_string();
        says(path, &["verify", &run], 0, &[]);
        says(path, &["replay", &run], 0, &[]);
    }
    // A fault: cards survive. The command that is said plays it again.
    let rig = path.join("rigs/own-rig.yaml");
    let faulty = fs::read_to_string(&rig).expect("a rig").replace("lock.py]", "lock.py, keeps-cards]");
    fs::write(&rig, faulty).expect("written");
    let said = says(
        path,
        &["certify", "--rig", "own-rig"],
        1,
        &["cards erased: card.1 was accepted", "play it again:"],
    );
    let again = said.lines().rev().find_map(|line| line.strip_prefix("  lockrig ")).expect("a command");
    says(path, &again.split(' ').collect::<Vec<_>>(), 1, &["1 fail"]);
    says(path, &["run", "own-claim", "--rig", "own-rig"], 1, &["card.2 refused: card.2 was accepted"]);
    let failed = runs(path).pop().expect("a run").display().to_string();
    says(
        path,
        &["report", &failed, "--format", "junit", "--attach"],
        0,
        &["<failure message=", "[[ATTACHMENT|"],
    );
}

#[test]
fn a_bench_of_ones_own_is_checked_without_its_devices() {
    let folder = empty_folder();
    let path = folder.path();
    copy_tree(&root().join("tests/newcomer"), path);
    says(path, &["check", "rigs/own-bench.yaml"], 0, &["outputs go safe within", "does not read back"]);
    let lacks =
        ["cases would be played", "not wired  what-was-erased-stays-erased", ": power.cell.1; power.cell.2"];
    says(path, &["certify", "--rig", "own-bench", "--dry-run"], 0, &lacks);
    // Its devices are not here: the run says so, and nothing is switched.
    says(path, &["certify", "--rig", "own-bench"], 3, &["the bench is not ready, and nothing was switched"]);
}
