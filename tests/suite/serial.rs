//! Serial relay boards and consoles over real pseudo-terminals, with peers that behave and peers
//! that do not.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lockrig::drivers::console::{Console, Lines};
use lockrig::rig::{ConsolePort, SerialPort};
use rustix::fs::{FlockOperation, flock};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::common::{happens, in_real_time, lockrig, text};

/// Both ends of a pseudo-terminal: the peer's, and the path of the other.
pub(crate) fn pair() -> (fs::File, String) {
    let peer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&peer).expect("a terminal");
    unlockpt(&peer).expect("a terminal");
    let path = ptsname(&peer, Vec::new()).expect("a name").into_string().expect("a path");
    (fs::File::from(peer), path)
}

fn bench(folder: &Path, board: &str) {
    let rig = format!(
        "rig: serial\nlock: {{model: kwikset-powerbolt-2, simulated: true}}\nboards:\n  relays: {board}\n\
         wiring:\n  button.reset: {{relay: relays/1, contact: normally_open, safe: released, max_on: 60 s}}\n\
         uncertainty: {{stimulus: 20 ms, observation: 1 ms}}\n"
    );
    fs::create_dir_all(folder.join("rigs")).expect("a folder");
    fs::write(folder.join("rigs/serial.yaml"), rig).expect("a file");
}

/// Answers each line of commands as `answer` says, however often the other end is closed and opened again, until it
/// has said its last words: an empty answer.
pub(crate) fn numato(mut peer: fs::File, mut answer: impl FnMut(&str) -> Option<String> + Send + 'static) {
    thread::spawn(move || {
        be_a_board();
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            if !matches!(peer.read(&mut byte), Ok(1)) {
                // Nobody has the port open.
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            if byte != *b"\r" {
                line.push(byte[0]);
                continue;
            }
            let command = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            match answer(&command) {
                Some(answer) if answer.is_empty() || peer.write_all(answer.as_bytes()).is_err() => return,
                _ => {}
            }
        }
    });
}

/// A board has a processor of its own: where that is permitted, this thread waits for no other program, as the guard
/// that asks it does not.
fn be_a_board() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let priority = ThreadPriority::try_from(70_u8).expect("a priority");
    // Whoever may not is as slow as the machine is busy.
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

/// What a board of Numato answers that follows.
pub(crate) fn obedient() -> impl FnMut(&str) -> Option<String> {
    let mut is_on = false;
    move |command| {
        if command.starts_with("relay read") {
            return Some(format!("{command}\r\n{}\r\n>", if is_on { "on" } else { "off" }));
        }
        is_on = command.starts_with("relay on");
        Some(format!("{command}\r\n\r\n>"))
    }
}

fn selftest(folder: &Path) -> (i32, String) {
    let output = lockrig(folder, &["rig", "selftest", "serial"]);
    (output.status.code().unwrap_or(-1), text(&output))
}

#[test]
fn a_relay_board_that_confirms_is_driven() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (peer, path) = pair();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&said);
        let mut board = obedient();
        numato(peer, move |command| {
            if !command.starts_with("relay read") {
                heard.lock().expect("a list").push(command.to_owned());
            }
            board(command)
        });
        bench(folder.path(), &format!("{{numato: {path}, relays: 4}}"));
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 0, "{output}");
        let said = said.lock().expect("a list").clone();
        assert_eq!(said.first().map(String::as_str), Some("relay off 1"), "safe first of all");
        let clicks: Vec<&str> =
            said.iter().map(String::as_str).skip_while(|word| *word != "relay on 1").collect();
        assert_eq!(clicks.get(..2), Some(["relay on 1", "relay off 1"].as_slice()), "{said:?}");
        assert_eq!(said.last().map(String::as_str), Some("relay off 1"), "safe last of all");
    });
}

#[test]
fn a_relay_board_that_does_not_confirm_is_refused_with_its_words() {
    in_real_time(|| {
        type Answer = fn(&str) -> Option<String>;
        let peers: [(Answer, &str); 5] = [
            // A terminal that only echoes is no relay board.
            (|command| Some(format!("{command}\r\n>")), "\"\""),
            (|_| None, "does not answer"),
            (|_| Some("\u{7}#!§garbage>".into()), "garbage"),
            (|_| Some("relay o".into()), "relay o"),
            (|command| Some(format!("{command}\r\nerror: no such relay\r\n>")), "no such relay"),
        ];
        for (answer, expected) in peers {
            let folder = tempfile::tempdir().expect("a folder");
            let (peer, path) = pair();
            numato(peer, answer);
            bench(folder.path(), &format!("{{numato: {path}, relays: 4}}"));
            let (code, output) = selftest(folder.path());
            assert_eq!(code, 3, "{output}");
            assert!(output.contains(expected) && output.contains(&path), "{output}");
        }
    });
}

#[test]
fn every_relay_is_told_to_open_whatever_one_of_them_answers() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (peer, path) = pair();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&said);
        let mut board = obedient();
        numato(peer, move |command| {
            heard.lock().expect("a list").push(command.to_owned());
            // The answer to a question of a process that is gone comes first, and then none for this
            // relay, which is the first to be told.
            if command.ends_with('2') { Some("relay read 0\r\non\r\n>".into()) } else { board(command) }
        });
        bench(folder.path(), &format!("{{numato: {path}, relays: 4}}"));
        let rig = folder.path().join("rigs/serial.yaml");
        let text = fs::read_to_string(&rig).expect("a rig");
        let more = "  button.other: {relay: relays/2, contact: normally_open, safe: released, max_on: 60 s}\nuncertainty";
        // An id of its own: every guard of this rig is told to stop.
        fs::write(&rig, text.replace("uncertainty", more).replace("rig: serial", "rig: unanswered"))
            .expect("a rig");
        let output = lockrig(folder.path(), &["rig", "safe", "rigs/serial.yaml"]);
        assert_eq!(output.status.code(), Some(3));
        let said = said.lock().expect("a list").clone();
        for relay in ["relay off 1", "relay off 2"] {
            assert!(said.iter().any(|command| command == relay), "{relay}: {said:?}");
        }
    });
}

#[test]
fn a_relay_board_that_answers_late_is_refused_in_time() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (peer, path) = pair();
        numato(peer, |command| {
            thread::sleep(Duration::from_millis(400));
            Some(format!("{command}\r\n>"))
        });
        bench(folder.path(), &format!("{{numato: {path}, relays: 4}}"));
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 3, "{output}");
        assert!(output.contains("does not answer"), "{output}");
    });
}

#[test]
fn lcus_frames_are_what_the_boards_take() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut peer, path) = pair();
        bench(folder.path(), &format!("{{lcus: {path}, relays: 4}}"));
        let frames: Arc<Mutex<Vec<u8>>> = Arc::default();
        let heard = Arc::clone(&frames);
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok(count) = peer.read(&mut buffer) {
                heard.lock().expect("a list").extend(&buffer[..count]);
            }
        });
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 0, "{output}");
        let (on, off) = ([0xA0, 1, 1, 0xA2], [0xA0, 1, 0, 0xA1]);
        let begin = Instant::now();
        // What was written last may still be on its way to this thread.
        while !frames.lock().expect("a list").ends_with(&off) && begin.elapsed() < Duration::from_secs(5) {
            thread::yield_now();
        }
        let frames = frames.lock().expect("a list").clone();
        assert_eq!(frames.get(..4), Some(off.as_slice()), "safe first of all");
        let ons: Vec<usize> = (0..frames.len() / 4).filter(|n| frames[n * 4..n * 4 + 4] == on).collect();
        assert_eq!(ons.len(), 1, "{frames:x?}");
        assert!(frames.ends_with(&off), "{frames:x?}");
    });
}

#[test]
fn a_missing_port_is_an_error_and_switches_nothing() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        bench(folder.path(), "{lcus: /dev/ttyNOWHERE, relays: 4}");
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 3);
        assert!(output.contains("/dev/ttyNOWHERE"), "{output}");
        let output = lockrig(folder.path(), &["run", "reset-is-confirmed", "--rig", "serial"]);
        assert_eq!(output.status.code(), Some(3));
        assert!(text(&output).contains("nothing was switched"), "{}", text(&output));
        assert!(!folder.path().join("reports").exists(), "no run begins on a bench that is not there");
    });
}

#[test]
fn a_port_that_is_in_use_is_refused_with_who_has_it() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (_peer, path) = pair();
        let held = fs::OpenOptions::new().read(true).write(true).open(&path).expect("a port");
        flock(&held, FlockOperation::LockExclusive).expect("a lock");
        bench(folder.path(), &format!("{{lcus: {path}, relays: 4}}"));
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 3, "{output}");
        let holder = format!("{path} is in use by process {}", std::process::id());
        assert!(output.contains(&holder), "{output}");
    });
}

fn console_at(port: String) -> ConsolePort {
    ConsolePort { port: SerialPort { port, baud: 115_200 }, goes_with_power: false }
}

/// Whether this process has a port open.
fn is_open(port: &Path) -> bool {
    let port = fs::canonicalize(port).ok();
    let held = fs::read_dir("/proc/self/fd").expect("descriptors");
    held.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).any(|path| Some(path) == port)
}

#[test]
fn a_console_that_goes_with_the_power_is_heard_again() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("tty");
        let plug = || {
            let (peer, path) = pair();
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(path, &link).expect("a link");
            peer
        };
        let mut peer = plug();
        let (sender, lines) = std::sync::mpsc::channel();
        let port = ConsolePort { goes_with_power: true, ..console_at(link.display().to_string()) };
        let console = Console::open(&port, move |line| drop(sender.send(line))).expect("a console");
        let patience = Duration::from_secs(5);
        for boot in ["first", "second", "third"] {
            peer.write_all(format!("{boot} boot\r\nhalf").as_bytes()).expect("a write");
            let heard = lines.recv_timeout(patience).expect("a line");
            assert_eq!(heard.as_deref(), Ok(format!("{boot} boot").as_str()));
            drop(peer);
            fs::remove_file(&link).expect("removed");
            peer = plug();
            // It is listened to again only once it was opened: what is said before goes nowhere.
            assert!(crate::common::happens(patience, || is_open(&link)), "nobody opened it again");
        }
        drop(console);
        assert!(lines.try_iter().all(|line| line.is_ok()));
    });
}

#[test]
fn a_console_gives_lines_and_says_when_it_was_unplugged() {
    in_real_time(|| {
        let (mut peer, path) = pair();
        let (sender, lines) = std::sync::mpsc::channel();
        let port = console_at(path);
        let console = Console::open(&port, move |line| drop(sender.send(line))).expect("a console");
        peer.write_all(b"boot 1.2\r\nbad \xff\xfe byte\nhalf").expect("a write");
        let patience = Duration::from_secs(5);
        assert_eq!(lines.recv_timeout(patience).expect("a line").as_deref(), Ok("boot 1.2"));
        assert_eq!(lines.recv_timeout(patience).expect("a line").as_deref(), Ok("bad \u{fffd}\u{fffd} byte"));
        drop(peer);
        let fault = lines.recv_timeout(patience).expect("a word").expect_err("the end");
        assert!(fault.to_string().contains("unplugged"), "{fault}");
        drop(console);
    });
}

#[test]
fn a_line_that_began_before_anybody_listened_is_left_out() {
    in_real_time(|| {
        let (mut peer, path) = pair();
        // Raw, as a port is that was set up before: else the terminal keeps a half line to itself.
        let port = fs::OpenOptions::new().read(true).write(true).open(&path).expect("a port");
        let mut settings = rustix::termios::tcgetattr(&port).expect("settings");
        settings.make_raw();
        rustix::termios::tcsetattr(&port, rustix::termios::OptionalActions::Now, &settings)
            .expect("settings");
        let before = b"old\nuser code 12";
        peer.write_all(before).expect("a write");
        // The kernel hands it over by a worker of its own, which a busy machine keeps waiting.
        let has_come = || rustix::io::ioctl_fionread(&port).is_ok_and(|count| count == before.len() as u64);
        assert!(happens(Duration::from_secs(10), has_come), "what was written before is there");
        let (sender, lines) = std::sync::mpsc::channel();
        let console = console_at(path);
        let _console = Console::open(&console, move |line| drop(sender.send(line))).expect("a console");
        peer.write_all(b"34 erased\nnew\n").expect("a write");
        let first = lines.recv_timeout(Duration::from_secs(5)).expect("a line");
        assert_eq!(first.as_deref(), Ok("new"));
    });
}

#[test]
fn a_port_that_another_program_reads_without_a_lock_is_refused() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (_peer, path) = pair();
        let mut reader = std::process::Command::new("sleep")
            .arg("60")
            .stdin(fs::File::open(&path).expect("a port"))
            .spawn()
            .expect("a process");
        let expected = format!("{path} is in use by process {} (sleep)", reader.id());
        let port = console_at(path.clone());
        let refused = Console::open(&port, drop).err().expect("a refusal");
        assert_eq!(refused.to_string(), expected);
        bench(folder.path(), &format!("{{lcus: {path}, relays: 4}}"));
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 3, "{output}");
        assert!(output.contains(&expected), "{output}");
        reader.kill().expect("a process");
        reader.wait().expect("an end");
    });
}

#[test]
fn a_port_that_takes_nothing_does_not_hang_the_guard() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (peer, path) = pair();
        // Full but for less than a frame: some room is there, and never enough.
        let writer = fs::OpenOptions::new().write(true).custom_flags(0o4_000).open(&path).expect("a port");
        let mut settings = rustix::termios::tcgetattr(&writer).expect("settings");
        settings.make_raw();
        rustix::termios::tcsetattr(&writer, rustix::termios::OptionalActions::Now, &settings)
            .expect("settings");
        while (&writer).write(&[0; 1]).is_ok() {}
        bench(folder.path(), &format!("{{lcus: {path}, relays: 4}}"));
        drop(writer);
        let begin = Instant::now();
        let (code, output) = selftest(folder.path());
        assert_eq!(code, 3, "{output}");
        assert!(output.contains("takes no more bytes"), "{output}");
        assert!(begin.elapsed() < Duration::from_secs(10));
        drop(peer);
    });
}

#[test]
fn ten_megabytes_without_a_newline_are_one_short_line() {
    in_real_time(|| {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for _ in 0..160 {
            lines.push(&[b'x'; 65_536], &mut out);
        }
        assert!(out.is_empty());
        lines.push(b"\nnext\n", &mut out);
        assert_eq!(out.len(), 2);
        assert!(out[0].len() < 5_000 && out[0].ends_with('…'));
        assert_eq!(out[1], "next");
    });
}
