//! Whether a run folder is what was written. Never writes.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

use crate::verdict::Verdict;

use super::EvidenceError;
use super::entry::{Entry, JournalLine};
use super::folder::list_files;
use super::journal::JournalReader;
use super::manifest::{Manifest, State, hash_file, open_regular};

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
        Ok(manifest) if manifest.state == State::Closed => verify_closed(folder, manifest),
        Ok(manifest) => verify_running(folder, manifest),
    }
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
    let allowed = |name: &str| matches!(name, "run.json" | "attestation.json");
    let added = present.iter().filter(|name| !manifest.files.contains_key(*name) && !allowed(name));
    findings.extend(added.map(|name| format!("{name}: added")));
    if present.contains("journal.jsonl") {
        findings.extend(closed_journal(folder, &manifest).err());
    }
    if findings.is_empty() {
        Verification::Intact(Box::new(manifest))
    } else {
        Verification::Altered(findings)
    }
}

/// The chain says which line was altered; the file's hash says that none was.
fn closed_journal(folder: &Path, manifest: &Manifest) -> Result<(), String> {
    let path = folder.join("journal.jsonl");
    let mut reader = JournalReader::open(&path).map_err(|error| error.to_string())?;
    let chain = walk(&mut reader, |_| Ok(()));
    let intact = hash_file(&path).map_err(|error| error.to_string())?;
    if manifest.files.get("journal.jsonl") == Some(&intact) && chain.is_ok() {
        return Ok(());
    }
    chain.map_err(|error| error.to_string())?;
    let (lines, last_hash) = manifest.journal.clone().unwrap_or_default();
    Err(match reader.lines() {
        read if read < lines || reader.is_torn() => {
            format!("journal.jsonl: cut after line {read} of {lines}")
        }
        read if read > lines => format!("journal.jsonl: lines added at the end: {}", read - lines),
        _ if reader.last_hash() != last_hash => format!("journal.jsonl: line {lines} altered"),
        _ => "journal.jsonl: altered".to_owned(),
    })
}

fn walk(
    reader: &mut JournalReader,
    mut each: impl FnMut(&[u8]) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    while let Some(line) = reader.next_line()? {
        each(line)?;
    }
    Ok(())
}

fn verify_running(folder: &Path, manifest: Manifest) -> Verification {
    let path = folder.join("journal.jsonl");
    match File::open(&path).map(|file| file.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => return Verification::Running(Box::new(manifest)),
        Err(_) => return Verification::Altered(vec!["journal.jsonl: removed".to_owned()]),
        Ok(_) => {}
    }
    let mut findings = Vec::new();
    let mut finished = 0_usize;
    let mut last_is_end = false;
    let mut inputs = None;
    let read = JournalReader::open(&path).and_then(|mut reader| {
        walk(&mut reader, |line| {
            last_is_end = false;
            match JournalLine::parse(line).map(|line| line.entry) {
                Ok(Entry::End(_)) => {
                    finished += 1;
                    last_is_end = true;
                    return Ok(());
                }
                Ok(Entry::Run(header)) => {
                    if header.run != manifest.run
                        || header.seed != manifest.seed
                        || header.rig != manifest.rig.id
                    {
                        return Err(EvidenceError::malformed(
                            &path,
                            "it belongs to a different run from run.json",
                        ));
                    }
                    inputs = Some(header.inputs);
                }
                Ok(_) => {}
                Err(error) => return Err(EvidenceError::malformed(&path, error.to_string())),
            }
            Ok(())
        })?;
        Ok((reader.is_torn(), reader.ends_with_commit()))
    });
    let (torn, covered) = read.unwrap_or_else(|error| {
        findings.push(error.to_string());
        (false, true)
    });
    // A last line that no other follows proves nothing; the cases before it stand.
    if !covered && last_is_end {
        finished -= 1;
    }
    let Some(inputs) = inputs else {
        findings.push("journal.jsonl: its first line is missing".to_owned());
        return Verification::Altered(findings);
    };
    for input in &inputs {
        match hash_file(&folder.join(&input.path)) {
            Ok(hash) if hash == input.sha256 => {}
            Ok(_) => findings.push(format!("{}: altered", input.path)),
            Err(_) => findings.push(format!("{}: removed", input.path)),
        }
    }
    if !folder.join("results.json").is_file() {
        findings.push("results.json: removed".to_owned());
    }
    let listed: BTreeSet<&str> = inputs.iter().map(|input| input.path.as_str()).collect();
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
    match list_files(folder) {
        Ok(files) => {
            let added = files.iter().filter(|name| !listed.contains(name.as_str()) && !own(name));
            findings.extend(added.map(|name| format!("{name}: added")));
        }
        Err(error) => findings.push(error.to_string()),
    }
    if findings.is_empty() {
        Verification::Aborted { manifest: Box::new(manifest), finished, torn }
    } else {
        Verification::Altered(findings)
    }
}

/// Ids of the cases that a run finished, in the order in which they ended.
///
/// # Errors
/// The journal is not intact.
pub fn finished_cases(folder: &Path) -> Result<Vec<(String, Verdict)>, EvidenceError> {
    let path = folder.join("journal.jsonl");
    let mut reader = JournalReader::open(&path)?;
    let mut cases = Vec::new();
    let mut last_is_end = false;
    walk(&mut reader, |line| {
        last_is_end = false;
        // Most lines are not the end of a case; only those are decoded.
        if line.windows(7).any(|window| window == b",\"end\":") {
            let line = JournalLine::parse(line)
                .map_err(|error| EvidenceError::malformed(&path, error.to_string()))?;
            // An interrupted case has an end, but it is not finished.
            if let Entry::End(result) = &line.entry
                && result.verdict != Verdict::Aborted
            {
                cases.push((line.case, result.verdict));
                last_is_end = true;
            }
        }
        Ok(())
    })?;
    if last_is_end {
        // No other line follows, so nothing vouches for it.
        cases.pop();
    }
    Ok(cases)
}

/// The manifest of a folder, whether closed or not.
///
/// # Errors
/// It is missing or was altered.
pub fn read_manifest(folder: &Path) -> Result<Manifest, EvidenceError> {
    let path = folder.join("run.json");
    let mut bytes = Vec::new();
    open_regular(&path)?.read_to_end(&mut bytes).map_err(EvidenceError::io(&path))?;
    Manifest::from_bytes(&bytes).map_err(|reason| EvidenceError::malformed(&path, reason))
}
