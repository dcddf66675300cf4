//! Signals that end lockrig in order.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use super::exit::Exit;

/// The first signal asks for a safe end, the second ends at once.
pub(super) fn listen(interrupt: &Arc<AtomicBool>) -> std::io::Result<()> {
    // A file that may not grow is an error that can be reported, not the end of the program.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    // The terminal is gone; whoever started lockrig with `nohup` does not mind.
    let hang_up = Some(SIGHUP).filter(|signal| !is_ignored(*signal));
    for signal in [SIGINT, SIGTERM].into_iter().chain(hang_up) {
        let code = i32::from(Exit::Interrupted.code());
        signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(interrupt))?;
        signal_hook::flag::register(signal, Arc::clone(interrupt))?;
    }
    Ok(())
}

/// Whether this process was started with a signal ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
