//! How exactly the guard plays holds and glitches on a loaded machine, beside a sleep in Python.
//!
//! Not criterion's business: each sample takes its time, and what counts is the worst of them.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can not go on says where, and prints what it found"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration as Real;

use lockrig::drivers::clock;
use lockrig::guard::{Client, Edge, Event, Limits, OutputSpec, Program, Setup, When};
use lockrig::rig::{Active, Board, Drive};
use lockrig::unit::{Duration, Moment};

const HOLDS: usize = 200;
const HOLD: Duration = Duration::seconds(1);
const GLITCH: Duration = Duration::milliseconds(2);
/// Outputs that are held at the same time, each begun a quarter of a hold after the one before.
const LANES: usize = 4;

const PYTHON: &str = "import time
for _ in range(50):
    a = time.monotonic_ns(); time.sleep(1); b = time.monotonic_ns()
    print(abs(b - a - 1_000_000_000), flush=True)
";

fn main() {
    let folder = std::env::temp_dir().join(format!("lockrig-edges-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let busy: Vec<Child> = (0..4).map(|_| quietly("sh", &["-c", "while :; do :; done"])).collect();
    let python = Command::new("python3").args(["-c", PYTHON]).stdout(Stdio::piped()).spawn();
    let (mut guard, events) = guard(&folder);
    let holds = holds(&mut guard, &events);
    let glitches = glitches(&mut guard, &events);
    print("hold of 1 s, lockrig", holds);
    if let Ok(output) = python.and_then(Child::wait_with_output) {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        print("hold of 1 s, sleep in Python", text.lines().filter_map(|line| line.parse().ok()).collect());
    }
    print("glitch of 2 ms, lockrig", glitches);
    for mut child in busy {
        child.kill().and_then(|()| child.wait()).expect("an end");
    }
    std::fs::remove_dir_all(&folder).expect("a folder");
}

fn quietly(program: &str, arguments: &[&str]) -> Child {
    Command::new(program).args(arguments).stdout(Stdio::null()).spawn().expect("a busy loop")
}

fn print(what: &str, mut errors: Vec<u64>) {
    errors.sort_unstable();
    let at = |share: usize| errors.get((errors.len() * share / 100).min(errors.len() - 1)).copied();
    let show = |error: Option<u64>| format!("{:.3} ms", error.unwrap_or(0) as f64 / 1e6);
    println!(
        "{what:<30} {} times, 4 busy loops: error p50 {}, p99 {}, worst {}",
        errors.len(),
        show(at(50)),
        show(at(99)),
        show(errors.last().copied()),
    );
}

fn guard(folder: &Path) -> (Client, Receiver<Event>) {
    let output = |number: u32| OutputSpec {
        name: format!("output {number}"),
        board: "recorder".into(),
        number,
        active: Active::High,
        limits: Limits { rest: Drive::Deenergised, max_on: Some(Duration::seconds(5)) },
    };
    let setup = Setup {
        rig: format!("edges-{}", std::process::id()),
        boards: BTreeMap::from([("recorder".into(), Board::Recorder { file: folder.join("edges") })]),
        outputs: (0..4).map(output).collect(),
        exclusive: Vec::new(),
        watchdog: None,
    };
    let (sender, events) = channel();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lockrig"));
    let client = Client::start(&setup, &program, move |event| drop(sender.send(event)));
    let client = client.expect("a guard");
    client.warnings().iter().for_each(|warning| println!("warning: {warning}"));
    (client, events)
}

/// The achieved edges of a program, by command.
fn play(guard: &mut Client, events: &Receiver<Event>, edges: Vec<Edge>) -> BTreeMap<u64, Moment> {
    let count = edges.len();
    guard.play(Program { edges, ..Program::default() });
    let mut achieved = BTreeMap::new();
    while achieved.len() < count {
        match events.recv_timeout(Real::from_secs(20)).expect("an edge") {
            Event::Achieved { command, at, .. } => drop(achieved.insert(command, at)),
            other => println!("{other:?}"),
        }
    }
    achieved
}

fn pair(command: u64, output: usize, at: Moment, length: Duration) -> [Edge; 2] {
    let after = When::After { command, delay: length };
    [
        Edge { command, output, drive: Drive::Energised, when: When::At(at) },
        Edge { command: command + 1, output, drive: Drive::Deenergised, when: after },
    ]
}

fn error(achieved: &BTreeMap<u64, Moment>, from: u64, to: u64, wanted: Duration) -> u64 {
    achieved[&to].since(achieved[&from]).as_nanoseconds().abs_diff(wanted.as_nanoseconds())
}

fn holds(guard: &mut Client, events: &Receiver<Event>) -> Vec<u64> {
    let mut errors = Vec::new();
    for round in 0..HOLDS / LANES {
        let base = (round * LANES * 2) as u64;
        let start = clock::now() + Duration::milliseconds(20);
        let lanes = (0..LANES).flat_map(|lane| {
            let at = start + Duration::milliseconds(7 * lane as u64);
            pair(base + 2 * lane as u64, lane, at, HOLD)
        });
        let achieved = play(guard, events, lanes.collect());
        errors.extend(
            (0..LANES as u64).map(|lane| error(&achieved, base + 2 * lane, base + 2 * lane + 1, HOLD)),
        );
    }
    errors
}

/// From an edge of one output to an edge of another.
fn glitches(guard: &mut Client, events: &Receiver<Event>) -> Vec<u64> {
    let mut errors = Vec::new();
    for round in 0..200 {
        let base = 1_000_000 + round * 4;
        let start = clock::now() + Duration::milliseconds(5);
        let after = |command, delay| When::After { command, delay };
        let edge = |command, output, drive, when| Edge { command, output, drive, when };
        let edges = vec![
            edge(base, 0, Drive::Energised, When::At(start)),
            edge(base + 1, 1, Drive::Energised, after(base, GLITCH)),
            edge(base + 2, 0, Drive::Deenergised, after(base + 1, GLITCH)),
            edge(base + 3, 1, Drive::Deenergised, after(base + 2, GLITCH)),
        ];
        let achieved = play(guard, events, edges);
        errors.extend((0..3).map(|step| error(&achieved, base + step, base + step + 1, GLITCH)));
    }
    errors
}
