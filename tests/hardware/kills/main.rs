//! Kills rig and guard at random instants of a hold, and prints how long outputs stayed on.
//!
//! `bench-kill PROGRAM FOLDER ROUNDS [CHIP LEVEL-FILE…]`: outputs are recorded in FOLDER, or are
//! the lines of a GPIO chip whose levels stand in the files. Ends with status 1 if anything is left on.

#![expect(clippy::panic, clippy::print_stdout, clippy::expect_used, reason = "a test's program")]

#[path = "../kill.rs"]
mod kill;
mod rounds;

use std::path::{Path, PathBuf};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("PROGRAM FOLDER ROUNDS");
    let (program, folder, rounds) = (next(), next(), next());
    let chip = arguments.next();
    let lines: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let bench = kill::Bench::new(Path::new(&folder), chip.as_deref().map(|chip| (chip, lines)));
    rounds::play(Path::new(&program), &bench, rounds.parse().expect("a number of rounds"));
}
