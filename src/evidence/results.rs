//! `results.json`: one line a case, so that a reader never holds them all.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::{CaseResult, Cause, PartResult};
use crate::lock::Method;
use crate::verdict::{Measurement, Verdict};

use super::files::Lines;
use super::manifest::FORMAT;
use super::{EvidenceError, hex};

/// One case with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat")]
pub struct CaseEntry {
    /// Case id.
    pub case: String,
    /// Scenario id.
    pub scenario: String,
    /// Model id.
    pub model: String,
    /// Method.
    pub method: Method,
    /// Levels by factor.
    pub levels: Vec<(String, String)>,
    /// Length of the case in its own time, in nanoseconds.
    pub length_ns: u64,
    /// The outcome.
    #[serde(flatten)]
    pub result: CaseResult,
}

/// The same with the outcome's fields among its own: `flatten` would hold each line twice to read it.
#[derive(Deserialize)]
struct Flat {
    case: String,
    scenario: String,
    model: String,
    method: Method,
    levels: Vec<(String, String)>,
    length_ns: u64,
    verdict: Verdict,
    reason: String,
    #[serde(default)]
    unplayed: Option<Cause>,
    parts: Vec<PartResult>,
    measurements: Vec<Measurement>,
    #[serde(default)]
    omitted: Vec<(String, String)>,
    #[serde(default)]
    deviations: Vec<String>,
}

impl From<Flat> for CaseEntry {
    fn from(flat: Flat) -> Self {
        let Flat { case, scenario, model, method, levels, length_ns, .. } = flat;
        let Flat { verdict, reason, unplayed, parts, measurements, omitted, deviations, .. } = flat;
        let result = CaseResult { verdict, reason, unplayed, parts, measurements, omitted, deviations };
        Self { case, scenario, model, method, levels, length_ns, result }
    }
}

/// What a reader needs to know of models and scenarios to understand the cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// By id.
    pub scenarios: BTreeMap<String, ScenarioSummary>,
    /// By id.
    pub models: BTreeMap<String, ModelSummary>,
}

/// A scenario in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioSummary {
    /// One sentence.
    pub title: String,
    /// Clauses with their requirements.
    pub clauses: Vec<(String, String)>,
}

/// A model in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Who makes it.
    pub maker: String,
    /// Which hardware variant.
    pub variant: String,
    /// Title and document of the source.
    pub source: String,
    /// How far the source can be trusted.
    pub source_kind: String,
    /// What other sources say differently.
    pub conflicts: Vec<String>,
}

/// Writes results as cases end.
pub(super) struct ResultsWriter {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    any: bool,
}

impl ResultsWriter {
    pub(super) fn create(path: &Path, catalogue: &Catalogue) -> Result<Self, EvidenceError> {
        let file = File::create_new(path).map_err(EvidenceError::io(path))?;
        let mut writer =
            Self { path: path.to_owned(), file: BufWriter::new(file), hash: Sha256::new(), any: false };
        let catalogue = serde_json::to_string(catalogue)
            .map_err(|error| EvidenceError::malformed(path, error.to_string()))?;
        writer
            .write(format!("{{\"format\":{FORMAT},\"catalogue\":\n{catalogue}\n,\"cases\":[\n").as_bytes())?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), EvidenceError> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(EvidenceError::io(&self.path))
    }

    /// Hash of what was written.
    pub(super) fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    pub(super) fn append(&mut self, entry: &CaseEntry) -> Result<(), EvidenceError> {
        let line = serde_json::to_vec(entry)
            .map_err(|error| EvidenceError::malformed(&self.path, error.to_string()))?;
        if std::mem::replace(&mut self.any, true) {
            self.write(b",\n")?;
        }
        self.write(&line)
    }

    pub(super) fn finish(&mut self) -> Result<(), EvidenceError> {
        self.write(b"\n]}\n")?;
        self.file.flush().map_err(EvidenceError::io(&self.path))
    }
}

/// The catalogue of a run folder.
///
/// # Errors
/// The file can't be read.
pub fn read_catalogue(folder: &Path) -> Result<Catalogue, EvidenceError> {
    let path = folder.join("results.json");
    for line in Lines::open(&path)?.take(2) {
        let line = line?;
        if let Ok(catalogue) = serde_json::from_str(&line) {
            return Ok(catalogue);
        }
    }
    Err(EvidenceError::malformed(&path, "it has no catalogue"))
}

/// So many results are decoded at once, on all processors.
const AT_ONCE: usize = 128;

/// Reads results one by one, as they were written.
pub struct ResultsReader {
    path: PathBuf,
    lines: Lines,
    /// In the list of cases.
    is_within: bool,
    decoded: VecDeque<Result<CaseEntry, EvidenceError>>,
}

/// Opens the results of a run folder.
///
/// # Errors
/// The file can't be read.
pub fn read_results(folder: &Path) -> Result<ResultsReader, EvidenceError> {
    let path = folder.join("results.json");
    let lines = Lines::open(&path)?;
    Ok(ResultsReader { path, lines, is_within: false, decoded: VecDeque::new() })
}

impl ResultsReader {
    /// The line of the next case.
    fn line(&mut self) -> Option<Result<String, EvidenceError>> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if !self.is_within {
                self.is_within = line == ",\"cases\":[";
            } else if !line.is_empty() && line != "]}" {
                return Some(Ok(line));
            }
        }
    }
}

/// Reads the line of a case.
fn decode(path: &Path, line: &str) -> Result<CaseEntry, EvidenceError> {
    let line = line.strip_suffix(',').unwrap_or(line);
    let malformed = |reason: String| EvidenceError::malformed(path, reason);
    let entry: CaseEntry = serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
    let again = serde_json::to_string(&entry).map_err(|error| malformed(error.to_string()))?;
    if again != line {
        return Err(malformed(format!("the line of {} is not as lockrig writes it", entry.case)));
    }
    Ok(entry)
}

impl Iterator for ResultsReader {
    type Item = Result<CaseEntry, EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.decoded.is_empty() {
            let lines: Vec<_> = std::iter::from_fn(|| self.line()).take(AT_ONCE).collect();
            let path = &self.path;
            let decode = |line: Result<String, _>| line.and_then(|line| decode(path, &line));
            self.decoded.par_extend(lines.into_par_iter().map(decode));
        }
        self.decoded.pop_front()
    }
}
