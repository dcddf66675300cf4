//! The run folder: journal, manifest, results, and their verification.
//!
//! Deliberately absent: how a case is played, how a report looks, and secrets: the journal takes
//! values in which the player has already replaced them by handles.

mod archive;
mod blocks;
mod decode;
mod entry;
mod files;
mod folder;
mod index;
mod journal;
mod line;
mod manifest;
mod reader;
mod results;
mod scene;
mod traces;
mod verify;

pub use archive::{is_packed, pack, unpack};
pub use blocks::Place;
pub use entry::{Entry, EntryError, JournalLine};
pub use files::{hash_file, hash_written, read_regular};
pub use folder::{RunFolder, RunInfo, create_fresh, list_files};
pub use journal::JournalWriter;
pub use manifest::{
    Before, Commission, Counts, DeviceIdentity, FORMAT, Manifest, Party, RigIdentity, Selected, State, TOOL,
};
pub use reader::JournalReader;
pub use results::{
    CaseEntry, Catalogue, ClauseSummary, Codes, ModelSummary, ResultsReader, ScenarioSummary, read_catalogue,
    read_results,
};
pub use scene::{Scene, SceneHold, SceneReader, SceneStep};
pub use traces::traces;
pub use verify::{Examined, Verification, examine, finished_cases, read_manifest, verify};

/// Why evidence could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A file could not be written or read.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file is not what it must be.
    #[error("{path}: {reason}")]
    Malformed {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl EvidenceError {
    /// For use with `map_err`.
    pub fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |error| Self::Io { path: path.display().to_string(), error }
    }

    /// A file that is not what it must be.
    pub fn malformed(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.display().to_string(), reason: reason.into() }
    }
}

/// Lowercase hexadecimal of a hash.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
