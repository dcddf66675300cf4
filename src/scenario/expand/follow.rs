//! What a lock should hold follows what a scenario does to it, and can be verified at any point.

use std::sync::Arc;

use crate::belief::Bond;
use crate::lock::{Credential, Fact, Method};
use crate::scenario::alter::{But, CutFrom, Kind, Plan, Subject};
use crate::scenario::ast;
use crate::scenario::point::Grid;
use crate::scenario::program::{Action, Expected, Origin, all};
use crate::unit::Duration;

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::matrix::check_levels;
use super::procedure::Bindings;

/// A reset that was altered is over, and the lock takes codes again, within this time.
const OVER: Duration = Duration::seconds(60);

impl<'a> Context<'a> {
    /// A step that the scenario's author wrote.
    pub(super) fn scenario_step(
        &self,
        draft: &mut Draft,
        step: &'a ast::Step,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let own = std::slice::from_ref(step);
        if let Some(reason) = self.lacks_any_of(own) {
            return Err(reason.into());
        }
        self.slots_are_known(own)?;
        draft.belief.added.extend(adds(own));
        for slot in named_slots(own) {
            draft.belief.slots.entry(slot).or_default();
        }
        self.step(draft, step, &Bindings::new(origin))?;
        removed_slots(own).for_each(|slot| draft.belief.remove(slot));
        for (slot, name) in stored(own) {
            let code = self.named_code(draft, &name)?;
            draft.belief.remove(slot);
            draft.belief.store(slot, code);
        }
        self.bound_by(own).for_each(|bond| draft.belief.bind(bond));
        for name in new_masters(own) {
            let asks = Bond::ALL.into_iter().any(|bond| self.asks("set_master", bond));
            if draft.belief.master.is_some() && !asks && !self.takes("set_master", "master") {
                return Err("the source describes no way to replace a master code".into());
            }
            let code = self.named_code(draft, name)?;
            draft.belief.set_master(code);
        }
        unbound_by(own).for_each(|bond| draft.belief.unbind(bond));
        Ok(())
    }

    /// A lock that chooses the slot of a code itself does not tell which it took.
    fn slots_are_known(&self, steps: &[ast::Step]) -> Result<(), Excluded> {
        let names_slot = |step: &&ast::Step| match &step.action {
            ast::Action::Ask { op, arguments, .. } => {
                &**op == "remove_code" && arguments.iter().any(|(name, _)| &**name == "slot")
            }
            ast::Action::Do { operation, with } => &**operation == "add_code" && with.contains_key("slot"),
            _ => false,
        };
        let names_one = ast::all(steps).iter().any(names_slot);
        if names_one && self.has("add_code") && !self.takes("add_code", "slot") {
            return Err("the lock picks a code's slot itself, and the source does not say which one".into());
        }
        Ok(())
    }

    /// Bindings that steps make, by the model's own operations or by asking for them.
    fn bound_by(&self, steps: &[ast::Step]) -> impl Iterator<Item = Bond> {
        ast::all(steps).into_iter().filter_map(|step| match &step.action {
            ast::Action::Do { operation, .. } => {
                Bond::ALL.into_iter().find(|bond| bond.operation() == &**operation)
            }
            ast::Action::Ask { channel, op, expect: ast::Reply::Done, .. } if &**op == "pair" => {
                Bond::of(channel)
            }
            _ => None,
        })
    }

    /// A reset that is altered by itself, whatever else the act does.
    pub(super) fn reset_but(&self, draft: &mut Draft, but: &'a But) -> Result<(), Excluded> {
        let axes = but.iter().filter_map(|one| one.axis(self.subject.model, self.subject.facts));
        // Of a sweep, the first point: a step is played once.
        let point = Grid { axes: axes.collect(), rows: None }.point(0).unwrap_or_default();
        let plan = but.plan(&point);
        but.iter().try_for_each(|alteration| alteration.applies(&self.subject, &plan))?;
        if plan.cut.is_some_and(|cut| cut.from == CutFrom::Completion) {
            return Err(Excluded::plan("a reset that is cut once it is complete may have happened or not"));
        }
        let altered = Context { subject: self.subject, scenario: self.scenario, plan };
        if self.subject.facts.starts_unlocked {
            return Err("according to the manual, the reset starts with the bolt open".into());
        }
        let ((), steps) = draft.nested(|draft| altered.reset(draft, Origin::Author))?;
        let carries_out = |kind: &Kind| all(&steps).iter().any(|step| step.alters.contains(kind));
        if let Some(kind) = but.kinds().into_iter().find(|kind| !carries_out(kind)) {
            return Err(Excluded::plan(format!("the reset could not be made with `{kind}` applied")));
        }
        draft.push("altered reset", Origin::Altered, Action::Sequence(steps));
        // Whatever came of it is over before anything else is tried.
        draft.wait(altered.settled().max(OVER));
        let nominal = self.lock().power.nominal;
        if draft.volts != nominal {
            draft.supply(nominal);
            draft.wait(altered.settled());
        }
        Ok(())
    }

    /// A whole reset by another method of the same lock.
    pub(super) fn reset_by(&self, draft: &mut Draft, method: Method, origin: Origin) -> Result<(), Excluded> {
        let (own, model) = (self.subject.facts, self.subject.model);
        let fact = model.methods.get(&method).unwrap_or(&Fact::Unknown);
        let facts = fact.known().ok_or_else(|| fact.absence(&format!("a reset by {method}")))?;
        if facts.starts_unlocked {
            return Err("according to the manual, the reset starts with the bolt open".into());
        }
        // What follows is believed of the case's own method.
        if facts.keeps != own.keeps || facts.afterwards != own.afterwards {
            let own = self.subject.method;
            return Err(format!("a reset by {method} does not leave what one by {own} leaves").into());
        }
        let levels = self.subject.levels;
        check_levels(None, facts, levels)?;
        let subject = Subject { model, method, facts, levels };
        let other = Context { subject, scenario: self.scenario, plan: Plan::default() };
        // What is claimed of a confirmation is claimed of the case's own method.
        let confirmation = draft.confirmation;
        other.reset(draft, origin)?;
        draft.confirmation = confirmation;
        Ok(())
    }

    /// What should be there works, what should not is refused.
    pub(super) fn verify_state(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for bond in Bond::ALL.into_iter().filter(|bond| self.has(bond.operation())) {
            if self.is_bound(draft, bond) {
                self.expect_holding(draft, bond, Origin::Claim);
            } else {
                let label = format!("{} is unpaired", bond.channel());
                self.ask_status(draft, label, bond, Expected::Erased { codes: false }, Origin::Claim);
            }
        }
        // Before a lock is set up again, nothing of its owner before opens; the control follows once it is.
        if self.has("enter") && draft.belief.is_reset && !self.lock().opens_for_any_code {
            let gone = draft.belief.secret_codes();
            for group in gone.chunks(self.at_once(gone.len())) {
                group.iter().try_for_each(|code| self.expect_no_entry(draft, code))?;
                draft.wait(self.penalty());
            }
        }
        if self.has("enter") && !draft.belief.is_reset {
            for code in draft.belief.codes.clone() {
                self.expect_accepted(draft, &code, Origin::Claim)?;
            }
            let former: Vec<Credential> = draft.belief.former.clone();
            if !former.is_empty() && !draft.belief.codes.is_empty() {
                self.expect_refused(draft, &former)?;
            }
        }
        Ok(())
    }
}

/// Codes, cards and fingers of the scenario's own that steps have the lock learn.
fn adds(steps: &[ast::Step]) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    for step in ast::all(steps) {
        if let ast::Action::Ask { op, arguments, .. } = &step.action
            && &**op == "add_code"
        {
            let named = arguments.iter().filter(|(field, _)| matches!(&**field, "code" | "credential"));
            names.extend(named.filter_map(|(_, term)| match term {
                ast::Term::Word(word) => Some(Arc::clone(word)),
                ast::Term::Parameter(_) => None,
            }));
        }
        if let ast::Action::Do { operation, with } = &step.action
            && (operation.starts_with("add_") || &**operation == "set_master")
        {
            let named = with.iter().filter(|(name, _)| matches!(&***name, "code" | "card" | "finger"));
            names.extend(named.map(|(_, word)| Arc::clone(word)));
        }
    }
    names
}

/// Slots that steps name.
fn named_slots(steps: &[ast::Step]) -> impl Iterator<Item = u8> {
    ast::all(steps).into_iter().filter_map(|step| match &step.action {
        ast::Action::Ask { arguments, .. } => {
            arguments.iter().find_map(|(field, term)| match (&**field, term) {
                ("slot", ast::Term::Word(word)) => word.parse().ok(),
                _ => None,
            })
        }
        ast::Action::Do { with, .. } => with.get("slot")?.parse().ok(),
        _ => None,
    })
}

/// Master codes that steps have the lock take.
fn new_masters(steps: &[ast::Step]) -> impl Iterator<Item = &Arc<str>> {
    ast::all(steps).into_iter().filter_map(|step| match &step.action {
        ast::Action::Do { operation, with } if &**operation == "set_master" => with.get("code"),
        _ => None,
    })
}

/// Slots that steps have the lock empty.
fn removed_slots(steps: &[ast::Step]) -> impl Iterator<Item = u8> {
    ast::all(steps).into_iter().filter_map(|step| match &step.action {
        ast::Action::Ask { op, arguments, expect: ast::Reply::Done, .. } if &**op == "remove_code" => {
            arguments.iter().find_map(|(field, term)| match (&**field, term) {
                ("slot", ast::Term::Word(word)) => word.parse().ok(),
                _ => None,
            })
        }
        _ => None,
    })
}

/// Bindings that steps give up.
fn unbound_by(steps: &[ast::Step]) -> impl Iterator<Item = Bond> {
    ast::all(steps).into_iter().filter_map(|step| match &step.action {
        ast::Action::Ask { channel, op, expect: ast::Reply::Done, .. }
            if matches!(&**op, "unpair" | "leave") =>
        {
            Bond::of(channel)
        }
        _ => None,
    })
}

/// Codes of the scenario's own that steps store for good, with their slots.
fn stored(steps: &[ast::Step]) -> Vec<(u8, Arc<str>)> {
    let word = |arguments: &[(Arc<str>, ast::Term)], wanted: &str| {
        arguments.iter().find_map(|(field, term)| match term {
            ast::Term::Word(word) if **field == *wanted => Some(Arc::clone(word)),
            ast::Term::Word(_) | ast::Term::Parameter(_) => None,
        })
    };
    let of = |step: &ast::Step| match &step.action {
        ast::Action::Ask { op, arguments, expect: ast::Reply::Done, .. } if &**op == "add_code" => {
            let is_timed = ["until", "schedule"].iter().any(|field| word(arguments, field).is_some());
            let found = word(arguments, "slot").zip(word(arguments, "code"));
            found.filter(|_| !is_timed)
        }
        ast::Action::Do { operation, with } if &**operation == "add_code" => {
            with.get("slot").cloned().zip(with.get("code").cloned())
        }
        _ => None,
    };
    let found = ast::all(steps).into_iter().filter_map(of);
    found
        .filter(|(_, code)| code.starts_with("extra."))
        .filter_map(|(slot, code)| Some((slot.parse().ok()?, code)))
        .collect()
}
