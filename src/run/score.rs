//! Plays every defect of the simulated locks against all claims: is each caught, and by the claim that
//! is there for it? And does noise alone raise an alarm?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use crate::engine::Precision;
use crate::rig::Hello;
use crate::scenario::{Content, Library, Planned, Start};
use crate::sim::{Defect, SimulatedLock, Variation};
use crate::verdict::Verdict;

use super::lockstep::play;
use super::session::case_seed;
use super::vault::Vault;

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
}

impl Caught {
    /// Whether the claim that is there for it failed.
    pub fn is_caught(&self) -> bool {
        self.by.contains_key(must_catch(self.defect))
    }

    /// Models on which anything failed.
    pub fn models(&self) -> BTreeSet<&str> {
        self.by.values().flatten().map(|model| &**model).collect()
    }
}

/// The claim that is there for a defect: a shipped scenario.
pub fn must_catch(defect: Defect) -> &'static str {
    match defect {
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
        Defect::UsedProofResets => "used-proof-erases-nothing",
        Defect::JamHalvesErase => "jammed-bolt-erases-all-or-nothing",
        Defect::MotorHalvesErase => "moving-bolt-erases-all-or-nothing",
        Defect::LockoutRace => "lockout-counts-while-the-bolt-moves",
        Defect::DebugPortOpen => "debug-port-is-closed",
    }
}

/// Plays cases on a simulated lock without evidence, and hands out those that did not pass.
pub fn alarms(
    library: &Library,
    cases: &[Planned],
    seed: u64,
    defect: Option<Defect>,
    variation: Option<Variation>,
) -> Vec<Alarm> {
    let mut lock = SimulatedLock::new(true, defect).varied(variation);
    let never = AtomicBool::new(false);
    let mut alarms = Vec::new();
    for case in cases {
        let Content::Play(program) = case.build(library, Start::Delivered) else { continue };
        let own_seed = case_seed(seed, &case.id);
        let vault = Vault::simulated(&program.secrets, seed, own_seed);
        let hello = Hello { model: case.model.to_string(), case: case.id.to_string(), seed: own_seed };
        let (precision, id) = (Precision::default(), Arc::clone(&case.id));
        match play(&program, &hello, &mut lock, &vault, precision, &never, &mut |_, _| Ok(())) {
            Ok(played) if played.result.verdict == Verdict::Pass => {}
            Ok(played) => alarms.push((id, played.result.verdict, played.result.reason)),
            Err(error) => alarms.push((id, Verdict::Error, error.to_string())),
        }
    }
    alarms
}

/// What becomes of each defect.
pub fn score(library: &Library, cases: &[Planned], defects: &[Defect], seed: u64) -> Vec<Caught> {
    let caught = |defect: &Defect| {
        let mut by: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        let alarms = alarms(library, cases, seed, Some(*defect), None);
        let ids = |wanted: Verdict| {
            alarms.iter().filter(move |(_, verdict, _)| *verdict == wanted).map(|(id, ..)| Arc::clone(id))
        };
        let (failed, errors): (BTreeSet<_>, Vec<_>) =
            (ids(Verdict::Fail).collect(), ids(Verdict::Error).collect());
        for case in cases.iter().filter(|case| failed.contains(&case.id)) {
            by.entry(Arc::clone(&case.scenario)).or_default().insert(Arc::clone(&case.model));
        }
        let claim = must_catch(*defect);
        let played = cases.iter().filter(|case| &*case.scenario == claim);
        let played = played.filter(|case| matches!(case.build(library, Start::Delivered), Content::Play(_)));
        let (seen, passed): (Vec<&Planned>, Vec<&Planned>) =
            played.partition(|case| alarms.iter().any(|(id, ..)| *id == case.id));
        let seen: BTreeSet<&Arc<str>> = seen.iter().map(|case| &case.model).collect();
        let unseen =
            passed.iter().map(|case| &case.model).filter(|model| !seen.contains(model)).cloned().collect();
        Caught { defect: *defect, by, unseen, errors }
    };
    defects.par_iter().map(caught).collect()
}

/// False alarms of locks without defects, for seeds of noise from 1 on, each with its seed.
pub fn false_alarms(
    library: &Library,
    cases: &[Planned],
    seeds: u64,
    variation: Option<Variation>,
) -> Vec<(u64, Alarm)> {
    let of = |seed: u64| {
        let alarms = alarms(library, cases, seed, None, variation);
        alarms.into_iter().map(move |alarm| (seed, alarm)).collect::<Vec<_>>()
    };
    (1..=seeds).into_par_iter().flat_map_iter(of).collect()
}
