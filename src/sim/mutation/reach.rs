//! Which changes a rule can have, and which designs have what it is about: a mutant that a design can never come to is
//! no other lock, and is not drawn.
//!
//! Left out for all designs, because nothing is wrong with such a lock:
//! - what a sound variation does too: a late or early bolt, typed keys that are kept longer, slow answers;
//! - times and counts that no manual states and no harm comes of: a slower erase, a later start, a button that may be
//!   held longer, a debounce of half or twice the time, a lower voltage that is enough, one slot more;
//! - what only makes it stricter where no manual says that it is not: an admin who may change nothing.
//!
//! And because it is the same lock: which of two buttons (no sequence has two), a second press in a hold alone (it was
//! let go before, which breaks it), the first of two steps that erase codes (the second erases all), a default master
//! code beside another (where there is one, none can be set), the lockout or erase that is resumed at a start where
//! nothing of it was kept, and whatever only a defect stores. Whether there is a debug port no design says.

use crate::sim::design::{Cue, Design, Entry, Handing, PLAIN, Reset, Show, Signal, Trigger};
use crate::sim::recognizer::{Awaited, Stage};

use super::{Change, Mutant, Rule};

/// What is done can be left out.
const LEFT_OUT: &[Change] = &[Change::Never];
/// What is checked can be taken to be so or not.
const EITHER: &[Change] = &[Change::Always, Change::Never];
/// What is denied can be permitted.
const PERMITTED: &[Change] = &[Change::Always];
/// A time can be another.
const TIMED: &[Change] = &[Change::Half, Change::Twice];
/// A number can be another.
const COUNTED: &[Change] = &[Change::OneLess, Change::OneMore];
/// What a design has whose source does not say how many codes it holds.
const UNSTATED_SLOTS: u64 = PLAIN.slots;

impl Rule {
    /// What can become of it.
    pub(super) fn changes(self) -> &'static [Change] {
        match self {
            Self::EraseCodes
            | Self::EraseMaster
            | Self::EraseApp
            | Self::EraseHub
            | Self::EraseFresh
            | Self::EraseWrongCount
            | Self::EraseEnd
            | Self::NoteErasing
            | Self::NoteErased
            | Self::ResumeErase
            | Self::SpareCodes
            | Self::SpareApp
            | Self::TellHub
            | Self::Confirm
            | Self::ConfirmLightEnds
            | Self::StageCue
            | Self::KeepCodes
            | Self::KeepMaster
            | Self::KeepApp
            | Self::KeepHub
            | Self::KeepHand
            | Self::KeepSetUp
            | Self::KeepWrongCount
            | Self::KeepLockout
            | Self::KeepErasing
            | Self::KeepProofUsed
            | Self::EnoughCells
            | Self::Boot
            | Self::Debounce
            | Self::ReleaseBreaks
            | Self::WrongKeyBreaks
            | Self::Arm
            | Self::AddCode
            | Self::RemoveCode
            | Self::SetMaster
            | Self::OpenBolt
            | Self::ThrowBolt
            | Self::TeachHand
            | Self::DefaultMaster
            | Self::FreshEnds
            | Self::GoodCodeClears
            | Self::ProofEnds
            | Self::BindApp
            | Self::BindHub
            | Self::UnbindApp
            | Self::UnbindHub
            | Self::OwnerMayChange
            | Self::OwnerMayReset => LEFT_OUT,
            Self::RefuseWhileBound
            | Self::KeepSequence
            | Self::EnoughVoltage
            | Self::HeldThen
            | Self::TooLate
            | Self::KeyMatches
            | Self::TurnFar
            | Self::OffLongEnough
            | Self::TouchedInTheDark
            | Self::CodeEntered
            | Self::CodeMatches
            | Self::HandKnown
            | Self::DefaultWithoutCodes
            | Self::OpenWhenFresh
            | Self::EntryBegun
            | Self::ForgetTyped
            | Self::LockoutBegins
            | Self::LockoutRuns
            | Self::MenuMaster
            | Self::MenuInTime
            | Self::MenuLines
            | Self::ServiceButtons
            | Self::ServiceMaster
            | Self::ServiceKey
            | Self::ProofButton
            | Self::ProofMatches
            | Self::ProofSpent
            | Self::SecondApp
            | Self::SecondHub
            | Self::AppBound
            | Self::HubBound
            | Self::BoundToReset
            | Self::RefuseUnverified
            | Self::RefuseOffline
            | Self::RefuseWhileErasing => EITHER,
            Self::AwakeOnly
            | Self::AnswerRunning
            | Self::CoverStops
            | Self::DefaultMatches
            | Self::MenuHandLine
            | Self::GuestMayChange
            | Self::StrangerMayChange
            | Self::AdminMayReset
            | Self::GuestMayReset
            | Self::StrangerMayReset
            | Self::TellBond => PERMITTED,
            Self::HoldTime | Self::LockoutTime => TIMED,
            Self::ConfirmBeeps | Self::EntryLength | Self::LockoutCount | Self::ProofLength => COUNTED,
            Self::FirstSlot | Self::ShortestCode => &[Change::OneMore],
            Self::LastSlot => &[Change::OneLess],
            Self::EraseHand | Self::ConfirmColour => &[Change::Inverted],
            Self::TurnDirection | Self::CellMatches => &[Change::Always, Change::Inverted],
        }
    }
}

impl Mutant {
    /// Whether a design has what the rule is about, so that the change makes another lock of it.
    pub(super) fn concerns(self, design: &Design) -> bool {
        let always = self.change == Change::Always;
        match self.rule {
            Rule::EraseCodes | Rule::EraseHand => design.has_codes() && design.resets_by(|reset| reset.codes),
            Rule::EraseMaster | Rule::KeepMaster | Rule::SetMaster => design.takes_master(),
            Rule::EraseApp => design.has_app() && design.resets_by(|reset| reset.app),
            Rule::SpareCodes => design.has_codes() && design.resets_by(|reset| !reset.codes),
            Rule::SpareApp => design.has_app() && design.resets_by(|reset| !reset.app),
            Rule::EraseHub
            | Rule::TellHub
            | Rule::KeepHub
            | Rule::BindHub
            | Rule::SecondHub
            | Rule::UnbindHub
            | Rule::HubBound => design.hub,
            Rule::KeepApp
            | Rule::BindApp
            | Rule::SecondApp
            | Rule::UnbindApp
            | Rule::AppBound
            | Rule::GuestMayChange
            | Rule::StrangerMayChange => design.has_app(),
            Rule::EraseFresh | Rule::KeepSetUp | Rule::OpenWhenFresh | Rule::FreshEnds => {
                design.open_when_fresh
            }
            Rule::EraseWrongCount
            | Rule::KeepWrongCount
            | Rule::KeepLockout
            | Rule::LockoutBegins
            | Rule::LockoutCount
            | Rule::LockoutRuns
            | Rule::LockoutTime
            | Rule::GoodCodeClears => {
                design.has_codes() && design.lockout.is_some() && design.lockout_is_stated
            }
            Rule::EraseEnd | Rule::NoteErased => design.has_state(),
            Rule::NoteErasing | Rule::ResumeErase | Rule::KeepErasing => design.can_be_halved(),
            Rule::RefuseWhileBound => design.resets_by(|reset| reset.without_app),
            Rule::Confirm => design.resets_by(|reset| !reset.cue.is_empty()),
            Rule::ConfirmColour => design.resets_by(|reset| has_colour(reset.cue)),
            Rule::ConfirmBeeps => design.resets_by(|reset| has_counted_beeps(reset.cue)),
            Rule::ConfirmLightEnds => design.resets_by(|reset| has_blinks(reset.cue)),
            Rule::StageCue => design.has_stage(|stage| stage.cue.is_some()),
            Rule::KeepCodes
            | Rule::KeepHand
            | Rule::CodeMatches
            | Rule::AddCode
            | Rule::OpenBolt
            | Rule::ThrowBolt => design.has_codes(),
            Rule::KeepProofUsed
            | Rule::ProofButton
            | Rule::ProofMatches
            | Rule::ProofLength
            | Rule::ProofSpent
            | Rule::ProofEnds => design.has_trigger(|trigger| matches!(trigger, Trigger::Proof { .. })),
            Rule::KeepSequence => design.has_sequence(|_, survives_power| survives_power != always),
            Rule::AwakeOnly => design.has_sequence(|stages, survives| !survives && is_done_by_hand(stages)),
            // Without a voltage that is not enough nothing ever starts.
            Rule::EnoughVoltage if always => design.starts_sequence(),
            Rule::EnoughVoltage | Rule::Boot => design.has_state() || design.starts_sequence(),
            Rule::EnoughCells => design.cells_needed > 0 && (design.has_state() || design.starts_sequence()),
            Rule::AnswerRunning => design.is_asked_to_reset(),
            Rule::Debounce => !design.buttons.is_empty(),
            Rule::CoverStops => design.covered,
            Rule::HoldTime => design
                .has_stage(|stage| matches!(stage.awaited, Awaited::Elapsed(_) | Awaited::PowerUpHeld(_))),
            // Time alone does not ask what is held: whoever lets go breaks the hold.
            Rule::HeldThen => design
                .has_stage(|stage| stage.holding.is_some() && !matches!(stage.awaited, Awaited::Elapsed(_))),
            Rule::ReleaseBreaks => design
                .has_stage(|stage| stage.holding.is_some() && matches!(stage.awaited, Awaited::Elapsed(_))),
            Rule::WrongKeyBreaks | Rule::KeyMatches => design.has_stage(is_key),
            // How late a release or the next press may come, no manual says.
            Rule::TooLate if !always => design.has_stage(|stage| is_key(stage) && stage.within.is_some()),
            Rule::TooLate => design.has_stage(|stage| stage.within.is_some()),
            Rule::TurnDirection | Rule::TurnFar => {
                design.has_stage(|stage| matches!(stage.awaited, Awaited::Turned(_)))
            }
            Rule::OffLongEnough => {
                design.has_stage(|stage| matches!(stage.awaited, Awaited::PowerUpAfter(_)))
            }
            Rule::TouchedInTheDark => design.has_stage(|stage| {
                matches!(stage.awaited, Awaited::PowerUpTapped(_) | Awaited::PowerUpHeld(_))
            }),
            Rule::CellMatches => {
                design.has_stage(|stage| matches!(stage.awaited, Awaited::CellOut(_) | Awaited::CellIn(_)))
            }
            Rule::CodeEntered => design.has_stage(|stage| matches!(stage.awaited, Awaited::Entered)),
            Rule::Arm => design.armed_by_app,
            Rule::RemoveCode | Rule::FirstSlot | Rule::RefuseWhileErasing | Rule::OwnerMayChange => {
                design.takes_codes_by_radio()
            }
            Rule::LastSlot => design.takes_codes_by_radio() && design.slots < UNSTATED_SLOTS,
            Rule::ShortestCode | Rule::EntryLength | Rule::EntryBegun => {
                matches!(design.entry, Entry::Prefixed(..))
            }
            Rule::HandKnown if !always => design.has_codes(),
            Rule::HandKnown | Rule::TeachHand => design.handing.is_some(),
            Rule::DefaultWithoutCodes | Rule::DefaultMatches => {
                design.has_codes() && !design.default_codes.is_empty()
            }
            Rule::DefaultMaster => design.has_menu() && design.default_master.is_some(),
            Rule::ForgetTyped if always => design.has_codes(),
            Rule::ForgetTyped => design
                .has_trigger(|trigger| matches!(trigger, Trigger::Proof { .. } | Trigger::Service { .. })),
            Rule::MenuMaster | Rule::MenuInTime => design.has_menu(),
            Rule::MenuLines => design.has_trigger(|trigger| matches!(trigger, Trigger::MenuLines(_))),
            Rule::MenuHandLine => matches!(design.handing, Some(Handing::MenuLine(_))),
            Rule::ServiceButtons | Rule::ServiceMaster | Rule::ServiceKey => design.has_service(),
            Rule::BoundToReset | Rule::OwnerMayReset => design.is_asked_to_reset() || design.armed_by_app,
            // A hub asks as its owner; only an app has others.
            Rule::AdminMayReset | Rule::GuestMayReset | Rule::StrangerMayReset => design.is_reset_by_app(),
            Rule::RefuseUnverified if always => design.is_asked_to_reset() || design.armed_by_app,
            Rule::RefuseUnverified => design.is_reset_by_app() || design.armed_by_app,
            Rule::RefuseOffline => design.has_trigger(|trigger| matches!(trigger, Trigger::Hub)),
            Rule::TellBond => design.has_radio(),
        }
    }
}

impl Design {
    /// Codes can be stored and typed, as a source says.
    fn has_codes(&self) -> bool {
        self.entry != Entry::None && self.entry_is_stated
    }

    /// An app can be bound. No source says how that of a lock is that can be reset only without it.
    fn has_app(&self) -> bool {
        self.app && !self.resets_by(|reset| reset.without_app)
    }

    fn has_radio(&self) -> bool {
        self.hub || self.has_app()
    }

    /// Something can be found out about it that a reset changes.
    fn has_state(&self) -> bool {
        self.has_radio() || self.has_codes()
    }

    fn takes_codes_by_radio(&self) -> bool {
        self.has_radio() && self.has_codes()
    }

    fn has_menu(&self) -> bool {
        self.keypad_programming || self.has_trigger(|trigger| matches!(trigger, Trigger::MenuLines(_)))
    }

    fn has_service(&self) -> bool {
        self.has_trigger(|trigger| matches!(trigger, Trigger::Service { .. }))
    }

    /// A master code can be set, and is asked for.
    fn takes_master(&self) -> bool {
        self.has_service() || (self.hub && self.has_menu())
    }

    /// Half of an erase is something else than none of it, or it says too early that it is done.
    fn can_be_halved(&self) -> bool {
        let is_confirmed = self.resets_by(|reset| !reset.cue.is_empty());
        self.has_codes() || (self.has_radio() && is_confirmed) || (self.hub && self.has_app())
    }

    fn is_reset_by_app(&self) -> bool {
        self.has_trigger(|trigger| matches!(trigger, Trigger::App))
    }

    /// App or hub can ask for a reset.
    fn is_asked_to_reset(&self) -> bool {
        self.is_reset_by_app() || self.has_trigger(|trigger| matches!(trigger, Trigger::Hub))
    }

    /// A start is a part of what resets it.
    fn starts_sequence(&self) -> bool {
        self.has_stage(is_start)
    }

    fn resets_by(&self, is_it: impl Fn(&Reset) -> bool) -> bool {
        self.resets.iter().any(is_it)
    }

    fn has_trigger(&self, is_it: impl Fn(&Trigger) -> bool) -> bool {
        self.resets_by(|reset| is_it(&reset.trigger))
    }

    /// A sequence of its own: its stages, and whether it survives a loss of power.
    fn has_sequence(&self, is_it: impl Fn(&[Stage], bool) -> bool) -> bool {
        self.has_trigger(|trigger| trigger.stages().is_some_and(|(stages, survives)| is_it(stages, survives)))
    }

    fn has_stage(&self, is_it: impl Fn(&Stage) -> bool) -> bool {
        self.has_sequence(|stages, _| stages.iter().any(&is_it))
    }
}

fn is_start(stage: &Stage) -> bool {
    matches!(
        stage.awaited,
        Awaited::PowerUp | Awaited::PowerUpAfter(_) | Awaited::PowerUpTapped(_) | Awaited::PowerUpHeld(_)
    )
}

fn is_key(stage: &Stage) -> bool {
    matches!(stage.awaited, Awaited::Key(_))
}

/// A sequence that needs neither a start nor the keypad or app, which are dead without power anyway.
fn is_done_by_hand(stages: &[Stage]) -> bool {
    let needs_power = |stage: &Stage| {
        is_start(stage) || is_key(stage) || matches!(stage.awaited, Awaited::Armed | Awaited::Entered)
    };
    !stages.iter().any(needs_power)
}

/// It has a light, but not one that shows both colours anyway.
fn has_colour(cue: Cue) -> bool {
    let (red, green) = (lamps(cue, "red"), lamps(cue, "green"));
    let shows_both = red.iter().any(|lamp| green.contains(lamp));
    cue.iter().any(|show| matches!(show.what, Signal::Light { .. })) && !shows_both
}

/// The lights that show a colour.
fn lamps(cue: Cue, wanted: &str) -> Vec<&'static str> {
    let lamp = |show: &Show| match show.what {
        Signal::Light { name, colour } if colour == wanted => Some(name),
        Signal::Light { .. } | Signal::Beep | Signal::Say(_) => None,
    };
    cue.iter().filter_map(lamp).collect()
}

/// It beeps in one rhythm, and more than once: of a single beep no manual says that there is no other.
fn has_counted_beeps(cue: Cue) -> bool {
    let mut beeps = cue.iter().filter(|show| show.what == Signal::Beep);
    beeps.next().is_some_and(|show| show.count > 1) && beeps.next().is_none()
}

/// A light blinks, so that the last one has an end.
fn has_blinks(cue: Cue) -> bool {
    cue.iter().any(|show| show.count > 1 && matches!(show.what, Signal::Light { .. }))
}
