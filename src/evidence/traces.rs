//! Traces of single cases, read back from the journal.

use std::path::Path;

use crate::trace::Timeline;
use crate::unit::Instant;

use super::EvidenceError;
use super::index::played_cases;
use super::scene::SceneReader;

/// Hands out the trace of every wanted case that was played, and when that ended, one at a time.
///
/// # Errors
/// The journal is not intact, or `each` fails.
pub fn traces(
    folder: &Path,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Timeline, Instant) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let scenes = SceneReader::open(folder)?;
    for case in played_cases(folder)? {
        let case = case?;
        if !wanted(&case) {
            continue;
        }
        // A case in which nothing was switched or seen has none.
        if let Some(scene) = scenes.read(&case)?
            && let Some(end) = scene.end
            && scene.trace.channels().next().is_some()
        {
            each(&case, scene.trace, end)?;
        }
    }
    Ok(())
}
