//! `lockrig verify` and `lockrig replay`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::attest::{self, Authorities, PublicKey, Signed, Trust};
use crate::evidence::{self, Manifest, Verification};
use crate::report::{self, Summary, Views};
use crate::run::{self, Again, ReplayError};
use crate::unit::{self, Duration, counted, visible};

use super::exit::Exit;
use super::key;
use super::pack::{Opened, no_run, unopened};
use super::stamp;
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
    /// The signature must have a time stamp of an authority: the file with its root certificate in PEM
    #[arg(long)]
    tsa: Option<PathBuf>,
    /// How long after its end the run may have been stamped
    #[arg(long, default_value = "24 h", requires = "tsa")]
    stamped_within: String,
}

/// Whose signature a run has, for people; none if it has none.
pub(super) fn signature(
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

/// What the time stamps of a run say, for people; and why they are not enough, if an authority is demanded, and none has
/// stamped it, or not in time.
///
/// # Errors
/// One is wrong.
fn stamped(
    folder: &Path,
    manifest: &Manifest,
    authorities: Option<&Authorities>,
    within: Duration,
) -> Result<(Vec<String>, Option<String>), String> {
    let bytes = attest::read(folder)?;
    let nobody = Authorities::default();
    let stamps = match &bytes {
        Some(bytes) => attest::stamps(bytes, authorities.unwrap_or(&nobody))?,
        None => Vec::new(),
    };
    let missing = authorities.is_some() && stamps.is_empty();
    let mut refused = missing.then(|| "it has no time stamp, and must have one".to_owned());
    let ended = manifest.ended.as_deref().unwrap_or_default();
    let (mut said, mut wrong, mut is_good) = (Vec::new(), None, false);
    for stamp in &stamps {
        let at = stamp::shown(stamp.at);
        match &stamp.trust {
            Trust::Unchecked => {
                said.push(format!("stamped at {at}, as its time stamp says; it was not checked (--tsa)"));
            }
            Trust::Refused(reason) => wrong = wrong.or_else(|| Some(reason.clone())),
            Trust::Trusted => {
                let within = within.as_nanoseconds() / 1_000_000_000;
                let misdated = stamp::misdated(ended, stamp.at, within);
                is_good |= misdated.is_none();
                wrong = wrong.or(misdated);
                said.push(format!("stamped at {at} by an authority that is trusted"));
            }
        }
    }
    // One that is right is enough: later ones renew it.
    if !is_good {
        refused = refused.or(wrong);
    }
    Ok((said, refused))
}

/// Who signed a run.
pub(super) struct Signer {
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
    let VerifyArgs { folder: args, key, tsa, stamped_within } = args;
    let authorities = tsa.as_deref().map(stamp::authorities).transpose();
    let within = unit::parse::<Duration>(stamped_within).map_err(|error| (error.to_string(), None));
    let (authorities, within) = match authorities.and_then(|authorities| Ok((authorities, within?))) {
        Ok(known) => known,
        Err(refusal) => return terminal.refused(refusal),
    };
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
    let (mut signers, mut refused, mut stamps) = (Vec::new(), None, Vec::new());
    let found = match (&opened, found) {
        (Ok(opened), Verification::Intact(manifest)) => match signature(&opened.folder, &manifest, &keys) {
            Err(finding) => Verification::Altered(vec![finding]),
            Ok(by) => {
                signers = by.unwrap_or_default();
                let has_signed = |(name, _): &(String, PublicKey)| {
                    signers.iter().any(|signer| signer.name.as_ref() == Some(name))
                };
                let is_wanted = wanted.as_ref().is_none_or(has_signed);
                let unwanted = "it is not signed by the key that it must be signed by";
                refused = (!is_wanted).then(|| unwanted.to_owned());
                // What is stamped is the first signature, so that must be the one that counts.
                let stamped_by = signers.first().and_then(|signer| signer.name.as_deref());
                let is_ours =
                    stamped_by.is_some_and(|name| wanted.as_ref().is_none_or(|(wanted, _)| wanted == name));
                if authorities.is_some() && !is_ours {
                    let unknown = "the signature that is stamped is by no key that is trusted here";
                    refused = refused.or_else(|| Some(unknown.to_owned()));
                }
                match stamped(&opened.folder, &manifest, authorities.as_ref(), within) {
                    Ok((said, wrong)) => {
                        stamps = said;
                        refused = refused.or(wrong);
                        Verification::Intact(manifest)
                    }
                    Err(finding) => Verification::Altered(vec![finding]),
                }
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
            lines.extend(stamps);
            if let Some(refused) = refused {
                lines.insert(0, refused);
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
