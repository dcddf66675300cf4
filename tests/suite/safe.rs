//! `lockrig rig safe` while a run holds an output: whatever the board is, its outputs are safe soon, the run ends as
//! aborted, and nothing is wrong with the rig.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

use crate::common::{end, happens, in_real_time, runs};
use crate::kills::kill;
use crate::serial::{numato, obedient, pair};

const PATIENCE: Duration = Duration::from_secs(20);
/// Outputs are safe so soon after `rig safe` was called: the budget of the issue, on a machine that is not idle.
const SAFE_WITHIN: Duration = Duration::from_millis(500);

/// A bench of its own: guards are found by their rig's id.
struct Held {
    folder: PathBuf,
    rig: String,
}

impl Held {
    fn new(folder: &Path, board: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Ids are of any length.
        let rig = format!("held-{}-{number}-{}", std::process::id(), "x".repeat(40));
        let bench = kill::Bench::new(folder, None);
        drop(bench);
        let text = fs::read_to_string(folder.join("rigs/kills.yaml")).expect("a rig");
        let text = text.replace("rig: kills", &format!("rig: {rig}"));
        let text = text.replace("relay: file/1,", "relay: held/1,");
        let text = text.replace("boards:\n", &format!("boards:\n  held: {board}\n"));
        fs::remove_file(folder.join("rigs/kills.yaml")).expect("a file");
        fs::write(folder.join(format!("rigs/{rig}.yaml")), text).expect("a rig");
        Self { folder: folder.to_owned(), rig }
    }

    fn lockrig(&self, arguments: &[&str]) -> Command {
        let log =
            fs::File::options().create(true).append(true).open(self.folder.join("log")).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockrig"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .env("XDG_RUNTIME_DIR", &self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        command
    }

    fn run(&self) -> Child {
        let arguments = ["run", "reset-is-confirmed", "--rig", &self.rig, "--model", "holds"];
        self.lockrig(&arguments).spawn().expect("a run")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Holds, calls `rig safe`, and says how long the output stayed on.
    fn safe(&self, is_on: impl Fn() -> bool) -> Duration {
        let mut run = self.run();
        self.until("a hold begins", &is_on);
        let begin = Instant::now();
        let mut safe = self.lockrig(&["rig", "safe", &self.rig]).spawn().expect("a process");
        self.until("everything is off", || !is_on());
        let took = begin.elapsed();
        let safe = safe.wait().expect("an end");
        assert_eq!(safe.code(), Some(0), "{}", self.log());
        assert!(!is_on());
        self.ends_as_aborted(&mut run);
        took
    }

    fn ends_as_aborted(&self, run: &mut Child) {
        assert_eq!(run.wait().expect("an end").code(), Some(130), "{}", self.log());
        let folder = runs(&self.folder).pop().expect("a run");
        let results = fs::read_to_string(folder.join("results.json")).expect("results");
        assert!(results.contains("\"verdict\":\"aborted\""), "{results}");
        assert!(results.contains("`lockrig rig safe` was called"), "{results}");
        let verified = self.lockrig(&["verify", &folder.display().to_string()]).status().expect("an end");
        assert_ne!(verified.code(), Some(4), "{}", self.log());
        assert!(!self.folder.join("state/lockrig").exists(), "nothing is wrong with the rig");
    }

    fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        assert!(happens(PATIENCE, holds), "not in time: {what}; {}", self.log());
    }
}

/// Whether the recorder's output is on.
fn recorded(file: PathBuf) -> impl Fn() -> bool {
    move || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .lines()
            .rfind(|line| line.contains(" 1 "))
            .is_some_and(|line| line.ends_with('1'))
    }
}

fn recorder(folder: &Path) -> (Held, impl Fn() -> bool + use<>) {
    let file = folder.join("held");
    (Held::new(folder, &format!("{{recorder: {}}}", file.display())), recorded(file))
}

/// Hands on what is written to a board, however often its port is closed and opened again.
fn hear(mut peer: fs::File, mut each: impl FnMut(u8) + Send + 'static) {
    std::thread::spawn(move || {
        let mut byte = [0];
        loop {
            match peer.read(&mut byte) {
                Ok(1) => each(byte[0]),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    });
}

/// A machine that is busy gets another attempt.
fn within_budget(attempt: impl Fn() -> Duration) {
    let best = (0..3).map(|_| attempt()).find(|took| *took <= SAFE_WITHIN);
    assert!(best.is_some(), "outputs were on for longer than {SAFE_WITHIN:?}, three times");
}

/// What its guard does can be followed, though the guard is another process.
#[test]
fn a_guard_has_a_log() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (held, is_on) = recorder(folder.path());
        let arguments = ["run", "reset-is-confirmed", "--rig", &held.rig, "--model", "holds"];
        let mut run = held.lockrig(&arguments).env("LOCKRIG_LOG", "debug").spawn().expect("a run");
        held.until("a hold begins", &is_on);
        let safe = held.lockrig(&["rig", "safe", &held.rig]).status().expect("an end");
        assert_eq!(safe.code(), Some(0), "{}", held.log());
        held.ends_as_aborted(&mut run);
        let log = held.log();
        for part in [
            "lockrig::guard::client: a guard was started",
            "lockrig::guard::process: the boards are open",
            "lockrig::guard::process: `lockrig rig safe` was called",
            "lockrig::guard::process: everything was to be made safe",
            "lockrig::guard::client: the guard plays no more",
        ] {
            assert!(log.contains(part), "{part}: {log}");
        }
    });
}

#[test]
fn a_recorded_output_is_made_safe() {
    in_real_time(|| {
        within_budget(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let (held, is_on) = recorder(folder.path());
            held.safe(is_on)
        });
    });
}

#[test]
fn an_lcus_relay_is_made_safe() {
    in_real_time(|| {
        within_budget(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let (peer, path) = pair();
            let on: Arc<Mutex<bool>> = Arc::default();
            let seen = Arc::clone(&on);
            let mut frame = Vec::new();
            hear(peer, move |byte| {
                frame.push(byte);
                if let [0xA0, 1, state, _] = frame[..] {
                    *seen.lock().expect("a level") = state == 1;
                }
                if frame.len() == 4 {
                    frame.clear();
                }
            });
            Held::new(folder.path(), &format!("{{lcus: {path}, relays: 4}}"))
                .safe(|| *on.lock().expect("a level"))
        });
    });
}

#[test]
fn a_numato_relay_is_made_safe() {
    in_real_time(|| {
        within_budget(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let (peer, path) = pair();
            let on: Arc<Mutex<bool>> = Arc::default();
            let seen = Arc::clone(&on);
            let mut board = obedient();
            numato(peer, move |command| {
                if !command.starts_with("relay read") {
                    *seen.lock().expect("a level") = command.starts_with("relay on");
                }
                board(command)
            });
            Held::new(folder.path(), &format!("{{numato: {path}, relays: 4}}"))
                .safe(|| *on.lock().expect("a level"))
        });
    });
}

/// A board that takes its time is no guard that hangs: one that was killed meanwhile would leave the rig out of use.
#[test]
fn a_slow_board_is_waited_for() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (peer, path) = pair();
        let on: Arc<Mutex<bool>> = Arc::default();
        let seen = Arc::clone(&on);
        let mut relays: BTreeMap<char, bool> = BTreeMap::new();
        numato(peer, move |command| {
            // Of the 80 ms that it has.
            std::thread::sleep(Duration::from_millis(14));
            let relay = command.chars().last()?;
            if command.starts_with("relay read") {
                let is_on = relays.get(&relay).copied().unwrap_or_default();
                return Some(format!("{command}\r\n{}\r\n>", if is_on { "on" } else { "off" }));
            }
            relays.insert(relay, command.starts_with("relay on"));
            *seen.lock().expect("a level") = relays.get(&'1') == Some(&true);
            Some(format!("{command}\r\n\r\n>"))
        });
        let held = Held::new(folder.path(), &format!("{{numato: {path}, relays: 16}}"));
        let rig = folder.path().join(format!("rigs/{}.yaml", held.rig));
        let text = fs::read_to_string(&rig).expect("a rig");
        // More than 300 ms for these eleven, each told and read; a guard that does not say so may be silent for 250.
        let text = text.replace("file/", "held/").replace("held/10", "held/0").replace("held/11", "held/12");
        fs::write(&rig, text.replace("stimulus: 0.3 ms", "stimulus: 200 ms")).expect("a rig");
        let took = held.safe(|| *on.lock().expect("a level"));
        assert!(took < PATIENCE);
    });
}

#[test]
fn a_guard_that_hangs_with_its_client_is_ended_and_its_outputs_made_safe() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (held, is_on) = recorder(folder.path());
        let run = held.run();
        held.until("a hold begins", &is_on);
        let guard = kill::guard_of(run.id());
        for process in [Pid::from_child(&run), guard] {
            kill_process(process, Signal::STOP).expect("a process");
        }
        let safe = held.lockrig(&["rig", "safe", &held.rig]).status().expect("an end");
        assert_eq!(safe.code(), Some(0), "{}", held.log());
        assert!(!is_on() && kill::has_ended(guard));
        end(run, Signal::KILL);
    });
}

/// Starts the service of a bench and waits until it listens.
fn service(held: &Held) -> Child {
    let guard = held.lockrig(&["guard", &held.rig]).spawn().expect("a guard");
    held.until("the service listens", || socket(held).exists());
    guard
}

fn socket(held: &Held) -> PathBuf {
    held.folder.join(format!("lockrig/{}.sock", held.rig))
}

#[test]
fn a_service_makes_its_outputs_safe_and_goes_on() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (held, is_on) = recorder(folder.path());
        let mut guard = service(&held);
        let took = held.safe(&is_on);
        assert!(took < PATIENCE);
        let ended = guard.try_wait().expect("a child");
        assert!(ended.is_none(), "it still owns the outputs: {ended:?} {}", held.log());
        let safe = held.lockrig(&["rig", "safe", &held.rig]).status().expect("an end");
        assert_eq!(safe.code(), Some(0), "also without a client: {}", held.log());
        let selftest = held.lockrig(&["rig", "selftest", &held.rig]).status().expect("an end");
        assert_eq!(selftest.code(), Some(0), "it serves again: {}", held.log());
        // Another wiring is not what it owns.
        let rig = held.folder.join(format!("rigs/{}.yaml", held.rig));
        let text = fs::read_to_string(&rig).expect("a rig");
        fs::write(&rig, text.replace("file/11", "file/12")).expect("a rig");
        let safe = held.lockrig(&["rig", "safe", &held.rig]).status().expect("an end");
        assert_eq!(safe.code(), Some(3));
        assert!(held.log().contains("different wiring"), "{}", held.log());
        end(guard, Signal::TERM);
    });
}

#[test]
fn three_hundred_idle_connections_lock_nobody_out() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (held, _) = recorder(folder.path());
        let guard = service(&held);
        let idle: Vec<UnixStream> =
            (0..300).map(|_| UnixStream::connect(socket(&held)).expect("a connection")).collect();
        let begin = Instant::now();
        let selftest = held.lockrig(&["rig", "selftest", &held.rig]).status().expect("an end");
        assert_eq!(selftest.code(), Some(0), "{}", held.log());
        // 0.4 s for each of them would be two minutes.
        assert!(begin.elapsed() < PATIENCE);
        drop(idle);
        end(guard, Signal::TERM);
    });
}

#[test]
fn a_guard_of_another_user_is_not_believed() {
    in_real_time(|| {
        if !getuid().is_root() {
            // Only root can be somebody else.
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (held, is_on) = recorder(folder.path());
        let place = folder.path().join("lockrig");
        fs::create_dir(&place).expect("a folder");
        for folder in [folder.path(), &place] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("a folder");
        }
        let script = "import socket,sys,json\n\
        s=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n\
        while True:\n c,_=s.accept()\n try: c.sendall(b'{\"ready\":{\"warnings\":[]}}\\n{\"stopped\":{\"fault\":null,\"stays\":true}}\\n')\n except OSError: pass\n";
        let stranger = Command::new("python3")
            .args(["-c", script])
            .arg(socket(&held))
            .uid(65_534)
            .stdin(Stdio::null())
            .spawn()
            .expect("python3");
        held.until("it listens", || UnixStream::connect(socket(&held)).is_ok());
        for arguments in [["rig", "selftest", &held.rig], ["rig", "safe", &held.rig]] {
            let refused = held.lockrig(&arguments).status().expect("an end");
            assert_eq!(refused.code(), Some(3), "{}", held.log());
        }
        assert_eq!(held.log().matches("is not the rig's guard service").count(), 2, "{}", held.log());
        assert!(!is_on());
        end(stranger, Signal::KILL);
    });
}

#[test]
fn requests_in_a_row_do_not_delay_an_edge() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (held, is_on) = recorder(folder.path());
        let guard = service(&held);
        let run = held.run();
        held.until("a hold begins", &is_on);
        // Somebody else talks without end, and a hold of 5.5 s ends in its time all the same.
        let talker = std::thread::spawn({
            let socket = socket(&held);
            move || {
                let begin = Instant::now();
                while begin.elapsed() < Duration::from_secs(6) {
                    let Ok(mut stream) = UnixStream::connect(&socket) else { continue };
                    while stream.write_all(&b"{\"beat\":{}}\n".repeat(100)).is_ok()
                        && begin.elapsed() < Duration::from_secs(6)
                    {}
                }
            }
        });
        held.until("the hold ends", || !is_on());
        let times: Vec<u64> = fs::read_to_string(held.folder.join("held"))
            .expect("a record")
            .lines()
            .filter(|line| line.contains(" 1 "))
            .filter_map(|line| line.split(' ').next()?.parse().ok())
            .collect();
        let [.., on, off] = times[..] else { panic!("{times:?}") };
        let hold = Duration::from_nanos(off - on);
        // Four busy loops beside this one cost more than the talk; a guard that listens to the end is late by seconds.
        let late = hold.saturating_sub(Duration::from_millis(5_500));
        assert!(late < Duration::from_millis(250) && hold >= Duration::from_millis(5_499), "{hold:?}");
        talker.join().expect("an end");
        end(run, Signal::TERM);
        end(guard, Signal::TERM);
    });
}
