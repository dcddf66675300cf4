//! Programs that a rig file names end with lockrig, whatever they started and however it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::happens;
use crate::kills::kill::Bench;

const PATIENCE: Duration = Duration::from_secs(20);

/// A program that leaves its process group and session, and leaves two more behind that did the same.
const ESCAPES: &str = "setsid sleep 600.MARK & setsid sh -c 'setsid sleep 601.MARK & exec sleep 602.MARK' & \
    exec setsid --wait sleep 603.MARK";

/// Ids of the processes whose arguments have a mark.
fn marked(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let is_marked = |process: &fs::DirEntry| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.starts_with("sleep\0") && words.contains(&format!(".{mark}\0"))
    };
    processes.filter(is_marked).map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(happens(PATIENCE, holds), "not in time: {what}");
}

fn lockrig(folder: &Path, arguments: &[&str]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_lockrig"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("the program")
}

/// Whether a signal waits to be heard by a process: another one of its kind would be the same.
fn is_pending(process: &Child, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Starts what has such programs, waits until they run, ends it, and sees that nothing lives on.
fn none_lives_on(mark: &str, start: impl Fn() -> Child, signals: &[Signal]) {
    let mut child = start();
    until("they run", || marked(mark).len() == 4);
    for signal in signals {
        until("the one before is heard", || !is_pending(&child, *signal));
        kill_process(Pid::from_child(&child), *signal).expect("a process");
    }
    until("it ends", || child.try_wait().expect("a child").is_some());
    until("nothing lives on", || marked(mark).is_empty());
}

#[test]
fn programs_that_speak_for_a_channel_end_with_lockrig() {
    for (number, signal) in [Signal::TERM, Signal::KILL].into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = format!("1{}{number}", std::process::id());
        let _bench = Bench::new(folder.path(), None);
        let rig = folder.path().join("rigs/kills.yaml");
        let text = fs::read_to_string(&rig).expect("a rig");
        let program = format!("[sh, -c, {:?}]", ESCAPES.replace("MARK", &mark));
        fs::write(&rig, text.replace("[sleep, '600']", &program)).expect("a rig");
        none_lives_on(&mark, || lockrig(folder.path(), &["rig", "monitor", "kills"]), &[signal]);
    }
}

#[test]
fn a_peer_ends_with_lockrig() {
    // The first SIGTERM waits for the peer's answer, the second does not.
    for (number, signals) in [&[Signal::TERM; 2][..], &[Signal::KILL]].into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = format!("2{}{number}", std::process::id());
        fs::create_dir(folder.path().join("rigs")).expect("a folder");
        // It never answers.
        let rig = format!(
            "rig: escapes\nlockstep:\n  command: [sh, -c, {:?}]\n  answer_within: 60 s\nchannels: [\"*\"]\n",
            ESCAPES.replace("MARK", &mark)
        );
        fs::write(folder.path().join("rigs/escapes.yaml"), rig).expect("a rig");
        let arguments = ["certify", "--rig", "escapes", "--model", "kwikset-powerbolt-2"];
        none_lives_on(&mark, || lockrig(folder.path(), &arguments), signals);
    }
}

/// The program with SIGHUP as a terminal's child has it, or as `nohup` leaves it: whoever runs the tests may have
/// ignored it.
fn hangs_up(folder: &Path, how: &str) -> PathBuf {
    let script = folder.join("lockrig");
    let program = env!("CARGO_BIN_EXE_lockrig");
    fs::write(&script, format!("#!/bin/sh\nexec env {how}=HUP {program} \"$@\"\n")).expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a script");
    script
}

#[test]
fn a_terminal_that_hangs_up_ends_a_run_safely_with_its_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::new(folder.path(), None);
    let mut run = bench.start(&hangs_up(folder.path(), "--default-signal"));
    kill_process(Pid::from_child(&run), Signal::HUP).expect("a process");
    assert_eq!(run.wait().expect("an end").code(), Some(130));
    assert!(bench.levels().0.values().all(|on| !on));
    let report =
        fs::read_dir(folder.path().join("reports")).expect("a folder").flatten().next().expect("a run");
    let manifest = fs::read_to_string(report.path().join("run.json")).expect("a manifest");
    assert!(manifest.contains("\"state\":\"closed\""), "{manifest}");
}

#[test]
fn a_run_that_was_started_with_nohup_does_not_mind() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::new(folder.path(), None);
    let mut run = bench.start(&hangs_up(folder.path(), "--ignore-signal"));
    let minds = ["SigIgn:", "SigCgt:"].map(|name| {
        let status = fs::read_to_string(format!("/proc/{}/status", run.id())).expect("a process");
        let mask = status.lines().find_map(|line| line.strip_prefix(name)).expect("a mask").trim().to_owned();
        u64::from_str_radix(&mask, 16).expect("a mask") & 1
    });
    assert_eq!(minds, [1, 0], "ignored, and not caught");
    kill_process(Pid::from_child(&run), Signal::TERM).expect("a process");
    assert_eq!(run.wait().expect("an end").code(), Some(130));
}
