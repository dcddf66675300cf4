//! What a case is made from. Nothing in it changes while the program is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Asset, Credential, DebugPort, Fact, Facts, Levels, Power};
use crate::scenario::alter::{Plan, Subject};
use crate::scenario::ast::{self, Operation, Scenario};
use crate::scenario::program::Origin;
use crate::trace::Channel;
use crate::unit::{Duration, Voltage};

use crate::belief::{Belief, Bond};

/// Why a claim can't be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Excluded {
    /// The model states that it does not concern it, or does not state what it needs.
    Model(String),
    /// The scenario asks for what it did not arrange: nothing can be concluded.
    Plan(String),
}

impl From<String> for Excluded {
    fn from(reason: String) -> Self {
        Self::Model(reason)
    }
}

impl From<&str> for Excluded {
    fn from(reason: &str) -> Self {
        Self::Model(reason.to_owned())
    }
}

impl Excluded {
    pub(super) fn plan(reason: impl Into<String>) -> Self {
        Self::Plan(reason.into())
    }

    pub(super) fn reason(self) -> String {
        match self {
            Self::Model(reason) | Self::Plan(reason) => reason,
        }
    }
}

/// A keypad forgets half-typed keys within this time if its model does not say; those known take 5 s to 30 s.
const FORGETS: Duration = Duration::seconds(35);
/// What is stated to be over then is waited for so much longer.
pub(super) const MARGIN: Duration = Duration::seconds(2);
/// After a wrong code nothing is typed for so long if the model does not say, beyond the time for a bolt to move.
const DEAF: Duration = Duration::seconds(2);
/// A penalty for wrong codes is over within this time if the model does not state it.
const PENALTY: Duration = Duration::seconds(65);

/// The supply voltage of a level.
pub(super) fn level_voltage(facts: &Facts, power: Power) -> Result<Voltage, Excluded> {
    match power {
        Power::Ok => Ok(facts.power.nominal),
        Power::None => Ok(Voltage::default()),
        Power::Low => {
            let low = facts.power.low.known().copied();
            low.ok_or_else(|| facts.power.low.absence("a low-battery voltage").into())
        }
    }
}

/// The case's model, claim and point.
pub(super) struct Context<'a> {
    pub subject: Subject<'a>,
    pub scenario: &'a Scenario,
    /// The act with everything that the scenario alters.
    pub plan: Plan,
}

impl<'a> Context<'a> {
    pub(super) fn lock(&self) -> &'a Facts {
        &self.subject.model.facts
    }

    pub(super) fn levels(&self) -> Levels {
        self.subject.levels
    }

    /// Whose account the model's procedure of the act is on.
    pub(super) fn act(&self) -> Origin {
        // A lock without power answers nothing, though its reset was complete.
        if self.plan.is_negative || self.plan.cut.is_some() { Origin::Altered } else { Origin::Procedure }
    }

    pub(super) fn keeps(&self, asset: Asset) -> bool {
        self.subject.facts.keeps.contains(&asset)
    }

    /// What is said of data that stays, as documented: of every reset, or of this method alone.
    pub(super) fn kept(&self, asset: Asset, what: &str) -> String {
        if self.lock().keeps.contains(&asset) {
            format!("keeps its {what}")
        } else {
            format!("keeps its {what} when it is reset by {}", self.subject.method)
        }
    }

    pub(super) fn operation(&self, name: &str) -> Result<&'a Operation, Excluded> {
        let fact = self.subject.model.operation(name);
        fact.known().ok_or_else(|| fact.absence(&format!("operation `{name}`")).into())
    }

    pub(super) fn has(&self, operation: &str) -> bool {
        self.operation(operation).is_ok()
    }

    /// Whether an operation types or sends what a parameter stands for.
    pub(super) fn takes(&self, operation: &str, parameter: &str) -> bool {
        self.operation(operation).is_ok_and(|operation| ast::takes(&operation.procedure, parameter))
    }

    /// Whom an operation asks.
    pub(super) fn asks(&self, operation: &str, bond: Bond) -> bool {
        let steps =
            self.operation(operation).map(|operation| operation.procedure.as_slice()).unwrap_or_default();
        ast::asked(steps).iter().any(|(channel, _)| **channel == bond.channel())
    }

    pub(super) fn published_master(&self) -> Option<Credential> {
        self.lock().defaults.master.known().cloned().map(Credential::Published)
    }

    pub(super) fn published_codes(&self) -> Vec<Credential> {
        let codes = self.lock().defaults.user_codes.known().into_iter().flatten();
        codes.cloned().map(Credential::Published).collect()
    }

    /// The master code that is valid after a reset: the owner's if the reset keeps it, else what the source publishes.
    pub(super) fn master_after_reset(&self, belief: &Belief) -> Option<Credential> {
        let kept = belief.master.clone().filter(|_| self.keeps(Asset::MasterCode));
        kept.or_else(|| self.published_master())
    }

    /// The master code that is valid now.
    pub(super) fn master_now(&self, belief: &Belief) -> Option<Credential> {
        belief.master.clone().or_else(|| self.published_master())
    }

    /// The supply voltage of a level.
    pub(super) fn level_voltage(&self, power: Power) -> Result<Voltage, Excluded> {
        level_voltage(self.lock(), power)
    }

    /// When a keypad has certainly forgotten half-typed keys.
    pub(super) fn forgets(&self) -> Duration {
        self.lock().pad.forgets.known().map_or(FORGETS, |stated| stated.saturating_add(MARGIN))
    }

    /// When a lock that was started certainly takes something, or after so long if its source says nothing.
    pub(super) fn started(&self, otherwise: Duration) -> Duration {
        self.lock()
            .ready
            .after_power
            .known()
            .map_or(otherwise, |stated| otherwise.max(stated.saturating_add(MARGIN)))
    }

    /// How long nothing is typed after a code that should be wrong: what a deaf keypad refuses proves nothing.
    pub(super) fn deaf(&self) -> Duration {
        self.lock().pad.deaf.known().copied().unwrap_or(DEAF)
    }

    /// When a penalty for wrong codes is over.
    pub(super) fn penalty(&self) -> Duration {
        match &self.lock().lockout {
            Fact::Known(lockout) => lockout.duration.saturating_add(Duration::seconds(5)),
            Fact::Unknown => PENALTY,
            Fact::Unsupported => Duration::ZERO,
        }
    }

    /// So many wrong codes in a row certainly cause no penalty.
    pub(super) fn at_once(&self, codes: usize) -> usize {
        match &self.lock().lockout {
            Fact::Known(lockout) => usize::from(lockout.attempts.saturating_sub(1)).max(1),
            Fact::Unknown => 1,
            Fact::Unsupported => codes.max(1),
        }
    }

    pub(super) fn factors_set(&self) -> BTreeSet<&'static str> {
        self.scenario.given.keys().copied().chain(self.plan.without).collect()
    }

    /// Whether a code of this length can be entered.
    pub(super) fn takes_length(&self, digits: u8) -> bool {
        match self.lock().code_lengths {
            Some((shortest, longest)) => (shortest..=longest).contains(&digits),
            None => self.lock().code_digits == Fact::Known(digits) || self.ends_codes(),
        }
    }

    /// Whether a key ends a code, so that one of any length can be entered.
    pub(super) fn ends_codes(&self) -> bool {
        let steps = self.operation("enter").map(|enter| enter.procedure.as_slice()).unwrap_or_default();
        let last = steps.iter().rev().find_map(|step| match &step.action {
            ast::Action::Type { keys, .. } => keys.last(),
            _ => None,
        });
        matches!(last, Some(ast::KeyToken::Key(_)))
    }

    /// Why the model can't show anything on a channel, or take anything there.
    pub(super) fn lacks(&self, channel: &Channel) -> Option<String> {
        let lock = self.lock();
        let absent = match channel {
            Channel::Light(name) => !lock.lights.contains_key(name),
            Channel::Beeper => !lock.beeper,
            Channel::Voice => !lock.voice,
            Channel::Hub => !self.has("pair_hub"),
            Channel::App => !self.has("pair_app"),
            Channel::Door => !lock.door,
            Channel::Memory => !lock.debug_port,
            Channel::Reader => lock.reader.is_empty(),
            Channel::Button(name) => !lock.buttons.contains(name),
            Channel::Keypad => lock.keys.is_empty(),
            Channel::Knob => !lock.knob,
            Channel::Cover => !lock.cover,
            Channel::PowerCell(number) => !(1..=lock.power.cells).contains(number),
            Channel::Power
            | Channel::Bolt
            | Channel::Strike
            | Channel::Current
            | Channel::Console
            | Channel::Cloud
            | Channel::Operator => false,
        };
        absent.then(|| match channel {
            Channel::Memory => "the model's source mentions no debug port".to_owned(),
            _ => format!("the model has no {channel}"),
        })
    }

    /// Why steps of a scenario can't be done with the model, or can see nothing there.
    pub(super) fn lacks_any_of(&self, steps: &[ast::Step]) -> Option<String> {
        ast::all(steps).into_iter().find_map(|step| self.lacks_for(&step.action))
    }

    /// The same of one step, without those within it.
    fn lacks_for(&self, action: &ast::Action) -> Option<String> {
        let lock = self.lock();
        let key = |label: &Arc<str>| {
            (!lock.keys.contains(label)).then(|| format!("the model has no key `{label}`"))
        };
        let control = |control: &ast::Control| match control {
            ast::Control::Button(name) => self.lacks(&Channel::Button(Arc::clone(name))),
            ast::Control::Key(label) => key(label),
        };
        match action {
            ast::Action::Hold(list) | ast::Action::Release(list) => list.iter().find_map(control),
            ast::Action::Press { controls, .. } => controls.iter().find_map(control),
            ast::Action::Type { keys, .. } => keys.iter().find_map(|token| match token {
                ast::KeyToken::Key(label) => key(label),
                ast::KeyToken::Parameter(_) => self.lacks(&Channel::Keypad),
            }),
            ast::Action::Power { cell, .. } => cell.and_then(|cell| self.lacks(&Channel::PowerCell(cell))),
            ast::Action::Turn { .. } => self.lacks(&Channel::Knob),
            ast::Action::Ask { channel: Channel::Memory, op, expect: ast::Reply::Refused, .. }
                if &**op == "read" && lock.memory.as_ref().is_some_and(|map| map.port == DebugPort::Open) =>
            {
                Some("the debug port is open, as the source states".to_owned())
            }
            ast::Action::Contact { channel, .. } | ast::Action::Ask { channel, .. } => self.lacks(channel),
            ast::Action::NoChange { channels, .. } => channels.iter().find_map(|channel| self.lacks(channel)),
            ast::Action::Observe { observation, .. } | ast::Action::Never { observation, .. } => {
                self.cannot_show(observation)
            }
            ast::Action::WaitLockout { .. } => {
                let fact = &lock.lockout;
                fact.known().is_none().then(|| fact.absence("a lockout"))
            }
            ast::Action::Do { operation, .. } => self.operation(operation).err().map(Excluded::reason),
            ast::Action::Wait(_)
            | ast::Action::WaitUntil { .. }
            | ast::Action::Witness { .. }
            | ast::Action::Together(_)
            | ast::Action::Repeat { .. }
            | ast::Action::Claim(_) => None,
        }
    }

    fn cannot_show(&self, observation: &ast::Observation) -> Option<String> {
        let channel = observation.channel();
        self.lacks(&channel).or_else(|| {
            let ast::Observation::Pulses { pattern, .. } = observation else { return None };
            let Channel::Light(name) = &channel else { return None };
            let known = self.lock().lights.get(name);
            let missing = |colour: &Arc<str>| !known.is_some_and(|colours| colours.contains(colour));
            let phase = pattern.phases.iter().find(|phase| missing(&phase.colour))?;
            Some(format!("the model has no {} {channel}", phase.colour))
        })
    }
}
