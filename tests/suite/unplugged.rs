//! Devices that are unplugged in the middle of a case, and plugged in again: the rig's error with its
//! cause, nothing left on, and no more cases until a self-test passed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{happens, in_real_time, lockrig, runs, text};
use crate::kills::kill::Bench;
use crate::serial::{numato, obedient, pair};

/// Outputs of the bench as it is recorded.
const BUTTON: u32 = 1;
const COVER: u32 = 3;

/// A bench whose outputs are recorded, altered, and a port that can be plugged in again.
fn bench(folder: &Path, alter: impl Fn(String, &str) -> String) -> (Bench, PathBuf) {
    let bench = Bench::new(folder, None);
    let (path, port) = (folder.join("rigs/kills.yaml"), folder.join("port"));
    let rig = fs::read_to_string(&path).expect("a rig");
    fs::write(path, alter(rig, &port.display().to_string())).expect("a rig");
    (bench, port)
}

/// Plugs a device in; returns its side.
fn plug_in(port: &Path) -> fs::File {
    let (peer, path) = pair();
    let _ = fs::remove_file(port);
    symlink(path, port).expect("a link");
    peer
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockrig"));
    command
        // What comes after the rig broke is not played, and leaves nothing to show.
        .args(["run", "reset-is-confirmed", "--rig", "kills", "--model", "holds", "--repeat", "2"])
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join(".state"));
    command
}

fn run(folder: &Path) -> Output {
    answered(|| command(folder).output().expect("a run"))
}

/// The board is a thread here: where the machine is too busy for it to answer in time, the rig says so, and nothing
/// was played.
fn answered(play: impl Fn() -> Output) -> Output {
    let is_late =
        |output: &Output| text(output).contains("does not answer") && text(output).contains("not ready");
    std::iter::repeat_with(play).take(20).find(|output| !is_late(output)).expect("an answer")
}

fn is_refused_until_its_selftest(folder: &Path, bench: &Bench, output: &Output, cause: &str) {
    let record = runs(folder).pop().unwrap_or_else(|| panic!("no run: {}", text(output)));
    let record = record.display().to_string();
    for command in ["verify", "replay"] {
        let output = lockrig(folder, &[command, &record]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output));
    }
    assert!(bench.levels().0.values().all(|on| !on), "left on: {:?}", bench.levels().0);
    assert_eq!(output.status.code(), Some(3), "{}", text(output));
    let said = text(output);
    assert!(said.contains("error        reset-is-confirmed~holds~button~r1"), "{said}");
    assert!(said.contains(cause), "{said}");
    let again = text(&run(folder));
    assert!(again.contains("is out of use after a fault") && again.contains(cause), "{again}");
}

/// The self-test passes, and the next run plays.
fn plays_after_its_selftest(folder: &Path, bench: &Bench) {
    // The board is a thread here: where the machine is too busy for it to answer in time, the rig says so.
    let selftest = || lockrig(folder, &["rig", "selftest", "kills"]);
    let is_late = |output: &Output| text(output).contains("does not answer");
    let output = std::iter::repeat_with(selftest).take(20).find(|output| !is_late(output));
    let output = output.expect("an answer");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for _ in 0..20 {
        let mut playing = command(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a run");
        let mut is_over = || playing.try_wait().expect("a process").is_some();
        let is_on = || bench.levels().0.get(&COVER) == Some(&true);
        until("output 3 comes on, or the board is too late for a run", || is_on() || is_over());
        if is_on() {
            kill_process(Pid::from_child(&playing), Signal::TERM).expect("a process");
            assert_eq!(playing.wait().expect("an end").code(), Some(130));
            return;
        }
        // A board that was late in the case breaks the rig again, and not only the run.
        let output = std::iter::repeat_with(selftest).take(20).find(|output| !is_late(output));
        assert_eq!(output.expect("an answer").status.code(), Some(0));
    }
    panic!("the board was too late twenty times");
}

fn await_level(bench: &Bench, output: u32) {
    until(&format!("output {output} comes on"), || bench.levels().0.get(&output) == Some(&true));
}

fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(happens(Duration::from_secs(30), holds), "not in time: {what}");
}

#[test]
fn a_console_that_is_unplugged_is_an_error_until_it_is_back() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (bench, port) = bench(folder, |rig, port| {
            rig.replace("wiring:\n", &format!("wiring:\n  console: {{port: {port}}}\n"))
        });
        let console = plug_in(&port);
        let output = thread::scope(|scope| {
            let running = scope.spawn(|| run(folder));
            await_level(&bench, BUTTON);
            drop(console);
            running.join().expect("a run")
        });
        is_refused_until_its_selftest(folder, &bench, &output, "was unplugged");
        let _console = plug_in(&port);
        plays_after_its_selftest(folder, &bench);
    });
}

#[test]
fn a_relay_board_that_is_unplugged_is_an_error_until_it_is_back() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (bench, port) = bench(folder, |rig, port| {
            rig.replace("boards:\n", &format!("boards:\n  relays: {{numato: {port}, relays: 4}}\n"))
                .replace("relay: file/1,", "relay: relays/1,")
        });
        let board = plug_in(&port);
        let mut follows = obedient();
        let until_pressed = move |command: &str| match command {
            // It is gone once the button is held.
            "relay on 1" => Some(String::new()),
            _ => follows(command),
        };
        numato(board, until_pressed);
        let output = run(folder);
        is_refused_until_its_selftest(folder, &bench, &output, &port.display().to_string());
        let board = plug_in(&port);
        numato(board, obedient());
        plays_after_its_selftest(folder, &bench);
    });
}

#[test]
fn a_monitor_ends_with_a_lost_device_and_says_so_once() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (_, port) = bench(folder, |rig, port| {
            rig.replace("wiring:\n", &format!("wiring:\n  console: {{port: {port}}}\n"))
        });
        let console = plug_in(&port);
        let mut watching = Command::new(env!("CARGO_BIN_EXE_lockrig"))
            .args(["rig", "monitor", "kills", "--for", "10 min"])
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder.join(".state"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a monitor");
        // A device that is lost while it is opened breaks nothing: first it has to watch.
        let mut shown = BufReader::new(watching.stdout.take().expect("its words"));
        shown.read_line(&mut String::new()).expect("a line");
        drop(console);
        until("it ends by itself", || watching.try_wait().expect("a child").is_some());
        let output = watching.wait_with_output().expect("its words");
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        assert_eq!(text(&output).matches("was unplugged").count(), 1, "{}", text(&output));
        let note = folder.join(".state/lockrig/kills.broken");
        let refused = fs::read_to_string(note).expect("a note");
        assert!(refused.contains("was unplugged"), "{refused}");
    });
}
