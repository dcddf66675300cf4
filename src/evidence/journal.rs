//! `journal.jsonl`: every entry, a line each. A line that says `chain` has the hash of everything before it, and
//! follows whatever was made durable.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
use sha2::{Digest, Sha256};

use crate::unit::Instant;

use super::entry::{Entry, JournalLine};
use super::files::open_regular;
use super::line::Context;
use super::{EvidenceError, hex};

/// Lines are handed to the system in blocks of this size.
const BLOCK: usize = 1 << 16;
/// A longer line was not written by this tool.
const MAX_LINE: u64 = 8 << 20;
/// How a line begins that has the hash of everything before it.
const CHAIN: &[u8] = b"{\"chain\":";
/// How a line begins that begins a case.
const CASE: &[u8] = b"{\"case\":";
/// A case that is longer is decoded piece by piece.
const LONGEST_BLOCK: usize = 16 * BLOCK;

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

/// Reads a journal entry by entry, and checks that it is what was written. Some blocks of it are decoded ahead, on
/// all processors.
pub struct JournalReader {
    path: PathBuf,
    source: Source,
    /// What the lines before the next block said.
    context: Context,
    /// What was decoded and not yet handed out.
    decoded: VecDeque<Decoded>,
    /// Where the last entry that was handed out stands.
    last: Place,
    torn: bool,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the line, from 1 on.
    pub line: u64,
    /// First byte.
    pub begin: u64,
    /// The byte after it.
    pub end: u64,
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
            source: Source {
                path: path.to_owned(),
                reader: BufReader::with_capacity(BLOCK, file),
                next: Vec::new(),
                hash: Sha256::new(),
                read: Place::default(),
                chained: 0,
                torn: false,
            },
            context: Context::default(),
            decoded: VecDeque::new(),
            last: Place::default(),
            torn: false,
        })
    }

    /// The next entry; none at the end, or where a run was cut off: what no hash follows may be anything.
    ///
    /// # Errors
    /// Something is not what was written, or can't be read.
    pub fn next_entry(&mut self) -> Result<Option<JournalLine>, EvidenceError> {
        loop {
            let Some(block) = self.decoded.front_mut() else {
                if self.torn || !self.decode_ahead()? {
                    self.torn |= self.source.torn;
                    return Ok(None);
                }
                continue;
            };
            if let Some((place, line)) = block.lines.next() {
                self.last = place;
                return Ok(Some(line));
            }
            let wrong = block.wrong.take();
            self.decoded.pop_front();
            if let Some((line, reason)) = wrong {
                if self.source.is_promised(line)? {
                    return Err(EvidenceError::malformed(&self.path, reason));
                }
                // Nothing of what follows was promised to anybody.
                self.decoded.clear();
                self.torn = true;
            }
        }
    }

    /// Decodes the next blocks; `false` at the end.
    fn decode_ahead(&mut self) -> Result<bool, EvidenceError> {
        let mut blocks = Vec::new();
        while blocks.len() < 2 * rayon::current_num_threads() {
            let Some(block) = self.source.block()? else { break };
            let is_whole = block.is_whole;
            blocks.push(block);
            // What follows depends on it.
            if !is_whole {
                break;
            }
        }
        let is_whole = blocks.last().is_some_and(|block| block.is_whole);
        let first = std::mem::take(&mut self.context);
        let contexts = std::iter::once(first).chain(std::iter::repeat_with(Context::default));
        let work: Vec<(Block, Context)> = blocks.into_iter().zip(contexts).collect();
        self.decoded.par_extend(work.into_par_iter().map(|(block, context)| block.decode(context)));
        if let (false, Some(last)) = (is_whole, self.decoded.back_mut()) {
            self.context = std::mem::take(&mut last.context);
        }
        Ok(!self.decoded.is_empty())
    }

    /// Lines read: up to the last entry, or at the end all.
    pub fn lines(&self) -> u64 {
        if self.decoded.is_empty() && !self.torn { self.source.read.line } else { self.last.line }
    }

    /// Where the last entry stands.
    pub fn place(&self) -> Place {
        self.last
    }

    /// Hash of the whole file, at its end.
    pub fn hash(&self) -> String {
        hex(&self.source.hash.clone().finalize())
    }

    /// Whether the file ends within a line, or in something that lockrig did not write.
    pub fn is_torn(&self) -> bool {
        self.torn
    }
}

/// The bytes of a journal, line by line, and their hash.
struct Source {
    path: PathBuf,
    reader: BufReader<File>,
    /// The first line of the next block.
    next: Vec<u8>,
    hash: Sha256,
    /// The last line read.
    read: Place,
    /// The last line with a hash.
    chained: u64,
    torn: bool,
}

/// Lines that can be decoded apart from others: whole cases, as far as they are not longer than any.
struct Block {
    text: Vec<u8>,
    /// Where the line before its first stands.
    before: Place,
    /// The next block does not depend on it.
    is_whole: bool,
    /// Another case follows.
    is_followed: bool,
    /// A line whose hash is not that of what stands before it, and why that is wrong.
    wrong: Option<(u64, String)>,
}

/// A decoded block, and what is wrong in the line after its last.
struct Decoded {
    lines: std::vec::IntoIter<(Place, JournalLine)>,
    wrong: Option<(u64, String)>,
    context: Context,
}

impl Source {
    /// Reads on until a case begins, or until a block is large enough.
    fn block(&mut self) -> Result<Option<Block>, EvidenceError> {
        let mut text = std::mem::take(&mut self.next);
        let length = text.len() as u64;
        let mut before = self.read;
        if length > 0 {
            before = Place { line: before.line - 1, begin: 0, end: before.end - length };
        }
        let mut block = Block { text: Vec::new(), before, is_whole: true, is_followed: false, wrong: None };
        let mut hashed = 0;
        loop {
            let begin = text.len();
            if !self.line(&mut text)? {
                break;
            }
            let line = &text[begin..];
            if line.starts_with(CASE) && begin >= BLOCK {
                self.next = text.split_off(begin);
                block.is_followed = true;
                break;
            }
            if line.starts_with(CHAIN) {
                self.hash.update(&text[hashed..begin]);
                hashed = begin;
                let hash = hex(&self.hash.clone().finalize());
                if line.get(CHAIN.len()..) != Some(format!("\"{hash}\"}}\n").as_bytes())
                    && block.wrong.is_none()
                {
                    let (from, to) = (self.chained + 1, self.read.line);
                    let reason = format!("between line {from} and line {to} it is not what was written");
                    block.wrong = Some((to, reason));
                }
                self.chained = self.read.line;
            }
            if text.len() >= LONGEST_BLOCK {
                block.is_whole = false;
                break;
            }
        }
        self.hash.update(&text[hashed..]);
        block.text = text;
        Ok(Some(block).filter(|block| !block.text.is_empty()))
    }

    /// Reads a whole line with its end; `false` if there is none.
    fn line(&mut self, text: &mut Vec<u8>) -> Result<bool, EvidenceError> {
        let begin = text.len();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', text);
        let length = read.map_err(EvidenceError::io(&self.path))? as u64;
        if text.len() > begin && text.last() == Some(&b'\n') {
            let begin = self.read.end;
            self.read = Place { line: self.read.line + 1, begin, end: begin + length };
            return Ok(true);
        }
        if length >= MAX_LINE {
            let reason = format!("line {} is longer than any that lockrig writes", self.read.line + 1);
            return Err(EvidenceError::malformed(&self.path, reason));
        }
        text.truncate(begin);
        self.torn |= length > 0;
        Ok(false)
    }

    /// Whether a line or one that follows has a hash: what stands before it was made durable.
    fn is_promised(&mut self, line: u64) -> Result<bool, EvidenceError> {
        let mut text = Vec::new();
        while self.chained < line && self.line(&mut text)? {
            if text.starts_with(CHAIN) {
                self.chained = self.read.line;
            }
            text.clear();
        }
        Ok(self.chained >= line)
    }
}

impl Block {
    fn decode(self, mut context: Context) -> Decoded {
        let (mut lines, mut wrong) = (Vec::new(), None);
        let mut place = self.before;
        for line in self.text.split_inclusive(|byte| *byte == b'\n') {
            let begin = place.end;
            place = Place { line: place.line + 1, begin, end: begin + line.len() as u64 };
            if self.wrong.as_ref().is_some_and(|(wrong, _)| *wrong == place.line) {
                wrong = self.wrong;
                break;
            }
            match context.read(line) {
                Ok(Some(line)) => lines.push((place, line)),
                Ok(None) => {}
                Err(error) => {
                    wrong = Some((place.line, format!("line {}: {error}", place.line)));
                    break;
                }
            }
        }
        if let (true, None, Some(open)) = (self.is_followed, &wrong, context.open_case()) {
            let line = place.line + 1;
            wrong = Some((line, format!("line {line}: not a journal entry: {open} began and has no end")));
        }
        Decoded { lines: lines.into_iter(), wrong, context }
    }
}
