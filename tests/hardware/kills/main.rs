//! Kills rig and guard at random instants of a hold, and prints how long outputs stayed on.
//!
//! `bench-kill PROGRAM FOLDER ROUNDS [CHIP LEVEL-FILE…]`: outputs are recorded in FOLDER, or are
//! the lines of a GPIO chip whose levels stand in the files. Ends with status 1 if anything is left on.
//! `cargo bench --bench kills` needs no arguments.

#![expect(clippy::panic, clippy::print_stdout, clippy::expect_used, reason = "a test's program")]

#[path = "../kill.rs"]
mod kill;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kill::{Bench, SIGNALS, VICTIMS};

/// Upper ends of the histogram's bars in milliseconds.
const BARS: [u64; 9] = [1, 2, 5, 10, 20, 50, 200, 220, 300];

fn main() {
    let temporary = std::env::temp_dir().join(format!("lockrig-kills-{}", std::process::id()));
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(program) = option_env!("CARGO_BIN_EXE_lockrig") {
        arguments = vec![program.into(), temporary.display().to_string(), "13".into()];
    }
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().expect("PROGRAM FOLDER ROUNDS");
    let (program, folder, rounds) = (next(), next(), next());
    let rounds: u32 = rounds.parse().expect("a number of rounds");
    let chip = arguments.next();
    let lines: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let bench = Bench::new(Path::new(&folder), chip.as_deref().map(|chip| (chip, lines)));
    let seed = kill::seed();
    let mut instants = kill::instants(seed);
    println!("instants at random over a hold of 5.5 s, KILLS_SEED={seed}");
    for victim in VICTIMS {
        for (name, signal) in SIGNALS {
            let mut times: Vec<Duration> = Vec::new();
            for _ in 0..rounds {
                let after = instants.next().expect("without end");
                times.push(bench.hit(Path::new(&program), victim, signal, after));
            }
            print(&format!("{victim:?} SIG{name}"), &mut times);
        }
    }
    println!("0 outputs left on");
    // There is none where the folder was given.
    let _ = std::fs::remove_dir_all(temporary);
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let most = times.last().copied().unwrap_or_default();
    let mut bars = String::new();
    let mut from = 0;
    for to in BARS.into_iter().chain([u64::MAX]) {
        let count =
            times.iter().filter(|time| (from..to).contains(&(time.as_micros() as u64 / 1_000))).count();
        if count > 0 {
            let label = if to == u64::MAX { format!("≥{from}") } else { format!("<{to}") };
            bars.push_str(&format!("  {label} ms: {count}"));
        }
        from = to;
    }
    println!("{what:<26} worst {:>7.2} ms {bars}", most.as_secs_f64() * 1e3);
}
