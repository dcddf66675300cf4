//! What a run that was never closed still proves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::evidence::{Entry, EvidenceError, JournalLine, JournalReader, RunFolder, RunInfo, list_files};
use crate::scenario::{Plan, find_case};

use super::catalogue::catalogue;
use super::replay::{inputs, selection};

/// Writes what the journal of an unclosed run proves into a new folder below `parent`, with the results that follow
/// from it: those in the folder itself prove nothing.
///
/// # Errors
/// The folder is not what was written, or the new one can't be.
pub fn recover(folder: &Path, parent: &Path) -> Result<RunFolder, EvidenceError> {
    let path = folder.join("journal.jsonl");
    let malformed = |reason: String| EvidenceError::malformed(&path, reason);
    let (library, _) = inputs(folder)?;
    let mut reader = JournalReader::open(&path)?;
    let Some(JournalLine { entry: Entry::Run(manifest), .. }) = reader.next_entry()? else {
        return Err(malformed("no case was recorded".into()));
    };
    let selection =
        selection(&manifest.selected).map_err(|word| malformed(format!("unknown method `{word}`")))?;
    let catalogue = catalogue(&library, &Plan::new(&library, selection));
    let mut files = BTreeMap::new();
    for name in list_files(&folder.join("inputs"))? {
        let path = folder.join("inputs").join(&name);
        files.insert(name, fs::read(&path).map_err(EvidenceError::io(&path))?);
    }
    let name = manifest.run.clone();
    let mut recovered = RunFolder::create(parent, &name, RunInfo::from(*manifest), &catalogue, &files)?;
    // Whatever no hash follows was never promised.
    let mut waiting: Vec<JournalLine> = Vec::new();
    while let Some(line) = reader.next_entry()? {
        if !matches!(line.entry, Entry::Commit { .. }) {
            waiting.push(line);
            continue;
        }
        for JournalLine { at, case, entry: said } in waiting.drain(..) {
            match said {
                Entry::End(_) if find_case(&library, &case).is_none() => {
                    return Err(malformed(format!("the recorded inputs have no case {case}")));
                }
                Entry::End(result) => drop(recovered.end_case(&case, at, *result)?),
                said => recovered.record(&case, at, &said)?,
            }
        }
    }
    recovered.abort()?;
    Ok(recovered)
}
