//! `lockrig verify` and `lockrig replay`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::evidence::{self, Verification};
use crate::report::{self, Views};
use crate::run::{self, Again, ReplayError};
use crate::unit::{counted, visible};

use super::exit::Exit;
use super::pack::{Opened, no_run, unopened};
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct FolderArgs {
    /// Run folder, or packed run
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

pub(super) fn verify(args: &FolderArgs, terminal: &Terminal) -> Exit {
    let opened = match Opened::find(&args.run) {
        Ok(Some(opened)) => Ok(opened),
        Ok(None) => return no_run(&args.run, terminal),
        Err(error) if unopened(&error) == Exit::Evidence => Err(error),
        Err(error) => {
            terminal.error(&error.to_string(), None);
            return unopened(&error);
        }
    };
    let found = match &opened {
        Ok(opened) => verified(&opened.folder),
        Err(error) => Verification::Altered(vec![error.to_string()]),
    };
    let continued = opened.as_ref().map(|opened| opened.continued(&args.run)).unwrap_or_default();
    let (state, lines, exit) = match found {
        Verification::Intact(manifest) => {
            let played = manifest.counts.total();
            let mut lines = vec![format!(
                "intact, unsigned: {}, {}",
                counted(played, "case"),
                counted(manifest.files.len() as u64, "file")
            )];
            if played < manifest.planned {
                lines.push(format!("interrupted: {} cases were planned", manifest.planned));
                lines.push(continued);
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
                continued,
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
            terminal.line("altered: this run has changed since it was written");
        }
        lines.iter().for_each(|line| terminal.line(&visible(line)));
    }
    exit
}

/// Verifies a run folder, and what a build server reads of it.
pub(super) fn verified(folder: &Path) -> Verification {
    let (found, altered) = rayon::join(|| evidence::verify(folder), || report::altered(folder, Views::Junit));
    match found {
        Verification::Intact(_) if !altered.is_empty() => Verification::Altered(altered),
        found @ (Verification::Intact(_)
        | Verification::Aborted { .. }
        | Verification::Running(_)
        | Verification::Altered(_)) => found,
    }
}

pub(super) fn replay(args: &ReplayArgs, terminal: &Terminal) -> Exit {
    let ReplayArgs { folder: args, simulate } = args;
    let opened = match Opened::open(&args.run, terminal) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let again = if *simulate { Again::SimulatedLock } else { Again::Engine };
    // Side by side, so that no processor waits for the other one's last block.
    let views = || report::altered(&opened.folder, Views::All);
    let (found, altered) = rayon::join(|| run::replay(&opened.folder, again), views);
    match found {
        Err(ReplayError::Altered(findings)) => {
            terminal.error("the run has been altered", findings.first().map(String::as_str));
            Exit::Evidence
        }
        Err(error @ ReplayError::Evidence(_)) => {
            terminal.error(&error.to_string(), Some("`lockrig verify` says what was altered"));
            Exit::Evidence
        }
        Err(error @ ReplayError::NotSimulated) => {
            terminal.error(&error.to_string(), Some("leave out --simulate"));
            Exit::Usage
        }
        Ok(mut replayed) => {
            let closed = replayed.closed.take();
            if let Some(manifest) = &closed {
                replayed.disagreed.extend(altered);
                if !report::are_own(manifest) {
                    let tool = visible(&manifest.tool);
                    terminal.note(&format!(
                        "lockrig {tool} made its report, JUnit file and waveforms: not compared"
                    ));
                }
            }
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
            match (replayed.disagreed.is_empty(), replayed.agreed, &closed) {
                (false, ..) => Exit::Evidence,
                // Nothing is confirmed, and nothing contradicted.
                (true, 0, None) => Exit::Unproven,
                (true, ..) => Exit::Pass,
            }
        }
    }
}
