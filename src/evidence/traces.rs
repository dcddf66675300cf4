//! Traces of single cases, read back from the journal.

use std::path::Path;

use crate::trace::{Edge, Timeline};

use super::EvidenceError;
use super::entry::{Entry, JournalLine};
use super::journal::JournalReader;

/// Hands out the trace of every wanted case, one at a time, as its end is reached.
///
/// # Errors
/// The journal is not intact, or `each` fails.
pub fn traces(
    folder: &Path,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Timeline) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let path = folder.join("journal.jsonl");
    let mut reader = JournalReader::open(&path)?;
    let mut trace = Timeline::default();
    while let Some(line) = reader.next_line()? {
        let line =
            JournalLine::parse(line).map_err(|error| EvidenceError::malformed(&path, error.to_string()))?;
        if !wanted(&line.case) {
            continue;
        }
        match line.entry {
            Entry::Command { channel, value, achieved_ns, .. } => {
                trace.push(&channel, Edge { at: achieved_ns.unwrap_or(line.at), value });
            }
            Entry::Signal { channel, value } => trace.push(&channel, Edge { at: line.at, value }),
            Entry::End(_) => each(&line.case, std::mem::take(&mut trace))?,
            _ => {}
        }
    }
    Ok(())
}
