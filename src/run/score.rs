//! Plays every defect of the simulated locks against all claims: is each caught, and by the claim that
//! is there for it? And does noise alone raise an alarm?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration as Wall, Instant as Clock};

use rayon::prelude::*;

use crate::engine::Precision;
use crate::evidence::{Entry, EvidenceError};
use crate::rig::Hello;
use crate::scenario::{Content, Library, Planned, Program, Start};
use crate::sim::{Defect, Flaw, SimulatedLock, Variation};
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

use super::lockstep::{Played, play};
use super::session::case_seed;
use super::vault::Vault;

/// So many cases are played before their outcomes are looked at.
const CASES_AT_ONCE: usize = 256;

/// A case that did not pass: its id, its verdict, and the reason.
pub type Alarm = (Arc<str>, Verdict, String);

/// What became of one defect.
#[derive(Clone, Debug)]
pub struct Caught {
    /// Which.
    pub defect: Defect,
    /// Scenarios that failed, each with the models on which they did.
    pub by: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Models on which the claim that is there for it was played and passed: they can't have the defect, or
    /// the claim does not see it there.
    pub unseen: BTreeSet<Arc<str>>,
    /// Cases that ended as the rig's error, which no lock may cause.
    pub errors: Vec<Arc<str>>,
    /// What was played until the first case failed, in the order of a certification.
    pub first: Option<FirstAlarm>,
}

/// How soon a certification fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstAlarm {
    /// Cases that were played, the failing one included.
    pub cases: usize,
    /// How long they were in the locks' time.
    pub virtual_time: Duration,
    /// How long that took on one processor.
    pub wall: Wall,
}

impl Caught {
    /// Whether the claim that is there for it failed; any claim, if none is.
    pub fn is_caught(&self) -> bool {
        must_catch(self.defect).map_or(!self.by.is_empty(), |claim| self.by.contains_key(claim))
    }

    /// Models on which anything failed.
    pub fn models(&self) -> BTreeSet<&str> {
        self.by.values().flatten().map(|model| &**model).collect()
    }
}

/// The claim that is there for a defect: a shipped scenario. The second family was written without a look at the
/// claims, so whichever fails has caught it.
pub fn must_catch(defect: Defect) -> Option<&'static str> {
    Some(match defect {
        Defect::ResidualUser
        | Defect::AppBindingSurvives
        | Defect::HubBindingSurvives
        | Defect::ConfirmsWithoutErasing
        | Defect::OldBindingObeyed
        | Defect::MasterSurvives
        | Defect::RemnantReturns => "reset-erases-everything",
        Defect::ShortHoldResets => "short-hold-erases-nothing",
        Defect::TapResets => "tap-erases-nothing",
        Defect::LongHoldNeeded => "stated-hold-suffices",
        Defect::SilentReset | Defect::StuckLight | Defect::WrongColour | Defect::ExtraBeep => {
            "reset-is-confirmed"
        }
        Defect::LockoutForgotten | Defect::NoLockout => "lockout-survives-a-power-cut",
        Defect::RestartErases => "restart-erases-nothing",
        Defect::BatteryChangeErases => "battery-change-erases-nothing",
        Defect::BoltOpensDuringReset => "bolt-stays-thrown-during-reset",
        Defect::OpensWhenLetGo => "bolt-stays-thrown-during-a-short-hold",
        Defect::AnyRoleMayReset => "reset-needs-the-owner",
        Defect::OwnershipIgnored => "reset-needs-ownership",
        Defect::OfflineResetAccepted | Defect::RefusedAndQueued => "reset-needs-network",
        Defect::WrongCodeResets | Defect::LastKeyUnread => "wrong-code-erases-nothing",
        Defect::ErasedInVain => "what-was-erased-stays-erased",
        Defect::ErasesOnce => "second-owner-is-erased-too",
        Defect::DefaultStaysAfterReset => "default-code-is-refused-once-set-up-again",
        Defect::OpensAtStart => "bolt-stays-thrown-at-a-restart",
        Defect::SetupRefused | Defect::DefaultCodeDead => "set-up-again-after-reset",
        Defect::OpensForAnyCode => "random-code-is-refused-after-reset",
        Defect::SilentLeave => "reset-is-reported-to-the-hub",
        Defect::HalfErased | Defect::DeadAfterCut => "power-cut-erases-all-or-nothing",
        Defect::HalfTurnResets => "half-turn-erases-nothing",
        Defect::UnboundKeepsCodes => "unbound-first-erases-everything",
        Defect::IncompleteCodeResets => "incomplete-code-erases-nothing",
        Defect::UniversalCodeOpens => "universal-codes-open-nothing",
        Defect::BindsTwice | Defect::BindsInSilence => "a-bound-lock-binds-nobody-else",
        Defect::JoinsAnotherNetwork => "a-lock-in-a-network-joins-no-other",
        Defect::RemovedCodeOpens => "removed-code-is-refused",
        Defect::InterruptedHoldCounts => "interrupted-hold-erases-nothing",
        Defect::BounceIsNoPress => "bouncing-contact-resets",
        Defect::SecondResetIgnored => "second-reset-works",
        Defect::DefaultAlwaysOpens => "default-code-is-refused-once-set-up",
        Defect::TooFewPressesReset => "too-few-presses-erase-nothing",
        Defect::ResyncErases => "hub-resync-erases-nothing",
        Defect::ConfirmsInVain => "short-hold-is-not-confirmed",
        Defect::HalfTypedKept => "timed-out-code-erases-nothing",
        Defect::SequenceOutlastsDropout => "dropout-within-a-sequence-erases-nothing",
        Defect::UsedProofResets => "used-proof-erases-nothing",
        Defect::JamHalvesErase => "jammed-bolt-erases-all-or-nothing",
        Defect::MotorHalvesErase => "moving-bolt-erases-all-or-nothing",
        Defect::LockoutRace => "lockout-counts-while-the-bolt-moves",
        Defect::DebugPortOpen => "debug-port-is-closed",
        Defect::EraseStopsAtEight
        | Defect::LastSlotSkipped
        | Defect::EraseStopsAtGap
        | Defect::EveryOtherSkipped
        | Defect::KeypadCodesSurvive
        | Defect::RadioCodesSurvive
        | Defect::OverwrittenCodeOpens
        | Defect::HistoryReturns
        | Defect::OtherRolesKept
        | Defect::OneRadioCleared
        | Defect::MasterFallsBack
        | Defect::WrongCountSurvives
        | Defect::HandSurvives
        | Defect::BackAfterAnHour
        | Defect::BackAtSecondStart
        | Defect::BindingsBackAtThirdStart
        | Defect::BackAfterLockout
        | Defect::BackAtLowVoltage
        | Defect::BackWhenCodeUsed
        | Defect::BackWhenPaired
        | Defect::BackInSameSlot
        | Defect::OldBindingRemovesCodes
        | Defect::OldBindingSetsMaster
        | Defect::OldBindingResets
        | Defect::ObeysSecondAsking
        | Defect::OldAdminObeyed
        | Defect::OldGuestObeyed
        | Defect::AnyRoleSetsMaster
        | Defect::RefusedCodeStoredLater
        | Defect::RequestUnderWayDone
        | Defect::UnpairedStillObeyed
        | Defect::PrefixOpens
        | Defect::LongerCodeOpens
        | Defect::LeadingDigitsIgnored
        | Defect::LastDigitUnread
        | Defect::FirstDigitUnread
        | Defect::FourDigitsCompared
        | Defect::ChecksumOpens
        | Defect::EmptyEntryOpens
        | Defect::ZerosOpen
        | Defect::SlotNumberOpens
        | Defect::MenuEntryOpens
        | Defect::LockoutHalved
        | Defect::GoodCodeEndsLockout
        | Defect::LockedOutStillOpens
        | Defect::MasterEndsLockout
        | Defect::StatusEndsLockout
        | Defect::TapEndsLockout
        | Defect::BlipEndsLockout
        | Defect::PauseEndsLockout
        | Defect::CountLostWithPower
        | Defect::LockoutOneLate
        | Defect::LocksOutOnce
        | Defect::LockoutBlocksReset
        | Defect::ShortGapCounts
        | Defect::HoldOutlastsCut
        | Defect::NearMissShortens
        | Defect::LowVoltageHalvesHold
        | Defect::OverlongHoldIgnored
        | Defect::OverlongHoldHalves
        | Defect::HeldAtStartErases
        | Defect::TwoTapsErase
        | Defect::OneButtonSuffices
        | Defect::LetGoErasesOne
        | Defect::IntentionInRam
        | Defect::CutInHoldHalves
        | Defect::ErasesAgain
        | Defect::SlowRiseOpens
        | Defect::DipOpens
        | Defect::BrownOutOpens
        | Defect::CutWhileMovingOpens
        | Defect::CellBounceErases
        | Defect::LowVoltageOpens
        | Defect::CloseStartsReset
        | Defect::StatusTellsCode
        | Defect::RefusalQuotesCode
        | Defect::ConsolePrintsLines
        | Defect::VoiceSaysNewCode
        | Defect::HubHearsCode
        | Defect::OpensAfterRefusal
        | Defect::OpensMinutesAfterReset
        | Defect::OpensWhenPaired
        | Defect::OpensInPenalty
        | Defect::TwitchesAfterErase => return None,
    })
}

/// A simulated lock that cases are played on.
#[derive(Clone, Copy, Debug)]
pub struct Specimen {
    /// Seed of its noise, and of the codes.
    pub seed: u64,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
    /// How it differs from the textbook.
    pub variation: Option<Variation>,
}

/// Plays cases on simulated locks without evidence, and hands out what did not pass, lock by lock. A case is made once
/// for all of them.
pub fn alarms(library: &Library, cases: &[Planned], specimens: &[Specimen]) -> Vec<Vec<Alarm>> {
    judged(library, cases, specimens).into_iter().map(|judged| judged.alarms).collect()
}

/// What became of the cases of one lock.
#[derive(Clone, Debug, Default)]
struct Judged {
    alarms: Vec<Alarm>,
    played: FirstAlarm,
    first: Option<FirstAlarm>,
}

/// One case on one lock.
struct Tried {
    verdict: Verdict,
    reason: String,
    length: Duration,
    wall: Wall,
}

fn judged(library: &Library, cases: &[Planned], specimens: &[Specimen]) -> Vec<Judged> {
    let play = |case: &Planned| -> Vec<Tried> {
        let Content::Play(program) = case.build(library, Start::Delivered) else { return Vec::new() };
        specimens.iter().map(|specimen| try_on(&program, case, *specimen)).collect()
    };
    let mut all = vec![Judged::default(); specimens.len()];
    // Not all cases at once: with many locks their outcomes take much memory.
    for cases in cases.chunks(CASES_AT_ONCE) {
        let tried: Vec<Vec<Tried>> = cases.par_iter().map(play).collect();
        for (case, tried) in cases.iter().zip(tried) {
            for (judged, one) in all.iter_mut().zip(tried) {
                judged.hear(case, one);
            }
        }
    }
    all
}

impl Judged {
    fn hear(&mut self, case: &Planned, one: Tried) {
        let played = &mut self.played;
        played.cases += 1;
        played.virtual_time = played.virtual_time.saturating_add(one.length);
        played.wall = played.wall.saturating_add(one.wall);
        if one.verdict == Verdict::Fail {
            self.first.get_or_insert(self.played);
        }
        if one.verdict != Verdict::Pass {
            self.alarms.push((Arc::clone(&case.id), one.verdict, one.reason));
        }
    }
}

impl Specimen {
    /// The lock, new.
    pub(super) fn lock(self) -> SimulatedLock {
        SimulatedLock::new(true, self.flaw).varied(self.variation)
    }
}

fn try_on(program: &Program, case: &Planned, specimen: Specimen) -> Tried {
    let began = Clock::now();
    let mut lock = specimen.lock();
    let played = play_on(&mut lock, program, case, specimen.seed, &mut |_, _| Ok(()));
    let (verdict, reason, length) = match played {
        Ok(played) => (played.result.verdict, played.result.reason, played.end.since(Instant::START)),
        Err(error) => (Verdict::Error, error.to_string(), Duration::ZERO),
    };
    Tried { verdict, reason, length, wall: began.elapsed() }
}

/// Plays a case on a simulated lock as a run with this seed does, and hands out what such a run would record.
pub(super) fn play_on(
    lock: &mut SimulatedLock,
    program: &Program,
    case: &Planned,
    seed: u64,
    record: &mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
) -> Result<Played, EvidenceError> {
    let own_seed = case_seed(seed, &case.id);
    let vault = Vault::simulated(&program.secrets, seed, own_seed);
    let hello = Hello { model: case.model.to_string(), case: case.id.to_string(), seed: own_seed };
    play(program, &hello, lock, &vault, Precision::default(), &AtomicBool::new(false), record)
}

/// What becomes of each defect.
pub fn score(library: &Library, cases: &[Planned], defects: &[Defect], seed: u64) -> Vec<Caught> {
    let specimen = |defect: &Defect| Specimen { seed, flaw: Some(Flaw::Defect(*defect)), variation: None };
    let specimens: Vec<Specimen> = defects.iter().map(specimen).collect();
    let is_played = |case: &&Planned| matches!(case.build(library, Start::Delivered), Content::Play(_));
    let played: Vec<&Planned> = cases.iter().filter(is_played).collect();
    let found = judged(library, cases, &specimens);
    defects.iter().zip(found).map(|(defect, judged)| caught(*defect, &played, &judged)).collect()
}

fn caught(defect: Defect, played: &[&Planned], judged: &Judged) -> Caught {
    let alarms = &judged.alarms;
    let mut by: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    let ids = |wanted: Verdict| {
        alarms.iter().filter(move |(_, verdict, _)| *verdict == wanted).map(|(id, ..)| Arc::clone(id))
    };
    let (failed, errors): (BTreeSet<_>, Vec<_>) =
        (ids(Verdict::Fail).collect(), ids(Verdict::Error).collect());
    for case in played.iter().filter(|case| failed.contains(&case.id)) {
        by.entry(Arc::clone(&case.scenario)).or_default().insert(Arc::clone(&case.model));
    }
    let claim = must_catch(defect);
    let of_claim = played.iter().filter(|case| Some(&*case.scenario) == claim);
    let alarming: BTreeSet<&Arc<str>> = alarms.iter().map(|(id, ..)| id).collect();
    let (seen, passed): (Vec<&Planned>, Vec<&Planned>) =
        of_claim.partition(|case| alarming.contains(&case.id));
    let seen: BTreeSet<&Arc<str>> = seen.iter().map(|case| &case.model).collect();
    let unseen =
        passed.iter().map(|case| &case.model).filter(|model| !seen.contains(model)).cloned().collect();
    Caught { defect, by, unseen, errors, first: judged.first }
}

/// False alarms of locks without defects, for seeds of noise from 1 on, each with its seed.
pub fn false_alarms(
    library: &Library,
    cases: &[Planned],
    seeds: u64,
    variation: Option<Variation>,
) -> Vec<(u64, Alarm)> {
    let specimens: Vec<Specimen> = (1..=seeds).map(|seed| Specimen { seed, flaw: None, variation }).collect();
    let found = alarms(library, cases, &specimens);
    specimens.iter().zip(found).flat_map(|(of, alarms)| alarms.into_iter().map(|a| (of.seed, a))).collect()
}
