//! Whether the views of a run show what its record says: they are made again, and compared.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{EvidenceError, Manifest, TOOL, hash_written, traces};
use crate::trace::vcd;

use super::{html, junit};

/// Which views are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Views {
    /// What a build server reads.
    Junit,
    /// That, the page and the waveforms.
    All,
}

/// Whether the views of a run were made by this version, which is the only one that can make them again.
pub fn are_own(manifest: &Manifest) -> bool {
    manifest.tool == TOOL
}

/// Views of a closed run that do not show what its record says, and what is wrong with them.
pub fn altered(folder: &Path, manifest: &Manifest, views: Views) -> Vec<String> {
    if !are_own(manifest) {
        return Vec::new();
    }
    let made = match made(folder, manifest, views) {
        Ok(made) => made,
        Err(error) => return vec![error.to_string()],
    };
    let is_wanted = |name: &str| {
        name == "junit.xml" || views == Views::All && (name == "report.html" || name.starts_with("traces/"))
    };
    let differing =
        manifest.files.iter().filter(|(name, hash)| is_wanted(name) && made.get(*name) != Some(*hash));
    differing.map(|(name, _)| format!("{name}: it does not show what the record says")).collect()
}

/// The hashes of the views, by the names of their files.
fn made(folder: &Path, manifest: &Manifest, views: Views) -> Result<BTreeMap<String, String>, EvidenceError> {
    let mut made = BTreeMap::from([("junit.xml".to_owned(), hash_written(|out| junit(folder, out))?)]);
    if views == Views::Junit {
        return Ok(made);
    }
    made.insert("report.html".to_owned(), hash_written(|out| html(folder, out))?);
    let name = |case: &str| format!("traces/{case}.vcd");
    let is_there = |case: &str| manifest.files.contains_key(&name(case));
    traces(folder, &is_there, &mut |case, trace, end| {
        let hash = hash_written(|out| vcd::write(&trace, case, end, out).map_err(EvidenceError::io(folder)))?;
        made.insert(name(case), hash);
        Ok(())
    })?;
    Ok(made)
}
