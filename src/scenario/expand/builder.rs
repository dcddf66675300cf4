//! Collects the parts of one case, and remembers what the lock should know at each point.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Credential, Fact, Facts, Levels, Method, Power};
use crate::scenario::ast::{self, MethodFacts, Model, Operation, Scenario};
use crate::scenario::program::{Action, Mark, Part, Probe, Program, Since, Stage, Step, Weight};
use crate::trace::{Channel, Keystroke, Value};
use crate::unit::{Duration, Ratio, Voltage};

use super::baseline::Start;

/// Longest that a case may take if its scenario does not say.
const TIME_LIMIT: Duration = Duration::seconds(4 * 3600);

/// Why a claim can't be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Excluded {
    /// The model states that it does not concern it, or does not state what it needs.
    Model(String),
    /// The scenario asks for what it did not arrange: nothing can be concluded.
    Plan(String),
}

impl From<String> for Excluded {
    fn from(reason: String) -> Self {
        Self::Model(reason)
    }
}

impl From<&str> for Excluded {
    fn from(reason: &str) -> Self {
        Self::Model(reason.to_owned())
    }
}

impl Excluded {
    pub(super) fn plan(reason: impl Into<String>) -> Self {
        Self::Plan(reason.into())
    }

    pub(super) fn reason(self) -> String {
        match self {
            Self::Model(reason) | Self::Plan(reason) => reason,
        }
    }
}

/// What a program is made from, and what is known of the lock's memory.
pub(super) struct Builder<'a> {
    pub model: &'a Model,
    pub scenario: &'a Scenario,
    pub method: Method,
    pub facts: &'a MethodFacts,
    pub levels: Levels,
    pub cut: Option<Ratio>,
    program: Program,
    pub steps: Vec<Step>,
    /// The position of the key that is another one.
    pub wrong_key: Option<u32>,
    /// What an unmet condition means now.
    pub weight: Weight,
    pub stage: Stage,
    /// Owner's data on the lock before the act.
    pub codes: Vec<Credential>,
    pub app: bool,
    pub hub: bool,
    pub master: Option<Credential>,
    /// Bindings and codes made after the act.
    pub app_again: bool,
    pub hub_again: bool,
    pub known_good: Option<Credential>,
    /// From when on the lock may confirm.
    pub confirms_since: Since,
    /// From when on a reset that did not happen must not be confirmed, and for how much longer than a real one
    /// is watched for.
    pub unconfirmed_since: Since,
    pub unconfirmed_longer: Duration,
    pub held_keys: Vec<Keystroke>,
    pub voltage: Voltage,
    pub wrong_codes: u32,
    pub first_mark: Option<Mark>,
    pub last_mark: Option<Mark>,
    /// The edge before the last key was touched.
    pub before_last_key: Option<Mark>,
    /// The procedure itself may have left the bolt open.
    pub may_be_open: bool,
    /// Bindings that the act itself took away.
    pub unbound: BTreeSet<Channel>,
    /// The act has reset the lock already.
    pub was_reset: bool,
    /// The maker's proof was used.
    pub proof_spent: bool,
    /// In a branch that is played only if an altered reset happened all the same.
    pub reset_happened: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        model: &'a Model,
        scenario: &'a Scenario,
        method: Method,
        facts: &'a MethodFacts,
        levels: Levels,
        cut: Option<Ratio>,
    ) -> Self {
        let nominal = model.facts.power.nominal;
        let program = Program {
            time_limit: scenario.time_limit.unwrap_or(TIME_LIMIT),
            rest: vec![(Channel::Power, Value::Voltage(nominal))],
            ..Program::default()
        };
        Self {
            model,
            scenario,
            method,
            facts,
            levels,
            cut,
            wrong_key: None,
            program,
            steps: Vec::new(),
            weight: Weight::Inconclusive,
            stage: Stage::Arrange,
            codes: Vec::new(),
            app: false,
            hub: false,
            master: None,
            app_again: false,
            hub_again: false,
            known_good: None,
            confirms_since: Since::Here,
            unconfirmed_since: Since::Here,
            unconfirmed_longer: Duration::ZERO,
            held_keys: Vec::new(),
            voltage: nominal,
            wrong_codes: 0,
            first_mark: None,
            last_mark: None,
            before_last_key: None,
            may_be_open: false,
            unbound: BTreeSet::new(),
            was_reset: false,
            proof_spent: false,
            reset_happened: false,
        }
    }

    /// Builds all stages.
    ///
    /// # Errors
    /// Why the model excludes the case.
    pub(super) fn build(&mut self, start: Start) -> Result<(), Excluded> {
        self.bench()?;
        if start == Start::AsFound {
            self.bring_to_baseline("brought to its baseline")?;
        }
        self.arrange()?;
        self.act()?;
        self.expect()?;
        if start == Start::AsFound {
            self.bring_to_baseline("left at its baseline")?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Program {
        self.program
    }

    pub(super) fn lock(&self) -> &'a Facts {
        &self.model.facts
    }

    pub(super) fn mark(&mut self) -> Mark {
        self.program.marks += 1;
        Mark(self.program.marks - 1)
    }

    pub(super) fn probe(&mut self) -> Probe {
        self.program.probes += 1;
        Probe(self.program.probes - 1)
    }

    pub(super) fn push(&mut self, label: impl Into<String>, action: Action) {
        self.steps.push(Step { label: label.into(), action });
    }

    /// Sets a channel, remembering when.
    pub(super) fn set(&mut self, label: impl Into<String>, channel: Channel, value: Value) -> Mark {
        let mark = self.mark();
        self.push(label, Action::Set { channel, value, mark: Some(mark) });
        self.note_mark(mark);
        mark
    }

    /// The case needs a contact that bounces on purpose.
    pub(super) fn bounces(&mut self) {
        self.program.bounces = true;
    }

    pub(super) fn note_mark(&mut self, mark: Mark) {
        self.first_mark.get_or_insert(mark);
        self.last_mark = Some(mark);
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.push(format!("wait {duration}"), Action::Wait { since: Since::Here, duration });
    }

    /// Runs `build` on an empty list of steps and returns what it made.
    pub(super) fn nested<T>(
        &mut self,
        build: impl FnOnce(&mut Self) -> Result<T, Excluded>,
    ) -> Result<(T, Vec<Step>), Excluded> {
        let outer = std::mem::take(&mut self.steps);
        let result = build(self);
        let inner = std::mem::replace(&mut self.steps, outer);
        Ok((result?, inner))
    }

    /// Closes the steps made so far into a part; without steps there is none.
    pub(super) fn part(&mut self, name: impl Into<String>) {
        let steps = std::mem::take(&mut self.steps);
        if !steps.is_empty() {
            self.program.parts.push(Part { name: name.into(), stage: self.stage, steps });
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
    pub(super) fn secret(&mut self, handle: &str) -> Result<Credential, Excluded> {
        let digits = &self.lock().code_digits;
        let digits = *digits.known().ok_or_else(|| digits.absence("a length for codes"))?;
        self.program.secrets.insert((handle.into(), digits));
        Ok(Credential::secret(handle, digits))
    }

    /// A code that the lock never knew.
    pub(super) fn wrong_code(&mut self) -> Result<Credential, Excluded> {
        self.wrong_codes += 1;
        self.secret(&format!("wrong.{}", self.wrong_codes))
    }

    pub(super) fn operation(&self, name: &str) -> Result<&'a Operation, Excluded> {
        let fact = self.model.operations.get(name).unwrap_or(&Fact::Unknown);
        fact.known().ok_or_else(|| fact.absence(&format!("operation `{name}`")).into())
    }

    /// Sets the supply at nominal, closes what a bench keeps closed.
    fn bench(&mut self) -> Result<(), Excluded> {
        let lock = self.lock();
        if lock.cover {
            self.set("cover on", Channel::Cover, Value::Switch(true));
        }
        if lock.door {
            self.set("door closed", Channel::Door, Value::Switch(true));
        }
        self.part("bench");
        Ok(())
    }

    /// The supply voltage of a level.
    pub(super) fn level_voltage(&self, power: Power) -> Result<Voltage, Excluded> {
        let facts = &self.lock().power;
        match power {
            Power::Ok => Ok(facts.nominal),
            Power::None => Ok(Voltage::default()),
            Power::Low => {
                let low = facts.low.known().copied();
                low.ok_or_else(|| facts.low.absence("a low-battery voltage").into())
            }
        }
    }

    fn arrange(&mut self) -> Result<(), Excluded> {
        let steps = &self.scenario.arrange;
        for step in steps {
            self.scenario_step(step)?;
        }
        self.part("arrange");
        Ok(())
    }

    /// The codes that typing goes through; remembers the parameters of the procedure.
    pub(super) fn bind_secrets(&mut self, credential: &Credential) {
        if let Credential::Secret { handle, digits } = credential {
            self.program.secrets.insert((Arc::clone(handle), *digits));
        }
    }

    /// Whether anything is claimed after the act.
    pub(super) fn claims_something(&self) -> bool {
        self.program.parts.iter().any(|part| part.stage == Stage::Expect)
    }

    /// How many parts are claimed after the act so far.
    pub(super) fn judged_parts(&self) -> usize {
        self.program.parts.iter().filter(|part| part.stage == Stage::Expect).count()
    }

    /// Why the last claim was left out.
    pub(super) fn last_omission(&self) -> Option<&str> {
        self.program.omitted.last().map(|(_, reason)| reason.as_str())
    }

    pub(super) fn factors_set(&self) -> BTreeSet<&'static str> {
        self.scenario.given.keys().copied().chain(self.scenario.but.without).collect()
    }

    /// A step of a scenario, in whatever stage.
    pub(super) fn scenario_step(&mut self, step: &'a ast::Step) -> Result<(), Excluded> {
        for (channel, op) in ast::asked(step) {
            if let Some(reason) = self.lacks(channel) {
                return Err(reason.into());
            }
            if matches!(op, "unpair" | "leave") {
                self.unbound.insert(channel.clone());
            }
        }
        if let Some(reason) = self.has_none_of(step) {
            return Err(reason.into());
        }
        match &step.action {
            ast::Action::Claim(claim) => self.claim(claim),
            ast::Action::Never { observation, body } => {
                let ((), inner) = self.nested(|b| body.iter().try_for_each(|step| b.scenario_step(step)))?;
                let label = ast::phrase(&step.action);
                self.push(label, Action::Never { observation: observation.clone(), body: inner });
                Ok(())
            }
            _ => self.procedure_step(step, &super::procedure::Bindings::owner()),
        }
    }
}
