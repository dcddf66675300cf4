//! How long outputs stay on after rig or guard were killed, on recorded outputs.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark that can not go on says where"
)]

#[path = "../tests/hardware/kill.rs"]
mod kill;
#[path = "../tests/hardware/kills/rounds.rs"]
mod rounds;

use std::path::Path;

/// Of each signal to each victim.
const ROUNDS: u32 = 13;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = kill::Bench::new(folder.path(), None);
    rounds::play(Path::new(env!("CARGO_BIN_EXE_lockrig")), &bench, ROUNDS);
}
