//! Writes `journal.jsonl`: every entry, a line each. A line that says `chain` has the hash of everything before it, and
//! follows whatever was made durable.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::unit::Instant;

use super::entry::Entry;
use super::line::Context;
use super::{EvidenceError, hex};

/// Lines are handed to the system in blocks of this size.
const BLOCK: usize = 1 << 16;

/// Appends to a journal, and holds its lock.
pub struct JournalWriter {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Of the buffer, so much is hashed.
    hashed: usize,
    context: Context,
    hash: Sha256,
    lines: u64,
    /// Bytes handed to the system.
    written: u64,
    /// Nothing followed the last hash.
    is_chained: bool,
}

impl JournalWriter {
    /// Creates the journal of a new run and locks it: whoever can lock it knows its owner is gone.
    ///
    /// # Errors
    /// It exists already, or can't be written.
    pub fn create(path: &Path) -> Result<Self, EvidenceError> {
        let file = File::create_new(path).map_err(EvidenceError::io(path))?;
        file.lock().map_err(EvidenceError::io(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            buffer: Vec::with_capacity(BLOCK + 4096),
            hashed: 0,
            context: Context::default(),
            hash: Sha256::new(),
            lines: 0,
            written: 0,
            is_chained: false,
        })
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// Those of the file.
    pub fn append(&mut self, case: &str, at: Instant, entry: &Entry) -> Result<(), EvidenceError> {
        let start = self.buffer.len();
        let written = self.context.write(&mut self.buffer, case, at, entry);
        written.map_err(|error| EvidenceError::malformed(&self.path, error.to_string()))?;
        self.lines += self.buffer[start..].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.is_chained = false;
        if self.buffer.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn hash(&mut self) -> &Sha256 {
        self.hash.update(&self.buffer[self.hashed..]);
        self.hashed = self.buffer.len();
        &self.hash
    }

    /// Hands all lines to the system.
    ///
    /// # Errors
    /// Those of the file.
    pub fn flush(&mut self) -> Result<(), EvidenceError> {
        self.hash();
        self.file.write_all(&self.buffer).map_err(EvidenceError::io(&self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.hashed = 0;
        Ok(())
    }

    /// Makes all lines durable.
    ///
    /// # Errors
    /// Those of the file.
    pub fn commit(&mut self) -> Result<(), EvidenceError> {
        if !self.is_chained {
            let chain = hex(&self.hash().clone().finalize());
            self.append("", Instant::START, &Entry::Commit { chain })?;
            self.is_chained = true;
        }
        self.flush()?;
        self.file.sync_data().map_err(EvidenceError::io(&self.path))
    }

    /// Number of lines, and hash of the whole file.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(&mut self) -> Result<(u64, String), EvidenceError> {
        self.commit()?;
        Ok((self.lines, hex(&self.hash.clone().finalize())))
    }
}
