//! What an exploration leaves in its folder: `explored.jsonl`, a line for what was asked for and one for each round.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::evidence::{Counts, create_fresh, list_files};

const NAME: &str = "explored.jsonl";

/// What is explored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub rig: String,
    /// All that the rig has, without any.
    pub models: Vec<String>,
    /// All, without any.
    pub methods: Vec<String>,
    pub seed: u64,
    pub defect: Option<String>,
    pub variation: Option<String>,
    /// SHA-256 of what decides which lives are drawn: lockrig's version, models and rig.
    pub inputs: String,
}

/// A round that was played to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Played {
    pub model: String,
    pub method: String,
    /// The number of its first life.
    pub first: u64,
    /// Lives that were drawn for it: none if it was there to make one simpler, or to keep it.
    pub drawn: u64,
    pub counts: Counts,
    /// Lives of it that nothing could be concluded from.
    pub unclear: u64,
    /// What was done to the lock in it.
    pub operations: u64,
    /// The run folder below this one with its evidence, if it was kept.
    pub kept: Option<String>,
    /// SHA-256 of its journal, kept or not.
    pub journal: Option<String>,
}

/// A life that failed, once its scenario is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub model: String,
    pub method: String,
    /// The number of the life.
    pub life: u64,
    /// The scenario file beside this one.
    pub scenario: String,
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Asked(Asked),
    Played(Played),
    Found(Kept),
}

/// What an exploration did before it is gone on with.
#[derive(Default)]
pub(super) struct Before {
    pub played: Vec<Played>,
    pub found: Vec<Kept>,
}

/// The folder of an exploration, open for more.
pub(super) struct Record {
    pub folder: PathBuf,
    file: Mutex<File>,
    /// Bytes of evidence that lie in it.
    kept: AtomicU64,
}

impl Record {
    /// Begins one in a new folder below `parent`; `name` is the wished one, which gets a number if it is taken.
    ///
    /// # Errors
    /// The folder can't be written.
    pub(super) fn create(parent: &Path, name: &str, asked: &Asked) -> io::Result<Self> {
        let (folder, _) = create_fresh(parent, name).map_err(io::Error::other)?;
        let file = File::create_new(folder.join(NAME))?;
        lock(&file)?;
        let record = Self { folder, file: Mutex::new(file), kept: AtomicU64::new(0) };
        record.write(&Line::Asked(asked.clone()))?;
        Ok(record)
    }

    /// Opens one to go on with it: what was asked for, and what was done. A last line that was cut off is dropped.
    ///
    /// # Errors
    /// There is none in the folder, it is in use, it can't be read, or a line of it is not what it must be.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Asked, Before)> {
        let path = folder.join(NAME);
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        lock(&file)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // Only what was being written when the power went has no end.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (mut asked, mut before) = (None, Before::default());
        let lines = text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Line::Asked(line)) => asked = Some(line),
                Ok(Line::Played(line)) => before.played.push(line),
                Ok(Line::Found(line)) => before.found.push(line),
                Err(error) => return Err(io::Error::other(format!("line {number} of {NAME}: {error}"))),
            }
        }
        let asked = asked.ok_or_else(|| io::Error::other("it does not say what was explored"))?;
        if whole < text.len() {
            file.set_len(whole as u64)?;
        }
        let kept = before.played.iter().filter_map(|one| one.kept.as_ref());
        let kept = kept.map(|name| size_of(&folder.join(name))).sum();
        let record = Self { folder: folder.to_owned(), file: Mutex::new(file), kept: AtomicU64::new(kept) };
        Ok((record, asked, before))
    }

    /// A life failed, and its scenario is written.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn note_found(&self, kept: Kept) -> io::Result<()> {
        self.write(&Line::Found(kept))
    }

    /// A round was played.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn note(&self, played: Played) -> io::Result<()> {
        self.write(&Line::Played(played))
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = self.file.lock().map_err(|_| io::Error::other("another thread failed in it"))?;
        file.write_all(&text)?;
        file.sync_data()
    }

    /// Whether evidence of a run folder still has its place, which it then takes.
    pub(super) fn has_room(&self, run: &Path, most: u64) -> bool {
        let size = size_of(run);
        let has_room = self.kept.load(Ordering::Relaxed).saturating_add(size) <= most;
        if has_room {
            self.kept.fetch_add(size, Ordering::Relaxed);
        }
        has_room
    }
}

/// Two that go on with the same exploration would write the same lives twice.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another lockrig is at work in it")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Bytes of a run folder.
fn size_of(run: &Path) -> u64 {
    let files = list_files(run).unwrap_or_default();
    files.iter().filter_map(|name| fs::metadata(run.join(name)).ok()).map(|file| file.len()).sum()
}
