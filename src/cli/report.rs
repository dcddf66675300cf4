//! `lockrig report`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::evidence::{EvidenceError, Verification, traces, verify};
use crate::report;
use crate::run::recover;

use super::exit::Exit;
use super::pack::Opened;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct ReportArgs {
    /// Run folder, or packed run
    run: PathBuf,
    /// Output format
    #[arg(long)]
    format: Format,
    /// With junit: name waveforms and report as attachments, for servers that show them beside a case
    #[arg(long)]
    attach: bool,
    /// File to write (standard output if not given), or folder for vcd
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One self-contained page
    Html,
    /// The conformity report
    Pdf,
    /// For continuous-integration servers
    Junit,
    /// One row per case
    Csv,
    /// One line per case, each a JSON object
    Json,
    /// Waveforms, one file per case
    Vcd,
}

pub(super) fn report(args: &ReportArgs, terminal: &Terminal) -> Exit {
    let opened = match Opened::open(&args.run, terminal) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let is_closed = match verify(&opened.folder) {
        Verification::Intact(_) => true,
        Verification::Aborted { .. } | Verification::Running(_) => false,
        Verification::Altered(findings) => {
            terminal.error(
                "the run has been altered, so nothing is exported from it",
                findings.first().map(String::as_str),
            );
            return Exit::Evidence;
        }
    };
    if let Some(out) = &args.out
        && is_inside(out, &args.run)
    {
        terminal.error("a report can't be written into a run folder", Some("choose a path outside it"));
        return Exit::Usage;
    }
    let recovered = if is_closed { Ok(None) } else { recovered(&opened.folder).map(Some) };
    let folder = match &recovered {
        Ok(None) => opened.folder.clone(),
        Ok(Some((_, folder))) => folder.clone(),
        Err(error) => return finish(Err(error.to_string()), terminal),
    };
    if args.attach && (!args.run.is_dir() || !matches!(args.format, Format::Junit)) {
        let hint = "unpack the run first, and use --format junit";
        terminal.error("only a JUnit file has attachments, and only those of a run folder", Some(hint));
        return Exit::Usage;
    }
    let with_attachments =
        |folder: &Path, out: &mut dyn Write| report::junit_with_attachments(folder, &args.run, out);
    let view: &dyn Fn(&Path, &mut dyn Write) -> Result<(), EvidenceError> = match args.format {
        Format::Html => &report::html,
        Format::Pdf => &report::pdf,
        Format::Junit if args.attach => &with_attachments,
        Format::Junit => &report::junit,
        Format::Csv => &report::csv,
        Format::Json => &report::json,
        Format::Vcd => return vcd(&folder, args, terminal),
    };
    let written = match &args.out {
        Some(path) => fs::File::create(path)
            .map_err(EvidenceError::io(path))
            .map(io::BufWriter::new)
            .and_then(|mut out| {
                view(&folder, &mut out)?;
                out.flush().map_err(EvidenceError::io(path))
            }),
        None => {
            let mut out = io::BufWriter::new(terminal.output());
            view(&folder, &mut out).and_then(|()| out.flush().map_err(EvidenceError::io(&args.run)))
        }
    };
    finish(written.map_err(|error| error.to_string()), terminal)
}

/// What an unclosed run still proves, in a folder that goes when it is dropped.
fn recovered(run: &Path) -> Result<(tempfile::TempDir, PathBuf), EvidenceError> {
    let temporary = tempfile::tempdir().map_err(EvidenceError::io(&std::env::temp_dir()))?;
    let folder = recover(run, temporary.path())?.path().to_owned();
    Ok((temporary, folder))
}

fn vcd(folder: &Path, args: &ReportArgs, terminal: &Terminal) -> Exit {
    let Some(out) = &args.out else {
        terminal.error("waveforms are written to a folder", Some("add --out FOLDER"));
        return Exit::Usage;
    };
    let written = traces(folder, &|_| true, &mut |case, trace, end| {
        fs::create_dir_all(out).map_err(EvidenceError::io(out))?;
        let path = out.join(format!("{case}.vcd"));
        let file = fs::File::create(&path).map_err(EvidenceError::io(&path))?;
        crate::trace::vcd::write(&trace, case, end, io::BufWriter::new(file))
            .map_err(EvidenceError::io(&path))
    });
    finish(written.map_err(|error| error.to_string()), terminal)
}

fn finish(written: Result<(), String>, terminal: &Terminal) -> Exit {
    match written {
        Ok(()) => Exit::Pass,
        Err(error) => {
            terminal.error(&error, None);
            Exit::Unproven
        }
    }
}

pub(super) fn is_inside(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (real(path).or_else(|| real(parent)), real(folder)) {
        (Some(path), Some(folder)) => path.starts_with(folder),
        _ => false,
    }
}
