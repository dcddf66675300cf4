//! Giving a lock an owner's data, and showing that they are there.

use std::sync::Arc;

use crate::belief::Bond;
use crate::lock::{Credential, Token};
use crate::scenario::ast::{self, UserCodes};
use crate::scenario::program::{Action, Expected, Origin, Stage};
use crate::trace::{Argument, Channel};
use crate::unit::Duration;

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

/// How long a radio or service may take to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::seconds(10);

/// What an owner wants stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub user_codes: UserCodes,
    pub tokens: [(Token, Option<u8>); 2],
    pub app: bool,
    pub hub: bool,
    pub master: bool,
}

impl Context<'_> {
    /// Gives the lock whatever the model has of what the scenario asks for.
    pub(super) fn provision(&self, draft: &mut Draft, wanted: Wanted) -> Result<(), Excluded> {
        let Wanted { user_codes, tokens, app, hub, master } = wanted;
        if draft.belief.is_reset {
            self.begin_anew(draft)?;
        }
        for (bond, wanted) in [(Bond::App, app), (Bond::Hub, hub)] {
            // Codes that are added over a binding need it, whether the scenario thought of it or not.
            let needed = wanted || (user_codes != UserCodes::Count(0) && self.asks("add_code", bond));
            if needed
                && !self.is_bound(draft, bond)
                && self.is_available(draft, bond.operation(), bond.noun())
            {
                self.pair(draft, bond, Origin::Setup)?;
                draft.belief.bind(bond);
            }
        }
        if master && self.is_available(draft, "set_master", "master code") {
            let code = draft.secret(self, &draft.belief.handle("master"))?;
            self.set_master(draft, &code, Origin::Setup)?;
            draft.belief.master = Some(code);
        }
        let has_codes = user_codes != UserCodes::Count(0);
        if has_codes && self.is_available(draft, "add_code", "user codes") {
            for (number, slot) in (1_u32..).zip(self.slots_for(draft, user_codes)?) {
                let code = draft.secret(self, &draft.belief.handle(&format!("user.{number}")))?;
                self.add_code(draft, &code, slot, self.master_now(&draft.belief), Origin::Setup)?;
                draft.belief.store(slot, code);
            }
        } else if has_codes {
            draft.belief.codes.extend(self.published_codes());
        }
        for (kind, number) in tokens {
            self.provision_tokens(draft, kind, number, has_codes)?;
        }
        draft.part("provision", Stage::Arrange);
        Ok(())
    }

    /// The slots that an owner's codes go into.
    fn slots_for(&self, draft: &Draft, codes: UserCodes) -> Result<Vec<u8>, Excluded> {
        let last = match codes {
            UserCodes::Count(count) => {
                return Ok(draft.belief.free_slots().take(usize::from(count)).collect());
            }
            UserCodes::AcrossSlots => {
                let fact = self.lock().code_slots;
                *fact.known().ok_or_else(|| fact.absence("how many codes the lock holds"))?
            }
        };
        if !self.takes("add_code", "slot") {
            return Err("the lock picks a code's slot itself".into());
        }
        let last = u8::try_from(last).unwrap_or(u8::MAX);
        let mut slots: Vec<u8> = (0..8).map(|power| 1 << power).take_while(|slot| *slot < last).collect();
        slots.push(last);
        slots.retain(|slot| !draft.belief.slots.contains_key(slot));
        Ok(slots)
    }

    /// A lock that was reset has another owner now, and what the first one stored is gone.
    fn begin_anew(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for operation in &self.subject.facts.afterwards {
            self.perform(draft, operation, &Bindings::new(Origin::Setup))?;
        }
        self.lock_after_reset(draft, Origin::Setup)?;
        draft.belief = std::mem::take(&mut draft.belief).of_next_owner(&self.subject.facts.keeps);
        Ok(())
    }

    pub(super) fn is_available(&self, draft: &mut Draft, operation: &str, what: &str) -> bool {
        match self.operation(operation) {
            Ok(_) => true,
            Err(excluded) => {
                draft.omit(what, excluded.reason());
                false
            }
        }
    }

    pub(super) fn pair(&self, draft: &mut Draft, bond: Bond, origin: Origin) -> Result<(), Excluded> {
        let belief = &draft.belief;
        let master = if belief.is_reset { self.master_after_reset(belief) } else { self.master_now(belief) };
        let bindings = Bindings::new(origin).word("role", "owner").master(master);
        self.perform(draft, bond.operation(), &bindings)
    }

    pub(super) fn set_master(
        &self,
        draft: &mut Draft,
        code: &Credential,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let bindings = Bindings::new(origin).code(code).master(self.master_now(&draft.belief));
        self.perform(draft, "set_master", &bindings)
    }

    pub(super) fn add_code(
        &self,
        draft: &mut Draft,
        code: &Credential,
        slot: u8,
        master: Option<Credential>,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let bindings = Bindings::new(origin).code(code).word("slot", &slot.to_string()).master(master);
        self.perform(draft, "add_code", &bindings)
    }

    /// Shows that the data are there: each code opens, each binding answers.
    pub(super) fn prove(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for code in draft.belief.codes.clone() {
            self.expect_accepted(draft, &code, Origin::Setup)?;
        }
        for token in draft.belief.tokens.clone() {
            self.expect_accepted(draft, &token, Origin::Setup)?;
        }
        for bond in draft.belief.bound.clone() {
            self.expect_bound(draft, bond, Origin::Setup);
        }
        draft.part("prove provisioned", Stage::Arrange);
        Ok(())
    }

    /// Has app and hub say what they hold, under a name that lists what the owner stored.
    pub(super) fn inventory(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let belief = &draft.belief;
        let codes = belief.codes.iter().map(|code| format!("code {}", code.name()));
        let tokens = belief.tokens.iter().map(Credential::name);
        let master = belief.master.as_ref().map(|_| "master code".to_owned());
        let bonds = belief.bound.iter().map(|bond| bond.noun().to_owned());
        let held: Vec<String> = codes.chain(tokens).chain(master).chain(bonds).collect();
        if held.is_empty() {
            return Err("no owner data can be stored".into());
        }
        for bond in draft.belief.bound.clone() {
            self.expect_holding(draft, bond, Origin::Setup);
        }
        draft.part(format!("inventory: {}", held.join(", ")), Stage::Arrange);
        Ok(())
    }

    /// Asks one of the owner's bindings what it holds: no code less, and nobody more.
    pub(super) fn expect_holding(&self, draft: &mut Draft, bond: Bond, origin: Origin) {
        let codes = Some(draft.belief.secret_codes().len() as u64);
        // Whoever was bound in silence shows nowhere else.
        let users = ast::asked(&self.scenario.act).iter().any(|(_, op)| *op == "pair");
        let label = format!("{} holds what was stored", bond.channel());
        self.ask_status(draft, label, bond, Expected::Holds { codes, users }, origin);
    }

    /// Asks a binding that must be gone; where codes must be gone too, their count is nought.
    pub(super) fn expect_unbound(&self, draft: &mut Draft, bond: Bond) {
        let codes = !draft.belief.codes.is_empty() && !self.keeps(crate::lock::Asset::UserCodes);
        let label = format!("{} is unpaired", bond.channel());
        self.ask_status(draft, label, bond, Expected::Erased { codes }, Origin::Claim);
    }

    /// Asks a binding that must hold.
    pub(super) fn expect_bound(&self, draft: &mut Draft, bond: Bond, origin: Origin) {
        let label = format!("{} is paired", bond.channel());
        self.ask_status(draft, label, bond, Expected::Paired(true), origin);
    }

    pub(super) fn ask_status(
        &self,
        draft: &mut Draft,
        label: String,
        bond: Bond,
        expected: Expected,
        origin: Origin,
    ) {
        let arguments = vec![("role".into(), Argument::Text("owner".into()))];
        let (channel, op): (Channel, Arc<str>) = (bond.channel(), "status".into());
        let ask = Action::Ask { channel, op, arguments, expected, within: ANSWER_WITHIN, mark: None };
        draft.push(label, origin, ask);
    }
}
