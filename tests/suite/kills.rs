//! Whatever dies in the middle of a hold, nothing is left on.

#[path = "../hardware/kill.rs"]
pub(crate) mod kill;

use std::path::Path;
use std::time::Duration;

use kill::{Bench, SIGNALS, VICTIMS};

/// 4 victims × 4 signals × 13 instants.
const INSTANTS: u32 = 13;

#[test]
fn nothing_is_left_on_whoever_is_hit_when() {
    let program = Path::new(env!("CARGO_BIN_EXE_lockrig"));
    std::thread::scope(|scope| {
        for (v, victim) in VICTIMS.into_iter().enumerate() {
            for (s, (_, signal)) in SIGNALS.into_iter().enumerate() {
                scope.spawn(move || {
                    let folder = tempfile::tempdir().expect("a folder");
                    let bench = Bench::new(folder.path(), None);
                    for instant in 0..INSTANTS {
                        // Spread over the hold, and not the same for any two.
                        let spread = (v as u32 * 4 + s as u32) * INSTANTS + instant;
                        let after = Duration::from_micros(u64::from(spread * 7_919 % 300_000));
                        bench.hit(program, victim, signal, after);
                    }
                });
            }
        }
    });
}
