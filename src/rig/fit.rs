//! Whether what a bench wires is what its lock has: a colour, key or channel that the mounted model
//! lacks is a slip of the pen, or a bench that was built for several models.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lock::Facts;
use crate::trace::Channel;
use crate::unit::Voltage;
use crate::yaml::{Diagnostic, Diagnostics, Place, nearest};

use super::file::Rig;

/// Something that a rig file says of the lock.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    /// Where.
    pub place: Place,
    /// What.
    pub subject: Subject,
}

/// What can be said.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// Which model is mounted.
    Model,
    /// It has a channel.
    Channel(Channel),
    /// A light shows a colour.
    Colour(Channel, Arc<str>),
    /// Its keypad has a key.
    Key(Arc<str>),
    /// It takes a supply.
    Supply(Voltage),
    /// A command plays it.
    Command(Vec<String>),
}

/// Compares benches with the models that are mounted on them.
pub fn compare(rigs: &BTreeMap<Arc<str>, Rig>, models: &BTreeMap<Arc<str>, &Facts>) -> Diagnostics {
    let mut findings = Diagnostics::default();
    for rig in rigs.values() {
        let Some(model) = rig.model() else { continue };
        let facts = models.get(model);
        // A wiring that benches share may have more than each of their locks needs.
        let is_own = |place: &Place| rig.files.first().is_some_and(|own| own == place.file());
        for Mention { place, subject } in &rig.mentions {
            match (facts, subject) {
                (None, Subject::Model) => {
                    findings.unknown(place, "model", model, models.keys().map(|id| &**id));
                }
                (Some(facts), Subject::Supply(volts)) if is_harmful(*volts, facts) => {
                    let message = format!("{volts} is the wrong supply for `{}`", facts.id);
                    let hint = format!("its source states {}", facts.power.nominal);
                    findings.error_with_hint(place, message, hint);
                }
                (Some(facts), subject) if is_own(place) => {
                    findings.extend(lacking(place, subject, facts).into_iter().collect())
                }
                _ => {}
            }
        }
    }
    findings
}

/// As in procedures: nothing, and more than one and a half times nominal, is no supply for a lock.
fn is_harmful(volts: Voltage, facts: &Facts) -> bool {
    let most = facts.power.nominal.as_millionths() * 3 / 2;
    !(1..=most).contains(&volts.as_millionths())
}

/// A warning if the model does not have it.
fn lacking(place: &Place, subject: &Subject, facts: &Facts) -> Option<Diagnostic> {
    let (what, found, known): (String, &str, Vec<&str>) = match subject {
        Subject::Channel(channel) if !has(facts, channel) => {
            let message = format!("`{}` has no {channel}, so this wire does nothing", facts.id);
            return Some(Diagnostic::warning(place.clone(), message));
        }
        Subject::Colour(channel @ Channel::Light(name), colour) => {
            let colours = facts.lights.get(name)?;
            (format!("colour on {channel}"), colour, colours.iter().map(|colour| &**colour).collect())
        }
        Subject::Key(label) if !facts.keys.is_empty() => {
            ("key".to_owned(), label, facts.keys.iter().map(|key| &**key).collect())
        }
        _ => return None,
    };
    if known.contains(&found) {
        return None;
    }
    let message = format!("`{}` has no {what} called `{found}`", facts.id);
    let hint = match nearest(found, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Some(Diagnostic::warning(place.clone(), message).hint(hint))
}

fn has(facts: &Facts, channel: &Channel) -> bool {
    match channel {
        Channel::Button(name) => facts.buttons.contains(name),
        Channel::PowerCell(number) => *number <= facts.power.cells,
        Channel::Keypad => !facts.keys.is_empty(),
        Channel::Knob => facts.knob,
        Channel::Light(name) => facts.lights.contains_key(name),
        Channel::Beeper => facts.beeper,
        Channel::Voice => facts.voice,
        Channel::Door => facts.door,
        Channel::Cover => facts.cover,
        _ => true,
    }
}
