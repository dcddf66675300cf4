//! What one line of the journal says.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::engine::{CaseResult, Record};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

/// First line: what the run was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub format: u32,
    /// Version of the tool.
    pub tool: String,
    /// Run id.
    pub run: String,
    /// Seed.
    pub seed: u64,
    /// Rig id.
    pub rig: String,
    /// `simulated` or `hardware`.
    pub provenance: String,
    /// Every file used.
    pub inputs: Vec<InputHash>,
}

/// A file under `inputs/` and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputHash {
    /// Path below the run folder.
    pub path: String,
    /// Of its bytes.
    pub sha256: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// First line of a run.
    Run(Header),
    /// A case begins.
    Begin {
        /// Seed of its device.
        seed: u64,
    },
    /// The device is ready.
    Ready {
        /// Firmware version, if it says.
        firmware: Option<String>,
        /// Serial number, if it says.
        serial: Option<String>,
    },
    /// The engine set a channel.
    Command {
        /// Number of the command.
        id: u64,
        /// Where.
        channel: Channel,
        /// To what.
        value: Value,
        /// When it was achieved, if that is known already.
        #[serde(skip_serializing_if = "Option::is_none")]
        achieved_ns: Option<Instant>,
    },
    /// A command was achieved later.
    Achieved {
        /// Number of the command.
        id: u64,
    },
    /// When the case began by other clocks.
    Clock {
        /// In UTC, as this machine has it.
        utc: String,
        /// On the machine's monotonic clock, which stamps edges.
        monotonic_ns: u64,
    },
    /// A contact that is read back closed or opened.
    Sensed {
        /// Output.
        output: String,
        /// Closed.
        closed: bool,
    },
    /// A hold ended.
    Hold {
        /// What was held.
        channel: Channel,
        /// When it began.
        begin_ns: Instant,
        /// How long it was commanded, if that was known beforehand.
        #[serde(skip_serializing_if = "Option::is_none")]
        commanded_ns: Option<Duration>,
        /// How long it lasted by the edges of its outputs.
        achieved_ns: Duration,
        /// Expanded uncertainty (k = 2) of that.
        uncertainty_ns: Duration,
    },
    /// A hold ended by the contact that is read back.
    SensedHold {
        /// Output.
        output: String,
        /// How long it lasted.
        sensed_ns: Duration,
        /// Expanded uncertainty (k = 2) of that.
        uncertainty_ns: Duration,
    },
    /// The lock showed something.
    Signal {
        /// Where.
        channel: Channel,
        /// What.
        value: Value,
    },
    /// Time passed, and all signals up to the horizon were handed in.
    Advance {
        /// The horizon.
        horizon_ns: Instant,
    },
    /// What the engine says about a step, a part or a measurement.
    Record(Record),
    /// A line that the peer wrote to standard error.
    Stderr {
        /// The line.
        line: String,
    },
    /// The player ended the case.
    Stop {
        /// As what.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// The case ended.
    End(CaseResult),
    /// Everything before this line is durable, and covered by the chain.
    Commit {},
}

/// A line that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a journal entry: {0}")]
pub struct EntryError(pub String);

/// A line of the journal with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalLine {
    /// Number, from 0.
    pub seq: u64,
    /// Time in the case.
    pub at: Instant,
    /// Case id; empty for the run.
    pub case: String,
    /// What happened.
    pub entry: Entry,
}

/// Whether a text can be a case id: it becomes a file name, and nothing that leads elsewhere is one.
fn is_case_id(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '=' | '.' | '%');
    text.len() <= 250 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(safe)
}

impl JournalLine {
    /// Reads a line.
    ///
    /// # Errors
    /// It is not JSON, or not an entry of this format.
    pub fn parse(line: &[u8]) -> Result<Self, EntryError> {
        let wrong = |what: &str| EntryError(what.to_owned());
        let json: Json = serde_json::from_slice(line).map_err(|error| EntryError(error.to_string()))?;
        let object = json.as_object().ok_or_else(|| wrong("not an object"))?;
        let number = |name: &str| object.get(name).and_then(Json::as_u64).ok_or_else(|| wrong(name));
        let body = object
            .iter()
            .find(|(name, _)| !matches!(name.as_str(), "seq" | "t_ns" | "case" | "prev"))
            .ok_or_else(|| wrong("no content"))?;
        let case = object.get("case").and_then(Json::as_str).ok_or_else(|| wrong("case"))?;
        if !case.is_empty() && !is_case_id(case) {
            return Err(EntryError(format!("{case:?} is not a case id")));
        }
        Ok(Self {
            seq: number("seq")?,
            at: Instant::from_nanoseconds(number("t_ns")?),
            case: case.to_owned(),
            entry: Entry::decode(body.0, body.1)?,
        })
    }
}

impl Entry {
    fn decode(kind: &str, body: &Json) -> Result<Self, EntryError> {
        fn typed<T: for<'de> Deserialize<'de>>(body: &Json) -> Result<T, EntryError> {
            T::deserialize(body).map_err(|error| EntryError(error.to_string()))
        }
        let wrong = |what: &str| EntryError(format!("{kind}: {what}"));
        let number = |name: &str| body.get(name).and_then(Json::as_u64).ok_or_else(|| wrong(name));
        let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
        let channel_value = || {
            let name = text("channel").ok_or_else(|| wrong("channel"))?;
            let channel: Channel = name.parse().map_err(|_| wrong("channel"))?;
            let value = body.get("value").ok_or_else(|| wrong("value"))?;
            let value = Value::decode(&channel, value).map_err(|error| EntryError(error.to_string()))?;
            Ok::<_, EntryError>((channel, value))
        };
        Ok(match kind {
            "run" => Self::Run(typed(body)?),
            "begin" => Self::Begin { seed: number("seed")? },
            "ready" => Self::Ready { firmware: text("firmware"), serial: text("serial") },
            "command" => {
                let (channel, value) = channel_value()?;
                let achieved = body.get("achieved_ns").and_then(Json::as_u64);
                let achieved_ns = achieved.map(Instant::from_nanoseconds);
                Self::Command { id: number("id")?, channel, value, achieved_ns }
            }
            "achieved" => Self::Achieved { id: number("id")? },
            "clock" => Self::Clock {
                utc: text("utc").ok_or_else(|| wrong("utc"))?,
                monotonic_ns: number("monotonic_ns")?,
            },
            "sensed" => Self::Sensed {
                output: text("output").ok_or_else(|| wrong("output"))?,
                closed: body.get("closed").and_then(Json::as_bool).ok_or_else(|| wrong("closed"))?,
            },
            "hold" => {
                let channel = text("channel").and_then(|name| name.parse().ok());
                let length = |name: &str| number(name).map(Duration::nanoseconds);
                Self::Hold {
                    channel: channel.ok_or_else(|| wrong("channel"))?,
                    begin_ns: Instant::from_nanoseconds(number("begin_ns")?),
                    commanded_ns: length("commanded_ns").ok(),
                    achieved_ns: length("achieved_ns")?,
                    uncertainty_ns: length("uncertainty_ns")?,
                }
            }
            "sensed_hold" => Self::SensedHold {
                output: text("output").ok_or_else(|| wrong("output"))?,
                sensed_ns: Duration::nanoseconds(number("sensed_ns")?),
                uncertainty_ns: Duration::nanoseconds(number("uncertainty_ns")?),
            },
            "signal" => {
                let (channel, value) = channel_value()?;
                Self::Signal { channel, value }
            }
            "advance" => Self::Advance { horizon_ns: Instant::from_nanoseconds(number("horizon_ns")?) },
            "record" => Self::Record(typed(body)?),
            "stderr" => Self::Stderr { line: text("line").unwrap_or_default() },
            "stop" => Self::Stop {
                verdict: typed(body.get("verdict").ok_or_else(|| wrong("verdict"))?)?,
                reason: text("reason").unwrap_or_default(),
            },
            "end" => Self::End(typed(body)?),
            "commit" => Self::Commit {},
            other => return Err(EntryError(format!("unknown kind `{other}`"))),
        })
    }
}
