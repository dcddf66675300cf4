//! Names of the things on a lock that a rig acts on or watches.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing on the lock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A button.
    Button(Arc<str>),
    /// The supply as a whole.
    Power,
    /// One battery cell, from 1.
    PowerCell(u8),
    /// The keypad.
    Keypad,
    /// The knob or tailpiece.
    Knob,
    /// A light.
    Light(Arc<str>),
    /// The beeper.
    Beeper,
    /// Speech.
    Voice,
    /// The bolt.
    Bolt,
    /// A block before the bolt, that keeps it where it is.
    Strike,
    /// The door contact.
    Door,
    /// The cover over a control.
    Cover,
    /// The supply current.
    Current,
    /// The serial console.
    Console,
    /// The phone app.
    App,
    /// The smart-home hub.
    Hub,
    /// The maker's service.
    Cloud,
    /// Memory behind a debug probe.
    Memory,
    /// A person who witnesses a step.
    Operator,
}

const PLAIN: &[(&str, Channel)] = &[
    ("power", Channel::Power),
    ("keypad", Channel::Keypad),
    ("knob", Channel::Knob),
    ("beeper", Channel::Beeper),
    ("voice", Channel::Voice),
    ("bolt", Channel::Bolt),
    ("strike", Channel::Strike),
    ("door", Channel::Door),
    ("cover", Channel::Cover),
    ("current", Channel::Current),
    ("console", Channel::Console),
    ("app", Channel::App),
    ("hub", Channel::Hub),
    ("cloud", Channel::Cloud),
    ("memory", Channel::Memory),
    ("operator", Channel::Operator),
];

impl Channel {
    /// How channels are written, for hints.
    pub const FORMS: [&str; 17] = [
        "button.<name>",
        "power",
        "power.cell.<n>",
        "keypad",
        "knob",
        "light.<name>",
        "beeper",
        "voice",
        "bolt",
        "strike",
        "door",
        "cover",
        "current",
        "console",
        "app",
        "hub",
        "cloud",
    ];

    /// Whether the lock speaks on it (as opposed to contacts that only the rig sets).
    pub fn is_observed(&self) -> bool {
        !matches!(
            self,
            Self::Button(_)
                | Self::Power
                | Self::PowerCell(_)
                | Self::Keypad
                | Self::Knob
                | Self::Cover
                | Self::Strike
        )
    }

    /// Whether it takes requests and answers later.
    pub fn takes_requests(&self) -> bool {
        matches!(self, Self::App | Self::Hub | Self::Cloud | Self::Memory | Self::Operator)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Button(name) => write!(f, "button.{name}"),
            Self::PowerCell(number) => write!(f, "power.cell.{number}"),
            Self::Light(name) => write!(f, "light.{name}"),
            plain => {
                let name = PLAIN.iter().find(|(_, channel)| channel == plain).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// A text that names no channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a channel")]
pub struct UnknownChannel(pub String);

fn is_name(text: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    (1..=40).contains(&text.len()) && text.chars().all(valid)
}

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        let unknown = || UnknownChannel(text.chars().take(80).collect());
        if let Some((_, channel)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(channel.clone());
        }
        if let Some(number) = text.strip_prefix("power.cell.") {
            let number = number.parse().ok().filter(|n| (1..=12).contains(n));
            return number.map(Self::PowerCell).ok_or_else(unknown);
        }
        match text.split_once('.') {
            Some(("button", name)) if is_name(name) => Ok(Self::Button(name.into())),
            Some(("light", name)) if is_name(name) => Ok(Self::Light(name.into())),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One channel, or all of a kind: `bolt`, `light.*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelPattern {
    /// Everything.
    All,
    /// Every channel whose name starts so.
    Prefix(String),
    /// Exactly this one.
    One(Channel),
}

impl ChannelPattern {
    /// Whether `channel` is meant.
    pub fn matches(&self, channel: &Channel) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => channel.to_string().starts_with(prefix.as_str()),
            Self::One(one) => one == channel,
        }
    }
}

impl FromStr for ChannelPattern {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        match text.strip_suffix('*') {
            Some("") => Ok(Self::All),
            Some(prefix @ ("button." | "light." | "power.cell.")) => Ok(Self::Prefix(prefix.to_owned())),
            _ => text.parse().map(Self::One),
        }
    }
}
