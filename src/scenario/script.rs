//! A program as a numbered text that a person can follow by hand, with a stopwatch.
//!
//! Deliberately absent: what the steps cost, and what a rig lacks for them.

use std::collections::BTreeMap;

use crate::trace::{Argument, Channel, Keystroke, Value};

use super::program::{
    Action, Expected, Mark, Part, Presence, Program, Rule, Since, Stage, Step, Weight, all,
};

/// A line of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `2.1`, or nothing for a heading.
    pub number: String,
    /// How deep it is within other lines.
    pub depth: usize,
    /// What to do or to watch.
    pub text: String,
}

/// Writes a program down.
pub fn script(program: &Program) -> Vec<Line> {
    let mut writer = Writer { lines: Vec::new(), marks: marks(program) };
    for (number, part) in (1..).zip(&program.parts) {
        writer.part(number, part);
    }
    writer.lines
}

/// What each mark is the time of.
fn marks(program: &Program) -> BTreeMap<usize, String> {
    let of = |step: &Step| -> Option<(Mark, String)> {
        match &step.action {
            Action::Set { channel, value, mark } => Some(((*mark)?, done(channel, value))),
            Action::Ask { mark, .. } | Action::Observe { mark, .. } => Some(((*mark)?, step.label.clone())),
            _ => None,
        }
    };
    program.steps().into_iter().filter_map(of).map(|(mark, text)| (mark.0, text)).collect()
}

struct Writer {
    lines: Vec<Line>,
    marks: BTreeMap<usize, String>,
}

impl Writer {
    fn part(&mut self, number: usize, part: &Part) {
        let stage = match part.stage {
            Stage::Arrange => "puts the lock into the state under test",
            Stage::Act => "the act",
            Stage::Between => "no claim is checked here",
            Stage::Expect => "claim",
        };
        let text = format!("{} ({stage})", part.name);
        self.lines.push(Line { number: number.to_string(), depth: 0, text });
        self.steps(&part.steps, &number.to_string(), 1);
    }

    fn steps(&mut self, steps: &[Step], above: &str, depth: usize) {
        let mut number = 0;
        for step in plain(steps) {
            // A procedure of one step is that step.
            let step = match &step.action {
                Action::Sequence(body) if typed(body).is_none() => match plain(body).as_slice() {
                    [only] => only,
                    _ => step,
                },
                _ => step,
            };
            number += 1;
            let own = format!("{above}.{number}");
            let text = self.text(step);
            self.lines.push(Line { number: own.clone(), depth, text });
            if is_typing(step) {
                continue;
            }
            match &step.action {
                Action::Together(branches) => {
                    for (letter, branch) in ('a'..='z').zip(branches) {
                        let branch_number = format!("{own}{letter}");
                        let text = "meanwhile:".to_owned();
                        self.lines.push(Line { number: branch_number.clone(), depth: depth + 1, text });
                        self.steps(branch, &branch_number, depth + 2);
                    }
                }
                action => action.children().into_iter().for_each(|body| self.steps(body, &own, depth + 1)),
            }
        }
    }

    fn since(&self, since: Since) -> String {
        let of = |mark: Mark| self.marks.get(&mark.0).map_or("do that", String::as_str).to_owned();
        match since {
            Since::Here => "from now".to_owned(),
            Since::Touch(mark) => format!("from the moment you {}", of(mark)),
            Since::Mark(mark, offset) if offset == crate::unit::Duration::ZERO => {
                format!("from the moment you {}", of(mark))
            }
            Since::Mark(mark, offset) => format!("from {offset} after you {}", of(mark)),
        }
    }

    fn text(&self, step: &Step) -> String {
        let label = &step.label;
        let otherwise = match step.origin.unmet() {
            Weight::Fail => "or the lock fails",
            Weight::Inconclusive => "or the result is inconclusive",
            Weight::Ignore => "but carry on if not",
        };
        match &step.action {
            Action::Set { channel, value, .. } => done(channel, value),
            Action::Ask { channel, op, arguments, expected, within, .. } => {
                let with: Vec<String> = arguments.iter().map(argument).collect();
                let with = if with.is_empty() { String::new() } else { format!(" ({})", with.join(", ")) };
                format!(
                    "ask the {channel} for `{op}`{with}; within {within} {}, {otherwise}",
                    wanted(*expected)
                )
            }
            Action::Wait { since: Since::Here, duration } => format!("wait {duration}"),
            Action::Wait { since, duration } => {
                format!("wait until {duration} has passed {}", self.since(*since))
            }
            Action::Observe { since, within, .. } => {
                format!("watch {}: {label} within {within}, {otherwise}", self.since(*since))
            }
            Action::Unseen { since, within, .. } => format!(
                "watch {} for {within}: the lock must not give the confirmation of a completed reset, {otherwise}",
                self.since(*since)
            ),
            Action::NoChange { channels, duration } => {
                let names: Vec<String> = channels.iter().map(ToString::to_string).collect();
                format!("watch for {duration}: nothing may change on {}, {otherwise}", names.join(", "))
            }
            Action::Watch { observation, within, .. } => {
                format!("watch the {} for {within}: does the lock accept the code?", observation.channel())
            }
            Action::If { yes: true, .. } => format!("if it did: {label}"),
            Action::If { yes: false, .. } => format!("if it did not: {label}"),
            Action::Judge { rule, reason, .. } => {
                let must = match rule {
                    Rule::Yes => "it must have been accepted",
                    Rule::No => "it must not have been accepted",
                    Rule::Same => "the answers must be all yes or all no",
                    Rule::Opposite => "the first answer must be the opposite of all the others",
                };
                format!("{must}, {otherwise}: {reason}")
            }
            Action::Measure { name, limit, .. } => {
                let least = limit.min.map(|least| format!("at least {least}"));
                let most = limit.max.map(|most| format!("at most {most}"));
                let bounds: Vec<String> = least.into_iter().chain(most).collect();
                format!("check your stopwatch: {name} must have taken {}, {otherwise}", bounds.join(" and "))
            }
            Action::Unprovable { reason } => format!("nothing can be proved here: {reason}"),
            Action::Never { .. } => format!("{label} while you do the following, {otherwise}:"),
            Action::MayOpen { .. } => format!("{label}:"),
            Action::Limited { within, .. } => format!("{label}, all within {within}, {otherwise}:"),
            Action::Sequence(body) => match typed(body) {
                Some(keys) => format!("type {keys}"),
                None => format!("{label}:"),
            },
            Action::Together(_) => format!("{label}, in parallel:"),
        }
    }
}

/// What is done to a channel, in words.
fn done(channel: &Channel, value: &Value) -> String {
    match (channel, value) {
        (Channel::Button(name), Value::Switch(true)) => format!("press and hold `{name}`"),
        (Channel::Button(name), Value::Switch(false)) => format!("release `{name}`"),
        (Channel::PowerCell(number), Value::Switch(true)) => format!("put battery {number} in"),
        (Channel::PowerCell(number), Value::Switch(false)) => format!("take battery {number} out"),
        (Channel::Power, Value::Voltage(volts)) if volts.as_millionths() == 0 => "cut the power".to_owned(),
        (Channel::Power, Value::Voltage(volts)) => format!("set the supply to {volts}"),
        (Channel::Knob, Value::Angle(angle)) => format!("turn the knob by {angle}"),
        (Channel::Strike, Value::Switch(true)) => "block the bolt".to_owned(),
        (Channel::Strike, Value::Switch(false)) => "free the bolt".to_owned(),
        (Channel::Cover, Value::Switch(true)) => "put the cover on".to_owned(),
        (Channel::Cover, Value::Switch(false)) => "take the cover off".to_owned(),
        (Channel::Door, Value::Switch(true)) => "close the door".to_owned(),
        (Channel::Door, Value::Switch(false)) => "open the door".to_owned(),
        (Channel::Keypad, Value::Keys(keys)) if keys.is_empty() => {
            "take your finger off the keypad".to_owned()
        }
        (Channel::Keypad, Value::Keys(keys)) => {
            let keys: Vec<String> = keys.iter().map(key).collect();
            format!("touch {}", keys.join(" and "))
        }
        (channel, _) => format!("set {channel}"),
    }
}

fn key(stroke: &Keystroke) -> String {
    match stroke {
        Keystroke::Key(label) => format!("`{label}`"),
        Keystroke::Secret { handle, position, altered: false } => {
            format!("digit {} of {}", position + 1, handle.0)
        }
        Keystroke::Secret { handle, position, altered: true } => {
            format!("a digit other than digit {} of {}", position + 1, handle.0)
        }
    }
}

/// The steps without what says only that the bolt may open meanwhile.
fn plain(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        match &step.action {
            Action::MayOpen { body, .. } => all.extend(plain(body)),
            _ => all.push(step),
        }
    }
    all
}

fn is_typing(step: &Step) -> bool {
    matches!(&step.action, Action::Sequence(body) if typed(body).is_some())
}

/// What steps type, if they do nothing else: whole codes by their names.
fn typed(body: &[Step]) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for step in body {
        match &step.action {
            Action::Set { channel: Channel::Keypad, value: Value::Keys(keys), .. } => match keys.as_slice() {
                [] => {}
                [Keystroke::Secret { handle, altered: false, .. }] => {
                    let code = format!("code {}", handle.0);
                    if words.last() != Some(&code) {
                        words.push(code);
                    }
                }
                keys => words.extend(keys.iter().map(key)),
            },
            Action::Wait { since: Since::Here, duration } => {
                // What is longer than the pause between two keys was put there on purpose.
                if *duration >= crate::unit::Duration::seconds(2) {
                    words.push(format!("(wait {duration})"));
                }
            }
            _ => return None,
        }
    }
    let types =
        all(body).iter().any(|step| matches!(step.action, Action::Set { channel: Channel::Keypad, .. }));
    types.then(|| words.join(" "))
}

fn argument((name, argument): &(std::sync::Arc<str>, Argument)) -> String {
    match argument {
        Argument::Text(text) => format!("{name} {text}"),
        Argument::Number(number) => format!("{name} {number}"),
        Argument::Secret(handle) => format!("{name} {}", handle.0),
    }
}

fn wanted(expected: Expected) -> &'static str {
    match expected {
        Expected::Done => "it must do so",
        Expected::Refused => "it must refuse, or not answer",
        Expected::Any => "it may answer or not",
        Expected::Paired(true) => "it must say that it is paired",
        Expected::Paired(false) => "it must say that it is not paired",
        Expected::Erased { codes: true } => "it must report no users and no codes left",
        Expected::Erased { codes: false } => "it must report no users left",
        Expected::Holds { .. } => "it must report that it holds everything that was stored",
        Expected::Probe(_) => "it must say whether it is paired",
        Expected::Found(Presence::All) => "it must find each of them",
        Expected::Found(Presence::None) => "it must find none of them",
        Expected::Found(Presence::AllOrNone) => "it must find either all of them or none",
        Expected::Digest => "it must say a digest",
        Expected::SameDigest => "it must say the same digest as before",
    }
}
