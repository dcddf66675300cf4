//! The client side of the lockstep protocol: a program that plays the lock.
//!
//! Everything it says is hostile: bounded in length, number and time. Own code, because the
//! protocol is ours.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time;

use serde::Serialize;
use serde_json::Value as Json;

use crate::rig::{Fault, Hello, LockstepDevice, Ran, Ready, Supervised};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};

/// Longer lines are a fault.
const MAX_LINE_BYTES: usize = 1 << 20;
/// More outputs at one instant are a fault.
const MAX_OUTPUTS_PER_INSTANT: usize = 1_000;
/// Lines of standard error that are kept for one case.
const MAX_STDERR_LINES: usize = 200;

/// A peer, started anew whenever it broke.
pub struct Peer {
    command: Vec<String>,
    answer_within: time::Duration,
    process: Option<Process>,
    now: Instant,
    outputs_at_now: usize,
    said: Vec<String>,
}

/// A running peer.
struct Process {
    program: Supervised,
    /// Requests for the thread that writes them: a peer that never reads can't hold the rig.
    requests: SyncSender<Vec<u8>>,
    lines: Receiver<Result<String, Fault>>,
    stderr: Receiver<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    Hello { protocol: &'static str, model: &'a str, case: &'a str, seed: u64 },
    Run { until_ns: Instant, set: Vec<Set<'a>> },
    Bye {},
}

#[derive(Serialize)]
struct Set<'a> {
    channel: &'a Channel,
    value: &'a Value,
}

impl Peer {
    /// A peer that will be started with `command` when the first case begins.
    pub fn new(command: Vec<String>, answer_within: Duration) -> Self {
        let answer_within = time::Duration::from_nanos(answer_within.as_nanoseconds());
        let now = Instant::START;
        Self { command, answer_within, process: None, now, outputs_at_now: 0, said: Vec::new() }
    }

    /// Starts the program and hears whether it answers: one that does not would end every case in the same way.
    ///
    /// # Errors
    /// It can't be started, ends, or says nothing in time.
    pub fn greet(&mut self, hello: &Hello) -> Result<(), Fault> {
        let Hello { model, case, seed } = hello;
        self.exchange(&Request::Hello { protocol: "lockstep/1", model, case, seed: *seed }).map(drop)
    }

    /// Ends the process: the next case starts another one.
    pub fn abandon(&mut self) {
        self.process = None;
    }

    /// What the peer wrote to standard error since the last call.
    pub fn take_stderr(&mut self) -> Vec<String> {
        if let Some(process) = &self.process {
            self.said.extend(process.stderr.try_iter());
        }
        self.said.truncate(MAX_STDERR_LINES);
        std::mem::take(&mut self.said)
    }

    fn process(&mut self) -> Result<&mut Process, Fault> {
        if self.process.is_none() {
            self.process = Some(Process::start(&self.command)?);
        }
        self.process.as_mut().ok_or_else(|| Fault("the peer is gone".into()))
    }

    /// Sends a request and reads its answer; whatever goes wrong ends the process.
    fn exchange(&mut self, request: &Request<'_>) -> Result<Json, Fault> {
        let within = self.answer_within;
        let outcome = self.process().and_then(|process| process.exchange(request, within));
        outcome.map_err(|mut fault| {
            self.said.extend(self.process.iter().flat_map(|process| process.stderr.try_iter()));
            self.process = None;
            if let Some(last) = self.said.iter().rev().find(|line| !line.trim().is_empty()) {
                fault.0.push_str(&format!("; the last line on its standard error: {}", excerpt(last)));
            }
            fault
        })
    }

    /// Ends the process because of what it said.
    fn broken<T>(&mut self, what: impl Into<String>) -> Result<T, Fault> {
        self.process = None;
        Err(Fault(what.into()))
    }

    fn outputs(&mut self, list: Option<&Json>) -> Result<Vec<(Channel, Value)>, Fault> {
        let empty = Vec::new();
        let items = match list {
            None => &empty,
            Some(Json::Array(items)) => items,
            Some(_) => return self.broken("the peer's `out` is not a list"),
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let name = item.get("channel").and_then(Json::as_str).unwrap_or_default();
            let Ok(channel) = name.parse::<Channel>() else {
                return self
                    .broken(format!("the peer sent output on an unknown channel `{}`", excerpt(name)));
            };
            match Value::decode(&channel, item.get("value").unwrap_or(&Json::Null)) {
                Ok(Value::Request(_) | Value::Keys(_)) => {
                    return self
                        .broken(format!("the peer sent a request on `{channel}`, but it may only answer"));
                }
                Ok(_) if !channel.is_observed() => {
                    return self
                        .broken(format!("the peer sent output on `{channel}`, which only the rig sets"));
                }
                Ok(value) => out.push((channel, value)),
                Err(error) => return self.broken(format!("the peer sent an invalid value: {error}")),
            }
        }
        Ok(out)
    }
}

impl Process {
    fn start(command: &[String]) -> Result<Self, Fault> {
        let started = Supervised::start(command, Stdio::piped());
        let name = command.first().map_or("", String::as_str);
        let mut program =
            started.map_err(|error| Fault(format!("the peer `{name}` can't be started: {error}")))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = program.streams() else {
            return Err(Fault("the peer's standard streams can't be opened".into()));
        };
        // A bounded queue holds a flooding peer back instead of filling memory.
        let (sender, lines) = sync_channel(1);
        std::thread::spawn(move || read_lines(stdout, &sender));
        let (sender, errors) = sync_channel(MAX_STDERR_LINES);
        std::thread::spawn(move || drain(stderr, &sender));
        let (requests, queue) = sync_channel::<Vec<u8>>(1);
        std::thread::spawn(move || write_lines(stdin, &queue));
        Ok(Self { program, requests, lines, stderr: errors })
    }

    fn exchange(&mut self, request: &Request<'_>, within: time::Duration) -> Result<Json, Fault> {
        if self.lines.try_recv().is_ok() {
            return Err(Fault("the peer spoke out of turn".into()));
        }
        let mut line = serde_json::to_vec(request).map_err(|error| Fault(error.to_string()))?;
        line.push(b'\n');
        match self.requests.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Fault("the peer is not reading its input".into()));
            }
            Err(TrySendError::Disconnected(_)) => return Err(Fault(self.ending())),
        }
        match self.lines.recv_timeout(within) {
            Ok(Ok(line)) => serde_json::from_str(&line)
                .map_err(|_| Fault(format!("the peer's answer is not JSON: {}", excerpt(&line)))),
            Ok(Err(fault)) => Err(fault),
            Err(RecvTimeoutError::Timeout) => {
                Err(Fault(format!("the peer gave no answer within {} s", within.as_secs_f64())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Fault(self.ending())),
        }
    }

    fn ending(&mut self) -> String {
        format!("the peer {}", self.program.ending())
    }
}

fn write_lines(mut stdin: ChildStdin, queue: &Receiver<Vec<u8>>) {
    while let Ok(line) = queue.recv() {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: impl Read, sender: &SyncSender<Result<String, Fault>>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let said = match reader.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.len() > MAX_LINE_BYTES => {
                Err(Fault("the peer sent a line longer than 1 MiB".into()))
            }
            Ok(_) if !reader.buffer().is_empty() => Err(Fault("the peer spoke out of turn".into())),
            Ok(_) => match String::from_utf8(line) {
                Ok(text) => Ok(text),
                Err(_) => Err(Fault("the peer's answer is not UTF-8".into())),
            },
        };
        let is_fault = said.is_err();
        if sender.send(said).is_err() || is_fault {
            return;
        }
    }
}

/// Keeps the first lines of standard error and throws the rest away, so that it never blocks.
fn drain(stderr: impl Read, sender: &SyncSender<String>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = reader.by_ref().take(4_096).read_until(b'\n', &mut line) {
        // A full queue loses the line, as promised.
        let _ = sender.try_send(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

fn excerpt(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let text = text.trim_end();
    let end = if text.chars().count() > 200 { "…" } else { "" };
    text.chars().take(200).map(visible).chain(end.chars()).collect()
}

impl LockstepDevice for Peer {
    fn start(&mut self, hello: &Hello) -> Result<Ready, Fault> {
        self.now = Instant::START;
        self.outputs_at_now = 0;
        // One that ended since its last case did that case no harm.
        if self.process.as_mut().is_some_and(|process| process.program.has_ended()) {
            self.process = None;
        }
        let Hello { model, case, seed } = hello;
        let request = Request::Hello { protocol: "lockstep/1", model, case, seed: *seed };
        let answer = self.exchange(&request)?;
        let Some(ready) = answer.get("ready") else {
            return self
                .broken(format!("expected `ready`, but the peer sent {}", excerpt(&answer.to_string())));
        };
        let text = |name: &str| {
            ready.get(name).and_then(Json::as_str).map(|text| text.chars().take(80).collect::<String>())
        };
        let (firmware, serial) = (text("firmware"), text("serial"));
        let out = self.outputs(ready.get("out").filter(|out| !out.is_null()))?;
        self.outputs_at_now = out.len();
        if out.len() > MAX_OUTPUTS_PER_INSTANT {
            return self
                .broken(format!("the peer sent more than {MAX_OUTPUTS_PER_INSTANT} values at its start"));
        }
        Ok(Ready { firmware, serial, out })
    }

    fn run(&mut self, until: Instant, set: &[(Channel, Value)]) -> Result<Ran, Fault> {
        let set = set.iter().map(|(channel, value)| Set { channel, value }).collect();
        let answer = self.exchange(&Request::Run { until_ns: until, set })?;
        let Some(ran) = answer.get("ran") else {
            return self
                .broken(format!("expected `ran`, but the peer sent {}", excerpt(&answer.to_string())));
        };
        let Some(now) = ran.get("now_ns").and_then(Json::as_u64).map(Instant::from_nanoseconds) else {
            return self.broken("the peer's answer needs a whole number as `now_ns`");
        };
        if now < self.now {
            return self.broken(format!("the peer went back in time, from {} to {now}", self.now));
        }
        if now > until {
            return self.broken(format!("the peer ran to {now}, past the {until} it was allowed"));
        }
        let out = self.outputs(ran.get("out"))?;
        if out.is_empty() && now < until {
            return self.broken(format!("the peer stopped at {now} without an output"));
        }
        self.outputs_at_now = if now > self.now { out.len() } else { self.outputs_at_now + out.len() };
        if self.outputs_at_now > MAX_OUTPUTS_PER_INSTANT {
            return self.broken(format!("the peer sent more than {MAX_OUTPUTS_PER_INSTANT} values at {now}"));
        }
        self.now = now;
        Ok(Ran { now, out })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process
            && let Ok(mut line) = serde_json::to_vec(&Request::Bye {})
        {
            line.push(b'\n');
            // A courtesy: the process is ended in any case.
            let _ = process.requests.try_send(line);
        }
    }
}
