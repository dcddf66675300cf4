//! Explores a model: hands out lives in rounds, hears what became of them, and makes one that failed as short as it can
//! be. A round is played like any plan, so whatever has cases has lives: evidence, replay and real benches.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::belief::Bond;
use crate::engine::{CaseResult, Cause};
use crate::evidence::CaseEntry;
use crate::explore::{Coverage, Deed, Drawing, Kind, Life, Permitted, Shrinking};
use crate::lock::{Method, Named, Near};
use crate::rig::Rig;
use crate::scenario::ast::{Model, Scenario};
use crate::scenario::{Content, Library, Plan, Selection, build};
use crate::unit::Duration;
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::fit::{start_of, unwired};
use super::session::case_seed;

/// A life that fails is tried to be made simpler so often at most.
const MAX_TRIES: usize = 2_000;
/// A file has so many lives at most: more would be a larger document than is read.
const LIVES_A_FILE: usize = 64;
/// A lock whose source does not say how many codes it holds is asked for no more slots than claims ask for.
const FEW_SLOTS: u16 = 6;

/// A life that failed, as short as it could be made.
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
    /// So many simpler lives were tried.
    pub tries: usize,
}

/// What became of a model and a method so far.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Lives that were played.
    pub lives: u64,
    /// What they reached.
    pub coverage: Coverage,
    /// Lives that nothing could be concluded from, with the reason of the first.
    pub unclear: (u64, Option<String>),
    /// How long it was in the lock's time.
    pub virtual_time: Duration,
}

/// Why a round is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To look at lives that were just drawn.
    Drawn,
    /// To make a life that failed simpler.
    Simpler,
    /// To keep what was found, with its evidence.
    Proof,
}

/// Lives that are played one after the other.
#[derive(Clone, Debug)]
pub struct Round {
    /// Why.
    pub purpose: Purpose,
    /// The model, and the scenario of each life.
    pub library: Library,
    /// Their cases.
    pub plan: Plan,
    /// The files in which they are written, by name.
    pub files: BTreeMap<String, String>,
    /// The number of the first life that was drawn for it.
    pub first: u64,
    lives: BTreeMap<String, (u64, Life)>,
}

impl Round {
    /// How many lives were drawn for it.
    pub fn drawn(&self) -> u64 {
        if self.purpose == Purpose::Drawn { self.lives.len() as u64 } else { 0 }
    }
}

/// What became of a life.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its scenario.
    pub scenario: String,
    /// The outcome.
    pub result: CaseResult,
    /// How long it was in the lock's time.
    pub length: Duration,
}

impl From<CaseEntry> for Ended {
    fn from(entry: CaseEntry) -> Self {
        let length = Duration::nanoseconds(entry.length_ns);
        Self { scenario: entry.scenario, result: entry.result, length }
    }
}

/// What is done next.
#[derive(Clone, Debug)]
enum State {
    /// Lives are drawn.
    Drawing,
    /// One failed, and is made simpler.
    Shrinking { shrinking: Shrinking, number: u64, drawn: usize, reason: String, tries: usize },
}

/// Explores a model by one of its methods.
pub struct Explorer<'a> {
    model: &'a Model,
    method: Method,
    drawing: Drawing,
    kinds: Vec<Kind>,
    /// What was drawn so far, which steers what is drawn next.
    drawn: Coverage,
    next: u64,
    state: State,
    /// The rig's error that ended it.
    broken: Option<String>,
    /// What the rig lacks for any life at all.
    lacks: Option<String>,
    /// What became of it so far.
    pub explored: Explored,
}

impl<'a> Explorer<'a> {
    /// Draws from what a model permits and a rig can do; no time of a life is longer than `longest`.
    pub fn new(model: &'a Model, method: Method, seed: u64, rig: &Rig, longest: Option<Duration>) -> Self {
        let (kinds, others, lacks) = kinds(model, method, rig);
        let slots = model.facts.code_slots.known().copied().unwrap_or(FEW_SLOTS);
        let slots = if has_codes(model) { u8::try_from(slots).unwrap_or(u8::MAX) } else { 0 };
        let bonds: Vec<Bond> = Bond::ALL.into_iter().filter(|bond| has_bond(model, *bond)).collect();
        let own = case_seed(seed, &format!("{}~{method}", model.facts.id));
        let is_masked = |near: &Near| model.facts.masking.is_some_and(|masking| masking.hides(*near));
        let near = Near::WORDS.iter().map(|(_, near)| *near).filter(|near| !is_masked(near)).collect();
        let permitted = Permitted { kinds: kinds.clone(), others, bonds, near, slots, longest };
        let drawing = Drawing::new(own, method, permitted);
        Self {
            model,
            method,
            drawing,
            kinds,
            drawn: Coverage::default(),
            next: 1,
            state: State::Drawing,
            broken: None,
            lacks,
            explored: Explored::default(),
        }
    }

    /// Kinds of deeds that the model permits.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The rig's error that ended it.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// What the rig lacks for any life at all.
    pub fn lacks(&self) -> Option<&str> {
        self.lacks.as_deref()
    }

    /// Draws so many lives again that were played before, and goes on behind them.
    pub fn skip(&mut self, lives: u64) {
        for _ in 0..lives {
            self.draw();
        }
    }

    /// Whether a life failed, and may still be made simpler.
    pub fn is_shrinking(&self) -> bool {
        matches!(self.state, State::Shrinking { .. })
    }

    /// What is played next, so many lives at most; nothing once it is over.
    ///
    /// # Errors
    /// A life is not what the language permits, which is lockrig's own fault.
    pub fn round(&mut self, size: usize) -> Result<Option<Round>, String> {
        let size = if self.broken.is_some() { 0 } else { size };
        let (purpose, first, lives) = self.next(size);
        if lives.is_empty() { Ok(None) } else { self.written(purpose, first, lives).map(Some) }
    }

    fn next(&mut self, size: usize) -> (Purpose, u64, Vec<(String, u64, Life)>) {
        if let State::Shrinking { shrinking, number, tries, .. } = &mut self.state {
            let left = size.min(MAX_TRIES.saturating_sub(*tries));
            let simpler: Vec<Life> = std::iter::from_fn(|| shrinking.simpler()).take(left).collect();
            *tries += simpler.len();
            let first = *number;
            let named =
                simpler.into_iter().zip(1..).map(|(life, try_)| (format!("try-{try_:04}"), try_, life));
            return (Purpose::Simpler, first, named.collect());
        }
        let first = self.next;
        let drawn = (0..if self.kinds.is_empty() { 0 } else { size }).map(|_| self.draw());
        let named = drawn.map(|(number, life)| (format!("life-{number:07}"), number, life));
        (Purpose::Drawn, first, named.collect())
    }

    /// What was found, once more, under a name of its own.
    ///
    /// # Errors
    /// That of [`Explorer::round`].
    pub fn proof(&self, found: &Found, id: &str) -> Result<Round, String> {
        self.written(Purpose::Proof, found.number, vec![(id.to_owned(), found.number, found.life.clone())])
    }

    fn draw(&mut self) -> (u64, Life) {
        let life = self.drawing.life(&self.drawn);
        self.drawn.note(&life);
        let number = self.next;
        self.next += 1;
        (number, life)
    }

    fn written(
        &self,
        purpose: Purpose,
        first: u64,
        lives: Vec<(String, u64, Life)>,
    ) -> Result<Round, String> {
        let mut files = BTreeMap::new();
        for (index, chunk) in lives.chunks(LIVES_A_FILE).enumerate() {
            let mut text = String::new();
            for (id, number, life) in chunk {
                let title = match purpose {
                    Purpose::Drawn => format!("Life {number} - {}", life.told()),
                    Purpose::Simpler => format!("Life {first}, made simpler - {}", life.told()),
                    Purpose::Proof => title_of(life),
                };
                let rule = if text.is_empty() { "" } else { "---\n" };
                // Writing to memory can't fail.
                let _ = write!(text, "{rule}{}", life.scenario(id, &title));
            }
            files.insert(format!("lives-{:04}.yaml", index + 1), text);
        }
        let sources = files.iter().map(|(name, text)| Source::new(name, text.clone().into_bytes()));
        let sources: Vec<Arc<Source>> =
            sources.collect::<Result<_, _>>().map_err(|diagnostic| diagnostic.message)?;
        let (mut library, findings) = Library::read(&[], &sources);
        if findings.has_errors() {
            return Err(format!(
                "lockrig itself wrote lives that it can't read: {}",
                findings.render(false, 100)
            ));
        }
        library.models.insert(Arc::clone(&self.model.facts.id), self.model.clone());
        let selection = Selection { methods: vec![self.method], ..Selection::default() };
        let plan = Plan::new(&library, selection);
        let lives = lives.into_iter().map(|(id, number, life)| (id, (number, life))).collect();
        Ok(Round { purpose, library, plan, files, first, lives })
    }

    /// Hears what became of a round.
    pub fn hear(&mut self, round: &Round, ended: impl IntoIterator<Item = Ended>) {
        let known = ended.into_iter().filter_map(|one| {
            let (number, life) = round.lives.get(&one.scenario)?;
            Some((*number, life, one))
        });
        let mut lives: Vec<(u64, &Life, Ended)> = known.collect();
        lives.sort_by_key(|(number, ..)| *number);
        let failed = lives.iter().find(|(.., one)| one.result.verdict == Verdict::Fail);
        let failed = failed.map(|(number, life, one)| (*number, (*life).clone(), one.result.reason.clone()));
        if round.purpose == Purpose::Drawn {
            lives.iter().for_each(|(_, life, one)| self.count(one, life));
        }
        if let Some((number, life, because)) = failed {
            match &mut self.state {
                State::Drawing => {
                    let drawn = life.possible().len();
                    let shrinking = Shrinking::new(life);
                    self.state = State::Shrinking { shrinking, number, drawn, reason: because, tries: 0 };
                }
                State::Shrinking { shrinking, reason, .. } => {
                    shrinking.fails(life);
                    *reason = because;
                }
            }
        }
        // A rig that failed is asked no more; what was found by then stays as short as it is.
        let error = lives.iter().find(|(.., one)| one.result.verdict == Verdict::Error);
        if let Some((.., one)) = error {
            self.broken.get_or_insert_with(|| one.result.reason.clone());
        }
    }

    fn count(&mut self, one: &Ended, life: &Life) {
        if !was_played(&one.result) {
            return;
        }
        if is_unclear(&one.result) {
            self.explored.unclear.0 += 1;
            self.explored.unclear.1.get_or_insert_with(|| one.result.reason.clone());
        }
        self.explored.lives += 1;
        self.explored.coverage.note(life);
        self.explored.virtual_time = self.explored.virtual_time.saturating_add(one.length);
    }

    /// What was found, as short as it is by now.
    pub fn found(&self) -> Option<Found> {
        let State::Shrinking { shrinking, number, drawn, reason, tries } = &self.state else { return None };
        Some(Found {
            life: shrinking.best.clone(),
            reason: reason.clone(),
            drawn: *drawn,
            number: *number,
            tries: *tries,
        })
    }
}

/// Whether anything was played of a life: nothing is, and nobody's fault is that, of one that can't be proved.
fn was_played(result: &CaseResult) -> bool {
    let is_over = matches!(result.verdict, Verdict::NotApplicable | Verdict::Aborted);
    !is_over && result.unplayed != Some(Cause::NotProvable)
}

/// Whether nothing could be concluded from a life.
pub fn is_unclear(result: &CaseResult) -> bool {
    was_played(result) && matches!(result.verdict, Verdict::Inconclusive | Verdict::Error)
}

fn title_of(life: &Life) -> String {
    format!("Found by exploring, after these deeds - {}", life.told())
}

fn has_bond(model: &Model, bond: Bond) -> bool {
    model.operation(bond.operation()).known().is_some()
}

/// Whether codes can be stored and tried.
fn has_codes(model: &Model) -> bool {
    ["add_code", "enter"].iter().all(|name| model.operation(name).known().is_some())
}

/// Kinds of deeds that a model permits and a rig can do, and methods by which it can be reset as well: a life of one such
/// deed can be played. If there is none for want of something on the rig, that as well.
fn kinds(model: &Model, method: Method, rig: &Rig) -> (Vec<Kind>, Vec<Method>, Option<String>) {
    let second = Duration::seconds(1);
    let some_bond = if has_bond(model, Bond::Hub) { Bond::Hub } else { Bond::App };
    // A life does not follow what a reset leaves of the owner before.
    let leaves_none = |method: &Method| {
        let facts = model.methods.get(method).and_then(|fact| fact.known());
        facts.is_some_and(|facts| facts.keeps.is_empty() && !facts.starts_unlocked)
    };
    let mut lacking = None;
    let mut is_possible = |deeds: Vec<Deed>| {
        let codes = if has_codes(model) { 2 } else { 0 };
        let life = Life { method, codes, deeds };
        let is_done = !life.deeds.is_empty() && life.possible().len() == life.deeds.len();
        let Some(scenario) = scenario_of(&life).filter(|_| is_done) else { return false };
        match is_playable(&scenario, model, method, rig) {
            Ok(is_playable) => is_playable,
            Err(reason) => {
                lacking.get_or_insert(reason);
                false
            }
        }
    };
    let others = methods(model).into_iter().filter(|other| *other != method && leaves_none(other));
    let others: Vec<Method> = others.filter(|other| is_possible(vec![Deed::ResetBy(*other, 1)])).collect();
    let of = |kind: Kind| match kind {
        Kind::Reset | Kind::ResetAndAsk | Kind::ResetBy if !leaves_none(&method) => Vec::new(),
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
        Kind::CutWhileOpening => vec![Deed::CutWhileOpening(0)],
        Kind::Wait => vec![Deed::Wait(second)],
        Kind::Status => vec![Deed::Status(some_bond)],
        Kind::Guest => vec![Deed::Guest("unpair")],
        Kind::Unpair => vec![Deed::Unpair(some_bond)],
        Kind::Pair => vec![Deed::Unpair(some_bond), Deed::Pair(some_bond)],
        Kind::PairAsAdmin => vec![Deed::Unpair(Bond::App), Deed::PairAsAdmin],
        Kind::AskUnpaired => vec![Deed::Unpair(some_bond), Deed::AskUnpaired(some_bond, "set_master")],
        Kind::ShortHold => vec![Deed::ShortHold(50)],
        Kind::Interrupted => vec![Deed::Interrupted(second)],
        Kind::Cut => vec![Deed::Cut(50)],
        Kind::Reset => vec![Deed::Reset(second.times(20), 1)],
        Kind::ResetAndAsk => vec![Deed::ResetAndAsk(1)],
        Kind::ResetBy => others.iter().take(1).map(|other| Deed::ResetBy(*other, 1)).collect(),
        Kind::Verify => vec![Deed::Verify],
    };
    let all = Kind::WORDS.iter().map(|(_, kind)| *kind);
    let kinds: Vec<Kind> = all.filter(|kind| is_possible(of(*kind))).collect();
    let lacking = lacking.filter(|_| kinds.is_empty());
    (kinds, others, lacking)
}

/// Whether the model permits it; an error if only the rig lacks what it needs.
fn is_playable(scenario: &Scenario, model: &Model, method: Method, rig: &Rig) -> Result<bool, String> {
    match build(scenario, model, method, start_of(rig)) {
        Content::Play(program) => match unwired(&program, rig, &model.facts) {
            None => Ok(true),
            Some(result) => Err(result.reason),
        },
        Content::NotApplicable(_) | Content::Unprovable(_) => Ok(false),
    }
}

fn scenario_of(life: &Life) -> Option<Scenario> {
    let source = Source::new("life.yaml", life.scenario("life", "A life").into_bytes()).ok()?;
    let (library, findings) = Library::read(&[], &[source]);
    library.scenarios.into_values().next().filter(|_| !findings.has_errors())
}

/// Methods by which a model is explored: those with a known procedure.
pub fn methods(model: &Model) -> BTreeSet<Method> {
    model.methods.iter().filter(|(_, fact)| fact.known().is_some()).map(|(method, _)| *method).collect()
}
