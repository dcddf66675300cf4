//! Which lock is on a rig: on a bench one is mounted, a program may be one, and of the simulated ones there are some.

use std::sync::Arc;

use crate::rig::{Device, Rig};
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
        Device::Lockstep { .. } | Device::Simulated { .. } | Device::Bench(_) => Ok(()),
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
    match models.into_iter().find(|model| *model != mounted) {
        Some(other) => Err((
            format!("the lock of rig `{}` is a `{mounted}`, not a `{other}`", rig.id),
            "take a rig of that lock, or name it in this rig's file: `lock: {model: …}`".into(),
        )),
        None => Ok(()),
    }
}

/// A rig with simulated locks has no others.
///
/// # Errors
/// There is none of that model.
pub(super) fn check_simulated(rig: &Rig, model: &str) -> Result<(), Refused> {
    match rig.device {
        Device::Simulated { .. } if !sim::models().any(|known| known == model) => Err((
            format!("the simulated rig has no lock `{model}`"),
            "write a lockstep peer for it, name that in a rig file as `lockstep: {command: […]}`, and add --rig FILE".into(),
        )),
        Device::Simulated { .. } | Device::Lockstep { .. } | Device::Bench(_) => Ok(()),
    }
}
