//! Cards and fingers: how a lock learns them, and that it has forgotten them.

use crate::belief::Bond;
use crate::lock::{Asset, Credential, Token};
use crate::scenario::program::{Action, Origin, Probe, Stage};

use std::collections::BTreeSet;

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

impl Context<'_> {
    /// Has the lock learn so many. One that nobody asked for is learned beside codes, if the model says how: a reset
    /// that forgets cards must not pass because no claim thought of them.
    pub(super) fn provision_tokens(
        &self,
        draft: &mut Draft,
        kind: Token,
        number: Option<u8>,
        beside_codes: bool,
    ) -> Result<(), Excluded> {
        if number == Some(0) {
            draft.belief.declined.insert(kind);
        }
        let number = match number {
            Some(number) => number,
            None => {
                let is_wanted = beside_codes && !draft.belief.declined.contains(&kind);
                u8::from(is_wanted && self.lock().reader.contains(&kind))
            }
        };
        let name = kind.plural();
        if number == 0
            || !self.is_available(draft, kind.added_by(), name)
            || !self.is_available(draft, kind.used_by(), name)
        {
            return Ok(());
        }
        let known = draft.belief.tokens_of(kind).len();
        for number in (1..=usize::from(number)).skip(known) {
            let token = Credential::token(kind, &number.to_string());
            let slot = draft.belief.take_slot();
            self.add_token(draft, &token, slot, self.master_now(&draft.belief), Origin::Setup)?;
            draft.belief.tokens.push(token);
        }
        Ok(())
    }

    fn add_token(
        &self,
        draft: &mut Draft,
        token: &Credential,
        slot: u8,
        master: Option<Credential>,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let Some(kind) = token.kind() else { return Ok(()) };
        for bond in Bond::ALL {
            // What is learned over a binding needs it, whether the scenario thought of it or not.
            if self.asks(kind.added_by(), bond) && !self.is_bound(draft, bond) {
                self.pair(draft, bond, origin)?;
                draft.belief.bind(bond);
            }
        }
        let bindings = Bindings::new(origin).credential(token).word("slot", &slot.to_string()).master(master);
        self.perform(draft, kind.added_by(), &bindings)
    }

    /// One that the lock takes now: before a reset the last that was provisioned, after it one that it learns anew.
    pub(super) fn known_good_token(&self, draft: &mut Draft, kind: Token) -> Result<Credential, Excluded> {
        if !draft.belief.is_reset {
            let last = draft.belief.tokens_of(kind).pop();
            return last.ok_or_else(|| Excluded::plan(format!("no {kind} was provisioned")));
        }
        if let Some(known) = draft.belief.known_tokens.get(&kind) {
            return Ok(known.clone());
        }
        let kept = draft.belief.tokens_of(kind).pop().filter(|_| self.keeps(kind.asset()));
        if let Some(kept) = kept {
            return Ok(kept);
        }
        self.operation(kind.added_by())?;
        self.bind_again(draft, Origin::Control)?;
        let (token, slot) = another(draft, kind, 0);
        let master = self.master_after_reset(&draft.belief);
        self.add_token(draft, &token, slot, master, Origin::Control)?;
        draft.belief.known_tokens.insert(kind, token.clone());
        Ok(token)
    }

    /// What was learned before the reset opens nothing after it, unless the source says that it stays.
    pub(super) fn tokens_erased(&self, draft: &mut Draft, assets: &BTreeSet<Asset>) -> Result<(), Excluded> {
        for kind in kinds() {
            let (tokens, name) = (draft.belief.tokens_of(kind), kind.plural());
            if !assets.contains(&kind.asset()) {
                continue;
            }
            if tokens.is_empty() {
                // Whatever else there is nothing to lose of is the scenario's slip.
                if draft.belief.declined.contains(&kind) {
                    draft.omit(format!("{name} erased"), format!("the scenario wants no {name}"));
                }
                continue;
            }
            if self.keeps(kind.asset()) {
                draft.deviation(self.kept(kind.asset(), name));
                tokens.iter().try_for_each(|token| self.expect_accepted(draft, token, Origin::Claim))?;
                draft.part(format!("{name} kept as documented"), Stage::Between);
            } else {
                draft.claim(&format!("{name} erased"), |draft| self.expect_refused(draft, &tokens));
            }
        }
        Ok(())
    }

    /// What was learned before an act that resets nothing opens after it.
    pub(super) fn tokens_unchanged(&self, draft: &mut Draft) -> Result<(), Excluded> {
        for kind in kinds() {
            let tokens = draft.belief.tokens_of(kind);
            if tokens.is_empty() || (draft.belief.was_tried && self.keeps(kind.asset())) {
                continue;
            }
            tokens.iter().try_for_each(|token| self.expect_accepted(draft, token, Origin::Claim))?;
            draft.part(format!("{} unchanged", kind.plural()), Stage::Expect);
        }
        Ok(())
    }

    /// A lock that is set up again learns new ones, and still refuses the old.
    pub(super) fn tokens_again(&self, draft: &mut Draft) {
        let can_learn = |kind: &Token| self.has(kind.added_by()) && self.has(kind.used_by());
        let declined = draft.belief.declined.clone();
        for kind in kinds().into_iter().filter(|kind| can_learn(kind) && !declined.contains(kind)) {
            let (old, name) = (draft.belief.tokens_of(kind), kind.plural());
            draft.claim(&format!("set up again: {name}"), |draft| {
                let (token, slot) = another(draft, kind, 1);
                self.add_token(draft, &token, slot, self.master_now(&draft.belief), Origin::Claim)?;
                self.expect_accepted(draft, &token, Origin::Claim)?;
                draft.belief.known_tokens.insert(kind, token);
                Ok(())
            });
            if !old.is_empty() && !self.keeps(kind.asset()) {
                let claim = format!("old {name} refused after setting up again");
                draft.claim(&claim, |draft| self.expect_refused(draft, &old));
            }
        }
    }

    /// What a reset has to erase.
    pub(super) fn tokens_to_lose(&self, draft: &Draft) -> Vec<(Token, Vec<Credential>)> {
        let kinds = kinds().into_iter().filter(|kind| !self.keeps(kind.asset()));
        kinds
            .map(|kind| (kind, draft.belief.tokens_of(kind)))
            .filter(|(_, tokens)| !tokens.is_empty())
            .collect()
    }

    /// Whether each is still there, as probes.
    pub(super) fn probes_of_tokens(
        &self,
        draft: &mut Draft,
        probes: &mut Vec<Probe>,
    ) -> Result<(), Excluded> {
        for token in draft.belief.tokens.clone() {
            let Some(kind) = token.kind() else { continue };
            if self.keeps(kind.asset()) {
                self.expect_accepted(draft, &token, Origin::Claim)?;
                continue;
            }
            let (probe, steps) =
                draft.nested(|draft| self.attempt(draft, &token, kind.used_by(), Origin::Claim))?;
            draft.push(format!("try {}", token.name()), Origin::Claim, Action::Sequence(steps));
            draft.wait(self.deaf());
            probes.push(probe);
        }
        Ok(())
    }
}

fn kinds() -> [Token; 2] {
    [Token::Card, Token::Finger]
}

/// The so-many-th token that the lock does not know, and a slot that nothing else is in.
fn another(draft: &mut Draft, kind: Token, nth: usize) -> (Credential, u8) {
    let slot = draft.belief.take_slot();
    let belief = &draft.belief;
    let mut unknown = (1_u32..)
        .map(|number| Credential::token(kind, &number.to_string()))
        .filter(|token| !belief.tokens.contains(token) && !belief.added.contains(token.name().as_str()));
    // There are always more.
    (unknown.nth(nth).unwrap_or_else(|| Credential::token(kind, "new")), slot)
}
