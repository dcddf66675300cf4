//! Whether a master code is dead: the lock answers it, or something happens that only a master code permits.
//!
//! A refusal proves something only if the same is done with a master code that is valid, and works.

use crate::belief::Bond;
use crate::lock::{Asset, Credential, Method};
use crate::scenario::ast::MethodFacts;
use crate::scenario::program::{Action, Expected, Origin, Rule};

use super::attempt::ghost;
use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

/// What shows that a master code is taken.
enum Means<'a> {
    /// The lock answers it.
    Answer,
    /// A reset that is typed with it erases what is there.
    Reset(&'a MethodFacts),
    /// A code that is added with it opens.
    Added,
}

impl<'a> Context<'a> {
    /// The best means that the model's source states.
    fn means(&self) -> Result<Means<'a>, Excluded> {
        if self.has("try_master") {
            return Ok(Means::Answer);
        }
        // The least that a master code does, and nothing is erased by it.
        if self.takes("add_code", "master") && self.has("enter") {
            return Ok(Means::Added);
        }
        let model = self.subject.model;
        let typed = model.methods.get(&Method::Keypad).and_then(|fact| fact.known());
        let is_seen = |facts: &&MethodFacts| {
            let erases_codes = facts.erases.contains(&Asset::UserCodes);
            (erases_codes && self.has("enter") && self.has("add_code"))
                || (facts.erases.contains(&Asset::HubPairing) && self.has("pair_hub"))
        };
        match typed.filter(|facts| facts.takes("master")).filter(is_seen) {
            Some(facts) => Ok(Means::Reset(facts)),
            None => Err("the source describes no way to try a master code".into()),
        }
    }

    /// After a reset the old master code does nothing, and a valid one works.
    pub(super) fn master_erased(&self, draft: &mut Draft, old: &Credential) -> Result<(), Excluded> {
        if self.keeps(Asset::MasterCode) {
            draft.deviation(self.kept(Asset::MasterCode, "master code"));
            return self.master_unchanged(draft, old);
        }
        let means = self.means()?;
        draft.tries_code = true;
        match means {
            Means::Answer => {
                let probe = self.try_master(draft, old, Origin::Claim)?;
                let reason = format!("master code {} was accepted", old.name());
                self.judge(draft, probe, Rule::No, reason, Origin::Claim);
                // The published default is the control that shows the lock listens to masters at all.
                match self.published_master() {
                    Some(published) => {
                        let probe = self.try_master(draft, &published, Origin::Control)?;
                        let reason = format!("master code {} was not accepted", published.name());
                        self.judge(draft, probe, Rule::Yes, reason, Origin::Control);
                        Ok(())
                    }
                    None => Err(Excluded::plan("no valid master code is known to use as a control")),
                }
            }
            Means::Added => self.adds_nothing(draft, old),
            Means::Reset(facts) => self.resets_nothing(draft, facts, old),
        }
    }

    /// A master code that another one replaced before the reset is as dead as that one.
    pub(super) fn replaced_master_erased(&self, draft: &mut Draft, old: &Credential) -> Result<(), Excluded> {
        match self.means()? {
            // A reset that is typed with one would have to be done once more.
            Means::Reset(_) => {
                Err("the source describes no way to try a second master code without a reset".into())
            }
            Means::Answer | Means::Added => self.master_erased(draft, old),
        }
    }

    /// The owner's master code is still taken.
    pub(super) fn master_unchanged(&self, draft: &mut Draft, master: &Credential) -> Result<(), Excluded> {
        match self.means()? {
            Means::Answer => {
                let probe = self.try_master(draft, master, Origin::Claim)?;
                self.judge(draft, probe, Rule::Yes, "the master code was not accepted".into(), Origin::Claim);
                Ok(())
            }
            Means::Added => {
                let slot = self.slot_for_a_code(draft)?;
                let code = draft.secret(self, &ghost(slot))?;
                self.add_code(draft, &code, slot, Some(master.clone()), Origin::Tidying)?;
                self.expect_accepted(draft, &code, Origin::Claim)
            }
            Means::Reset(_) => {
                Err("the source describes no way to check a master code without a reset".into())
            }
        }
    }

    /// A master code from before does nothing, on a lock that has another one.
    pub(super) fn master_refused(&self, draft: &mut Draft, old: &Credential) -> Result<(), Excluded> {
        match self.means()? {
            Means::Answer => {
                let probe = self.try_master(draft, old, Origin::Claim)?;
                let reason = format!("master code {} was accepted", old.name());
                self.judge(draft, probe, Rule::No, reason, Origin::Claim);
                draft.wait(self.deaf());
                Ok(())
            }
            Means::Added => self.adds_no_code(draft, old),
            Means::Reset(_) => {
                Err("the source describes no way to check a master code without a reset".into())
            }
        }
    }

    /// A code that is added with the old master code opens nothing; one that is added with a valid one does.
    fn adds_nothing(&self, draft: &mut Draft, old: &Credential) -> Result<(), Excluded> {
        self.adds_no_code(draft, old)?;
        let valid = self.valid_master(draft)?;
        let slot = self.slot_for_a_code(draft)?;
        let by_valid = draft.secret(self, &ghost(slot))?;
        self.add_code(draft, &by_valid, slot, Some(valid), Origin::Control)?;
        let label = format!("control: try {}", by_valid.name());
        let (probe, steps) =
            draft.nested(|draft| self.attempt(draft, &by_valid, "enter", Origin::Control))?;
        draft.push(label, Origin::Control, Action::Sequence(steps));
        let reason =
            "a valid master code adds no code either, so it proves nothing that the old one adds none";
        self.judge(draft, probe, Rule::Yes, reason.into(), Origin::Control);
        Ok(())
    }

    /// Where the codes are gone, the master code is gone as well: a lock that still adds codes with it is half erased.
    pub(super) fn master_gone_too(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let master = draft.belief.master.clone().filter(|_| !self.keeps(Asset::MasterCode));
        let (Some(master), Ok(Means::Added)) = (master, self.means()) else { return Ok(()) };
        match self.adds_no_code(draft, &master) {
            // Without a slot to show it in, nothing is claimed of it.
            Ok(()) | Err(Excluded::Model(_)) => Ok(()),
            Err(Excluded::Plan(reason)) => Err(Excluded::Plan(reason)),
        }
    }

    /// A slot for a code that shows whether a master code is taken.
    fn slot_for_a_code(&self, draft: &mut Draft) -> Result<u8, Excluded> {
        let none = "every slot of the lock is in use, so no code can be added to show it";
        self.take_slot(draft).ok_or_else(|| none.into())
    }

    fn adds_no_code(&self, draft: &mut Draft, old: &Credential) -> Result<(), Excluded> {
        let slot = self.slot_for_a_code(draft)?;
        let by_old = draft.secret(self, &ghost(slot))?;
        self.add_code(draft, &by_old, slot, Some(old.clone()), Origin::Tidying)?;
        // What was typed in vain counts as wrong codes, and a lock in its penalty refuses anything.
        draft.wait(self.penalty().max(self.forgets()));
        let (probe, steps) = draft.nested(|draft| self.attempt(draft, &by_old, "enter", Origin::Claim))?;
        draft.push(format!("try the code added with {}", old.name()), Origin::Claim, Action::Sequence(steps));
        let reason = format!("the old master code {} still adds codes", old.name());
        self.judge(draft, probe, Rule::No, reason, Origin::Claim);
        draft.wait(self.deaf());
        Ok(())
    }

    /// A master code that is valid after the reset: the published one, or a new one.
    fn valid_master(&self, draft: &mut Draft) -> Result<Credential, Excluded> {
        if let Some(published) = self.published_master() {
            return Ok(published);
        }
        let has_none = |excluded: Excluded| Excluded::Plan(excluded.reason());
        self.operation("set_master").map_err(has_none)?;
        self.bind_again(draft, Origin::Control)?;
        let code = draft.secret(self, "valid-master")?;
        // The first owner's is gone: nothing but a published one could permit it, and there is none.
        let bindings = Bindings::new(Origin::Control).code(&code);
        self.perform(draft, "set_master", &bindings)?;
        Ok(code)
    }

    /// A reset that is typed with the old master code erases nothing; with a valid one it does.
    fn resets_nothing(
        &self,
        draft: &mut Draft,
        facts: &'a MethodFacts,
        old: &Credential,
    ) -> Result<(), Excluded> {
        let by_code = facts.erases.contains(&Asset::UserCodes) && self.has("enter") && self.has("add_code");
        let fresh = if by_code {
            let code = self.known_good(draft)?;
            self.expect_accepted(draft, &code, Origin::Control)?;
            Some(code)
        } else {
            self.bind_again(draft, Origin::Control)?;
            self.expect_bound(draft, Bond::Hub, Origin::Control);
            None
        };
        self.reset_with(draft, facts, old, Origin::Tidying)?;
        let reason = format!("the old master code {} still resets the lock", old.name());
        match &fresh {
            Some(code) => {
                let (probe, steps) =
                    draft.nested(|draft| self.attempt(draft, code, "enter", Origin::Claim))?;
                draft.push(format!("try {}", code.name()), Origin::Claim, Action::Sequence(steps));
                self.judge(draft, probe, Rule::Yes, reason, Origin::Claim);
            }
            None => self.expect_bound(draft, Bond::Hub, Origin::Claim),
        }
        let valid = self.valid_master(draft)?;
        self.reset_with(draft, facts, &valid, Origin::Control)?;
        match &fresh {
            Some(code) => {
                let (probe, steps) =
                    draft.nested(|draft| self.attempt(draft, code, "enter", Origin::Control))?;
                draft.push(format!("control: try {}", code.name()), Origin::Control, Action::Sequence(steps));
                let reason = "a valid master code resets nothing either, so it proves nothing that the old one does not";
                self.judge(draft, probe, Rule::No, reason.into(), Origin::Control);
                draft.wait(self.deaf());
            }
            None => {
                let label = "control: hub is unpaired".to_owned();
                self.ask_status(draft, label, Bond::Hub, Expected::Paired(false), Origin::Control);
            }
        }
        // The lock is as it was delivered once more.
        draft.belief.reset_again();
        for operation in &facts.afterwards {
            self.perform(draft, operation, &Bindings::new(Origin::Control))?;
        }
        Ok(())
    }

    fn reset_with(
        &self,
        draft: &mut Draft,
        facts: &'a MethodFacts,
        master: &Credential,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let bindings = Bindings::of_reset(origin, self, &draft.belief).master(Some(master.clone()));
        let ((), steps) = draft.nested(|draft| self.procedure(draft, &facts.procedure, &bindings))?;
        draft.push(format!("reset with master code {}", master.name()), origin, Action::Sequence(steps));
        draft.wait(self.settled().saturating_add(self.penalty().max(self.forgets())));
        Ok(())
    }

    /// A master code that was replaced is refused, and the new one is taken.
    pub(super) fn master_replaced(
        &self,
        draft: &mut Draft,
        old: &Credential,
        new: &Credential,
    ) -> Result<(), Excluded> {
        match self.means()? {
            Means::Answer => {
                for (code, rule, word) in [(old, Rule::No, "accepted"), (new, Rule::Yes, "not accepted")] {
                    let probe = self.try_master(draft, code, Origin::Claim)?;
                    let reason = format!("master code {} was {word}", code.name());
                    self.judge(draft, probe, rule, reason, Origin::Claim);
                }
                Ok(())
            }
            Means::Added | Means::Reset(_) => {
                Err("the source describes no way to try a master code without changing anything".into())
            }
        }
    }
}
