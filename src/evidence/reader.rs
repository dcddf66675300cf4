//! Reads `journal.jsonl`, and checks that it is what was written. Blocks of whole cases are decoded on all processors,
//! while those before them are looked at and those after them are read.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::EvidenceError;
use super::blocks::{Block, Blocks, Place};
use super::entry::JournalLine;
use super::line::{Context, each_line, whole_lines};

/// Reads a journal.
pub struct JournalReader {
    path: PathBuf,
    blocks: Blocks,
    /// What the lines before the next block said.
    context: Context,
    /// What was decoded and not yet handed out.
    decoded: VecDeque<Decoded<VecDeque<JournalLine>>>,
    /// What follows is no journal, and was promised to nobody.
    is_cut: bool,
}

/// What became of a block, and what is wrong in the line after its last.
struct Decoded<S> {
    made: S,
    wrong: Option<(u64, String)>,
    is_whole: bool,
    context: Context,
}

impl JournalReader {
    /// Opens a journal.
    ///
    /// # Errors
    /// It can't be read.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        Ok(Self {
            path: path.to_owned(),
            blocks: Blocks::open(path)?,
            context: Context::default(),
            decoded: VecDeque::new(),
            is_cut: false,
        })
    }

    /// The next entry; none at the end, or where a run was cut off: what no hash follows may be anything.
    ///
    /// # Errors
    /// Something is not what was written, or can't be read.
    pub fn next_entry(&mut self) -> Result<Option<JournalLine>, EvidenceError> {
        loop {
            let Some(block) = self.decoded.front_mut() else {
                let blocks = if self.is_cut { Vec::new() } else { self.ahead()? };
                if blocks.is_empty() {
                    return Ok(None);
                }
                let first = (std::mem::take(&mut self.context), VecDeque::new());
                let add = |lines: &mut VecDeque<_>, _, line| lines.push_back(line);
                let (decoded, ()) = decode(blocks, first, &add, || ());
                self.decoded.extend(decoded);
                if let Some(last) = self.decoded.back_mut().filter(|last| !last.is_whole) {
                    self.context = std::mem::take(&mut last.context);
                }
                continue;
            };
            if let Some(line) = block.made.pop_front() {
                return Ok(Some(line));
            }
            let wrong = block.wrong.take();
            self.decoded.pop_front();
            if let Some(wrong) = wrong {
                self.decoded.clear();
                self.end_at(wrong)?;
            }
        }
    }

    /// Hands every entry to `add`, on any processor, and what that made of some whole cases to `end`, in order. Ends
    /// where [`JournalReader::next_entry`] does.
    ///
    /// # Errors
    /// Something is not what was written, or can't be read, or one of `end`.
    pub fn gather<S: Default + Send, E: From<EvidenceError>>(
        &mut self,
        add: impl Fn(&mut S, Place, JournalLine) + Sync,
        mut end: impl FnMut(S) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first = (Context::default(), S::default());
        let mut blocks = self.ahead()?;
        let mut ready: Vec<Decoded<S>> = Vec::new();
        while !self.is_cut && (!blocks.is_empty() || !ready.is_empty()) {
            let (mut decoded, next) = decode(blocks, std::mem::take(&mut first), &add, || -> Result<_, E> {
                for Decoded { made, wrong, .. } in ready.drain(..) {
                    end(made)?;
                    if let Some(wrong) = wrong {
                        self.end_at(wrong)?;
                        return Ok(Vec::new());
                    }
                }
                Ok(self.ahead()?)
            });
            blocks = next?;
            // The rest of a long case belongs to what was made of its beginning.
            if !blocks.is_empty()
                && let Some(last) = decoded.pop_if(|last| !last.is_whole && last.wrong.is_none())
            {
                first = (last.context, last.made);
            }
            ready = decoded;
        }
        Ok(())
    }

    /// The next blocks, as far as they do not depend on each other.
    fn ahead(&mut self) -> Result<Vec<Block>, EvidenceError> {
        let mut blocks: Vec<Block> = Vec::new();
        while blocks.len() < 2 * rayon::current_num_threads()
            && blocks.last().is_none_or(|last| last.is_whole)
            && let Some(block) = self.blocks.next()?
        {
            blocks.push(block);
        }
        Ok(blocks)
    }

    /// Ends before a line that is none, unless it was promised.
    fn end_at(&mut self, (line, reason): (u64, String)) -> Result<(), EvidenceError> {
        if self.blocks.is_promised(line)? {
            return Err(EvidenceError::malformed(&self.path, reason));
        }
        self.is_cut = true;
        Ok(())
    }

    /// Lines read so far, at the end all.
    pub fn lines(&self) -> u64 {
        self.blocks.lines()
    }

    /// Whether the file ends within a line, or in something that lockrig did not write.
    pub fn is_torn(&self) -> bool {
        self.is_cut || self.blocks.is_torn()
    }

    /// Hash of the whole file, at its end.
    pub fn hash(&self) -> String {
        self.blocks.hash()
    }
}

/// Decodes blocks on all processors, and does something else meanwhile; the first block goes on from what is given.
fn decode<S: Default + Send, T>(
    blocks: Vec<Block>,
    first: (Context, S),
    add: &(impl Fn(&mut S, Place, JournalLine) + Sync),
    meanwhile: impl FnOnce() -> T,
) -> (Vec<Decoded<S>>, T) {
    let mut decoded: Vec<Option<Decoded<S>>> = blocks.iter().map(|_| None).collect();
    let others = std::iter::repeat_with(|| (Context::default(), S::default()));
    let before = std::iter::once(first).chain(others);
    let done = rayon::in_place_scope(|scope| {
        for ((block, before), decoded) in blocks.into_iter().zip(before).zip(&mut decoded) {
            scope.spawn(move |_| *decoded = Some(block.decode(before, add)));
        }
        meanwhile()
    });
    (decoded.into_iter().flatten().collect(), done)
}

impl Block {
    fn decode<S>(
        self,
        (mut context, mut made): (Context, S),
        add: &impl Fn(&mut S, Place, JournalLine),
    ) -> Decoded<S> {
        let (mut place, mut wrong, is_whole) = (self.before, None, self.is_whole);
        let lines = whole_lines(&self.text);
        for line in each_line(lines) {
            let begin = place.end;
            place = Place { line: place.line + 1, begin, end: begin + line.len() as u64 };
            if self.wrong.as_ref().is_some_and(|(wrong, _)| *wrong == place.line) {
                wrong = self.wrong;
                break;
            }
            if let Err(error) = context.read(line, |line| add(&mut made, place, line)) {
                wrong = Some((place.line, format!("line {}: {error}", place.line)));
                break;
            }
        }
        let line = place.line + 1;
        if wrong.is_none() && lines.len() < self.text.len() {
            wrong = Some((line, format!("line {line}: not a journal entry: it is not UTF-8")));
        }
        if let (true, None, Some(open)) = (self.is_followed, &wrong, context.open_case()) {
            wrong = Some((line, format!("line {line}: not a journal entry: {open} began and has no end")));
        }
        Decoded { made, wrong, is_whole, context }
    }
}
