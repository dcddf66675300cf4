//! A guard and a client that live, and all the same are not to be trusted with an output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration as Real;

use lockrig::drivers::clock;
use lockrig::guard::{Client, Edge, Event, Limits, OutputSpec, Program, Setup, When};
use lockrig::rig::{Active, Board, Drive};
use lockrig::unit::Duration;

use crate::common::in_real_time;

const PATIENCE: Real = Real::from_secs(20);

fn client(folder: &Path) -> (Client, Receiver<Event>) {
    let output = OutputSpec {
        name: "output".into(),
        board: "recorder".into(),
        number: 0,
        active: Active::High,
        limits: Limits { rest: Drive::Deenergised, max_on: Some(Duration::seconds(60)) },
    };
    let setup = Setup {
        rig: "attention".into(),
        boards: BTreeMap::from([("recorder".into(), Board::Recorder { file: folder.join("outputs") })]),
        outputs: vec![output],
        exclusive: Vec::new(),
        watchdog: None,
    };
    let (sender, events) = channel();
    let program = Path::new(env!("CARGO_BIN_EXE_lockrig"));
    let client = Client::start(&setup, program, move |event| drop(sender.send(event))).expect("a guard");
    (client, events)
}

fn levels(folder: &Path) -> Vec<bool> {
    let text = fs::read_to_string(folder.join("outputs")).expect("a record");
    text.lines().map(|line| line.ends_with(" 1")).collect()
}

/// Begins a hold of 50 s.
fn hold(client: &mut Client, events: &Receiver<Event>) {
    let edges = vec![
        Edge { command: 0, output: 0, drive: Drive::Energised, when: When::At(clock::now()) },
        Edge {
            command: 1,
            output: 0,
            drive: Drive::Deenergised,
            when: When::After { command: 0, delay: Duration::seconds(50) },
        },
    ];
    client.play(Program { edges, ..Program::default() });
    let event = events.recv_timeout(PATIENCE).expect("an edge");
    assert!(matches!(event, Event::Achieved { drive: Drive::Energised, .. }), "{event:?}");
}

#[test]
fn a_player_that_hangs_in_a_living_process_leaves_nothing_on() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut client, events) = client(folder.path());
        hold(&mut client, &events);
        // Nobody attends from here on.
        match events.recv_timeout(PATIENCE).expect("an end") {
            Event::Tripped { reason, safe, asked } => {
                assert!(safe && !asked && reason.contains("silent"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(levels(folder.path()).last(), Some(&false));
    });
}

#[test]
fn a_player_that_attends_keeps_its_hold() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut client, events) = client(folder.path());
        hold(&mut client, &events);
        let begin = std::time::Instant::now();
        while begin.elapsed() < Real::from_secs(2) {
            client.attend();
            if let Ok(event) = events.recv_timeout(Real::from_millis(50)) {
                panic!("{event:?}");
            }
        }
        assert_eq!(levels(folder.path()).last(), Some(&true));
    });
}

#[test]
fn a_guard_hears_its_client_however_dense_a_program_is() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut client, events) = client(folder.path());
        let begin = clock::now() + Duration::milliseconds(10);
        let edge = |n: u64| Edge {
            command: n,
            output: 0,
            drive: if n.is_multiple_of(2) { Drive::Energised } else { Drive::Deenergised },
            when: When::At(begin + Duration::microseconds(600 * n)),
        };
        client.play(Program { edges: (0..5_000).map(edge).collect(), ..Program::default() });
        events.recv_timeout(PATIENCE).expect("an edge");
        drop(client);
        let levels = levels(folder.path());
        assert_eq!(levels.last(), Some(&false));
        assert!(levels.len() < 3_000, "{} of 5000 edges were played to a client that had left", levels.len());
    });
}

#[test]
fn requests_without_end_do_not_delay_an_edge() {
    in_real_time(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut client, events) = client(folder.path());
        let begin = clock::now() + Duration::milliseconds(200);
        let due = |n: u64| begin + Duration::milliseconds(20 * n);
        let edge = |n: u64| Edge {
            command: n,
            output: 0,
            drive: if n.is_multiple_of(2) { Drive::Energised } else { Drive::Deenergised },
            when: When::At(due(n)),
        };
        client.play(Program { edges: (0..50).map(edge).collect(), ..Program::default() });
        let started = std::time::Instant::now();
        let mut late = Vec::new();
        while late.len() < 50 {
            // As long as edges are due there is always another request.
            (0..200).for_each(|_| client.read());
            for event in events.try_iter() {
                match event {
                    Event::Achieved { command, at, .. } => late.push(at.since(due(command))),
                    Event::Levels { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            client.attend();
            assert!(started.elapsed() < PATIENCE, "{} edges of 50", late.len());
        }
        let worst = late.iter().max().copied().unwrap_or_default();
        assert!(worst < Duration::milliseconds(100), "{worst} late");
    });
}
