//! A model's procedure as primitive steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lock::{Credential, Role};
use crate::scenario::ast::{self, Control, KeyToken, Reply, Supply, Term, phrase};
use crate::scenario::program::{Action, Expected, Since, Weight};
use crate::trace::{Argument, Channel, Handle, Keystroke, Value};
use crate::unit::{Duration, Voltage};

use super::builder::{Builder, Excluded};

/// How long a tap lasts: long enough for any debounce, short enough to be no hold.
const TAP: Duration = Duration::milliseconds(200);
/// Pause between two taps of a button.
const TAP_GAP: Duration = Duration::milliseconds(300);
/// How long a key is touched, and the pause after it.
const KEY: Duration = Duration::milliseconds(100);
/// A ramp is played in steps of this length.
const RAMP_STEP: Duration = Duration::milliseconds(20);

/// A parameter's value.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    Code(Credential),
    Word(Arc<str>),
}

/// Values of a procedure's parameters, and on whose behalf it is done.
#[derive(Clone, Debug)]
pub(super) struct Bindings {
    pub values: BTreeMap<&'static str, Binding>,
    /// The act itself: its requests carry the levels of the case.
    pub is_act: bool,
    /// Position, from 1, of a key to get wrong; counts down over the steps.
    pub wrong_key: Option<u32>,
    /// How many of the last keys are left out.
    pub missing_keys: Option<u32>,
    /// How long nothing is typed before the last key.
    pub pause: Option<Duration>,
}

impl Bindings {
    /// The ordinary use of a lock by its owner.
    pub(super) fn owner() -> Self {
        Self { values: BTreeMap::new(), is_act: false, wrong_key: None, missing_keys: None, pause: None }
    }

    pub(super) fn with(mut self, name: &'static str, binding: Binding) -> Self {
        self.values.insert(name, binding);
        self
    }

    pub(super) fn code(self, credential: &Credential) -> Self {
        self.with("code", Binding::Code(credential.clone()))
    }

    fn credential(&self, name: &str) -> Result<&Credential, Excluded> {
        match self.values.get(name) {
            Some(Binding::Code(credential)) => Ok(credential),
            _ => Err(Excluded::plan(format!("there is no {name} code to use at this point"))),
        }
    }
}

impl<'a> Builder<'a> {
    /// All steps of a procedure.
    pub(super) fn procedure(&mut self, steps: &'a [ast::Step], bindings: &Bindings) -> Result<(), Excluded> {
        steps.iter().try_for_each(|step| self.procedure_step(step, bindings))
    }

    /// An operation of the model with its parameters.
    pub(super) fn perform(&mut self, name: &str, bindings: &Bindings) -> Result<(), Excluded> {
        let operation = self.operation(name)?;
        let (result, steps) = self.nested(|b| b.procedure(&operation.procedure, bindings))?;
        let () = result;
        self.push(name.replace('_', " "), Action::Sequence(steps));
        Ok(())
    }

    pub(super) fn procedure_step(
        &mut self,
        step: &'a ast::Step,
        bindings: &Bindings,
    ) -> Result<(), Excluded> {
        let label = phrase(&step.action);
        match &step.action {
            ast::Action::Hold(controls) => self.actuate(controls, true),
            ast::Action::Release(controls) => self.actuate(controls, false),
            ast::Action::Press { .. } => self.press(&step.action)?,
            ast::Action::Type { keys, gap, each } => {
                let ((), typed) = self.nested(|b| b.type_keys(keys, *gap, *each, bindings))?;
                self.push(label, Action::Sequence(typed));
            }
            ast::Action::Power { to, cell, over, duration } => self.power(*to, *cell, *over, *duration)?,
            ast::Action::Turn { by, over } => {
                self.set(label, Channel::Knob, Value::Angle(*by));
                self.wait(over.unwrap_or(TAP));
            }
            ast::Action::Contact { channel, closed } => {
                self.set(label, channel.clone(), Value::Switch(*closed));
            }
            ast::Action::Wait(duration) => self.wait(*duration),
            ast::Action::WaitLockout => {
                let fact = &self.lock().lockout;
                let lockout = *fact.known().ok_or_else(|| fact.absence("a lockout"))?;
                let long_enough = lockout.duration.saturating_add(Duration::seconds(5));
                self.push(label, Action::Wait { since: Since::Here, duration: long_enough });
            }
            ast::Action::WaitUntil { observation, plus } => {
                let mark = self.observe(&observation.action, Since::Here, true)?;
                if let Some(mark) = mark {
                    self.push(
                        label,
                        Action::Wait { since: Since::Mark(mark, Duration::ZERO), duration: *plus },
                    );
                }
            }
            action @ ast::Action::Observe { .. } => self.observe(action, Since::Here, false).map(|_| ())?,
            ast::Action::NoChange { channels, duration } => {
                let action =
                    Action::NoChange { channels: channels.clone(), duration: *duration, weight: self.weight };
                self.push(label, action);
            }
            ast::Action::Never { observation, body } => {
                let ((), body) = self.nested(|b| b.procedure(body, bindings))?;
                self.push(label, Action::Never { observation: observation.clone(), body });
            }
            ast::Action::Witness { that, within } => {
                let arguments = vec![("that".into(), Argument::Text(that.as_str().into()))];
                let (op, expected, weight) = ("witness".into(), Expected::Done, Weight::Inconclusive);
                let channel = Channel::Operator;
                self.push(
                    label,
                    Action::Ask { channel, op, arguments, expected, within: *within, mark: None, weight },
                );
            }
            ast::Action::Ask { .. } => self.ask(&step.action, bindings)?,
            ast::Action::Together(branches) => {
                let mut all = Vec::new();
                for branch in branches {
                    all.push(self.nested(|b| b.procedure(branch, bindings))?.1);
                }
                self.push(label, Action::Together(all));
            }
            ast::Action::Repeat { times, within, body } => {
                let ((), steps) =
                    self.nested(|b| (0..*times).try_for_each(|_| b.procedure(body, bindings)))?;
                self.limited(label, *within, steps);
            }
            ast::Action::Do { operation, with } => {
                let mut inner = Bindings::owner();
                for (name, value) in with {
                    let (name, binding) = self.argument(name, value)?;
                    inner = inner.with(name, binding);
                }
                self.perform(operation, &inner)?;
            }
            ast::Action::Claim(claim) => self.claim(claim)?,
        }
        Ok(())
    }

    fn argument(&mut self, name: &str, value: &Arc<str>) -> Result<(&'static str, Binding), Excluded> {
        Ok(match name {
            "code" => ("code", Binding::Code(self.secret(value)?)),
            "master" => ("master", Binding::Code(self.secret(value)?)),
            "slot" => ("slot", Binding::Word(Arc::clone(value))),
            _ => ("role", Binding::Word(Arc::clone(value))),
        })
    }

    fn limited(
        &mut self,
        label: String,
        within: Option<Duration>,
        body: Vec<crate::scenario::program::Step>,
    ) {
        let weight = self.weight;
        self.push(
            label,
            match within {
                Some(within) => Action::Limited { within, weight, body },
                None => Action::Sequence(body),
            },
        );
    }

    pub(super) fn actuate(&mut self, controls: &[Control], down: bool) {
        let verb = if down { "hold" } else { "release" };
        for control in controls {
            match control {
                Control::Button(name) => {
                    self.set(
                        format!("{verb} {name}"),
                        Channel::Button(Arc::clone(name)),
                        Value::Switch(down),
                    );
                }
                Control::Key(label) => {
                    let key = Keystroke::Key(Arc::clone(label));
                    self.held_keys.retain(|held| *held != key);
                    if down {
                        self.held_keys.push(key);
                    }
                    let keys = Value::Keys(self.held_keys.clone());
                    self.set(format!("{verb} key {label}"), Channel::Keypad, keys);
                }
            }
        }
    }

    pub(super) fn press(&mut self, action: &ast::Action) -> Result<(), Excluded> {
        let ast::Action::Press { controls, hold, times, gap, within, until } = action else { return Ok(()) };
        // A finger that just let go needs a moment, and so does the debounce.
        self.wait(TAP_GAP);
        let ((), steps) = self.nested(|b| {
            for count in 0..*times {
                if count > 0 {
                    b.wait(gap.unwrap_or(TAP_GAP));
                }
                b.actuate(controls, true);
                match until {
                    Some(step) => drop(b.observe(&step.action, Since::Here, false)?),
                    None => b.wait(hold.unwrap_or(TAP)),
                }
                b.actuate(controls, false);
            }
            Ok(())
        })?;
        self.limited(phrase(action), *within, steps);
        Ok(())
    }

    fn type_keys(
        &mut self,
        keys: &[KeyToken],
        gap: Option<Duration>,
        each: Option<Duration>,
        bindings: &Bindings,
    ) -> Result<(), Excluded> {
        let mut strokes = Vec::new();
        for token in keys {
            match token {
                KeyToken::Key(label) => strokes.push(Keystroke::Key(Arc::clone(label))),
                KeyToken::Parameter(name) => {
                    let credential = bindings.credential(name)?.clone();
                    self.bind_secrets(&credential);
                    strokes.extend(keystrokes(&credential));
                }
            }
        }
        if let Some(position) = bindings.wrong_key.and_then(|n| usize::try_from(n).ok()) {
            let count = strokes.len();
            let stroke = position.checked_sub(1).and_then(|index| strokes.get_mut(index));
            let stroke =
                stroke.ok_or_else(|| Excluded::plan(format!("the procedure types only {count} keys")))?;
            alter(stroke, self.model);
        }
        if let Some(missing) = bindings.missing_keys.and_then(|n| usize::try_from(n).ok()) {
            let left = strokes.len().checked_sub(missing);
            strokes.truncate(left.ok_or_else(|| Excluded::plan("fewer keys are typed than are left out"))?);
        }
        let last = strokes.len().saturating_sub(1);
        for (index, stroke) in strokes.into_iter().enumerate() {
            if let Some(pause) = bindings.pause.filter(|_| index == last) {
                self.wait(pause);
            }
            let label = match &stroke {
                Keystroke::Key(label) => format!("key {label}"),
                Keystroke::Secret { handle, position, .. } => {
                    format!("digit {} of {}", position + 1, handle.0)
                }
            };
            self.before_last_key = self.last_mark;
            self.set(label, Channel::Keypad, Value::Keys(vec![stroke]));
            self.wait(each.unwrap_or(KEY));
            self.set("no key", Channel::Keypad, Value::Keys(Vec::new()));
            self.wait(gap.unwrap_or(KEY));
        }
        Ok(())
    }

    fn power(
        &mut self,
        to: Supply,
        cell: Option<u8>,
        over: Option<Duration>,
        duration: Option<Duration>,
    ) -> Result<(), Excluded> {
        if let Some(number) = cell {
            let inserted = to == Supply::On;
            let label = format!("power cell {number} {}", if inserted { "on" } else { "off" });
            self.set(label, Channel::PowerCell(number), Value::Switch(inserted));
            return Ok(());
        }
        let target = match to {
            Supply::Off => Voltage::default(),
            Supply::On => self.level_voltage(self.levels.power)?,
            Supply::Low => self.level_voltage(crate::lock::Power::Low)?,
            Supply::Volts(volts) => volts,
        };
        let before = self.voltage;
        match over {
            Some(over) => self.ramp(target, over),
            None => self.supply(target),
        }
        if let Some(duration) = duration {
            self.wait(duration);
            self.supply(before);
        }
        Ok(())
    }

    pub(super) fn supply(&mut self, volts: Voltage) {
        self.voltage = volts;
        let label = if volts == Voltage::default() { "power off".into() } else { format!("power {volts}") };
        self.set(label, Channel::Power, Value::Voltage(volts));
    }

    fn ramp(&mut self, target: Voltage, over: Duration) {
        let start = self.voltage.as_millionths();
        let steps = (over.as_nanoseconds() / RAMP_STEP.as_nanoseconds()).clamp(1, 2_000);
        let signed = i64::try_from(steps).unwrap_or(1);
        for step in 1..=signed {
            let volts = start + (target.as_millionths() - start) * step / signed;
            self.supply(Voltage::from_millionths(volts));
            self.wait(Duration::nanoseconds(over.as_nanoseconds() / steps));
        }
    }

    /// An observation; with `marked` its time can be referred to.
    pub(super) fn observe(
        &mut self,
        action: &ast::Action,
        since: Since,
        marked: bool,
    ) -> Result<Option<crate::scenario::program::Mark>, Excluded> {
        let ast::Action::Observe { observation, within } = action else { return Ok(None) };
        let mark = marked.then(|| self.mark());
        let weight = self.weight;
        let observation = observation.clone();
        self.push(phrase(action), Action::Observe { observation, since, within: *within, mark, weight });
        Ok(mark)
    }

    fn ask(&mut self, action: &'a ast::Action, bindings: &Bindings) -> Result<(), Excluded> {
        let ast::Action::Ask { channel, op, arguments, expect, within } = action else { return Ok(()) };
        let mut resolved: BTreeMap<Arc<str>, Argument> = BTreeMap::new();
        let role = if bindings.is_act { self.levels.role } else { Role::Owner };
        resolved.insert("role".into(), Argument::Text(role.word().into()));
        if bindings.is_act {
            let set = self.factors_set();
            if set.contains("ownership") {
                resolved.insert("ownership".into(), Argument::Text(self.levels.ownership.word().into()));
            }
            if set.contains("network") {
                resolved.insert("network".into(), Argument::Text(self.levels.network.word().into()));
            }
        }
        for (name, term) in arguments {
            let argument = match term {
                Term::Parameter(parameter) => match bindings.values.get(&**parameter) {
                    Some(Binding::Code(credential)) => {
                        self.bind_secrets(credential);
                        secret_argument(credential)
                    }
                    Some(Binding::Word(word)) => word_argument(word),
                    None => {
                        return Err(Excluded::plan(format!("there is no {parameter} to use at this point")));
                    }
                },
                Term::Word(word) => word_argument(word),
            };
            resolved.insert(Arc::clone(name), argument);
        }
        let refused = bindings.is_act && self.scenario.but.without.is_some();
        let (expected, weight) = match expect {
            // What must be refused is the claim itself, whatever else the act ignores.
            _ if refused => (Expected::Refused, Weight::Fail),
            Reply::Done => (Expected::Done, self.weight),
            Reply::Refused => (Expected::Refused, self.weight),
            Reply::Paired => (Expected::Paired(true), self.weight),
            Reply::Unpaired => (Expected::Paired(false), self.weight),
        };
        let arguments = resolved.into_iter().collect();
        let (channel, op, within) = (channel.clone(), Arc::clone(op), *within);
        let mark = self.mark();
        self.note_mark(mark);
        let mark = Some(mark);
        self.push(phrase(action), Action::Ask { channel, op, arguments, expected, within, mark, weight });
        Ok(())
    }
}

/// The keys that type a code.
fn keystrokes(credential: &Credential) -> Vec<Keystroke> {
    match credential {
        Credential::Published(code) => {
            code.chars().map(|c| Keystroke::Key(Arc::from(c.to_string()))).collect()
        }
        Credential::Secret { handle, digits } => {
            let handle = Handle(Arc::clone(handle));
            let stroke = |position| Keystroke::Secret { handle: handle.clone(), position, altered: false };
            (0..*digits).map(stroke).collect()
        }
    }
}

/// Another key than the right one.
fn alter(stroke: &mut Keystroke, model: &ast::Model) {
    match stroke {
        Keystroke::Secret { altered, .. } => *altered = true,
        Keystroke::Key(label) => {
            let other = model.facts.keys.iter().find(|key| *key != label && key.len() == 1);
            if let Some(other) = other {
                *label = Arc::clone(other);
            }
        }
    }
}

pub(super) fn secret_argument(credential: &Credential) -> Argument {
    match credential {
        Credential::Published(code) => Argument::Text(Arc::clone(code)),
        Credential::Secret { handle, .. } => Argument::Secret(Handle(Arc::clone(handle))),
    }
}

fn word_argument(word: &Arc<str>) -> Argument {
    word.parse().map_or_else(|_| Argument::Text(Arc::clone(word)), Argument::Number)
}
