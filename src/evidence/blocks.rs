//! The bytes of a journal, cut into blocks that can be decoded apart from each other, and their hash.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;
use sha2::{Digest, Sha256};

use super::files::open_regular;
use super::{EvidenceError, hex};

/// A block ends with the first case that makes it as large.
const BLOCK: usize = 1 << 16;
/// A case that is longer is decoded piece by piece.
const LONGEST_BLOCK: usize = 16 * BLOCK;
/// A longer line was not written by this tool.
const MAX_LINE: usize = 8 << 20;
/// The end of a line, and how the next begins that begins a case.
const CASE: &[u8] = b"\n{\"case\":";
/// The same of a line that has the hash of everything before it.
const CHAIN: &[u8] = b"\n{\"chain\":";

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

/// Lines that can be decoded apart from others: whole cases, as far as they are not longer than any.
pub(super) struct Block {
    /// Whole lines.
    pub(super) text: Vec<u8>,
    /// Where the line before its first stands.
    pub(super) before: Place,
    /// The next block does not depend on it.
    pub(super) is_whole: bool,
    /// Another case follows.
    pub(super) is_followed: bool,
    /// A line whose hash is not that of what stands before it, and why that is wrong.
    pub(super) wrong: Option<(u64, String)>,
}

/// Reads a journal block by block.
pub(super) struct Blocks {
    path: PathBuf,
    file: File,
    /// What was read after the last block.
    rest: Vec<u8>,
    hash: Sha256,
    /// The last line of the last block.
    read: Place,
    /// The last line with a hash.
    chained: u64,
    is_torn: bool,
    case: Finder<'static>,
    chain: Finder<'static>,
}

impl Blocks {
    /// Opens a journal.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn open(path: &Path) -> Result<Self, EvidenceError> {
        Ok(Self {
            path: path.to_owned(),
            file: open_regular(path)?,
            rest: Vec::new(),
            hash: Sha256::new(),
            read: Place::default(),
            chained: 0,
            is_torn: false,
            case: Finder::new(CASE),
            chain: Finder::new(CHAIN),
        })
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// It can't be read, or a line is longer than any that lockrig writes.
    pub(super) fn next(&mut self) -> Result<Option<Block>, EvidenceError> {
        let mut text = std::mem::take(&mut self.rest);
        text.reserve(2 * BLOCK);
        let mut searched = BLOCK;
        let mut block =
            Block { text: Vec::new(), before: self.read, is_whole: true, is_followed: false, wrong: None };
        loop {
            if let Some(found) = text.get(searched..).and_then(|text| self.case.find(text)) {
                self.rest = text.split_off(searched + found + 1);
                block.is_followed = true;
                break;
            }
            // It may have been read in part.
            searched = searched.max((text.len() + 1).saturating_sub(CASE.len()));
            if text.len() >= LONGEST_BLOCK
                && let Some(end) = memchr::memrchr(b'\n', &text)
            {
                self.rest = text.split_off(end + 1);
                block.is_whole = false;
                break;
            }
            if text.len() >= MAX_LINE {
                return Err(self.too_long());
            }
            let read = self.file.by_ref().take(BLOCK as u64).read_to_end(&mut text);
            if read.map_err(EvidenceError::io(&self.path))? == 0 {
                let end = memchr::memrchr(b'\n', &text).map_or(0, |end| end + 1);
                self.is_torn |= end < text.len();
                text.truncate(end);
                break;
            }
        }
        self.pass(&text, &mut block);
        block.text = text;
        Ok(Some(block).filter(|block| !block.text.is_empty()))
    }

    /// Counts the lines of a block, and takes their hash.
    fn pass(&mut self, text: &[u8], block: &mut Block) {
        let lines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count() as u64;
        let (mut hashed, mut line) = (0, self.read.line);
        let first = text.starts_with(&CHAIN[1..]).then_some(0);
        for begin in first.into_iter().chain(self.chain.find_iter(text).map(|end| end + 1)) {
            self.hash.update(&text[hashed..begin]);
            line += lines(&text[hashed..begin]);
            hashed = begin;
            let hash = hex(&self.hash.clone().finalize());
            let expected = format!("{{\"chain\":\"{hash}\"}}\n");
            if !text[begin..].starts_with(expected.as_bytes()) && block.wrong.is_none() {
                let (from, to) = (self.chained + 1, line + 1);
                let reason = format!("between line {from} and line {to} it is not what was written");
                block.wrong = Some((to, reason));
            }
            self.chained = line + 1;
        }
        self.hash.update(&text[hashed..]);
        line += lines(&text[hashed..]);
        self.read = Place { line, begin: self.read.end, end: self.read.end + text.len() as u64 };
    }

    fn too_long(&self) -> EvidenceError {
        let reason = format!("line {} is longer than any that lockrig writes", self.read.line + 1);
        EvidenceError::malformed(&self.path, reason)
    }

    /// Lines of all blocks so far.
    pub(super) fn lines(&self) -> u64 {
        self.read.line
    }

    /// Hash of all blocks so far.
    pub(super) fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Whether the file ends within a line.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Whether a line or one that follows has a hash: what stands before it was made durable.
    ///
    /// # Errors
    /// What follows can't be read.
    pub(super) fn is_promised(&mut self, line: u64) -> Result<bool, EvidenceError> {
        while self.chained < line && self.next()?.is_some() {}
        Ok(self.chained >= line)
    }
}
