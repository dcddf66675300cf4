//! What the engine plays: a case reduced to primitive steps, independent of any brand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::trace::{Argument, Channel, Value};
use crate::unit::{Duration, Ratio};
use crate::verdict::Limit;

use super::ast::Observation;

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

    /// Every observation, those of what must not happen included.
    pub fn observations(&self) -> Vec<&Observation> {
        self.actions()
            .into_iter()
            .flat_map(|action| match action {
                Action::Observe { observation, .. } | Action::Never { observation, .. } => {
                    std::slice::from_ref(observation)
                }
                Action::Unseen { observations, .. } => observations,
                _ => &[],
            })
            .collect()
    }

    /// Every channel on which nothing at all may happen for a while.
    pub fn quiet_channels(&self) -> BTreeSet<&Channel> {
        self.actions()
            .into_iter()
            .filter_map(|action| match action {
                Action::NoChange { channels, .. } => Some(channels),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// Every value that it sets.
    pub fn settings(&self) -> Vec<(&Channel, &Value)> {
        self.actions()
            .into_iter()
            .filter_map(|action| match action {
                Action::Set { channel, value, .. } => Some((channel, value)),
                _ => None,
            })
            .collect()
    }

    /// Every channel that it needs.
    pub fn channels(&self) -> BTreeSet<Channel> {
        let mut all = BTreeSet::new();
        for action in self.actions() {
            match action {
                Action::Set { channel, .. } | Action::Ask { channel, .. } | Action::Watch { channel, .. } => {
                    all.insert(channel.clone());
                }
                Action::Observe { observation, .. } | Action::Never { observation, .. } => {
                    all.insert(observation.channel());
                }
                Action::Unseen { observations, .. } => {
                    all.extend(observations.iter().map(Observation::channel))
                }
                Action::NoChange { channels, .. } => all.extend(channels.iter().cloned()),
                _ => {}
            }
        }
        all
    }

    /// Every action, those within others included.
    fn actions(&self) -> Vec<&Action> {
        let mut all = Vec::new();
        let mut open: Vec<&Step> = self.parts.iter().flat_map(|part| &part.steps).collect();
        while let Some(step) = open.pop() {
            open.extend(step.action.inner());
            all.push(&step.action);
        }
        all
    }
}

/// What a case holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// How long each channel can stay at what it was set to before it is set again.
    pub longest: BTreeMap<Channel, Duration>,
    /// Two channels that can be held at the same time, or one without a pause after the other; the
    /// lesser first.
    pub together: BTreeSet<(Channel, Channel)>,
}

/// What is held, and since when.
type Held = BTreeMap<Channel, Duration>;

impl Holds {
    /// When the steps have ended at the latest, if they begin when `elapsed` has passed.
    fn walk(
        &mut self,
        steps: &[Step],
        mut elapsed: Duration,
        open: &mut Held,
        counts: &impl Fn(&Channel, &Value) -> bool,
    ) -> Duration {
        for step in steps {
            match &step.action {
                Action::Set { channel, value, .. } => {
                    if counts(channel, value) {
                        open.keys().for_each(|other| self.pair(channel, other));
                        open.entry(channel.clone()).or_insert(elapsed);
                    } else if let Some(since) = open.remove(channel) {
                        self.note(channel.clone(), elapsed.saturating_sub(since));
                    }
                }
                Action::If { body, .. }
                | Action::Never { body, .. }
                | Action::Sequence(body)
                | Action::Limited { body, .. } => {
                    elapsed = self.walk(body, elapsed, open, counts);
                    continue;
                }
                Action::Together(branches) => {
                    elapsed = self.side_by_side(branches, elapsed, open, counts);
                    continue;
                }
                _ => {}
            }
            elapsed = elapsed.saturating_add(step.longest());
        }
        elapsed
    }

    /// Whatever one branch holds at any time can be held beside whatever another does.
    fn side_by_side(
        &mut self,
        branches: &[Vec<Step>],
        elapsed: Duration,
        open: &mut Held,
        counts: &impl Fn(&Channel, &Value) -> bool,
    ) -> Duration {
        let mut end = elapsed;
        let mut held: Vec<BTreeSet<&Channel>> = Vec::new();
        for branch in branches {
            end = end.max(self.walk(branch, elapsed, open, counts));
            let mut all = BTreeSet::new();
            let mut steps: Vec<&Step> = branch.iter().collect();
            while let Some(step) = steps.pop() {
                steps.extend(step.action.inner());
                if let Action::Set { channel, value, .. } = &step.action
                    && counts(channel, value)
                {
                    all.insert(channel);
                }
            }
            for (one, other) in
                held.iter().flatten().flat_map(|one| all.iter().map(move |other| (one, other)))
            {
                self.pair(one, other);
            }
            held.push(all);
        }
        end
    }

    fn pair(&mut self, one: &Channel, other: &Channel) {
        if one != other {
            self.together.insert((one.min(other).clone(), one.max(other).clone()));
        }
    }

    fn note(&mut self, channel: Channel, length: Duration) {
        let longest = self.longest.entry(channel).or_default();
        *longest = (*longest).max(length);
    }
}

/// The longest that steps can take one after the other.
fn longest(steps: &[Step]) -> Duration {
    steps.iter().fold(Duration::ZERO, |sum, step| sum.saturating_add(step.longest()))
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

/// A named part of a case with a verdict of its own.
#[derive(Clone, Debug)]
pub struct Part {
    /// Name: `user codes erased`.
    pub name: String,
    /// Where it belongs.
    pub stage: Stage,
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
    /// Nothing: an altered procedure need not answer as the manual says.
    Ignore,
}

/// Number of a point in the case that later steps refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub usize);

/// Number of a result that later steps judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe(pub usize);

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What people call it.
    pub label: String,
    /// What it does.
    pub action: Action,
}

/// From where on an observation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From the start of the step.
    Here,
    /// From an achieved edge, and a time after it.
    Mark(Mark, Duration),
}

/// An answer that a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `ok`.
    Done,
    /// Not `ok`, or no answer.
    Refused,
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
    /// Any answer; whether `paired` goes to a probe.
    Probe(Probe),
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
        /// If not.
        weight: Weight,
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
        /// If not.
        weight: Weight,
    },
    /// Observe that not all of these show.
    Unseen {
        /// What would have to show together.
        observations: Vec<Observation>,
        /// From when.
        since: Since,
        /// Until when, from the start of the step.
        within: Duration,
        /// If all do.
        weight: Weight,
    },
    /// Observe that nothing happens.
    NoChange {
        /// Where.
        channels: Vec<Channel>,
        /// How long.
        duration: Duration,
        /// If something does.
        weight: Weight,
    },
    /// Observe whether a contact takes a value.
    Watch {
        /// Which contact.
        channel: Channel,
        /// Which value.
        value: bool,
        /// When the first key was touched: from here to `since` it must not take the value.
        first: Mark,
        /// After when it counts; what happened at that very moment was not caused by it.
        since: Mark,
        /// It must have the other value when the first key is touched.
        from_rest: bool,
        /// If it took the value too early.
        weight: Weight,
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
        /// If not.
        weight: Weight,
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
        /// If outside.
        weight: Weight,
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
    /// All of it in this time.
    Limited {
        /// The time.
        within: Duration,
        /// If not.
        weight: Weight,
        /// What.
        body: Vec<Step>,
    },
    /// One after the other.
    Sequence(Vec<Step>),
    /// Side by side.
    Together(Vec<Vec<Step>>),
}

impl Action {
    /// The steps within it.
    fn inner(&self) -> Vec<&Step> {
        match self {
            Self::If { body, .. }
            | Self::Never { body, .. }
            | Self::Limited { body, .. }
            | Self::Sequence(body) => body.iter().collect(),
            Self::Together(branches) => branches.iter().flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether what follows happens later, even if everything is fast.
    pub fn takes_time(&self) -> bool {
        !matches!(
            self,
            Self::If { .. }
                | Self::Judge { .. }
                | Self::Measure { .. }
                | Self::Unprovable { .. }
                | Self::Never { .. }
                | Self::Limited { .. }
                | Self::Sequence(_)
                | Self::Together(_)
        )
    }
}

impl Step {
    fn longest(&self) -> Duration {
        match &self.action {
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
            Action::If { body, .. } | Action::Never { body, .. } | Action::Sequence(body) => longest(body),
            Action::Together(branches) => {
                branches.iter().map(|branch| longest(branch)).max().unwrap_or_default()
            }
        }
    }
}

/// A sweep's share as a level's word: `40`, `12.5`.
pub(super) fn share_word(share: Ratio) -> Arc<str> {
    (share.as_parts_per_million() as f64 / 1e4).to_string().into()
}
