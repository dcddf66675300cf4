//! The guard as a service, and the watchdog that it feeds.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{end, happens, in_real_time};

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(10);

fn bench(folder: &Path) {
    let at = folder.display();
    let rig = format!(
        "rig: served\nlock: {{model: kwikset-powerbolt-2, simulated: true}}\nwatchdog: {at}/watchdog\n\
         boards:\n  file: {{recorder: {at}/outputs}}\nwiring:\n  button.reset: \
         {{relay: file/1, contact: normally_open, safe: released, max_on: 60 s}}\n\
         uncertainty: {{stimulus: 1 ms, observation: 1 ms}}\n"
    );
    fs::create_dir_all(folder.join("rigs")).expect("a folder");
    fs::write(folder.join("rigs/served.yaml"), rig).expect("a file");
    fs::write(folder.join("watchdog"), "").expect("a file");
}

fn lockrig(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockrig"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(happens(PATIENCE, holds), "not after {PATIENCE:?}: {what}");
}

fn service(folder: &Path) -> Child {
    let child = lockrig(folder, &["guard", "served"]).spawn().expect("a guard");
    until("the service listens", || folder.join("lockrig/served.sock").exists());
    child
}

fn fed(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("watchdog")).expect("a file")
}

#[test]
fn a_service_serves_one_client_at_a_time_and_outlives_it() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        bench(folder);
        let guard = service(folder);
        let writes = || fs::read_to_string(folder.join("outputs")).map_or(0, |text| text.lines().count());
        let before = writes();
        let first =
            lockrig(folder, &["rig", "monitor", "served", "--for", "60 s"]).spawn().expect("a client");
        let pid = first.id();
        // Whoever is served finds everything made safe once more.
        until("the first client is served", || writes() > before);
        let mut told = String::new();
        until("a second client is turned away", || {
            let output =
                lockrig(folder, &["rig", "monitor", "served", "--for", "0 s"]).output().expect("a client");
            told = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.code() == Some(3)
        });
        assert!(told.contains(&format!("serves process {pid}")), "the holder is named: {told}");
        end(first, Signal::KILL);
        until("the next client is served", || {
            lockrig(folder, &["rig", "selftest", "served"]).status().expect("a client").success()
        });
        let outputs = fs::read_to_string(folder.join("outputs")).expect("a file");
        assert!(outputs.lines().any(|line| line.ends_with(" 1 1")), "the relay clicked");
        assert!(outputs.lines().last().is_some_and(|line| line.ends_with(" 1 0")), "it is off again");
        end(guard, Signal::TERM);
        assert_eq!(fed(folder).last(), Some(&b'V'), "the watch ends with the guard");
    });
}

#[test]
fn a_service_tells_its_manager_that_it_is_ready_and_lives() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        bench(folder);
        let manager = UnixDatagram::bind(folder.join("notify")).expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let guard = lockrig(folder, &["guard", "served"]).env("NOTIFY_SOCKET", folder.join("notify")).spawn();
        let guard = guard.expect("a guard");
        let word = || {
            let mut buffer = [0; 64];
            let count = manager.recv(&mut buffer).expect("a word");
            String::from_utf8_lossy(&buffer[..count]).trim().to_owned()
        };
        assert_eq!(word(), "READY=1");
        assert!(folder.join("lockrig/served.sock").exists(), "it serves when it says so");
        assert_eq!(word(), "WATCHDOG=1");
        assert_eq!(word(), "WATCHDOG=1");
        end(guard, Signal::TERM);
    });
}

#[test]
fn a_guard_that_is_killed_leaves_no_watch_behind_once_its_outputs_are_safe() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        bench(folder);
        let mut client =
            lockrig(folder, &["rig", "monitor", "served", "--for", "60 s"]).spawn().expect("a client");
        until("it is fed", || fed(folder).len() > 1);
        kill_process(crate::kills::kill::guard_of(client.id()), Signal::KILL).expect("a process");
        assert_eq!(client.wait().expect("an end").code(), Some(3));
        assert!(fed(folder).contains(&b'V'), "the machine goes on");
    });
}

#[test]
fn a_watchdog_is_fed_only_by_a_guard_that_lives() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        bench(folder);
        let guard = service(folder);
        let before = fed(folder).len();
        until("it is fed", || fed(folder).len() > before + 1);
        kill_process(Pid::from_child(&guard), Signal::STOP).expect("a process");
        until("it is fed no more", || {
            let before = fed(folder).len();
            std::thread::sleep(Duration::from_millis(600));
            fed(folder).len() == before
        });
        end(guard, Signal::KILL);
        assert!(!fed(folder).contains(&b'V'), "nobody ended the watch: the machine would be reset");
    });
}

#[test]
fn a_bench_that_counts_on_a_watchdog_is_not_played_without_it() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        bench(folder);
        fs::remove_file(folder.join("watchdog")).expect("a file");
        let output = lockrig(folder, &["rig", "selftest", "served"]).output().expect("an end");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("relies on watchdog") && said.contains("No such file"), "{said}");
        let outputs = fs::read_to_string(folder.join("outputs")).unwrap_or_default();
        assert!(!outputs.lines().any(|line| line.ends_with(" 1 1")), "nothing was switched: {outputs}");
    });
}
