//! Plays lives on a device in virtual time until one fails, and makes that one as short as it can be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant as Wall;

use crate::belief::Bond;
use crate::engine::Precision;
use crate::explore::{Coverage, Deed, Drawing, Kind, Life, Shrinking};
use crate::lock::{Method, Named, Near};
use crate::rig::{Hello, LockstepDevice};
use crate::scenario::ast::{Model, Scenario};
use crate::scenario::{Content, Library, Start, build};
use crate::unit::Duration;
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::lockstep::{Interrupt, play};
use super::session::case_seed;
use super::vault::Vault;

/// A life that fails is tried to be made simpler so often at most.
const MAX_TRIES: usize = 2_000;

/// A lock whose source does not say how many codes it holds has so many slots at least.
const FEW_SLOTS: u16 = 8;

/// How long lives are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Until this moment.
    pub until: Wall,
    /// So many lives at most.
    pub lives: u64,
}

/// A life that failed, as short as it can be.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is done.
    pub life: Life,
    /// What the lock did wrong.
    pub reason: String,
    /// How many deeds it had when it was drawn.
    pub drawn: usize,
    /// The number of the life.
    pub number: u64,
}

/// What became of a model and a method.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Lives that were played.
    pub lives: u64,
    /// What they reached.
    pub coverage: Coverage,
    /// Kinds of deeds that the model permits.
    pub kinds: Vec<Kind>,
    /// The first that failed.
    pub found: Option<Found>,
    /// Lives that nothing could be concluded from, with the reason of the first.
    pub unclear: (u64, Option<String>),
    /// How long it was in the lock's time.
    pub virtual_time: Duration,
}

/// Explores a model by one of its methods.
pub struct Explorer<'a> {
    /// The model.
    pub model: &'a Model,
    /// By what it is reset.
    pub method: Method,
    /// Seed of the lives, of codes and noise.
    pub seed: u64,
    /// Set to end it.
    pub interrupt: &'a Interrupt,
}

impl Explorer<'_> {
    /// Plays lives until one fails, or until the budget is spent.
    pub fn explore(&self, device: &mut dyn LockstepDevice, budget: Budget) -> Explored {
        let mut explored = Explored::default();
        let kinds = self.kinds();
        explored.kinds.clone_from(&kinds);
        if kinds.is_empty() {
            return explored;
        }
        let slots = self.model.facts.code_slots.known().copied().unwrap_or(FEW_SLOTS);
        let slots = u8::try_from(slots).unwrap_or(u8::MAX);
        let bonds: Vec<Bond> = Bond::ALL
            .into_iter()
            .filter(|bond| self.model.operation(bond.operation()).known().is_some())
            .collect();
        let own = case_seed(self.seed, &format!("{}~{}", self.model.facts.id, self.method));
        let mut drawing =
            Drawing::new(own, self.method, kinds, bonds, if self.has_codes() { slots } else { 0 });
        while explored.lives < budget.lives && Wall::now() < budget.until && !self.is_interrupted() {
            let life = drawing.life(&explored.coverage);
            explored.lives += 1;
            let Some((verdict, reason, end)) = self.play(&life, device) else { continue };
            explored.coverage.note(&life);
            explored.virtual_time = explored.virtual_time.saturating_add(end);
            match verdict {
                Verdict::Pass | Verdict::NotApplicable => {}
                Verdict::Fail => {
                    let number = explored.lives;
                    let (drawn, reason) = (life.possible().len(), reason);
                    let (life, reason) = self.shrink(life, reason, device);
                    explored.found = Some(Found { life, reason, drawn, number });
                    return explored;
                }
                Verdict::Inconclusive | Verdict::Error | Verdict::Aborted => {
                    explored.unclear.0 += 1;
                    explored.unclear.1.get_or_insert(reason);
                }
            }
        }
        explored
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Whether codes can be stored and tried.
    fn has_codes(&self) -> bool {
        ["add_code", "enter"].iter().all(|name| self.model.operation(name).known().is_some())
    }

    /// Kinds of deeds that the model permits: a life of one such deed can be made.
    fn kinds(&self) -> Vec<Kind> {
        let second = Duration::seconds(1);
        let bond = |bond: Bond| self.model.operation(bond.operation()).known().is_some();
        let some_bond = if bond(Bond::Hub) { Bond::Hub } else { Bond::App };
        let of = |kind: Kind| match kind {
            Kind::Add => vec![Deed::Add(4)],
            Kind::AddBy => vec![Deed::AddBy(some_bond, 4)],
            Kind::Remove => vec![Deed::Remove(some_bond, 1)],
            Kind::Use => vec![Deed::Use(0)],
            Kind::Wrong => vec![Deed::Wrong],
            Kind::Near => vec![Deed::Near(0, Near::OneWrong)],
            Kind::LockOut => vec![Deed::LockOut],
            Kind::Restart => vec![Deed::Restart(second)],
            Kind::Batteries => vec![Deed::Batteries(second)],
            Kind::Dip => vec![Deed::Dip(50, second)],
            Kind::Ramp => vec![Deed::Ramp(second)],
            Kind::Wait => vec![Deed::Wait(second)],
            Kind::Status => vec![Deed::Status(some_bond)],
            Kind::Guest => vec![Deed::Guest("unpair")],
            Kind::Unpair => vec![Deed::Unpair(some_bond)],
            Kind::Pair => vec![Deed::Unpair(some_bond), Deed::Pair(some_bond)],
            Kind::ShortHold => vec![Deed::ShortHold(50)],
            Kind::Interrupted => vec![Deed::Interrupted(second)],
            Kind::Cut => vec![Deed::Cut(50)],
            Kind::Reset => vec![Deed::Reset(second.times(20), 1)],
            Kind::ResetAndAsk => vec![Deed::ResetAndAsk(1)],
            Kind::Verify => vec![Deed::Verify],
        };
        let facts = self.model.methods.get(&self.method).and_then(|fact| fact.known());
        let leaves_none = facts.is_some_and(|facts| facts.keeps.is_empty() && !facts.starts_unlocked);
        let is_possible = |kind: &Kind| {
            // A life does not follow what a reset leaves of the owner before.
            if matches!(kind, Kind::Reset | Kind::ResetAndAsk) && !leaves_none {
                return false;
            }
            let codes = if self.has_codes() { 2 } else { 0 };
            let life = Life { method: self.method, codes, deeds: of(*kind) };
            let is_done = !life.possible().is_empty();
            is_done && self.scenario(&life).is_some_and(|scenario| self.program(&scenario).is_some())
        };
        Kind::WORDS.iter().map(|(_, kind)| *kind).filter(is_possible).collect()
    }

    fn scenario(&self, life: &Life) -> Option<Scenario> {
        scenario_of(&life.scenario("life", "A life"))
    }

    fn program(&self, scenario: &Scenario) -> Option<crate::scenario::Program> {
        match build(scenario, self.model, self.method, Start::Delivered) {
            Content::Play(program) => Some(program),
            Content::NotApplicable(_) | Content::Unprovable(_) => None,
        }
    }

    /// The verdict on a life, its reason, and how long it took; nothing if it can't be played.
    fn play(&self, life: &Life, device: &mut dyn LockstepDevice) -> Option<(Verdict, String, Duration)> {
        let program = self.program(&self.scenario(life)?)?;
        let vault = Vault::simulated(&program.secrets, self.seed, self.seed);
        let model = self.model.facts.id.to_string();
        let hello = Hello { model, case: "life".into(), seed: self.seed };
        let mut nowhere = |_, _: &_| Ok(());
        let played =
            play(&program, &hello, device, &vault, Precision::default(), self.interrupt, &mut nowhere)
                .ok()?;
        let end = played.end.since(crate::unit::Instant::START);
        Some((played.result.verdict, played.result.reason, end))
    }

    fn shrink(&self, life: Life, reason: String, device: &mut dyn LockstepDevice) -> (Life, String) {
        let mut shrinking = Shrinking::new(life);
        let mut reason = reason;
        for _ in 0..MAX_TRIES {
            let Some(life) = shrinking.simpler().filter(|_| !self.is_interrupted()) else { break };
            if let Some((Verdict::Fail, because, _)) = self.play(&life, device) {
                reason = because;
                shrinking.fails(life);
            }
        }
        (shrinking.best, reason)
    }
}

/// The scenario of a text that lockrig wrote itself.
fn scenario_of(text: &str) -> Option<Scenario> {
    let source = Source::new("life.yaml", text.as_bytes().to_vec()).ok()?;
    let (library, findings) = Library::read(&[], &[source]);
    library.scenarios.into_values().next().filter(|_| !findings.has_errors())
}

/// Methods by which a model is explored: those with a known procedure.
pub fn methods(model: &Model) -> BTreeSet<Method> {
    model.methods.iter().filter(|(_, fact)| fact.known().is_some()).map(|(method, _)| *method).collect()
}

/// A short name for what was found, unlike that of any other life of the model.
pub fn name(found: &Found, model: &str, method: Method, seed: u64) -> Arc<str> {
    format!("found-{model}-{method}-s{seed}-l{}", found.number).into()
}
