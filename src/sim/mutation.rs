//! Locks with one rule changed at random, so that what the claims find is measured on faults that nobody chose.

mod reach;
mod rule;

use std::cell::Cell;
use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::lock::{Named, named_enum};
use crate::unit::Duration;

use super::design::s;
use super::designs::designs;

pub use rule::Rule;

/// Longer than any case.
const FOREVER: Duration = s(3_000_000_000);

named_enum! {
    /// How a rule is changed.
    Change {
        /// It never is so, or never happens.
        Never = "never",
        /// It always is so.
        Always = "always",
        /// It is the other way round.
        Inverted = "inverted",
        /// There is one less.
        OneLess = "one-less",
        /// There is one more.
        OneMore = "one-more",
        /// It takes half as long.
        Half = "half",
        /// It takes twice as long.
        Twice = "twice",
    }
}

/// A lock with one changed rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mutant {
    /// The rule.
    pub rule: Rule,
    /// What it has become.
    pub change: Change,
}

impl Mutant {
    /// All of them, in the order of the rules.
    pub fn all() -> Vec<Self> {
        let of = |rule: Rule| rule.changes().iter().map(move |change| Self { rule, change: *change });
        Rule::WORDS.iter().flat_map(|(_, rule)| of(*rule)).collect()
    }

    /// The word for it: `erase-codes/never`.
    pub fn word(self) -> String {
        self.to_string()
    }

    /// The mutant that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        let (rule, change) = word.split_once('/')?;
        let (rule, change) = (Rule::from_word(rule)?, Change::from_word(change)?);
        rule.changes().contains(&change).then_some(Self { rule, change })
    }

    /// What it is, in a sentence.
    pub fn described(self) -> String {
        let rule = self.rule.described().trim_end_matches('.');
        let change = match self.change {
            Change::Never => "never so",
            Change::Always => "always so",
            Change::Inverted => "the other way round",
            Change::OneLess => "one less",
            Change::OneMore => "one more",
            Change::Half => "half of that",
            Change::Twice => "twice that",
        };
        format!("{rule}: {change}")
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule, self.change)
    }
}

/// Different mutants, each of a model whose design has what its rule is about: so many, or all that there are. One
/// model after the other gets its next, so that every one is among them before any has a second.
pub fn draw_mutants(seed: u64, count: usize) -> Vec<(&'static str, Mutant)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let all = Mutant::all();
    let mut piles: Vec<(&'static str, Vec<Mutant>)> = designs()
        .map(|design| (design.model, all.iter().copied().filter(|mutant| mutant.concerns(design)).collect()))
        .collect();
    for last in (1..piles.len()).rev() {
        piles.swap(last, below(&mut random, last + 1));
    }
    let mut drawn = Vec::new();
    while drawn.len() < count && piles.iter().any(|(_, pile)| !pile.is_empty()) {
        for (model, pile) in piles.iter_mut().filter(|(_, pile)| !pile.is_empty()) {
            if drawn.len() < count {
                let at = below(&mut random, pile.len());
                drawn.push((*model, pile.swap_remove(at)));
            }
        }
    }
    drawn
}

/// A number below `bound`, which is not 0.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64() % bound as u64).unwrap_or(0)
}

/// The rules that a lock goes by. All of them are sound, unless it is a mutant.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    mutant: Option<Mutant>,
    acted: Cell<u64>,
}

impl Rules {
    pub(super) fn of(mutant: Option<Mutant>) -> Self {
        Self { mutant, acted: Cell::new(0) }
    }

    /// How often the changed rule led to something else than the sound one.
    pub(super) fn acted(&self) -> u64 {
        self.acted.get()
    }

    fn change(&self, rule: Rule) -> Option<Change> {
        self.mutant.filter(|mutant| mutant.rule == rule).map(|mutant| mutant.change)
    }

    fn note(&self) {
        self.acted.set(self.acted.get().saturating_add(1));
    }

    /// Whether something is so; `sound` is what a sound lock finds.
    pub(super) fn decides(&self, rule: Rule, sound: bool) -> bool {
        let found = match self.change(rule) {
            Some(Change::Never) => false,
            Some(Change::Always) => true,
            Some(Change::Inverted) => !sound,
            Some(Change::OneLess | Change::OneMore | Change::Half | Change::Twice) | None => sound,
        };
        if found != sound {
            self.note();
        }
        found
    }

    /// Whether something is done that a sound lock does.
    pub(super) fn does(&self, rule: Rule) -> bool {
        self.decides(rule, true)
    }

    /// A number that a sound lock goes by.
    pub(super) fn counts(&self, rule: Rule, sound: u64) -> u64 {
        let count = match self.change(rule) {
            Some(Change::OneLess) => sound.saturating_sub(1),
            Some(Change::OneMore) => sound.saturating_add(1),
            Some(Change::Half) => sound / 2,
            Some(Change::Twice) => sound.saturating_mul(2),
            Some(Change::Never | Change::Always | Change::Inverted) | None => sound,
        };
        if count != sound {
            self.note();
        }
        count
    }

    /// How long something takes.
    pub(super) fn lasts(&self, rule: Rule, sound: Duration) -> Duration {
        if self.change(rule) == Some(Change::Never) {
            self.note();
            return FOREVER;
        }
        Duration::nanoseconds(self.counts(rule, sound.as_nanoseconds()))
    }
}
