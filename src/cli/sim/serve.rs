//! `lockrig sim serve`: the reference lock in real time, for any other program.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::builder::PossibleValuesParser;

use crate::cli::exit::Exit;
use crate::cli::signals;
use crate::cli::terminal::Terminal;
use crate::lock::Named;
use crate::rig::{EMULATED_MODEL, FIRMWARES, Fault, Hello, LockstepDevice};
use crate::run::{Offer, Offered, Place};
use crate::sim::{PortFault, ReferenceLock};
use crate::unit::Duration;

/// What was lost is said if it is more than this: less is in every measurement.
const WORTH_A_WORD: Duration = Duration::milliseconds(1);

#[derive(clap::Args)]
#[command(
    after_help = "Relays: 1 is the button `reset`; 2 to 13 are the keys 1 2 3 4 5 6 7 8 9 * 0 #; 14 is the supply, which is on at first; 15 blocks the strike; 16 switches nothing. The lock runs until Ctrl-C or SIGTERM."
)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    offers: Offers,
    /// Image of its firmware
    #[arg(long, default_value = "sound", value_parser = PossibleValuesParser::new(FIRMWARES))]
    firmware: String,
    /// What is wrong with its debug port
    #[arg(long, value_name = "WORD", default_value = PortFault::None.word(), requires = "probe_socket",
        value_parser = PossibleValuesParser::new(PortFault::words()))]
    port_fault: String,
    /// Seed of whatever is up to chance
    #[arg(long, default_value_t = super::DEFAULT_SEED)]
    seed: u64,
}

/// At least one of them.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Offers {
    /// Make a socket for probe-rs, which opens it as `20b7:9db1:unix:PATH`
    #[arg(long, value_name = "PATH")]
    probe_socket: Option<PathBuf>,
    /// Put the console on a serial port: `pty` prints its name, a path becomes a link to it
    #[arg(long, value_name = "PATH|pty")]
    console: Option<PathBuf>,
    /// Put a relay board of the LCUS kind on a serial port, in the same way
    #[arg(long, value_name = "PATH|pty")]
    relays: Option<PathBuf>,
    /// Make a socket for what it shows: lights, beeper and bolt, for `lockrig sim watch PATH`
    #[arg(long, value_name = "PATH")]
    sensors: Option<PathBuf>,
}

pub(super) fn serve(args: &ServeArgs, terminal: &Terminal) -> Exit {
    match served(args, terminal) {
        Ok(lost) if lost > WORTH_A_WORD => {
            terminal.warning(&format!("this machine was too busy: the lock's clock stood still for {lost}"));
            Exit::Pass
        }
        Ok(_) => Exit::Pass,
        Err(fault) => {
            terminal.error(&fault.to_string(), None);
            Exit::Unproven
        }
    }
}

/// Plays the lock until a signal; how long its clock stood still.
fn served(args: &ServeArgs, terminal: &Terminal) -> Result<Duration, Fault> {
    let is_over = Arc::new(AtomicBool::new(false));
    signals::listen(&is_over).map_err(|error| Fault(error.to_string()))?;
    let place = |path: &PathBuf| match path.to_str() {
        Some("pty") => Place::Anywhere,
        _ => Place::At(path.clone()),
    };
    let fault = PortFault::from_word(&args.port_fault).unwrap_or(PortFault::None);
    let mut lock = ReferenceLock::new(&args.firmware)?.with_port_fault(fault);
    let offer = Offer {
        probe: args.offers.probe_socket.clone(),
        console: args.offers.console.as_ref().map(place),
        relays: args.offers.relays.as_ref().map(place),
        sensors: args.offers.sensors.clone(),
    };
    let mut offered = Offered::open(&offer)?;
    lock.start(&Hello { model: EMULATED_MODEL.into(), case: String::new(), seed: args.seed })?;
    for (what, place) in offered.listed() {
        terminal.line(&format!("{what:<8} {place}"));
    }
    offered.serve(&mut lock, &is_over)
}
