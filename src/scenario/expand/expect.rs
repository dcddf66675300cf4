//! What must hold after the act, in the order that disturbs least: signals, bindings, defaults,
//! old codes, and only then the new set-up.

use std::collections::BTreeSet;

use crate::belief::Bond;
use crate::lock::{Asset, Credential, Named, Token};
use crate::scenario::ast::{self, Claim};
use crate::scenario::phrase::phrase;
use crate::scenario::program::{ALL_OR_NOTHING, Action, NOTHING_LEFT, Origin, Rule, Stage, Step};

use super::attempt::no_slot;
use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

impl<'a> Context<'a> {
    pub(super) fn write_expectations(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let claims: Vec<&'a Claim> = self
            .scenario
            .expect
            .iter()
            .filter_map(|step| if let ast::Action::Claim(claim) = &step.action { Some(claim) } else { None })
            .collect();
        self.signals(draft)?;
        let signals = draft.judged_parts();
        if claims.iter().any(|claim| !matches!(claim, Claim::Confirmed | Claim::Unconfirmed)) {
            self.settle(draft)?;
        }
        // A probe leaves the lock as it is, and what is tried at the lock writes to its memory.
        for claim in &claims {
            if let Claim::Memory(claim) = claim {
                self.memory_claim(draft, *claim);
            }
        }
        for claim in &claims {
            match claim {
                Claim::Erased(assets) => self.bindings_erased(draft, assets)?,
                Claim::FactoryState => self.unpaired(draft),
                Claim::Provision { .. }
                | Claim::Prove
                | Claim::ProveInMemory
                | Claim::Reset
                | Claim::ResetBut(_)
                | Claim::ResetBy(_)
                | Claim::VerifyState
                | Claim::Restart { .. }
                | Claim::Inventory
                | Claim::Attempt { .. }
                | Claim::LockOut { .. }
                | Claim::NearlyLockOut
                | Claim::Confirmed
                | Claim::Unconfirmed
                | Claim::NoOldAccess
                | Claim::Recommission
                | Claim::Unchanged
                | Claim::AllOrNothing
                | Claim::NothingLeft
                | Claim::Memory(_) => {}
            }
        }
        let of_a_reset =
            |claim: &&Claim| matches!(claim, Claim::Erased(_) | Claim::FactoryState | Claim::Recommission);
        let tries = claims.iter().any(|claim| matches!(claim, Claim::Attempt { .. } | Claim::NoOldAccess));
        if claims.iter().any(of_a_reset) || (tries && draft.belief.is_reset) {
            self.afterwards(draft)?;
        }
        if claims.iter().any(|claim| matches!(claim, Claim::FactoryState)) {
            self.default_codes(draft)?;
        }
        for claim in &claims {
            match claim {
                Claim::Erased(assets) => self.codes_erased(draft, assets)?,
                Claim::Unchanged => self.unchanged(draft)?,
                Claim::AllOrNothing => self.all_or_nothing(draft, false)?,
                Claim::NothingLeft => self.all_or_nothing(draft, true)?,
                Claim::Attempt { code, altered, accepted } => {
                    let word = if *accepted { "accepted" } else { "refused" };
                    let near = altered.map_or_else(String::new, |near| {
                        format!(" ({})", near.to_string().replace('_', " "))
                    });
                    let name = format!("{}{near} {word}", named(code));
                    draft.claim(&name, |draft| self.attempt_claim(draft, (code, *altered), *accepted));
                }
                Claim::NoOldAccess => self.no_old_access(draft),
                Claim::Provision { .. }
                | Claim::Prove
                | Claim::ProveInMemory
                | Claim::Reset
                | Claim::ResetBut(_)
                | Claim::ResetBy(_)
                | Claim::VerifyState
                | Claim::Restart { .. }
                | Claim::Inventory
                | Claim::LockOut { .. }
                | Claim::NearlyLockOut
                | Claim::Confirmed
                | Claim::Unconfirmed
                | Claim::FactoryState
                | Claim::Recommission
                | Claim::Memory(_) => {}
            }
        }
        let of_memory = |claim: &&Claim| {
            matches!(
                claim,
                Claim::Erased(_)
                    | Claim::Unchanged
                    | Claim::AllOrNothing
                    | Claim::NothingLeft
                    | Claim::Attempt { .. }
                    | Claim::NoOldAccess
                    | Claim::Memory(_)
            )
        };
        // A signal alone does not tell what the lock still holds.
        let is_judged = !claims.iter().any(of_memory) || draft.judged_parts() > signals;
        if claims.iter().any(|claim| matches!(claim, Claim::Recommission)) {
            self.recommission(draft)?;
        }
        if draft.judged_parts() > 0 && is_judged {
            return Ok(());
        }
        // Without a word of the model's on it, it is the scenario that left nothing to judge.
        Err(match draft.last_omission() {
            Some(reason) => Excluded::Model(reason.to_owned()),
            None => Excluded::plan("the scenario set up nothing to judge its claim on"),
        })
    }

    /// Confirmation and other signals that follow the act, all watched at once.
    fn signals(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let since = self.since_act(draft);
        let confirmed_by = &self.subject.facts.confirmed_by;
        let mut branches: Vec<Vec<Step>> = Vec::new();
        let mut name = Vec::new();
        let mut judged = false;
        for step in &self.scenario.expect {
            let claim = match &step.action {
                ast::Action::Claim(claim @ (Claim::Confirmed | Claim::Unconfirmed)) => claim,
                ast::Action::Claim(_) => continue,
                action @ ast::Action::Observe { .. } => {
                    if let Some(reason) = self.lacks_any_of(std::slice::from_ref(step)) {
                        draft.omit(phrase(action), reason);
                        continue;
                    }
                    judged = true;
                    let watch = |draft: &mut Draft| self.observe(draft, action, since, Origin::Author, false);
                    branches.push(draft.nested(watch)?.1);
                    name.push(phrase(action));
                    continue;
                }
                action => {
                    judged |= !matches!(action, ast::Action::Wait(_) | ast::Action::WaitLockout { .. });
                    branches.push(draft.nested(|draft| self.scenario_step(draft, step, Origin::Author))?.1);
                    name.push(phrase(action));
                    continue;
                }
            };
            let word = phrase(&step.action);
            let Some(steps) = confirmed_by.known() else {
                draft.omit(word, confirmed_by.absence("a confirmation of the reset"));
                continue;
            };
            if matches!(claim, Claim::Confirmed) {
                for step in steps {
                    let watch =
                        |draft: &mut Draft| self.observe(draft, &step.action, since, Origin::Claim, false);
                    branches.push(draft.nested(watch)?.1);
                }
            } else {
                branches.push(draft.nested(|draft| self.unconfirmed(draft, steps))?.1);
            }
            judged = true;
            name.push(word);
        }
        if !branches.is_empty() {
            draft.push("signals", Origin::Claim, Action::Together(branches));
            draft.part(name.join(", "), if judged { Stage::Expect } else { Stage::Between });
        }
        Ok(())
    }

    /// What confirms a reset must not show together, for as long as the source gives a reset that was complete.
    fn unconfirmed(&self, draft: &mut Draft, confirmed_by: &[ast::Step]) -> Result<(), Excluded> {
        let seen = |step: &ast::Step| match &step.action {
            ast::Action::Observe { observation, within } => Some((observation.clone(), *within)),
            _ => None,
        };
        let (observations, windows): (Vec<_>, Vec<_>) = confirmed_by.iter().filter_map(seen).unzip();
        let within = windows.into_iter().max().unwrap_or_default();
        let within = within.saturating_add(draft.confirmation.unconfirmed_longer);
        let since = draft.confirmation.unconfirmed_since;
        draft.push("unconfirmed", Origin::Claim, Action::Unseen { observations, since, within });
        Ok(())
    }

    fn bindings_erased(&self, draft: &mut Draft, assets: &BTreeSet<Asset>) -> Result<(), Excluded> {
        for bond in draft.belief.bound.clone() {
            if !assets.contains(&bond.asset()) {
                continue;
            }
            let name = bond.noun();
            if draft.belief.survives(bond, &self.subject.facts.keeps) {
                draft.deviation(self.kept(bond.asset(), name));
                self.expect_bound(draft, bond, Origin::Claim);
                // What is kept anyway says nothing of the reset.
                draft.part(format!("{name} kept as documented"), Stage::Between);
                continue;
            }
            // Nor does what the act itself took.
            let is_telling = !draft.belief.unbound.contains(&bond);
            self.expect_unbound(draft, bond);
            if is_telling {
                self.refuse_old_binding(draft, bond)?;
            }
            draft.part(format!("{name} erased"), if is_telling { Stage::Expect } else { Stage::Between });
        }
        Ok(())
    }

    fn unpaired(&self, draft: &mut Draft) {
        for bond in Bond::ALL {
            if self.has(bond.operation()) && !self.keeps(bond.asset()) {
                self.expect_unbound(draft, bond);
            }
        }
        draft.part("factory state: unpaired", Stage::Expect);
    }

    /// What the manual demands after a reset, before the lock works again.
    fn afterwards(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for operation in &self.subject.facts.afterwards {
            self.perform(draft, operation, &Bindings::new(Origin::Claim))?;
            draft.part(format!("afterwards: {operation}"), Stage::Between);
        }
        self.lock_after_reset(draft, Origin::Control)
    }

    fn default_codes(&self, draft: &mut Draft) -> Result<(), Excluded> {
        if self.lock().opens_for_any_code || self.keeps(Asset::UserCodes) {
            return Ok(());
        }
        if self.lock().defaults.user_codes.known().is_none() {
            let reason = self.lock().defaults.user_codes.absence("a default user code");
            draft.omit("default code works", reason);
            return Ok(());
        }
        for code in self.published_codes() {
            self.expect_accepted(draft, &code, Origin::Claim)?;
        }
        draft.part("factory state: default code works", Stage::Expect);
        Ok(())
    }

    fn codes_erased(&self, draft: &mut Draft, assets: &BTreeSet<Asset>) -> Result<(), Excluded> {
        let codes = draft.belief.secret_codes();
        if assets.contains(&Asset::UserCodes) && !codes.is_empty() {
            if self.lock().opens_for_any_code {
                self.opens_for_any(draft, &codes)?;
            } else if self.keeps(Asset::UserCodes) {
                draft.deviation(self.kept(Asset::UserCodes, "user codes"));
                codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim))?;
                draft.part("user codes kept as documented", Stage::Between);
            } else {
                draft.claim("user codes erased", |draft| self.expect_refused(draft, &codes));
            }
        }
        self.former_refused(draft);
        self.tokens_erased(draft, assets)?;
        if assets.contains(&Asset::MasterCode)
            && let Some(master) = draft.belief.master.clone()
        {
            draft.claim("master code erased", |draft| self.master_erased(draft, &master));
            for former in draft.belief.former_masters.clone() {
                draft.claim("replaced master code erased", |draft| {
                    self.replaced_master_erased(draft, &former)
                });
            }
        }
        Ok(())
    }

    /// What the owners before had opens nothing for this one.
    fn former_refused(&self, draft: &mut Draft) {
        let former = draft.belief.former.clone();
        let opens_for_any = draft.belief.is_reset && self.lock().opens_for_any_code;
        if !former.is_empty() && !opens_for_any {
            draft.claim("codes that were removed or erased before refused", |draft| {
                self.expect_refused(draft, &former)
            });
        }
    }

    fn opens_for_any(&self, draft: &mut Draft, codes: &[Credential]) -> Result<(), Excluded> {
        draft.deviation("opens with any code until it is set up");
        let random = draft.wrong_code(self)?;
        for code in codes.iter().take(1).chain([&random]) {
            self.expect_accepted(draft, code, Origin::Claim)?;
        }
        draft.part("opens with any code as documented", Stage::Expect);
        Ok(())
    }

    fn recommission(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for bond in Bond::ALL {
            let name = format!("set up again: {}", bond.channel());
            if let Err(excluded) = self.operation(bond.operation()) {
                draft.omit(name, excluded.reason());
                continue;
            }
            if !self.is_bound(draft, bond) {
                self.pair(draft, bond, Origin::Claim)?;
                draft.belief.bound_again.insert(bond);
            }
            self.expect_bound(draft, bond, Origin::Claim);
            draft.part(name, Stage::Expect);
        }
        let old = if self.keeps(Asset::MasterCode) { None } else { draft.belief.master.take() };
        draft.claim("set up again: master code", |draft| {
            let code = draft.secret(self, "new-master")?;
            self.set_master(draft, &code, Origin::Claim)?;
            draft.belief.master = Some(code);
            Ok(())
        });
        if let (Some(old), Some(new)) = (old, draft.belief.master.clone()) {
            let name = "old master code refused after setting up again";
            draft.claim(name, |draft| self.master_replaced(draft, &old, &new));
        }
        let mut fresh = Vec::new();
        draft.claim("set up again: user codes", |draft| {
            for handle in ["fresh.1", "fresh.2"] {
                // One that no earlier code was in: overwriting one would hide that it is still there.
                let slot = self.take_slot(draft).ok_or_else(no_slot)?;
                let code = draft.secret(self, handle)?;
                self.add_code(draft, &code, slot, self.master_now(&draft.belief), Origin::Claim)?;
                fresh.push(code);
            }
            Ok(())
        });
        draft.claim("set up again: every entry method", |draft| match fresh.as_slice() {
            [] => Err("no user code could be added".into()),
            codes => codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim)),
        });
        let old: Vec<Credential> = draft.belief.secret_codes();
        if let (Some(control), false, false) = (fresh.first(), old.is_empty(), self.keeps(Asset::UserCodes)) {
            // A lock may bring back what it hid, once it is in use again.
            draft.belief.known_good = Some(control.clone());
            draft.claim("old codes refused after setting up again", |draft| self.expect_refused(draft, &old));
        }
        self.tokens_again(draft);
        Ok(())
    }

    /// What a whole reset would leave as well says nothing of one that did not happen.
    fn unchanged(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let was_tried = draft.belief.was_tried;
        let keeps = |asset: Asset| was_tried && self.keeps(asset);
        let codes = if keeps(Asset::UserCodes) { Vec::new() } else { draft.belief.codes.clone() };
        for code in &codes {
            self.expect_accepted(draft, code, Origin::Claim)?;
        }
        draft.part("user codes unchanged", Stage::Expect);
        self.former_refused(draft);
        self.tokens_unchanged(draft)?;
        for bond in draft.belief.bound.clone() {
            if !keeps(bond.asset()) && !draft.belief.unbound.contains(&bond) {
                self.expect_holding(draft, bond, Origin::Claim);
            }
        }
        draft.part("bindings unchanged", Stage::Expect);
        // The last, for they may add a code; that the owner's works shows that the lock listens to any.
        if let Some(master) = draft.belief.master.clone().filter(|_| !keeps(Asset::MasterCode)) {
            let former = draft.belief.former_masters.clone();
            for group in former.chunks(self.at_once(former.len())) {
                for old in group {
                    draft.claim("master codes from before refused", |draft| self.master_refused(draft, old));
                }
                // Each was a wrong code.
                draft.wait(self.penalty());
            }
            draft.claim("master code unchanged", |draft| self.master_unchanged(draft, &master));
        }
        Ok(())
    }

    /// Either everything of the owner is there or nothing; and, if that is claimed, nothing for certain.
    fn all_or_nothing(&self, draft: &mut Draft, nothing: bool) -> Result<(), Excluded> {
        draft.may_be_open = self.subject.facts.starts_unlocked;
        let probes = self.probes_of_memory(draft)?;
        draft.may_be_open = false;
        let Some(first) = probes.first().copied().filter(|_| probes.len() > 1) else {
            return Err("the lock holds too little to be only half erased".into());
        };
        let reason = "some of the owner's data are gone and some are left".to_owned();
        let rule = if self.lock().opens_for_any_code { Rule::Opposite } else { Rule::Same };
        draft.push("all or nothing?", Origin::Claim, Action::Judge { probes, rule, reason });
        // A lock that refuses everything may be dead, or keep what it hides: only one that can be
        // set up again, and still refuses the old codes, holds nothing.
        let erased = self.lock().opens_for_any_code;
        let codes = if self.keeps(Asset::UserCodes) { Vec::new() } else { draft.belief.secret_codes() };
        let tokens = self.tokens_to_lose(draft);
        if !codes.is_empty() || !tokens.is_empty() {
            // What is true only in the branch is believed only there.
            let before = draft.belief.clone();
            let written = draft.nested(|draft| {
                draft.belief.is_reset = true;
                for operation in &self.subject.facts.afterwards {
                    self.perform(draft, operation, &Bindings::new(Origin::Claim))?;
                }
                self.lock_after_reset(draft, Origin::Claim)?;
                if !codes.is_empty() {
                    self.master_gone_too(draft)?;
                    // With the old master code, and one that it was to add, so many were typed in vain.
                    let brings_penalty = codes.len() + 2 > self.at_once(codes.len() + 2);
                    let knows_penalty = self.lock().lockout.known().is_some();
                    if brings_penalty && knows_penalty {
                        draft.wait(self.penalty());
                    }
                    let fresh = self.new_code(draft)?;
                    draft.belief.known_good = Some(fresh);
                    if brings_penalty && knows_penalty {
                        self.control(draft, None)?;
                    }
                    self.expect_refused(draft, &codes)?;
                }
                for (kind, tokens) in &tokens {
                    self.known_good_token(draft, *kind)?;
                    self.expect_refused(draft, tokens)?;
                }
                Ok(())
            });
            draft.belief = before;
            let ((), body) = written?;
            draft.push("if it was erased", Origin::Claim, Action::If { probe: first, yes: erased, body });
        }
        draft.part(ALL_OR_NOTHING, Stage::Expect);
        if nothing {
            // Which of the two it is, is a part of its own, so that a case tells both.
            let rule = if erased { Rule::Yes } else { Rule::No };
            let reason = "the owner's data are all still there".to_owned();
            draft.push("nothing?", Origin::Claim, Action::Judge { probes: vec![first], rule, reason });
            draft.part(NOTHING_LEFT, Stage::Expect);
        }
        Ok(())
    }
}

/// What an `attempt` tries, by its name in the scenario.
fn named(code: &str) -> String {
    let is_token = code.split_once('.').is_some_and(|(kind, _)| Token::from_word(kind).is_some());
    if is_token { code.to_owned() } else { format!("code {code}") }
}
