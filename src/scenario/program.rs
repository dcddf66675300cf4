//! What the engine plays: a case reduced to primitive steps, independent of any brand.

mod holds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::trace::{Argument, Channel, Value};
use crate::unit::Duration;
use crate::verdict::Limit;

use super::alter::Kind;
use super::ast::Observation;

use holds::Holds;

/// What to play, or why not.
#[derive(Clone, Debug)]
pub enum Content {
    /// Play it.
    Play(Program),
    /// The model states that the claim does not concern it.
    NotApplicable(String),
    /// The scenario asks for what it did not arrange: nothing can be concluded.
    Unprovable(String),
}

/// The steps of one case.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Parts in their order.
    pub parts: Vec<Part>,
    /// Claims left out because the model says nothing on them, with the reason.
    pub omitted: Vec<(String, String)>,
    /// What the manual documents against a clause, and this case confirms.
    pub deviations: Vec<String>,
    /// Number of marks that the steps refer to.
    pub marks: usize,
    /// Number of probes.
    pub probes: usize,
    /// How long the case may take.
    pub time_limit: Duration,
    /// The supply that counts as rest: what the lock has between cases.
    pub rest: Vec<(Channel, Value)>,
    /// Secrets used, with their number of digits.
    pub secrets: BTreeSet<(Arc<str>, u8)>,
    /// A contact has to bounce on purpose, within milliseconds.
    pub bounces: bool,
}

impl Program {
    /// The longest that it can take.
    pub fn longest(&self) -> Duration {
        let parts = self.parts.iter().map(|part| longest(&part.steps));
        parts.fold(Duration::ZERO, Duration::saturating_add).min(self.time_limit)
    }

    /// What is held, for how long at the longest, and what beside what: holds are those settings
    /// which `counts` says are.
    pub fn holds(&self, counts: impl Fn(&Channel, &Value) -> bool) -> Holds {
        let mut holds = Holds::default();
        let mut open = BTreeMap::new();
        let mut elapsed = Duration::ZERO;
        for part in &self.parts {
            elapsed = holds.walk(&part.steps, elapsed, &mut open, &counts);
        }
        open.into_iter().for_each(|(channel, since)| holds.note(channel, elapsed.saturating_sub(since)));
        holds
    }

    /// Whether any claim of it is of a code that is tried.
    pub fn tries_codes(&self) -> bool {
        self.parts.iter().any(|part| part.tries_code)
    }

    /// Every observation, those of what must not happen included.
    pub fn observations(&self) -> Vec<&Observation> {
        self.steps().into_iter().flat_map(|step| step.action.observations()).collect()
    }

    /// Every channel on which nothing at all may happen for a while.
    pub fn quiet_channels(&self) -> BTreeSet<&Channel> {
        let mut all = BTreeSet::new();
        for step in self.steps() {
            if let Action::NoChange { channels, .. } = &step.action {
                all.extend(channels);
            }
        }
        all
    }

    /// Every value that it sets.
    pub fn settings(&self) -> Vec<(&Channel, &Value)> {
        let mut all = Vec::new();
        for step in self.steps() {
            if let Action::Set { channel, value, .. } = &step.action {
                all.push((channel, value));
            }
        }
        all
    }

    /// Every channel that it needs.
    pub fn channels(&self) -> BTreeSet<Channel> {
        let mut all = BTreeSet::new();
        self.steps().into_iter().for_each(|step| step.action.note_channels(&mut all));
        all
    }

    /// Every step, those within others included, in the order in which they are written.
    pub fn steps(&self) -> Vec<&Step> {
        all(self.parts.iter().flat_map(|part| &part.steps))
    }
}

/// Steps and all those within them, in the order in which they are written.
pub fn all<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<&'a Step> {
    let mut found = Vec::new();
    let mut open: Vec<&Step> = steps.into_iter().collect();
    open.reverse();
    while let Some(step) = open.pop() {
        found.push(step);
        let inner = step.action.children().into_iter().flatten();
        let at = open.len();
        open.extend(inner);
        open[at..].reverse();
    }
    found
}

/// The longest that steps can take one after the other.
fn longest(steps: &[Step]) -> Duration {
    lasting(steps, true)
}

/// The same, if none of them is done that depends on what the lock did.
pub(super) fn straight(steps: &[Step]) -> Duration {
    lasting(steps, false)
}

fn lasting(steps: &[Step], with_branches: bool) -> Duration {
    steps.iter().fold(Duration::ZERO, |sum, step| sum.saturating_add(step.longest(with_branches)))
}

/// Where in a case a part belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the act: unmet ends the case, inconclusive.
    Arrange,
    /// The act: unmet ends the case.
    Act,
    /// After it, before anything is claimed: unmet ends the part only.
    Between,
    /// A claim: unmet ends the part only.
    Expect,
}

/// What the part is called that claims that all of the owner's data is there, or nothing.
pub const ALL_OR_NOTHING: &str = "all or nothing";
/// And the one that claims that it is nothing.
pub const NOTHING_LEFT: &str = "nothing left";

/// A named part of a case with a verdict of its own.
#[derive(Clone, Debug)]
pub struct Part {
    /// Name: `user codes erased`.
    pub name: String,
    /// Where it belongs.
    pub stage: Stage,
    /// It claims something of a code, which is tried.
    pub tries_code: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// What it means when a step's condition is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The lock is wrong.
    Fail,
    /// Nothing can be concluded.
    Inconclusive,
    /// Nothing.
    Ignore,
}

/// On whose account a step is played. From it alone follows what an unmet condition means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Brings about and shows the state that is tested.
    Setup,
    /// The model's procedure, as its manual prints it.
    Procedure,
    /// The same with an alteration: it need not answer as the manual says.
    Altered,
    /// What the scenario's author wrote into `act` or `expect`.
    Author,
    /// A claim of the language.
    Claim,
    /// Shows that the lock listens at all: without it, a refusal proves nothing.
    Control,
    /// What the rig did to the lock, measured: a stimulus that was none proves nothing.
    Stimulus,
    /// Leaves the lock as it was found; another step shows it if that failed.
    Tidying,
}

impl Origin {
    /// The one table of what an unmet condition means.
    pub const fn unmet(self) -> Weight {
        match self {
            Self::Procedure | Self::Author | Self::Claim => Weight::Fail,
            Self::Setup | Self::Control | Self::Stimulus => Weight::Inconclusive,
            Self::Altered | Self::Tidying => Weight::Ignore,
        }
    }
}

/// Number of a point in the case that later steps refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub usize);

/// Number of a result that later steps judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe(pub usize);

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What people call it; empty if its action says that: something is set, or a wait.
    pub label: String,
    /// On whose account it is played.
    pub origin: Origin,
    /// The alterations that it carries out: their witness in the program.
    pub alters: Vec<Kind>,
    /// What it does.
    pub action: Action,
}

impl Step {
    /// A step that carries out no alteration.
    pub fn new(label: impl Into<String>, origin: Origin, action: Action) -> Self {
        Self { label: label.into(), origin, alters: Vec::new(), action }
    }
}

/// From where on an observation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From the start of the step.
    Here,
    /// From an achieved edge, and a time after it.
    Mark(Mark, Duration),
    /// From the touch of a key, whose own click does not count.
    Touch(Mark),
}

/// An answer that a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `ok`.
    Done,
    /// Not `ok`, or no answer.
    Refused,
    /// Any answer, or none.
    Any,
    /// `paired` is so.
    Paired(bool),
    /// Not `paired`, no users, and no codes either if they must be gone.
    Erased {
        /// Codes must be gone too.
        codes: bool,
    },
    /// `paired`, so many codes if it says how many, and no second user.
    Holds {
        /// Codes that were stored.
        codes: Option<u64>,
        /// It must say how many users it has.
        users: bool,
    },
    /// An answer that says whether it is `paired`, which goes to a probe.
    Probe(Probe),
    /// It says which of the codes that were asked for it found.
    Found(Presence),
    /// It says a digest.
    Digest,
    /// It says the digest again that it said last of the same.
    SameDigest,
}

/// Which codes a memory must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Each of them.
    All,
    /// None of them.
    None,
    /// Each of them or none.
    AllOrNone,
}

/// What probes must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All yes.
    Yes,
    /// All no.
    No,
    /// All yes or all no.
    Same,
    /// The first is the opposite of every other.
    Opposite,
}

/// A primitive step.
#[derive(Clone, Debug)]
pub enum Action {
    /// Set a channel; its achieved edge is the mark.
    Set {
        /// Where.
        channel: Channel,
        /// To what.
        value: Value,
        /// Remembers when.
        mark: Option<Mark>,
    },
    /// Ask, and wait for the answer.
    Ask {
        /// Whom.
        channel: Channel,
        /// What.
        op: Arc<str>,
        /// With what.
        arguments: Vec<(Arc<str>, Argument)>,
        /// For which answer.
        expected: Expected,
        /// In what time.
        within: Duration,
        /// Remembers when it was asked.
        mark: Option<Mark>,
    },
    /// Let time pass after a point.
    Wait {
        /// After what.
        since: Since,
        /// How long.
        duration: Duration,
    },
    /// Observe.
    Observe {
        /// What.
        observation: Observation,
        /// From when.
        since: Since,
        /// Until when, from the start of the step.
        within: Duration,
        /// Remembers when it was met.
        mark: Option<Mark>,
        /// A contact that has the value already, and keeps it, is enough.
        already: bool,
    },
    /// Observe that not all of these show.
    Unseen {
        /// What would have to show together.
        observations: Vec<Observation>,
        /// From when.
        since: Since,
        /// Until when, from the start of the step.
        within: Duration,
    },
    /// Observe that nothing happens.
    NoChange {
        /// Where.
        channels: Vec<Channel>,
        /// How long.
        duration: Duration,
    },
    /// Observe whether the lock takes what was entered.
    Watch {
        /// What shows it.
        observation: Observation,
        /// When the first key was touched: from here to `since` a contact must not show it.
        first: Mark,
        /// After when it counts; what happened at that very moment was not caused by it.
        since: Mark,
        /// A contact must have the other value when the first key is touched.
        from_rest: bool,
        /// For how long, from the start of the step.
        within: Duration,
        /// Where the answer goes.
        probe: Probe,
    },
    /// Do this only if a probe says so.
    If {
        /// Which probe.
        probe: Probe,
        /// What it must say.
        yes: bool,
        /// What to do.
        body: Vec<Step>,
    },
    /// Judge probes.
    Judge {
        /// Which.
        probes: Vec<Probe>,
        /// How.
        rule: Rule,
        /// What to say if not.
        reason: String,
    },
    /// Judge the time between two marks.
    Measure {
        /// What it is called.
        name: String,
        /// From.
        from: Mark,
        /// To.
        to: Mark,
        /// Bounds.
        limit: Limit,
    },
    /// The part can't be proved.
    Unprovable {
        /// Why.
        reason: String,
    },
    /// Something must not happen meanwhile.
    Never {
        /// What.
        observation: Observation,
        /// While this is done.
        body: Vec<Step>,
    },
    /// The bolt may open while this is done; at any other time, an opening is a failure.
    MayOpen {
        /// What.
        body: Vec<Step>,
        /// What says whether the lock took what was entered; without it, it did.
        taken: Option<Probe>,
    },
    /// All of it in this time.
    Limited {
        /// The time.
        within: Duration,
        /// What.
        body: Vec<Step>,
    },
    /// One after the other.
    Sequence(Vec<Step>),
    /// Side by side.
    Together(Vec<Vec<Step>>),
}

impl Action {
    /// The strands of steps within it: one, or those of `together`.
    pub fn children(&self) -> Vec<&[Step]> {
        match self {
            Self::If { body, .. }
            | Self::Never { body, .. }
            | Self::MayOpen { body, .. }
            | Self::Limited { body, .. }
            | Self::Sequence(body) => vec![body],
            Self::Together(branches) => branches.iter().map(Vec::as_slice).collect(),
            Self::Set { .. }
            | Self::Ask { .. }
            | Self::Wait { .. }
            | Self::Observe { .. }
            | Self::Unseen { .. }
            | Self::NoChange { .. }
            | Self::Watch { .. }
            | Self::Judge { .. }
            | Self::Measure { .. }
            | Self::Unprovable { .. } => Vec::new(),
        }
    }

    /// Whether what follows happens later, even if everything is fast.
    pub fn takes_time(&self) -> bool {
        match self {
            Self::Set { .. }
            | Self::Ask { .. }
            | Self::Wait { .. }
            | Self::Observe { .. }
            | Self::Unseen { .. }
            | Self::NoChange { .. }
            | Self::Watch { .. } => true,
            Self::If { .. }
            | Self::Judge { .. }
            | Self::Measure { .. }
            | Self::Unprovable { .. }
            | Self::Never { .. }
            | Self::MayOpen { .. }
            | Self::Limited { .. }
            | Self::Sequence(_)
            | Self::Together(_) => false,
        }
    }

    /// The channels that it sets, asks or watches itself, without the steps within it.
    fn note_channels(&self, all: &mut BTreeSet<Channel>) {
        match self {
            // Most steps press a key, of the same keypad.
            Self::Set { channel, .. } | Self::Ask { channel, .. } if all.contains(channel) => {}
            Self::Set { channel, .. } | Self::Ask { channel, .. } => drop(all.insert(channel.clone())),
            Self::NoChange { channels, .. } => all.extend(channels.iter().cloned()),
            Self::Observe { .. } | Self::Never { .. } | Self::Unseen { .. } | Self::Watch { .. } => {
                all.extend(self.observations().iter().map(Observation::channel));
            }
            Self::Wait { .. }
            | Self::If { .. }
            | Self::Judge { .. }
            | Self::Measure { .. }
            | Self::Unprovable { .. }
            | Self::MayOpen { .. }
            | Self::Limited { .. }
            | Self::Sequence(_)
            | Self::Together(_) => {}
        }
    }

    /// What it observes itself, what must not happen included.
    fn observations(&self) -> &[Observation] {
        match self {
            Self::Observe { observation, .. }
            | Self::Never { observation, .. }
            | Self::Watch { observation, .. } => std::slice::from_ref(observation),
            Self::Unseen { observations, .. } => observations,
            Self::Set { .. }
            | Self::Ask { .. }
            | Self::Wait { .. }
            | Self::NoChange { .. }
            | Self::If { .. }
            | Self::Judge { .. }
            | Self::Measure { .. }
            | Self::Unprovable { .. }
            | Self::MayOpen { .. }
            | Self::Limited { .. }
            | Self::Sequence(_)
            | Self::Together(_) => &[],
        }
    }
}

impl Step {
    fn longest(&self, with_branches: bool) -> Duration {
        match &self.action {
            Action::If { .. } if !with_branches => Duration::ZERO,
            Action::Set { .. }
            | Action::Judge { .. }
            | Action::Measure { .. }
            | Action::Unprovable { .. } => Duration::ZERO,
            Action::Wait { duration, .. } | Action::NoChange { duration, .. } => *duration,
            Action::Ask { within, .. }
            | Action::Observe { within, .. }
            | Action::Unseen { within, .. }
            | Action::Watch { within, .. } => *within,
            Action::Limited { within, .. } => *within,
            Action::If { body, .. }
            | Action::Never { body, .. }
            | Action::MayOpen { body, .. }
            | Action::Sequence(body) => lasting(body, with_branches),
            Action::Together(branches) => {
                branches.iter().map(|branch| lasting(branch, with_branches)).max().unwrap_or_default()
            }
        }
    }
}
