//! From claims and models to cases: which apply, over which points, and what each plays.

mod access;
mod act;
mod attempt;
mod baseline;
mod bolt;
mod context;
mod draft;
mod expect;
mod follow;
mod keys;
mod lockout;
mod master;
mod matrix;
mod memory;
mod power;
mod procedure;
mod provision;
mod token;

use std::sync::Arc;

use crate::lock::{Fact, Levels, Method, Named};
use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::Library;
use super::alter::{Kind, Plan as Altered, Subject};
use super::ast::{Cover, MethodChoice, Model, Scenario};
use super::point::{self, Grid, Point};
use super::program::{Content, Origin, Program, Stage};
pub use baseline::Start;
use context::{Context, Excluded};
use draft::Draft;

/// Digits of the proof that a maker issues for one reset.
pub const PROOF_DIGITS: u8 = 8;

/// Longest that a case may take if its scenario does not say.
const TIME_LIMIT: Duration = Duration::seconds(4 * 3600);

/// Which cases are wanted; empty lists mean all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Models by id.
    pub models: Vec<Arc<str>>,
    /// Scenarios by id.
    pub scenarios: Vec<Arc<str>>,
    /// Methods.
    pub methods: Vec<Method>,
    /// Case ids, with their repetition.
    pub cases: Vec<Arc<str>>,
    /// How often each is played, at least once.
    pub repeat: u32,
}

impl Selection {
    /// Whether the cases of a family are wanted, apart from their ids.
    pub(super) fn wants(&self, family: &Family) -> bool {
        fn within<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        within(&self.models, &family.model)
            && within(&self.scenarios, &family.scenario)
            && within(&self.methods, &family.method)
    }
}

/// All cases of one claim, model and method: the points of its axes.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub scenario: Arc<str>,
    pub model: Arc<str>,
    pub method: Method,
    pub grid: Grid,
}

impl Family {
    /// The same with every combination, whether it is a case by itself or not: one that is asked for by its id is
    /// played.
    fn whole(scenario: &Scenario, model: &Model, method: Method) -> Option<Self> {
        speaks_of(scenario, model, method).then(|| Self {
            scenario: Arc::clone(&scenario.id),
            model: Arc::clone(&model.facts.id),
            method,
            grid: Grid { axes: matrix::axes(scenario, model, method), rows: None },
        })
    }

    /// The family of a claim, a model and a method, if the claim speaks of them.
    pub(super) fn new(scenario: &Scenario, model: &Model, method: Method) -> Option<Self> {
        speaks_of(scenario, model, method).then(|| Self {
            scenario: Arc::clone(&scenario.id),
            model: Arc::clone(&model.facts.id),
            method,
            grid: matrix::grid(scenario, model, method),
        })
    }

    pub(super) fn count(&self) -> u64 {
        self.grid.count()
    }

    /// The case with a number below [`Family::count`].
    pub(super) fn case(&self, number: u64, repetition: u32) -> Option<Planned> {
        let point = self.grid.point(number)?;
        let (scenario, model, method) = (&self.scenario, &self.model, self.method);
        let id = format!("{scenario}~{model}~{method}{}~r{repetition}", point.suffix());
        Some(Planned {
            id: id.into(),
            scenario: Arc::clone(scenario),
            model: Arc::clone(model),
            method,
            point,
        })
    }

    /// All cases, each for the first time.
    pub(super) fn cases(&self) -> impl Iterator<Item = Planned> + '_ {
        (0..self.count()).filter_map(|number| self.case(number, 1))
    }
}

/// A case that is wanted, before its program is made.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Case id.
    pub id: Arc<str>,
    /// Scenario id.
    pub scenario: Arc<str>,
    /// Model id.
    pub model: Arc<str>,
    /// Method.
    pub method: Method,
    point: Point,
}

impl Planned {
    /// The same case, played for this time; 1 is the first.
    pub(super) fn repetition(&self, number: u32) -> Self {
        let stem = self.id.rsplit_once("~r").map_or(&*self.id, |(stem, _)| stem);
        Self { id: format!("{stem}~r{number}").into(), ..self.clone() }
    }

    /// Factors with the words for their levels.
    pub fn levels(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.point.levels.iter().map(|(name, level)| ((*name).into(), level.to_string().into())).collect()
    }

    /// Makes the program, or says why the model excludes the case.
    pub fn build(&self, library: &Library, start: Start) -> Content {
        match (library.scenarios.get(&self.scenario), library.models.get(&self.model)) {
            (Some(scenario), Some(model)) => content(scenario, model, self.method, &self.point, start),
            _ => Content::NotApplicable("the library has no such scenario or model".into()),
        }
    }

    /// An alteration of this case that a program does not carry out; [`Planned::build`] refuses such a program.
    pub fn unwitnessed(&self, library: &Library, program: &Program) -> Option<Kind> {
        let (scenario, model) = (library.scenarios.get(&self.scenario)?, library.models.get(&self.model)?);
        let facts = model.methods.get(&self.method)?.known()?;
        let subject = Subject { model, method: self.method, facts, levels: levels(&self.point) };
        unwitnessed(scenario, &subject, &scenario.but.plan(&self.point), program)
    }
}

/// The program of a claim at the first point of its axes, or why the model excludes it.
pub fn build(scenario: &Scenario, model: &Model, method: Method, start: Start) -> Content {
    let first = matrix::grid(scenario, model, method).point(0).unwrap_or_default();
    content(scenario, model, method, &first, start)
}

fn content(scenario: &Scenario, model: &Model, method: Method, point: &Point, start: Start) -> Content {
    match program(scenario, model, method, point, start) {
        Ok(program) => Content::Play(program),
        Err(Excluded::Model(reason)) => Content::NotApplicable(reason),
        Err(Excluded::Plan(reason)) => Content::Unprovable(reason),
    }
}

/// The families that are wanted, by model, method and scenario.
pub(super) fn families<'a>(
    library: &'a Library,
    selection: &'a Selection,
) -> impl Iterator<Item = Family> + 'a {
    library
        .models
        .values()
        .flat_map(|model| model.methods.keys().map(move |method| (model, *method)))
        .flat_map(move |(model, method)| {
            library.scenarios.values().filter_map(move |scenario| Family::new(scenario, model, method))
        })
        .filter(|family| selection.wants(family))
}

/// All wanted cases once, by model, method, scenario and levels.
pub fn expand(library: &Library, selection: &Selection) -> Vec<Planned> {
    if selection.cases.is_empty() {
        return families(library, selection).flat_map(|family| family.cases().collect::<Vec<_>>()).collect();
    }
    let found = selection.cases.iter().filter_map(|id| find(library, id));
    let mut found: Vec<_> = found.filter(|(family, ..)| selection.wants(family)).collect();
    let order = |(family, number, _): &(Family, u64, u32)| {
        (Arc::clone(&family.model), family.method, Arc::clone(&family.scenario), *number)
    };
    found.sort_by_key(order);
    found.dedup_by_key(|case| order(case));
    found.into_iter().filter_map(|(family, number, _)| family.case(number, 1)).collect()
}

/// The case with an id, if the library has it. Nothing else is made for it.
pub fn find_case(library: &Library, id: &str) -> Option<Planned> {
    let (family, number, repetition) = find(library, id)?;
    family.case(number, repetition)
}

/// The family of a case, its number there, and its repetition.
fn find(library: &Library, id: &str) -> Option<(Family, u64, u32)> {
    let (stem, repetition) = id.rsplit_once("~r")?;
    let repetition: u32 = repetition.parse().ok()?;
    let mut parts = stem.splitn(4, '~');
    let (scenario, model, method) = (parts.next()?, parts.next()?, parts.next()?);
    let suffix = parts.next().map_or_else(String::new, |rest| format!("~{rest}"));
    let (scenario, model) = (library.scenarios.get(scenario)?, library.models.get(model)?);
    let family = Family::whole(scenario, model, Method::from_word(method)?)?;
    let number = family.grid.number(&suffix)?;
    // Every other way to write the same, such as `r01`, is no id.
    let is_same = family.case(number, repetition)?.id.as_ref() == id;
    is_same.then_some((family, number, repetition))
}

/// Why a case is one, for people: the combinations of levels that no case before it has, or that it has all.
pub fn why(library: &Library, case: &Planned) -> String {
    let parts = library.scenarios.get(&case.scenario).zip(library.models.get(&case.model));
    let family =
        parts.and_then(|(scenario, model)| Some((scenario, Family::new(scenario, model, case.method)?)));
    let Some((scenario, family)) = family else { return String::new() };
    let axes: Vec<&str> = family.grid.axes.iter().map(|axis| axis.name).collect();
    let every = || format!("one of each combination of {}", axes.join(", "));
    let size = match scenario.cover {
        _ if axes.is_empty() => return "the only case of its claim and method".to_owned(),
        _ if family.grid.rows.is_none() => return every(),
        Cover::All => return every(),
        Cover::Pairwise => 2,
        Cover::ThreeWise => 3,
    };
    if matches!(case.build(library, Start::Delivered), Content::NotApplicable(_)) {
        return "says why it is not played".to_owned();
    }
    let words = |levels: Vec<(&str, point::Level)>| -> String {
        let words: Vec<String> = levels.iter().map(|(name, level)| format!("{name}={level}")).collect();
        words.join(" and ")
    };
    let number = family.grid.number(&case.point.suffix());
    let first = number.map(|number| family.grid.first(number, size)).unwrap_or_default();
    if first.is_empty() {
        return "has nothing that no case before it has".to_owned();
    }
    let first: Vec<String> = first.into_iter().map(words).collect();
    format!("the first case with {}", first.join("; "))
}

fn speaks_of(scenario: &Scenario, model: &Model, method: Method) -> bool {
    // A method that the source denies is a case that is not applicable; one that it does not
    // mention is none at all.
    let is_mentioned = !matches!(model.methods.get(&method), Some(Fact::Unknown) | None);
    match &scenario.methods {
        MethodChoice::All => is_mentioned,
        MethodChoice::Baseline => model.baseline == Some(method),
        MethodChoice::Some(set) => set.contains(&method) && is_mentioned,
    }
}

/// The levels of a point's factors.
fn levels(point: &Point) -> Levels {
    point.factors().fold(Levels::default(), Levels::with)
}

/// An alteration of the scenario that a program does not carry out.
fn unwitnessed(
    scenario: &Scenario,
    subject: &Subject<'_>,
    plan: &Altered,
    program: &Program,
) -> Option<Kind> {
    scenario.but.iter().find(|one| !one.is_witnessed(subject, plan, program)).map(|one| one.kind())
}

/// The program of a case, or why the model excludes it.
fn program(
    scenario: &Scenario,
    model: &Model,
    method: Method,
    point: &Point,
    start: Start,
) -> Result<Program, Excluded> {
    let fact = model.methods.get(&method).unwrap_or(&Fact::Unknown);
    let facts = fact.known().ok_or_else(|| fact.absence(&format!("a reset by {method}")))?;
    let subject = Subject { model, method, facts, levels: levels(point) };
    let plan = scenario.but.plan(point);
    scenario.but.iter().try_for_each(|alteration| alteration.applies(&subject, &plan))?;
    matrix::check_combination(scenario, subject.levels)?;
    matrix::check_levels(plan.without, facts, subject.levels)?;
    let cx = Context { subject, scenario, plan };
    let mut draft = Draft::new(&cx, scenario.time_limit.unwrap_or(TIME_LIMIT));
    cx.write(&mut draft, start)?;
    let program = draft.finish();
    match unwitnessed(scenario, &cx.subject, &cx.plan, &program) {
        // A program that does not do what its claim says would prove something else.
        Some(kind) => Err(Excluded::plan(format!("the case could not be made with `{kind}` applied"))),
        None => Ok(program),
    }
}

impl Context<'_> {
    /// Writes all stages of the case.
    fn write(&self, draft: &mut Draft, start: Start) -> Result<(), Excluded> {
        self.close_the_bench(draft);
        if start == Start::AsFound {
            self.bring_to_baseline(draft, "bring to baseline")?;
        }
        self.note_memory(draft)?;
        for step in &self.scenario.arrange {
            self.scenario_step(draft, step, Origin::Setup)?;
        }
        draft.part("arrange", Stage::Arrange);
        self.write_act(draft)?;
        self.write_expectations(draft)?;
        if start == Start::AsFound {
            self.bring_to_baseline(draft, "return to baseline")?;
        }
        Ok(())
    }

    /// Closes what a bench keeps closed.
    fn close_the_bench(&self, draft: &mut Draft) {
        if self.lock().cover {
            draft.set(Origin::Tidying, Channel::Cover, Value::Switch(true));
        }
        if self.lock().door {
            draft.set(Origin::Tidying, Channel::Door, Value::Switch(true));
        }
        draft.part("bench", Stage::Arrange);
    }
}
