//! The shape of `lock` and `wiring`, and which fields belong to which kind of wire.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::trace::Channel;
use crate::yaml::{Map, Scalar, Spanned};

type Word = Spanned<Scalar>;

/// The lock on the bench.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rig) struct LockSyntax {
    pub model: Word,
    pub serial: Option<Word>,
    #[serde(default)]
    pub simulated: bool,
}

/// A channel's wire: the fields of every kind.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rig) struct WireSyntax {
    pub relay: Option<Word>,
    pub contact: Option<Word>,
    pub safe: Option<Word>,
    pub max_on: Option<Word>,
    pub supply: Option<Word>,
    pub sense: Option<InputSyntax>,
    pub rows: Option<Vec<Word>>,
    pub columns: Option<Vec<Word>>,
    pub layout: Option<Vec<Word>>,
    pub input: Option<Word>,
    pub active: Option<Word>,
    pub bias: Option<Word>,
    pub debounce: Option<Word>,
    pub colours: Option<Map<InputSyntax>>,
    pub through: Option<Word>,
    pub port: Option<Word>,
    pub baud: Option<Word>,
    pub goes_with: Option<Word>,
    pub rtt: Option<Word>,
    pub probe: Option<Word>,
    pub speed: Option<Word>,
    pub connect: Option<Word>,
    pub if_protected: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rig) struct InputSyntax {
    pub input: Word,
    pub active: Option<Word>,
    pub bias: Option<Word>,
    pub debounce: Option<Word>,
}

const OUTPUT: &[&str] = &["relay", "contact", "active", "safe", "max_on", "sense"];
const SUPPLY: &[&str] = &["supply", "relay", "contact", "active", "safe", "max_on", "sense"];
const KEYPAD: &[&str] = &["rows", "columns", "layout", "contact", "active", "safe", "max_on"];
const INPUT: &[&str] = &["input", "active", "bias", "debounce"];

impl WireSyntax {
    /// The fields that mean something for a channel that is wired like this.
    pub(super) fn meant_for(&self, channel: &Channel) -> &'static [&'static str] {
        match channel {
            _ if self.through.is_some() => &["through"],
            Channel::Cover | Channel::Door if self.input.is_some() => INPUT,
            Channel::Button(_) | Channel::PowerCell(_) | Channel::Cover | Channel::Door | Channel::Strike => {
                OUTPUT
            }
            Channel::Power if self.relay.is_none() => &["supply"],
            Channel::Power => SUPPLY,
            Channel::Keypad => KEYPAD,
            Channel::Light(_) => &["colours"],
            Channel::Console if self.rtt.is_some() => &["rtt"],
            Channel::Console => &["port", "baud", "goes_with"],
            Channel::Memory => &["probe", "speed", "connect", "if_protected"],
            _ => INPUT,
        }
    }

    /// The fields that are stated.
    pub(super) fn stated(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("relay", self.relay.is_some()),
            ("contact", self.contact.is_some()),
            ("safe", self.safe.is_some()),
            ("max_on", self.max_on.is_some()),
            ("supply", self.supply.is_some()),
            ("sense", self.sense.is_some()),
            ("rows", self.rows.is_some()),
            ("columns", self.columns.is_some()),
            ("layout", self.layout.is_some()),
            ("input", self.input.is_some()),
            ("active", self.active.is_some()),
            ("bias", self.bias.is_some()),
            ("debounce", self.debounce.is_some()),
            ("colours", self.colours.is_some()),
            ("through", self.through.is_some()),
            ("port", self.port.is_some()),
            ("baud", self.baud.is_some()),
            ("goes_with", self.goes_with.is_some()),
            ("rtt", self.rtt.is_some()),
            ("probe", self.probe.is_some()),
            ("speed", self.speed.is_some()),
            ("connect", self.connect.is_some()),
            ("if_protected", self.if_protected.is_some()),
        ];
        all.into_iter().filter(|(_, is_stated)| *is_stated).map(|(name, _)| name)
    }
}
