//! `index.jsonl`: where in the journal the lines of each played case stand, so that a view of a few
//! cases does not read them all. Where it is missing, views have no timelines.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::Lines;
use super::{EvidenceError, hex};

const NAME: &str = "index.jsonl";

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    case: std::borrow::Cow<'a, str>,
    /// First byte.
    begin: u64,
    /// Number of bytes.
    bytes: u64,
}

/// What stands in the index for a case.
pub(super) fn index_line(case: &str, begin: u64, bytes: u64) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Line { case: case.into(), begin, bytes })?;
    line.push(b'\n');
    Ok(line)
}

/// Writes the index as cases end.
pub(super) struct IndexWriter {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
}

impl IndexWriter {
    pub(super) fn create(folder: &Path) -> Result<Self, EvidenceError> {
        let path = folder.join(NAME);
        let file = File::create_new(&path).map_err(EvidenceError::io(&path))?;
        Ok(Self { path, file: BufWriter::new(file), hash: Sha256::new() })
    }

    pub(super) fn append(&mut self, case: &str, begin: u64, bytes: u64) -> Result<(), EvidenceError> {
        let line = index_line(case, begin, bytes)
            .map_err(|error| EvidenceError::malformed(&self.path, error.to_string()))?;
        self.hash.update(&line);
        self.file.write_all(&line).map_err(EvidenceError::io(&self.path))
    }

    /// Hash of what was written.
    pub(super) fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    pub(super) fn finish(&mut self) -> Result<(), EvidenceError> {
        self.file.flush().map_err(EvidenceError::io(&self.path))
    }
}

/// First byte and number of bytes by case. Names would be most of a long run's memory: their hashes
/// stand for them, and the lines themselves say whose they are.
#[derive(Default)]
pub(super) struct Places(HashMap<u64, (u64, u64)>);

impl Places {
    pub(super) fn of(&self, case: &str) -> Option<(u64, u64)> {
        self.0.get(&hash(case)).copied()
    }
}

fn hash(case: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    case.hash(&mut hasher);
    hasher.finish()
}

/// Hands out the lines of the index; none where it is missing.
fn lines<T>(
    folder: &Path,
    mut take: impl FnMut(Line<'_>) -> T,
) -> Result<impl Iterator<Item = Result<T, EvidenceError>>, EvidenceError> {
    let path = folder.join(NAME);
    let lines = if path.exists() { Some(Lines::open(&path)?) } else { None };
    Ok(lines.into_iter().flatten().map(move |line| {
        let line = line?;
        let line = serde_json::from_str(&line)
            .map_err(|error| EvidenceError::malformed(&path, error.to_string()))?;
        Ok(take(line))
    }))
}

/// The cases that were played, in their order.
pub(super) fn played_cases(
    folder: &Path,
) -> Result<impl Iterator<Item = Result<String, EvidenceError>>, EvidenceError> {
    lines(folder, |line| line.case.into_owned())
}

pub(super) fn read_index(folder: &Path) -> Result<Places, EvidenceError> {
    let places = lines(folder, |line| (hash(&line.case), (line.begin, line.bytes)))?;
    Ok(Places(places.collect::<Result<_, _>>()?))
}
