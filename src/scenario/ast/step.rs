//! Steps: what is done, observed and claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Asset, Method, Near};
use crate::scenario::alter::But;
use crate::trace::{Channel, Phase, PulsePattern};
use crate::unit::{Angle, Duration, Ratio, Voltage};
use crate::yaml::Place;

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
    /// This share of the nominal voltage.
    Share(Ratio),
}

/// An answer that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// Refused, or no answer at all.
    Refused,
    /// Whatever it is.
    Any,
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
    /// What shows first when this begins: a light or a beep before its pattern is complete.
    pub fn first_sign(&self) -> Self {
        let Self::Pulses { channel, pattern } = self else { return self.clone() };
        let begins = |phase: &Phase| Phase {
            colour: Arc::clone(&phase.colour),
            count: None,
            on: None,
            off: None,
            lengths: Vec::new(),
            ends: false,
        };
        let phases = pattern.phases.first().map(begins).into_iter().collect();
        Self::Pulses { channel: channel.clone(), pattern: PulsePattern { phases } }
    }

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
    WaitLockout {
        /// Only until this share of its stated length has passed since it began.
        share: Option<Ratio>,
    },
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

/// User codes that an owner stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCodes {
    /// So many, in the first slots.
    Count(u8),
    /// In the first slot, in each whose number is a power of two, and in the last: where a loop that erases may stop.
    AcrossSlots,
}

/// Steps that are composed of a model's operations.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Give the lock an owner's data.
    Provision {
        /// Which user codes.
        user_codes: UserCodes,
        /// How many cards; one, if not said, wherever codes are stored and the model takes cards.
        cards: Option<u8>,
        /// The same of fingers.
        fingers: Option<u8>,
        /// Bind the app.
        app: bool,
        /// Bind the hub.
        hub: bool,
        /// Set a master code.
        master: bool,
    },
    /// Show that the data are there.
    Prove,
    /// Find each of the owner's codes in the lock's memory.
    ProveInMemory,
    /// Do the method's procedure.
    Reset,
    /// Do it altered, whatever the scenario alters besides.
    ResetBut(But),
    /// Do the procedure of another method of the same lock.
    ResetBy(Method),
    /// What should be there works, what should not is refused.
    VerifyState,
    /// Take the power away and give it back.
    Restart {
        /// For how long.
        off: Duration,
        /// By taking out the cells.
        cells: bool,
        /// With what the reset holds held as the power comes back, for this share of the stated time.
        held: Option<Ratio>,
    },
    /// Ask app and hub what they hold, so that it is on record before it is lost.
    Inventory,
    /// Try a code, a card or a finger.
    Attempt {
        /// Which, by its name in a scenario.
        code: Arc<str>,
        /// What is typed is not that code, but nearly.
        altered: Option<Near>,
        /// Whether it must be accepted.
        accepted: bool,
    },
    /// Enter wrong codes until the penalty begins.
    LockOut {
        /// What is done after each of them but the last.
        between: Vec<Step>,
    },
    /// Enter one wrong code fewer.
    NearlyLockOut,
    /// The lock confirms as its source says.
    Confirmed,
    /// The lock does not show what its source says of a reset.
    Unconfirmed,
    /// Nothing of the owner is left.
    Erased(BTreeSet<Asset>),
    /// Who was bound is obeyed in nothing.
    NoOldAccess,
    /// Factory defaults hold.
    FactoryState,
    /// It can be set up again.
    Recommission,
    /// Everything of the owner is still there.
    Unchanged,
    /// Either everything or nothing is still there.
    AllOrNothing,
    /// Nothing is still there, though the reset was cut short.
    NothingLeft,
    /// A probe finds this in the lock's memory.
    Memory(MemoryClaim),
}

/// What a probe must find in the lock's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryClaim {
    /// No code that was ever stored.
    Erased,
    /// All of the owner's codes or none.
    AllOrNothing,
    /// The firmware as it was.
    FirmwareUnchanged,
}

impl Action {
    /// The strands of steps within it: a body, the branches of `together`, or what is waited for.
    pub fn children(&self) -> Vec<&[Step]> {
        match self {
            Self::Never { body, .. }
            | Self::Repeat { body, .. }
            | Self::Claim(Claim::LockOut { between: body }) => vec![body],
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
            | Self::WaitLockout { .. }
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

/// Whether steps do anything to a lock, apart from watching it.
pub fn operates(steps: &[Step]) -> bool {
    all(steps).iter().any(|step| match &step.action {
        Action::Hold(_)
        | Action::Release(_)
        | Action::Press { .. }
        | Action::Type { .. }
        | Action::Power { .. }
        | Action::Turn { .. }
        | Action::Contact { .. }
        | Action::Ask { .. }
        | Action::Do { .. }
        | Action::Claim(_) => true,
        Action::Wait(_)
        | Action::WaitLockout { .. }
        | Action::WaitUntil { .. }
        | Action::Observe { .. }
        | Action::NoChange { .. }
        | Action::Never { .. }
        | Action::Witness { .. }
        | Action::Together(_)
        | Action::Repeat { .. } => false,
    })
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
