//! What the fields of a line say: its first field, apart from the time, is what it is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::engine::{CaseResult, Cause, PartResult, Record, StepOutcome};
use crate::trace::{Channel, On, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::{Measurement, Verdict};

use super::entry::{Entry, EntryError};
use super::line::{Context, Time};

/// What a line says.
pub(super) enum Said<'a> {
    /// A case is named, with the seed of its device if one was made.
    Case { case: Cow<'a, str>, seed: Option<u64> },
    /// Something happened.
    Entry { time: Time, entry: Entry },
}

/// Reads one line; what it leaves out, the lines before it said.
///
/// # Errors
/// It is not JSON, or not an entry.
pub(super) fn decode<'a>(line: &'a str, context: &Context) -> Result<Said<'a>, EntryError> {
    let mut json = serde_json::Deserializer::from_str(line);
    let said = Line(context).deserialize(&mut json);
    said.and_then(|said| json.end().map(|()| said)).map_err(|error| EntryError(error.to_string()))
}

struct Line<'c>(&'c Context);

impl<'de> DeserializeSeed<'de> for Line<'_> {
    type Value = Said<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Said<'de>, D::Error> {
        json.deserialize_map(self)
    }
}

/// Reads the fields that are left, in any order; a reader that writes the line again notices another one. All may be
/// missing.
macro_rules! fields {
    ($map:ident, $($name:literal => $field:ident: $type:ty),* $(,)?) => {
        $(let mut $field: Option<$type> = None;)*
        while let Some(key) = $map.next_key::<&str>()? {
            match key {
                $($name => $field = Some($map.next_value()?),)*
                other => return Err(Error::unknown_field(other, &[$($name),*])),
            }
        }
    };
}

fn wanted<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

/// The next field, which must be the value of a channel.
fn value_on<'de, A: MapAccess<'de>>(
    channel: &Channel,
    name: &'static str,
    map: &mut A,
) -> Result<Value, A::Error> {
    match map.next_key::<&str>()? {
        Some(key) if key == name => map.next_value_seed(On(channel)),
        _ => Err(A::Error::missing_field(name)),
    }
}

impl<'de> Visitor<'de> for Line<'_> {
    type Value = Said<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a line of the journal")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said<'de>, A::Error> {
        let mut kind = map.next_key::<&str>()?;
        let time = match kind {
            Some("t") => Time::At(map.next_value()?),
            Some("by") => Time::By(map.next_value()?),
            _ => Time::At(self.0.at),
        };
        let (Time::At(at) | Time::By(at)) = time else { return Err(A::Error::missing_field("t")) };
        if matches!(kind, Some("t" | "by")) {
            kind = map.next_key()?;
        }
        let entry = match kind {
            None => Entry::Advance { horizon_ns: at },
            Some("horizon") => {
                let horizon_ns = map.next_value()?;
                fields!(map,);
                Entry::Advance { horizon_ns }
            }
            Some("set") => {
                let channel = map.next_value()?;
                let value = value_on(&channel, "to", &mut map)?;
                fields!(map, "id" => id: u64, "at" => achieved: Instant);
                let achieved_ns = Some(achieved.unwrap_or(at));
                Entry::Command { id: id.unwrap_or(self.0.next), channel, value, achieved_ns }
            }
            Some("command") => {
                let channel = map.next_value()?;
                let value = value_on(&channel, "to", &mut map)?;
                fields!(map, "id" => id: u64);
                Entry::Command { id: id.unwrap_or(self.0.next), channel, value, achieved_ns: None }
            }
            Some("signal") => {
                let channel = map.next_value()?;
                let value = value_on(&channel, "is", &mut map)?;
                fields!(map,);
                Entry::Signal { channel, value }
            }
            Some("told") => {
                let channel = map.next_value()?;
                fields!(map, "secret" => secret: String);
                Entry::Told { channel, secret: wanted(secret, "secret")? }
            }
            Some("achieved") => {
                let id = map.next_value()?;
                fields!(map,);
                Entry::Achieved { id }
            }
            Some("step") => {
                let label = map.next_value()?;
                fields!(map, "since" => since: Instant, "until" => until: Instant, "unmet" => unmet: String,
                    "reason" => reason: String);
                let outcome = if unmet.is_some() { StepOutcome::Unmet } else { StepOutcome::Done };
                let reason = unmet.or(reason).unwrap_or_default();
                let (begin, end) = (since.unwrap_or(at), until.unwrap_or(at));
                Entry::Record(Record::Step { label, begin, end, outcome, reason })
            }
            Some("part") => {
                let name = map.next_value()?;
                fields!(map, "verdict" => verdict: Verdict, "since" => since: Instant, "until" => until: Instant,
                    "reason" => reason: String);
                Entry::Record(Record::Part(PartResult {
                    name,
                    verdict: wanted(verdict, "verdict")?,
                    reason: reason.unwrap_or_default(),
                    begin: since.unwrap_or(at),
                    end: until.unwrap_or(at),
                }))
            }
            Some("reaction") => {
                let to = map.next_value()?;
                fields!(map, "latency_ns" => latency: Duration);
                Entry::Record(Record::Reaction { to, latency: wanted(latency, "latency_ns")? })
            }
            Some("measured") => {
                let measurement = map.next_value()?;
                fields!(map,);
                Entry::Record(Record::Measurement(measurement))
            }
            Some("case") => {
                let case = map.next_value()?;
                fields!(map, "seed" => seed: u64);
                return Ok(Said::Case { case, seed });
            }
            Some("ready") => {
                let device = map.next_value()?;
                fields!(map,);
                Entry::Ready(device)
            }
            Some("end") => {
                let verdict = map.next_value()?;
                fields!(map, "reason" => reason: String, "unplayed" => unplayed: Cause,
                    "parts" => parts: Vec<PartResult>, "measurements" => measurements: Vec<Measurement>,
                    "omitted" => omitted: Vec<(String, String)>, "deviations" => deviations: Vec<String>);
                Entry::End(Box::new(CaseResult {
                    verdict,
                    reason: reason.unwrap_or_default(),
                    unplayed,
                    parts: parts.unwrap_or_else(|| self.0.parts.clone()),
                    measurements: measurements.unwrap_or_else(|| self.0.measurements.clone()),
                    omitted: omitted.unwrap_or_default(),
                    deviations: deviations.unwrap_or_default(),
                }))
            }
            Some("chain") => {
                let chain = map.next_value()?;
                fields!(map,);
                return Ok(Said::Entry { time: Time::None, entry: Entry::Commit { chain } });
            }
            Some("run") => {
                let manifest = map.next_value()?;
                fields!(map,);
                return Ok(Said::Entry { time: Time::None, entry: Entry::Run(manifest) });
            }
            Some("clock") => {
                let utc = map.next_value()?;
                fields!(map, "monotonic_ns" => monotonic: u64);
                Entry::Clock { utc, monotonic_ns: wanted(monotonic, "monotonic_ns")? }
            }
            Some("sensed") => {
                let output = map.next_value()?;
                fields!(map, "closed" => closed: bool);
                Entry::Sensed { output, closed: wanted(closed, "closed")? }
            }
            Some("hold") => {
                let channel = map.next_value()?;
                fields!(map, "begin_ns" => begin: Instant, "commanded_ns" => commanded_ns: Duration,
                    "achieved_ns" => achieved: Duration, "uncertainty_ns" => uncertainty: Duration);
                Entry::Hold {
                    channel,
                    begin_ns: wanted(begin, "begin_ns")?,
                    commanded_ns,
                    achieved_ns: wanted(achieved, "achieved_ns")?,
                    uncertainty_ns: wanted(uncertainty, "uncertainty_ns")?,
                }
            }
            Some("sensed_hold") => {
                let output = map.next_value()?;
                fields!(map, "sensed_ns" => sensed: Duration, "uncertainty_ns" => uncertainty: Duration);
                Entry::SensedHold {
                    output,
                    sensed_ns: wanted(sensed, "sensed_ns")?,
                    uncertainty_ns: wanted(uncertainty, "uncertainty_ns")?,
                }
            }
            Some("stderr") => {
                let line = map.next_value()?;
                fields!(map,);
                Entry::Stderr { line }
            }
            Some("stop") => {
                let verdict = map.next_value()?;
                fields!(map, "reason" => reason: String);
                Entry::Stop { verdict, reason: wanted(reason, "reason")? }
            }
            Some(other) => {
                return Err(A::Error::custom(format_args!("`{other}` says nothing that lockrig knows")));
            }
        };
        Ok(Said::Entry { time, entry })
    }
}
