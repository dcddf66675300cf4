//! What can go wrong between lockrig and a chip, each kind by its own name: what the lock's maker closed is no failure
//! of the rig, and what the rig lost says nothing of the lock.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use probe_rs::architecture::arm::dp::DebugPortError;
use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::flashing::FlashError;
use probe_rs::probe::{DebugProbeError, ProbeCreationError};

use super::firmware::FirmwareError;
use crate::rig::Selector;
use crate::trace::Reason;
use crate::unit::visible;

/// No more is kept of what a library says.
const MAX_WORDS: usize = 600;
/// So deep is the chain of causes looked at.
const MAX_DEPTH: usize = 16;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Opening the probe and attaching to the chip.
    Connecting,
    /// Writing and verifying.
    Flashing,
    /// Erasing everything.
    Erasing,
    /// Reading memory.
    Reading,
    /// Resetting the chip.
    Resetting,
    /// Halting its core.
    Halting,
    /// Letting it run.
    Running,
    /// Reading what the firmware says.
    Listening,
}

impl Doing {
    /// It is hung if it shows no progress for so long.
    pub(super) const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            // An erase of everything on connecting, if the setup allows it, is in it.
            Self::Connecting => 30,
            // Flash algorithms are given 30 s by probe-rs for a page, and a chip's erase 40 s.
            Self::Flashing => 60,
            Self::Erasing => 90,
            Self::Reading | Self::Resetting | Self::Halting | Self::Running | Self::Listening => 10,
        })
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Flashing => "flashing",
            Self::Erasing => "erasing",
            Self::Reading => "reading",
            Self::Resetting => "resetting",
            Self::Halting => "halting",
            Self::Running => "starting the core",
            Self::Listening => "listening",
        }
    }

    /// Whether the chip's flash may be half written after it.
    const fn writes(self) -> bool {
        match self {
            Self::Flashing | Self::Erasing => true,
            Self::Connecting
            | Self::Reading
            | Self::Resetting
            | Self::Halting
            | Self::Running
            | Self::Listening => false,
        }
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Why something can't be done with a probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It is not connected.
    #[error("{}", no_probe(selector.as_ref()))]
    NoProbe {
        /// Which one was asked for.
        selector: Option<Selector>,
        /// Those that are.
        present: Vec<String>,
    },
    /// It could be any of several.
    #[error("several debug probes fit: {}", found.join(", "))]
    SeveralProbes {
        /// All of them.
        found: Vec<String>,
    },
    /// This user may not open it.
    #[error("you may not use the probe {probe}")]
    NoPermission {
        /// Which.
        probe: String,
        /// What would help.
        advice: String,
    },
    /// Another program has it.
    #[error("the probe {probe} is in use by another program")]
    InUse {
        /// Which.
        probe: String,
    },
    /// Its server can't be reached.
    #[error("no probe listens at {address}: {why}")]
    NoServer {
        /// Where.
        address: String,
        /// Why not.
        why: String,
    },
    /// What answers does not speak as a probe does.
    #[error("what listens at {probe} is no probe: {why}")]
    NotAProbe {
        /// Which.
        probe: String,
        /// What it said.
        why: String,
    },
    /// The probe can't be set to this speed.
    #[error("the probe can't do {khz} kHz")]
    Speed {
        /// In kHz.
        khz: u32,
    },
    /// No chip has this name.
    #[error("no chip is called `{}`", visible(name))]
    UnknownChip {
        /// The name.
        name: Arc<str>,
        /// Names like it, the likeliest first.
        near: Vec<String>,
    },
    /// Several chips could be meant.
    #[error("`{}` may be any of {count} chips", visible(name))]
    AmbiguousChip {
        /// The name.
        name: Arc<str>,
        /// Some of them.
        matching: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// It is another chip than the one that was named.
    #[error("this is no {named}: {found}")]
    WrongChip {
        /// What it should be.
        named: String,
        /// What its own registers say.
        found: String,
    },
    /// Nothing answers the probe.
    #[error("no chip answers the probe ({why})")]
    NoTarget {
        /// What was being done.
        doing: Doing,
        /// What was seen.
        why: String,
    },
    /// The debug port does not acknowledge that it was powered up.
    #[error("the chip's debug port does not power up")]
    NoPowerUp,
    /// The debug port leads nowhere.
    #[error("the chip's debug port has no access port to its memory")]
    NoAccessPort,
    /// An access was refused.
    #[error("the chip refused an access while {doing}{} (FAULT)", place(at.as_ref()))]
    Fault {
        /// What was being done.
        doing: Doing,
        /// Where, if that is known.
        at: Option<Range<u32>>,
    },
    /// Its maker closed it: what is in it can't be observed.
    #[error("the chip is protected against reading: {how}")]
    Protected {
        /// How that shows.
        how: String,
    },
    /// No lock works with such a flash, so it was not the flash that was read.
    #[error("the flash reads as blank where the firmware must begin, at {at:#010x}")]
    Blank {
        /// Where.
        at: u32,
    },
    /// The firmware does not fit.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// What was written is not what is read.
    #[error("the flash does not hold what was written to it")]
    Verify,
    /// More than one control block lies in the RAM.
    #[error("several RTT control blocks lie in the RAM: at {}", addresses(at))]
    SeveralRtt {
        /// Where.
        at: Vec<u32>,
    },
    /// The probe is gone.
    #[error("the probe was lost while {doing}: {why}")]
    Lost {
        /// What was being done.
        doing: Doing,
        /// How that shows.
        why: String,
    },
    /// The chip did not do in time what it was told.
    #[error("the chip did not follow in time while {doing}")]
    Unresponsive {
        /// What was being done.
        doing: Doing,
    },
    /// The probe hangs.
    #[error("{doing} made no progress for {} s", doing.limit().as_secs())]
    TimedOut {
        /// What was being done.
        doing: Doing,
    },
    /// Whoever asked for it does not want it any more.
    #[error("{doing} was interrupted")]
    Interrupted {
        /// What was being done.
        doing: Doing,
    },
    /// A fault of the probe's driver or of lockrig's own.
    #[error("the probe's driver broke while {doing}: {why}")]
    Broke {
        /// What was being done.
        doing: Doing,
        /// What it said.
        why: String,
    },
    /// Anything else.
    #[error("{doing} failed: {why}")]
    Failed {
        /// What was being done.
        doing: Doing,
        /// What the library says.
        why: String,
    },
}

fn no_probe(selector: Option<&Selector>) -> String {
    selector.map_or("no debug probe is connected".into(), |selector| {
        format!("no probe `{selector}` is connected")
    })
}

fn place(at: Option<&Range<u32>>) -> String {
    at.map_or(String::new(), |at| format!(" {:#010x}–{:#010x}", at.start, at.end.saturating_sub(1)))
}

fn addresses(at: &[u32]) -> String {
    let all: Vec<String> = at.iter().map(|at| format!("{at:#010x}")).collect();
    all.join(", ")
}

/// What a lock's memory channel makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The lock's answer: it does not let itself be read, for this reason.
    Refusal(Reason),
    /// The rig is wrong.
    Rig,
}

impl ProbeError {
    /// Whether the lock refused, or the rig is wrong.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Protected { .. } => Meaning::Refusal(Reason::Locked),
            Self::NoTarget { .. } | Self::NoPowerUp | Self::NoAccessPort => {
                Meaning::Refusal(Reason::NoTarget)
            }
            Self::Fault { .. }
            | Self::Blank { .. }
            | Self::Verify
            | Self::Unresponsive { .. }
            | Self::Failed { .. } => Meaning::Refusal(Reason::Unknown),
            Self::NoProbe { .. }
            | Self::SeveralProbes { .. }
            | Self::NoPermission { .. }
            | Self::InUse { .. }
            | Self::NoServer { .. }
            | Self::NotAProbe { .. }
            | Self::Speed { .. }
            | Self::UnknownChip { .. }
            | Self::AmbiguousChip { .. }
            | Self::WrongChip { .. }
            | Self::Firmware(_)
            | Self::SeveralRtt { .. }
            | Self::Lost { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Broke { .. } => Meaning::Rig,
        }
    }

    /// What was being done, where that is known.
    fn doing(&self) -> Option<Doing> {
        match self {
            Self::NoTarget { doing, .. }
            | Self::Fault { doing, .. }
            | Self::Lost { doing, .. }
            | Self::Unresponsive { doing }
            | Self::TimedOut { doing }
            | Self::Interrupted { doing }
            | Self::Broke { doing, .. }
            | Self::Failed { doing, .. } => Some(*doing),
            Self::NoProbe { .. }
            | Self::SeveralProbes { .. }
            | Self::NoPermission { .. }
            | Self::InUse { .. }
            | Self::NoServer { .. }
            | Self::NotAProbe { .. }
            | Self::Speed { .. }
            | Self::UnknownChip { .. }
            | Self::AmbiguousChip { .. }
            | Self::WrongChip { .. }
            | Self::NoPowerUp
            | Self::NoAccessPort
            | Self::Protected { .. }
            | Self::Blank { .. }
            | Self::Firmware(_)
            | Self::Verify
            | Self::SeveralRtt { .. } => None,
        }
    }

    /// What would help, if anything is known.
    pub fn hint(&self) -> Option<String> {
        if self.doing().is_some_and(Doing::writes) {
            return Some("the flash may be half written: flash it again before the lock is used".into());
        }
        let hint = match self {
            Self::NoProbe { present, .. } if present.is_empty() => {
                "plug it in; `lockrig list probes` shows what is connected".into()
            }
            Self::NoProbe { present, .. } => format!("connected: {}", present.join(", ")),
            Self::SeveralProbes { .. } => "name one with its serial number: `--probe VID:PID:SERIAL`".into(),
            Self::NoPermission { advice, .. } => advice.clone(),
            Self::InUse { .. } => "end that program, or name another probe".into(),
            Self::NoServer { .. } | Self::NotAProbe { .. } => {
                "start what offers the probe there, and name its socket".into()
            }
            Self::Speed { .. } => "try `--speed 1000`".into(),
            Self::UnknownChip { near, .. } if near.is_empty() => {
                "write the whole part number, as `nRF51822_xxAA` or `STM32WB55RGVx`".into()
            }
            Self::UnknownChip { near, .. } => format!("did you mean {}?", near.join(", ")),
            Self::AmbiguousChip { matching, count, .. } => {
                let more = count.saturating_sub(matching.len());
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("write one of: {}{more}", matching.join(", "))
            }
            Self::WrongChip { .. } => "name the chip that is really there, or connect the right one".into(),
            Self::NoTarget { .. } => "check that the lock has power, then SWDIO, SWCLK and GND; \
                 long wires need a lower `--speed`"
                .into(),
            Self::NoPowerUp => "check the lock's power, and the probe's reference voltage".into(),
            Self::NoAccessPort => {
                "its maker may have closed the port; if the firmware did, `--under-reset` helps".into()
            }
            Self::Protected { .. } => {
                "its memory can't be observed; erasing the whole chip opens it, and destroys what is in it"
                    .into()
            }
            Self::Blank { .. } => {
                "flash a firmware, or name the right chip; its protection may answer so".into()
            }
            Self::SeveralRtt { .. } => {
                "an earlier firmware left one: add `--reset`, or name one with `--rtt ADDRESS`".into()
            }
            Self::Verify => {
                "flash it again; if that does not help, the flash is worn out or protected".into()
            }
            Self::Lost { .. } | Self::TimedOut { .. } | Self::Unresponsive { .. } => {
                "check the cable and the lock's power, then try again".into()
            }
            Self::Firmware(error) => return error.hint(),
            Self::Fault { .. } | Self::Interrupted { .. } | Self::Broke { .. } | Self::Failed { .. } => {
                return None;
            }
        };
        Some(hint)
    }

    /// Whether a file or an argument is wrong, and not the rig.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::UnknownChip { .. }
            | Self::AmbiguousChip { .. }
            | Self::Firmware(_)
            | Self::Speed { .. } => true,
            Self::NoProbe { .. }
            | Self::SeveralProbes { .. }
            | Self::NoPermission { .. }
            | Self::InUse { .. }
            | Self::NoServer { .. }
            | Self::NotAProbe { .. }
            | Self::WrongChip { .. }
            | Self::NoTarget { .. }
            | Self::NoPowerUp
            | Self::NoAccessPort
            | Self::Fault { .. }
            | Self::Protected { .. }
            | Self::Blank { .. }
            | Self::Verify
            | Self::SeveralRtt { .. }
            | Self::Lost { .. }
            | Self::Unresponsive { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Broke { .. }
            | Self::Failed { .. } => false,
        }
    }
}

/// What an error of probe-rs is, by the errors that caused it.
pub(super) fn classify(doing: Doing, error: &(dyn StdError + 'static)) -> ProbeError {
    causes(error).find_map(|cause| known(doing, cause)).unwrap_or_else(|| {
        let words = words(error);
        match words.contains("imeout") || words.contains("imed out") {
            true => ProbeError::Unresponsive { doing },
            false => ProbeError::Failed { doing, why: words },
        }
    })
}

/// An error, what caused it, and so on.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
        .take(MAX_DEPTH)
}

/// What it says, and what its causes say, on one line.
pub(super) fn words(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in causes(error) {
        let words = cause.to_string();
        // A transparent error repeats its cause.
        if said.last() != Some(&words) {
            said.push(words.trim_end_matches('.').to_owned());
        }
    }
    visible(&said.join(": ")).chars().take(MAX_WORDS).collect()
}

fn known(doing: Doing, cause: &(dyn StdError + 'static)) -> Option<ProbeError> {
    if let Some(error) = cause.downcast_ref::<probe_rs::Error>() {
        return of_session(doing, error);
    }
    if let Some(error) = cause.downcast_ref::<ArmError>() {
        return of_arm(doing, error);
    }
    if let Some(error) = cause.downcast_ref::<DapError>() {
        return Some(of_port(doing, error));
    }
    if let Some(DebugPortError::TargetPowerUpFailed) = cause.downcast_ref() {
        return Some(ProbeError::NoPowerUp);
    }
    if let Some(FlashError::Verify) = cause.downcast_ref() {
        return Some(ProbeError::Verify);
    }
    cause.downcast_ref::<DebugProbeError>().and_then(|error| of_probe(doing, error))
}

fn of_session(doing: Doing, error: &probe_rs::Error) -> Option<ProbeError> {
    match error {
        probe_rs::Error::MissingPermissions(_) => Some(closed()),
        probe_rs::Error::Timeout => Some(ProbeError::Unresponsive { doing }),
        // What caused the others says more, if anything did.
        _ => None,
    }
}

fn of_arm(doing: Doing, error: &ArmError) -> Option<ProbeError> {
    match error {
        ArmError::MissingPermissions(_) => Some(closed()),
        ArmError::Timeout => Some(ProbeError::Unresponsive { doing }),
        ArmError::NoTargetResponse { source } => {
            Some(ProbeError::NoTarget { doing, why: words(source.as_ref()) })
        }
        ArmError::ApDoesNotExist(_) | ArmError::WrongApType => Some(ProbeError::NoAccessPort),
        _ => None,
    }
}

fn of_port(doing: Doing, error: &DapError) -> ProbeError {
    match error {
        DapError::FaultResponse => ProbeError::Fault { doing, at: None },
        DapError::NoAcknowledge | DapError::Protocol(_) | DapError::IncorrectParity => {
            ProbeError::NoTarget { doing, why: words(error) }
        }
        DapError::WaitResponse => {
            ProbeError::Failed { doing, why: "the chip keeps the probe waiting".into() }
        }
    }
}

fn of_probe(doing: Doing, error: &DebugProbeError) -> Option<ProbeError> {
    match error {
        DebugProbeError::Usb(error) => Some(ProbeError::Lost { doing, why: error.to_string() }),
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::Usb(error)) => {
            Some(ProbeError::Failed { doing, why: words(error) })
        }
        DebugProbeError::TargetNotFound => Some(ProbeError::NoTarget { doing, why: words(error) }),
        DebugProbeError::Timeout => Some(ProbeError::Unresponsive { doing }),
        DebugProbeError::UnsupportedSpeed(khz) => Some(ProbeError::Speed { khz: *khz }),
        _ => None,
    }
}

/// It asks for an erase before it lets anybody in.
fn closed() -> ProbeError {
    ProbeError::Protected { how: "its debug port opens only if the whole chip is erased".into() }
}
