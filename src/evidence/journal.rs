//! `journal.jsonl`: every record, each line carrying the hash of the line before.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::unit::Instant;

use super::entry::Entry;
use super::manifest::open_regular;
use super::{EvidenceError, hex};

/// Hash before the first line.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Lines are handed to the system in blocks of this size.
const BLOCK: usize = 1 << 16;
/// A longer line was not written by this tool.
const MAX_LINE: u64 = 8 << 20;

/// Appends to a journal, and holds its lock.
pub struct JournalWriter {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    body: Vec<u8>,
    whole: Sha256,
    last_hash: String,
    lines: u64,
    /// Bytes handed to the system.
    written: u64,
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
            body: Vec::new(),
            whole: Sha256::new(),
            last_hash: NO_HASH.to_owned(),
            lines: 0,
            written: 0,
        })
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends a line.
    ///
    /// # Errors
    /// Those of the file.
    pub fn append(&mut self, case: &str, at: Instant, entry: &Entry) -> Result<(), EvidenceError> {
        let start = self.buffer.len();
        self.body.clear();
        let failed = |error: serde_json::Error| EvidenceError::malformed(&self.path, error.to_string());
        serde_json::to_writer(&mut self.body, entry).map_err(failed)?;
        // Identifiers hold nothing that JSON escapes. Writing to memory can't fail.
        let _ = write!(
            self.buffer,
            "{{\"seq\":{},\"t_ns\":{},\"case\":\"{case}\",\"prev\":\"{}\",",
            self.lines,
            at.as_nanoseconds(),
            self.last_hash
        );
        self.buffer.extend_from_slice(&self.body[1..]);
        self.last_hash = hex(&Sha256::digest(&self.buffer[start..]));
        self.buffer.push(b'\n');
        self.lines += 1;
        if self.buffer.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Hands all lines to the system.
    ///
    /// # Errors
    /// Those of the file.
    pub fn flush(&mut self) -> Result<(), EvidenceError> {
        self.file.write_all(&self.buffer).map_err(EvidenceError::io(&self.path))?;
        self.whole.update(&self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes all lines durable.
    ///
    /// # Errors
    /// Those of the file.
    pub fn commit(&mut self) -> Result<(), EvidenceError> {
        // The chain covers a line only once another follows: this one says nothing itself.
        self.append("", Instant::START, &Entry::Commit {})?;
        self.flush()?;
        self.file.sync_data().map_err(EvidenceError::io(&self.path))
    }

    /// Number of lines, hash of the last one, and hash of the whole file.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(&mut self) -> Result<(u64, String, String), EvidenceError> {
        self.commit()?;
        Ok((self.lines, self.last_hash.clone(), hex(&self.whole.clone().finalize())))
    }
}

/// Reads a journal line by line, checking the chain.
pub struct JournalReader {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    expected: String,
    lines: u64,
    torn: bool,
    last_is_commit: bool,
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
            expected: NO_HASH.to_owned(),
            lines: 0,
            torn: false,
            last_is_commit: false,
        })
    }

    /// The next whole line, without its end, once its place in the chain was checked.
    ///
    /// # Errors
    /// The line breaks the chain, or can't be read.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, EvidenceError> {
        use std::io::Read as _;
        self.line.clear();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line);
        read.map_err(EvidenceError::io(&self.path))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.pop_if(|byte| *byte == b'\n').is_none() {
            if self.line.len() as u64 >= MAX_LINE {
                let reason = format!("line {} is longer than any that lockrig writes", self.lines + 1);
                return Err(EvidenceError::malformed(&self.path, reason));
            }
            self.torn = true;
            return Ok(None);
        }
        let number = self.lines + 1;
        let start = format!("{{\"seq\":{},\"t_ns\":", self.lines);
        let prev = format!("\"prev\":\"{}\",", self.expected);
        let starts = self.line.starts_with(start.as_bytes());
        // The chain's field stands before anything that a lock may have said.
        let head = &self.line[..self.line.len().min(512)];
        let chained = head.windows(prev.len()).any(|window| window == prev.as_bytes());
        if !starts || !chained {
            let reason = format!("line {number} does not follow from line {}", self.lines);
            return Err(EvidenceError::malformed(&self.path, reason));
        }
        let commit = format!("{start}0,\"case\":\"\",{prev}\"commit\":{{}}}}");
        self.last_is_commit = self.line == commit.as_bytes();
        self.expected = hex(&Sha256::digest(&self.line));
        self.lines = number;
        Ok(Some(&self.line))
    }

    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Hash of the last line read.
    pub fn last_hash(&self) -> &str {
        &self.expected
    }

    /// Whether the last whole line only closes the chain, byte for byte.
    pub fn ends_with_commit(&self) -> bool {
        self.last_is_commit
    }

    /// Whether the file ends within a line.
    pub fn is_torn(&self) -> bool {
        self.torn
    }
}
