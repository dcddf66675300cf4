//! Kills rig and guard at random instants of a hold, and prints how long outputs stayed on.

use std::path::Path;
use std::time::Duration;

use crate::kill::{Bench, SIGNALS, VICTIMS, instants, seed};

/// Upper ends of the histogram's bars in milliseconds.
const BARS: [u64; 9] = [1, 2, 5, 10, 20, 50, 200, 220, 300];

/// So many rounds of each signal to each victim.
pub(crate) fn play(program: &Path, bench: &Bench, rounds: u32) {
    let seed = seed();
    let mut instants = instants(seed);
    println!("instants at random over a hold of 5.5 s, KILLS_SEED={seed}");
    for victim in VICTIMS {
        for (name, signal) in SIGNALS {
            let mut times: Vec<Duration> = Vec::new();
            for _ in 0..rounds {
                let after = instants.next().expect("without end");
                times.push(bench.hit(program, victim, signal, after));
            }
            print(&format!("{victim:?} SIG{name}"), &mut times);
        }
    }
    println!("0 outputs left on");
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
