//! What a rig lacks for a case. A case that needs it can't tell anything of the lock, so nothing of it
//! is played; above all, what can't be seen is never taken for what did not happen.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::{CaseResult, Cause};
use crate::lock::Facts;
use crate::rig::{Bench, ConsoleSource, Rig, Sensor, Unwired};
use crate::scenario::ast::Observation;
use crate::scenario::{Content, Program, Start};
use crate::trace::{Channel, Keystroke, Value};
use crate::verdict::Verdict;

/// What is played of a case, or how one ends of which nothing is.
pub(super) fn playable(content: Content) -> Result<Program, Box<CaseResult>> {
    match content {
        Content::Play(program) => Ok(program),
        Content::NotApplicable(reason) => {
            Err(CaseResult::unplayed(Verdict::NotApplicable, Cause::NotApplicable, reason).into())
        }
        Content::Unprovable(reason) => {
            Err(CaseResult::unplayed(Verdict::Inconclusive, Cause::NotProvable, reason).into())
        }
    }
}

/// In which state a rig hands over a lock.
pub fn start_of(rig: &Rig) -> Start {
    if rig.bench().is_some() { Start::AsFound } else { Start::Delivered }
}

/// What a rig lacks for a program, each in a few words: a channel, a colour, a key, a supply, or time.
pub fn gaps(program: &Program, rig: &Rig, facts: &Facts) -> BTreeSet<String> {
    let channels = program.channels();
    let missing = channels.iter().filter(|channel| !rig.wires(channel));
    let mut gaps: BTreeSet<String> = missing.map(ToString::to_string).collect();
    if let Some(bench) = rig.bench() {
        gaps.extend(unseen(program, bench, facts));
        gaps.extend(unset(program, bench, facts));
        gaps.extend(unsafe_holds(program, bench));
        if channels.contains(&Channel::Memory) && bench.probe.is_some() && facts.memory.is_none() {
            gaps.insert("memory: the model does not name its chip".into());
        }
        let is_rtt = matches!(bench.console, Some(ConsoleSource::Rtt(_)));
        if channels.contains(&Channel::Console) && is_rtt && facts.memory.is_none() {
            gaps.insert("console through a probe: the model does not name its chip".into());
        }
        if program.bounces {
            // Relays and fingers take longer to move at all, and do what they like meanwhile.
            gaps.insert("a contact that bounces on purpose".into());
        }
        if program.secrets.iter().any(|(handle, _)| &**handle == "proof") {
            // Simulated makers are their own; a real one issues it for one lock and one occasion.
            gaps.insert("a maker's proof, which only the maker can issue".into());
        }
    }
    gaps
}

/// A case that needs what the rig lacks, with its verdict.
pub(super) fn unwired(program: &Program, rig: &Rig, facts: &Facts) -> Option<CaseResult> {
    let gaps: Vec<String> = gaps(program, rig, facts).into_iter().collect();
    let reason = format!("not wired: {}", gaps.join(", "));
    (!gaps.is_empty()).then(|| CaseResult::unplayed(Verdict::Inconclusive, Cause::NotWired, reason))
}

/// Colours that the case looks for; where it looks for none, all that the light has.
fn unseen(program: &Program, bench: &Bench, facts: &Facts) -> BTreeSet<String> {
    let mut wanted: BTreeSet<(&Channel, &Arc<str>)> = BTreeSet::new();
    for observation in program.observations() {
        if let Observation::Pulses { channel, pattern } = observation {
            wanted.extend(pattern.phases.iter().map(|phase| (channel, &phase.colour)));
        }
    }
    for channel in program.quiet_channels() {
        if let Channel::Light(name) = channel {
            wanted.extend(facts.lights.get(name).into_iter().flatten().map(|colour| (channel, colour)));
        }
    }
    let is_unseen = |(channel, colour): &(&Channel, &Arc<str>)| match bench.sensors.get(channel) {
        Some(Sensor::Light(lines)) => !lines.iter().any(|(seen, _)| seen == *colour),
        _ => false,
    };
    wanted.into_iter().filter(is_unseen).map(|(channel, colour)| format!("{channel} {colour}")).collect()
}

/// Values that the wiring of a channel can't give.
fn unset(program: &Program, bench: &Bench, facts: &Facts) -> BTreeSet<String> {
    let settings = program.settings().into_iter().chain(program.rest.iter().map(|(c, value)| (c, value)));
    let settings = settings.filter(|(channel, _)| bench.wires(channel));
    let values =
        settings.flat_map(|(channel, value)| possible(value, facts).into_iter().map(move |v| (channel, v)));
    let (mut refusals, mut supplies) = (BTreeSet::new(), BTreeSet::new());
    for (channel, value) in values {
        // A supply that goes up or down slowly has hundreds of voltages: the first says enough.
        if matches!(value, Value::Voltage(_)) && supplies.contains(channel) {
            continue;
        }
        let found = refusal(channel, &value, bench);
        if found.is_some() && matches!(value, Value::Voltage(_)) {
            supplies.insert(channel);
        }
        refusals.extend(found);
    }
    refusals
}

/// Why the wiring can't give a value.
fn refusal(channel: &Channel, value: &Value, bench: &Bench) -> Option<String> {
    let drives = match bench.drives(channel, value) {
        Ok(drives) => drives,
        Err(Unwired(why)) => return Some(why),
    };
    let is_away = |index: &usize| {
        bench.outputs.get(*index).is_some_and(|output| drives.contains(&(*index, output.rest.other())))
    };
    let is_refused =
        bench.exclusive.iter().any(|group| group.iter().filter(|index| is_away(index)).count() > 1);
    is_refused.then(|| format!("outputs of {channel} exclude each other"))
}

/// A code's digit can be any that the keypad has.
fn possible(value: &Value, facts: &Facts) -> Vec<Value> {
    let Value::Keys(keys) = value else { return vec![value.clone()] };
    if !keys.iter().any(|key| matches!(key, Keystroke::Secret { .. })) {
        return vec![value.clone()];
    }
    let digits = facts.keys.iter().filter(|label| matches!(label.as_bytes(), [b'0'..=b'9']));
    let with = |digit: &Arc<str>| {
        let keys = keys.iter().map(|key| match key {
            Keystroke::Secret { .. } => Keystroke::Key(Arc::clone(digit)),
            Keystroke::Key(_) => key.clone(),
        });
        Value::Keys(keys.collect())
    };
    digits.map(with).collect()
}

/// Holds that could be longer than an output may be on, or beside one that excludes it.
fn unsafe_holds(program: &Program, bench: &Bench) -> BTreeSet<String> {
    let holds = program.holds(|channel, value| bench.is_away(channel, value));
    let too_long = holds.longest.iter().filter_map(|(channel, longest)| {
        let outputs = bench.outputs_of(channel);
        let most = outputs.iter().filter_map(|output| bench.outputs.get(*output)?.max_on).min()?;
        (*longest > most).then(|| format!("{channel} can be held for {longest}, but `max_on` is {most}"))
    });
    let excluded = holds.together.iter().filter(|(one, other)| {
        let (one, other) = (bench.outputs_of(one), bench.outputs_of(other));
        let are_apart = |a: &usize, group: &[usize]| {
            group.contains(a) && other.iter().any(|b| a != b && group.contains(b))
        };
        bench.exclusive.iter().any(|group| one.iter().any(|a| are_apart(a, group)))
    });
    let excluded = excluded.map(|(one, other)| format!("{one} and {other} exclude each other"));
    too_long.chain(excluded).collect()
}
