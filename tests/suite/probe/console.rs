//! The lock's console through the probe that reads its memory.

use std::fs::{File, OpenOptions};
use std::sync::mpsc::Receiver;

use super::*;
use crate::common::happens;

pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The relay of the lock's supply, as `lockrig sim serve` wires it.
const SUPPLY: u8 = 14;
const SEARCH: Option<RttConsole> = Some(RttConsole { block: None });

pub(super) fn port(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("a port")
}

pub(super) fn switch(relays: &mut File, is_on: bool) {
    let state = u8::from(is_on);
    let sum = 0xa0_u8.wrapping_add(SUPPLY).wrapping_add(state);
    relays.write_all(&[0xa0, SUPPLY, state, sum]).expect("a command");
}

/// Waits until the lock has said something.
fn heard(answers: &Receiver<Result<(Channel, Value), String>>, wanted: &str) {
    let begin = Instant::now();
    let mut said = Vec::new();
    while begin.elapsed() < PATIENCE {
        match answers.recv_timeout(Duration::from_secs(1)) {
            Ok(Ok((Channel::Console, Value::Text(line)))) if line.contains(wanted) => return,
            Ok(other) => said.push(other),
            Err(_) => {}
        }
    }
    panic!("`{wanted}` was not said, but {said:?}");
}

#[test]
fn a_lock_is_heard_again_after_its_power_was_cut_and_answers_for_its_memory_meanwhile() {
    let folder = empty_folder();
    let path = folder.path().join("relays");
    let server = Server::start(&["--relays", &path.display().to_string()]);
    let mut relays = port(&path);
    let asked = Asked::listening(&server.setup(), SEARCH);
    for _ in 0..2 {
        switch(&mut relays, true);
        heard(&asked.answers, "boot");
        assert!(happens(PATIENCE, || asked.probe.is_listening()));
        assert!(asked.answer("snapshot").expect("an answer").ok);
        assert_eq!(asked.answer("search").expect("an answer").found, Some(Vec::new()));
        switch(&mut relays, false);
        assert!(happens(PATIENCE, || !asked.probe.is_listening()));
        let answer = asked.answer("read").expect("an answer");
        assert!(!answer.ok, "without power nothing can be read: {answer:?}");
    }
}

#[test]
fn what_is_said_while_memory_is_read_is_heard() {
    let folder = empty_folder();
    let path = folder.path().join("console");
    let server = Server::start(&["--console", &path.display().to_string()]);
    let mut console = port(&path);
    let mut probe = server.probe();
    let begin = Instant::now();
    let ended = probe.listen(None, &mut |heard| *heard != Heard::CaughtUp && begin.elapsed() < PATIENCE);
    assert_eq!(ended, Ok(Ended::Asked));
    // What is asked while it writes into its flash is lost.
    let is_answered = || {
        console.write_all(b"status\r\n").expect("a question");
        let mut lines = Vec::new();
        probe
            .read(0, 0x1_0000, &mut |heard| {
                lines.extend(said(heard));
                true
            })
            .expect("memory");
        lines.iter().any(|line| line.text == "codes 0 master default locked no")
    };
    assert!(happens(PATIENCE, is_answered));
}

#[test]
fn a_firmware_that_stops_is_the_rigs_fault() {
    let server = Server::start(&[]);
    let mut probe = flashed(&server, &speaker("hello from the lock\n"));
    probe.reset_and_halt().expect("halted");
    drop(probe);
    let asked = Asked::listening(&server.setup(), SEARCH);
    let begin = Instant::now();
    let mut said = Vec::new();
    let fault = loop {
        match asked.answers.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())).expect("an end") {
            Ok((Channel::Console, Value::Text(line))) => said.push(line),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => break fault,
        }
    };
    assert!(fault.starts_with("console: the firmware has stopped"), "{fault}");
    assert!(said.len() <= 1 && said.iter().all(|line| &**line == "hello from the lock"), "{said:?}");
}
