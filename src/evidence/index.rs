//! `index.jsonl`: where in the journal the lines of each played case stand, so that a view of a few
//! cases does not read them all. Where it is missing, views have no timelines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::EvidenceError;
use super::manifest::open_regular;

const NAME: &str = "index.jsonl";

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    case: std::borrow::Cow<'a, str>,
    /// First byte.
    begin: u64,
    /// Number of bytes.
    bytes: u64,
}

/// Writes the index as cases end.
pub(super) struct IndexWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl IndexWriter {
    pub(super) fn create(folder: &Path) -> Result<Self, EvidenceError> {
        let path = folder.join(NAME);
        let file = File::create_new(&path).map_err(EvidenceError::io(&path))?;
        Ok(Self { path, file: BufWriter::new(file) })
    }

    pub(super) fn append(&mut self, case: &str, begin: u64, bytes: u64) -> Result<(), EvidenceError> {
        let line = serde_json::to_string(&Line { case: case.into(), begin, bytes })
            .map_err(|error| EvidenceError::malformed(&self.path, error.to_string()))?;
        writeln!(self.file, "{line}").map_err(EvidenceError::io(&self.path))
    }

    pub(super) fn finish(&mut self) -> Result<(), EvidenceError> {
        self.file.flush().map_err(EvidenceError::io(&self.path))
    }
}

/// First byte and number of bytes by case.
pub(super) fn read_index(folder: &Path) -> Result<HashMap<String, (u64, u64)>, EvidenceError> {
    let path = folder.join(NAME);
    if !path.exists() {
        return Ok(HashMap::new());
    }
    let mut places = HashMap::new();
    for line in BufReader::new(open_regular(&path)?).lines() {
        let line = line.map_err(EvidenceError::io(&path))?;
        let line: Line<'_> = serde_json::from_str(&line)
            .map_err(|error| EvidenceError::malformed(&path, error.to_string()))?;
        places.insert(line.case.into_owned(), (line.begin, line.bytes));
    }
    Ok(places)
}
