//! `lockrig pack`, and what was packed in place of a run folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use indicatif::DecimalBytes;
use tempfile::TempDir;

use crate::evidence::{EvidenceError, Verification, is_packed, pack as write_packed, unpack};

use super::exit::Exit;
use super::report::is_inside;
use super::terminal::{Terminal, typed};
use super::verify::verified;

#[derive(clap::Args)]
pub(super) struct PackArgs {
    /// Run folder
    run: PathBuf,
    /// File to write (if not given, RUN.tar.zst beside the folder)
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A run as it was named: its folder, or a file that it was packed into.
pub(super) struct Opened {
    pub(super) folder: PathBuf,
    /// Goes when this is dropped.
    unpacked: Option<TempDir>,
}

impl Opened {
    /// Opens a run; `None` if it is neither a run folder nor a packed run.
    pub(super) fn find(run: &Path) -> Result<Option<Self>, EvidenceError> {
        if is_run_folder(run) {
            return Ok(Some(Self { folder: run.to_owned(), unpacked: None }));
        }
        if !is_packed(run) {
            return Ok(None);
        }
        let into = tempfile::tempdir().map_err(EvidenceError::io(&std::env::temp_dir()))?;
        Ok(Some(Self { folder: unpack(run, into.path())?, unpacked: Some(into) }))
    }

    /// Opens a run, or says why not.
    pub(super) fn open(run: &Path, terminal: &Terminal) -> Result<Self, Exit> {
        match Self::find(run) {
            Ok(Some(opened)) => Ok(opened),
            Ok(None) => Err(no_run(run, terminal)),
            Err(error) => {
                terminal.error(&error.to_string(), None);
                Err(unopened(&error))
            }
        }
    }

    /// How a run that did not finish is continued.
    pub(super) fn continued(&self, run: &Path) -> String {
        let run = typed(&run.display().to_string());
        match self.unpacked {
            Some(_) => format!("continue after unpacking it: tar --zstd -xf {run}"),
            None => format!("continue with: lockrig run --resume {run}"),
        }
    }
}

/// What it means that a packed run can't be opened.
pub(super) fn unopened(error: &EvidenceError) -> Exit {
    match error {
        EvidenceError::Malformed { .. } => Exit::Evidence,
        EvidenceError::Io { .. } => Exit::Unproven,
    }
}

/// Whether a folder is one that a run was written into, even if somebody took files away.
pub(super) fn is_run_folder(folder: &Path) -> bool {
    ["run.json", "journal.jsonl", "results.json"].iter().any(|name| folder.join(name).exists())
}

pub(super) fn no_run(run: &Path, terminal: &Terminal) -> Exit {
    let message = format!("{} is neither a run folder nor a packed run", run.display());
    terminal.error(&message, Some("name a folder under reports/, or what `lockrig pack` made of one"));
    Exit::Usage
}

pub(super) fn pack(args: &PackArgs, terminal: &Terminal) -> Exit {
    let run = &args.run;
    if !is_run_folder(run) {
        let message = format!("{} is not a run folder", run.display());
        terminal.error(&message, Some("name a folder under reports/"));
        return Exit::Usage;
    }
    match verified(run) {
        Verification::Intact(_) | Verification::Aborted { .. } => {}
        Verification::Running(_) => {
            terminal.error("that run is still in progress", Some("wait for it to finish, or stop it"));
            return Exit::Usage;
        }
        Verification::Altered(findings) => {
            let hint = findings.first().map(String::as_str);
            terminal.error("the run folder has been altered, so it is not packed", hint);
            return Exit::Evidence;
        }
    }
    // `.` has a name too.
    let real = fs::canonicalize(run).unwrap_or_else(|_| run.clone());
    let beside = || real.with_added_extension("tar.zst");
    let out = args.out.clone().unwrap_or_else(beside);
    if is_inside(&out, run) {
        terminal.error("a run can't be packed into its own folder", Some("choose a path outside it"));
        return Exit::Usage;
    }
    if out.exists() {
        terminal.error(&format!("{} is there already", out.display()), Some("choose another --out"));
        return Exit::Usage;
    }
    match write(run, &out) {
        Ok(length) => {
            let out = typed(&out.display().to_string());
            terminal.line(&format!("packed: {out}, {}", DecimalBytes(length)));
            terminal.line(&format!("read it with: lockrig verify {out}"));
            Exit::Pass
        }
        Err(error) => {
            terminal.error(&error.to_string(), None);
            Exit::Unproven
        }
    }
}

/// Writes the whole file, or none; its length in bytes.
fn write(run: &Path, out: &Path) -> Result<u64, EvidenceError> {
    let io = |error| EvidenceError::io(out)(error);
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".lockrig-pack-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(parent)
        .map_err(io)?;
    write_packed(run, &mut file)?;
    // What could not be read again would be lost with its folder.
    let again = tempfile::tempdir().map_err(EvidenceError::io(&std::env::temp_dir()))?;
    unpack(file.path(), again.path())?;
    file.as_file().sync_all().map_err(io)?;
    let length = file.as_file().metadata().map_err(io)?.len();
    file.persist_noclobber(out).map_err(|error| io(error.error))?;
    Ok(length)
}
