//! The log that `LOCKRIG_LOG` asks for: off by default, beside the answer, and without codes.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

use crate::common::{empty_folder, lockrig, runs, text};
use crate::peers::{forms, rig, secrets_of};

/// The program, run with a log.
fn logged(folder: &Path, wanted: &str, arguments: &[&str]) -> Output {
    Command::cargo_bin("lockrig")
        .expect("the program is built")
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join(".state"))
        .env("LOCKRIG_LOG", wanted)
        .args(arguments)
        .output()
        .expect("it runs")
}

const RUN: [&str; 6] = ["run", "reset-is-confirmed", "--model", "kwikset-powerbolt-2", "--quiet", "--json"];

#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let folder = empty_folder();
    let quiet = lockrig(folder.path(), &RUN);
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    for wanted in ["", "off"] {
        assert_eq!(String::from_utf8_lossy(&logged(folder.path(), wanted, &RUN).stderr), "");
    }
}

#[test]
fn a_log_says_what_happened_beside_the_answer() {
    let folder = empty_folder();
    let output = logged(folder.path(), "debug", &RUN);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let log = String::from_utf8(output.stderr.clone()).expect("text");
    for part in [
        "a run folder was created",
        "a case begins case=reset-is-confirmed~kwikset-powerbolt-2",
        "verdict=\"pass\"",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(log.lines().all(|line| line.contains("lockrig::")), "{log}");
    let answer: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
    assert!(answer.is_ok(), "the answer is as without a log: {}", text(&output));
    let less = logged(folder.path(), "run=error, evidence=info", &RUN);
    let log = String::from_utf8_lossy(&less.stderr);
    assert!(log.contains("a run folder was created") && !log.contains("a case begins"), "{log}");
}

#[test]
fn a_log_that_is_not_understood_is_told() {
    let folder = empty_folder();
    for (wanted, reason) in
        [("loud", "`loud` is no level"), ("engine=debug", "no module `engine`"), ("=", "no module")]
    {
        let output = logged(folder.path(), wanted, &RUN);
        assert_eq!(output.status.code(), Some(2), "{wanted}: {}", text(&output));
        assert!(text(&output).contains(reason) && text(&output).contains("hint:"), "{}", text(&output));
    }
}

#[test]
fn a_code_is_in_no_log() {
    let folder = empty_folder();
    let rig = rig(folder.path(), "echoes-secrets");
    let arguments = ["run", "reset-erases-everything", "--rig", &rig, "--model", "yale-yrm276"];
    let output = logged(folder.path(), "trace", &arguments);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("a case begins"), "{log}");
    for secret in secrets_of(1).iter().flat_map(|secret| forms(secret)) {
        assert!(!log.contains(&secret), "{secret} in {log}");
    }
}

/// A peer may be lockrig itself, and what it writes to standard error is evidence: it is not asked for a log.
#[test]
fn a_log_is_not_in_the_evidence() {
    let folder = empty_folder();
    let program = env!("CARGO_BIN_EXE_lockrig");
    let peer = format!("echo log: ${{LOCKRIG_LOG-none}} >&2\nexec {program} sim peer\n");
    std::fs::write(folder.path().join("peer.sh"), peer).expect("written");
    let rig = "rig: own\nlockstep: {command: [sh, peer.sh]}\nchannels: [\"*\"]\n";
    std::fs::write(folder.path().join("own.yaml"), rig).expect("written");
    let output = logged(folder.path(), "trace", &[&RUN[..], &["--rig", "own.yaml"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let run = runs(folder.path()).remove(0);
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).expect("a journal");
    assert!(journal.contains("log: none"), "{journal}");
    assert!(!journal.contains("lockrig::"), "{journal}");
}
