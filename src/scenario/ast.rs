//! Models, scenarios and steps with their units read and their names resolved.

mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Asset, Fact, Facts, Level, Method, Network, Ownership, Power, Role, named_enum};
use crate::unit::{Angle, Duration, Ratio};
use crate::yaml::Place;

use super::alter::But;
pub use step::*;

/// A model with its procedures.
#[derive(Clone, Debug)]
pub struct Model {
    /// What its manual says.
    pub facts: Facts,
    /// How a bench brings it to a known state, if it can be reset at all.
    pub baseline: Option<Method>,
    /// Ways to reset it.
    pub methods: BTreeMap<Method, Fact<MethodFacts>>,
    /// Ways to use it.
    pub operations: BTreeMap<Arc<str>, Fact<Operation>>,
    /// Names of the files that it was made from, itself first.
    pub files: Vec<String>,
    /// Where it is defined.
    pub place: Place,
}

impl Model {
    /// What its source says of an operation.
    pub fn operation(&self, name: &str) -> &Fact<Operation> {
        self.operations.get(name).unwrap_or(&Fact::Unknown)
    }

    /// Whether any procedure is known.
    pub fn can_be_reset(&self) -> bool {
        self.methods.values().any(|fact| fact.known().is_some())
    }
}

/// One method of one model.
#[derive(Clone, Debug)]
pub struct MethodFacts {
    /// The manual has the reset begin with the bolt open.
    pub starts_unlocked: bool,
    /// Levels at which it works.
    pub needs: Needs,
    /// What decides whether a reset happens.
    pub decisive: Decisive,
    /// What the source says that it erases.
    pub erases: BTreeSet<Asset>,
    /// What stays after it, as documented.
    pub keeps: BTreeSet<Asset>,
    /// The steps as the manual prints them.
    pub procedure: Vec<Step>,
    /// How the lock confirms it: all of these at once.
    pub confirmed_by: Fact<Vec<Step>>,
    /// Operations that the manual demands afterwards.
    pub afterwards: Vec<Arc<str>>,
}

impl MethodFacts {
    /// What is held all through a stretch that begins or ends with it.
    pub fn held_in(&self, interval: &Interval) -> Option<&[Control]> {
        match (&self.procedure.get(interval.from)?.action, &self.procedure.get(interval.to)?.action) {
            (Action::Hold(controls), _) | (_, Action::Release(controls)) => Some(controls),
            _ => None,
        }
    }

    /// What is pressed when a stretch begins.
    pub fn pressed_at(&self, interval: &Interval) -> Option<&[Control]> {
        match &self.procedure.get(interval.from)?.action {
            Action::Hold(controls) => Some(controls),
            _ => None,
        }
    }

    /// Within which a reset is confirmed, as far as the source states it.
    pub fn confirmation_window(&self) -> Duration {
        /// Of a lock whose source states none, for cuts of the power.
        const UNSEEN: Duration = Duration::seconds(10);
        let within = |step: &Step| match &step.action {
            Action::Observe { within, .. } => *within,
            _ => Duration::ZERO,
        };
        self.confirmed_by.known().and_then(|steps| steps.iter().map(within).max()).unwrap_or(UNSEEN)
    }

    /// Whether the procedure types or sends what a parameter stands for.
    pub fn takes(&self, parameter: &str) -> bool {
        takes(&self.procedure, parameter)
    }
}

/// Whether steps type or send what a parameter stands for.
pub fn takes(steps: &[Step], parameter: &str) -> bool {
    all(steps).iter().any(|step| match &step.action {
        Action::Type { keys, .. } => {
            keys.iter().any(|key| matches!(key, KeyToken::Parameter(name) if **name == *parameter))
        }
        Action::Ask { arguments, .. } => {
            arguments.iter().any(|(_, term)| matches!(term, Term::Parameter(name) if **name == *parameter))
        }
        Action::Hold(_)
        | Action::Release(_)
        | Action::Press { .. }
        | Action::Power { .. }
        | Action::Turn { .. }
        | Action::Contact { .. }
        | Action::Wait(_)
        | Action::WaitLockout { .. }
        | Action::WaitUntil { .. }
        | Action::Observe { .. }
        | Action::NoChange { .. }
        | Action::Never { .. }
        | Action::Witness { .. }
        | Action::Together(_)
        | Action::Repeat { .. }
        | Action::Do { .. }
        | Action::Claim(_) => false,
    })
}

/// Levels at which a method works; an empty set is any level.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Supply.
    pub power: BTreeSet<Power>,
    /// Ownership.
    pub ownership: BTreeSet<Ownership>,
    /// Network.
    pub network: BTreeSet<Network>,
    /// Role.
    pub role: BTreeSet<Role>,
}

impl Needs {
    /// Whether the method works at `level`.
    pub fn permits(&self, level: Level) -> bool {
        fn within<T: Ord>(set: &BTreeSet<T>, item: &T) -> bool {
            set.is_empty() || set.contains(item)
        }
        match level {
            Level::Power(power) => within(&self.power, &power),
            Level::Ownership(ownership) => within(&self.ownership, &ownership),
            Level::Network(network) => within(&self.network, &network),
            Level::Role(role) => within(&self.role, &role),
        }
    }
}

/// What decides whether a reset happens: what a negative scenario alters.
#[derive(Clone, Debug, Default)]
pub struct Decisive {
    /// A hold that must last at least so long.
    pub hold: Option<Interval>,
    /// A second such hold.
    pub second_hold: Option<Interval>,
    /// A pause that must last at most so long.
    pub gap: Option<Interval>,
    /// Presses in a row.
    pub presses: Option<Presses>,
    /// Keys typed.
    pub keys: Option<u32>,
    /// A turn.
    pub rotation: Option<Angle>,
}

impl Decisive {
    /// Index of the step of the method's procedure with which the last hold, pause, key or turn is met, if it names any.
    /// Presses don't count: what is held around them may have to last.
    pub fn end(&self, procedure: &[Step]) -> Option<usize> {
        let last = |is_one: fn(&Action) -> bool| {
            procedure.iter().rposition(|step| all([step]).iter().any(|step| is_one(&step.action)))
        };
        let intervals = [&self.hold, &self.second_hold, &self.gap].into_iter().flatten();
        let keys = self.keys.and_then(|_| last(|action| matches!(action, Action::Type { .. })));
        let turn = self.rotation.and_then(|_| last(|action| matches!(action, Action::Turn { .. })));
        intervals.map(|interval| interval.to).chain(keys).chain(turn).max()
    }
}

/// The step whose number of presses decides.
#[derive(Clone, Debug)]
pub struct Presses {
    /// Index of the step.
    pub step: usize,
    /// How often it presses.
    pub count: u32,
    /// How many controls at once.
    pub controls: usize,
}

/// A stretch of a procedure between two of its steps.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Index of the step that begins it.
    pub from: usize,
    /// Index of the step that ends it.
    pub to: usize,
    /// Its decisive length.
    pub length: Duration,
    /// The share of it from which on the lock may take a hold for long enough: its clock is its own.
    pub just_under: Ratio,
}

/// A way to use a model.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Names of its parameters.
    pub parameters: Vec<Arc<str>>,
    /// Its steps.
    pub procedure: Vec<Step>,
    /// How the lock shows that it took what was entered.
    pub accepted_by: Option<Step>,
}

/// A claim.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Identifier, safe as a file name.
    pub id: Arc<str>,
    /// One sentence for people.
    pub title: String,
    /// Clauses that it is evidence for.
    pub clauses: Vec<Arc<str>>,
    /// Which methods it speaks of.
    pub methods: MethodChoice,
    /// Levels by factor.
    pub given: BTreeMap<&'static str, Vec<Level>>,
    /// Which of their combinations are cases.
    pub cover: Cover,
    /// Combinations that are none: levels by factor, all of which a case would have.
    pub exclude: Vec<BTreeMap<&'static str, Vec<Level>>>,
    /// Brings the lock into the state that is tested.
    pub arrange: Vec<Step>,
    /// What is altered.
    pub but: But,
    /// What is done.
    pub act: Vec<Step>,
    /// What must then hold.
    pub expect: Vec<Step>,
    /// How long a case may take.
    pub time_limit: Option<Duration>,
    /// Names of the files that it was made from, itself first.
    pub files: Vec<String>,
    /// Where it is defined.
    pub place: Place,
}

named_enum! {
    /// Which combinations of levels are cases.
    Cover {
        /// Every one.
        All = "all",
        /// So few that any two levels of different factors meet in one.
        Pairwise = "pairwise",
        /// So few that any three do.
        ThreeWise = "3-wise",
    }
}

/// Which methods a scenario speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodChoice {
    /// Every method of the model.
    All,
    /// The model's baseline only: the claim is not about a method.
    Baseline,
    /// These.
    Some(BTreeSet<Method>),
}
