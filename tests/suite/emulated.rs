//! The reference lock on the emulated microcontroller: its images are what their sources make, the sound one passes, and
//! what finds each defect is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lockrig::rig::FIRMWARES;
use serde_json::Value as Json;

use crate::common::{certified, code, empty_folder, lockrig, root, sha256, text};

/// What finds a defect.
enum Finder {
    /// A shipped claim.
    Claim(&'static str),
    /// A life that nobody wrote.
    Life,
}

/// The steps of the sweep are shorter than what each slot takes; one more code that is gone would lock the keypad.
const CUT_WITHIN: &str = "scenario: own\ntitle: A power cut within the erase leaves all or nothing\nmethods: [button]\n\
    arrange:\n  - provision: {user_codes: 4}\n  - prove: provisioned\nbut: {cut_power_at: sweep 0..10 % by 1 %}\n\
    act: [reset]\nexpect: [all_or_nothing]\n";

const FOUND: [(&str, Finder); 10] = [
    ("partial-wipe", Finder::Claim("codes-in-all-slots-are-erased")),
    ("flag-only-wipe", Finder::Claim("memory-holds-no-old-code")),
    ("short-threshold", Finder::Claim("hold-just-under-erases-nothing")),
    ("non-atomic-erase", Finder::Claim("power-cut-erases-all-or-nothing")),
    ("lockout-in-ram", Finder::Claim("lockout-survives-a-power-cut")),
    ("prefix-compare", Finder::Claim("near-codes-are-refused")),
    ("confirm-early", Finder::Claim("confirmed-means-erased")),
    ("remnant-in-spare", Finder::Claim("memory-holds-no-old-code")),
    ("old-page-at-low-voltage", Finder::Life),
    ("forgotten-table", Finder::Claim("reset-erases-everything")),
];

/// A rig file for an image.
fn rig(folder: &Path, firmware: &str) -> String {
    let name = format!("{firmware}.yaml");
    let rig = format!("rig: of-{firmware}\nlike: emulated\nemulated: {{firmware: {firmware}}}\n");
    fs::write(folder.join(&name), rig).expect("a rig");
    name
}

/// The exit code of a claim on an image, and what was said.
fn played(firmware: &str, claim: &str) -> (Option<i32>, String) {
    let folder = empty_folder();
    let rig = rig(folder.path(), firmware);
    let scenario = if claim.contains('\n') {
        fs::write(folder.path().join("own.yaml"), claim).expect("a scenario");
        "own.yaml"
    } else {
        claim
    };
    let output = lockrig(folder.path(), &["run", scenario, "--rig", &rig, "--quiet"]);
    (output.status.code(), text(&output))
}

#[test]
fn each_image_is_what_its_sources_make() {
    let firmware = root().join("firmware");
    let recorded = fs::read_to_string(firmware.join("images/SOURCES")).expect("SOURCES");
    let mut named = BTreeSet::new();
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let (digest, name) = line.split_once("  ").expect("a digest and a name");
        let bytes = fs::read(firmware.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(sha256(&bytes), digest, "{name} has changed: run firmware/build.sh");
        named.insert(name.to_owned());
    }
    let files = |below: &str, extension: &str| -> Vec<String> {
        let entries = fs::read_dir(firmware.join(below)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        names.filter(|name| name.ends_with(extension)).map(|name| format!("{below}/{name}")).collect()
    };
    let built_from = ["Cargo.lock", "Cargo.toml", "build.rs", "build.sh", "elf2hex.py", "link.x"];
    let mut all: BTreeSet<String> = built_from.map(str::to_owned).into();
    all.extend(files("src", ".rs"));
    all.extend(files("images", ".hex"));
    all.extend(files("../benches", ".hex"));
    assert_eq!(named, all, "run firmware/build.sh");
}

#[test]
fn the_sound_lock_passes_every_claim_and_its_run_replays() {
    let folder = empty_folder();
    let run = certified(folder.path(), "reference", &["--rig", "emulated"]);
    let manifest: Json =
        serde_json::from_slice(&fs::read(run.join("run.json")).expect("run.json")).expect("JSON");
    let counts = &manifest["counts"];
    for verdict in ["fail", "inconclusive", "error", "aborted"] {
        assert_eq!(counts[verdict].as_u64().unwrap_or(0), 0, "{counts}");
    }
    assert!(counts["pass"].as_u64() > Some(100), "{counts}");
    assert_eq!(manifest["provenance"], "simulated");
    assert!(run.join("inputs/firmware/sound.hex").is_file());
    assert_eq!(code(folder.path(), &["replay", &run.display().to_string()]), 0);
}

#[test]
fn a_run_is_the_same_when_its_lock_is_emulated_again() {
    let folder = empty_folder();
    let arguments = ["--rig", "emulated", "--scenario", "reset-erases-everything"];
    let run = certified(folder.path(), "reference", &arguments);
    let output = lockrig(folder.path(), &["replay", &run.display().to_string(), "--simulate"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let journal = fs::read_to_string(run.join("journal.jsonl")).expect("a journal");
    for said in ["reference-lock 1.0.0 sound", "opened by slot 1", "reset done", "RL1-000017"] {
        assert!(journal.contains(said), "{said}");
    }
}

#[test]
fn each_defect_is_found_by_what_is_there_for_it() {
    let known: BTreeSet<&str> = FOUND.iter().map(|(firmware, _)| *firmware).chain(["sound"]).collect();
    assert_eq!(known, FIRMWARES.into());
    for (firmware, finder) in FOUND {
        let Finder::Claim(claim) = finder else { continue };
        let (sound, said) = played("sound", claim);
        assert_eq!(sound, Some(0), "sound, for {firmware}: {said}");
        let (faulty, said) = played(firmware, claim);
        assert_eq!(faulty, Some(1), "{firmware}: {said}");
    }
}

/// Between the first slot that is erased and the last, each power cut leaves some of the codes; in the sound lock, none.
#[test]
fn a_sweep_finds_the_window_of_an_erase_that_is_none_at_once() {
    assert_eq!(played("sound", CUT_WITHIN).0, Some(0));
    let (exit, said) = played("non-atomic-erase", CUT_WITHIN);
    assert_eq!(exit, Some(1), "{said}");
    assert!(said.contains("some of the owner's data are gone and some are left"), "{said}");
}

#[test]
fn a_defect_that_no_claim_finds_is_found_by_a_life() {
    let lives = FOUND.iter().filter(|(_, finder)| matches!(finder, Finder::Life));
    let faulty = lives.map(|(firmware, _)| (*firmware, 1));
    for (firmware, exit) in faulty.chain([("sound", 0)]) {
        let folder = empty_folder();
        let rig = rig(folder.path(), firmware);
        let explore = ["explore", "--focus", "button", "--lives", "20", "--budget", "1 h", "--rig", &rig];
        let output = lockrig(folder.path(), &explore);
        assert_eq!(output.status.code(), Some(exit), "{firmware}: {}", text(&output));
    }
}

/// At the lock, both look erased.
#[test]
fn what_only_the_memory_shows_passes_every_other_claim_of_erasure() {
    for firmware in ["flag-only-wipe", "remnant-in-spare"] {
        let (exit, said) = played(firmware, "reset-erases-everything");
        assert_eq!(exit, Some(0), "{firmware}: {said}");
        let (exit, said) = played(firmware, "memory-holds-no-old-code");
        assert_eq!(exit, Some(1), "{firmware}: {said}");
        assert!(said.contains("memory still holds user.1: salted-digest at 0x3f"), "{firmware}: {said}");
    }
}

#[test]
fn nothing_else_can_be_asked_of_an_emulated_lock() {
    let folder = empty_folder();
    let refused = |arguments: &[&str], why: &[&str]| {
        let output = lockrig(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        why.iter().for_each(|why| assert!(text(&output).contains(why), "{arguments:?}: {}", text(&output)));
    };
    let on = ["--rig", "emulated"];
    let altered = ["--defect and --variation are for the simulated rig", "emulated: {firmware: …}"];
    for option in [["--defect", "residual-user"], ["--variation", "fast-clock"]] {
        refused(&[&["certify"][..], &on, &option].concat(), &altered);
        refused(&[&["explore"][..], &on, &option].concat(), &altered);
    }
    let other = ["certify", "--model", "yale-linus"];
    refused(
        &[&other[..], &on[..]].concat(),
        &["is a `reference`, not a `yale-linus`", "no other one is emulated"],
    );
    refused(&["certify", "--model", "reference"], &["has no lock `reference`", "--rig emulated"]);
}
