//! A run that is killed at any moment of its life, of whatever length: it is no accusation, keeps what it showed, leaves
//! nobody behind, and can be closed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lockrig::evidence::finished_cases;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::common::happens;
use crate::kills::kill;

/// So many runs are killed; `KILLED_RUNS` says how many else.
const KILLS: usize = 60;
/// The longest run has so many cases.
const MOST_CASES: f64 = 5_000.0;
/// A peer is a process of its own for each run, and slower: it is there in runs of so many cases at most.
const MOST_WITH_PEER: u32 = 60;

/// The program: `KILLED_PROGRAM`, or the one that was built with the tests.
fn program() -> PathBuf {
    std::env::var_os("KILLED_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_lockrig").into()).into()
}

/// A run of so many repetitions.
fn start(folder: &Path, repeat: u32, peer: Option<&str>) -> Child {
    let mut command = Command::new(program());
    command
        .current_dir(folder)
        .args(["run", "restart-erases-nothing", "--model", "yale-linus"])
        .args(["--repeat", &repeat.to_string(), "--verbose"])
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(mark) = peer {
        let program = program().display().to_string();
        let peer = serde_json::json!(["env", mark, program, "sim", "peer"]);
        let rig = format!("rig: marked\nlockstep: {{command: {peer}}}\nchannels: [\"*\"]\n");
        fs::write(folder.join("marked.yaml"), rig).expect("written");
        command.args(["--rig", "marked.yaml"]);
    }
    command.spawn().expect("it starts")
}

/// How it ended, and what it said.
fn lockrig(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(program())
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .args(arguments)
        .output()
        .expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// Processes that were started with a mark in their environment or arguments.
fn marked(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
    processes
        .filter(|process| {
            ["environ", "cmdline"].iter().any(|file| {
                let bytes = fs::read(process.path().join(file)).unwrap_or_default();
                bytes.split(|byte| *byte == 0).any(|word| word == mark.as_bytes())
            })
        })
        .count()
}

/// Whether a run has begun to leave a record.
fn has_begun(folder: &Path) -> bool {
    crate::common::runs(folder).first().is_some_and(|run| run.join("run.json").exists())
}

/// How long a run takes until it leaves a record, and from then on.
fn lengths(repeat: u32) -> (Duration, Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let begin = Instant::now();
    let child = start(folder.path(), repeat, None);
    assert!(happens(Duration::from_secs(20), || has_begun(folder.path())), "no run begins");
    let begun = begin.elapsed();
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    (begun, begin.elapsed().saturating_sub(begun))
}

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// So long after it was started.
    Started(Duration),
    /// So long after it began to leave a record.
    Begun(Duration),
}

/// What became of the runs.
#[derive(Default)]
struct Tally {
    /// Killed before there was a folder, or anything in it.
    unborn: AtomicUsize,
    /// Killed while they were played, after the last case, or too late.
    aborted: AtomicUsize,
    unclosed: AtomicUsize,
    closed: AtomicUsize,
    shown: AtomicUsize,
    with_peer: AtomicUsize,
}

fn count(counter: &AtomicUsize, more: usize) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Kills one run.
fn kill_one(number: usize, repeat: u32, when: When, tally: &Tally) {
    let told = format!("kill {number}: {repeat} repetitions, {when:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mark = format!("LOCKRIG_MARK={}-{number}", std::process::id());
    let mark = Some(mark.as_str()).filter(|_| repeat <= MOST_WITH_PEER && number.is_multiple_of(2));
    let mut child = start(folder, repeat, mark);
    match when {
        When::Started(after) => std::thread::sleep(after),
        When::Begun(after) => {
            assert!(happens(Duration::from_secs(20), || has_begun(folder)), "{told}: it does not begin");
            std::thread::sleep(after);
        }
    }
    child.kill().expect("killed");
    let mut shown = Vec::new();
    child.stdout.take().expect("its output").read_to_end(&mut shown).expect("read");
    child.wait().expect("reaped");
    if let Some(mark) = mark {
        count(&tally.with_peer, 1);
        assert!(happens(Duration::from_secs(20), || marked(mark) == 0), "{told}: its peer lives on");
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    // The last line may be cut; every whole one was promised.
    let whole = shown.rfind('\n').map_or("", |end| &shown[..end]);
    let promised: Vec<&str> = whole
        .lines()
        .filter(|line| line.starts_with("pass "))
        .map(|line| line.split_whitespace().nth(1).expect("a case"))
        .collect();
    count(&tally.shown, promised.len());
    let Some(run) = crate::common::runs(folder).pop().filter(|run| run.join("run.json").exists()) else {
        assert!(promised.is_empty(), "{told}: what was shown is lost");
        return count(&tally.unborn, 1);
    };
    let path = run.display().to_string();
    let (verified, said) = lockrig(folder, &["verify", &path]);
    let finished = finished_cases(&run).unwrap_or_else(|error| panic!("{told}: {error}"));
    for case in promised {
        assert!(finished.iter().any(|(id, _)| id == case), "{told}: {case} was shown and is lost");
    }
    let (replayed, said_again) = lockrig(folder, &["replay", &path]);
    let nothing = said_again.starts_with("0 verdicts confirmed, 0 contradicted") && verified != 0;
    assert_eq!(replayed, if nothing { 3 } else { 0 }, "{told}: {said_again}");
    assert!(!nothing || finished.is_empty(), "{told}: {said_again}");
    if verified == 0 {
        return count(&tally.closed, 1);
    }
    assert_eq!(verified, 3, "{told}: {said}");
    let manifest = fs::read_to_string(run.join("run.json")).expect("text");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let planned = manifest["planned"].as_u64().expect("a number");
    count(if finished.len() as u64 == planned { &tally.unclosed } else { &tally.aborted }, 1);
    let rig: &[&str] = if mark.is_some() { &["--rig", "marked.yaml"] } else { &[] };
    let (resumed, said) = lockrig(folder, &[&["run", "--resume", &path, "--quiet"], rig].concat());
    assert_eq!(resumed, 0, "{told}: {said}");
    let second = crate::common::runs(folder).into_iter().find(|other| *other != run).expect("a new folder");
    let (verified, said) = lockrig(folder, &["verify", &second.display().to_string()]);
    assert_eq!(verified, 0, "{told}: {said}");
    let after = finished_cases(&second).expect("intact");
    assert_eq!((finished.len() + after.len()) as u64, planned, "{told}");
    assert!(after.iter().all(|case| !finished.contains(case)), "{told}: a case was played again");
}

#[test]
fn a_run_may_be_killed_at_any_moment() {
    let kills = std::env::var("KILLED_RUNS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let seed = kill::seed();
    let ((until_begun, one), (_, most)) = (lengths(1), lengths(MOST_CASES as u32));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut share = || f64::from(random.next_u32()) / f64::from(u32::MAX);
    let planned: Vec<(u32, When)> = (0..kills)
        .map(|number| {
            // As many short ones as long ones, and most of them when there is something to lose.
            let repeat = MOST_CASES.powf(share()).round();
            let length = one + most.saturating_sub(one).mul_f64(repeat / MOST_CASES);
            let when = if number.is_multiple_of(4) {
                When::Started((until_begun + length).mul_f64(share()))
            } else {
                When::Begun(length.mul_f64(share()))
            };
            (repeat as u32, when)
        })
        .collect();
    let (next, tally) = (AtomicUsize::new(0), Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some((repeat, when)) = planned.get(number)
                {
                    kill_one(number, *repeat, *when, &tally);
                }
            });
        }
    });
    let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    writeln!(
        std::io::stdout(),
        "{kills} runs killed (KILLS_SEED={seed}): {} before they had a folder, {} while they played, {} before their close, {} too late; {} with a peer; {} cases were shown, and none is lost",
        of(&tally.unborn),
        of(&tally.aborted),
        of(&tally.unclosed),
        of(&tally.closed),
        of(&tally.with_peer),
        of(&tally.shown)
    )
    .expect("printed");
    assert!(of(&tally.aborted) + of(&tally.unclosed) >= kills / 3 && of(&tally.shown) > 1_000);
    assert!(of(&tally.with_peer) >= kills / 10);
}
