//! What lives reached: kinds of deeds, pairs of them, and what the lock should hold meanwhile.

use std::collections::BTreeMap;

use crate::lock::Named;

use super::deed::{Deed, Kind};
use super::life::{Life, Standing};

/// What a lock should hold, as far as one state differs from another: codes up to three, and the bindings given up.
type State = (usize, usize);

/// How often each was reached.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    kinds: BTreeMap<&'static str, u64>,
    pairs: BTreeMap<(&'static str, &'static str), u64>,
    states: BTreeMap<State, u64>,
    transitions: BTreeMap<(State, &'static str), u64>,
    deeds: u64,
}

/// Numbers for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Deeds that were done.
    pub deeds: u64,
    /// Different states.
    pub states: usize,
    /// Different deeds in different states.
    pub transitions: usize,
    /// Different pairs of deeds, one right after the other.
    pub pairs: usize,
}

impl Coverage {
    /// A life was drawn.
    pub fn note(&mut self, life: &Life) {
        let mut standing = Standing::new(life.codes);
        let mut before: Option<&'static str> = None;
        for deed in &life.deeds {
            let state = (standing.codes.len().min(3), standing.unbound.len());
            if standing.steps(deed).is_none() {
                continue;
            }
            let word = deed.kind().word();
            self.deeds += 1;
            *self.kinds.entry(word).or_default() += 1;
            *self.states.entry(state).or_default() += 1;
            *self.transitions.entry((state, word)).or_default() += 1;
            if let Some(before) = before.replace(word) {
                *self.pairs.entry((before, word)).or_default() += 1;
            }
        }
    }

    /// How often a deed came right after another.
    pub fn of_pair(&self, before: Option<&Deed>, deed: &Deed) -> u64 {
        let key = before.map(|before| (before.kind().word(), deed.kind().word()));
        key.and_then(|key| self.pairs.get(&key)).copied().unwrap_or(0)
    }

    /// Adds what others reached.
    pub fn add(&mut self, other: &Self) {
        self.deeds += other.deeds;
        other.kinds.iter().for_each(|(key, n)| *self.kinds.entry(key).or_default() += n);
        other.pairs.iter().for_each(|(key, n)| *self.pairs.entry(*key).or_default() += n);
        other.states.iter().for_each(|(key, n)| *self.states.entry(*key).or_default() += n);
        other.transitions.iter().for_each(|(key, n)| *self.transitions.entry(*key).or_default() += n);
    }

    /// The numbers.
    pub fn reached(&self) -> Reached {
        Reached {
            deeds: self.deeds,
            states: self.states.len(),
            transitions: self.transitions.len(),
            pairs: self.pairs.len(),
        }
    }

    /// Kinds of deeds that were never done.
    pub fn never(&self) -> Vec<Kind> {
        let is_new = |(word, _): &&(&'static str, Kind)| !self.kinds.contains_key(word);
        Kind::WORDS.iter().filter(is_new).map(|(_, kind)| *kind).collect()
    }
}
