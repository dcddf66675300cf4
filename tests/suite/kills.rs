//! Whatever dies in the middle of a hold, nothing is left on.

#[path = "../hardware/kill.rs"]
pub(crate) mod kill;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use kill::{Bench, SIGNALS, VICTIMS, Victim};

/// 4 victims × 4 signals × 13 instants.
const INSTANTS: usize = 13;
/// 4 victims × 6 instants.
const INSTANTS_OF_WANT: usize = 6;
const PROGRAM: &str = env!("CARGO_BIN_EXE_lockrig");

#[test]
fn nothing_is_left_on_whoever_is_hit_when() {
    play(INSTANTS, SIGNALS, |bench, victim, signal, after| {
        bench.hit(Path::new(PROGRAM), victim, signal, after);
    });
}

#[test]
#[ignore = "needs root and the kernel's memory controller: tests/run plays it where they are"]
fn nothing_is_left_on_for_want_of_memory() {
    play(INSTANTS_OF_WANT, [("MEMORY", ())], |bench, victim, (), after| {
        bench.end(Path::new(PROGRAM), victim, after, &|process| Want::new(process).grow());
    });
}

/// Hits each victim in each way at so many instants, in folders of their own.
fn play<W: Copy + Send + 'static, const N: usize>(
    count: usize,
    ways: [(&'static str, W); N],
    hit: fn(&Bench, Victim, W, Duration),
) {
    let seed = kill::seed();
    let mut instants = kill::instants(seed);
    let mut played = Vec::new();
    for victim in VICTIMS {
        for (name, way) in ways {
            let instants: Vec<Duration> = instants.by_ref().take(count).collect();
            let kills = std::thread::spawn(move || {
                let folder = tempfile::tempdir().expect("a folder");
                let bench = Bench::new(folder.path(), None);
                for after in instants {
                    hit(&bench, victim, way, after);
                }
            });
            played.push((victim, name, kills));
        }
    }
    let failed: Vec<String> = played
        .into_iter()
        .filter_map(|(victim, name, kills)| kills.join().err().map(|_| format!("{victim:?} {name}")))
        .collect();
    assert!(failed.is_empty(), "with KILLS_SEED={seed}: {}", failed.join(", "));
}

/// A group of the kernel's memory controller in which a process and one that eats have 16 MB together.
struct Want {
    group: PathBuf,
    victim: Pid,
}

impl Want {
    fn new(victim: Pid) -> Self {
        let roots = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        let name = format!("lockrig-{}", victim.as_raw_nonzero());
        for (root, limit) in roots {
            let group = Path::new(root).join(&name);
            if fs::create_dir(&group).is_ok() && fs::write(group.join(limit), "16M").is_ok() {
                return Self { group, victim };
            }
            let _ = fs::remove_dir(&group);
        }
        panic!("no memory controller, or not for this user");
    }

    /// Memory runs out, and the kernel ends whom it likes best.
    fn grow(&self) {
        let process = self.victim.as_raw_nonzero().to_string();
        if kill::has_ended(self.victim) {
            return;
        }
        fs::write(format!("/proc/{process}/oom_score_adj"), "1000").expect("a process");
        let members = self.group.join("cgroup.procs");
        fs::write(&members, &process).expect("a process");
        let eater = format!("echo $$ >{} && exec tail /dev/zero", members.display());
        let eaten = Command::new("sh").args(["-c", &eater]).status().expect("a shell");
        assert_eq!(eaten.signal(), Some(Signal::KILL.as_raw()), "who eats dies last");
        // Its memory is taken from it before it has come to its end.
        kill::await_end(self.victim);
    }
}

impl Drop for Want {
    fn drop(&mut self) {
        // A process that nobody has waited for yet holds the group.
        let begin = Instant::now();
        while fs::remove_dir(&self.group).is_err() && begin.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
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
    let mut child = bench.start(Path::new(PROGRAM));
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
