//! `journal.jsonl`: every entry, a line each. A line that says `chain` has the hash of everything before it, and
//! follows whatever was made durable.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::unit::Instant;

use super::entry::{Entry, JournalLine};
use super::line::Context;
use super::manifest::open_regular;
use super::{EvidenceError, hex};

/// Lines are handed to the system in blocks of this size.
const BLOCK: usize = 1 << 16;
/// A longer line was not written by this tool.
const MAX_LINE: u64 = 8 << 20;
/// How a line begins that has the hash of everything before it.
const CHAIN: &[u8] = b"{\"chain\":";

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

/// Reads a journal entry by entry, and checks that it is what was written.
pub struct JournalReader {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    context: Context,
    hash: Sha256,
    lines: u64,
    /// Lines up to the last hash.
    chained: u64,
    /// First byte of the last line, and the byte after it.
    place: (u64, u64),
    torn: bool,
}

impl JournalReader {
    /// Opens a journal.
    ///
    /// # Errors
    /// It can't be read.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        let file = open_regular(path)?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(BLOCK, file),
            line: Vec::new(),
            context: Context::default(),
            hash: Sha256::new(),
            lines: 0,
            chained: 0,
            place: (0, 0),
            torn: false,
        })
    }

    /// The next entry; none at the end, or where a run was cut off: what no hash follows may be anything.
    ///
    /// # Errors
    /// Something is not what was written, or can't be read.
    pub fn next_entry(&mut self) -> Result<Option<JournalLine>, EvidenceError> {
        while self.next_line()? {
            match self.entry() {
                Ok(None) => {}
                Ok(Some(line)) => return Ok(Some(line)),
                Err(reason) => {
                    if self.is_promised()? {
                        return Err(EvidenceError::malformed(&self.path, reason));
                    }
                    self.torn = true;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Reads a whole line with its end; `false` if there is none.
    fn next_line(&mut self) -> Result<bool, EvidenceError> {
        self.line.clear();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line);
        read.map_err(EvidenceError::io(&self.path))?;
        self.place = (self.place.1, self.place.1 + self.line.len() as u64);
        if self.line.last() == Some(&b'\n') {
            self.lines += 1;
            return Ok(true);
        }
        if self.line.len() as u64 >= MAX_LINE {
            let reason = format!("line {} is longer than any that lockrig writes", self.lines + 1);
            return Err(EvidenceError::malformed(&self.path, reason));
        }
        self.torn = !self.line.is_empty();
        Ok(false)
    }

    fn entry(&mut self) -> Result<Option<JournalLine>, String> {
        let read = self.context.read(&self.line).map_err(|error| format!("line {}: {error}", self.lines))?;
        if let Some(JournalLine { entry: Entry::Commit { chain }, .. }) = &read {
            if *chain != hex(&self.hash.clone().finalize()) {
                return Err(format!(
                    "between line {} and line {} it is not what was written",
                    self.chained + 1,
                    self.lines
                ));
            }
            self.chained = self.lines;
        }
        self.hash.update(&self.line);
        Ok(read)
    }

    /// Whether the last line or one that follows has a hash: what stands before it was made durable.
    fn is_promised(&mut self) -> Result<bool, EvidenceError> {
        let number = self.lines;
        let mut is_promised = self.line.starts_with(CHAIN);
        while !is_promised && self.next_line()? {
            is_promised = self.line.starts_with(CHAIN);
        }
        self.lines = number;
        Ok(is_promised)
    }

    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// First byte of the last line, and the byte after it.
    pub fn place(&self) -> (u64, u64) {
        self.place
    }

    /// Hash of everything read.
    pub fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Whether the file ends within a line, or in something that lockrig did not write.
    pub fn is_torn(&self) -> bool {
        self.torn
    }
}
