//! What is well written and makes no sense: empty bodies, a release without a hold, a cover that
//! the model does not have, steps without end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Fact, Facts};
use crate::scenario::ast::{Action, Claim, Control, Operation, Step, Supply};
use crate::trace::Channel;
use crate::unit::Duration;
use crate::yaml::{Diagnostics, Place};

/// More steps than this, once repeats are written out, are a mistake.
const MAX_STEPS: u64 = 5_000;
/// No single wait is longer; a battery that must stay out for an hour is the longest known.
const LONGEST_WAIT: Duration = Duration::seconds(24 * 3600);

/// Checks the steps of a procedure or of a scenario's stage.
pub(super) fn steps(list: &[Step], facts: Option<&Facts>, findings: &mut Diagnostics) {
    if let Some(step) = list.first()
        && expanded(list) > MAX_STEPS
    {
        findings
            .error(&step.place, format!("more than {MAX_STEPS} steps follow, with all repeats written out"));
    }
    let mut held: Vec<Control> = Vec::new();
    for step in list {
        self::step(step, facts, findings);
        match &step.action {
            Action::Hold(controls) => {
                for control in controls {
                    if held.contains(control) {
                        findings.error(&step.place, format!("{} is held already", name(control)));
                    }
                    held.push(control.clone());
                }
            }
            Action::Release(controls) => {
                for control in controls {
                    if !held.contains(control) {
                        findings.error(&step.place, format!("{} is not held here", name(control)));
                    }
                    held.retain(|known| known != control);
                }
            }
            Action::Press { controls, .. } => {
                for control in controls.iter().filter(|control| held.contains(control)) {
                    findings.error(&step.place, format!("{} is held while it is pressed", name(control)));
                }
            }
            _ => {}
        }
    }
    if let (Some(step), Some(control)) = (list.last(), held.first()) {
        findings.error_with_hint(
            &step.place,
            format!("{} is still held at the end", name(control)),
            "add `- release:` for it",
        );
    }
}

fn name(control: &Control) -> String {
    match control {
        Control::Button(name) => format!("button `{name}`"),
        Control::Key(label) => format!("key `{label}`"),
    }
}

fn step(step: &Step, facts: Option<&Facts>, findings: &mut Diagnostics) {
    let mut wrong = |message: &str| findings.error(&step.place, message.to_owned());
    match &step.action {
        Action::Hold(list) | Action::Release(list) | Action::Press { controls: list, .. }
            if list.is_empty() =>
        {
            wrong("nothing is named");
        }
        Action::Type { keys, .. } if keys.is_empty() => wrong("no key is named"),
        Action::NoChange { channels, .. } if channels.is_empty() => wrong("no channel is named in `of`"),
        Action::NoChange { duration, .. } if *duration == Duration::ZERO => {
            wrong("a window of no length sees nothing")
        }
        Action::NoChange { channels, .. } if channels.iter().any(is_driven) => {
            wrong("the rig itself drives that: nothing but its own doing would show")
        }
        Action::Never { body, .. } if !body.is_empty() && body.iter().all(takes_no_time) => {
            wrong("`while` takes no time: nothing would be seen")
        }
        Action::Never { body, .. } | Action::Repeat { body, .. } if body.is_empty() => {
            wrong("the body is empty")
        }
        Action::Together(branches) if branches.iter().any(Vec::is_empty) || branches.is_empty() => {
            wrong("a branch is empty");
        }
        Action::Wait(duration) if *duration > LONGEST_WAIT => wrong("a wait is at most 24 h"),
        Action::Observe { within, .. } if *within == Duration::ZERO => {
            wrong("a window of no length sees nothing")
        }
        Action::Contact { channel, .. } => {
            let absent = facts.is_some_and(|facts| match channel {
                Channel::Cover => !facts.cover,
                _ => !facts.door,
            });
            if absent {
                wrong(&format!("the model has no {channel}"));
            }
        }
        Action::Power { to: Supply::Volts(volts), .. } => {
            let most = facts.map_or(48_000_000, |facts| facts.power.nominal.as_millionths() * 3 / 2);
            if !(0..=most).contains(&volts.as_millionths()) {
                wrong(&format!(
                    "{volts} is outside what this lock may get: 0 V to one and a half times nominal"
                ));
            }
        }
        Action::Power { over: Some(_), duration: Some(_), .. } => {
            wrong("`over` and `for` exclude each other")
        }
        _ => {}
    }
    match &step.action {
        Action::Never { body, .. } | Action::Repeat { body, .. } => steps(body, facts, findings),
        // A button may be held in one branch while another acts.
        Action::Together(branches) => {
            branches.iter().flatten().for_each(|inner| self::step(inner, facts, findings));
        }
        _ => {}
    }
}

/// Whether the rig sets a channel, and the lock never does.
fn is_driven(channel: &Channel) -> bool {
    matches!(
        channel,
        Channel::Button(_)
            | Channel::Keypad
            | Channel::Knob
            | Channel::Power
            | Channel::PowerCell(_)
            | Channel::Strike
            | Channel::Cover
            | Channel::Door
    )
}

fn takes_no_time(step: &Step) -> bool {
    matches!(&step.action, Action::Wait(duration) if *duration == Duration::ZERO)
}

/// Number of steps with all repeats written out; an operation counts as twenty.
fn expanded(list: &[Step]) -> u64 {
    let one = |step: &Step| match &step.action {
        Action::Repeat { times, body, .. } => u64::from(*times).saturating_mul(expanded(body).max(1)),
        Action::Press { times, .. } => u64::from(*times),
        Action::Never { body, .. } => expanded(body),
        Action::Together(branches) => {
            branches.iter().map(|branch| expanded(branch)).fold(0, u64::saturating_add)
        }
        Action::Type { keys, .. } => keys.len() as u64,
        Action::Power { over: Some(over), .. } => over.as_nanoseconds() / 20_000_000,
        Action::Do { .. } => 20,
        _ => 1,
    };
    list.iter().map(one).fold(0, u64::saturating_add)
}

/// Refuses operations that do themselves, by whatever way.
pub(super) fn recursion(operations: &BTreeMap<Arc<str>, Fact<Operation>>, findings: &mut Diagnostics) {
    for start in operations.keys() {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = vec![start];
        while let Some(name) = open.pop() {
            let procedure = operations.get(name).and_then(Fact::known).map(|operation| &operation.procedure);
            for (used, at) in procedure.into_iter().flat_map(|steps| uses(steps)) {
                if *used == **start {
                    findings.error(at, format!("operation `{start}` does itself"));
                    return;
                }
                if seen.insert(used) {
                    open.push(used);
                }
            }
        }
    }
}

/// Operations that steps do, with their places.
fn uses(list: &[Step]) -> Vec<(&str, &Place)> {
    let mut found = Vec::new();
    for step in list {
        match &step.action {
            Action::Do { operation, .. } => found.push((&**operation, &step.place)),
            Action::Never { body, .. } | Action::Repeat { body, .. } => found.extend(uses(body)),
            Action::Together(branches) => branches.iter().for_each(|branch| found.extend(uses(branch))),
            _ => {}
        }
    }
    found
}

/// Whether a step of `expect` can be wrong at all.
pub(super) fn judges(step: &Step) -> bool {
    match &step.action {
        Action::Claim(claim) => {
            !matches!(claim, Claim::Provision { .. } | Claim::Restart { .. } | Claim::Reset)
        }
        Action::Observe { .. } | Action::NoChange { .. } | Action::Ask { .. } | Action::Witness { .. } => {
            true
        }
        Action::Never { .. } => true,
        Action::Repeat { body, .. } => body.iter().any(judges),
        Action::Together(branches) => branches.iter().flatten().any(judges),
        _ => false,
    }
}
