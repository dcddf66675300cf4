//! A rig whose outputs are recorded, killed in the middle of a hold: who is hit, and how long
//! outputs stayed on afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};

/// Nothing that is left on comes back later than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom to hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Client,
    Guard,
    /// The client, and the guard once the outputs are safe.
    ClientThenGuard,
    /// The guard, and the client once the outputs are safe.
    GuardThenClient,
}

pub(crate) const VICTIMS: [Victim; 4] =
    [Victim::Client, Victim::Guard, Victim::ClientThenGuard, Victim::GuardThenClient];

pub(crate) const SIGNALS: [(&str, Signal); 4] =
    [("KILL", Signal::KILL), ("TERM", Signal::TERM), ("INT", Signal::INT), ("STOP", Signal::STOP)];

/// Instants at random over a hold of 5.5 s, up to just before its release, and the same for the same seed.
pub(crate) fn instants(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        // SplitMix64, by Sebastiano Vigna: no library is wanted in the emulated PC for so little.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_micros((mixed ^ (mixed >> 31)) % 5_480_000)
    })
}

/// The seed that the environment names, or one of its own.
pub(crate) fn seed() -> u64 {
    let named = std::env::var("KILLS_SEED").or_else(|_| std::env::var("PROPTEST_RNG_SEED"));
    named.ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(monotonic)
}

/// A bench in a folder of its own.
pub(crate) struct Bench {
    folder: PathBuf,
    /// Files that hold an output's level each, where outputs are real lines; else they are recorded.
    lines: Vec<PathBuf>,
}

const RIG: &str = "rig: kills
title: A bench whose outputs are recorded
lock: {model: holds, simulated: true}
boards:
  file: BOARD
  nobody: {program: [sleep, '600']}
wiring:
  button.reset: {relay: file/1, contact: normally_open, safe: released, max_on: 60 s}
  button.other: {relay: file/4, contact: normally_open, safe: released, max_on: 60 s}
  power: {relay: file/2, contact: normally_closed, safe: on, supply: 6.0 V, max_on: 10 min}
  cover: {relay: file/3, contact: normally_closed, safe: closed, max_on: 4 h}
  keypad:
    rows: [file/5, file/6, file/7, file/8]
    columns: [file/9, file/10, file/11]
    layout: [1 2 3, 4 5 6, 7 8 9, lock 0 -]
    contact: normally_open
    safe: released
    max_on: 5 s
  beeper: {through: nobody}
  bolt: {through: nobody}
uncertainty: {stimulus: 0.3 ms, observation: 1 ms}
";

const MODEL: &str = "model: holds
like: kwikset-powerbolt-2
methods:
  button:
    needs: {power: ok}
    decisive:
      hold: {from: hold reset, to: release reset, at_least: 5 s}
    erases: [user_codes]
    procedure:
      - cover: off
      - hold: reset
      - wait: 5.5 s
      - release: reset
    confirmed_by:
      - hear: {beeps: 3, within: 6 s}
";

impl Bench {
    /// Outputs are recorded, or are the lines of a GPIO chip whose levels are in files.
    pub(crate) fn new(folder: &Path, chip: Option<(&str, Vec<PathBuf>)>) -> Self {
        fs::create_dir_all(folder.join("rigs")).expect("a folder");
        fs::create_dir_all(folder.join("scenarios/models")).expect("a folder");
        let board = match &chip {
            None => format!("{{recorder: {}/outputs}}", folder.display()),
            Some((name, _)) => format!("{{gpio: {name}}}"),
        };
        fs::write(folder.join("rigs/kills.yaml"), RIG.replace("BOARD", &board)).expect("a file");
        fs::write(folder.join("scenarios/models/holds.yaml"), MODEL).expect("a file");
        let lines = chip.map(|(_, lines)| lines).unwrap_or_default();
        Self { folder: folder.to_owned(), lines }
    }

    /// Starts a run and waits until the button is held. On a machine that has no time for either
    /// process a run may end before that, safely: it is started again.
    pub(crate) fn start(&self, program: &Path) -> Child {
        for _ in 0..5 {
            // A guard that died leaves its rig refused.
            let _ = fs::remove_dir_all(self.folder.join("state"));
            let log = fs::File::create(self.folder.join("log")).expect("a file");
            let mut child = Command::new(program)
                .args(["run", "reset-is-confirmed", "--rig", "kills", "--model", "holds"])
                .current_dir(&self.folder)
                .env("XDG_STATE_HOME", self.folder.join("state"))
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a file"))
                .stderr(log)
                .spawn()
                .expect("the program");
            while child.try_wait().expect("a child").is_none() {
                if self.levels().0.get(&1) == Some(&true) {
                    return child;
                }
                std::thread::sleep(Duration::from_micros(300));
            }
            self.await_safe();
        }
        panic!("no hold began: {}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    /// The last level of each output, and when the last of them was written.
    pub(crate) fn levels(&self) -> (BTreeMap<u32, bool>, u64) {
        if !self.lines.is_empty() {
            let level = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.trim() == "1");
            let levels = (0..).zip(self.lines.iter().map(level)).collect();
            return (levels, monotonic());
        }
        let text = fs::read_to_string(self.folder.join("outputs")).unwrap_or_default();
        let mut levels = BTreeMap::new();
        let mut last_off = 0;
        for line in text.lines() {
            let words: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [at, number, level] = words[..] else { continue };
            let number = u32::try_from(number).expect("a small number");
            if levels.insert(number, level == 1) == Some(true) && level == 0 {
                last_off = at;
            }
        }
        (levels, last_off)
    }

    fn await_levels(&self, what: &str, holds: impl Fn(&BTreeMap<u32, bool>) -> bool) -> u64 {
        let begin = Instant::now();
        loop {
            let (levels, at) = self.levels();
            if holds(&levels) {
                return at;
            }
            if begin.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("{what}: not after {PATIENCE:?}; {:?}; {log}", self.levels().0);
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    fn await_safe(&self) -> u64 {
        self.await_levels("everything is off", |levels| levels.values().all(|on| !on))
    }

    /// Sends a signal to a victim `after` so long in a hold; returns how long outputs stayed on then.
    pub(crate) fn hit(&self, program: &Path, victim: Victim, signal: Signal, after: Duration) -> Duration {
        // Whoever is hit second may have ended already, as it should.
        self.end(program, victim, after, &|process| {
            let _ = kill_process(process, signal);
        })
    }

    /// Ends a victim by `blow` so long in a hold; returns how long outputs stayed on then.
    pub(crate) fn end(
        &self,
        program: &Path,
        victim: Victim,
        after: Duration,
        blow: &dyn Fn(Pid),
    ) -> Duration {
        let _ = fs::remove_file(self.folder.join("outputs"));
        let mut child = self.start(program);
        let guard = guard_of(child.id());
        std::thread::sleep(after);
        let client = Pid::from_child(&child);
        let (first, second) = match victim {
            Victim::Client => (client, None),
            Victim::Guard => (guard, None),
            Victim::ClientThenGuard => (client, Some(guard)),
            Victim::GuardThenClient => (guard, Some(client)),
        };
        let at = monotonic();
        blow(first);
        let seen_off = self.await_safe();
        if let Some(second) = second {
            blow(second);
            std::thread::sleep(Duration::from_millis(20));
            self.await_safe();
        }
        let on = Duration::from_nanos(seen_off.saturating_sub(at));
        // A stopped process is ended for good, and nothing comes on again by that.
        let _ = kill_process(client, Signal::KILL);
        child.wait().expect("an end");
        await_end(guard);
        self.await_safe();
        on
    }
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).expect("after the start") * 1_000_000_000
        + u64::try_from(now.tv_nsec).expect("after the start")
}

fn status(pid: &str) -> Option<(u32, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = &stat[stat.rfind(')')? + 2..];
    let mut fields = rest.split(' ');
    let state = fields.next()?.to_owned();
    Some((fields.next()?.parse().ok()?, state))
}

/// The guard of a client.
pub(crate) fn guard_of(client: u32) -> Pid {
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((parent, _)) = status(&name) else { continue };
        let words = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if parent == client && words.ends_with("\0guard\0") {
            return Pid::from_raw(name.parse().expect("a number")).expect("a process");
        }
    }
    panic!("process {client} has no guard");
}

/// Whether a process has ended, or waits only for its parent to notice.
pub(crate) fn has_ended(pid: Pid) -> bool {
    status(&pid.as_raw_nonzero().to_string()).is_none_or(|(_, state)| state == "Z")
}

pub(crate) fn await_end(pid: Pid) {
    let begin = Instant::now();
    let name = pid.as_raw_nonzero().to_string();
    while !has_ended(pid) {
        if status(&name).is_some_and(|(_, state)| state == "T") {
            let _ = kill_process(pid, Signal::KILL);
        }
        assert!(begin.elapsed() < PATIENCE, "process {name} lives on");
        std::thread::sleep(Duration::from_millis(1));
    }
}
