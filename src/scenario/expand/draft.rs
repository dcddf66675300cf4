//! A program as far as it is written, with what the lock should hold by then. What may fail is tried on a branch.

use std::sync::Arc;

use crate::belief::Belief;
use crate::lock::Credential;
use crate::scenario::alter::Kind;
use crate::scenario::program::{Action, Mark, Origin, Part, Probe, Program, Since, Stage, Step, straight};
use crate::trace::{Channel, Keystroke, Value};
use crate::unit::{Duration, Voltage};

use super::access::STRANGER;
use super::context::{Context, Excluded};

/// A case with more steps is a mistake in its files.
const MAX_STEPS: usize = 100_000;

/// Edges of what was done last, as later steps refer to them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Touches {
    /// The first and the last edge since somebody began to look.
    pub first: Option<Mark>,
    pub last: Option<Mark>,
    /// The edge before the last key was touched.
    pub before_last_key: Option<Mark>,
    /// The touch of the last key.
    pub last_key: Option<Mark>,
}

impl Touches {
    fn note(&mut self, mark: Mark) {
        self.first.get_or_insert(mark);
        self.last = Some(mark);
    }
}

/// From when on the lock may confirm what was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmation {
    pub since: Since,
    /// When the decisive hold began, if there is one.
    pub pressed: Option<Mark>,
    /// From when on a reset that did not happen must not be confirmed.
    pub unconfirmed_since: Since,
    /// For how much longer than a real one that is watched for.
    pub unconfirmed_longer: Duration,
}

impl Confirmation {
    const NONE: Self = Self {
        since: Since::Here,
        pressed: None,
        unconfirmed_since: Since::Here,
        unconfirmed_longer: Duration::ZERO,
    };
}

/// A program as far as it is written.
pub(super) struct Draft {
    program: Program,
    steps: Vec<Step>,
    written: usize,
    /// What the lock should hold now.
    pub belief: Belief,
    /// The supply that it has now.
    pub volts: Voltage,
    /// Keys that are held now.
    pub held_keys: Vec<Keystroke>,
    pub touches: Touches,
    /// What was touched by the step before, and what an observation right after it counts from.
    pub just_touched: Option<Since>,
    pub confirmation: Confirmation,
    /// So many keys of the act's procedure were typed.
    pub typed: u32,
    /// The act was refused: what it asks after that is not judged.
    pub was_refused: bool,
    /// Wrong codes were entered until the penalty began: the touch of the last key.
    pub locked_out: Option<Mark>,
    /// The lock itself may have left the bolt open.
    pub may_be_open: bool,
    /// The steps that are in no part yet try a code.
    pub tries_code: bool,
}

impl Draft {
    pub(super) fn new(cx: &Context<'_>, time_limit: Duration) -> Self {
        let nominal = cx.lock().power.nominal;
        let rest = vec![(Channel::Power, Value::Voltage(nominal))];
        Self::of(Program { time_limit, rest, ..Program::default() }, Belief::default(), nominal)
    }

    fn of(program: Program, belief: Belief, volts: Voltage) -> Self {
        Self {
            program,
            steps: Vec::new(),
            written: 0,
            belief,
            volts,
            held_keys: Vec::new(),
            touches: Touches::default(),
            just_touched: None,
            confirmation: Confirmation::NONE,
            typed: 0,
            was_refused: false,
            locked_out: None,
            may_be_open: false,
            tries_code: false,
        }
    }

    pub(super) fn finish(self) -> Program {
        self.program
    }

    pub(super) fn mark(&mut self) -> Mark {
        self.program.marks += 1;
        Mark(self.program.marks - 1)
    }

    pub(super) fn probe(&mut self) -> Probe {
        self.program.probes += 1;
        Probe(self.program.probes - 1)
    }

    pub(super) fn push(&mut self, label: impl Into<String>, origin: Origin, action: Action) {
        self.written += 1;
        self.steps.push(Step::new(label, origin, action));
    }

    /// How many steps there are that are in no part yet.
    pub(super) fn length(&self) -> usize {
        self.steps.len()
    }

    /// How long those of them can take that were written since there were so many, if the lock refuses what is tried.
    pub(super) fn straight_from(&self, length: usize) -> Duration {
        straight(self.steps.get(length..).unwrap_or_default())
    }

    /// The step that was written last carries out an alteration.
    pub(super) fn alters(&mut self, kind: Kind) {
        if let Some(step) = self.steps.last_mut() {
            step.alters.push(kind);
        }
    }

    /// A program that goes on without end is refused before it is held.
    pub(super) fn check_length(&self) -> Result<(), Excluded> {
        if self.written > MAX_STEPS {
            return Err(Excluded::plan(format!("the case has more than {MAX_STEPS} steps")));
        }
        Ok(())
    }

    /// Sets a channel, remembering when.
    pub(super) fn set(&mut self, origin: Origin, channel: Channel, value: Value) -> Mark {
        let mark = self.mark();
        self.push("", origin, Action::Set { channel, value, mark: Some(mark) });
        self.touches.note(mark);
        mark
    }

    pub(super) fn note_mark(&mut self, mark: Mark) {
        self.touches.note(mark);
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.wait_since(Origin::Tidying, Since::Here, duration);
    }

    pub(super) fn wait_since(&mut self, origin: Origin, since: Since, duration: Duration) {
        self.push("", origin, Action::Wait { since, duration });
    }

    pub(super) fn supply(&mut self, volts: Voltage) {
        self.volts = volts;
        self.set(Origin::Tidying, Channel::Power, Value::Voltage(volts));
    }

    /// Writes steps during which the bolt may open; `taken` says whether the lock took what was entered, and without it
    /// it did.
    pub(super) fn may_open<T>(
        &mut self,
        origin: Origin,
        taken: Option<Probe>,
        write: impl FnOnce(&mut Self) -> Result<T, Excluded>,
    ) -> Result<T, Excluded> {
        let (value, body) = self.nested(write)?;
        self.push("the bolt may open", origin, Action::MayOpen { body, taken });
        Ok(value)
    }

    /// The case needs a contact that bounces on purpose.
    pub(super) fn needs_bounces(&mut self) {
        self.program.bounces = true;
    }

    /// The steps that `write` adds.
    pub(super) fn nested<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, Excluded>,
    ) -> Result<(T, Vec<Step>), Excluded> {
        let outer = std::mem::take(&mut self.steps);
        let result = write(self);
        let inner = std::mem::replace(&mut self.steps, outer);
        Ok((result?, inner))
    }

    /// Closes the steps made so far into a part; without steps there is none.
    pub(super) fn part(&mut self, name: impl Into<String>, stage: Stage) {
        let steps = std::mem::take(&mut self.steps);
        let tries_code = std::mem::take(&mut self.tries_code) && stage == Stage::Expect;
        if !steps.is_empty() {
            self.program.parts.push(Part { name: name.into(), stage, tries_code, steps });
        }
    }

    /// Tries to write something: what was written and believed counts only if all of it could be.
    pub(super) fn branch<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, Excluded>,
    ) -> Result<T, Excluded> {
        let empty = Program {
            marks: self.program.marks,
            probes: self.program.probes,
            rest: self.program.rest.clone(),
            ..Program::default()
        };
        let mut branch = Self::of(empty, self.belief.clone(), self.volts);
        branch.held_keys.clone_from(&self.held_keys);
        branch.written = self.written;
        branch.touches = self.touches;
        branch.confirmation = self.confirmation;
        branch.may_be_open = self.may_be_open;
        let value = write(&mut branch)?;
        let Program { parts, omitted, deviations, marks, probes, secrets, bounces, time_limit: _, rest: _ } =
            branch.program;
        self.program.parts.extend(parts);
        omitted.into_iter().for_each(|(claim, reason)| self.omit(claim, reason));
        deviations.into_iter().for_each(|what| self.deviation(what));
        (self.program.marks, self.program.probes) = (marks, probes);
        self.program.secrets.extend(secrets);
        self.program.bounces |= bounces;
        self.steps.extend(branch.steps);
        self.written = branch.written;
        self.belief = branch.belief;
        (self.volts, self.held_keys) = (branch.volts, branch.held_keys);
        (self.touches, self.confirmation) = (branch.touches, branch.confirmation);
        self.may_be_open = branch.may_be_open;
        self.tries_code |= branch.tries_code;
        Ok(value)
    }

    /// A claim of its own. One for which the model states no means is left out with that reason; one that this
    /// case can't prove is inconclusive.
    pub(super) fn claim(&mut self, name: &str, write: impl FnOnce(&mut Self) -> Result<(), Excluded>) {
        match self.branch(write) {
            Ok(()) => self.part(name, Stage::Expect),
            Err(Excluded::Model(reason)) => self.omit(name, reason),
            Err(Excluded::Plan(reason)) => {
                self.push("not provable", Origin::Claim, Action::Unprovable { reason });
                self.part(name, Stage::Expect);
            }
        }
    }

    /// Records that a claim is left out and why.
    pub(super) fn omit(&mut self, claim: impl Into<String>, reason: impl Into<String>) {
        let entry = (claim.into(), reason.into());
        if !self.program.omitted.contains(&entry) {
            self.program.omitted.push(entry);
        }
    }

    pub(super) fn deviation(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.program.deviations.contains(&what) {
            self.program.deviations.push(what);
        }
    }

    /// A secret code of the model's length.
    pub(super) fn secret(&mut self, cx: &Context<'_>, handle: &str) -> Result<Credential, Excluded> {
        let digits = &cx.lock().code_digits;
        let digits = *digits.known().ok_or_else(|| digits.absence("a code length"))?;
        let code = Credential::secret(handle, digits);
        self.bind(&code);
        Ok(code)
    }

    /// The code that somebody asked for who may not, if anybody did.
    pub(super) fn stranger(&self) -> Option<Credential> {
        let known = self.program.secrets.iter().find(|(handle, _)| &**handle == STRANGER);
        known.map(|(handle, digits)| Credential::secret(Arc::clone(handle), *digits))
    }

    /// A code that the lock never knew.
    pub(super) fn wrong_code(&mut self, cx: &Context<'_>) -> Result<Credential, Excluded> {
        let handle = self.belief.next_wrong_code();
        self.secret(cx, &handle)
    }

    /// The player has to draw a secret.
    pub(super) fn bind(&mut self, credential: &Credential) {
        if let Credential::Secret { handle, digits } | Credential::Altered { handle, digits, .. } = credential
        {
            self.program.secrets.insert((handle.clone(), *digits));
        }
    }

    /// How many parts are claimed after the act so far.
    pub(super) fn judged_parts(&self) -> usize {
        self.program.parts.iter().filter(|part| part.stage == Stage::Expect).count()
    }

    /// Why the last claim was left out.
    pub(super) fn last_omission(&self) -> Option<&str> {
        self.program.omitted.last().map(|(_, reason)| reason.as_str())
    }
}
