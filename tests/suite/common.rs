//! The program as a user runs it, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Where the sources are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with nothing in it: the built-in library is used there.
pub(crate) fn empty_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The program, run in `folder`.
pub(crate) fn lockrig(folder: &Path, arguments: &[&str]) -> Output {
    Command::cargo_bin("lockrig")
        .expect("the program is built")
        .current_dir(folder)
        .env("NO_COLOR", "1")
        // A rig that broke in one test is not broken in another.
        .env("XDG_STATE_HOME", folder.join(".state"))
        .args(arguments)
        .output()
        .expect("it runs")
}

/// The exit code of the program, run in `folder`.
pub(crate) fn code(folder: &Path, arguments: &[&str]) -> i32 {
    lockrig(folder, arguments).status.code().unwrap_or(-1)
}

/// What it printed, both streams.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Run folders below `folder/reports`, oldest first.
pub(crate) fn runs(folder: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = std::fs::read_dir(folder.join("reports"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    runs.sort_by_key(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok());
    runs
}

/// A run of one model; returns its folder.
pub(crate) fn certified(folder: &Path, model: &str, more: &[&str]) -> PathBuf {
    let mut arguments = vec!["certify", "--json", "--model", model];
    arguments.extend(more);
    let output = lockrig(folder, &arguments);
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    folder.join(json["folder"].as_str().expect("a folder"))
}

/// Copies a tree.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The sha256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether something comes true within a time; asked again and again.
pub(crate) fn happens(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while !holds() {
        if begin.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    true
}

/// A machine that wakes a thread later than this is too busy for what plays in real time.
const HELD_UP: Duration = Duration::from_millis(20);
/// So many failures of a whole suite are put down to a busy machine.
const MOST_TRIED_AGAIN: u32 = 20;
static TRIED_AGAIN: AtomicU32 = AtomicU32::new(0);
/// So often it is tried on a busy machine.
const TRIES: u32 = 5;
/// A quiet moment is waited for no longer than this.
const FOR_QUIET: Duration = Duration::from_secs(10);

/// Passes a test that plays in real time. If it fails while the machine is held up, nothing is known: it waits for a
/// quiet moment and tries again. On a machine that is not, a failure is one at once.
pub(crate) fn in_real_time(test: impl Fn()) {
    for tried in 1..=TRIES {
        let (failure, late) = watched(&test);
        let Err(failure) = failure else { return };
        if late < HELD_UP {
            std::panic::resume_unwind(failure);
        }
        // More often it is no accident of this machine.
        if tried == TRIES || TRIED_AGAIN.fetch_add(1, Ordering::Relaxed) > MOST_TRIED_AGAIN {
            std::panic::resume_unwind(failure);
        }
        happens(FOR_QUIET, || watched(|| std::thread::sleep(Duration::from_millis(300))).1 < HELD_UP);
    }
}

/// Does something, and says how late the machine woke another thread meanwhile.
fn watched(act: impl Fn()) -> (std::thread::Result<()>, Duration) {
    let (is_over, order) = (AtomicBool::new(false), Ordering::Relaxed);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (pause, mut latest) = (Duration::from_millis(2), Duration::ZERO);
            while !is_over.load(order) {
                let begin = Instant::now();
                std::thread::sleep(pause);
                latest = latest.max(begin.elapsed().saturating_sub(pause));
            }
            latest
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&act));
        is_over.store(true, order);
        (done, watcher.join().expect("a watcher"))
    })
}

/// Ends a program by a signal.
pub(crate) fn end(mut child: Child, signal: Signal) {
    kill_process(Pid::from_child(&child), signal).expect("a process");
    child.wait().expect("an end");
}
