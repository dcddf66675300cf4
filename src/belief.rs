//! What a lock should hold at a point of a case, and what was done to it so far: a value that is cloned to try
//! something, and never rolled back.
//!
//! Deliberately absent: how anything is done to a lock, or shown; and what a program looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Asset, Credential, Token};
use crate::trace::Channel;

/// Who outside a lock it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// A phone app or account.
    App,
    /// A smart-home hub.
    Hub,
}

impl Bond {
    /// Both, in the order in which they are made.
    pub const ALL: [Self; 2] = [Self::App, Self::Hub];

    /// Where it is asked.
    pub const fn channel(self) -> Channel {
        match self {
            Self::App => Channel::App,
            Self::Hub => Channel::Hub,
        }
    }

    /// The bond that a channel speaks for.
    pub fn of(channel: &Channel) -> Option<Self> {
        Self::ALL.into_iter().find(|bond| bond.channel() == *channel)
    }

    /// What a lock stores of it.
    pub const fn asset(self) -> Asset {
        match self {
            Self::App => Asset::AppPairing,
            Self::Hub => Asset::HubPairing,
        }
    }

    /// The operation that makes it.
    pub const fn operation(self) -> &'static str {
        match self {
            Self::App => "pair_app",
            Self::Hub => "pair_hub",
        }
    }

    /// What people call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::App => "app binding",
            Self::Hub => "hub binding",
        }
    }
}

/// What a lock should hold, and what happened to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belief {
    /// The owner's codes from before the act, in the order of their slots.
    pub codes: Vec<Credential>,
    /// Codes that were removed, and those of the owners before, which a reset took.
    pub former: Vec<Credential>,
    /// How many owners there were before this one.
    pub earlier_owners: u8,
    /// The owner's cards and fingers from before the act.
    pub tokens: Vec<Credential>,
    /// The owner's master code.
    pub master: Option<Credential>,
    /// Master codes that another one replaced, and those of the owners before, which a reset took.
    pub former_masters: Vec<Credential>,
    /// The owner's bindings from before the act.
    pub bound: BTreeSet<Bond>,
    /// Bindings that were made after the act.
    pub bound_again: BTreeSet<Bond>,
    /// Bindings that the act itself took away.
    pub unbound: BTreeSet<Bond>,
    /// Codes, cards and fingers that the scenario itself adds.
    pub added: BTreeSet<Arc<str>>,
    /// Slots that something was stored in, or that the scenario names itself, and the owner's code that is there.
    pub slots: BTreeMap<u8, Option<Credential>>,
    /// Tokens that the scenario wants none of.
    pub declined: BTreeSet<Token>,
    /// A code that the lock takes after the act.
    pub known_good: Option<Credential>,
    /// A card and a finger that the lock takes after the act.
    pub known_tokens: BTreeMap<Token, Credential>,
    /// A whole reset was done, and the lock was not set up since.
    pub is_reset: bool,
    /// The procedure of a reset was done, whole or altered.
    pub was_tried: bool,
    /// The maker's proof was used.
    pub proof_spent: bool,
    /// So many codes were drawn that the lock never knew.
    pub wrong_codes: u32,
}

impl Belief {
    /// The owner's codes without those that a manual prints.
    pub fn secret_codes(&self) -> Vec<Credential> {
        let is_secret = |code: &&Credential| matches!(code, Credential::Secret { .. });
        self.codes.iter().filter(is_secret).cloned().collect()
    }

    /// The owner's cards, or fingers.
    pub fn tokens_of(&self, kind: Token) -> Vec<Credential> {
        self.tokens.iter().filter(|token| token.kind() == Some(kind)).cloned().collect()
    }

    /// A slot that nothing was in: many locks number codes, cards and fingers together, and what is stored over
    /// something hides whether that is still there.
    pub fn free_slot(&self) -> u8 {
        self.free_slots().next().unwrap_or(u8::MAX)
    }

    /// All of them, the lowest first.
    pub fn free_slots(&self) -> impl Iterator<Item = u8> + '_ {
        (1..=u8::MAX).filter(|slot| !self.slots.contains_key(slot))
    }

    /// The same, for what is stored in it now.
    pub fn take_slot(&mut self) -> u8 {
        let slot = self.free_slot();
        self.slots.insert(slot, None);
        slot
    }

    /// A code of the owner's is stored.
    pub fn store(&mut self, slot: u8, code: Credential) {
        self.slots.insert(slot, Some(code.clone()));
        self.former.retain(|known| *known != code);
        self.codes.push(code);
    }

    /// The master code is another one now.
    pub fn set_master(&mut self, code: Credential) {
        self.former_masters.extend(self.master.replace(code.clone()));
        self.former_masters.retain(|known| *known != code);
    }

    /// Whatever is in a slot is removed.
    pub fn remove(&mut self, slot: u8) {
        let removed = self.slots.insert(slot, None).flatten();
        // The same code may be in another slot as well.
        let removed = removed.filter(|code| !self.slots.values().flatten().any(|known| known == code));
        if let Some(code) = removed {
            self.codes.retain(|known| *known != code);
            self.former.push(code);
        }
    }

    /// A code that this owner has, or had until it was removed.
    pub fn code(&self, handle: &str) -> Option<&Credential> {
        let is_it = |code: &&Credential| matches!(code, Credential::Secret { handle: known, .. } if **known == *handle);
        self.codes.iter().chain(&self.former).find(is_it)
    }

    /// The handle of a secret of the present owner: what the one before had is not taken for it.
    pub fn handle(&self, word: &str) -> String {
        match self.earlier_owners {
            0 => word.to_owned(),
            number => format!("owner{}.{word}", u32::from(number) + 1),
        }
    }

    /// Whether a binding holds now, after a reset that keeps this.
    pub fn is_bound(&self, bond: Bond, keeps: &BTreeSet<Asset>) -> bool {
        let holds = !self.is_reset || keeps.contains(&bond.asset());
        self.bound_again.contains(&bond)
            || (self.bound.contains(&bond) && !self.unbound.contains(&bond) && holds)
    }

    /// A binding was made.
    pub fn bind(&mut self, bond: Bond) {
        self.unbound.remove(&bond);
        let bound = if self.is_reset { &mut self.bound_again } else { &mut self.bound };
        bound.insert(bond);
    }

    /// A binding was given up.
    pub fn unbind(&mut self, bond: Bond) {
        if self.bound_again.remove(&bond) {
            self.bound.insert(bond);
        }
        self.unbound.insert(bond);
    }

    /// A whole reset was done. What was stored since the one before, as controls are, is gone with it.
    pub fn reset(&mut self, keeps: &BTreeSet<Asset>) {
        if !keeps.contains(&Asset::UserCodes) {
            let stored: Vec<Credential> = self.slots.values_mut().filter_map(Option::take).collect();
            if self.is_reset {
                self.former.extend(stored);
            }
        }
        if self.is_reset {
            self.bound.extend(std::mem::take(&mut self.bound_again));
            self.known_good = None;
            self.known_tokens.clear();
        }
        (self.was_tried, self.is_reset) = (true, true);
    }

    /// The lock was reset once more: what was set up since is gone.
    pub fn reset_again(&mut self) {
        self.bound_again.clear();
        self.known_tokens.clear();
        self.known_good = None;
    }

    /// The handle of a code that the lock never knew.
    pub fn next_wrong_code(&mut self) -> Arc<str> {
        self.wrong_codes += 1;
        format!("wrong.{}", self.wrong_codes).into()
    }

    /// A lock that was reset gets a new owner: of the first one's data, only what it keeps is there.
    #[must_use]
    pub fn of_next_owner(self, keeps: &BTreeSet<Asset>) -> Self {
        let kept = |asset: Asset| keeps.contains(&asset);
        let since: Vec<Credential> = self.slots.values().flatten().cloned().collect();
        let mut former = self.former.clone();
        if !kept(Asset::UserCodes) {
            former.extend(self.secret_codes());
        }
        let mut former_masters = self.former_masters.clone();
        if !kept(Asset::MasterCode) {
            former_masters.extend(self.master.clone());
        }
        Self {
            former,
            earlier_owners: self.earlier_owners.saturating_add(1),
            slots: if kept(Asset::UserCodes) {
                self.slots
            } else {
                self.slots.into_iter().filter(|(_, code)| code.is_some()).collect()
            },
            // What was stored since the reset, to show that the lock takes codes, is this owner's.
            codes: if kept(Asset::UserCodes) { self.codes } else { since },
            tokens: self
                .tokens
                .into_iter()
                .filter(|token| token.kind().is_some_and(|kind| kept(kind.asset())))
                .collect(),
            master: self.master.filter(|_| kept(Asset::MasterCode)),
            former_masters,
            bound: self.bound.into_iter().filter(|bond| kept(bond.asset())).chain(self.bound_again).collect(),
            bound_again: BTreeSet::new(),
            unbound: BTreeSet::new(),
            known_good: None,
            known_tokens: BTreeMap::new(),
            is_reset: false,
            ..self
        }
    }

    /// Whether a binding is expected to hold after a whole reset.
    pub fn survives(&self, bond: Bond, keeps: &BTreeSet<Asset>) -> bool {
        keeps.contains(&bond.asset()) && !self.unbound.contains(&bond)
    }
}
