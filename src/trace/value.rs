//! What is set or seen on a channel, and its JSON form: the same in the lockstep protocol and in
//! the journal, apart from secrets, which a journal has by handle only.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::unit::{Angle, Current, Voltage};

use super::Channel;

/// Longer texts from a lock are cut: it may be hostile.
pub const MAX_TEXT_BYTES: usize = 4096;

/// What is set or seen on a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Pressed, closed, thrown, inserted or sounding.
    Switch(bool),
    /// Colour of a light; `None` is off.
    Light(Option<Arc<str>>),
    /// Supply voltage.
    Voltage(Voltage),
    /// Supply current.
    Current(Current),
    /// A turn relative to where it was.
    Angle(Angle),
    /// Console line or spoken words.
    Text(Arc<str>),
    /// The keys that are now held.
    Keys(Vec<Keystroke>),
    /// A question to the app, hub, cloud, memory or operator.
    Request(Request),
    /// Its answer.
    Response(Response),
    /// Something told unasked.
    Notify(Arc<str>),
}

/// Name of a secret: `user.1`, `master`, `wrong.2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Handle(pub Arc<str>);

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Handle;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a secret")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Handle, E> {
                Ok(Handle::new(name))
            }
        }

        json.deserialize_str(Name)
    }
}

impl Handle {
    /// The handle called `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

/// One key of the keypad, or one digit of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Keystroke {
    /// A key by its label.
    Key(Arc<str>),
    /// The digit of a secret at a position; `altered` means a different digit on purpose.
    Secret {
        /// Which secret.
        handle: Handle,
        /// Which digit, from 0.
        position: u8,
        /// Type another digit than the right one.
        altered: bool,
    },
}

/// A question that is answered later.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Number that the answer repeats.
    pub id: u64,
    /// Operation: `add_code`.
    pub op: Arc<str>,
    /// Arguments in the order of their names.
    pub arguments: Vec<(Arc<str>, Argument)>,
}

/// An argument of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A word.
    Text(Arc<str>),
    /// A number.
    Number(u64),
    /// A secret by its handle.
    Secret(Handle),
}

/// Why something was refused. Verdicts rest on this, never on what is said beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The lock's debug port is closed.
    Locked,
    /// Who asked may not do that.
    NotPermitted,
    /// The lock or its network can't be reached.
    Offline,
    /// The lock has no power.
    Unpowered,
    /// The probe found nothing to talk to.
    NoTarget,
    /// Something else has to end first.
    Busy,
    /// It is so already: bound, added, removed.
    Already,
    /// There is no such binding, code or slot.
    NotFound,
    /// The lock has no such operation.
    Unsupported,
    /// What was asked for is not well-formed.
    Invalid,
    /// Another one, or none was given.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Reason {
    /// The word for it in messages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::NotPermitted => "not permitted",
            Self::Offline => "offline",
            Self::Unpowered => "no power",
            Self::NoTarget => "no target",
            Self::Busy => "busy",
            Self::Already => "already done",
            Self::NotFound => "not found",
            Self::Unsupported => "not supported",
            Self::Invalid => "invalid",
            Self::Unknown => "no reason given",
        }
    }

    const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// An answer; a refusal is an answer too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Number of the request.
    #[serde(rename = "response")]
    pub id: u64,
    /// Done, or refused.
    pub ok: bool,
    /// Why refused, out of a closed list.
    #[serde(skip_serializing_if = "Reason::is_unknown", default)]
    pub reason: Reason,
    /// Why refused, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
    /// `status`: whether it is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paired: Option<bool>,
    /// `status`: number of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
    /// `status`: number of codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<u64>,
    /// `search`: what was found of the codes that were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Vec<Found>>,
    /// `digest`: SHA-256 of a part of the memory, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Arc<str>>,
}

impl Response {
    /// A refusal.
    pub fn refused(id: u64, reason: Reason, why: impl Into<Arc<str>>) -> Self {
        Self { id, ok: false, reason, why: Some(why.into()), ..Self::default() }
    }
}

/// A code that was found in a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its number in the request: 1 for `code.1`.
    pub code: u64,
    /// How it is kept there; for people.
    pub encoding: Arc<str>,
    /// Where it begins.
    pub address: u64,
}

/// A value that its channel can't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("channel `{channel}` can't have the value {found}; expected {expected}")]
pub struct ValueError {
    /// Where it was found.
    pub channel: Channel,
    /// What was found, cut short.
    pub found: String,
    /// What the channel has.
    pub expected: &'static str,
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Switch(on) => serializer.serialize_bool(*on),
            Self::Light(colour) => serializer.serialize_str(colour.as_deref().unwrap_or("off")),
            Self::Voltage(volts) => serializer.serialize_f64(volts.as_f64()),
            Self::Current(amperes) => serializer.serialize_f64(amperes.as_f64()),
            Self::Angle(degrees) => serializer.serialize_f64(degrees.as_f64()),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Keys(keys) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("keys", &KeyList(keys))?;
                map.end()
            }
            Self::Request(request) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("request", &request.id)?;
                map.serialize_entry("op", &request.op)?;
                for (name, argument) in &request.arguments {
                    match argument {
                        Argument::Text(text) => map.serialize_entry(name, text)?,
                        Argument::Number(number) => map.serialize_entry(name, number)?,
                        Argument::Secret(handle) => {
                            map.serialize_entry(name, &SecretRef { secret: handle })?
                        }
                    }
                }
                map.end()
            }
            Self::Response(response) => response.serialize(serializer),
            Self::Notify(what) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("notify", what)?;
                map.end()
            }
        }
    }
}

#[derive(Serialize)]
struct SecretRef<'a> {
    secret: &'a Handle,
}

struct KeyList<'a>(&'a [Keystroke]);

impl Serialize for KeyList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct SecretKey<'a> {
            secret: &'a Handle,
            position: u8,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            altered: bool,
        }
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Key<'a> {
            Plain(&'a str),
            Secret(SecretKey<'a>),
        }
        serializer.collect_seq(self.0.iter().map(|key| match key {
            Keystroke::Key(label) => Key::Plain(label),
            Keystroke::Secret { handle, position, altered } => {
                Key::Secret(SecretKey { secret: handle, position: *position, altered: *altered })
            }
        }))
    }
}

impl Value {
    /// Reads the JSON form of a value on `channel`, bounding its size.
    ///
    /// # Errors
    /// Says what the channel has instead.
    pub fn decode(channel: &Channel, json: &Json) -> Result<Self, ValueError> {
        let wrong = |_| ValueError {
            channel: channel.clone(),
            found: shorten(json),
            expected: On(channel).shape().1,
        };
        On(channel).deserialize(json).map_err(wrong)
    }

    /// Replaces every text in it; used to take secrets out of what a lock says.
    pub fn map_texts(&mut self, mut replace: impl FnMut(&str) -> Option<String>) {
        let mut apply = |text: &mut Arc<str>| {
            if let Some(new) = replace(text) {
                *text = bounded(&new);
            }
        };
        match self {
            Self::Text(text) | Self::Notify(text) => apply(text),
            Self::Response(Response { why: Some(text), .. }) => apply(text),
            _ => {}
        }
    }
}

/// Cuts a text at a character boundary to what a record may hold.
fn bounded(text: &str) -> Arc<str> {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

fn is_word(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// SHA-256 as it is written in hexadecimal.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn shorten(json: &Json) -> String {
    let text = json.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(60).chain(['…']).collect() }
}

fn secret_handle(json: &Json) -> Option<Handle> {
    json.get("secret")?.as_str().map(Handle::new)
}

/// Reads a value on this channel, bounding its size.
pub struct On<'c>(pub &'c Channel);

/// What the values of a channel are in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Switch,
    Colour,
    Volts,
    Amperes,
    Degrees,
    Text,
    Keys,
    Message,
}

impl On<'_> {
    /// What its values are in JSON, and what they mean.
    const fn shape(&self) -> (Shape, &'static str) {
        match self.0 {
            Channel::Button(_) => (Shape::Switch, "true (pressed) or false"),
            Channel::PowerCell(_) => (Shape::Switch, "true (inserted) or false"),
            Channel::Bolt => (Shape::Switch, "true (thrown) or false"),
            Channel::Door | Channel::Cover => (Shape::Switch, "true (closed) or false"),
            Channel::Strike => (Shape::Switch, "true (blocked) or false"),
            Channel::Beeper => (Shape::Switch, "true (sounding) or false"),
            Channel::Light(_) => (Shape::Colour, "a colour name or \"off\""),
            Channel::Power => (Shape::Volts, "volts"),
            Channel::Current => (Shape::Amperes, "amperes"),
            Channel::Knob => (Shape::Degrees, "degrees"),
            Channel::Voice | Channel::Console => (Shape::Text, "text"),
            Channel::Keypad => (Shape::Keys, "{\"keys\":[…]}"),
            Channel::App
            | Channel::Hub
            | Channel::Cloud
            | Channel::Memory
            | Channel::Reader
            | Channel::Operator => (Shape::Message, "a request, a response or a notification"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for On<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for On<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.shape().1, self.0)
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Value, E> {
        match self.shape().0 == Shape::Switch {
            true => Ok(Value::Switch(on)),
            false => Err(E::invalid_type(Unexpected::Bool(on), &self)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let value = match self.shape().0 {
            Shape::Volts => Voltage::from_f64(number).map(Value::Voltage),
            Shape::Amperes => Current::from_f64(number).map(Value::Current),
            Shape::Degrees => Angle::from_f64(number).map(Value::Angle),
            Shape::Switch | Shape::Colour | Shape::Text | Shape::Keys | Shape::Message => None,
        };
        value.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    #[expect(clippy::cast_precision_loss, reason = "no channel has so much of anything")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "no channel has so much of anything")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.visit_f64(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        match self.shape().0 {
            Shape::Colour if text == "off" => Ok(Value::Light(None)),
            Shape::Colour if is_word(text) => Ok(Value::Light(Some(text.into()))),
            Shape::Text => Ok(Value::Text(bounded(text))),
            Shape::Colour
            | Shape::Switch
            | Shape::Volts
            | Shape::Amperes
            | Shape::Degrees
            | Shape::Keys
            | Shape::Message => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let wrong = || A::Error::invalid_value(Unexpected::Map, &self);
        match self.shape().0 {
            Shape::Keys => {
                let mut keys: Option<Vec<Keystroke>> = None;
                while let Some(field) = map.next_key::<&str>()? {
                    match field {
                        "keys" => keys = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                keys.filter(|keys| keys.len() <= MAX_KEYS).map(Value::Keys).ok_or_else(wrong)
            }
            Shape::Message => {
                decode_message(&Json::deserialize(MapAccessDeserializer::new(map))?).ok_or_else(wrong)
            }
            Shape::Switch | Shape::Colour | Shape::Volts | Shape::Amperes | Shape::Degrees | Shape::Text => {
                Err(wrong())
            }
        }
    }
}

/// A memory in which more is found is as bad as one in which so much is.
pub const MAX_FOUND: usize = 1_000;
/// Nobody has more fingers, and no keypad more keys at once.
const MAX_KEYS: usize = 16;

impl<'de> Deserialize<'de> for Keystroke {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Key;

        impl<'de> Visitor<'de> for Key {
            type Value = Keystroke;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key, or a digit of a secret")
            }

            fn visit_str<E: Error>(self, label: &str) -> Result<Keystroke, E> {
                Ok(Keystroke::Key(bounded(label)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keystroke, A::Error> {
                #[derive(Deserialize)]
                struct Digit {
                    secret: Handle,
                    position: u8,
                    #[serde(default)]
                    altered: bool,
                }
                let Digit { secret, position, altered } =
                    Digit::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Keystroke::Secret { handle: secret, position, altered })
            }
        }

        json.deserialize_any(Key)
    }
}

fn decode_message(json: &Json) -> Option<Value> {
    if let Some(what) = json.get("notify") {
        return what.as_str().map(|text| Value::Notify(bounded(text)));
    }
    if json.get("response").is_some() {
        let mut response = Response::deserialize(json).ok()?;
        response.why = response.why.map(|why| bounded(&why));
        let mut found = response.found.iter().flatten();
        let is_sane =
            found.all(|one| is_word(&one.encoding)) && response.digest.iter().all(|text| is_digest(text));
        if !is_sane || response.found.as_ref().is_some_and(|found| found.len() > MAX_FOUND) {
            return None;
        }
        return Some(Value::Response(response));
    }
    let object = json.as_object()?;
    let mut request = Request {
        id: object.get("request")?.as_u64()?,
        op: bounded(object.get("op")?.as_str()?),
        arguments: Vec::new(),
    };
    for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "request" | "op")) {
        let argument = match value {
            Json::String(text) => Argument::Text(bounded(text)),
            Json::Number(number) => Argument::Number(number.as_u64()?),
            other => Argument::Secret(secret_handle(other)?),
        };
        request.arguments.push((bounded(name), argument));
    }
    Some(Value::Request(request))
}
