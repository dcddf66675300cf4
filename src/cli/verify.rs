//! `lockrig verify` and `lockrig replay`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::evidence::{self, Verification};
use crate::run::{self, Again, ReplayError};
use crate::unit::{counted, visible};

use super::exit::Exit;
use super::terminal::{Terminal, typed};

#[derive(clap::Args)]
pub(super) struct FolderArgs {
    /// Run folder
    run: PathBuf,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Play the simulated locks again too: every recorded line must come out the same
    #[arg(long)]
    simulate: bool,
}

/// Whether a folder is one that a run was written into, even if somebody took files away.
pub(super) fn is_run_folder(folder: &Path) -> bool {
    ["run.json", "journal.jsonl", "results.json"].iter().any(|name| folder.join(name).exists())
}

pub(super) fn no_run_folder(folder: &Path, terminal: &Terminal) -> Exit {
    let message = format!("{} is not a run folder", folder.display());
    terminal.error(&message, Some("name a folder under reports/"));
    Exit::Usage
}

pub(super) fn verify(args: &FolderArgs, terminal: &Terminal) -> Exit {
    if !is_run_folder(&args.run) {
        return no_run_folder(&args.run, terminal);
    }
    let (state, lines, exit) = match evidence::verify(&args.run) {
        Verification::Intact(manifest) => {
            let played = manifest.counts.total();
            let mut lines = vec![format!(
                "intact, unsigned: {}, {}",
                counted(played, "case"),
                counted(manifest.files.len() as u64, "file")
            )];
            if played < manifest.planned {
                lines.push(format!("interrupted: {} cases were planned", manifest.planned));
                lines.push(format!(
                    "continue with: lockrig run --resume {}",
                    typed(&args.run.display().to_string())
                ));
                ("interrupted", lines, Exit::Unproven)
            } else {
                ("intact", lines, Exit::Pass)
            }
        }
        Verification::Aborted { manifest, finished, torn } => {
            let end = if torn { ", the last line is cut off" } else { "" };
            let lines = vec![
                format!(
                    "aborted: {finished} of {} cases finished{end}; what was recorded is intact",
                    manifest.planned
                ),
                format!("continue with: lockrig run --resume {}", typed(&args.run.display().to_string())),
            ];
            ("aborted", lines, Exit::Unproven)
        }
        Verification::Running(manifest) => (
            "running",
            vec![format!("running: {} cases planned, still in progress", manifest.planned)],
            Exit::Unproven,
        ),
        Verification::Altered(findings) => ("altered", findings, Exit::Evidence),
    };
    if args.json {
        terminal.line(&json!({"state": state, "findings": lines}).to_string());
    } else {
        if exit == Exit::Evidence {
            terminal.line("altered: this folder has changed since it was written");
        }
        lines.iter().for_each(|line| terminal.line(&visible(line)));
    }
    exit
}

pub(super) fn replay(args: &ReplayArgs, terminal: &Terminal) -> Exit {
    let ReplayArgs { folder: args, simulate } = args;
    if !is_run_folder(&args.run) {
        return no_run_folder(&args.run, terminal);
    }
    if let Verification::Altered(findings) = evidence::verify(&args.run) {
        terminal.error("the run folder has been altered", findings.first().map(String::as_str));
        return Exit::Evidence;
    }
    let again = if *simulate { Again::SimulatedLock } else { Again::Engine };
    match run::replay(&args.run, again) {
        Err(error @ ReplayError::Evidence(_)) => {
            terminal.error(&error.to_string(), Some("`lockrig verify` says what was altered"));
            Exit::Evidence
        }
        Err(error @ ReplayError::NotSimulated) => {
            terminal.error(&error.to_string(), Some("leave out --simulate"));
            Exit::Usage
        }
        Ok(replayed) => {
            if args.json {
                let json = json!({"agreed": replayed.agreed, "disagreed": replayed.disagreed});
                terminal.line(&json.to_string());
            } else {
                replayed.disagreed.iter().for_each(|line| terminal.line(&visible(line)));
                terminal.line(&format!(
                    "{} confirmed, {} contradicted",
                    counted(replayed.agreed as u64, "verdict"),
                    replayed.disagreed.len()
                ));
            }
            if replayed.disagreed.is_empty() { Exit::Pass } else { Exit::Evidence }
        }
    }
}
