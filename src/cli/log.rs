//! `LOCKRIG_LOG`: what lockrig did and when, on standard error, for whoever looks for a reason. Off unless asked for.
//!
//! Deliberately absent: codes, values of channels, and what locks, peers and programs say. Evidence has those, without
//! the codes.

use std::env;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Modules that have something to say.
const MODULES: [&str; 5] = ["drivers", "evidence", "guard", "rig", "run"];

/// Starts the log that was asked for; it is written as long as the result is held.
///
/// # Errors
/// What was asked for is not understood.
pub(super) fn start() -> Result<Option<WorkerGuard>, String> {
    let Some(wanted) = env::var_os("LOCKRIG_LOG").filter(|wanted| !wanted.is_empty()) else {
        return Ok(None);
    };
    let targets = targets(&wanted.to_string_lossy())?;
    // A terminal or disk that is slow delays no edge: what it can't take is left out.
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).thread_name("log").finish(std::io::stderr());
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let started = tracing_subscriber::registry().with(targets).with(layer).try_init();
    started.map_err(|error| error.to_string()).map(|()| Some(guard))
}

/// `debug`, or `info,guard=trace`.
fn targets(wanted: &str) -> Result<Targets, String> {
    let level = |word: &str| {
        let level: Option<LevelFilter> =
            Some(word.trim()).filter(|word| !word.is_empty()).and_then(|word| word.parse().ok());
        level.ok_or_else(|| format!("`{word}` is no level"))
    };
    wanted.split(',').map(str::trim).try_fold(Targets::new(), |targets, part| match part.split_once('=') {
        None => Ok(targets.with_target("lockrig", level(part)?)),
        Some((module, word)) if MODULES.contains(&module.trim()) => {
            Ok(targets.with_target(format!("lockrig::{}", module.trim()), level(word)?))
        }
        Some((module, _)) => Err(format!("no module `{module}` writes a log ({})", MODULES.join(", "))),
    })
}
