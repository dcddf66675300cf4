//! Whether the views of a run show what its record says: they are made again, and compared.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{EvidenceError, Manifest, TOOL, hash_written, read_manifest, traces};
use crate::trace::vcd;

use super::html::write_html;
use super::junit::write_junit;
use super::pdf::write_pdf;
use super::summary::Summary;

/// Which views are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Views {
    /// What a build server reads.
    Junit,
    /// That, the page, the conformity report and the waveforms.
    All,
}

/// Whether the views of a run were made by this version, which is the only one that can make them again.
pub fn are_own(manifest: &Manifest) -> bool {
    manifest.tool == TOOL
}

/// Views of a closed run that do not show what its record says, and what is wrong with them. Whether the record is what
/// was written is not looked at.
pub fn altered(folder: &Path, views: Views) -> Vec<String> {
    let altered = read_manifest(folder).and_then(|manifest| {
        let made = if are_own(&manifest) { made(folder, &manifest, views)? } else { BTreeMap::new() };
        let differing =
            made.into_iter().filter(|(name, hash)| manifest.files.get(name).is_some_and(|said| said != hash));
        let names = differing.map(|(name, _)| format!("{name}: it does not show what the record says"));
        Ok(names.collect())
    });
    altered.unwrap_or_else(|error| vec![error.to_string()])
}

/// The hashes of the views, by the names of their files.
fn made(folder: &Path, manifest: &Manifest, views: Views) -> Result<BTreeMap<String, String>, EvidenceError> {
    let summary = Summary::read(folder)?;
    let junit = || hash_written(|out| write_junit(&summary, folder, None, out));
    if views == Views::Junit {
        return Ok(BTreeMap::from([("junit.xml".to_owned(), junit()?)]));
    }
    let html = || hash_written(|out| write_html(&summary, folder, out));
    let pdf = || match manifest.files.contains_key("report.pdf") {
        true => hash_written(|out| write_pdf(&summary, folder, out)).map(Some),
        false => Ok(None),
    };
    let (junit, (html, pdf)) = rayon::join(junit, || rayon::join(html, pdf));
    let mut made = BTreeMap::from([("junit.xml".to_owned(), junit?), ("report.html".to_owned(), html?)]);
    made.extend(pdf?.map(|hash| ("report.pdf".to_owned(), hash)));
    let name = |case: &str| format!("traces/{case}.vcd");
    let is_there = |case: &str| manifest.files.contains_key(&name(case));
    traces(folder, &is_there, &mut |case, trace, end| {
        let hash = hash_written(|out| vcd::write(&trace, case, end, out).map_err(EvidenceError::io(folder)))?;
        made.insert(name(case), hash);
        Ok(())
    })?;
    // What no case shows is none.
    let others = manifest.files.keys().filter(|name| name.starts_with("traces/"));
    for name in others {
        made.entry(name.clone()).or_default();
    }
    Ok(made)
}
