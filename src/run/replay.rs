//! Every verdict again, from the recorded inputs alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::engine::{CaseResult, Cause, Engine};
use crate::evidence::{Entry, EvidenceError, JournalLine, JournalReader};
use crate::rig::{self, Rig};
use crate::scenario::{Content, Library, Planned, Program, find_case};
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::fit::{start_of, unwired};
use super::session::precision;

/// What replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Cases whose outcome is the recorded one.
    pub agreed: usize,
    /// Cases whose outcome differs, with both.
    pub disagreed: Vec<String>,
}

/// Feeds the journal of a run folder to the engine and compares every outcome.
///
/// # Errors
/// The folder can't be read, or its inputs don't load.
pub fn replay(folder: &Path) -> Result<Replayed, EvidenceError> {
    let (library, rigs) = inputs(folder)?;
    let path = folder.join("journal.jsonl");
    let mut reader = JournalReader::open(&path)?;
    let mut replayed = Replayed::default();
    let mut rig: Option<&Rig> = None;
    let mut lines: Vec<JournalLine> = Vec::new();
    while let Some(line) = reader.next_entry()? {
        match line.entry {
            Entry::Run(manifest) => {
                let id = manifest.rig.id;
                rig = rigs.get(id.as_str());
                if rig.is_none() {
                    let reason = format!("rig `{id}` is not in the recorded inputs");
                    return Err(EvidenceError::malformed(&path, reason));
                }
            }
            Entry::Commit { .. } => {}
            Entry::End(recorded) => {
                let Some(rig) = rig else {
                    return Err(EvidenceError::malformed(&path, "a case ends before the run begins"));
                };
                let played = std::mem::take(&mut lines);
                match again(&library, rig, &line.case, &played, &recorded) {
                    Ok(()) => replayed.agreed += 1,
                    Err(reason) => replayed.disagreed.push(format!("{}: {reason}", line.case)),
                }
            }
            _ => lines.push(line),
        }
    }
    Ok(replayed)
}

fn again(
    library: &Library,
    rig: &Rig,
    case: &str,
    lines: &[JournalLine],
    recorded: &CaseResult,
) -> Result<(), String> {
    // Whether a run ran out of its time, or its rig broke, is not a matter of a case's inputs.
    if lines.is_empty() && matches!(recorded.verdict, Verdict::Aborted | Verdict::Error) {
        return Ok(());
    }
    let planned: Planned = find_case(library, case).ok_or("the recorded inputs have no such case")?;
    let facts = library.models.get(&planned.model).map(|model| &model.facts);
    let facts = facts.ok_or("the recorded inputs have no such model")?;
    let result = match planned.build(library, start_of(rig)) {
        Content::NotApplicable(reason) => {
            CaseResult::unplayed(Verdict::NotApplicable, Cause::NotApplicable, reason)
        }
        Content::Unprovable(reason) => {
            CaseResult::unplayed(Verdict::Inconclusive, Cause::NotProvable, reason)
        }
        Content::Play(program) => match unwired(&program, rig, facts) {
            Some(result) => result,
            None => feed(&program, rig, lines)?,
        },
    };
    if result == *recorded {
        return Ok(());
    }
    Err(format!(
        "recorded {} ({}), replayed {} ({})",
        recorded.verdict, recorded.reason, result.verdict, result.reason
    ))
}

fn feed(program: &Program, rig: &Rig, lines: &[JournalLine]) -> Result<CaseResult, String> {
    let mut engine = Engine::new(program, precision(rig));
    for line in lines {
        match &line.entry {
            Entry::Command { id, achieved_ns: Some(at), .. } => engine.achieved(*id, *at),
            Entry::Achieved { id } => engine.achieved(*id, line.at),
            Entry::Signal { channel, value } => engine.signal(line.at, channel, value.clone()),
            Entry::Advance { horizon_ns } => engine.advance(line.at, *horizon_ns),
            Entry::Stop { verdict, reason } => engine.stop(*verdict, reason),
            _ => {}
        }
    }
    while engine.poll().is_some() {}
    engine.result().cloned().ok_or_else(|| "the recorded inputs lead to no verdict".to_owned())
}

/// The library and rigs as they were when the run was made.
fn inputs(folder: &Path) -> Result<(Library, BTreeMap<Arc<str>, Rig>), EvidenceError> {
    let sources = |below: &str| -> Result<Vec<Arc<Source>>, EvidenceError> {
        let folder = folder.join("inputs").join(below);
        let mut list = Vec::new();
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(list) };
        for entry in entries {
            let path = entry.map_err(EvidenceError::io(&folder))?.path();
            if path.is_file() {
                let bytes = fs::read(&path).map_err(EvidenceError::io(&path))?;
                let source = Source::new(&path.display().to_string(), bytes)
                    .map_err(|diagnostic| EvidenceError::malformed(&path, diagnostic.message))?;
                list.push(source);
            }
        }
        Ok(list)
    };
    let (library, findings) = Library::load(&sources("scenarios/models")?, &sources("scenarios")?);
    let (rigs, rig_findings) = rig::load(&sources("rigs")?);
    if findings.has_errors() || rig_findings.has_errors() {
        return Err(EvidenceError::malformed(&folder.join("inputs"), "the recorded inputs can't be loaded"));
    }
    Ok((library, rigs))
}
