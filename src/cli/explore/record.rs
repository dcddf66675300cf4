//! What an exploration leaves in its folder: `explored.jsonl`, a line for what was asked for and one for each round.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::evidence::Counts;

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
    /// What was done to the lock in it.
    pub operations: u64,
    /// The run folder below this one with its evidence, if it was kept.
    pub kept: Option<String>,
    /// SHA-256 of its journal, kept or not.
    pub journal: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Asked(Asked),
    Played(Played),
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
        fs::create_dir_all(parent)?;
        let names = (1..1_000).map(|n| if n == 1 { name.to_owned() } else { format!("{name}-{n}") });
        let mut taken = io::Error::other("a thousand explorations of this moment are there already");
        for name in names {
            let folder = parent.join(name);
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let file = File::create_new(folder.join(NAME))?;
                    let record = Self { folder, file: Mutex::new(file), kept: AtomicU64::new(0) };
                    record.write(&Line::Asked(asked.clone()))?;
                    return Ok(record);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    /// Opens one to go on with it: what was asked for, and what was played. What was written last may be cut off.
    ///
    /// # Errors
    /// There is none in the folder, or it can't be read.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Asked, Vec<Played>)> {
        let path = folder.join(NAME);
        let (mut asked, mut played, mut whole) = (None, Vec::new(), 0);
        for line in BufReader::new(File::open(&path)?).split(b'\n') {
            let line = line?;
            match serde_json::from_slice(&line) {
                Ok(Line::Asked(line)) => asked = Some(line),
                Ok(Line::Played(line)) => played.push(line),
                Err(_) => break,
            }
            whole += line.len() as u64 + 1;
        }
        let asked = asked.ok_or_else(|| io::Error::other("it does not say what was explored"))?;
        let file = OpenOptions::new().append(true).open(&path)?;
        if file.metadata()?.len() > whole {
            file.set_len(whole)?;
        }
        let kept = played.iter().filter_map(|one: &Played| one.kept.as_ref());
        let kept = kept.map(|name| size_of(&folder.join(name))).sum();
        let record = Self { folder: folder.to_owned(), file: Mutex::new(file), kept: AtomicU64::new(kept) };
        Ok((record, asked, played))
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

/// Bytes of what grows with the lives of a round.
fn size_of(run: &Path) -> u64 {
    let files = ["journal.jsonl", "results.json", "index.jsonl"];
    files.iter().filter_map(|name| fs::metadata(run.join(name)).ok()).map(|file| file.len()).sum()
}
