//! `lockrig guard`: the second process, or the service that owns a rig's outputs.

use std::path::PathBuf;

use crate::guard::{Setup, serve_parent, serve_socket, service_sockets};
use crate::yaml::Diagnostics;

use super::exit::Exit;
use super::files::{Files, Kind, Rigs, known};
use super::rig::has_errors;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct GuardArgs {
    /// Serve this rig's clients on /run/lockrig, or $XDG_RUNTIME_DIR/lockrig, as a service
    rig: Option<String>,
}

pub(super) fn guard(args: &GuardArgs, terminal: &Terminal) -> Exit {
    let served = match &args.rig {
        None => serve_parent(),
        Some(word) => match setup(word, Files::compared_rigs, terminal) {
            Ok((setup, false)) => serve_first(&setup),
            Ok((_, true)) => return Exit::Usage,
            Err(exit) => return exit,
        },
    };
    match served {
        Ok(()) => Exit::Pass,
        Err(error) => {
            terminal.error(&format!("the guard can't serve: {error}"), None);
            Exit::Unproven
        }
    }
}

/// Serves where this user may: the machine's folder, else its own.
fn serve_first(setup: &Setup) -> std::io::Result<()> {
    let sockets = service_sockets(&setup.rig);
    let may = |path: &&PathBuf| path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok());
    // The user's own comes last, and is the more specific wish.
    let found = sockets.iter().rev().find(may);
    let path = found.ok_or_else(|| std::io::Error::other("no folder for the socket can be created"))?;
    serve_socket(path, setup)
}

/// What the guard of a rig owns, and whether the rig's files have errors, which are shown. Whether they fit the lock is
/// compared only by whoever will switch something.
pub(super) fn setup(
    word: &str,
    load: fn(&Files) -> (Rigs, Diagnostics),
    terminal: &Terminal,
) -> Result<(Setup, bool), Exit> {
    let mut files = Files::library();
    let id = files.id_of(Kind::Rig, word);
    let (rigs, findings) = load(&files);
    let rig = known("rig", &id, &rigs).map_err(|(message, hint)| {
        terminal.findings(&findings);
        terminal.error(&message, Some(&hint));
        Exit::Usage
    })?;
    match rig.bench() {
        Some(bench) => Ok((Setup::of(&rig.id, bench), has_errors(rig, &findings, terminal))),
        None => {
            let hint = "only a rig with `boards:` and `wiring:` has outputs";
            terminal.error(&format!("rig `{id}` has no outputs to guard"), Some(hint));
            Err(Exit::Usage)
        }
    }
}
