//! Models, scenarios and steps with their units read and their names resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Asset, Fact, Facts, Level, Method, Network, Ownership, Power, Role};
use crate::trace::{Channel, PulsePattern};
use crate::unit::{Angle, Duration, Voltage};
use crate::yaml::Place;

use super::alter::But;

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
        | Action::WaitLockout
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
    /// Where it is defined.
    pub place: Place,
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

/// One step and where it is written.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// Where it is written.
    pub place: Place,
}

/// Something held and released: a button or a key of the keypad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A button.
    Button(Arc<str>),
    /// A key, by its label.
    Key(Arc<str>),
}

/// One item to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyToken {
    /// A key, by its label.
    Key(Arc<str>),
    /// A parameter that holds a code.
    Parameter(Arc<str>),
}

/// A supply setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Nominal voltage, or the cell inserted.
    On,
    /// No voltage, or the cell taken out.
    Off,
    /// The voltage at which the lock warns.
    Low,
    /// This voltage.
    Volts(Voltage),
}

/// An answer that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// Refused, or no answer at all.
    Refused,
    /// Bound.
    Paired,
    /// Not bound.
    Unpaired,
}

/// Something to see, hear or be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// Pulses of a light or of the beeper.
    Pulses {
        /// Light or beeper.
        channel: Channel,
        /// Their pattern.
        pattern: PulsePattern,
    },
    /// A contact takes a value.
    Contact {
        /// Bolt or door.
        channel: Channel,
        /// Thrown or closed.
        value: bool,
    },
    /// Words are spoken.
    Spoken {
        /// What they contain; any do if the source does not say.
        words: Option<Arc<str>>,
    },
    /// Something is told unasked.
    Notified {
        /// By whom.
        channel: Channel,
        /// What.
        what: Arc<str>,
    },
}

impl Observation {
    /// Where it is observed.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Pulses { channel, .. } | Self::Contact { channel, .. } | Self::Notified { channel, .. } => {
                channel.clone()
            }
            Self::Spoken { .. } => Channel::Voice,
        }
    }
}

/// A word of a request: a literal, or a parameter of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// As written.
    Word(Arc<str>),
    /// Bound where the operation is used.
    Parameter(Arc<str>),
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Press and stay.
    Hold(Vec<Control>),
    /// Let go.
    Release(Vec<Control>),
    /// Press and let go.
    Press {
        /// All at once.
        controls: Vec<Control>,
        /// How long; the rig's tap if not said.
        hold: Option<Duration>,
        /// How often.
        times: u32,
        /// Pause between two.
        gap: Option<Duration>,
        /// All within.
        within: Option<Duration>,
        /// Let go when this is observed instead.
        until: Option<Box<Step>>,
    },
    /// Type on the keypad.
    Type {
        /// What.
        keys: Vec<KeyToken>,
        /// Pause between two keys.
        gap: Option<Duration>,
        /// How long each is held.
        each: Option<Duration>,
    },
    /// Set the supply.
    Power {
        /// To what.
        to: Supply,
        /// One cell only.
        cell: Option<u8>,
        /// In a ramp.
        over: Option<Duration>,
        /// And back after so long.
        duration: Option<Duration>,
    },
    /// Turn the knob.
    Turn {
        /// By how much.
        by: Angle,
        /// In what time.
        over: Option<Duration>,
    },
    /// Close or open a contact that the rig moves.
    Contact {
        /// Door or cover.
        channel: Channel,
        /// Closed.
        closed: bool,
    },
    /// Let time pass.
    Wait(Duration),
    /// Let the lockout penalty pass.
    WaitLockout,
    /// Let time pass after an observation.
    WaitUntil {
        /// Which.
        observation: Box<Step>,
        /// How long after it.
        plus: Duration,
    },
    /// Observe.
    Observe {
        /// What.
        observation: Observation,
        /// In what time.
        within: Duration,
    },
    /// Observe that nothing happens.
    NoChange {
        /// Where.
        channels: Vec<Channel>,
        /// How long.
        duration: Duration,
    },
    /// Observe that something does not happen meanwhile.
    Never {
        /// What.
        observation: Observation,
        /// While this is done.
        body: Vec<Step>,
    },
    /// A person looks.
    Witness {
        /// For what.
        that: String,
        /// In what time.
        within: Duration,
    },
    /// Ask app, hub or cloud.
    Ask {
        /// Whom.
        channel: Channel,
        /// What.
        op: Arc<str>,
        /// With which words.
        arguments: Vec<(Arc<str>, Term)>,
        /// For which answer.
        expect: Reply,
        /// In what time.
        within: Duration,
    },
    /// Several at once.
    Together(Vec<Vec<Step>>),
    /// Again and again.
    Repeat {
        /// How often.
        times: u32,
        /// All within.
        within: Option<Duration>,
        /// What.
        body: Vec<Step>,
    },
    /// Use the model.
    Do {
        /// Which operation.
        operation: Arc<str>,
        /// Its parameters: a code's name, a role or a word.
        with: BTreeMap<Arc<str>, Arc<str>>,
    },
    /// A claim of the language.
    Claim(Claim),
}

/// Steps that are composed of a model's operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Give the lock an owner's data.
    Provision {
        /// How many user codes.
        user_codes: u8,
        /// Bind the app.
        app: bool,
        /// Bind the hub.
        hub: bool,
        /// Set a master code.
        master: bool,
    },
    /// Show that the data are there.
    Prove,
    /// Do the method's procedure.
    Reset,
    /// Take the power away and give it back.
    Restart {
        /// For how long.
        off: Duration,
        /// By taking out the cells.
        cells: bool,
    },
    /// Ask app and hub what they hold, so that it is on record before it is lost.
    Inventory,
    /// Try a code.
    Attempt {
        /// Which.
        code: Arc<str>,
        /// Whether it must be accepted.
        accepted: bool,
    },
    /// Enter wrong codes until the penalty begins.
    LockOut,
    /// The lock confirms as its source says.
    Confirmed,
    /// The lock does not show what its source says of a reset.
    Unconfirmed,
    /// Nothing of the owner is left.
    Erased(BTreeSet<Asset>),
    /// Factory defaults hold.
    FactoryState,
    /// It can be set up again.
    Recommission,
    /// Everything of the owner is still there.
    Unchanged,
    /// Either everything or nothing is still there.
    AllOrNothing,
}

impl Action {
    /// The strands of steps within it: a body, the branches of `together`, or what is waited for.
    pub fn children(&self) -> Vec<&[Step]> {
        match self {
            Self::Never { body, .. } | Self::Repeat { body, .. } => vec![body],
            Self::Together(branches) => branches.iter().map(Vec::as_slice).collect(),
            Self::Press { until: Some(step), .. } | Self::WaitUntil { observation: step, .. } => {
                vec![std::slice::from_ref(step)]
            }
            Self::Press { until: None, .. }
            | Self::Hold(_)
            | Self::Release(_)
            | Self::Type { .. }
            | Self::Power { .. }
            | Self::Turn { .. }
            | Self::Contact { .. }
            | Self::Wait(_)
            | Self::WaitLockout
            | Self::Observe { .. }
            | Self::NoChange { .. }
            | Self::Witness { .. }
            | Self::Ask { .. }
            | Self::Do { .. }
            | Self::Claim(_) => Vec::new(),
        }
    }
}

/// Steps and all those within them, in the order in which they are written.
pub fn all<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<&'a Step> {
    let mut found = Vec::new();
    let mut open: Vec<&Step> = steps.into_iter().collect();
    open.reverse();
    while let Some(step) = open.pop() {
        found.push(step);
        let at = open.len();
        open.extend(step.action.children().into_iter().flatten());
        open[at..].reverse();
    }
    found
}

/// Whether steps do the model's reset.
pub fn reset(steps: &[Step]) -> bool {
    all(steps).iter().any(|step| matches!(step.action, Action::Claim(Claim::Reset)))
}

/// Whom steps ask for what.
pub fn asked(steps: &[Step]) -> Vec<(&Channel, &str)> {
    all(steps)
        .into_iter()
        .filter_map(|step| match &step.action {
            Action::Ask { channel, op, .. } => Some((channel, &**op)),
            _ => None,
        })
        .collect()
}
