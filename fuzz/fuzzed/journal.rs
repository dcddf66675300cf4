//! A run folder's journal: verified, and its traces read. No panic, whatever stands in it.

use std::fmt::Write as _;
use std::fs;
use std::sync::OnceLock;

use lockrig::evidence::{JournalReader, SceneReader, finished_cases, traces};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A journal that ends with a hash, so that all of it counts, whatever it is.
pub(crate) fn journal(bytes: &[u8]) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let journal = folder.join("journal.jsonl");
    let mut all = bytes.to_vec();
    all.push(b'\n');
    let chain = Sha256::digest(&all).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    all.extend_from_slice(format!("{{\"chain\":\"{chain}\"}}\n").as_bytes());
    fs::write(&journal, &all).expect("written");
    if let Ok(mut reader) = JournalReader::open(&journal) {
        while let Ok(Some(_)) = reader.next_entry() {}
    }
    let _ = finished_cases(folder);
    let index = format!("{{\"case\":\"a\",\"begin\":0,\"bytes\":{}}}\n", bytes.len());
    fs::write(folder.join("index.jsonl"), index).expect("written");
    if let Ok(scenes) = SceneReader::open(folder) {
        let _ = scenes.read("a");
    }
    let _ = traces(folder, &|_| true, &mut |_, _, _| Ok(()));
}
