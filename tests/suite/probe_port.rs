//! The reference lock in real time, as other programs find it: its debug port on a socket, its console and relays on
//! pseudo-terminals, what it shows on another socket.
//!
//! What happens is waited for, and how long a key is held is measured by the lock's own clock, so a busy machine only
//! takes longer.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::common::{empty_folder, happens, in_real_time, lockrig, root, text};
use client::{
    BP_COMP0, BP_CTRL, DATA, DEMCR, DHCSR, DONE, FAULT, GO, HALT, Probe, S_HALT, SILENCE, STEP, packed,
};

mod client;

/// Nothing takes so long, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lock that is served.
struct Served {
    folder: TempDir,
    process: Child,
    /// Open as long as it runs.
    _said: BufReader<ChildStdout>,
}

impl Served {
    /// With these options, in whose paths `@` stands for a folder of its own; it has said where everything is.
    fn with(options: &[&str]) -> Self {
        Self::within(empty_folder(), options)
    }

    fn within(folder: TempDir, options: &[&str]) -> Self {
        let path = folder.path().display().to_string();
        let mut process = Command::new(env!("CARGO_BIN_EXE_lockrig"))
            .args(["sim", "serve"])
            .args(options.iter().map(|option| option.replace('@', &path)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = BufReader::new(process.stdout.take().expect("its output"));
        let offers = ["--probe-socket", "--console", "--relays", "--sensors"];
        for _ in options.iter().filter(|option| offers.contains(option)) {
            said.read_line(&mut String::new()).expect("a line");
        }
        Self { folder, process, _said: said }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn probe(&self) -> Probe {
        Probe::at(&self.path("probe"))
    }

    /// Ends it by a signal; how it ended.
    fn ended(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.process), signal).expect("a process");
        self.process.wait().expect("an end").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lines that somebody says, as they come.
fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits until a line is said.
fn heard(lines: &Receiver<String>, wanted: &str) {
    let mut all = Vec::new();
    loop {
        let line = lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("`{wanted}`: {error} after {all:?}"));
        if line.trim_end() == wanted {
            return;
        }
        all.push(line);
    }
}

fn opened(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("a port")
}

/// A lock with everything, its firmware running, and what it says and shows.
struct Bench {
    served: Served,
    probe: Probe,
    console: File,
    said: Receiver<String>,
    relays: File,
    shown: Receiver<String>,
}

impl Bench {
    fn new() -> Self {
        let options = ["--probe-socket", "@/probe", "--console", "@/console", "--relays", "@/relays"];
        let served = Served::with(&[&options[..], &["--sensors", "@/sensors"]].concat());
        let (console, relays) = (opened(&served.path("console")), opened(&served.path("relays")));
        let said = lines(console.try_clone().expect("the port"));
        let shown = lines(UnixStream::connect(served.path("sensors")).expect("a socket"));
        let mut probe = Probe::up(&served).started();
        // It has said everything that it says at its start.
        probe.pass(200);
        let mut bench = Self { served, probe, console, said, relays, shown };
        bench.asked("codes 0 master default locked no");
        bench
    }

    /// Asks it how it stands, until it answers so: what is asked while it writes into its flash is lost.
    fn asked(&mut self, answer: &str) {
        let is_answered = || {
            self.console.write_all(b"status\r\n").expect("a write");
            let mut said = std::iter::from_fn(|| self.said.recv_timeout(Duration::from_secs(1)).ok());
            said.any(|line| line.trim_end() == answer)
        };
        assert!(happens(PATIENCE, is_answered), "it does not say `{answer}`");
    }

    fn relay(&mut self, number: u8, is_on: bool) {
        let state = u8::from(is_on);
        let sum = 0xa0_u8.wrapping_add(number).wrapping_add(state);
        self.relays.write_all(&[0xa0, number, state, sum]).expect("a write");
    }

    /// Types keys, each held and let go for longer than the firmware takes to scan twice.
    fn types(&mut self, keys: &str) {
        for key in keys.chars() {
            let number = "123456789*0#".chars().zip(2..).find(|(known, _)| *known == key);
            let (_, number) = number.expect("a key");
            self.relay(number, true);
            assert!(happens(PATIENCE, || self.probe.sees_key()), "no relay presses {key}");
            self.probe.pass(70);
            self.relay(number, false);
            self.probe.sees_no_key();
        }
    }
}

#[test]
fn a_probe_gets_at_flash_and_ram_and_at_the_core() {
    let served = Served::with(&["--probe-socket", "@/probe"]);
    let mut probe = Probe::up(&served).started();
    probe.port(8, Some(0xf0)).expect("a bank");
    assert!(probe.access(12, None).is_ok());
    assert_eq!(probe.port(12, None), Ok(0x0477_0021));
    probe.port(8, Some(0)).expect("a bank");
    // The stack that the image begins with, its serial number, and what it says of itself in RAM.
    assert_eq!(probe.word(0), 0x2000_1000);
    assert_eq!([probe.word(0x3_fc00), probe.word(0x3_fc04)], [0x2d31_4c52, 0x3030_3030]);
    assert_eq!(
        [probe.word(0x2000_0000), probe.word(0x2000_0004)].map(u32::to_le_bytes),
        [*b"SEGG", *b"ER R"]
    );
    assert_eq!(probe.word(0x1000_005c) & 0xffff, 0x72);
    // It has said everything, and does the same at each tick.
    probe.pass(200);
    probe.set(DHCSR, HALT);
    probe.halts();
    let here = probe.register(15);
    // It stands behind its sleep, or in what it does at a tick; one step leads on.
    probe.set(DHCSR, STEP);
    probe.halts();
    assert_ne!(probe.register(15), here);
    // What it did just now it does again soon.
    let half = if here & 2 == 0 { 1 } else { 2 };
    probe.set(BP_COMP0, half << 30 | here & !3 | 1);
    probe.set(BP_CTRL, 3);
    for _ in 0..3 {
        probe.set(DHCSR, GO);
        probe.halts();
        assert_eq!(probe.register(15), here);
    }
    // The timers do not stand still meanwhile.
    probe.pass(20);
    assert_eq!(probe.register(15), here);
    probe.set(BP_CTRL, 2);
    probe.set(DHCSR, GO);
    assert_eq!(probe.word(DHCSR) & S_HALT, 0);
}

#[test]
fn many_transfers_in_a_packet_are_answered_in_their_order() {
    let served = Served::with(&["--probe-socket", "@/probe"]);
    let mut probe = Probe::up(&served);
    probe.access(4, Some(0)).expect("an address");
    // A packet may end within a command, and commands for the applet may come between.
    let reads = [&[3; 255][..], &[2 | 12]].concat();
    probe.send(1, &[&reads[..], &[8]].concat());
    probe.send(0, &[0x10]);
    probe.send(1, &[0, 0, 0, 0]);
    let answers = probe.hear(1, 5 * 256 + 1);
    assert_eq!(u32::from_le_bytes(probe.hear(0, 4).try_into().expect("four")), 48_000_000);
    assert_eq!(answers.last(), Some(&DONE));
    assert!(answers.chunks(5).take(256).all(|answer| answer[0] == DATA));
    // Reads of CSW, which is what it was written.
    assert_eq!(answers[6..10], 0x2300_0052_u32.to_le_bytes());
    // The speed that is set is the speed that is told.
    probe.send(0, &[0x12, 47, 0, 0x11]);
    assert_eq!(probe.hear(0, 2), [47, 0]);
}

#[test]
fn each_fault_of_the_port_is_seen_at_it() {
    let with = |fault: &str| Served::with(&["--probe-socket", "@/probe", "--port-fault", fault]);
    let served = with("no-power-up");
    let mut probe = served.probe();
    probe.port(4, Some(0x5000_0000)).expect("a write");
    assert_eq!(probe.port(4, None), Ok(0x5000_0000));
    assert_eq!(probe.access(0, None), Err(FAULT));

    let served = with("no-access-port");
    let mut probe = Probe::up(&served);
    probe.port(8, Some(0xf0)).expect("a bank");
    probe.access(12, None).expect("a read");
    assert_eq!(probe.port(12, None), Ok(0));

    let served = with("protected");
    let mut probe = Probe::up(&served);
    for at in [0, 0x3_f000, 0x2000_0000, 0x1000_005c] {
        assert_eq!(probe.read(at), Err(FAULT), "{at:#x}");
        probe.port(0, Some(0x1e)).expect("cleared");
    }
    probe.set(DHCSR, HALT);
    probe.halts();

    let served = with("wrong-identity");
    assert_eq!(Probe::up(&served).word(0x1000_005c) & 0xffff, 0x85);

    let served = with("fault-answers");
    let mut probe = Probe::up(&served);
    let refused = |probe: &mut Probe| {
        let is_refused = probe.access(4, Some(0)) == Err(FAULT);
        is_refused && probe.port(0, Some(0x1e)).is_ok()
    };
    assert_eq!((0..2_500).filter(|_| refused(&mut probe)).count(), 5);

    let served = with("none");
    let mut probe = Probe::up(&served);
    assert_eq!((0..2_500).filter(|_| refused(&mut probe)).count(), 0);
}

#[test]
fn whoever_speaks_something_else_is_sent_away_and_the_next_one_is_served() {
    let served = Served::with(&["--probe-socket", "@/probe"]);
    let garbage = [
        b"GET / HTTP/1.1\r\n\r\n\0".to_vec(),
        // Nobody of that name, nothing in it, no such command of the applet or of the wire, cut short, without an end.
        packed(9, &[1]),
        vec![1, 0],
        packed(0, &[0x33]),
        packed(1, &[0x40]),
        vec![5, 1, 0],
        vec![0xff; 200_000],
    ];
    for mut bytes in garbage {
        let mut probe = served.probe();
        // It may be gone before everything is said.
        let _ = probe.stream.get_mut().write_all(&bytes);
        bytes.truncate(20);
        assert!(probe.ends(), "{bytes:x?}");
    }
    // Half a packet, and gone.
    let mut probe = served.probe();
    probe.stream.get_mut().write_all(&[9, 1, 2, 3]).expect("a write");
    drop(probe);
    Probe::up(&served);
}

#[test]
fn one_program_is_served_at_a_time() {
    let served = Served::with(&["--probe-socket", "@/probe"]);
    let mut first = Probe::up(&served);
    let mut second = served.probe();
    assert_eq!(second.identified(), "port is busy");
    assert!(second.ends());
    assert_eq!(first.word(0), 0x2000_1000);
    drop(first);
    assert_eq!(served.probe().identified(), "probe-rs,v01");
}

#[test]
fn a_program_that_dies_lets_the_reset_line_go() {
    let Bench { served, mut probe, said, console, .. } = Bench::new();
    probe.send(0, &[0x20]);
    // In a reset the timers stand still, and nobody says anything.
    assert_eq!((probe.clock(), probe.clock()), (0, 0));
    assert!(!said.try_iter().any(|line| line.contains("boot")));
    drop(probe);
    heard(&said, "boot");
    drop((served, console));
}

/// As whoever attaches under reset: the board's supervisor gives it the time.
#[test]
fn a_reset_is_caught_if_debugging_is_enabled_while_it_lasts() {
    let served = Served::with(&["--probe-socket", "@/probe"]);
    let mut probe = Probe::up(&served).started();
    probe.send(0, &[0x20]);
    probe.set(DEMCR, 1);
    let enable = [&[0x05][..], &DHCSR.to_le_bytes(), &[0x0d], &GO.to_le_bytes()].concat();
    let together = [packed(0, &[0x21]), packed(1, &enable)].concat();
    probe.stream.get_mut().write_all(&together).expect("a write");
    assert_eq!(probe.hear(1, 2), [DONE, DONE]);
    probe.halts();
    assert_eq!(probe.register(15), probe.word(4) & !1);
    assert_eq!(probe.word(0x4000_0400), 1, "by its pin");
}

#[test]
fn a_code_is_stored_and_opens_and_everything_shows_it() {
    let mut bench = Bench::new();
    let now = ["light.green\",\"value\":\"off", "light.red\",\"value\":\"off", "beeper\",\"value\":false"];
    for shown in now.into_iter().chain(["bolt\",\"value\":true"]) {
        let line = bench.shown.recv_timeout(PATIENCE).expect("a line");
        assert!(line.contains(shown), "{line}");
        assert!(serde_json::from_str::<Json>(&line).is_ok(), "{line}");
    }
    // Another program watches one channel of it.
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_lockrig"))
        .args(["sim", "watch", &bench.served.path("sensors").display().to_string(), "bolt"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let watched = lines(watcher.stdout.take().expect("its output"));
    bench.types("*12345678#1#1#4711#");
    heard(&bench.said, "stored slot 1");
    bench.asked("codes 1 master default locked no");
    heard(&bench.shown, r#"{"channel":"light.green","value":"green"}"#);
    heard(&bench.shown, r#"{"channel":"beeper","value":true}"#);
    bench.types("4711#");
    heard(&bench.said, "opened by slot 1");
    let (open, thrown) = (r#"{"channel":"bolt","value":false}"#, r#"{"channel":"bolt","value":true}"#);
    heard(&bench.shown, open);
    heard(&watched, open);
    // The bolt needs its time to be open before it can be thrown.
    bench.probe.pass(2_000);
    bench.types("#");
    heard(&bench.shown, thrown);
    heard(&watched, thrown);
    // With the strike blocked it does not open: a red light would, if the code were wrong.
    bench.relay(15, true);
    bench.probe.pass(50);
    bench.types("4711#");
    heard(&bench.said, "opened by slot 1");
    bench.probe.pass(2_000);
    let shown: Vec<String> = bench.shown.try_iter().collect();
    assert!(!shown.iter().any(|line| line.contains("bolt")), "{shown:?}");
    bench.types("*12345678#9#9#");
    heard(&bench.said, "reset done");
    bench.asked("codes 0 master default locked no");
    watcher.kill().expect("a process");
    watcher.wait().expect("an end");
}

#[test]
fn a_button_is_held_and_a_supply_is_cut_by_relays() {
    let mut bench = Bench::new();
    let is_down = |probe: &mut Probe| probe.word(0x5000_0510) >> 17 & 1 == 0;
    assert!(!is_down(&mut bench.probe));
    bench.relay(1, true);
    assert!(happens(PATIENCE, || is_down(&mut bench.probe)));
    bench.relay(1, false);
    assert!(happens(PATIENCE, || !is_down(&mut bench.probe)));
    bench.relay(14, false);
    assert!(happens(PATIENCE, || bench.probe.port(0, None) == Err(SILENCE)), "it has power");
    bench.relay(14, true);
    heard(&bench.said, "boot");
    // The debug domain has to be switched on again.
    assert_eq!(bench.probe.access(0, None), Err(FAULT));
}

#[test]
fn it_ends_in_order_and_leaves_nothing() {
    for signal in [Signal::TERM, Signal::INT] {
        let options = ["--probe-socket", "@/probe", "--console", "@/console", "--sensors", "@/sensors"];
        let mut served = Served::with(&options);
        for name in ["probe", "sensors"] {
            let meta = fs::metadata(served.path(name)).expect("a socket");
            assert!(meta.file_type().is_socket());
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        }
        assert!(fs::read_link(served.path("console")).expect("a link").starts_with("/dev/pts"));
        // Whoever is there does not keep it.
        let _watcher = UnixStream::connect(served.path("sensors")).expect("a socket");
        let probe = Probe::up(&served);
        assert_eq!(served.ended(signal), Some(0));
        assert_eq!(fs::read_dir(served.folder.path()).expect("a folder").count(), 0);
        assert!(probe.ends());
    }
}

#[test]
fn it_says_where_everything_is_and_takes_nothing_that_is_anybodys() {
    let folder = empty_folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(folder.path().join("file"), "precious").expect("a file");
    let _listener = UnixListener::bind(folder.path().join("used")).expect("a socket");
    for (option, name) in
        [("--probe-socket", "file"), ("--sensors", "used"), ("--console", "file"), ("--relays", "used")]
    {
        let output = lockrig(folder.path(), &["sim", "serve", option, &path(name)]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        assert!(text(&output).contains(&format!("{} is there already", path(name))), "{}", text(&output));
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).expect("a file"), "precious");
    // What a lock that was killed has left is nobody's.
    drop(UnixListener::bind(folder.path().join("probe")).expect("a socket"));
    let served = Served::within(folder, &["--probe-socket", "@/probe"]);
    Probe::up(&served);
    let nothing = lockrig(served.folder.path(), &["sim", "serve"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing));
    assert!(text(&nothing).contains("--probe-socket"), "{}", text(&nothing));
    let unknown = ["sim", "serve", "--console", "pty", "--firmware", "sounder"];
    let unknown = lockrig(served.folder.path(), &unknown);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    let nobody = lockrig(served.folder.path(), &["sim", "watch", "nowhere"]);
    assert_eq!(nobody.status.code(), Some(3), "{}", text(&nobody));
}

#[test]
fn a_terminal_without_a_name_is_named() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_lockrig"))
        .args(["sim", "serve", "--console", "pty", "--relays", "pty"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = lines(process.stdout.take().expect("its output"));
    let mut names = Vec::new();
    for what in ["console", "relays"] {
        let line = said.recv_timeout(PATIENCE).expect("a line");
        let (word, name) = line.split_once(' ').expect("two words");
        assert_eq!(word, what);
        names.push(name.trim().to_owned());
    }
    let mut console = opened(names[0].as_ref());
    let answers = lines(console.try_clone().expect("the port"));
    // It may have to start first.
    let answer = || {
        console.write_all(b"\rstatus\r").expect("a write");
        answers.recv_timeout(Duration::from_secs(1)).is_ok_and(|line| line.contains("codes 0 master default"))
    };
    assert!(happens(PATIENCE, answer));
    process.kill().expect("a process");
    process.wait().expect("an end");
}

/// The rig file of the documentation, with paths of its own.
#[test]
fn the_bench_of_the_documentation_is_one() {
    let page = fs::read_to_string(root().join("docs/emulated.md")).expect("the page");
    let (_, rest) = page.split_once("rig: served-lock").expect("a rig file");
    let (rig, _) = rest.split_once("```").expect("its end");
    let folder = empty_folder();
    let own = folder.path().display().to_string();
    let rig = format!("rig: served-lock{rig}").replace("/tmp/lock", &own);
    let rig = rig.replace("[lockrig,", &format!("[{},", env!("CARGO_BIN_EXE_lockrig")));
    fs::write(folder.path().join("served-lock.yaml"), rig).expect("written");
    let output = lockrig(folder.path(), &["check", "served-lock.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // Its guard clicks every relay, and whoever watches finds what it says.
    let options = ["--console", "@/console", "--relays", "@/relays", "--sensors", "@/sensors"];
    let served = Served::within(folder, &options);
    in_real_time(|| {
        let output = lockrig(served.folder.path(), &["rig", "selftest", "served-lock.yaml"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    });
}
