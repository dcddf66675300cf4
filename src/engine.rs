//! Sans-IO interpreter of one case: achieved edges, signals and time go in; commands, records and
//! the next deadline come out.
//!
//! Deliberately absent: clocks, threads, files, drivers, secrets' values, and any way to know
//! whether the lock is simulated. The same inputs in the same order give the same verdict; that
//! is what `replay` checks.

mod ahead;
mod bolt;
mod fiber;
mod judge;
mod observe;
mod record;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::scenario::{Program, Stage, Weight};
use crate::trace::{Channel, Edge, GLITCH, Response, Timeline, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::{Measurement, Verdict};

use bolt::BoltWatch;
use fiber::{Fiber, Guard};
pub use record::{CaseResult, Cause, PartResult, Record, StepOutcome};

/// Expanded uncertainty of edge times on the rig that plays the case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Of achieved edges of outputs.
    pub stimulus: Duration,
    /// Of stamps of observed signals.
    pub observation: Duration,
    /// A contact has changed once it has kept its value for so long, and for longer than a glitch.
    pub debounce: Duration,
}

impl Precision {
    /// What is shorter on a contact is no change.
    pub(crate) fn bounce(self) -> Duration {
        GLITCH.max(self.debounce)
    }
}

/// A secret of so many digits stands in a log of many numbers by chance less than once in a million.
const TELLING: u8 = 6;

/// When a command is to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At that time, or at once if it is over.
    At(Instant),
    /// That much after the achieved edge of an earlier command.
    After {
        /// Which.
        command: u64,
        /// How much.
        delay: Duration,
    },
}

/// What the engine wants done or kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Set a channel, and hand in when that was achieved. A newer command on the same channel
    /// supersedes all that are not played yet.
    Command {
        /// Number that [`Engine::achieved`] repeats.
        id: u64,
        /// When it should happen.
        when: When,
        /// Where.
        channel: Channel,
        /// To what; secrets by handle.
        value: Value,
    },
    /// Keep this.
    Record(Record),
}

/// One case being played.
pub struct Engine<'p> {
    program: &'p Program,
    precision: Precision,
    now: Instant,
    horizon: Instant,
    newest_signal: Instant,
    timeline: Timeline,
    marks: Vec<Option<Instant>>,
    probes: Vec<Option<bool>>,
    /// Digests that were said, by what they are of.
    digests: BTreeMap<String, Arc<str>>,
    responses: BTreeMap<u64, (Instant, Response)>,
    /// Every command given out, by its number.
    commands: Vec<Issued>,
    part: Option<Running>,
    next_part: usize,
    fibers: Vec<Fiber<'p>>,
    guards: Vec<Guard<'p>>,
    bolt: BoltWatch,
    next_fiber: usize,
    outputs: VecDeque<Output>,
    levels: BTreeMap<Channel, Value>,
    parts: Vec<PartResult>,
    measurements: Vec<Measurement>,
    result: Option<CaseResult>,
}

/// A command that was given out.
struct Issued {
    achieved: Option<Instant>,
    /// What it holds or releases, until that is achieved.
    moves: Option<Channel>,
}

/// The part that is being played.
#[derive(Clone, Copy)]
struct Running {
    index: usize,
    begin: Instant,
}

impl<'p> Engine<'p> {
    /// Starts a case at time zero.
    pub fn new(program: &'p Program, precision: Precision) -> Self {
        let mut engine = Self {
            program,
            precision,
            now: Instant::START,
            horizon: Instant::START,
            newest_signal: Instant::START,
            timeline: Timeline::default(),
            marks: vec![None; program.marks],
            probes: vec![None; program.probes],
            digests: BTreeMap::new(),
            responses: BTreeMap::new(),
            commands: Vec::new(),
            part: None,
            next_part: 0,
            fibers: Vec::new(),
            guards: Vec::new(),
            bolt: BoltWatch::default(),
            next_fiber: 0,
            outputs: VecDeque::new(),
            levels: BTreeMap::new(),
            parts: Vec::new(),
            measurements: Vec::new(),
            result: None,
        };
        engine.run();
        engine
    }

    /// Hands in a signal; it may be stamped earlier than those before it, but not before the
    /// horizon.
    pub fn signal(&mut self, at: Instant, channel: &Channel, value: Value) {
        if let Value::Response(response) = &value {
            self.responses.entry(response.id).or_insert_with(|| (at, response.clone()));
        }
        self.newest_signal = self.newest_signal.max(at);
        self.timeline.push(channel, Edge { at, value });
    }

    /// Hands in that what was said last on a channel had a secret in it: no lock may tell one.
    pub fn told(&mut self, channel: &Channel, secret: &str) {
        if self.result.is_some() || self.part.is_none() {
            return;
        }
        let digits = self.program.secrets.iter().find(|(handle, _)| &**handle == secret).map(|(_, d)| *d);
        // What the rig itself or a person says is not the lock's.
        if matches!(channel, Channel::Operator | Channel::Reader) {
            return;
        }
        // A short number may be a year, or a counter.
        let is_certain = digits.is_some_and(|digits| digits >= TELLING);
        let reason = if is_certain {
            format!("the lock told the secret {secret} on {channel}")
        } else {
            format!("{channel} has the digits of {secret} in it, or a number that is the same by chance")
        };
        self.step_record(reason.clone(), self.now, StepOutcome::Unmet, String::new());
        self.unmet(if is_certain { Weight::Fail } else { Weight::Inconclusive }, &reason);
    }

    /// Hands in when a command was achieved.
    pub fn achieved(&mut self, id: u64, at: Instant) {
        let index = usize::try_from(id).ok();
        if let Some(command) = index.and_then(|index| self.commands.get_mut(index)) {
            *command = Issued { achieved: Some(at), moves: None };
        }
        self.run();
    }

    /// When a command was achieved.
    pub fn achieved_at(&self, id: u64) -> Option<Instant> {
        self.commands.get(usize::try_from(id).ok()?)?.achieved
    }

    /// Lets time pass: it is `now`, and every signal stamped at or before `horizon` was handed in.
    pub fn advance(&mut self, now: Instant, horizon: Instant) {
        self.now = self.now.max(now);
        self.horizon = self.horizon.max(horizon);
        self.timeline.settle(self.horizon, self.precision.debounce);
        self.run();
    }

    /// The next output, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the engine wants to be advanced at the latest; later is late.
    pub fn deadline(&self) -> Instant {
        let limit = Instant::START + self.program.time_limit;
        let wakes = self.fibers.iter().map(|fiber| self.wake(fiber));
        let next = wakes.min().unwrap_or(limit).min(limit);
        // What was just shown is judged once nothing more can come at that time.
        if self.newest_signal > self.horizon { next.min(self.newest_signal) } else { next }
    }

    /// Ends the case because the rig is wrong, or because it was interrupted.
    pub fn stop(&mut self, verdict: Verdict, reason: &str) {
        match &mut self.result {
            None => {
                self.close_part(verdict, reason);
                self.finish();
            }
            // A rig that broke in the last moment makes the whole case doubtful, and so does one that was stopped
            // before it was seen to rest; the first fault is the cause of the others.
            Some(result) => {
                let outdoes = match verdict {
                    Verdict::Error => result.verdict != Verdict::Error,
                    Verdict::Aborted => !matches!(result.verdict, Verdict::Error | Verdict::Aborted),
                    Verdict::Pass | Verdict::Fail | Verdict::Inconclusive | Verdict::NotApplicable => false,
                };
                if outdoes {
                    result.verdict = verdict;
                    result.reason = reason.to_owned();
                    result.deviations.clear();
                }
            }
        }
    }

    /// The outcome, once there is one and every output was polled.
    pub fn result(&self) -> Option<&CaseResult> {
        self.result.as_ref().filter(|_| self.outputs.is_empty())
    }

    /// The signals so far.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Plays whatever can be played now.
    fn run(&mut self) {
        while self.result.is_none() {
            if self.part.is_none() && !self.start_part() {
                self.finish();
                return;
            }
            if self.horizon >= Instant::START + self.program.time_limit {
                let limit = self.program.time_limit;
                self.close_part(Verdict::Inconclusive, &format!("the case took longer than {limit}"));
                self.finish();
                return;
            }
            if !self.check_guards() && !self.check_bolt() && !self.step_fibers() {
                return;
            }
        }
    }

    fn start_part(&mut self) -> bool {
        let Some(part) = self.program.parts.get(self.next_part) else { return false };
        self.part = Some(Running { index: self.next_part, begin: self.now });
        self.next_part += 1;
        self.spawn(&part.steps, None, self.now);
        true
    }

    /// Ends the running part with a verdict and returns outputs to rest.
    fn close_part(&mut self, verdict: Verdict, reason: &str) {
        let Some(running) = self.part.take() else {
            if verdict != Verdict::Pass {
                self.parts.push(PartResult::outside(verdict, reason));
            }
            return;
        };
        let part = &self.program.parts[running.index];
        let result = PartResult {
            name: part.name.clone(),
            verdict,
            reason: reason.to_owned(),
            begin: running.begin,
            end: self.now,
        };
        self.outputs.push_back(Output::Record(Record::Part(result.clone())));
        self.parts.push(result);
        self.fibers.clear();
        self.guards.clear();
        self.bolt.close_all(self.now);
        if verdict != Verdict::Pass {
            self.rest();
            let goes_on = matches!(part.stage, Stage::Between | Stage::Expect);
            let ends_case = !goes_on || verdict >= Verdict::Aborted;
            if ends_case {
                self.next_part = self.program.parts.len();
            }
        }
    }

    /// A condition of the running part is not met.
    fn unmet(&mut self, weight: Weight, reason: &str) {
        let verdict = match weight {
            Weight::Fail => Verdict::Fail,
            Weight::Inconclusive => Verdict::Inconclusive,
            Weight::Ignore => return,
        };
        self.close_part(verdict, reason);
    }

    fn command(&mut self, when: When, channel: &Channel, value: Value) -> u64 {
        let id = self.next_command();
        let holds = channel.is_driven()
            && !matches!(channel, Channel::Knob | Channel::Cover | Channel::Door | Channel::Strike);
        if holds {
            self.levels.insert(channel.clone(), value.clone());
        }
        self.commands.push(Issued { achieved: None, moves: holds.then(|| channel.clone()) });
        let channel = channel.clone();
        self.outputs.push_back(Output::Command { id, when, channel, value });
        id
    }

    fn next_command(&self) -> u64 {
        self.commands.len() as u64
    }

    /// Releases what is held and restores the supply.
    fn rest(&mut self) {
        let program = self.program;
        for (channel, value) in std::mem::take(&mut self.levels) {
            let rest = match &value {
                Value::Keys(_) => Value::Keys(Vec::new()),
                Value::Switch(_) => Value::Switch(matches!(channel, Channel::PowerCell(_))),
                _ => match program.rest.iter().find(|(at, _)| *at == channel) {
                    Some((_, rest)) => rest.clone(),
                    None => continue,
                },
            };
            // One that is still to be played would leave the channel as it found it only later.
            let mut is_moving = false;
            for command in self.commands.iter_mut().filter(|command| command.moves.as_ref() == Some(&channel))
            {
                (command.moves, is_moving) = (None, true);
            }
            if is_moving || value != rest {
                self.command(When::At(self.now), &channel, rest);
            }
        }
    }

    fn finish(&mut self) {
        self.rest();
        self.fibers.clear();
        self.result =
            Some(CaseResult::from_parts(self.program, &self.parts, std::mem::take(&mut self.measurements)));
    }
}
