//! A model's procedure, or a scenario's own steps, as primitive steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::belief::Belief;
use crate::lock::{Credential, Power, Role, Token};
use crate::scenario::alter::{Kind, Plan, Sequence, sequence};
use crate::scenario::ast::{self, Control, KeyToken, Reply, Supply, Term};
use crate::scenario::phrase::phrase;
use crate::scenario::program::{Action, Expected, Mark, Origin, Since, Step};
use crate::trace::{Argument, Channel, Handle, Keystroke, Value};
use crate::unit::{Duration, Ratio, Voltage};

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::keys;

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

/// On whose account steps are done, and the values of their parameters.
#[derive(Clone, Debug)]
pub(super) struct Bindings<'a> {
    pub origin: Origin,
    pub values: BTreeMap<&'static str, Binding>,
    /// The act itself: its requests carry the levels of the case, and its keys are altered.
    pub act: Option<&'a Plan>,
}

impl<'a> Bindings<'a> {
    /// The ordinary use of a lock by its owner.
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, values: BTreeMap::new(), act: None }
    }

    pub(super) fn with(mut self, name: &'static str, binding: Binding) -> Self {
        self.values.insert(name, binding);
        self
    }

    pub(super) fn word(self, name: &'static str, word: &str) -> Self {
        self.with(name, Binding::Word(word.into()))
    }

    pub(super) fn code(self, credential: &Credential) -> Self {
        self.with("code", Binding::Code(credential.clone()))
    }

    /// A code, or a card or finger, under the name that operations have for it.
    pub(super) fn credential(self, credential: &Credential) -> Self {
        let name = credential.kind().map_or("code", Token::word);
        self.with(name, Binding::Code(credential.clone()))
    }

    /// With a master code, if there is one.
    pub(super) fn master(self, credential: Option<Credential>) -> Self {
        match credential {
            Some(credential) => self.with("master", Binding::Code(credential)),
            None => self,
        }
    }

    /// What a method's procedure may take when its owner does it.
    pub(super) fn of_reset(origin: Origin, cx: &Context<'_>, belief: &Belief) -> Self {
        let mut bindings = Self::new(origin).master(cx.master_now(belief));
        if let Some(code) = belief.codes.first() {
            bindings = bindings.code(code);
        }
        // The maker's proof is issued for one lock and one occasion.
        let proof = Credential::secret("proof", super::PROOF_DIGITS);
        bindings
            .with("proof", Binding::Code(proof))
            .word("role", Role::Owner.word())
            .word("ownership", "verified")
            .word("network", "online")
    }

    fn word_for(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Binding::Word(word)) => Some(word),
            Some(Binding::Code(_)) | None => None,
        }
    }

    fn code_for(&self, name: &str) -> Result<&Credential, Excluded> {
        match self.values.get(name) {
            Some(Binding::Code(credential)) => Ok(credential),
            Some(Binding::Word(_)) | None => {
                let what = match name {
                    "code" => "user code".to_owned(),
                    "master" => "master code".to_owned(),
                    other => other.to_owned(),
                };
                Err(Excluded::plan(format!("no {what} is known at this point")))
            }
        }
    }
}

impl<'a> Context<'a> {
    /// All steps of a procedure.
    pub(super) fn procedure(
        &self,
        draft: &mut Draft,
        steps: &'a [ast::Step],
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        steps.iter().try_for_each(|step| self.step(draft, step, bindings))
    }

    /// An operation of the model with its parameters.
    pub(super) fn perform(
        &self,
        draft: &mut Draft,
        name: &str,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        if !moves_the_bolt(name) {
            return self.operate(draft, name, bindings);
        }
        draft.may_open(bindings.origin, None, |draft| self.operate(draft, name, bindings))
    }

    /// The same, where whoever calls says when the bolt may open.
    pub(super) fn operate(
        &self,
        draft: &mut Draft,
        name: &str,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        let operation = self.operation(name)?;
        let ((), steps) = draft.nested(|draft| self.procedure(draft, &operation.procedure, bindings))?;
        draft.push(name.replace('_', " "), bindings.origin, Action::Sequence(steps));
        Ok(())
    }

    pub(super) fn step(
        &self,
        draft: &mut Draft,
        step: &'a ast::Step,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        draft.check_length()?;
        let label = || phrase(&step.action);
        let origin = bindings.origin;
        let touched = draft.just_touched.take();
        match &step.action {
            ast::Action::Hold(controls) => self.actuate(draft, controls, true, origin),
            ast::Action::Release(controls) => self.actuate(draft, controls, false, origin),
            ast::Action::Press { .. } => self.press(draft, &step.action, origin)?,
            ast::Action::Type { keys, gap, each } => {
                let write = |draft: &mut Draft| {
                    let ((), typed) =
                        draft.nested(|draft| self.type_keys(draft, keys, *gap, *each, bindings))?;
                    draft.push(label(), origin, Action::Sequence(typed));
                    Ok(())
                };
                // What somebody types by themselves may be a code.
                if origin == Origin::Author {
                    draft.may_open(origin, None, write)?
                } else {
                    write(draft)?
                }
                draft.just_touched = draft.touches.last_key.map(Since::Touch);
            }
            ast::Action::Power { to, cell, over, duration } => {
                self.power(draft, *to, *cell, *over, *duration, bindings)?;
            }
            ast::Action::Turn { by, over } => {
                let share = bindings.act.and_then(|plan| plan.rotation);
                let by = by.scaled(share.unwrap_or(Ratio::WHOLE));
                let turned = draft.set(origin, Channel::Knob, Value::Angle(by));
                if share.is_some() {
                    draft.alters(Kind::Rotation);
                }
                draft.wait(over.unwrap_or(TAP));
                draft.just_touched = Some(Since::Mark(turned, Duration::ZERO));
            }
            ast::Action::Contact { channel, closed } => {
                draft.set(origin, channel.clone(), Value::Switch(*closed));
            }
            ast::Action::Wait(duration) => draft.wait(*duration),
            ast::Action::WaitLockout { share: None } => {
                let fact = &self.lock().lockout;
                fact.known().ok_or_else(|| fact.absence("a lockout"))?;
                draft.locked_out = None;
                draft.wait_since(origin, Since::Here, self.penalty());
            }
            ast::Action::WaitLockout { share: Some(share) } => {
                self.wait_into_lockout(draft, *share, origin)?
            }
            ast::Action::WaitUntil { observation, plus } => {
                let since = touched.unwrap_or(Since::Here);
                if let Some(mark) = self.observe(draft, &observation.action, since, origin, true)? {
                    let since = Since::Mark(mark, Duration::ZERO);
                    draft.wait_since(origin, since, *plus);
                }
            }
            action @ ast::Action::Observe { .. } => {
                self.observe(draft, action, touched.unwrap_or(Since::Here), origin, false)?;
            }
            ast::Action::NoChange { channels, duration } => {
                let action = Action::NoChange { channels: channels.clone(), duration: *duration };
                draft.push(label(), origin, action);
            }
            ast::Action::Never { observation, body } => {
                let ((), body) = draft.nested(|draft| self.procedure(draft, body, bindings))?;
                draft.push(label(), origin, Action::Never { observation: observation.clone(), body });
            }
            ast::Action::Witness { that, within } => {
                let action = Action::Ask {
                    channel: Channel::Operator,
                    op: "witness".into(),
                    arguments: vec![("that".into(), Argument::Text(that.as_str().into()))],
                    expected: Expected::Done,
                    within: *within,
                    mark: None,
                };
                draft.push(label(), Origin::Control, action);
            }
            ast::Action::Ask { .. } => self.ask(draft, &step.action, bindings)?,
            ast::Action::Together(branches) => {
                let mut all = Vec::new();
                for branch in branches {
                    all.push(draft.nested(|draft| self.procedure(draft, branch, bindings))?.1);
                }
                draft.push(label(), origin, Action::Together(all));
            }
            ast::Action::Repeat { times, within, body } => {
                let ((), steps) = draft
                    .nested(|draft| (0..*times).try_for_each(|_| self.procedure(draft, body, bindings)))?;
                limited(draft, label(), origin, *within, steps);
            }
            // A bolt that is thrown needs no throwing.
            ast::Action::Do { operation, .. } if &**operation == "lock" => {
                self.lock_if_open(draft, origin)?
            }
            ast::Action::Do { operation, with } => {
                let mut inner = Bindings::new(origin).master(self.master_now(&draft.belief));
                for (name, value) in with {
                    inner = self.argument(draft, inner, name, value)?;
                }
                self.perform(draft, operation, &inner)?;
            }
            ast::Action::Claim(claim) => self.claim(draft, claim, origin)?,
        }
        Ok(())
    }

    /// A parameter of `do`: a code by its name, a slot, or a role.
    fn argument<'b>(
        &self,
        draft: &mut Draft,
        bindings: Bindings<'b>,
        name: &str,
        value: &Arc<str>,
    ) -> Result<Bindings<'b>, Excluded> {
        Ok(match name {
            "code" => bindings.with("code", Binding::Code(self.named_code(draft, value)?)),
            "master" => bindings.with("master", Binding::Code(self.named_code(draft, value)?)),
            "card" => bindings.with("card", Binding::Code(self.named_code(draft, value)?)),
            "finger" => bindings.with("finger", Binding::Code(self.named_code(draft, value)?)),
            "slot" => bindings.with("slot", Binding::Word(Arc::clone(value))),
            "mode" => bindings.with("mode", Binding::Word(Arc::clone(value))),
            "digits" => bindings.with("digits", Binding::Word(Arc::clone(value))),
            "role" => bindings.with("role", Binding::Word(Arc::clone(value))),
            other => return Err(Excluded::plan(format!("`{other}` is not a parameter of any operation"))),
        })
    }

    /// Puts controls down or lets them go.
    pub(super) fn actuate(&self, draft: &mut Draft, controls: &[Control], down: bool, origin: Origin) {
        for control in controls {
            match control {
                Control::Button(name) => {
                    let channel = Channel::Button(Arc::clone(name));
                    draft.set(origin, channel, Value::Switch(down));
                }
                Control::Key(label) => {
                    let key = Keystroke::Key(Arc::clone(label));
                    draft.held_keys.retain(|held| *held != key);
                    if down {
                        draft.held_keys.push(key);
                    }
                    let keys = Value::Keys(draft.held_keys.clone());
                    draft.set(origin, Channel::Keypad, keys);
                }
            }
        }
    }

    pub(super) fn press(
        &self,
        draft: &mut Draft,
        action: &ast::Action,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let ast::Action::Press { controls, hold, times, gap, within, until } = action else { return Ok(()) };
        // A finger that just let go needs a moment, and so does the debounce.
        draft.wait(TAP_GAP);
        let (touched, steps) = draft.nested(|draft| {
            let mut touched = None;
            for count in 0..*times {
                draft.check_length()?;
                if count > 0 {
                    draft.wait(gap.unwrap_or(TAP_GAP));
                }
                self.actuate(draft, controls, true, origin);
                touched = draft.touches.last;
                match until {
                    Some(step) => drop(self.observe(draft, &step.action, Since::Here, origin, false)?),
                    None => draft.wait(hold.unwrap_or(TAP)),
                }
                self.actuate(draft, controls, false, origin);
            }
            Ok(touched)
        })?;
        limited(draft, phrase(action), origin, *within, steps);
        // What a lock shows as soon as it is tapped is seen by who looks once the finger is gone.
        draft.just_touched = touched
            .filter(|_| hold.is_none() && until.is_none())
            .map(|mark| Since::Mark(mark, Duration::ZERO));
        Ok(())
    }

    fn type_keys(
        &self,
        draft: &mut Draft,
        keys: &[KeyToken],
        gap: Option<Duration>,
        each: Option<Duration>,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        let mut strokes = Vec::new();
        for token in keys {
            match token {
                KeyToken::Key(label) => strokes.push(Keystroke::Key(Arc::clone(label))),
                // A word is typed as it is written: a number of digits, a mode.
                KeyToken::Parameter(name) if bindings.word_for(name).is_some() => {
                    let word = bindings.word_for(name).unwrap_or_default();
                    strokes.extend(word.chars().map(|c| Keystroke::Key(Arc::from(c.to_string()))));
                }
                KeyToken::Parameter(name) => {
                    let credential = bindings.code_for(name)?.clone();
                    draft.bind(&credential);
                    strokes.extend(keys::keystrokes(&credential));
                }
            }
        }
        let left = match (bindings.act, self.subject.facts.decisive.keys) {
            (Some(plan), Some(keys)) => Some((plan, keys.saturating_sub(plan.missing_keys))),
            _ => None,
        };
        for stroke in strokes {
            let mut stroke = stroke;
            let mut altered = Vec::new();
            if bindings.act.is_some() {
                draft.typed += 1;
            }
            if let Some((plan, left)) = left {
                if plan.missing_keys > 0 {
                    if draft.typed > left {
                        continue;
                    }
                    altered.push(Kind::MissingKeys);
                }
                if let Some(pause) = plan.pause.filter(|_| draft.typed == left) {
                    draft.wait(pause);
                    draft.alters(Kind::Pause);
                }
                let is_sequence = sequence(self.subject.facts) == Some(Sequence::Keys);
                if let Some(length) = plan.dropout.filter(|_| is_sequence && draft.typed == left) {
                    self.drop_out(draft, length);
                }
                if plan.wrong_key == Some(draft.typed) {
                    stroke = keys::another(&stroke, &self.lock().keys)?;
                    altered.push(Kind::WrongKey);
                }
            }
            if bindings.act.is_some_and(|plan| plan.used_proof) {
                altered.push(Kind::Proof);
            }
            self.key(draft, (stroke, altered), bindings.origin, each, gap);
        }
        Ok(())
    }

    /// Touches one key.
    fn key(
        &self,
        draft: &mut Draft,
        (stroke, altered): (Keystroke, Vec<Kind>),
        origin: Origin,
        each: Option<Duration>,
        gap: Option<Duration>,
    ) {
        draft.touches.before_last_key = draft.touches.last;
        let touch = draft.set(origin, Channel::Keypad, Value::Keys(vec![stroke]));
        altered.into_iter().for_each(|kind| draft.alters(kind));
        draft.touches.last_key = Some(touch);
        draft.wait(each.unwrap_or(KEY));
        draft.set(origin, Channel::Keypad, Value::Keys(Vec::new()));
        draft.wait(gap.unwrap_or(KEY));
    }

    fn power(
        &self,
        draft: &mut Draft,
        to: Supply,
        cell: Option<u8>,
        over: Option<Duration>,
        duration: Option<Duration>,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        if let Some(number) = cell {
            let inserted = to == Supply::On;
            draft.set(bindings.origin, Channel::PowerCell(number), Value::Switch(inserted));
            return Ok(());
        }
        let target = match to {
            Supply::Off => Voltage::default(),
            Supply::On => self.level_voltage(self.levels().power)?,
            Supply::Low => self.level_voltage(Power::Low)?,
            Supply::Volts(volts) => volts,
            Supply::Share(share) => self.lock().power.nominal.scaled(share),
        };
        let before = draft.volts;
        match over {
            Some(over) => ramp(draft, target, over),
            None => draft.supply(target),
        }
        if let Some(duration) = duration {
            draft.wait(duration);
            draft.supply(before);
        }
        Ok(())
    }

    /// An observation; with `marked` its time can be referred to.
    pub(super) fn observe(
        &self,
        draft: &mut Draft,
        action: &ast::Action,
        since: Since,
        origin: Origin,
        marked: bool,
    ) -> Result<Option<Mark>, Excluded> {
        let ast::Action::Observe { observation, within } = action else { return Ok(None) };
        let mark = marked.then(|| draft.mark());
        let observation = observation.clone();
        let observe = Action::Observe { observation, since, within: *within, mark, already: false };
        draft.push(phrase(action), origin, observe);
        Ok(mark)
    }

    fn ask(
        &self,
        draft: &mut Draft,
        action: &'a ast::Action,
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        let ast::Action::Ask { channel, op, arguments, expect, within } = action else { return Ok(()) };
        let levels = self.levels();
        let mut resolved: BTreeMap<Arc<str>, Argument> = BTreeMap::new();
        let role = if bindings.act.is_some() { levels.role } else { Role::Owner };
        resolved.insert("role".into(), Argument::Text(role.word().into()));
        // What the case is about can't be said otherwise by the model.
        let set = if bindings.act.is_some() { self.factors_set() } else { Default::default() };
        for name in ["ownership", "network"].into_iter().filter(|name| set.contains(name)) {
            let word = levels.word_of(name).unwrap_or_default();
            resolved.insert(name.into(), Argument::Text(word.into()));
        }
        for (name, term) in arguments.iter().filter(|(name, _)| !set.contains(&**name)) {
            let argument = match term {
                Term::Parameter(parameter) => match bindings.values.get(&**parameter) {
                    Some(Binding::Code(credential)) => {
                        draft.bind(credential);
                        secret_argument(credential)
                    }
                    Some(Binding::Word(word)) => word_argument(name, word),
                    None => {
                        return Err(Excluded::plan(format!("no {parameter} is known at this point")));
                    }
                },
                // What a scenario names is what the rig knows by that name; a model names no owner's code.
                Term::Word(word) if &**name == "code" && !word.starts_with(|c: char| c.is_ascii_digit()) => {
                    secret_argument(&self.named_code(draft, word)?)
                }
                Term::Word(word) => word_argument(name, word),
            };
            resolved.insert(Arc::clone(name), argument);
        }
        // Who was refused may go on with what needs no permission: only the first request is judged.
        let without = bindings.act.and_then(|plan| plan.without).filter(|_| !draft.was_refused);
        let (expected, origin) = match (without, expect) {
            (Some(_), _) => (Expected::Refused, Origin::Claim),
            (None, Reply::Done) => (Expected::Done, bindings.origin),
            (None, Reply::Refused) => (Expected::Refused, bindings.origin),
            (None, Reply::Any) => (Expected::Any, bindings.origin),
            (None, Reply::Paired) => (Expected::Paired(true), bindings.origin),
            (None, Reply::Unpaired) => (Expected::Paired(false), bindings.origin),
        };
        // Whatever presents cards is the rig's, and so is its failure; what the lock makes of one is seen elsewhere.
        let origin = match (channel, origin) {
            (Channel::Reader, Origin::Setup | Origin::Tidying) => origin,
            (Channel::Reader, _) => Origin::Control,
            _ => origin,
        };
        draft.was_refused |= without.is_some();
        let mark = draft.mark();
        draft.note_mark(mark);
        let uses_proof = resolved
            .values()
            .any(|argument| matches!(argument, Argument::Secret(handle) if &*handle.0 == "proof"));
        let request = Action::Ask {
            channel: channel.clone(),
            op: Arc::clone(op),
            arguments: resolved.into_iter().collect(),
            expected,
            within: *within,
            mark: Some(mark),
        };
        draft.push(phrase(action), origin, request);
        if without.is_some() {
            draft.alters(Kind::Without);
        }
        if uses_proof && bindings.act.is_some_and(|plan| plan.used_proof) {
            draft.alters(Kind::Proof);
        }
        Ok(())
    }
}

/// Whether an operation may open the bolt: it is there for that, or a lock learns there which way its door opens.
fn moves_the_bolt(operation: &str) -> bool {
    let opens = ["enter", "unlock", "use_card", "use_finger", "try_master"];
    let teaches = ["handing", "calibrate", "initiate", "set_mode"];
    opens.contains(&operation) || teaches.contains(&operation)
}

fn limited(draft: &mut Draft, label: String, origin: Origin, within: Option<Duration>, body: Vec<Step>) {
    let action = match within {
        Some(within) => Action::Limited { within, body },
        None => Action::Sequence(body),
    };
    draft.push(label, origin, action);
}

fn ramp(draft: &mut Draft, target: Voltage, over: Duration) {
    let start = draft.volts.as_millionths();
    let steps = (over.as_nanoseconds() / RAMP_STEP.as_nanoseconds()).clamp(1, 2_000);
    let signed = i64::try_from(steps).unwrap_or(1);
    for step in 1..=signed {
        let volts = start + (target.as_millionths() - start) * step / signed;
        draft.supply(Voltage::from_millionths(volts));
        draft.wait(Duration::nanoseconds(over.as_nanoseconds() / steps));
    }
}

pub(super) fn secret_argument(credential: &Credential) -> Argument {
    match credential {
        Credential::Published(code) => Argument::Text(Arc::clone(code)),
        // A request names what it means; nothing is typed wrong in one.
        Credential::Secret { handle, .. } | Credential::Altered { handle, .. } => {
            Argument::Secret(Handle(Arc::clone(handle)))
        }
        Credential::Token { name, .. } => Argument::Text(Arc::clone(name)),
    }
}

/// Only a slot is a number; a code of digits is a text, or its first nought is lost.
fn word_argument(name: &str, word: &Arc<str>) -> Argument {
    let number = if name == "slot" { word.parse().ok() } else { None };
    number.map_or_else(|| Argument::Text(Arc::clone(word)), Argument::Number)
}
