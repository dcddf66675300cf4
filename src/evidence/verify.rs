//! Whether a run folder is what was written. Never writes.

use std::collections::{BTreeSet, HashSet};
use std::fs::TryLockError;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::verdict::Verdict;

use super::entry::{Entry, JournalLine};
use super::files::{hash_file, open_regular, read_regular};
use super::folder::list_files;
use super::index::index_line;
use super::journal::JournalReader;
use super::manifest::{Counts, Heard, Manifest, State};
use super::results::{CaseEntry, read_results};
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
    match read_manifest(folder) {
        Err(error) => Verification::Altered(vec![error.to_string()]),
        Ok(manifest) => match manifest.state {
            State::Closed => verify_closed(folder, manifest),
            State::Running => verify_running(folder, manifest),
            State::Aborted => Verification::Altered(vec!["run.json: no run leaves it like this".to_owned()]),
        },
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
    /// Nothing stands after the last hash.
    is_chained: bool,
}

/// Reads a whole journal; `end` is handed each end of a case.
fn read_journal(
    reader: &mut JournalReader,
    mut end: impl FnMut(&JournalLine) -> Result<(), String>,
) -> Result<Recorded, String> {
    let mut recorded = Recorded::default();
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    let mut begin = None;
    while let Some(line) = reader.next_entry().map_err(|error| error.to_string())? {
        let number = reader.place().line;
        recorded.is_chained = matches!(line.entry, Entry::Commit { .. });
        let wrong = |what: &str| Err(format!("journal.jsonl: line {number}: {what}"));
        match &line.entry {
            Entry::Run(manifest) if number == 1 => recorded.began = Some(manifest.clone()),
            Entry::Run(_) => return wrong("a run begins in another"),
            _ if number == 1 => return wrong("it does not say which run it belongs to"),
            Entry::Begin { .. } => begin = Some(reader.place().begin),
            Entry::Ready(device) => recorded.heard.hear(device),
            Entry::End(result) => {
                let name = Sha256::digest(line.case.as_bytes());
                let name = std::array::from_fn(|index| name[index]);
                if !seen.insert(name) {
                    return wrong(&format!("{} ends a second time", line.case));
                }
                if let Some(first) = begin.take() {
                    let bytes = reader.place().end - first;
                    recorded.index.update(index_line(&line.case, first, bytes).unwrap_or_default());
                }
                recorded.counts.add(result.verdict);
                recorded.ended += 1;
                end(&line)?;
            }
            Entry::Commit { .. } => recorded.proven = recorded.ended,
            Entry::Command { .. }
            | Entry::Achieved { .. }
            | Entry::Clock { .. }
            | Entry::Sensed { .. }
            | Entry::Hold { .. }
            | Entry::SensedHold { .. }
            | Entry::Signal { .. }
            | Entry::Advance { .. }
            | Entry::Record(_)
            | Entry::Stderr { .. }
            | Entry::Stop { .. } => {}
        }
    }
    // A line that names a case and says nothing of it is no entry.
    recorded.is_chained &= reader.place().line == reader.lines();
    Ok(recorded)
}

fn verify_closed(folder: &Path, manifest: Manifest) -> Verification {
    let mut findings = Vec::new();
    let present: BTreeSet<String> = match list_files(folder) {
        Ok(files) => files.into_iter().collect(),
        Err(error) => return Verification::Altered(vec![error.to_string()]),
    };
    for (name, hash) in &manifest.files {
        if !present.contains(name) {
            findings.push(format!("{name}: removed"));
        } else if name != "journal.jsonl" {
            match hash_file(&folder.join(name)) {
                Ok(found) if found == *hash => {}
                Ok(_) => findings.push(format!("{name}: altered")),
                Err(error) => findings.push(error.to_string()),
            }
        }
    }
    let added = present.iter().filter(|name| *name != "run.json" && !manifest.files.contains_key(*name));
    findings.extend(added.map(|name| format!("{name}: added")));
    for name in ["journal.jsonl", "results.json", "index.jsonl"] {
        if !manifest.files.contains_key(name) {
            findings.push(format!("{name}: run.json does not list it"));
        }
    }
    // What is bound to a file that is not the one of the run proves nothing.
    if findings.is_empty() {
        findings.extend(bound(folder, &manifest));
    }
    if findings.is_empty() {
        Verification::Intact(Box::new(manifest))
    } else {
        Verification::Altered(findings)
    }
}

/// What in `run.json`, results and index does not follow from the journal.
fn bound(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let (mut reader, mut results) =
        match (JournalReader::open(&folder.join("journal.jsonl")), read_results(folder)) {
            (Ok(reader), Ok(results)) => (reader, results),
            (Err(error), _) | (_, Err(error)) => return vec![error.to_string()],
        };
    let mut findings = Vec::new();
    let recorded = read_journal(&mut reader, |line| {
        match results.next() {
            Some(Ok(entry)) if is_same(&entry, line) => {}
            Some(Ok(_)) | None => {
                findings.push(format!("results.json: it does not say of {} what the journal says", line.case))
            }
            Some(Err(error)) => return Err(error.to_string()),
        }
        // One is as good as all, and there may be many.
        if findings.len() > 10 { Err("results.json: more of it differs".to_owned()) } else { Ok(()) }
    });
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(finding) => {
            findings.push(finding);
            return findings;
        }
    };
    let (read, lines) = (reader.lines(), manifest.journal.unwrap_or_default());
    if read < lines || reader.is_torn() {
        findings.push(format!("journal.jsonl: cut after line {read} of {lines}"));
    } else if read > lines {
        findings.push(format!("journal.jsonl: lines added at the end: {}", read - lines));
    } else if manifest.files.get("journal.jsonl") != Some(&reader.hash()) {
        findings.push("journal.jsonl: altered".to_owned());
    }
    if !recorded.is_chained {
        findings.push("journal.jsonl: its last line is not the hash that a closed run ends with".to_owned());
    }
    if results.next().is_some() {
        findings.push("results.json: it has a case that the journal does not have".to_owned());
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

/// Whether a result is what the journal says of its case.
fn is_same(entry: &CaseEntry, line: &JournalLine) -> bool {
    let name = format!("{}~{}~{}", entry.scenario, entry.model, entry.method);
    let rest = entry.case.strip_prefix(&name);
    let Entry::End(result) = &line.entry else { return false };
    *entry.case == *line.case
        && entry.length_ns == line.at.as_nanoseconds()
        && entry.result == **result
        && rest.is_some_and(|rest| rest.starts_with('~'))
}

fn verify_running(folder: &Path, manifest: Manifest) -> Verification {
    let path = folder.join("journal.jsonl");
    let aborted = |recorded: Option<&Recorded>, torn| Verification::Aborted {
        manifest: Box::new(manifest.clone()),
        finished: recorded.map_or(0, |recorded| recorded.proven),
        torn,
    };
    // It was killed before it wrote a journal, or there is nothing that any other could prove.
    if std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return aborted(None, false);
    }
    match open_regular(&path).map(|file| file.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => return Verification::Running(Box::new(manifest)),
        Err(error) => return Verification::Altered(vec![error.to_string()]),
        Ok(_) => {}
    }
    let read = JournalReader::open(&path).map_err(|error| error.to_string()).and_then(|mut reader| {
        let recorded = read_journal(&mut reader, |_| Ok(()))?;
        Ok((recorded, reader.is_torn()))
    });
    let mut findings = Vec::new();
    let (recorded, torn) = match read {
        Ok(read) => read,
        Err(finding) => return Verification::Altered(vec![finding]),
    };
    if let Some(began) = &recorded.began {
        let (mut early, mut now) = ((**began).clone(), manifest.clone());
        // These are filled in before the close.
        for manifest in [&mut early, &mut now] {
            (manifest.counts, manifest.device) = Default::default();
        }
        if early != now {
            findings.push("journal.jsonl: it belongs to a different run from run.json".to_owned());
        }
    }
    let present = match list_files(folder) {
        Ok(files) => files,
        Err(error) => return Verification::Altered(vec![error.to_string()]),
    };
    for (name, hash) in &manifest.files {
        // A name that leads elsewhere is not among them.
        if present.binary_search(name).is_err() {
            findings.push(format!("{name}: removed"));
            continue;
        }
        match hash_file(&folder.join(name)) {
            Ok(found) if found == *hash => {}
            Ok(_) => findings.push(format!("{name}: altered")),
            Err(error) => findings.push(error.to_string()),
        }
    }
    // What a run writes before its close may be there in any state.
    let own = |name: &str| {
        matches!(
            name,
            "run.json"
                | "run.json.new"
                | "journal.jsonl"
                | "results.json"
                | "index.jsonl"
                | "junit.xml"
                | "report.html"
        ) || name.starts_with("traces/")
            || name.starts_with("attachments/")
    };
    let added = present.iter().filter(|name| !manifest.files.contains_key(*name) && !own(name));
    findings.extend(added.map(|name| format!("{name}: added")));
    if findings.is_empty() { aborted(Some(&recorded), torn) } else { Verification::Altered(findings) }
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
