//! `report.pdf`: the conformity report, with what ISO/IEC 17025:2017 asks of one (7.8.2.1 and 7.8.6).
//!
//! It says first what a reader wants to know, and never more than its run shows. Deliberately absent: any clock. The same
//! folder gives the same file, byte for byte, so that `replay` can make it again.

mod content;
mod face;
mod figure;
mod file;
mod gathered;
mod sheet;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::evidence::{EvidenceError, hash_file};

use super::summary::Summary;
use file::Imprint;
use gathered::Gathered;
use sheet::Sheet;

/// More bytes of results are not attached: a reader would have to hold them.
const MAX_ATTACHED: u64 = 16 << 20;

/// Writes the conformity report of a run folder.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn pdf(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    write_pdf(&Summary::read(folder)?, folder, out)
}

pub(super) fn write_pdf(summary: &Summary, folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    let path = folder.join("results.json");
    let unmade = |reason: String| EvidenceError::malformed(&folder.join("report.pdf"), reason);
    let faces = face::faces().ok_or_else(|| unmade("its typefaces can't be read".to_owned()))?;
    let digest = hash_file(&path)?;
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(EvidenceError::io(&path))?;
    file.take(MAX_ATTACHED + 1).read_to_end(&mut bytes).map_err(EvidenceError::io(&path))?;
    let is_attached = bytes.len() as u64 <= MAX_ATTACHED;
    let gathered = Gathered::from(folder)?;
    let manifest = &summary.manifest;
    let id = format!("{}-{}", manifest.run, digest.get(..12).unwrap_or_default());
    let mut sheet = Sheet::new(faces);
    content::write(
        &mut sheet,
        summary,
        &gathered,
        folder,
        &content::Evidence { id: &id, digest: &digest, is_attached },
    )?;
    let people = manifest.commission.as_ref().map(|people| people.authorised_by.name.clone());
    let imprint = Imprint {
        title: content::title(summary),
        id,
        warning: (manifest.provenance != "hardware").then(|| "SIMULATED: no real lock was tested".to_owned()),
        issued: manifest.ended.clone().unwrap_or_else(|| manifest.started.clone()),
        authors: people.into_iter().collect(),
        tool: format!("lockrig {}", manifest.tool),
        attachment: is_attached
            .then(|| ("results.json".to_owned(), "every case with its verdict".to_owned(), bytes)),
    };
    let bytes = file::written(sheet, imprint, faces).map_err(unmade)?;
    out.write_all(&bytes).map_err(EvidenceError::io(folder))
}
