//! GPIO chips of the kernel: found by name, path or label, with words for what is wrong.

use std::path::{Path, PathBuf};

use gpiocdev::chip::{Chip, chips};

use super::access;
use crate::rig::HEADER_CHIPS;

/// The chip called `name`: `gpiochip0`, `/dev/gpiochip0` or a label such as `pinctrl-rp1`.
///
/// # Errors
/// It is missing, or not accessible; says what there is, or which group is missing.
pub(super) fn find(name: &str) -> Result<Chip, String> {
    let path = match name.starts_with('/') {
        true => PathBuf::from(name),
        false => Path::new("/dev").join(name),
    };
    if path.exists() {
        return open(&path);
    }
    let mut known = Vec::new();
    for path in chips().unwrap_or_default() {
        let chip = open(&path)?;
        if let Ok(info) = chip.info() {
            if info.label == name {
                return Ok(chip);
            }
            known.push(format!("{} ({})", info.name, info.label));
        }
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("there is no GPIO chip `{name}`; this machine has: {known}"))
}

/// The chip that has the pins of a Raspberry Pi's header.
///
/// # Errors
/// There is none, or it is not accessible.
pub(super) fn find_header() -> Result<Chip, String> {
    let mut denied = None;
    for path in chips().unwrap_or_default() {
        match open(&path) {
            Ok(chip) if chip.info().is_ok_and(|info| HEADER_CHIPS.contains(&info.label.as_str())) => {
                return Ok(chip);
            }
            Ok(_) => {}
            Err(reason) => denied = Some(reason),
        }
    }
    // The one that may not be opened may be it.
    Err(denied.unwrap_or_else(|| "this machine has no Raspberry Pi GPIO chip".to_owned()))
}

fn open(path: &Path) -> Result<Chip, String> {
    Chip::from_path(path).map_err(|error| match access::denied(path) {
        Some(reason) => reason,
        None => format!("{}: {error}", path.display()),
    })
}

/// Who holds a line, if anybody does.
pub(super) fn holder(chip: &Chip, number: u32) -> Option<String> {
    let info = chip.line_info(number).ok()?;
    info.used.then(|| match info.consumer.is_empty() {
        true => "the kernel".to_owned(),
        false => format!("`{}`", info.consumer),
    })
}

/// What a refused request of lines means.
pub(super) fn refusal(chip: &Chip, numbers: &[u32], error: &gpiocdev::Error) -> Refused {
    let lines = chip.info().map_or(0, |info| info.num_lines);
    if let Some(number) = numbers.iter().find(|number| **number >= lines) {
        return Refused::Broken(format!("{} has {lines} lines and no line {number}", chip.name()));
    }
    let busy = numbers.iter().find_map(|number| Some((number, holder(chip, *number)?)));
    match busy {
        Some((number, holder)) => Refused::Busy { what: format!("line {number} of {}", chip.name()), holder },
        None => Refused::Broken(format!("{}: {error}", chip.name())),
    }
}

/// Why lines can't be had.
pub(super) enum Refused {
    Busy { what: String, holder: String },
    Broken(String),
}

/// A chip in words: its label, its lines, and who holds which.
pub(super) fn describe(path: &Path) -> Option<String> {
    let chip = Chip::from_path(path).ok()?;
    let info = chip.info().ok()?;
    let used = (0..info.num_lines).filter_map(|line| Some(format!("{line}: {}", holder(&chip, line)?)));
    let used: Vec<String> = used.collect();
    let used = if used.is_empty() { String::new() } else { format!("; in use {}", used.join(", ")) };
    Some(format!("{}, {} lines{used}", info.label, info.num_lines))
}
