//! `lockrig timestamp`: a time-stamping authority's word that a signature existed, so that no run is back-dated.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::attest::{self, Authorities};
use crate::evidence::Verification;

use super::exit::Exit;
use super::files::read_bounded;
use super::key;
use super::pack::no_run;
use super::report::is_inside;
use super::terminal::{Refusal, Terminal, typed};
use super::verify::{signature, verified};

#[derive(clap::Args)]
pub(super) struct TimestampArgs {
    /// Run folder, signed
    run: PathBuf,
    /// Write the request for an authority to this file (RFC 3161: application/timestamp-query)
    #[arg(long, required_unless_present = "response", conflicts_with = "response")]
    request: Option<PathBuf>,
    /// Attach the authority's answer, which is in this file (application/timestamp-reply)
    #[arg(long)]
    response: Option<PathBuf>,
}

pub(super) fn timestamp(args: &TimestampArgs, terminal: &Terminal) -> Exit {
    if !args.run.join("run.json").exists() {
        return no_run(&args.run, terminal);
    }
    let altered = |finding: Option<&str>| {
        terminal.error("the run has been altered", finding);
        Exit::Evidence
    };
    let manifest = match verified(&args.run) {
        Verification::Intact(manifest) => manifest,
        Verification::Aborted { .. } | Verification::Running(_) => {
            terminal.error("the run was not finished, and only a finished one is signed", None);
            return Exit::Unproven;
        }
        Verification::Altered(findings) => return altered(findings.first().map(String::as_str)),
    };
    let keys = match key::trusted() {
        Ok(keys) => keys,
        Err(refusal) => return terminal.refused(refusal),
    };
    // No authority is asked for what is not a signature of this run.
    if let Err(finding) = signature(&args.run, &manifest, &keys) {
        return altered(Some(&finding));
    }
    match stamped(args, terminal) {
        Ok(()) => Exit::Pass,
        Err(refusal) => terminal.refused(refusal),
    }
}

fn stamped(args: &TimestampArgs, terminal: &Terminal) -> Result<(), Refusal> {
    let plain = |message: String| (message, None);
    let unsigned =
        || ("the run is not signed".to_owned(), Some("sign it first: lockrig sign RUN".to_owned()));
    let envelope = attest::read(&args.run).map_err(plain)?.ok_or_else(unsigned)?;
    if let Some(path) = &args.request {
        if is_inside(path, &args.run) {
            let hint = "choose a path outside it".to_owned();
            return Err(("a request can't be written into a run folder".to_owned(), Some(hint)));
        }
        let request = attest::stamp_request(&envelope).map_err(plain)?;
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => plain(format!("{} is there already", path.display())),
            _ => plain(format!("{}: {error}", path.display())),
        };
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
        file.write_all(&request).map_err(failed)?;
        let name = typed(&path.display().to_string());
        terminal.line(&format!("request: {}", path.display()));
        terminal.line("send it to a time-stamping authority, such as:");
        terminal.line(&format!(
            "  curl --data-binary @{name} -H \"Content-Type: application/timestamp-query\" -o reply.tsr URL"
        ));
        terminal.line(&format!(
            "  lockrig timestamp {} --response reply.tsr",
            typed(&args.run.display().to_string())
        ));
    }
    if let Some(path) = &args.response {
        let answer = read_bounded(path).map_err(|error| plain(format!("{}: {error}", path.display())))?;
        let (bytes, stamp) = attest::stamped(&envelope, &answer)
            .map_err(|message| plain(format!("{}: {message}", path.display())))?;
        replaced(&args.run.join(attest::FILE), &bytes)?;
        terminal.line(&format!("stamped: {}", shown(stamp.at)));
        terminal.line("to check the authority's signature: lockrig verify RUN --tsa CERTIFICATES");
    }
    Ok(())
}

/// Puts a file in the place of another at once: half of a signature is none. Until then it lies beside the run folder,
/// in which nothing else may be.
fn replaced(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| (format!("{}: {error}", path.display()), None);
    let run = path.parent().map(fs::canonicalize).transpose().map_err(failed)?.unwrap_or_default();
    let folder = run.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions();
    file.write_all(bytes).and_then(|()| file.as_file().set_permissions(mode)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map(|_| ()).map_err(|error| failed(error.error))
}

/// Seconds since 1970 as a time.
pub(super) fn shown(at: u64) -> String {
    let time = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    time.map_or_else(|| format!("{at} s after 1970"), super::play::shown_time)
}

/// The certificates of trusted authorities.
pub(super) fn authorities(path: &Path) -> Result<Authorities, Refusal> {
    let hint =
        "give the file with the authority's root certificate in PEM; each certificate in it is trusted";
    let refused = |message: String| (format!("{}: {message}", path.display()), Some(hint.to_owned()));
    let pem = read_bounded(path).map_err(|error| refused(error.to_string()))?;
    Authorities::from_pem(&pem).map_err(refused)
}

/// What is wrong with the time of a stamp, for a run that says when it ended.
pub(super) fn misdated(ended: &str, at: u64, within: u64) -> Option<String> {
    /// Clocks of laboratories and authorities differ by so much.
    const SKEW: u64 = 300;
    let stamped = i128::from(at);
    let Ok(end) = ended.parse::<jiff::Timestamp>() else {
        return Some(format!("the run says that it ended at {ended}, which is no time"));
    };
    let end = i128::from(end.as_second());
    if stamped + i128::from(SKEW) < end {
        return Some(format!(
            "the run says that it ended at {ended}, and was stamped before that, at {}",
            shown(at)
        ));
    }
    let late = stamped - end;
    (late > i128::from(within)).then(|| {
        format!(
            "the run says that it ended at {ended}, and was stamped at {}: it is back-dated, or was signed late \
             (allow for that with --stamped-within)",
            shown(at)
        )
    })
}
