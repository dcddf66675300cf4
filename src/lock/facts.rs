//! What a manual says about one hardware variant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::unit::{Duration, Voltage};

use super::{MemoryMap, Near, Token, named_enum};

named_enum! {
    /// A way to reset.
    Method {
        /// A button on the lock.
        Button = "button",
        /// A sequence on the keypad.
        Keypad = "keypad",
        /// The phone app over a local radio.
        App = "app",
        /// A proof or code that only the maker issues.
        Manufacturer = "manufacturer",
        /// The smart-home hub.
        Hub = "hub",
        /// The knob or tailpiece.
        Knob = "knob",
    }
}

named_enum! {
    /// How a lock is reached from afar.
    Radio {
        /// Z-Wave.
        ZWave = "z-wave",
        /// Zigbee.
        Zigbee = "zigbee",
        /// Bluetooth Low Energy.
        Bluetooth = "bluetooth",
        /// Wi-Fi.
        WiFi = "wi-fi",
    }
}

named_enum! {
    /// How far a source can be trusted.
    SourceKind {
        /// Read in vendor or standards text.
        Primary = "primary",
        /// From somebody who read it.
        Secondary = "secondary",
        /// No sourced procedure: explore, never certify.
        Unsourced = "unsourced",
    }
}

named_enum! {
    /// Something of its owner that a lock stores.
    Asset {
        /// Codes of users.
        UserCodes = "user_codes",
        /// Cards, fobs and tags.
        Cards = "cards",
        /// Fingerprints.
        Fingers = "fingers",
        /// The code that programs the lock.
        MasterCode = "master_code",
        /// Binding to a phone app or account.
        AppPairing = "app_pairing",
        /// Binding to a smart-home hub.
        HubPairing = "hub_pairing",
        /// Which way the door opens.
        Handing = "handing",
    }
}

named_enum! {
    /// Where digits may be typed beside a code to mask it; the lock ignores them.
    Masking {
        /// In front of it.
        Before = "before",
        /// Behind it.
        After = "after",
        /// In front of it and behind it.
        Both = "both",
    }
}

impl Masking {
    /// Whether what is nearly a code is that code with digits which the lock ignores.
    pub const fn hides(self, near: Near) -> bool {
        match near {
            Near::ExtraBefore => matches!(self, Self::Before | Self::Both),
            Near::ExtraAfter => matches!(self, Self::After | Self::Both),
            Near::LastMissing | Near::FirstMissing | Near::OneWrong => false,
        }
    }
}

/// A fact as its source has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    /// Stated.
    Known(T),
    /// The source states that there is no such thing.
    Unsupported,
    /// The source does not say.
    #[default]
    Unknown,
}

impl<T> Fact<T> {
    /// The stated value.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unsupported | Self::Unknown => None,
        }
    }

    /// Why there is no value, of `what`.
    pub fn absence(&self, what: &str) -> String {
        match self {
            Self::Known(_) => format!("the source specifies {what}"),
            Self::Unsupported => format!("the model has no {}", what.trim_start_matches("a ")),
            Self::Unknown => format!("the source does not specify {what}"),
        }
    }
}

/// Where the facts were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDocument {
    /// Title, as a person would search for it.
    pub title: String,
    /// Document number, article or path.
    pub document: String,
    /// How far it can be trusted.
    pub kind: SourceKind,
    /// What other sources say differently.
    pub conflicts: Vec<String>,
}

/// The supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerFacts {
    /// Number of battery cells that can be taken out singly.
    pub cells: u8,
    /// Voltage of fresh cells together.
    pub nominal: Voltage,
    /// Voltage at which the lock warns.
    pub low: Fact<Voltage>,
}

/// Codes that work on a lock in its factory state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Published user codes; an empty list means that there are none.
    pub user_codes: Fact<Vec<Arc<str>>>,
    /// Published master code.
    pub master: Fact<Arc<str>>,
}

/// What a keypad does with keys that are no code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PadFacts {
    /// How long it keeps keys that were typed and not completed.
    pub forgets: Fact<Duration>,
    /// How long it takes no key after a wrong code.
    pub deaf: Fact<Duration>,
}

/// How long a lock takes nothing, though all is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadyFacts {
    /// After its power came back.
    pub after_power: Fact<Duration>,
    /// After a press or hold that was too short for a reset, where that starts it anew.
    pub after_short_press: Fact<Duration>,
}

/// The penalty for wrong codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Wrong codes in a row that cause it.
    pub attempts: u8,
    /// How long no code is taken.
    pub duration: Duration,
    /// Only those count that are entered within this time.
    pub within: Fact<Duration>,
}

/// Everything stated about one model apart from procedures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Identifier, safe as a file name.
    pub id: Arc<str>,
    /// Who makes it.
    pub maker: String,
    /// Which hardware variant.
    pub variant: String,
    /// Where the facts were read.
    pub source: SourceDocument,
    /// Buttons by name.
    pub buttons: BTreeSet<Arc<str>>,
    /// Labels of the keypad's keys; empty without one.
    pub keys: BTreeSet<Arc<str>>,
    /// What the keypad does with keys that are no code.
    pub pad: PadFacts,
    /// Supply.
    pub power: PowerFacts,
    /// How long it takes nothing after it was started.
    pub ready: ReadyFacts,
    /// How long after it opened it throws its bolt by itself.
    pub relocks: Fact<Duration>,
    /// Whether a knob or tailpiece can be turned.
    pub knob: bool,
    /// Whether it has a door contact.
    pub door: bool,
    /// Whether a debug port is known that leads to its memory.
    pub debug_port: bool,
    /// What its maker documents of its memory.
    pub memory: Option<MemoryMap>,
    /// What can be presented to it besides codes.
    pub reader: BTreeSet<Token>,
    /// Whether a cover must come off to reach a control.
    pub cover: bool,
    /// Lights and their colours.
    pub lights: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Whether it beeps.
    pub beeper: bool,
    /// Whether it speaks.
    pub voice: bool,
    /// Digits of a code that a test draws; within what the source allows.
    pub code_digits: Fact<u8>,
    /// The shortest and the longest code that the source allows.
    pub code_lengths: Option<(u8, u8)>,
    /// Where digits beside a code are ignored, if its source says so.
    pub masking: Option<Masking>,
    /// How many codes it holds.
    pub code_slots: Fact<u16>,
    /// Codes of the factory state.
    pub defaults: Defaults,
    /// Penalty for wrong codes.
    pub lockout: Fact<Lockout>,
    /// How it is reached from afar; empty if not at all, or if the source does not say.
    pub radio: BTreeSet<Radio>,
    /// Stays after a reset, as documented.
    pub keeps: BTreeSet<Asset>,
    /// Opens for any code after a reset, as documented.
    pub opens_for_any_code: bool,
}
