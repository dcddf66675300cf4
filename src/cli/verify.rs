//! `lockrig verify` and `lockrig replay`.

use std::path::PathBuf;

use serde_json::json;

use crate::evidence::{self, Verification};
use crate::run;

use super::exit::Exit;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct FolderArgs {
    /// Run folder
    run: PathBuf,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

fn not_a_folder(args: &FolderArgs, terminal: &Terminal) -> Exit {
    terminal.error(&format!("{} is not a folder", args.run.display()), Some("name a folder under reports/"));
    Exit::Usage
}

pub(super) fn verify(args: &FolderArgs, terminal: &Terminal) -> Exit {
    if !args.run.is_dir() {
        return not_a_folder(args, terminal);
    }
    let (state, lines, exit) = match evidence::verify(&args.run) {
        Verification::Intact(manifest) => {
            let lines = vec![format!(
                "intact, unsigned: {} cases, {} files",
                manifest.counts.total(),
                manifest.files.len()
            )];
            ("intact", lines, Exit::Pass)
        }
        Verification::Aborted { manifest, finished, torn } => {
            let end = if torn { ", the last line is cut" } else { "" };
            let lines = vec![
                format!(
                    "aborted: {finished} of {} cases finished{end}; what was recorded is intact",
                    manifest.planned
                ),
                format!("continue with: lockrig run --resume {}", args.run.display()),
            ];
            ("aborted", lines, Exit::Unproven)
        }
        Verification::Running(manifest) => (
            "running",
            vec![format!("running: {} cases planned, its owner is still at it", manifest.planned)],
            Exit::Unproven,
        ),
        Verification::Altered(findings) => ("altered", findings, Exit::Evidence),
    };
    if args.json {
        terminal.line(&json!({"state": state, "findings": lines}).to_string());
    } else {
        if exit == Exit::Evidence {
            terminal.line("altered: this folder is not what was written");
        }
        lines.iter().for_each(|line| terminal.line(line));
    }
    exit
}

pub(super) fn replay(args: &FolderArgs, terminal: &Terminal) -> Exit {
    if !args.run.is_dir() {
        return not_a_folder(args, terminal);
    }
    if let Verification::Altered(findings) = evidence::verify(&args.run) {
        terminal.error("the run folder is not what was written", findings.first().map(String::as_str));
        return Exit::Evidence;
    }
    match run::replay(&args.run) {
        Err(error) => {
            terminal.error(&error.to_string(), Some("`lockrig verify` says what was altered"));
            Exit::Evidence
        }
        Ok(replayed) => {
            if args.json {
                let json = json!({"agreed": replayed.agreed, "disagreed": replayed.disagreed});
                terminal.line(&json.to_string());
            } else {
                replayed.disagreed.iter().for_each(|line| terminal.line(line));
                terminal.line(&format!(
                    "{} verdicts agree, {} disagree",
                    replayed.agreed,
                    replayed.disagreed.len()
                ));
            }
            if replayed.disagreed.is_empty() { Exit::Pass } else { Exit::Evidence }
        }
    }
}
