//! Plays mutants of the simulated locks against all claims: how many does any claim catch, and what became of the rest?

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::evidence::Entry;
use crate::lock::named_enum;
use crate::scenario::{Content, Library, Planned, Program, Start};
use crate::sim::{Flaw, Mutant, SimulatedLock};
use crate::unit::{Duration, Instant, counted};
use crate::verdict::Verdict;

use super::lives::FirstLife;
use super::score::play_on;

named_enum! {
    /// What became of a mutant.
    Fate {
        /// A claim failed on it.
        Caught = "caught",
        /// No claim failed, and a life that exploration made up did.
        Explored = "explored",
        /// No case came to the rule that was changed.
        Unreached = "unreached",
        /// It went by the changed rule, and showed nothing in any case that a sound lock does not show.
        Unseen = "unseen",
        /// It showed something else than a sound lock, and no claim failed.
        Unopposed = "unopposed",
    }
}

/// A case, its verdict on a mutant, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The case's id.
    pub case: Arc<str>,
    /// What it ended with.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// A mutant that was played until a claim failed, or on all cases of its model.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// The model.
    pub model: &'static str,
    /// What was changed in it.
    pub mutant: Mutant,
    /// The first case that failed.
    pub by: Option<Shown>,
    /// If none did: the first case in which it showed something else than a sound lock.
    pub differed: Option<Shown>,
    /// If none did, and it was explored: a life that failed.
    pub life: Option<FirstLife>,
    /// How many cases were played.
    pub cases: usize,
    /// How often the changed rule led to something else than the sound one.
    pub acted: u64,
    /// How long it was played, in its own time.
    pub virtual_time: Duration,
}

impl Hunted {
    /// What became of it.
    pub fn fate(&self) -> Fate {
        if self.by.is_some() {
            Fate::Caught
        } else if self.life.is_some() {
            Fate::Explored
        } else if self.differed.is_some() {
            Fate::Unopposed
        } else if self.acted > 0 {
            Fate::Unseen
        } else {
            Fate::Unreached
        }
    }

    /// Why it was caught, or was not.
    pub fn reason(&self) -> String {
        if let Some(life) = &self.life {
            return format!("after these deeds: {}: {}", life.found.life.told(), life.found.reason);
        }
        match (&self.by, &self.differed) {
            (Some(failed), _) => format!("{}: {}", failed.case, failed.reason),
            (None, Some(shown)) if shown.verdict == Verdict::Pass => {
                format!("no claim objects to what it shows, first in {}", shown.case)
            }
            (None, Some(shown)) => {
                format!("no claim fails; first in {}: {}, {}", shown.case, shown.verdict, shown.reason)
            }
            (None, None) if self.cases == 0 => "no case of this model can be played".to_owned(),
            (None, None) if self.acted == 0 => {
                format!("none of {} comes to that rule", counted(self.cases as u64, "case"))
            }
            (None, None) => {
                let often = counted(self.acted, "time");
                format!("it went by that rule {often}, and showed nothing else than a sound lock")
            }
        }
    }
}

/// A case that is played on every mutant of its model.
struct Prepared<'a> {
    case: &'a Planned,
    program: Program,
    /// The hash of what a sound lock shows in it.
    sound: OnceLock<u64>,
}

/// Plays each mutant on the cases of its model until one fails. A case that ends as the rig's error says nothing.
pub fn hunt(
    library: &Library,
    cases: &[Planned],
    mutants: &[(&'static str, Mutant)],
    seed: u64,
) -> Vec<Hunted> {
    let mut models: Vec<&'static str> = mutants.iter().map(|(model, _)| *model).collect();
    models.sort_unstable();
    models.dedup();
    // Cases are made for one model after the other, and dropped again: all of them take much memory.
    let of_model = |model: &'static str| -> Vec<(usize, Hunted)> {
        let prepared = prepare(library, cases, model);
        let is_of_it = |(_, (of, _)): &(usize, &(&'static str, Mutant))| *of == model;
        let hunted = |(index, (_, mutant)): (usize, &(&'static str, Mutant))| {
            (index, hunt_one(&prepared, model, *mutant, seed))
        };
        mutants.par_iter().enumerate().filter(is_of_it).map(hunted).collect()
    };
    let mut found: Vec<(usize, Hunted)> = models.into_par_iter().flat_map_iter(of_model).collect();
    found.sort_unstable_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, hunted)| hunted).collect()
}

fn prepare<'a>(library: &Library, cases: &'a [Planned], model: &str) -> Vec<Prepared<'a>> {
    let of_model = cases.par_iter().filter(|case| *case.model == *model);
    let prepared = of_model.filter_map(|case| match case.build(library, Start::Delivered) {
        Content::Play(program) => Some(Prepared { case, program, sound: OnceLock::new() }),
        Content::NotApplicable(_) | Content::Unprovable(_) => None,
    });
    prepared.collect()
}

fn hunt_one(cases: &[Prepared<'_>], model: &'static str, mutant: Mutant, seed: u64) -> Hunted {
    let mut lock = SimulatedLock::new(true, Some(Flaw::Mutant(mutant)));
    let mut hunted = Hunted {
        model,
        mutant,
        by: None,
        differed: None,
        life: None,
        cases: 0,
        acted: 0,
        virtual_time: Duration::ZERO,
    };
    for prepared in cases {
        let Some((shown, hash, time)) = play(&mut lock, prepared, seed) else { continue };
        hunted.cases += 1;
        hunted.virtual_time = hunted.virtual_time.saturating_add(time);
        match shown.verdict {
            Verdict::Fail => {
                hunted.by = Some(shown);
                break;
            }
            Verdict::Error => {}
            Verdict::NotApplicable | Verdict::Pass | Verdict::Inconclusive | Verdict::Aborted => {
                if hunted.differed.is_none() && hash != prepared.of_sound_lock(seed) {
                    hunted.differed = Some(shown);
                }
            }
        }
    }
    hunted.acted = lock.acted();
    hunted
}

impl Prepared<'_> {
    fn of_sound_lock(&self, seed: u64) -> u64 {
        *self.sound.get_or_init(|| {
            let mut lock = SimulatedLock::new(true, None);
            play(&mut lock, self, seed).map_or(0, |(_, hash, _)| hash)
        })
    }
}

/// How a case ends, a hash of what the lock shows in it, and how long it takes.
fn play(lock: &mut SimulatedLock, prepared: &Prepared<'_>, seed: u64) -> Option<(Shown, u64, Duration)> {
    let mut hasher = DefaultHasher::new();
    let mut note = |at: Instant, entry: &Entry| {
        if let Entry::Signal { channel, value } = entry {
            (at, format!("{channel:?} {value:?}")).hash(&mut hasher);
        }
        Ok(())
    };
    let played = play_on(lock, &prepared.program, prepared.case, seed, &mut note).ok()?;
    let (verdict, reason) = (played.result.verdict, played.result.reason);
    let shown = Shown { case: Arc::clone(&prepared.case.id), verdict, reason };
    Some((shown, hasher.finish(), played.end.since(Instant::START)))
}
