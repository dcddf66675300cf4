//! Edges of a real kernel: two lines that change together, bursts, and a light that is dimmed at 1 kHz. Every one
//! is read, and reading them holds nobody up.
//!
//! `bench-edges CHIP FOLDER`: the GPIO chip of the inputs, and where the kernel keeps its simulated lines.

#![expect(clippy::panic, clippy::print_stdout, clippy::expect_used, reason = "a test's program")]

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration as Wall, Instant as Clock};

use lockrig::drivers::input::{Inputs, Reading};
use lockrig::rig::{self, Active, Bias, Board, Input};
use lockrig::unit::Duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

struct Line(File);

impl Line {
    fn new(folder: &Path, number: u32) -> Self {
        let path = folder.join(format!("sim_gpio{number}/pull"));
        let mut line = Self(OpenOptions::new().write(true).open(path).expect("a simulated line"));
        line.drive(false);
        line
    }

    fn drive(&mut self, high: bool) {
        self.0.seek(SeekFrom::Start(0)).expect("a file of the kernel");
        self.0.write_all(if high { b"pull-up" } else { b"pull-down" }).expect("a level");
    }
}

fn open(chip: &str, lines: &[u32]) -> Inputs {
    let input = |number: &u32| Input {
        line: rig::Line { board: "in".into(), number: *number },
        active: Active::High,
        bias: Bias::None,
        debounce: Duration::ZERO,
    };
    let inputs: Vec<Input> = lines.iter().map(input).collect();
    let inputs: Vec<(usize, &Input)> = inputs.iter().enumerate().collect();
    let board = Board::Gpio { chip: chip.into() };
    Inputs::open(&board, None, &inputs, "bench-edges").unwrap_or_else(|fault| panic!("{fault}"))
}

/// Reads until nothing came for 20 ms.
fn drain(inputs: &mut Inputs) -> Vec<Reading> {
    let quiet = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let mut all = Vec::new();
    while poll(&mut [PollFd::new(&*inputs, PollFlags::IN)], Some(&quiet)).expect("a wait") > 0 {
        inputs.read(&mut all).unwrap_or_else(|fault| panic!("{fault}"));
    }
    all
}

fn together(chip: &str, folder: &Path) {
    const ROUNDS: usize = 500;
    let mut lines = [Line::new(folder, 8), Line::new(folder, 9)];
    let mut inputs = open(chip, &[8, 9]);
    let mut wrong = 0;
    for round in 0..ROUNDS {
        let high = round % 2 == 0;
        lines.iter_mut().for_each(|line| line.drive(high));
        let read = drain(&mut inputs);
        let is_right = [0, 1].iter().all(|input| {
            read.iter().filter(|reading| reading.input == *input).map(|reading| reading.active).eq([high])
        });
        wrong += usize::from(!is_right);
    }
    println!("{ROUNDS} times two lines that change together: {wrong} times not both edges");
    assert_eq!(wrong, 0);
}

fn bursts(chip: &str, folder: &Path) {
    const ROUNDS: usize = 200;
    const EDGES: usize = 175;
    let mut line = Line::new(folder, 10);
    let mut inputs = open(chip, &[10]);
    let (mut read, mut level) = (0, false);
    for round in 0..ROUNDS {
        // An odd number: each burst ends where it did not begin.
        for _ in 0..EDGES {
            level = !level;
            line.drive(level);
        }
        let edges = drain(&mut inputs);
        assert!(
            edges.windows(2).all(|two| two[0].active != two[1].active && two[0].at < two[1].at),
            "in order"
        );
        assert_eq!(edges.last().map(|edge| edge.active), Some(level), "the level after burst {round}");
        read += edges.len();
    }
    println!("{ROUNDS} bursts of {EDGES} edges that nobody reads meanwhile: {read} of {}", ROUNDS * EDGES);
    assert_eq!(read, ROUNDS * EDGES);
}

fn dimmed(chip: &str, folder: &Path) {
    const LASTS: Wall = Wall::from_secs(5);
    let mut line = Line::new(folder, 11);
    let mut inputs = open(chip, &[11]);
    let (begin, mut busy, mut read, mut driven) = (Clock::now(), Wall::ZERO, Vec::new(), 0_u32);
    while begin.elapsed() < LASTS {
        if begin.elapsed() >= Wall::from_micros(500) * driven {
            driven += 1;
            line.drive(driven % 2 == 1);
        }
        let start = Clock::now();
        inputs.read(&mut read).unwrap_or_else(|fault| panic!("{fault}"));
        busy = busy.max(start.elapsed());
    }
    read.extend(drain(&mut inputs));
    println!(
        "a light dimmed at 1 kHz for 5 s: {} of {driven} edges; one look took {busy:?} at most",
        read.len()
    );
    assert_eq!(read.len(), driven as usize);
    assert!(busy < Wall::from_millis(5), "the player is held up");
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (chip, folder) = (arguments.next().expect("a chip"), arguments.next().expect("a folder"));
    let folder = Path::new(&folder);
    together(&chip, folder);
    bursts(&chip, folder);
    dimmed(&chip, folder);
}
