//! Commands in rig files: where the files that they name lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::yaml::{Diagnostics, Place};

use super::file::Rig;
use super::fit::{Mention, Subject};
use super::supervisor::find;

/// Endings of files that an interpreter runs.
const SCRIPTS: &[&str] = &["js", "mjs", "pl", "py", "rb", "sh"];

/// A command with the files that it names as they lie: beside the rig file, in the folder above if that is `rigs`, or
/// in the current one. A program without a folder is found as a shell finds it.
pub(super) fn located(words: &[String], rig_file: &str) -> Vec<String> {
    let folders = folders(rig_file);
    let located = |(index, word): (usize, &String)| {
        // Any other word may happen to be the name of a file.
        let is_file = word.contains('/') || (index > 0 && is_script(word));
        let is_there = |path: &PathBuf| path.is_file();
        let path = folders.iter().map(|folder| folder.join(word)).find(is_there);
        match path.filter(|_| is_file && !Path::new(word).is_absolute()) {
            Some(path) => path.display().to_string(),
            None => word.clone(),
        }
    };
    words.iter().enumerate().map(located).collect()
}

fn is_script(word: &str) -> bool {
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| SCRIPTS.contains(&ending)) && !word.starts_with('-')
}

/// The folders beside a rig file, nearest first.
fn folders(rig_file: &str) -> Vec<PathBuf> {
    let own = Path::new(rig_file).parent().unwrap_or(Path::new(""));
    let above = own.parent().filter(|_| own.file_name().is_some_and(|name| name == "rigs"));
    [Some(own), above].into_iter().flatten().map(Path::to_owned).collect()
}

/// What the commands of rig files on this machine name, and is not there.
pub fn absent(rigs: &BTreeMap<Arc<str>, Rig>) -> Diagnostics {
    let mut findings = Diagnostics::default();
    for Mention { place, subject } in rigs.values().flat_map(|rig| &rig.mentions) {
        // What the program was built with names files of its source tree.
        if let (Subject::Command(command), true) = (subject, Path::new(place.file()).is_file()) {
            check(command, place, &mut findings);
        }
    }
    findings
}

fn check(command: &[String], place: &Place, findings: &mut Diagnostics) {
    let Some((program, arguments)) = command.split_first() else { return };
    if find(program).is_err() {
        let hint = "install it, or name it with its folder: beside the rig file, or from the current folder";
        findings.error_with_hint(place, format!("there is no program `{program}`"), hint);
    }
    let is_missing = |word: &&String| is_script(word) && !Path::new(word.as_str()).is_file();
    if let Some(script) = arguments.iter().find(is_missing) {
        let hint =
            "files are looked for beside the rig file, in the folder above `rigs`, and in the current folder";
        findings.error_with_hint(place, format!("there is no file `{script}`"), hint);
    }
}
