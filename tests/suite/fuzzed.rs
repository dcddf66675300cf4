//! What the fuzzers do, done once with what they begin with: they are packages of their own, which need a compiler that
//! not everybody has.

#[path = "../../fuzz/fuzzed/files.rs"]
pub(crate) mod files;
#[path = "../../fuzz/fuzzed/journal.rs"]
mod journal;

use std::fs;

use rayon::prelude::*;

use crate::common::{certified, empty_folder, root};

#[test]
fn files_are_read_and_built() {
    let shipped = [
        (0, "scenarios/models/yale-linus.yaml"),
        (1, "scenarios/reset-erases-everything.yaml"),
        (2, "rigs/bench-keypad.yaml"),
        (1, "rigs/bench-keypad.yaml"),
    ];
    let broken = fs::read_dir(root().join("tests/corpus")).expect("a folder");
    let broken = broken.map(|entry| entry.expect("an entry").path());
    let models = broken.filter(|path| path.to_string_lossy().ends_with(".model.yaml")).map(|path| (0, path));
    let all: Vec<_> =
        shipped.map(|(kind, name)| (kind, root().join(name))).into_iter().chain(models).collect();
    all.into_par_iter().for_each(|(kind, file)| {
        let mut bytes = vec![kind];
        bytes.extend(fs::read(file).expect("a file"));
        files::files(&bytes);
        files::files(&bytes[..bytes.len() / 2]);
    });
}

#[test]
fn a_journal_is_read_whole_and_in_part() {
    let folder = empty_folder();
    let run = certified(folder.path(), "schlage-jbe109", &["--scenario", "reset-is-confirmed"]);
    let bytes = fs::read(run.join("journal.jsonl")).expect("a journal");
    journal::journal(&bytes);
    journal::journal(&bytes[..bytes.len() / 2]);
}
