//! The bolt while a lock is reset or codes are tried: opened, jammed, or on its way.

use crate::lock::Credential;
use crate::scenario::alter::{Bolt, Kind, takes_the_power};
use crate::scenario::ast::{self, Observation};
use crate::scenario::program::{Action, Origin, Probe, Since, Stage, Step};
use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::act::SETTLE;
use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

/// Lets the edge of an opening pass, before a bolt that opens counts against the lock.
const OPENED: Duration = Duration::milliseconds(500);
/// A bolt that is opened by hand is open within this time.
const UNLOCKED: Duration = Duration::seconds(4);
/// A lock that throws its bolt by itself has done so within this time after it is due.
const RELOCKED: Duration = Duration::seconds(10);
/// When a motor that was told to throw the bolt certainly runs.
const MOTOR_RUNS: Duration = Duration::milliseconds(300);

impl Context<'_> {
    /// Enters a good code, and sees that it opens.
    pub(super) fn expect_open(&self, draft: &mut Draft, code: &Credential) -> Result<(), Excluded> {
        self.open_with(draft, code)?;
        draft.part("unlock", Stage::Arrange);
        Ok(())
    }

    /// Opens the bolt as the manual has it before a reset: by hand, where the model says how, or with a good code.
    pub(super) fn open_before_reset(&self, draft: &mut Draft) -> Result<(), Excluded> {
        if self.has("unlock") {
            self.perform(draft, "unlock", &Bindings::new(Origin::Setup))?;
            let (observation, within) =
                (Observation::Contact { channel: Channel::Bolt, value: false }, UNLOCKED);
            let observe =
                Action::Observe { observation, since: Since::Here, within, mark: None, already: true };
            draft.push("see bolt open", Origin::Setup, observe);
            draft.wait(OPENED);
            return Ok(());
        }
        let code = draft.belief.codes.first().cloned();
        let code = code.ok_or_else(|| Excluded::plan("there is no code to open the lock with"))?;
        self.open_with(draft, &code)
    }

    /// Throws a bolt that was opened by hand before a reset, once the lock takes something again.
    pub(super) fn lock_after_reset(&self, draft: &mut Draft, origin: Origin) -> Result<(), Excluded> {
        let is_open = self.subject.facts.starts_unlocked && self.has("unlock");
        if is_open && self.gets_locked() {
            self.lock_if_open(draft, origin)?;
        }
        Ok(())
    }

    /// Whether the bolt is thrown again, by an operation or by itself.
    pub(super) fn gets_locked(&self) -> bool {
        self.has("lock") || self.lock().relocks.known().is_some()
    }

    fn open_with(&self, draft: &mut Draft, code: &Credential) -> Result<(), Excluded> {
        let bindings = Bindings::new(Origin::Setup).code(code);
        self.perform(draft, "enter", &bindings)?;
        if let Some(accepted) = &self.operation("enter")?.accepted_by {
            let since = draft.touches.last_key.map_or(Since::Here, Since::Touch);
            self.observe(draft, &accepted.action, since, Origin::Setup, false)?;
        }
        draft.wait(OPENED);
        Ok(())
    }

    /// Opens the bolt, so that it can be thrown meanwhile.
    pub(super) fn open_bolt(&self, draft: &mut Draft) -> Result<(), Excluded> {
        if self.subject.facts.starts_unlocked {
            return Err("according to the manual, the reset starts with the bolt open".into());
        }
        if ast::reset(&self.scenario.act) && takes_the_power(&self.subject.facts.procedure) {
            return Err("the method cuts the power, and the motor can't move without it".into());
        }
        let lock = self.operation("lock")?;
        if !ast::operates(&lock.procedure) {
            return Err("the lock throws its bolt by itself, at a time that nobody sets".into());
        }
        self.operation("enter")?;
        let code = draft.belief.codes.first().cloned();
        let code = code.ok_or_else(|| Excluded::from("there is no code to open the lock with"))?;
        self.expect_open(draft, &code)
    }

    /// Resets while the bolt is jammed, or while it is thrown; neither then nor until it settled may it open.
    pub(super) fn reset_with_bolt(
        &self,
        draft: &mut Draft,
        bolt: Bolt,
        steps: Vec<Step>,
    ) -> Result<(), Excluded> {
        let ((), body) = draft.nested(|draft| {
            match bolt {
                Bolt::Jammed => {
                    draft.set(Origin::Stimulus, Channel::Strike, Value::Switch(true));
                    draft.alters(Kind::Bolt);
                    draft.push("reset", self.act(), Action::Sequence(steps));
                    draft.wait(SETTLE);
                    draft.set(Origin::Stimulus, Channel::Strike, Value::Switch(false));
                }
                Bolt::Moving => self.while_it_moves(draft, "reset", steps)?,
            }
            draft.wait(SETTLE);
            Ok(())
        })?;
        never_opens(draft, body);
        Ok(())
    }

    /// Throws the bolt, and does something before it has arrived.
    fn while_it_moves(&self, draft: &mut Draft, label: &str, steps: Vec<Step>) -> Result<(), Excluded> {
        let ((), locks) = draft.nested(|draft| self.lock_if_open(draft, Origin::Setup))?;
        // The key that locks is let go first, and a bolt that has arrived by then shows nothing.
        let still = Action::NoChange { channels: vec![Channel::Bolt], duration: MOTOR_RUNS };
        let meanwhile = vec![
            Step::new("the bolt is still moving", Origin::Stimulus, still),
            Step::new(label, self.act(), Action::Sequence(steps)),
        ];
        let both = Action::Together(vec![locks, meanwhile]);
        draft.push(format!("{label} while the bolt moves"), Origin::Stimulus, both);
        draft.alters(Kind::Bolt);
        Ok(())
    }

    /// Types a wrong code while the bolt is thrown, after a good one was taken in the same way: codes that a lock
    /// does not hear then count nothing.
    pub(super) fn wrong_code_while_it_moves(
        &self,
        draft: &mut Draft,
        code: &Credential,
    ) -> Result<Probe, Excluded> {
        self.open_bolt(draft)?;
        let good = draft.belief.codes.first().cloned();
        let good = good.ok_or_else(|| Excluded::plan("no code was provisioned"))?;
        let ((), opens) = draft.nested(|draft| self.open_with(draft, &good))?;
        self.while_it_moves(draft, &format!("enter {}", good.name()), opens)?;
        draft.part("codes are accepted while the bolt moves", Stage::Arrange);
        draft.may_be_open = true;
        let tried = draft.nested(|draft| self.attempt(draft, code, "enter", Origin::Claim));
        draft.may_be_open = false;
        let (probe, tries) = tried?;
        let label = format!("try {}", code.name());
        let ((), body) = draft.nested(|draft| self.while_it_moves(draft, &label, tries))?;
        never_opens(draft, body);
        Ok(probe)
    }

    /// Throws the bolt; one that threw itself meanwhile is thrown all the same. A lock without a key for it is
    /// waited for.
    pub(super) fn lock_if_open(&self, draft: &mut Draft, origin: Origin) -> Result<(), Excluded> {
        if let (false, Some(relocks)) = (self.has("lock"), self.lock().relocks.known()) {
            let observation = Observation::Contact { channel: Channel::Bolt, value: true };
            let within = relocks.saturating_add(RELOCKED);
            let observe =
                Action::Observe { observation, since: Since::Here, within, mark: None, already: true };
            draft.push("wait until it locks itself", origin, observe);
            return Ok(());
        }
        let operation = self.operation("lock")?;
        let ((), mut steps) =
            draft.nested(|draft| self.procedure(draft, &operation.procedure, &Bindings::new(origin)))?;
        for step in &mut steps {
            if let Action::Observe { observation: Observation::Contact { .. }, already, .. } =
                &mut step.action
            {
                *already = true;
            }
        }
        draft.push("lock", origin, Action::Sequence(steps));
        Ok(())
    }
}

fn never_opens(draft: &mut Draft, body: Vec<Step>) {
    let observation = Observation::Contact { channel: Channel::Bolt, value: false };
    draft.push("never see bolt open", Origin::Claim, Action::Never { observation, body });
}
