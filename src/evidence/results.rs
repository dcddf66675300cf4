//! `results.json`: one line a case, so that a reader never holds them all. All that it says of a case follows from the
//! case's id and its end in the journal.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::{CaseResult, Cause, PartResult};
use crate::lock::{Method, Named, Obligation};
use crate::unit::Instant;
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

impl CaseEntry {
    /// A case that ended; what it is made of, its id says. None if that is not the id of a case.
    pub(super) fn ended(case: &str, end: Instant, result: CaseResult) -> Option<Self> {
        let mut parts = case.split('~');
        let (scenario, model) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let method = Method::from_word(parts.next()?)?;
        parts.next_back()?.strip_prefix('r')?.parse::<u32>().ok()?;
        let level = |part: &str| part.split_once('=').map(|(name, word)| (name.to_owned(), word.to_owned()));
        let levels = parts.map(level).collect::<Option<_>>()?;
        let length_ns = end.as_nanoseconds();
        Some(Self { case: case.to_owned(), scenario, model, method, levels, length_ns, result })
    }

    /// Its line in the file.
    pub(super) fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
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
    /// By id; also those that no case is evidence for.
    pub clauses: BTreeMap<String, ClauseSummary>,
}

/// A scenario in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioSummary {
    /// One sentence.
    pub title: String,
    /// Clauses that it is evidence for.
    pub clauses: Vec<String>,
}

/// A clause in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseSummary {
    /// What it requires.
    pub requirement: String,
    /// Where it stands, with its edition.
    pub text: String,
    /// What was read of it: `primary`, `secondary` or `memory`.
    pub mark: String,
    /// How binding it is.
    pub obligation: Obligation,
    /// What a rig shows of it.
    pub shows: String,
    /// What stays with a person.
    pub person: String,
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
    /// Whether the planned cases try its codes.
    pub codes: Codes,
}

/// Whether the cases of a model try its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codes {
    /// It has none that anybody enters.
    None,
    /// At least one case tries some.
    Tried,
    /// No case does: the source does not say how codes are stored or entered, or no claim on codes was chosen.
    Untried,
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
        writer.write(format!("{}\n{catalogue}\n{CASES}\n", head()).as_bytes())?;
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
        let line = entry.line().map_err(|error| EvidenceError::malformed(&self.path, error.to_string()))?;
        if std::mem::replace(&mut self.any, true) {
            self.write(b",\n")?;
        }
        self.write(line.as_bytes())
    }

    pub(super) fn finish(&mut self) -> Result<(), EvidenceError> {
        self.write(format!("\n{END}\n").as_bytes())?;
        self.file.flush().map_err(EvidenceError::io(&self.path))
    }
}

/// What stands between the catalogue and the cases, and after them.
const CASES: &str = ",\"cases\":[";
const END: &str = "]}";

/// What stands before the catalogue.
fn head() -> String {
    format!("{{\"format\":{FORMAT},\"catalogue\":")
}

/// The catalogue of a run folder.
///
/// # Errors
/// The file can't be read.
pub fn read_catalogue(folder: &Path) -> Result<Catalogue, EvidenceError> {
    ResultLines::open(folder).map(|(_, catalogue)| catalogue)
}

/// The lines of the cases in a run folder, as they were written.
pub(super) struct ResultLines {
    path: PathBuf,
    lines: Lines,
    next: Next,
}

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The first case, if there is any.
    First,
    Case,
    End,
    Nothing,
}

impl ResultLines {
    /// Opens `results.json`, and reads its catalogue.
    ///
    /// # Errors
    /// It can't be read, or does not begin as lockrig begins it.
    pub(super) fn open(folder: &Path) -> Result<(Self, Catalogue), EvidenceError> {
        let path = folder.join("results.json");
        let lines = Lines::open(&path)?;
        let mut results = Self { path, lines, next: Next::First };
        let (before, catalogue, after) = (results.line()?, results.line()?, results.line()?);
        let read: Option<Catalogue> = serde_json::from_str(&catalogue).ok();
        let is_written = |read: &Catalogue| serde_json::to_string(read).is_ok_and(|again| again == catalogue);
        match read.filter(is_written) {
            Some(read) if before == head() && after == CASES => Ok((results, read)),
            Some(_) | None => Err(results.unlike()),
        }
    }

    fn line(&mut self) -> Result<String, EvidenceError> {
        self.lines.next().unwrap_or_else(|| Err(self.unlike()))
    }

    fn unlike(&self) -> EvidenceError {
        EvidenceError::malformed(&self.path, "it is not as lockrig writes it")
    }

    /// The line of the next case, without its end.
    ///
    /// # Errors
    /// It can't be read, or the list does not end as lockrig ends it.
    pub(super) fn next_case(&mut self) -> Result<Option<String>, EvidenceError> {
        if matches!(self.next, Next::First | Next::Case) {
            let mut line = self.line()?;
            let is_none = self.next == Next::First && line.is_empty();
            self.next = if line.ends_with(',') { Next::Case } else { Next::End };
            if !is_none {
                line.truncate(line.len() - usize::from(self.next == Next::Case));
                return Ok(Some(line));
            }
        }
        if self.next == Next::End {
            self.next = Next::Nothing;
            if self.line()? != END || self.lines.next().is_some() {
                return Err(self.unlike());
            }
        }
        Ok(None)
    }
}

/// So many results are decoded at once, on all processors.
const AT_ONCE: usize = 128;

/// Reads results one by one. Whether they are what was written is not looked at: whoever makes views verifies the
/// folder first.
pub struct ResultsReader {
    lines: ResultLines,
    decoded: VecDeque<Result<CaseEntry, EvidenceError>>,
}

/// Opens the results of a run folder.
///
/// # Errors
/// The file can't be read.
pub fn read_results(folder: &Path) -> Result<ResultsReader, EvidenceError> {
    Ok(ResultsReader { lines: ResultLines::open(folder)?.0, decoded: VecDeque::new() })
}

impl Iterator for ResultsReader {
    type Item = Result<CaseEntry, EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.decoded.is_empty() {
            let lines: Vec<_> =
                std::iter::from_fn(|| self.lines.next_case().transpose()).take(AT_ONCE).collect();
            let malformed =
                |error: serde_json::Error| EvidenceError::malformed(&self.lines.path, error.to_string());
            let decode = |line: Result<String, _>| {
                line.and_then(|line| serde_json::from_str(&line).map_err(malformed))
            };
            self.decoded.par_extend(lines.into_par_iter().map(decode));
        }
        self.decoded.pop_front()
    }
}
