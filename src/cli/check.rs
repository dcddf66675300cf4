//! `lockrig check`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::scenario::{Content, Selection, Start, expand};
use crate::yaml::Severity;

use super::exit::Exit;
use super::files::Files;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// Files or folders; the whole library without any
    paths: Vec<PathBuf>,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn check(args: &CheckArgs, terminal: &Terminal) -> Exit {
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
    let (library, rigs, mut findings) = files.load();
    if !args.paths.is_empty() {
        findings.retain(|finding| concerns(&args.paths, finding.place.file()));
    }
    if args.json {
        let list: Vec<_> = findings
            .sorted()
            .iter()
            .map(|d| {
                json!({
                    "severity": if d.severity == Severity::Error { "error" } else { "warning" },
                    "file": d.place.file(), "line": d.place.line(), "column": d.place.column(),
                    "message": d.message, "hint": d.hint,
                })
            })
            .collect();
        terminal.line(&json!({"files": named, "findings": list}).to_string());
    } else {
        terminal.styled(&findings.render(terminal.has_color()));
    }
    if findings.has_errors() {
        let errors = findings.sorted().iter().filter(|d| d.severity == Severity::Error).count();
        let plural = if errors == 1 { "" } else { "s" };
        terminal.note(&format!("{errors} error{plural} in {named} files"));
        return Exit::Usage;
    }
    if named == 0 {
        terminal.error("there is no YAML file to check", None);
        return Exit::Usage;
    }
    if !args.json {
        let cases = expand(&library, &Selection::default());
        let playable = cases
            .iter()
            .filter(|case| matches!(case.build(&library, Start::Delivered), Content::Play(_)))
            .count();
        let fine = if named == 1 { "1 file is fine".to_owned() } else { format!("{named} files are fine") };
        let beside = if args.paths.is_empty() { "" } else { ", beside the library" };
        terminal.line(&format!(
            "{fine}{beside}: {} models, {} scenarios, {} rigs; {} cases, {playable} of them applicable",
            library.models.len(),
            library.scenarios.len(),
            rigs.len(),
            cases.len(),
        ));
    }
    Exit::Pass
}

fn concerns(paths: &[PathBuf], file: &str) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = real(Path::new(file));
    paths.iter().any(|path| file.starts_with(real(path)))
}
