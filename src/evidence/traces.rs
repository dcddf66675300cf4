//! Traces of single cases, read back from the journal.

use std::path::Path;

use crate::trace::Timeline;
use crate::unit::Instant;

use super::EvidenceError;
use super::entry::Entry;
use super::journal::JournalReader;
use super::scene::Scene;

/// Hands out the trace of every wanted case that was played, and when that ended, one at a time.
///
/// # Errors
/// The journal is not intact, or `each` fails.
pub fn traces(
    folder: &Path,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Timeline, Instant) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let mut reader = JournalReader::open(&folder.join("journal.jsonl"))?;
    let mut scene = Scene::default();
    while let Some(line) = reader.next_entry()? {
        if matches!(line.entry, Entry::Begin { .. }) {
            scene = Scene::default();
        }
        if !wanted(&line.case) {
            continue;
        }
        if matches!(line.entry, Entry::End(_)) {
            let trace = std::mem::take(&mut scene).trace;
            // A case that was not played has none.
            if trace.channels().next().is_some() {
                each(&line.case, trace, line.at)?;
            }
        } else {
            scene.add(line);
        }
    }
    Ok(())
}
