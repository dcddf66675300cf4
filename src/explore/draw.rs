//! Lives drawn at random: boundaries more often than what lies between, and what followed another deed seldom rather
//! than what did often.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::belief::Bond;
use crate::lock::{Method, Near};
use crate::unit::Duration;

use super::coverage::Coverage;
use super::deed::{Deed, Kind};
use super::life::{Life, Standing};

/// A life has so many deeds at most.
const LONGEST: u64 = 24;
/// Of so many possible deeds, the one is done that followed the one before it least often.
const CANDIDATES: usize = 3;
/// A life that got no further after so many draws is over.
const MAX_DRAWS: usize = 200;

/// Draws lives from kinds of deeds that a model permits.
#[derive(Clone, Debug)]
pub struct Drawing {
    random: ChaCha8Rng,
    method: Method,
    permitted: Arc<Permitted>,
}

/// What a model permits, and a rig can do.
#[derive(Clone, Debug, Default)]
pub struct Permitted {
    /// Kinds of deeds.
    pub kinds: Vec<Kind>,
    /// Methods by which it can be reset as well.
    pub others: Vec<Method>,
    /// Who can be bound.
    pub bonds: Vec<Bond>,
    /// What is nearly a code, and none.
    pub near: Vec<Near>,
    /// So many slots for codes; none, if it takes no codes.
    pub slots: u8,
    /// No time is longer.
    pub longest: Option<Duration>,
}

/// What a guest may ask for who has no right to it.
const REQUESTS: &[&str] = &["unpair", "add_code", "remove_code", "set_master", "factory_reset"];

impl Drawing {
    /// For a method, from what is permitted.
    pub fn new(seed: u64, method: Method, permitted: Permitted) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), method, permitted: Arc::new(permitted) }
    }

    /// The next life.
    pub fn life(&mut self, coverage: &Coverage) -> Life {
        let codes = self.codes();
        let length = 2 + self.random.next_u64() % (LONGEST - 1);
        let mut life = Life { method: self.method, codes, deeds: Vec::new() };
        let mut standing = Standing::new(codes);
        for _ in 0..MAX_DRAWS {
            if life.deeds.len() as u64 >= length || self.permitted.kinds.is_empty() {
                break;
            }
            let mut drawn: Vec<(Deed, Standing)> = Vec::new();
            for _ in 0..CANDIDATES {
                let Some(deed) = self.deed() else { continue };
                let mut after = standing.clone();
                if after.steps(&deed).is_some() {
                    drawn.push((deed, after));
                }
            }
            let before = life.deeds.last();
            let rarest = drawn.into_iter().min_by_key(|(deed, _)| coverage.of_pair(before, deed));
            if let Some((deed, after)) = rarest {
                life.deeds.push(deed);
                standing = after;
            }
        }
        life
    }

    /// How many codes an owner stores.
    fn codes(&mut self) -> u8 {
        [1, 2, 3][self.below(3)].min(self.permitted.slots)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % bound.max(1) as u64).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let index = self.below(list.len());
        list.get(index).copied()
    }

    /// The first, the last, a power of two, or any.
    fn slot(&mut self) -> u8 {
        let last = self.permitted.slots.max(1);
        match self.below(4) {
            0 => last,
            1 => 1 << self.below(8).min(usize::try_from(last.ilog2()).unwrap_or(7)),
            2 => 1 + u8::try_from(self.below(4)).unwrap_or(0).min(last - 1),
            _ => 1 + u8::try_from(self.below(usize::from(last))).unwrap_or(0),
        }
    }

    /// From milliseconds to days.
    fn time(&mut self) -> Duration {
        let ms = Duration::milliseconds;
        let all = [
            ms(10),
            ms(100),
            ms(400),
            ms(2_000),
            ms(10_000),
            ms(60_000),
            ms(600_000),
            ms(3_700_000),
            ms(86_400_000),
        ];
        self.at_most(&all)
    }

    /// One of some times that are not too long; the first, if all are.
    fn at_most(&mut self, all: &[Duration]) -> Duration {
        let few = all
            .iter()
            .take_while(|time| self.permitted.longest.is_none_or(|longest| **time <= longest))
            .count();
        let index = self.below(few);
        all.get(index).copied().unwrap_or_default()
    }

    fn deed(&mut self) -> Option<Deed> {
        let ms = Duration::milliseconds;
        let permitted = Arc::clone(&self.permitted);
        let Permitted { kinds, others, bonds, near, .. } = &*permitted;
        Some(match self.of(kinds)? {
            Kind::Add => Deed::Add(self.slot()),
            Kind::AddBy => Deed::AddBy(self.of(bonds)?, self.slot()),
            Kind::Remove => Deed::Remove(self.of(bonds)?, self.below(6)),
            Kind::Use => Deed::Use(self.below(6)),
            Kind::Wrong => Deed::Wrong,
            Kind::Near => Deed::Near(self.below(6), self.of(near)?),
            Kind::LockOut => Deed::LockOut,
            Kind::Restart => Deed::Restart(self.time()),
            Kind::Batteries => Deed::Batteries(self.at_most(&[ms(1_000), ms(60_000), ms(3_600_000)])),
            Kind::Dip => {
                Deed::Dip(self.of(&[20, 40, 50, 60, 70, 80, 90])?, self.of(&[ms(10), ms(400), ms(5_000)])?)
            }
            Kind::Ramp => Deed::Ramp(self.of(&[ms(1_000), ms(10_000)])?),
            Kind::CutWhileOpening => Deed::CutWhileOpening(self.below(6)),
            Kind::Wait => Deed::Wait(self.time()),
            Kind::Status => Deed::Status(self.of(bonds)?),
            Kind::Guest => Deed::Guest(self.of(REQUESTS)?),
            Kind::Unpair => Deed::Unpair(self.of(bonds)?),
            Kind::Pair => Deed::Pair(self.of(bonds)?),
            Kind::PairAsAdmin => Deed::PairAsAdmin,
            Kind::AskUnpaired => Deed::AskUnpaired(self.of(bonds)?, self.of(&REQUESTS[1..])?),
            Kind::ShortHold => Deed::ShortHold(self.of(&[4, 30, 60, 80, 95])?),
            Kind::Interrupted => Deed::Interrupted(self.of(&[ms(300), ms(1_000)])?),
            Kind::Cut => Deed::Cut(self.of(&[10, 50, 90])?),
            Kind::Reset => {
                let after = [ms(20_000), ms(200_000), ms(3_700_000), ms(86_400_000)];
                Deed::Reset(self.at_most(&after), self.codes())
            }
            Kind::ResetAndAsk => Deed::ResetAndAsk(self.codes()),
            Kind::ResetBy => Deed::ResetBy(self.of(others)?, self.codes()),
            Kind::Verify => Deed::Verify,
        })
    }
}
