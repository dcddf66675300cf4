//! A program of the user's own that speaks for channels which no driver knows: an app's test
//! harness, a hub's gateway, a person at a screen. JSON lines, `{"channel": …, "value": …}`, with
//! the values of the lockstep protocol: requests go out, answers and signals come back.
//!
//! Everything it says is hostile: bounded in length, and only on channels that are wired to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use serde::Serialize;
use serde_json::Value as Json;

use super::input::InputFault;
use crate::rig::Supervised;
use crate::trace::{Channel, Value};

/// Longer lines are a fault.
const MAX_LINE: usize = 64 << 10;
/// Requests that a program has not read yet.
const MAX_UNREAD: usize = 256;

/// A running program; it ends when this is dropped.
pub struct Program {
    _program: Supervised,
    name: String,
    requests: SyncSender<Vec<u8>>,
}

#[derive(Serialize)]
struct Line<'a> {
    channel: &'a Channel,
    value: &'a Value,
}

impl Program {
    /// Starts a program; `on_message` is called from another thread for what it says on `channels`,
    /// and once with why nothing more can come.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(
        command: &[String],
        channels: Vec<Channel>,
        mut on_message: impl FnMut(Result<(Channel, Value), InputFault>) + Send + 'static,
    ) -> Result<Self, InputFault> {
        let name = command.first().cloned().unwrap_or_default();
        let failed = |error: std::io::Error| InputFault(format!("`{name}` can't be started: {error}"));
        let mut program = Supervised::start(command, Stdio::null()).map_err(failed)?;
        let (input, output, _) = program.streams();
        let (requests, unread) = sync_channel::<Vec<u8>>(MAX_UNREAD);
        if let Some(mut input) = input {
            let write = move || {
                while let Ok(line) = unread.recv() {
                    // A program that is gone is noticed by whoever reads from it.
                    if input.write_all(&line).and_then(|()| input.flush()).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new().name(format!("to {name}")).spawn(write).map_err(failed)?;
        }
        if let Some(output) = output {
            let speaker = name.clone();
            let read = move || {
                let mut output = BufReader::new(output);
                loop {
                    let message = next(&mut output, &speaker, &channels);
                    let is_last = message.is_err();
                    on_message(message);
                    if is_last {
                        return;
                    }
                }
            };
            std::thread::Builder::new().name(format!("from {name}")).spawn(read).map_err(failed)?;
        }
        Ok(Self { _program: program, name, requests })
    }

    /// Tells the program a value, without waiting.
    ///
    /// # Errors
    /// It does not read any more.
    pub fn tell(&self, channel: &Channel, value: &Value) -> Result<(), InputFault> {
        let mut line = serde_json::to_vec(&Line { channel, value })
            .map_err(|error| InputFault(format!("`{}`: {error}", self.name)))?;
        line.push(b'\n');
        self.requests.try_send(line).map_err(|error| match error {
            TrySendError::Full(_) => InputFault(format!("`{}` is not reading its input", self.name)),
            TrySendError::Disconnected(_) => InputFault(format!("`{}` ended", self.name)),
        })
    }
}

fn next(output: &mut impl BufRead, name: &str, channels: &[Channel]) -> Result<(Channel, Value), InputFault> {
    let fault = |what: String| InputFault(format!("`{name}` {what}"));
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    match output.take(limit).read_until(b'\n', &mut line) {
        Ok(0) => return Err(fault("ended".into())),
        Ok(_) if line.last() != Some(&b'\n') => {
            return Err(fault("stopped in mid-line, or sent too long a line".into()));
        }
        Ok(_) => {}
        Err(error) => return Err(fault(format!("can't be read: {error}"))),
    }
    let json: Json = serde_json::from_slice(&line)
        .map_err(|error| fault(format!("sent something that is not JSON: {error}")))?;
    let channel = json.get("channel").and_then(Json::as_str).and_then(|text| text.parse::<Channel>().ok());
    let channel = channel.filter(|channel| channels.contains(channel));
    let channel = channel.ok_or_else(|| fault("sent a value on a channel that is not wired to it".into()))?;
    let value = Value::decode(&channel, json.get("value").unwrap_or(&Json::Null));
    match value.map_err(|error| fault(format!("sent an invalid value: {error}")))? {
        Value::Request(_) | Value::Keys(_) => Err(fault("sent a request, but it may only answer".into())),
        value => Ok((channel, value)),
    }
}
