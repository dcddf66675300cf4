//! Names of the things on a lock that a rig acts on or watches.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Error, Visitor};
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
    /// What presents cards and fingers to the lock.
    Reader,
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
    ("reader", Channel::Reader),
    ("operator", Channel::Operator),
];

impl Channel {
    /// How channels are written, for hints.
    pub const FORMS: [&str; 18] = [
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
        "reader",
    ];

    /// How a channel is written, as a regular expression.
    pub fn expression() -> String {
        let plain: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).collect();
        let named = "button\\.[a-z0-9_-]{1,40}|light\\.[a-z0-9_-]{1,40}|power\\.cell\\.([1-9]|1[0-2])";
        format!("{named}|{}", plain.join("|"))
    }

    /// All that is to know of a kind of channel: the one table of it.
    pub const fn traits(&self) -> Traits {
        use Direction::{Asked, Driven, Observed};
        use Form::{Contact, Level, Message, Pulses};
        let (form, direction, begins_on) = match self {
            Self::Button(_) => (Contact, Driven, false),
            Self::Power => (Level, Driven, true),
            Self::PowerCell(_) => (Contact, Driven, true),
            Self::Keypad => (Message, Driven, false),
            Self::Knob => (Level, Driven, false),
            Self::Light(_) => (Pulses, Observed, false),
            Self::Beeper => (Pulses, Observed, false),
            Self::Voice => (Message, Observed, false),
            Self::Bolt => (Contact, Observed, true),
            Self::Strike => (Contact, Driven, false),
            Self::Door => (Contact, Driven, false),
            Self::Cover => (Contact, Driven, false),
            Self::Current => (Level, Observed, false),
            Self::Console => (Message, Observed, false),
            Self::App | Self::Hub | Self::Cloud | Self::Memory | Self::Reader | Self::Operator => {
                (Message, Asked, false)
            }
        };
        Traits { form, direction, begins_on }
    }

    /// What its values amount to.
    pub const fn form(&self) -> Form {
        self.traits().form
    }

    /// Whether the rig sets it, and the lock never does.
    pub fn is_driven(&self) -> bool {
        self.traits().direction == Direction::Driven
    }

    /// Whether the lock speaks on it (as opposed to contacts that only the rig sets). A door contact, which the
    /// rig moves, is the lock's to report.
    pub fn is_observed(&self) -> bool {
        !self.is_driven() || *self == Self::Door
    }

    /// Whether it takes requests and answers later.
    pub fn takes_requests(&self) -> bool {
        self.traits().direction == Direction::Asked
    }
}

/// What the values of a channel amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A contact that is closed or not, and bounces.
    Contact,
    /// A light or a beeper, whose pulses count.
    Pulses,
    /// A quantity.
    Level,
    /// Words, keys, requests and answers.
    Message,
}

/// Who sets a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The rig.
    Driven,
    /// The lock.
    Observed,
    /// The rig asks, the lock answers or tells unasked.
    Asked,
}

/// Facts about a kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// What its values amount to.
    pub form: Form,
    /// Who sets it.
    pub direction: Direction,
    /// A case begins with it closed, thrown, inserted or supplied.
    pub begins_on: bool,
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
        match PLAIN.iter().find(|(_, channel)| channel == self) {
            Some((name, _)) => serializer.serialize_str(name),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Channel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a channel")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Channel, E> {
                name.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Name)
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
