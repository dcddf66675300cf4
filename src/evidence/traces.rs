//! Traces of single cases, read back from the journal.

use std::collections::BTreeMap;
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
    let (mut trace, mut commanded) = (Timeline::default(), BTreeMap::new());
    while let Some(line) = reader.next_line()? {
        let line =
            JournalLine::parse(line).map_err(|error| EvidenceError::malformed(&path, error.to_string()))?;
        if !wanted(&line.case) {
            continue;
        }
        match line.entry {
            Entry::Command { id, channel, value, achieved_ns } => match achieved_ns {
                Some(at) => trace.push(&channel, Edge { at, value }),
                // On a bench it is done later, or never.
                None => drop(commanded.insert(id, (channel, value))),
            },
            Entry::Achieved { id } => {
                if let Some((channel, value)) = commanded.remove(&id) {
                    trace.push(&channel, Edge { at: line.at, value });
                }
            }
            Entry::Signal { channel, value } => trace.push(&channel, Edge { at: line.at, value }),
            Entry::End(_) => {
                commanded.clear();
                each(&line.case, std::mem::take(&mut trace))?;
            }
            _ => {}
        }
    }
    Ok(())
}
