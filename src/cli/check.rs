//! `lockrig check`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::guard::SILENCE;
use crate::rig::{self, Rig};
use crate::run::{gaps, start_of};
use crate::scenario::{Content, Library, Plan, Selection, expand};
use crate::trace::Channel;
use crate::unit::counted;
use crate::yaml::Severity;

use super::exit::Exit;
use super::files::Files;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// Files or folders to check; the whole library if none are given
    paths: Vec<PathBuf>,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
    /// Replace words from earlier versions in your files, keeping comments and layout
    #[arg(long)]
    fix: bool,
}

/// Reads what is checked, and says how many files that is.
fn read(args: &CheckArgs) -> (Files, usize) {
    let mut files = Files::library();
    let mut named = files.len();
    if args.paths.iter().any(|path| path.is_dir()) {
        // A folder stands for itself: only what it lacks is taken from the built-in library.
        files = Files::default();
        args.paths.iter().for_each(|path| files.read_path(path));
        named = files.len();
        files.complete();
    } else if !args.paths.is_empty() {
        args.paths.iter().for_each(|path| files.read_path(path));
        named = args.paths.len();
    }
    (files, named)
}

/// Replaces one word after the other: the next one is found only when the file is read without this one.
fn fix(args: &CheckArgs, terminal: &Terminal) -> Result<(), String> {
    let mut fixed: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        let (_, _, findings) = read(args).0.load();
        let mut seen = BTreeSet::new();
        for finding in findings.sorted() {
            let (place, Some(word)) = (&finding.place, finding.fix) else { continue };
            let file = Path::new(place.file());
            let is_own = args.paths.is_empty() || concerns(&args.paths, place.file());
            // A built-in file is not on disk. One place a file and round: the others move with it.
            if is_own && file.is_file() && seen.insert(place.file()) {
                fs::write(file, place.replaced_by(word))
                    .map_err(|error| format!("{}: {error}", place.file()))?;
                *fixed.entry(place.file().to_owned()).or_default() += 1;
            }
        }
        if seen.is_empty() {
            break;
        }
    }
    for (file, count) in &fixed {
        terminal.note(&format!("fixed {} in {file}", counted(*count, "word")));
    }
    if fixed.is_empty() {
        terminal.note("nothing to fix");
    }
    Ok(())
}

pub(super) fn check(args: &CheckArgs, terminal: &Terminal) -> Exit {
    if args.fix
        && let Err(error) = fix(args, terminal)
    {
        terminal.error(&error, None);
        return Exit::Usage;
    }
    let (files, named) = read(args);
    let (library, rigs, mut findings) = files.load();
    findings.extend(rig::absent(&rigs));
    if !args.paths.is_empty() {
        // A rig is made of the files that it is like, too.
        let named =
            rigs.values().filter(|rig| rig.files.first().is_some_and(|file| concerns(&args.paths, file)));
        let parents: Vec<&String> = named.flat_map(|rig| &rig.files).collect();
        findings.retain(|finding| {
            let file = finding.place.file();
            concerns(&args.paths, file) || parents.iter().any(|parent| *parent == file)
        });
    }
    if args.json {
        let list: Vec<_> = findings
            .sorted()
            .iter()
            .map(|d| {
                json!({
                    "severity": if d.severity == Severity::Error { "error" } else { "warning" },
                    "file": d.place.file(), "line": d.place.line(), "column": d.place.column(),
                    "message": d.message, "hint": d.hint, "fix": d.fix,
                })
            })
            .collect();
        terminal.line(&json!({"files": named, "findings": list}).to_string());
    } else {
        terminal.findings(&findings);
    }
    if findings.has_errors() {
        let errors = findings.sorted().iter().filter(|d| d.severity == Severity::Error).count();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        terminal.note(&format!("{errors} error{} in {named} file{}", plural(errors), plural(named)));
        return Exit::Usage;
    }
    if named == 0 {
        terminal.error("no YAML files to check", None);
        return Exit::Usage;
    }
    if !args.json {
        let cases = Plan::new(&library, Selection::default()).count();
        let is_named = |rig: &&Rig| rig.files.first().is_some_and(|file| concerns(&args.paths, file));
        for rig in rigs.values().filter(is_named) {
            warn_of_gaps(rig, &library, terminal);
            if let Some(bench) = rig.bench() {
                terminal.line(&format!(
                    "rig `{}`: outputs go safe within {} if lockrig or its guard dies, and {SILENCE} later \
                     if either hangs",
                    rig.id,
                    bench.safe_within(),
                ));
            }
        }
        let fine = if named == 1 { "1 file is fine".to_owned() } else { format!("{named} files are fine") };
        let beside = if args.paths.is_empty() { "" } else { ", checked with the library" };
        terminal.line(&format!(
            "{fine}{beside}: {} models, {} scenarios, {} rigs; {} cases",
            library.models.len(),
            library.scenarios.len(),
            rigs.len(),
            cases,
        ));
    }
    Exit::Pass
}

/// Cases of the mounted model that a bench can't tell anything of, and outputs that nothing reads back.
fn warn_of_gaps(rig: &Rig, library: &Library, terminal: &Terminal) {
    let Some((bench, model)) = rig.bench().and_then(|b| Some((b, library.models.get(&b.model)?))) else {
        return;
    };
    let selection = Selection { models: vec![Arc::clone(&bench.model)], ..Selection::default() };
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let (mut lacking, mut all) = (0, 0);
    for case in expand(library, &selection) {
        let Content::Play(program) = case.build(library, start_of(rig)) else { continue };
        let gaps = gaps(&program, rig, &model.facts);
        all += 1;
        lacking += usize::from(!gaps.is_empty());
        missing.extend(gaps);
    }
    if lacking > 0 {
        terminal.warning(&format!(
            "rig `{}` can't play {lacking} of {all} cases of `{}`, which will be inconclusive: {}",
            rig.id,
            bench.model,
            Vec::from_iter(missing).join("; "),
        ));
    }
    // Switches of a keypad have no contact of their own to read.
    let keypad = bench.outputs_of(&Channel::Keypad);
    let read = bench.outputs.iter().enumerate().filter(|(index, _)| !keypad.contains(index));
    let unread: Vec<&str> =
        read.filter(|(_, output)| output.sense.is_none()).map(|(_, output)| &*output.name).collect();
    if !unread.is_empty() {
        terminal.warning(&format!(
            "rig `{}` does not read back {}: without `sense:` a stuck contact goes unnoticed",
            rig.id,
            unread.join(", "),
        ));
    }
}

fn concerns(paths: &[PathBuf], file: &str) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = real(Path::new(file));
    paths.iter().any(|path| file.starts_with(real(path)))
}
