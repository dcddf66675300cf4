//! Whether a run folder is what was written. Never writes.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::verdict::Verdict;

use super::blocks::Place;
use super::entry::{Entry, JournalLine};
use super::files::{hash_file, open_regular, read_regular};
use super::folder::list_files;
use super::index::index_line;
use super::manifest::{Counts, DeviceIdentity, Heard, Manifest, State};
use super::reader::JournalReader;
use super::results::{CaseEntry, ResultLines};
use super::{EvidenceError, hex};

/// A longer `run.json` was not written by this tool.
const MAX_MANIFEST: u64 = 64 << 20;

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Closed and unchanged.
    Intact(Box<Manifest>),
    /// Never closed, its owner is gone, and what was durable is unchanged.
    Aborted {
        /// What was planned.
        manifest: Box<Manifest>,
        /// Cases that finished.
        finished: usize,
        /// Whether the last line was cut.
        torn: bool,
    },
    /// Its owner is still at it.
    Running(Box<Manifest>),
    /// Something was altered, added, removed or reordered: this.
    Altered(Vec<String>),
}

/// Verifies a run folder.
pub fn verify(folder: &Path) -> Verification {
    match examine(folder) {
        Ok(Examined { manifest, condition: Condition::Running, .. }) => Verification::Running(manifest),
        Ok(examined) => examined.read(|(), _| {}, |()| {}),
        Err(found) => found,
    }
}

/// Whether a run was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Closed,
    /// Its owner is gone.
    Unclosed,
    /// Its owner is still at it.
    Running,
}

/// A run folder whose files are what `run.json` says; its journal was not read yet.
pub struct Examined {
    folder: PathBuf,
    manifest: Box<Manifest>,
    condition: Condition,
}

/// Verifies everything of a run folder but its journal.
///
/// # Errors
/// What was found, if there is nothing more to be looked at.
pub fn examine(folder: &Path) -> Result<Examined, Verification> {
    let altered = |finding: String| Verification::Altered(vec![finding]);
    let manifest = Box::new(read_manifest(folder).map_err(|error| altered(error.to_string()))?);
    let condition = match manifest.state {
        State::Closed => Condition::Closed,
        State::Running => match condition(&folder.join("journal.jsonl")) {
            Ok(Some(condition)) => condition,
            // It was killed before it wrote a journal, or there is nothing that any other could prove.
            Ok(None) => return Err(Verification::Aborted { manifest, finished: 0, torn: false }),
            Err(error) => return Err(altered(error.to_string())),
        },
        State::Aborted => return Err(altered("run.json: no run leaves it like this".to_owned())),
    };
    let findings = unlike(folder, &manifest, condition).unwrap_or_else(|error| vec![error.to_string()]);
    if findings.is_empty() {
        Ok(Examined { folder: folder.to_owned(), manifest, condition })
    } else {
        Err(Verification::Altered(findings))
    }
}

/// Whether anybody still writes a journal; none if there is no journal.
fn condition(journal: &Path) -> Result<Option<Condition>, EvidenceError> {
    if fs::symlink_metadata(journal).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    match open_regular(journal)?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Some(Condition::Running)),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Condition::Unclosed)),
    }
}

/// Files that are not what `run.json` says.
fn unlike(folder: &Path, manifest: &Manifest, condition: Condition) -> Result<Vec<String>, EvidenceError> {
    let mut findings = Vec::new();
    let present = list_files(folder)?;
    for (name, hash) in &manifest.files {
        // A name that leads elsewhere is not among them.
        if present.binary_search(name).is_err() {
            findings.push(format!("{name}: removed"));
        } else if name != "journal.jsonl" {
            match hash_file(&folder.join(name)) {
                Ok(found) if found == *hash => {}
                Ok(_) => findings.push(format!("{name}: altered")),
                Err(error) => findings.push(error.to_string()),
            }
        }
    }
    // What a run writes before its close may be there in any state.
    let is_own = |name: &str| match condition {
        // A run is signed once it is closed; who reads the signature looks at it.
        Condition::Closed => matches!(name, "run.json" | "attestation.json"),
        Condition::Unclosed | Condition::Running => {
            matches!(
                name,
                "run.json"
                    | "run.json.new"
                    | "journal.jsonl"
                    | "results.json"
                    | "index.jsonl"
                    | "junit.xml"
                    | "report.html"
                    | "report.pdf"
            ) || name.starts_with("traces/")
                || name.starts_with("attachments/")
        }
    };
    let added = present.iter().filter(|name| !is_own(name) && !manifest.files.contains_key(*name));
    findings.extend(added.map(|name| format!("{name}: added")));
    if condition == Condition::Closed {
        for name in ["journal.jsonl", "results.json", "index.jsonl"] {
            if !manifest.files.contains_key(name) {
                findings.push(format!("{name}: run.json does not list it"));
            }
        }
    }
    Ok(findings)
}

impl Examined {
    /// `run.json`.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether the run was closed.
    pub fn is_closed(&self) -> bool {
        self.condition == Condition::Closed
    }

    /// Verifies the journal, and hands each of its entries to `add`, on any processor, and what that made of some
    /// whole cases to `end`, in order. Until it returns, any of them may be forged.
    pub fn read<S: Default + Send>(
        self,
        add: impl Fn(&mut S, JournalLine) + Sync,
        end: impl FnMut(S),
    ) -> Verification {
        let findings = match self.condition {
            Condition::Closed => bound(&self.folder, &self.manifest, add, end),
            Condition::Unclosed | Condition::Running => match self.unclosed(add, end) {
                Ok(found) => return found,
                Err(Finding(finding)) => vec![finding],
            },
        };
        if findings.is_empty() {
            Verification::Intact(self.manifest)
        } else {
            Verification::Altered(findings)
        }
    }

    /// What the journal of a run that was not closed proves.
    fn unclosed<S: Default + Send>(
        &self,
        add: impl Fn(&mut S, JournalLine) + Sync,
        end: impl FnMut(S),
    ) -> Result<Verification, Finding> {
        let mut reader = JournalReader::open(&self.folder.join("journal.jsonl"))?;
        let recorded = read_journal(&mut reader, add, end, |_| Ok(()))?;
        if let Some(began) = recorded.began {
            let (mut early, mut now) = (began, self.manifest.clone());
            // These are filled in before the close.
            for manifest in [&mut early, &mut now] {
                (manifest.counts, manifest.device, manifest.ended) = Default::default();
            }
            if early != now {
                let finding = "journal.jsonl: it belongs to a different run from run.json";
                return Err(Finding(finding.to_owned()));
            }
        }
        let manifest = self.manifest.clone();
        Ok(match self.condition {
            Condition::Running => Verification::Running(manifest),
            Condition::Closed | Condition::Unclosed => {
                Verification::Aborted { manifest, finished: recorded.proven, torn: reader.is_torn() }
            }
        })
    }
}

/// What a journal says of its run as a whole.
#[derive(Default)]
struct Recorded {
    /// `run.json` when the run began.
    began: Option<Box<Manifest>>,
    counts: Counts,
    heard: Heard,
    /// Cases that ended, and how many of those ends are proven.
    ended: usize,
    proven: usize,
    index: Sha256,
    /// The last line that says anything, and the last that is a hash.
    last: u64,
    chained: u64,
}

/// What the lines of some cases say that concerns the run.
#[derive(Default)]
struct Kept {
    said: Vec<(Place, OfRun)>,
    last: u64,
}

/// What a line says that concerns the run.
enum OfRun {
    Began(Box<Manifest>),
    Begin,
    Ready(DeviceIdentity),
    End(Box<Ended>),
    Commit,
}

/// A case that ended.
struct Ended {
    case: Arc<str>,
    verdict: Verdict,
    /// What `results.json` says of it; none if that is not the id of a case.
    result: Option<String>,
}

impl Kept {
    fn add(&mut self, place: Place, line: &JournalLine) {
        self.last = place.line;
        let said = match &line.entry {
            Entry::Run(manifest) => OfRun::Began(manifest.clone()),
            Entry::Begin { .. } => OfRun::Begin,
            Entry::Ready(device) => OfRun::Ready(device.clone()),
            Entry::End(result) => {
                let (case, verdict) = (Arc::clone(&line.case), result.verdict);
                let entry = CaseEntry::ended(&case, line.at, (**result).clone());
                let result = entry.and_then(|entry| entry.line().ok());
                OfRun::End(Box::new(Ended { case, verdict, result }))
            }
            Entry::Commit { .. } => OfRun::Commit,
            Entry::Command { .. }
            | Entry::Achieved { .. }
            | Entry::Clock { .. }
            | Entry::Sensed { .. }
            | Entry::Hold { .. }
            | Entry::SensedHold { .. }
            | Entry::Signal { .. }
            | Entry::Told { .. }
            | Entry::Advance { .. }
            | Entry::Record(_)
            | Entry::Stderr { .. }
            | Entry::Stop { .. } => return,
        };
        self.said.push((place, said));
    }
}

/// What is wrong.
struct Finding(String);

impl From<EvidenceError> for Finding {
    fn from(error: EvidenceError) -> Self {
        Self(error.to_string())
    }
}

/// Reads a whole journal. Each entry is handed to `add`, what that made to `end`, and each case that ended to `ended`.
fn read_journal<S: Default + Send>(
    reader: &mut JournalReader,
    add: impl Fn(&mut S, JournalLine) + Sync,
    mut end: impl FnMut(S),
    mut ended: impl FnMut(&Ended) -> Result<(), Finding>,
) -> Result<Recorded, Finding> {
    let mut recorded = Recorded::default();
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    let mut begin = None;
    let both = |(kept, made): &mut (Kept, S), place, line: JournalLine| {
        kept.add(place, &line);
        add(made, line);
    };
    reader.gather(both, |(kept, made)| {
        end(made);
        for (place, said) in kept.said {
            let wrong = |what: &str| Err(Finding(format!("journal.jsonl: line {}: {what}", place.line)));
            match said {
                OfRun::Began(manifest) if place.line == 1 => recorded.began = Some(manifest),
                OfRun::Began(_) => return wrong("a run begins in another"),
                _ if recorded.began.is_none() => return wrong("it does not say which run it belongs to"),
                OfRun::Begin => begin = Some(place.begin),
                OfRun::Ready(device) => recorded.heard.hear(&device),
                OfRun::End(case) => {
                    let name = Sha256::digest(case.case.as_bytes());
                    let name = std::array::from_fn(|index| name[index]);
                    if !seen.insert(name) {
                        return wrong(&format!("{} ends a second time", case.case));
                    }
                    if let Some(first) = begin.take() {
                        let place = index_line(&case.case, first, place.end - first);
                        recorded.index.update(place.unwrap_or_default());
                    }
                    recorded.counts.add(case.verdict);
                    recorded.ended += 1;
                    ended(&case)?;
                }
                OfRun::Commit => (recorded.proven, recorded.chained) = (recorded.ended, place.line),
            }
        }
        recorded.last = recorded.last.max(kept.last);
        Ok(())
    })?;
    Ok(recorded)
}

/// What in `run.json`, results and index does not follow from the journal.
fn bound<S: Default + Send>(
    folder: &Path,
    manifest: &Manifest,
    add: impl Fn(&mut S, JournalLine) + Sync,
    end: impl FnMut(S),
) -> Vec<String> {
    let (mut reader, mut results) =
        match (JournalReader::open(&folder.join("journal.jsonl")), ResultLines::open(folder)) {
            (Ok(reader), Ok((results, _))) => (reader, results),
            (Err(error), _) | (_, Err(error)) => return vec![error.to_string()],
        };
    let mut findings = Vec::new();
    let recorded = read_journal(&mut reader, add, end, |ended| {
        if ended.result.is_none() || results.next_case()? != ended.result {
            let case = &ended.case;
            findings.push(format!("results.json: it does not say of {case} what the journal says"));
        }
        // One is as good as all, and there may be many.
        if findings.len() > 10 { Err(Finding("results.json: more of it differs".to_owned())) } else { Ok(()) }
    });
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(Finding(finding)) => {
            let differs = !findings.is_empty();
            findings.push(finding);
            // Two that differ do not say which of them was altered.
            let journal = hash_file(&folder.join("journal.jsonl")).ok();
            if differs && manifest.files.get("journal.jsonl") != journal.as_ref() {
                findings.push("journal.jsonl: altered".to_owned());
            }
            return findings;
        }
    };
    let is_torn = reader.is_torn();
    let (read, lines) =
        (if is_torn { recorded.last } else { reader.lines() }, manifest.journal.unwrap_or_default());
    if read < lines || is_torn {
        findings.push(format!("journal.jsonl: cut after line {read} of {lines}"));
    } else if read > lines {
        findings.push(format!("journal.jsonl: lines added at the end: {}", read - lines));
    } else if manifest.files.get("journal.jsonl") != Some(&reader.hash()) {
        findings.push("journal.jsonl: altered".to_owned());
    }
    if recorded.chained != lines {
        findings.push("journal.jsonl: its last line is not the hash that a closed run ends with".to_owned());
    }
    match results.next_case() {
        Ok(None) => {}
        Ok(Some(_)) => findings.push("results.json: it has a case that the journal does not have".to_owned()),
        Err(error) => findings.push(error.to_string()),
    }
    if manifest.files.get("index.jsonl") != Some(&hex(&recorded.index.clone().finalize())) {
        findings.push("index.jsonl: it does not say where the cases of the journal are".to_owned());
    }
    findings.extend(contradictions(manifest, recorded));
    findings
}

/// What `run.json` says differently from the journal.
fn contradictions(manifest: &Manifest, recorded: Recorded) -> Vec<String> {
    let Some(began) = recorded.began else {
        return vec!["journal.jsonl: its first line is missing".to_owned()];
    };
    let mut findings = Vec::new();
    let mut expected = Manifest {
        state: State::Closed,
        ended: manifest.ended.clone(),
        counts: recorded.counts,
        files: manifest.files.clone(),
        journal: manifest.journal,
        ..*began
    };
    recorded.heard.complete(&mut expected.device);
    if expected != *manifest {
        let fields = |manifest: &Manifest| match serde_json::to_value(manifest) {
            Ok(serde_json::Value::Object(fields)) => fields,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        let (said, expected) = (fields(manifest), fields(&expected));
        let names: BTreeSet<&String> = said.keys().chain(expected.keys()).collect();
        let differing = names.into_iter().filter(|name| said.get(*name) != expected.get(*name));
        findings.extend(differing.map(|name| format!("run.json: `{name}` is not what the journal says")));
    }
    let inputs = |manifest: &Manifest| {
        let all = manifest.files.iter().filter(|(name, _)| name.starts_with("inputs/"));
        all.map(|(name, hash)| (name.clone(), hash.clone())).collect::<BTreeSet<_>>()
    };
    let (sealed, used) = (inputs(manifest), began.files.into_iter().collect::<BTreeSet<_>>());
    findings.extend(
        sealed.symmetric_difference(&used).map(|(name, _)| format!("{name}: not the file that the run used")),
    );
    let time = |text: &str| text.parse::<Timestamp>().ok();
    match (time(&manifest.started), manifest.ended.as_deref().map(time)) {
        (Some(started), Some(Some(ended))) if started <= ended => {}
        _ => findings.push("run.json: it ended before it started, or these are no times".to_owned()),
    }
    if manifest.counts.total() > manifest.planned {
        findings.push("run.json: more cases ended than were planned".to_owned());
    }
    findings
}

/// Ids of the cases that a run finished, in the order in which they ended.
///
/// # Errors
/// The journal is not intact.
pub fn finished_cases(folder: &Path) -> Result<Vec<(String, Verdict)>, EvidenceError> {
    let path = folder.join("journal.jsonl");
    if !path.exists() {
        // It was killed before it wrote one.
        return Ok(Vec::new());
    }
    let mut reader = JournalReader::open(&path)?;
    let (mut cases, mut proven) = (Vec::new(), 0);
    while let Some(line) = reader.next_entry()? {
        match line.entry {
            // An interrupted case has an end, but it is not finished.
            Entry::End(result) if result.verdict != Verdict::Aborted => {
                cases.push((line.case.to_string(), result.verdict));
            }
            Entry::Commit { .. } => proven = cases.len(),
            _ => {}
        }
    }
    cases.truncate(proven);
    Ok(cases)
}

/// The manifest of a folder, whether closed or not.
///
/// # Errors
/// It is missing or was altered.
pub fn read_manifest(folder: &Path) -> Result<Manifest, EvidenceError> {
    let path = folder.join("run.json");
    let bytes = read_regular(&path, MAX_MANIFEST)?;
    Manifest::from_bytes(&bytes).map_err(|reason| EvidenceError::malformed(&path, reason))
}
