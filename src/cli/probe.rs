//! `lockrig probe flash|erase|read|reset|console`.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::drivers::clock;
use crate::drivers::probe::{
    Chip, Ended, Firmware, Heard, Identity, Line, LineSource, Probe, ProbeError, Progress, Protection, Setup,
    Stage,
};
use crate::rig::{Connect, IfProtected, PROBE_SPEEDS, ProbePort, Selector};
use crate::unit::{self, Duration};

use super::exit::Exit;
use super::signals;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct ProbeArgs {
    #[command(subcommand)]
    command: ProbeCommand,
}

#[derive(clap::Subcommand)]
enum ProbeCommand {
    /// Write a firmware, verify it and start it
    Flash {
        /// ELF, Intel HEX (.hex) or raw bytes (.bin)
        image: PathBuf,
        /// Where raw bytes begin, if not where the chip's firmware does
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        base: Option<u32>,
        #[command(flatten)]
        which: Which,
    },
    /// Erase all flash; a protected chip is opened by that
    Erase {
        /// Really do it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Read memory into a file
    Read {
        /// Address of the first byte
        #[arg(value_parser = address)]
        from: u32,
        /// How many bytes; `256KiB` will do
        #[arg(value_parser = address)]
        length: u32,
        /// File to write
        file: PathBuf,
        #[command(flatten)]
        which: Which,
    },
    /// Reset the chip and let it run
    Reset {
        #[command(flatten)]
        which: Which,
    },
    /// Show what the firmware says by RTT and semihosting, until Ctrl-C
    Console {
        /// Address of the RTT control block, if there are several
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        rtt: Option<u32>,
        /// Reset the chip first
        #[arg(long)]
        reset: bool,
        /// Stop after this time
        #[arg(long = "for", value_name = "TIME")]
        length: Option<String>,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(clap::Args)]
struct Which {
    /// Debug probe: VID:PID, VID:PID:SERIAL, 20b7:9db1:unix:PATH or 20b7:9db1:tcp:HOST:PORT; without it, the only one
    #[arg(long, value_name = "SELECTOR")]
    probe: Option<Selector>,
    /// Part number of the chip: `nRF51822_xxAA`
    #[arg(long, value_name = "NAME")]
    chip: String,
    /// Speed of the wires in kHz
    #[arg(long, value_name = "KHZ", default_value_t = 1_000, value_parser = speeds())]
    speed: u32,
    /// Hold the chip in reset while connecting; it starts anew
    #[arg(long)]
    under_reset: bool,
}

impl Which {
    fn setup(&self, if_protected: IfProtected) -> Setup {
        let port = ProbePort {
            selector: self.probe.clone(),
            speed: NonZeroU32::new(self.speed),
            connect: if self.under_reset { Connect::UnderReset } else { Connect::Attach },
            if_protected,
        };
        Setup { port, chip: self.chip.as_str().into() }
    }
}

fn speeds() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*PROBE_SPEEDS.start())..=i64::from(*PROBE_SPEEDS.end()))
}

/// A number of bytes, as people write addresses and sizes.
fn address(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.strip_suffix("KiB").or_else(|| text.strip_suffix("K")) {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix("MiB").map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let (digits, radix) = digits.strip_prefix("0x").map_or((digits, 10), |digits| (digits, 16));
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, radix).ok().filter(|_| is_number);
    let number = number.and_then(|number| number.checked_mul(unit));
    number.ok_or_else(|| "write `0x3f000`, `1024` or `256KiB`".to_owned())
}

pub(super) fn probe(args: &ProbeArgs, terminal: &Terminal) -> Exit {
    let interrupt = Arc::new(AtomicBool::new(false));
    if let Err(error) = signals::listen(&interrupt) {
        terminal.error(&format!("signals can't be caught: {error}"), None);
        return Exit::Unproven;
    }
    let done = match &args.command {
        ProbeCommand::Flash { image, base, which } => flash(image, *base, which, terminal),
        ProbeCommand::Erase { yes: false, .. } => {
            terminal.error("this erases the whole flash of the chip", Some("if you mean it, add `--yes`"));
            return Exit::Usage;
        }
        ProbeCommand::Erase { yes: true, which } => erase(which, terminal),
        ProbeCommand::Read { from, length, file, which } => {
            read(*from, *length, file, which, &interrupt, terminal)
        }
        ProbeCommand::Reset { which } => reset(which, terminal),
        ProbeCommand::Console { rtt, reset, length, which } => {
            let length = match length.as_deref().map(unit::parse::<Duration>).transpose() {
                Ok(length) => length,
                Err(error) => {
                    terminal.error(&error.to_string(), Some("write `--for '10 s'`"));
                    return Exit::Usage;
                }
            };
            let wanted = Wanted { rtt: *rtt, reset: *reset, length };
            console(&wanted, which, &interrupt, terminal)
        }
    };
    match done {
        // What was begun was ended, and that is said; the signal counts all the same.
        Ok(exit) if exit == Exit::Pass && interrupt.load(Ordering::Relaxed) => match &args.command {
            ProbeCommand::Console { .. } => exit,
            ProbeCommand::Flash { .. }
            | ProbeCommand::Erase { .. }
            | ProbeCommand::Read { .. }
            | ProbeCommand::Reset { .. } => Exit::Interrupted,
        },
        Ok(exit) => exit,
        Err(error) => failed(&error, terminal),
    }
}

fn failed(error: &ProbeError, terminal: &Terminal) -> Exit {
    if matches!(error, ProbeError::Interrupted { .. }) {
        terminal.note(&error.to_string());
        return Exit::Interrupted;
    }
    terminal.error(&error.to_string(), error.hint().as_deref());
    if error.is_usage() { Exit::Usage } else { Exit::Unproven }
}

/// Connects, and says what is not certain of the chip.
fn open(which: &Which, if_protected: IfProtected, terminal: &Terminal) -> Result<Probe, ProbeError> {
    let probe = Probe::open(which.setup(if_protected))?;
    if let Identity::NotChecked(why) = probe.identity() {
        terminal.warning(&format!("that this is a {} was not checked: {why}", probe.chip().name()));
    }
    Ok(probe)
}

fn flash(image: &Path, base: Option<u32>, which: &Which, terminal: &Terminal) -> Result<Exit, ProbeError> {
    let chip = Chip::find(&which.chip)?;
    let firmware = Firmware::read(image, base, &chip)?;
    firmware.check(&chip)?;
    let mut probe = open(which, IfProtected::Leave, terminal)?;
    let mut bar = Bar::new(terminal);
    let flashed = probe.flash(&firmware, &mut |progress| bar.show(progress));
    bar.finish();
    flashed?;
    probe.restart()?;
    let bytes = unit::counted(firmware.size(), "byte");
    terminal.line(&format!("{} runs {}: {bytes} written and verified", probe.chip().name(), image.display()));
    Ok(Exit::Pass)
}

fn erase(which: &Which, terminal: &Terminal) -> Result<Exit, ProbeError> {
    let mut probe = open(which, IfProtected::Erase, terminal)?;
    let mut bar = Bar::new(terminal);
    let erased = probe.erase_all(&mut |progress| bar.show(progress));
    bar.finish();
    erased?;
    terminal.line(&format!("the flash of {} is erased", probe.chip().name()));
    Ok(Exit::Pass)
}

fn read(
    from: u32,
    length: u32,
    file: &Path,
    which: &Which,
    interrupt: &AtomicBool,
    terminal: &Terminal,
) -> Result<Exit, ProbeError> {
    let mut probe = open(which, IfProtected::Leave, terminal)?;
    let mut bar = Bar::new(terminal);
    let bytes = probe.read(from, length, &mut |heard| {
        match heard {
            Heard::Progress(progress) => bar.show(progress),
            Heard::Line(_) | Heard::CaughtUp | Heard::Nothing => {}
        }
        !interrupt.load(Ordering::Relaxed)
    });
    bar.finish();
    let bytes = bytes?;
    if let Protection::Unknown = probe.protection() {
        terminal.warning("whether this chip is protected is not known: a protected one may read as blank");
    }
    if let Err(error) = write(file, &bytes) {
        terminal.error(&format!("{}: {error}", file.display()), None);
        return Ok(Exit::Unproven);
    }
    terminal.line(&format!(
        "{}: {} from {from:#010x} on",
        file.display(),
        unit::counted(length.into(), "byte")
    ));
    Ok(Exit::Pass)
}

/// A file is there as a whole or not at all, and for its owner only: a lock's memory holds its codes.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file).map(drop).map_err(|error| error.error)
}

fn reset(which: &Which, terminal: &Terminal) -> Result<Exit, ProbeError> {
    let mut probe = open(which, IfProtected::Leave, terminal)?;
    probe.reset()?;
    terminal.line(&format!("{} was reset", probe.chip().name()));
    Ok(Exit::Pass)
}

struct Wanted {
    rtt: Option<u32>,
    reset: bool,
    length: Option<Duration>,
}

fn console(
    wanted: &Wanted,
    which: &Which,
    interrupt: &AtomicBool,
    terminal: &Terminal,
) -> Result<Exit, ProbeError> {
    let mut probe = open(which, IfProtected::Leave, terminal)?;
    if wanted.reset {
        probe.restart()?;
    }
    let end = wanted.length.map(|length| clock::now() + length);
    let is_over = || end.is_some_and(|end| clock::now() >= end);
    let ended = probe.listen(wanted.rtt, &mut |heard| {
        if let Heard::Line(Line { source, text }) = heard {
            let source = match source {
                LineSource::Rtt => "rtt",
                LineSource::Semihosting => "semihosting",
            };
            terminal.line(&format!("{source}: {text}"));
        }
        !interrupt.load(Ordering::Relaxed) && !is_over()
    })?;
    Ok(match ended {
        Ended::Asked => Exit::Pass,
        Ended::Exit(why) => {
            terminal.note(&format!("the firmware has ended: {why}"));
            Exit::Pass
        }
        Ended::Halted(why) => {
            terminal.error(&format!("the core does not run any more: {why}"), Some("lockrig probe reset"));
            Exit::Unproven
        }
    })
}

/// A bar on a terminal, a line for each stage elsewhere.
struct Bar<'a> {
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
}

impl<'a> Bar<'a> {
    fn new(terminal: &'a Terminal) -> Self {
        let bar = terminal.is_interactive().then(|| {
            let bar = ProgressBar::no_length();
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:6} {bar:30} {bytes}/{total_bytes}  {eta} left")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { terminal, bar, stage: None }
    }

    fn show(&mut self, progress: &Progress) {
        let is_new = self.stage.replace(progress.stage) != Some(progress.stage);
        match &self.bar {
            Some(bar) => {
                if is_new {
                    bar.reset();
                    bar.set_prefix(progress.stage.word());
                }
                if let Some(total) = progress.total {
                    bar.set_length(total);
                }
                bar.set_position(progress.done);
            }
            None if is_new => self.terminal.note(&format!("{} …", progress.stage.word())),
            None => {}
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
