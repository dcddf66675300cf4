//! `lockrig verify` and `lockrig replay`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::attest::{self, PublicKey, Signed};
use crate::evidence::{self, Manifest, Verification};
use crate::report::{self, Summary, Views};
use crate::run::{self, Again, ReplayError};
use crate::unit::{counted, visible};

use super::exit::Exit;
use super::key;
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

#[derive(clap::Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// The run must be signed by this key: the file of a public key, or a name that `key trust` was given
    #[arg(long)]
    key: Option<String>,
}

/// Whose signature a run has, for people; none if it has none.
fn signature(
    folder: &Path,
    manifest: &Manifest,
    keys: &[(String, PublicKey)],
) -> Result<Option<Vec<Signer>>, String> {
    let Some(bytes) = attest::read(folder)? else { return Ok(None) };
    let known: Vec<PublicKey> = keys.iter().map(|(_, key)| key.clone()).collect();
    let summary = Summary::read(folder).map_err(|error| error.to_string())?;
    let signed = attest::check(folder, manifest, summary.outcome(), &bytes, &known)?;
    let signer = |one: Signed| Signer {
        name: keys.iter().find(|(_, key)| one.is_known && key.id() == one.key).map(|(name, _)| name.clone()),
        key: one.key,
    };
    Ok(Some(signed.into_iter().map(signer).collect()))
}

/// Who signed a run.
struct Signer {
    key: String,
    /// What its key is called, if it is known: only then the signature was checked.
    name: Option<String>,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "signed by {name} (key {})", self.key),
            None => write!(f, "signed by a key that is not trusted here, so not checked ({})", self.key),
        }
    }
}

pub(super) fn verify(args: &VerifyArgs, terminal: &Terminal) -> Exit {
    let VerifyArgs { folder: args, key } = args;
    let wanted = key.as_deref().map(key::wanted).transpose();
    let keys = wanted.and_then(|wanted| {
        let mut keys = key::trusted()?;
        if let Some(wanted) = &wanted {
            keys.retain(|(_, key)| *key != wanted.1);
            keys.push(wanted.clone());
        }
        Ok((wanted, keys))
    });
    let (wanted, keys) = match keys {
        Ok(keys) => keys,
        Err(refusal) => return terminal.refused(refusal),
    };
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
    let (mut signers, mut is_wanted) = (Vec::new(), true);
    let found = match (&opened, found) {
        (Ok(opened), Verification::Intact(manifest)) => match signature(&opened.folder, &manifest, &keys) {
            Err(finding) => Verification::Altered(vec![finding]),
            Ok(by) => {
                signers = by.unwrap_or_default();
                let has_signed = |(name, _): &(String, PublicKey)| {
                    signers.iter().any(|signer| signer.name.as_ref() == Some(name))
                };
                is_wanted = wanted.as_ref().is_none_or(has_signed);
                Verification::Intact(manifest)
            }
        },
        (_, found) => found,
    };
    let continued = opened.as_ref().map(|opened| opened.continued(&args.run)).unwrap_or_default();
    let (state, lines, exit) = match found {
        Verification::Intact(manifest) => {
            let played = manifest.counts.total();
            let signed = signers.iter().map(Signer::to_string).collect::<Vec<_>>().join("; ");
            let signed = if signed.is_empty() { "unsigned".to_owned() } else { signed };
            let mut lines = vec![format!(
                "intact, {signed}: {}, {}",
                counted(played, "case"),
                counted(manifest.files.len() as u64, "file")
            )];
            if !is_wanted {
                lines.insert(0, "it is not signed by the key that it must be signed by".to_owned());
                ("refused", lines, Exit::Evidence)
            } else if played < manifest.planned {
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
        if state == "altered" {
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
