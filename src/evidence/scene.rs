//! What happened in one case, read back from its place in the journal.
//!
//! The chain is not checked here: whoever makes views verifies the folder first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::engine::{Record, StepOutcome};
use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::{Duration, Instant};

use super::EvidenceError;
use super::index::{Places, read_index};
use super::manifest::open_regular;

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

/// A line with only what a view needs.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    case: Cow<'a, str>,
    t_ns: u64,
    command: Option<Command>,
    achieved: Option<Achieved>,
    signal: Option<Signal>,
    hold: Option<Hold>,
    sensed_hold: Option<SensedHold>,
    record: Option<Record>,
}

#[derive(Deserialize)]
struct Command {
    id: u64,
    channel: String,
    value: Json,
    achieved_ns: Option<u64>,
}

#[derive(Deserialize)]
struct Achieved {
    id: u64,
}

#[derive(Deserialize)]
struct Signal {
    channel: String,
    value: Json,
}

#[derive(Deserialize)]
struct Hold {
    channel: String,
    commanded_ns: Option<u64>,
    achieved_ns: u64,
    uncertainty_ns: u64,
}

#[derive(Deserialize)]
struct SensedHold {
    output: String,
    sensed_ns: u64,
    uncertainty_ns: u64,
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
        let (mut scene, mut waiting) = (Scene::default(), BTreeMap::new());
        let text = std::str::from_utf8(&bytes).map_err(|error| malformed(format!("{case}: {error}")))?;
        for line in serde_json::Deserializer::from_str(text).into_iter::<Line<'_>>() {
            let line = line.map_err(|error| malformed(format!("{case}: {error}")))?;
            if line.case != case {
                return Err(malformed(format!(
                    "there is a line of {} where the index has {case}",
                    line.case
                )));
            }
            scene.add(line, &mut waiting);
        }
        Ok(Some(scene))
    }
}

fn decoded(channel: &str, value: &Json) -> Option<(Channel, Value)> {
    let channel: Channel = channel.parse().ok()?;
    let value = Value::decode(&channel, value).ok()?;
    Some((channel, value))
}

impl Scene {
    fn add(&mut self, line: Line<'_>, waiting: &mut BTreeMap<u64, (Channel, Value)>) {
        let at = Instant::from_nanoseconds(line.t_ns);
        if let Some(command) = line.command
            && let Some((channel, value)) = decoded(&command.channel, &command.value)
        {
            match command.achieved_ns {
                Some(achieved) => {
                    self.trace.push(&channel, Edge { at: Instant::from_nanoseconds(achieved), value });
                }
                None => drop(waiting.insert(command.id, (channel, value))),
            }
        }
        if let Some((channel, value)) = line.achieved.and_then(|achieved| waiting.remove(&achieved.id)) {
            self.trace.push(&channel, Edge { at, value });
        }
        if let Some((channel, value)) = line.signal.and_then(|signal| decoded(&signal.channel, &signal.value))
        {
            self.trace.push(&channel, Edge { at, value });
        }
        if let Some(hold) = line.hold {
            self.holds.push(SceneHold {
                what: hold.channel,
                commanded: hold.commanded_ns.map(Duration::nanoseconds),
                lasted: Duration::nanoseconds(hold.achieved_ns),
                sensed: false,
                uncertainty: Duration::nanoseconds(hold.uncertainty_ns),
            });
        }
        if let Some(hold) = line.sensed_hold {
            self.holds.push(SceneHold {
                what: hold.output,
                commanded: None,
                lasted: Duration::nanoseconds(hold.sensed_ns),
                sensed: true,
                uncertainty: Duration::nanoseconds(hold.uncertainty_ns),
            });
        }
        match line.record {
            Some(Record::Step { label, begin, end, outcome, .. }) => {
                self.steps.push(SceneStep { label, begin, end, unmet: outcome == StepOutcome::Unmet });
            }
            Some(Record::Reaction { to, latency }) => self.reactions.push((to, latency)),
            _ => {}
        }
    }
}
