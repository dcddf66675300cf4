//! How many rows covering arrays of standard instances have, and how long that takes. With arguments such as
//! `3^13:2:19`, how long it takes to find one of at most so many rows.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it can't go on"
)]

use std::time::{Duration, Instant};

use lockrig::cover::{Effort, Space, Strength, cover};

/// Instances, their strength, and the most rows that they may have.
const INSTANCES: &[(&str, Strength, usize)] = &[
    ("3^4", Strength::Pairwise, 9),
    ("3^13", Strength::Pairwise, 18),
    ("10^20", Strength::Pairwise, 200),
    ("5^1,3^8,2^2", Strength::Pairwise, 18),
    ("4^15,3^17,2^29", Strength::Pairwise, 34),
    ("2^100", Strength::Pairwise, 12),
    ("2^10", Strength::ThreeWise, 18),
];
const TIMES: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if wanted.is_empty() {
        for (name, strength, most) in INSTANCES {
            let (rows, took) = measure(name, *strength, Effort::default());
            let at_once = measure(name, *strength, Effort::NONE);
            println!(
                "{name:16} {strength:?}: {rows} rows in {took:.1?} (at most {most} in 1 s are wanted); \
                 the first array has {} and takes {:.1?}",
                at_once.0, at_once.1
            );
        }
    }
    for word in wanted {
        let parts: Vec<&str> = word.split(':').collect();
        let [name, strength, enough]: [&str; 3] = parts.try_into().expect("NAME:STRENGTH:ROWS");
        let strength = if strength == "3" { Strength::ThreeWise } else { Strength::Pairwise };
        let effort = Effort { enough: enough.parse().expect("a number"), ..Effort::default() };
        let (rows, took) = measure(name, strength, effort);
        println!("{name} {} {rows} {:.6}", strength.factors(), took.as_secs_f64() * 1e3);
    }
}

/// The number of rows, and the shortest of a few times.
fn measure(name: &str, strength: Strength, effort: Effort) -> (usize, Duration) {
    let group = |group: &str| {
        let (size, count) = group.split_once('^').expect("levels^factors");
        vec![size.parse::<usize>().expect("a number"); count.parse().expect("a number")]
    };
    let sizes: Vec<usize> = name.split(',').flat_map(group).collect();
    let one = |_| {
        let begin = Instant::now();
        let space = Space::new(&sizes, &[]).expect("a space");
        let rows = cover(&space, strength, effort).expect("an array");
        (rows.len(), begin.elapsed())
    };
    (0..TIMES).map(one).min_by_key(|(_, took)| *took).expect("a time")
}
