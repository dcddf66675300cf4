//! What happened in one case, read back from its place in the journal.
//!
//! The chain is not checked here: whoever makes views verifies the folder first.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::engine::{Record, StepOutcome};
use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::{Duration, Instant};

use super::EvidenceError;
use super::entry::{Entry, JournalLine};
use super::files::open_regular;
use super::index::{Places, read_index};
use super::line::{Context, each_line, whole_lines};

/// More than this was not written for one case by this tool.
const MAX_CASE: u64 = 256 << 20;

/// What happened in one case.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Every channel over time.
    pub trace: Timeline,
    /// Steps in the order of their ends.
    pub steps: Vec<SceneStep>,
    /// Holds in the order of their ends.
    pub holds: Vec<SceneHold>,
    /// What a command followed at once, and how soon.
    pub reactions: Vec<(String, Duration)>,
    /// When it ended.
    pub end: Option<Instant>,
    /// Commands that were not achieved so far.
    waiting: BTreeMap<u64, (Channel, Value)>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneStep {
    /// What it is called.
    pub label: String,
    /// When it began.
    pub begin: Instant,
    /// When it ended.
    pub end: Instant,
    /// Whether its condition was not met.
    pub unmet: bool,
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneHold {
    /// The channel, or the output whose contact is read back.
    pub what: String,
    /// What was commanded, if that was known beforehand.
    pub commanded: Option<Duration>,
    /// How long it lasted, by the output's own edges or by its contact's.
    pub lasted: Duration,
    /// Whether its contact says so.
    pub sensed: bool,
    /// Expanded uncertainty (k = 2).
    pub uncertainty: Duration,
}

/// Reads scenes from a run folder.
pub struct SceneReader {
    path: PathBuf,
    file: File,
    places: Places,
}

impl SceneReader {
    /// Opens the journal of a run folder.
    ///
    /// # Errors
    /// It can't be read.
    pub fn open(folder: &Path) -> Result<Self, EvidenceError> {
        let path = folder.join("journal.jsonl");
        let file = open_regular(&path)?;
        Ok(Self { path, file, places: read_index(folder)? })
    }

    /// Whether a case was played.
    pub fn has(&self, case: &str) -> bool {
        self.places.of(case).is_some()
    }

    /// What happened in a case; nothing in one that was not played.
    ///
    /// # Errors
    /// Its lines are not where the index says, or can't be read.
    pub fn read(&self, case: &str) -> Result<Option<Scene>, EvidenceError> {
        let Some((begin, length)) = self.places.of(case) else { return Ok(None) };
        let malformed = |reason: String| EvidenceError::malformed(&self.path, reason);
        if length > MAX_CASE {
            return Err(malformed(format!("{length} bytes is too much for one case")));
        }
        let size = self.file.metadata().map_err(EvidenceError::io(&self.path))?.len();
        if begin.checked_add(length).is_none_or(|end| end > size) {
            return Err(malformed(format!("the file ends before the lines of {case}")));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, begin).map_err(EvidenceError::io(&self.path))?;
        let (mut scene, mut context) = (Scene::default(), Context::default());
        let lines = whole_lines(&bytes);
        if lines.len() < bytes.len() {
            return Err(malformed(format!("the lines of {case} are cut, or not UTF-8")));
        }
        for line in each_line(lines) {
            let mut other = None;
            let read = context.read_verified(line, |line| match *line.case == *case {
                true => scene.add(line),
                false => other = Some(line.case),
            });
            read.map_err(|error| malformed(format!("{case}: {error}")))?;
            if let Some(found) = other {
                return Err(malformed(format!("there is a line of {found} where the index has {case}")));
            }
        }
        Ok(Some(scene))
    }
}

impl Scene {
    /// Adds what happened next.
    fn add(&mut self, line: JournalLine) {
        let at = line.at;
        match line.entry {
            Entry::Command { id, channel, value, achieved_ns } => match achieved_ns {
                Some(at) => self.trace.push(&channel, Edge { at, value }),
                // On a bench it is done later, or never.
                None => drop(self.waiting.insert(id, (channel, value))),
            },
            Entry::Achieved { id } => {
                if let Some((channel, value)) = self.waiting.remove(&id) {
                    self.trace.push(&channel, Edge { at, value });
                }
            }
            Entry::Signal { channel, value } => self.trace.push(&channel, Edge { at, value }),
            Entry::Hold { channel, begin_ns: _, commanded_ns, achieved_ns, uncertainty_ns } => {
                self.holds.push(SceneHold {
                    what: channel.to_string(),
                    commanded: commanded_ns,
                    lasted: achieved_ns,
                    sensed: false,
                    uncertainty: uncertainty_ns,
                });
            }
            Entry::SensedHold { output, sensed_ns, uncertainty_ns } => self.holds.push(SceneHold {
                what: output,
                commanded: None,
                lasted: sensed_ns,
                sensed: true,
                uncertainty: uncertainty_ns,
            }),
            Entry::Record(Record::Step { label, begin, end, outcome, reason: _ }) => {
                self.steps.push(SceneStep { label, begin, end, unmet: outcome == StepOutcome::Unmet });
            }
            Entry::Record(Record::Reaction { to, latency }) => self.reactions.push((to, latency)),
            Entry::End(_) => self.end = Some(at),
            Entry::Run(_)
            | Entry::Begin { .. }
            | Entry::Ready(_)
            | Entry::Clock { .. }
            | Entry::Sensed { .. }
            | Entry::Told { .. }
            | Entry::Advance { .. }
            | Entry::Record(Record::Part(_) | Record::Measurement(_))
            | Entry::Stderr { .. }
            | Entry::Stop { .. }
            | Entry::Commit { .. } => {}
        }
    }
}
