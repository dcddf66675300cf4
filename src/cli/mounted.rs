//! Which lock is on a rig: on a bench one is mounted, a program may be one, one is emulated, and of the simulated ones
//! there are some.

use std::sync::Arc;

use crate::rig::{Device, EMULATED_MODEL, Rig};
use crate::sim;

/// Why a model is not played: a message, and what would help.
type Refused = (String, String);

/// A program that does not say which lock it is is asked to be another one only by name: most are one lock, and would
/// be taken for all of them.
///
/// # Errors
/// No model is named.
pub(super) fn check_named(rig: &Rig, is_named: bool) -> Result<(), Refused> {
    match rig.device {
        Device::Lockstep { .. } if rig.model().is_none() && !is_named => Err((
            format!("rig `{}` does not say which lock it is", rig.id),
            "add `--model ID` for each model that it is to play, or write `lock: {model: ID}` in the rig file".into(),
        )),
        Device::Lockstep { .. } | Device::Simulated { .. } | Device::Emulated { .. } | Device::Bench(_) => Ok(()),
    }
}

/// The lock that a rig has, if it says so, is the only one that it can be asked for.
///
/// # Errors
/// Another one is asked for.
pub(super) fn check_mounted<'a>(
    rig: &Rig,
    models: impl IntoIterator<Item = &'a Arc<str>>,
) -> Result<(), Refused> {
    let Some(mounted) = rig.model() else { return Ok(()) };
    let Some(other) = models.into_iter().find(|model| *model != mounted) else { return Ok(()) };
    let hint = match rig.device {
        Device::Emulated { .. } => "take a rig of that lock: no other one is emulated",
        Device::Simulated { .. } | Device::Lockstep { .. } | Device::Bench(_) => {
            "take a rig of that lock, or name it in this rig's file: `lock: {model: …}`"
        }
    };
    Err((format!("the lock of rig `{}` is a `{mounted}`, not a `{other}`", rig.id), hint.into()))
}

/// A rig with simulated locks has no others.
///
/// # Errors
/// There is none of that model.
pub(super) fn check_simulated(rig: &Rig, model: &str) -> Result<(), Refused> {
    match rig.device {
        Device::Simulated { .. } if !sim::models().any(|known| known == model) => Err((
            format!("the simulated rig has no lock `{model}`"),
            match model {
                EMULATED_MODEL => "add --rig emulated",
                _ => "write a lockstep peer for it, name that in a rig file as `lockstep: {command: […]}`, and add --rig FILE",
            }
            .into(),
        )),
        Device::Simulated { .. } | Device::Emulated { .. } | Device::Lockstep { .. } | Device::Bench(_) => Ok(()),
    }
}

/// Faults and variations are switched on in the simulated locks alone.
///
/// # Errors
/// One is asked for on another rig.
pub(super) fn check_altered(rig: &Rig, is_altered: bool) -> Result<(), Refused> {
    let hint = match rig.device {
        Device::Emulated { .. } => "name a firmware with a defect in the rig file: `emulated: {firmware: …}`",
        Device::Lockstep { .. } => "pass the fault to the peer in the rig's `command`",
        Device::Bench(_) => "mount a lock that has the fault",
        Device::Simulated { .. } => return Ok(()),
    };
    if is_altered {
        return Err(("--defect and --variation are for the simulated rig".into(), hint.into()));
    }
    Ok(())
}
