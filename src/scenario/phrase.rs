//! Steps as short phrases, for labels and for files that refer to a step: `power on`, `release program`.

use crate::trace::Channel;

use super::ast::{Action, Claim, Control, KeyToken, MemoryClaim, Observation, Supply};

/// A step as a phrase: `power on`, `release program`. Files refer to steps by it.
pub(super) fn phrase(action: &Action) -> String {
    let controls = |list: &[Control]| {
        let names: Vec<&str> = list
            .iter()
            .map(|c| match c {
                Control::Button(n) | Control::Key(n) => &**n,
            })
            .collect();
        names.join("+")
    };
    match action {
        Action::Hold(list) => format!("hold {}", controls(list)),
        Action::Release(list) => format!("release {}", controls(list)),
        Action::Press { controls: list, .. } => format!("press {}", controls(list)),
        Action::Type { keys, .. } => {
            let words: Vec<&str> = keys
                .iter()
                .map(|k| match k {
                    KeyToken::Key(n) | KeyToken::Parameter(n) => &**n,
                })
                .collect();
            format!("type {}", words.join(" "))
        }
        Action::Power { to, cell, .. } => {
            let to = match to {
                Supply::On => "on".to_owned(),
                Supply::Off => "off".to_owned(),
                Supply::Low => "low".to_owned(),
                Supply::Volts(volts) => volts.to_string(),
                Supply::Share(share) => share.to_string(),
            };
            cell.map_or_else(|| format!("power {to}"), |n| format!("power cell {n} {to}"))
        }
        Action::Turn { by, .. } => format!("turn {by}"),
        Action::Contact { channel, closed } => {
            format!(
                "{channel} {}",
                match (channel, closed) {
                    (Channel::Cover, true) => "on",
                    (Channel::Cover, false) => "off",
                    (_, true) => "closed",
                    (_, false) => "open",
                }
            )
        }
        Action::Wait(duration) => format!("wait {duration}"),
        Action::WaitLockout { share: None } => "wait lockout".into(),
        Action::WaitLockout { share: Some(share) } => format!("wait {share} of the lockout"),
        Action::WaitUntil { .. } => "wait until".into(),
        Action::Observe { observation, .. } => observation_phrase(observation),
        Action::NoChange { duration, .. } => format!("no change for {duration}"),
        Action::Never { observation, .. } => format!("never {}", observation_phrase(observation)),
        Action::Witness { .. } => "witness".into(),
        Action::Ask { channel, op, .. } => format!("ask {channel} {op}"),
        Action::Together(_) => "together".into(),
        Action::Repeat { times, .. } => format!("repeat {times}"),
        Action::Do { operation, .. } => format!("do {operation}"),
        Action::Claim(claim) => claim_phrase(claim).into(),
    }
}

fn observation_phrase(observation: &Observation) -> String {
    match observation {
        Observation::Pulses { channel: Channel::Beeper, pattern } => pattern
            .phases
            .first()
            .and_then(|p| p.count)
            .map_or("hear a beep".into(), |n| format!("hear {n} beeps")),
        Observation::Pulses { channel, pattern } => {
            let phases: Vec<String> = pattern
                .phases
                .iter()
                .map(|p| p.count.map_or_else(|| p.colour.to_string(), |n| format!("{} ×{n}", p.colour)))
                .collect();
            format!("see {channel} {}", phases.join(", "))
        }
        Observation::Contact { channel: Channel::Bolt, value } => {
            format!("see bolt {}", if *value { "thrown" } else { "open" })
        }
        Observation::Contact { channel, value } => {
            format!("see {channel} {}", if *value { "closed" } else { "open" })
        }
        Observation::Spoken { words: Some(words) } => format!("hear “{words}”"),
        Observation::Spoken { words: None } => "hear a voice".into(),
        Observation::Notified { channel, what } => format!("{channel} is told {what}"),
    }
}

fn claim_phrase(claim: &Claim) -> &'static str {
    match claim {
        Claim::Provision { .. } => "provision",
        Claim::Prove => "prove provisioned",
        Claim::ProveInMemory => "prove in memory",
        Claim::Memory(MemoryClaim::Erased) => "erased from memory",
        Claim::Memory(MemoryClaim::AllOrNothing) => "all or nothing in memory",
        Claim::Memory(MemoryClaim::FirmwareUnchanged) => "firmware unchanged",
        Claim::Inventory => "inventory",
        Claim::Reset => "reset",
        Claim::ResetBut(_) => "altered reset",
        Claim::ResetBy(_) => "reset by another method",
        Claim::VerifyState => "verify state",
        Claim::Restart { .. } => "restart",
        Claim::Attempt { .. } => "attempt",
        Claim::LockOut { .. } => "lock out",
        Claim::NearlyLockOut => "nearly lock out",
        Claim::Confirmed => "confirmed",
        Claim::Unconfirmed => "unconfirmed",
        Claim::Erased(_) => "erased",
        Claim::NoOldAccess => "no old access",
        Claim::FactoryState => "factory state",
        Claim::Recommission => "recommission",
        Claim::Unchanged => "unchanged",
        Claim::AllOrNothing => "all or nothing",
        Claim::NothingLeft => "nothing left",
    }
}
