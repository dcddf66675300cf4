//! Whatever dies in the middle of a hold, nothing is left on.

#[path = "../hardware/kill.rs"]
pub(crate) mod kill;

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use kill::{Bench, SIGNALS, VICTIMS};

/// 4 victims × 4 signals × 13 instants.
const INSTANTS: usize = 13;

#[test]
fn nothing_is_left_on_whoever_is_hit_when() {
    let program = Path::new(env!("CARGO_BIN_EXE_lockrig"));
    let seed = kill::seed();
    let mut instants = kill::instants(seed);
    let mut played = Vec::new();
    for victim in VICTIMS {
        for (name, signal) in SIGNALS {
            let instants: Vec<Duration> = instants.by_ref().take(INSTANTS).collect();
            let kills = std::thread::spawn(move || {
                let folder = tempfile::tempdir().expect("a folder");
                let bench = Bench::new(folder.path(), None);
                for after in instants {
                    bench.hit(program, victim, signal, after);
                }
            });
            played.push((victim, name, kills));
        }
    }
    let failed: Vec<String> = played
        .into_iter()
        .filter_map(|(victim, name, kills)| kills.join().err().map(|_| format!("{victim:?} SIG{name}")))
        .collect();
    assert!(failed.is_empty(), "with KILLS_SEED={seed}: {}", failed.join(", "));
}

#[test]
fn a_watchdog_is_left_unfed_and_armed_if_both_die_at_the_same_instant() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::new(folder.path(), None);
    let watchdog = folder.path().join("watchdog");
    fs::write(&watchdog, "").expect("a file");
    let rig = folder.path().join("rigs/kills.yaml");
    let text = fs::read_to_string(&rig).expect("a file");
    fs::write(&rig, format!("{text}watchdog: {}\n", watchdog.display())).expect("a file");
    let mut child = bench.start(Path::new(env!("CARGO_BIN_EXE_lockrig")));
    let (client, guard) = (Pid::from_child(&child), kill::guard_of(child.id()));
    // Neither may see the other die.
    for signal in [Signal::STOP, Signal::KILL] {
        for process in [client, guard] {
            kill_process(process, signal).expect("a process");
        }
    }
    child.wait().expect("an end");
    kill::await_end(guard);
    let fed = fs::read(&watchdog).expect("a file");
    assert!(!fed.is_empty(), "it was fed, and so armed");
    assert!(!fed.contains(&b'V'), "nobody ended the watch: the machine is reset");
    assert_eq!(bench.levels().0.get(&1), Some(&true), "nothing else could make the outputs safe");
}
