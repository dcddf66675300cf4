//! A lock on the other side of the wires: reads the lines that a rig drives and drives those that a
//! rig reads, in real time. Its behaviour is that of the simulated locks; nothing else of the
//! tested program is used.
//!
//! `bench-lock MODEL BOARD WIRE…`, where BOARD says whose lines they are and a WIRE is
//! `CHANNEL=LINE` (`!` before the number where a high line means no), `CHANNEL:COLOUR=LINE` for
//! lights, `keypad=ROWS/COLUMNS/LAYOUT` with commas between lines and keys, `sense=OUTPUT>LINE`, or
//! `socket=PATH`, where a rig's program speaks for what has no line; `bench-lock --join PATH` is
//! that program. With `stdio=CHANNEL,…` the lock itself is the program. `LOCK_DEFECT` is a defect of
//! the lock, `LOCK_FAULT` one of the relays that are read back.

#![expect(clippy::panic, clippy::print_stdout, clippy::expect_used, reason = "a test's program")]

mod board;
mod contact;
mod talk;

use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use board::Board;
use contact::Contact;
use lockrig::rig::{Hello, LockstepDevice};
use lockrig::sim::{Flaw, SimulatedLock};
use lockrig::trace::{Channel, Keystroke, Value};
use lockrig::unit::{Instant, Voltage};
use talk::Talk;

const NOMINAL: i64 = 6_000_000;
/// After so long without a change there is no hurry.
const QUIET: Duration = Duration::from_millis(300);

pub(crate) struct Line {
    number: u32,
    inverted: bool,
}

impl Line {
    fn parse(text: &str) -> Self {
        let number = text.trim_start_matches('!');
        Self { number: number.parse().expect("a line"), inverted: number.len() != text.len() }
    }

    fn read(&self, board: &mut dyn Board) -> bool {
        board.read(self.number) != self.inverted
    }

    fn drive(&self, board: &mut dyn Board, on: bool) {
        board.drive(self.number, on != self.inverted);
    }
}

/// What the rig sets.
enum Input {
    Switch(Channel, Line),
    Keys { rows: Vec<Line>, columns: Vec<Line>, layout: Vec<Vec<Arc<str>>> },
}

/// What the rig reads.
enum Output {
    Switch(Channel, Line),
    Colour(Channel, Arc<str>, Line),
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().expect("a model");
    if model == "--join" {
        return talk::join(&arguments.next().expect("a socket"));
    }
    let mut board = board::open(&arguments.next().expect("a board"));
    let (mut inputs, mut outputs, mut contacts) = (Vec::new(), Vec::new(), Vec::new());
    let fault = std::env::var("LOCK_FAULT").unwrap_or_default();
    let mut talk = Talk::default();
    for wire in arguments {
        let (channel, line) = wire.split_once('=').expect("CHANNEL=LINE");
        match channel {
            "keypad" => inputs.push(keypad(line)),
            "socket" => talk = Talk::listen(line),
            "stdio" => talk = Talk::stdio(line),
            "sense" => {
                let (of, line) = line.split_once('>').expect("OUTPUT>LINE");
                contacts.push(Contact::new(Line::parse(of), Line::parse(line), &fault));
            }
            _ => {
                let (name, colour) = channel.split_once(':').unwrap_or((channel, ""));
                let channel: Channel = name.parse().expect("a channel");
                let line = Line::parse(line);
                match (&channel, colour) {
                    (Channel::Beeper | Channel::Bolt, _) => outputs.push(Output::Switch(channel, line)),
                    (Channel::Light(_), colour) => outputs.push(Output::Colour(channel, colour.into(), line)),
                    _ => inputs.push(Input::Switch(channel, line)),
                }
            }
        }
    }
    let defect = std::env::var("LOCK_DEFECT").ok().filter(|word| !word.is_empty());
    let defect = defect.map(|word| Flaw::from_word(&word).expect("a defect"));
    let mut lock = SimulatedLock::new(std::env::var_os("LOCK_NOISE").is_some(), defect);
    let hello = Hello { model, case: "bench".into(), seed: 1 };
    let ready = lock.start(&hello).unwrap_or_else(|fault| panic!("{fault}"));
    show(&ready.out, &outputs, board.as_mut(), &mut talk);
    if let Some(Output::Switch(_, bolt)) =
        outputs.iter().find(|output| matches!(output, Output::Switch(Channel::Bolt, _)))
    {
        bolt.drive(board.as_mut(), true);
    }
    if talk.is_silent() {
        println!("LOCK READY");
    }
    board.pause(false);
    let begin = Clock::now();
    let mut changed = begin;
    let mut before: Vec<Option<Value>> = inputs.iter().map(|_| None).collect();
    while board.is_there() && talk.is_there() {
        let now = Instant::from_nanoseconds(u64::try_from(begin.elapsed().as_nanos()).expect("not so long"));
        loop {
            let ran = lock.run(now, &[]).expect("a simulated lock runs");
            show(&ran.out, &outputs, board.as_mut(), &mut talk);
            if ran.now >= now && ran.out.is_empty() {
                break;
            }
        }
        for (input, before) in inputs.iter().zip(&mut before) {
            let value = read(input, board.as_mut());
            if before.as_ref() != Some(&value) {
                let ran = lock.run(now, &[(channel(input), value.clone())]).expect("a simulated lock runs");
                show(&ran.out, &outputs, board.as_mut(), &mut talk);
                *before = Some(value);
                changed = Clock::now();
            }
        }
        for (channel, value) in talk.heard() {
            let ran = lock.run(now, &[(channel, value)]).expect("a simulated lock runs");
            show(&ran.out, &outputs, board.as_mut(), &mut talk);
            changed = Clock::now();
        }
        contacts.iter_mut().for_each(|contact| contact.turn(board.as_mut()));
        board.pause(changed.elapsed() > QUIET);
    }
}

fn keypad(text: &str) -> Input {
    let parts: Vec<&str> = text.split('/').collect();
    let lines = |text: &str| text.split(',').map(Line::parse).collect::<Vec<_>>();
    let (rows, columns) = (lines(parts[0]), lines(parts[1]));
    let keys: Vec<Arc<str>> = parts[2].split(',').map(Arc::from).collect();
    let layout = keys.chunks(columns.len()).map(<[_]>::to_vec).collect();
    Input::Keys { rows, columns, layout }
}

fn channel(input: &Input) -> Channel {
    match input {
        Input::Switch(channel, _) => channel.clone(),
        Input::Keys { .. } => Channel::Keypad,
    }
}

fn read(input: &Input, board: &mut dyn Board) -> Value {
    match input {
        Input::Switch(Channel::Power, line) => {
            Value::Voltage(Voltage::from_millionths(if line.read(board) { NOMINAL } else { 0 }))
        }
        Input::Switch(_, line) => Value::Switch(line.read(board)),
        Input::Keys { rows, columns, layout } => {
            let columns: Vec<bool> = columns.iter().map(|line| line.read(board)).collect();
            let mut held = Vec::new();
            for (row, labels) in rows.iter().zip(layout) {
                if row.read(board) {
                    let closed = labels.iter().zip(&columns).filter(|(_, closed)| **closed);
                    held.extend(closed.map(|(label, _)| Keystroke::Key(Arc::clone(label))));
                }
            }
            Value::Keys(held)
        }
    }
}

fn show(said: &[(Channel, Value)], outputs: &[Output], board: &mut dyn Board, talk: &mut Talk) {
    for (channel, value) in said {
        talk.say(channel, value);
        for output in outputs {
            match (output, value) {
                (Output::Switch(of, line), Value::Switch(on)) if of == channel => line.drive(board, *on),
                (Output::Colour(of, colour, line), Value::Light(lit)) if of == channel => {
                    line.drive(board, lit.as_ref() == Some(colour));
                }
                _ => {}
            }
        }
    }
}
