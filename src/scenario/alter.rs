//! How a scenario alters a reset: one file an alteration. Each changes what the *model* says is decisive, and
//! never a brand's steps.
//!
//! An alteration says to which methods it applies, over which levels it spreads, and what it changes in the
//! [`Plan`] of the act; the plan is carried out as a whole, so that any set of them composes. Its *witness* is a
//! step of the finished program: one that lacks it is refused and never played.

mod bolt;
mod bounces;
mod cut;
mod dropout;
mod gap;
mod hold;
mod interrupted;
mod missing_buttons;
mod missing_keys;
mod pause;
mod presses;
mod proof;
mod rotation;
mod without;
mod wrong_key;

use std::sync::Arc;

use crate::lock::{Levels, Method, named_enum};
use crate::unit::{Duration, Ratio};

use super::ast::{Interval, MethodFacts, Model};
use super::point::{Axis, Level, Point};
use super::program::{Program, Step};

pub use bolt::Bolt;
pub(super) use bolt::takes_the_power;
pub(super) use bounces::Bounces;
pub(super) use cut::CutPower;
pub(super) use dropout::{Dropout, Sequence, sequence};
pub(super) use gap::Gap;
pub(super) use hold::{Hold, Share, Stretch};
pub(super) use interrupted::Interrupted;
pub(super) use missing_buttons::{MissingButtons, are_buttons, still_held};
pub(super) use missing_keys::MissingKeys;
pub(super) use pause::Pause;
pub(super) use presses::Presses;
pub(super) use proof::UsedProof;
pub(super) use rotation::Rotation;
pub(super) use without::Without;
pub(super) use wrong_key::WrongKey;

named_enum! {
    /// Which alteration, by the word that `but:` has for it.
    Kind {
        /// The decisive hold lasts another share of its length.
        Hold = "hold",
        /// The second one does.
        SecondHold = "second_hold",
        /// The pause between two steps does.
        Gap = "gap",
        /// What is held is let go in the middle.
        Interrupted = "interrupted_for",
        /// The contact bounces when it closes.
        Bounces = "bounces",
        /// More presses, or fewer.
        Presses = "presses",
        /// A key is another one.
        WrongKey = "wrong_key",
        /// The last keys are not typed.
        MissingKeys = "missing_keys",
        /// One of several buttons is not held.
        MissingButtons = "missing_buttons",
        /// Nothing is typed for a while before the last key.
        Pause = "pause",
        /// The supply is gone for a while before the last key or press.
        Dropout = "dropout",
        /// The maker's proof was used before.
        Proof = "proof",
        /// The bolt is jammed, or on its way.
        Bolt = "bolt",
        /// The turn is another share of its angle.
        Rotation = "rotation",
        /// A condition of the reset is not met.
        Without = "without",
        /// The power is cut while the lock confirms.
        CutPower = "cut_power_at",
    }
}

/// The method whose reset is altered.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub model: &'a Model,
    pub method: Method,
    pub facts: &'a MethodFacts,
    pub levels: Levels,
}

impl Subject<'_> {
    /// No such quantity decides: the claim does not concern the method.
    fn has_no(&self, what: &str) -> String {
        format!("a reset by {} does not depend on a {what}", self.method)
    }
}

/// What the act of a case is: the model's procedure with everything that is altered, carried out as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Share of its length that a stretch lasts.
    pub hold: Option<Share>,
    pub second_hold: Option<Share>,
    pub gap: Option<Ratio>,
    pub interrupted_for: Option<Duration>,
    pub bounces: u32,
    pub presses: i32,
    pub rotation: Option<Ratio>,
    /// Of all the keys that are typed, from 1.
    pub wrong_key: Option<u32>,
    pub missing_keys: u32,
    pub missing_buttons: u32,
    pub pause: Option<Duration>,
    /// Before the last key or press the supply is gone for so long.
    pub dropout: Option<Duration>,
    pub used_proof: bool,
    pub bolt: Option<Bolt>,
    /// The factor whose level does not permit the reset.
    pub without: Option<&'static str>,
    pub cut: Option<Cut>,
    /// The altered act is no reset any more.
    pub is_negative: bool,
}

/// A cut of the power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// When, as a share of what is counted from there.
    pub at: Ratio,
    /// To which share of the supply.
    pub to: Ratio,
    /// Where counting begins.
    pub from: CutFrom,
}

named_enum! {
    /// From where on the moment of a cut is counted.
    CutFrom {
        /// From when the reset is complete: a share of the confirmation window.
        Completion = "completion",
        /// From the press of the first decisive hold: a share of its stated length.
        Hold = "hold",
        /// From the first sign of a confirmation: a share of the confirmation window.
        Confirmation = "confirmation",
    }
}

impl Plan {
    /// A stretch of the method that is altered, and the share of it that is left. A hold that is broken or bounces is long
    /// enough all the same.
    pub(super) fn stretch<'a>(
        &self,
        facts: &'a MethodFacts,
        stretch: Stretch,
    ) -> Option<(&'a Interval, Ratio)> {
        /// Of a hold that is broken in another way.
        const LONG_ENOUGH: Share = Share::Of(Ratio::percent(110));
        let is_broken = self.interrupted_for.is_some() || self.bounces > 0;
        let share = match stretch {
            Stretch::Hold => self.hold.or(is_broken.then_some(LONG_ENOUGH)),
            Stretch::SecondHold => self.second_hold,
            Stretch::Gap => self.gap.map(Share::Of),
        };
        let interval = interval(facts, stretch)?;
        Some((interval, share?.of(interval)))
    }
}

/// One alteration.
pub(super) trait Alter: std::fmt::Debug + Send + Sync {
    /// Which it is.
    fn kind(&self) -> Kind;

    /// Whether the altered act is no reset any more.
    fn is_negative(&self) -> bool;

    /// Whether it is only a reset that can be altered so, and not the trying of codes as well.
    fn is_of_a_reset(&self) -> bool {
        true
    }

    /// Whether the method has what is altered, beside whatever else the plan alters.
    ///
    /// # Errors
    /// The model's reason why the claim does not concern it.
    fn applies(&self, subject: &Subject<'_>, plan: &Plan) -> Result<(), String>;

    /// The levels over which it spreads, a case each.
    fn axis(&self, _model: &Model, _facts: &MethodFacts) -> Option<Axis> {
        None
    }

    /// Writes itself into the plan of the act.
    fn rewrite(&self, point: &Point, plan: &mut Plan);

    /// Whether a built program carries it out, for the plan that it was built from.
    fn is_witnessed(&self, subject: &Subject<'_>, plan: &Plan, program: &Program) -> bool;
}

/// All that a scenario alters, in the order of [`Kind`].
#[derive(Clone, Debug, Default)]
pub struct But {
    list: Vec<Arc<dyn Alter>>,
}

impl But {
    pub(super) fn new(mut list: Vec<Arc<dyn Alter>>) -> Self {
        list.sort_by_key(|alteration| alteration.kind());
        Self { list }
    }

    /// Whether the act is the model's own procedure, unaltered.
    pub fn is_nothing(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the altered act is no reset any more.
    pub fn is_negative(&self) -> bool {
        self.list.iter().any(|alteration| alteration.is_negative())
    }

    /// What is altered.
    pub fn kinds(&self) -> Vec<Kind> {
        self.list.iter().map(|alteration| alteration.kind()).collect()
    }

    /// Whether it alters that.
    pub fn alters(&self, kind: Kind) -> bool {
        self.list.iter().any(|alteration| alteration.kind() == kind)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Alter> {
        self.list.iter().map(|alteration| &**alteration)
    }

    /// The act of one case.
    pub(super) fn plan(&self, point: &Point) -> Plan {
        let mut plan = Plan { is_negative: self.is_negative(), ..Plan::default() };
        self.iter().for_each(|alteration| alteration.rewrite(point, &mut plan));
        plan
    }

    /// The factor whose level does not permit the reset.
    pub(super) fn without(&self) -> Option<&'static str> {
        self.plan(&Point::default()).without
    }
}

/// Why two alterations can't be had together; nothing is said of pairs that compose.
pub(super) fn excludes(one: Kind, other: Kind, without: Option<&str>) -> Option<&'static str> {
    match (one.min(other), one.max(other)) {
        (Kind::Without, Kind::CutPower) | (Kind::Dropout, Kind::Without) if without == Some("power") => {
            Some("with no power there is nothing to cut")
        }
        (Kind::Dropout, Kind::CutPower) => Some("the end of one cut would be the end of the other"),
        (Kind::Bolt, Kind::Without) if without == Some("power") => {
            Some("without power the motor can't move the bolt, jammed or not")
        }
        _ => None,
    }
}

/// Steps of a program that carry out an alteration.
fn witnesses(program: &Program, kind: Kind) -> Vec<&Step> {
    program.steps().into_iter().filter(|step| step.alters.contains(&kind)).collect()
}

/// The decisive stretch of a method.
pub(super) fn interval(facts: &MethodFacts, stretch: Stretch) -> Option<&Interval> {
    match stretch {
        Stretch::Hold => facts.decisive.hold.as_ref(),
        Stretch::SecondHold => facts.decisive.second_hold.as_ref(),
        Stretch::Gap => facts.decisive.gap.as_ref(),
    }
}

/// The levels of an axis that counts.
fn counted(name: &'static str, levels: impl Iterator<Item = Level>) -> Option<Axis> {
    let levels: Vec<Level> = levels.collect();
    (!levels.is_empty()).then_some(Axis { name, levels })
}
