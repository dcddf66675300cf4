//! A run folder's journal: verified, and its traces read. No panic, whatever stands in it.
#![no_main]

use std::fs;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use lockrig::evidence::{JournalLine, JournalReader, SceneReader, finished_cases, traces};
use tempfile::TempDir;

fuzz_target!(|bytes: &[u8]| {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let journal = folder.join("journal.jsonl");
    fs::write(&journal, bytes).expect("written");
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = JournalLine::parse(line);
    }
    if let Ok(mut reader) = JournalReader::open(&journal) {
        while let Ok(Some(_)) = reader.next_line() {}
    }
    let _ = finished_cases(folder);
    let _ = traces(folder, &|_| true, &mut |_, _| Ok(()));
    let index = format!("{{\"case\":\"a\",\"begin\":0,\"bytes\":{}}}\n", bytes.len());
    fs::write(folder.join("index.jsonl"), index).expect("written");
    if let Ok(scenes) = SceneReader::open(folder) {
        let _ = scenes.read("a");
    }
});
