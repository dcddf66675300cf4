//! The opened devices of a bench, waited for in one place.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};

use rustix::event::{PollFd, PollFlags, poll};

use crate::drivers::clock;
use crate::drivers::console::Console;
use crate::drivers::input::{InputFault, Inputs, Reading};
use crate::drivers::probe::{MemoryProbe, MemorySetup, Setup as ProbeSetup};
use crate::drivers::program::Program;
use crate::guard::{Client, Event, Setup};
use crate::lock::MemoryMap;
use crate::rig::{Bench, Board, ConsoleSource, Drive, Fault, Input, OWN_PROGRAM, Output, Rig, Sensor};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Moment};

/// Words of programs and console that wait to be heard; who says more waits.
const MAX_UNHEARD: usize = 1_000;
/// Outputs are at rest so soon after they were told.
const REST_WITHIN: Duration = Duration::seconds(5);
/// A lock whose supply rests energised had none before: it starts.
const START_WITHIN: Duration = Duration::seconds(4);
/// A lock with power is listened to through its probe within this time.
const LISTENS_WITHIN: Duration = Duration::seconds(10);
/// How long it may not be noticed that it is.
const GLANCE: Duration = Duration::milliseconds(20);

/// What an input stands for.
#[derive(Clone, Debug)]
enum Meaning {
    Contact(Channel),
    Colour(Channel, Arc<str>),
    Sense(usize),
}

/// Something that a device said.
#[derive(Debug)]
pub(super) enum Said {
    /// A channel took a value.
    Signal(Moment, Channel, Value),
    /// The contact of an output closed or opened.
    Sensed(Moment, usize, bool),
    /// The guard drove an output.
    Achieved(Moment, u64, usize, Drive),
    /// The rig is wrong.
    Fault(Fault),
    /// The guard does not play a program: nothing broke.
    Refused(Fault),
    /// The guard was told to make everything safe, by somebody else: nothing broke.
    Stopped(String),
    /// Everything is at rest.
    Rested,
    /// What the boards say of each output.
    Levels(Vec<Option<Drive>>),
}

/// What a person watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// A channel has a value, so long after the start.
    Value(Duration, String, String),
    /// The rig is wrong.
    Fault(Fault),
    /// Somebody else made everything safe.
    Stopped(String),
    /// Nothing happened for a while.
    Nothing,
}

/// What other threads tell this one.
enum Heard {
    Console(Result<String, InputFault>),
    Program(Result<(Channel, Value), InputFault>),
}

/// Devices that are open.
pub struct Live {
    guard: Client,
    events: Receiver<Event>,
    heard: Receiver<Heard>,
    /// What broke, for good: said once more to whoever comes later.
    broken: Option<Fault>,
    /// Why somebody else ended it.
    stopped: Option<String>,
    /// Readable when something was heard.
    woken: UnixStream,
    inputs: Vec<Inputs>,
    programs: BTreeMap<Arc<str>, Program>,
    /// Reads the lock's memory.
    probe: Option<MemoryProbe>,
    /// Listens as long as it is here.
    _console: Option<Console>,
    meanings: Vec<Meaning>,
    /// Which inputs are active.
    active: Vec<bool>,
    delay: Duration,
    poll: Option<Duration>,
}

impl Live {
    /// Opens everything that is wired; a probe only if it is known what is where in the lock's memory.
    ///
    /// # Errors
    /// A device is missing, in use or not permitted; nothing was switched.
    pub fn open(rig: &Rig, bench: &Bench, memory: Option<&MemoryMap>) -> Result<Self, Fault> {
        let fault = |error: &dyn std::fmt::Display| Fault(error.to_string());
        let mut meanings = Vec::new();
        let mut boards: BTreeMap<Arc<str>, Vec<(usize, &Input)>> = BTreeMap::new();
        let mut add = |meaning: Meaning, input| {
            let input: &Input = input;
            boards.entry(Arc::clone(&input.line.board)).or_default().push((meanings.len(), input));
            meanings.push(meaning);
        };
        for (channel, sensor) in &bench.sensors {
            match sensor {
                Sensor::Switch(input) => add(Meaning::Contact(channel.clone()), input),
                Sensor::Light(colours) => {
                    for (colour, input) in colours {
                        add(Meaning::Colour(channel.clone(), Arc::clone(colour)), input);
                    }
                }
            }
        }
        for (index, output) in bench.outputs.iter().enumerate() {
            if let Some(sense) = &output.sense {
                add(Meaning::Sense(index), sense);
            }
        }
        let consumer: String =
            format!("lockrig {} {}", rig.id, std::process::id()).chars().take(31).collect();
        let mut inputs = Vec::new();
        let mut active = vec![false; meanings.len()];
        for (name, lines) in &boards {
            let board = bench.boards.get(name).ok_or_else(|| Fault(format!("no board `{name}`")))?;
            let poll = bench.poll.get(name).copied();
            let opened = Inputs::open(board, poll, lines, &consumer);
            let opened = opened.map_err(|error| fault(&error))?;
            tracing::debug!(board = %name, inputs = lines.len(), "inputs are open");
            opened.levels().for_each(|(input, level)| active[input] = level);
            inputs.push(opened);
        }
        let (sender, heard) = sync_channel(MAX_UNHEARD);
        let (woken, wake) = UnixStream::pair().map_err(|error| fault(&error))?;
        for socket in [&woken, &wake] {
            socket.set_nonblocking(true).map_err(|error| fault(&error))?;
        }
        let wake = Arc::new(wake);
        let event_wake = Arc::clone(&wake);
        let tell = move |heard| {
            // Whoever does not listen any more has ended the speaker itself.
            let _ = sender.send(heard);
            let _ = (&*wake).write(b"!");
        };
        let tell_line = tell.clone();
        let on_line = move |line| tell_line(Heard::Console(line));
        let (console, rtt) = match &bench.console {
            Some(ConsoleSource::Port(port)) => (Some(Console::open(port, on_line)), None),
            Some(ConsoleSource::Rtt(rtt)) => (None, Some(*rtt)),
            None => (None, None),
        };
        let _console = console.transpose().map_err(|error| fault(&error))?;
        // Dropped before the console is, whose thread may wait for room.
        let heard = heard;
        let mut programs = BTreeMap::new();
        for (name, board) in &bench.boards {
            let Board::Program { command } = board else { continue };
            let channels = bench.programs.iter().filter(|(_, through)| *through == name);
            let channels: Vec<Channel> = channels.map(|(channel, _)| channel.clone()).collect();
            let tell = tell.clone();
            let program = Program::start(command, channels, move |said| tell(Heard::Program(said)));
            programs.insert(Arc::clone(name), program.map_err(|error| fault(&error))?);
        }
        let probe = match (&bench.probe, memory) {
            (Some(port), Some(map)) => {
                let probe = ProbeSetup { port: port.clone(), chip: Arc::clone(&map.chip) };
                let setup = MemorySetup { probe, map: Arc::new(map.clone()), console: rtt };
                let started = MemoryProbe::start(setup, move |said| tell(Heard::Program(said)));
                Some(started.map_err(|error| fault(&error))?)
            }
            (Some(_), None) | (None, _) => None,
        };
        let (event_sender, events) = channel();
        let on_event = move |event| {
            let _ = event_sender.send(event);
            let _ = (&*event_wake).write(b"!");
        };
        let guard = Client::start(&Setup::of(&rig.id, bench), OWN_PROGRAM.as_ref(), on_event);
        let guard = guard.map_err(|error| fault(&error))?;
        let delay = inputs.iter().map(|input| input.delay()).max().unwrap_or_default();
        let poll = inputs.iter().filter_map(|input| input.poll()).min();
        let mut live = Self {
            guard,
            events,
            heard,
            broken: None,
            stopped: None,
            woken,
            inputs,
            programs,
            probe,
            _console,
            meanings,
            active,
            delay,
            poll,
        };
        live.begin_at_rest(bench)?;
        tracing::info!(rig = %rig.id, "the bench is open, and its outputs are at rest");
        Ok(live)
    }

    /// Brings the outputs from safe to rest, and gives a lock that had no power time to start.
    fn begin_at_rest(&mut self, bench: &Bench) -> Result<(), Fault> {
        self.guard.rest();
        let until = clock::now() + REST_WITHIN;
        while clock::now() < until {
            self.wait(until);
            for said in self.said() {
                match said {
                    Said::Rested => {
                        if bench.outputs.iter().any(|output| output.rest == Drive::Energised) {
                            self.wait_through(START_WITHIN);
                        }
                        return self.broken.clone().map_or(Ok(()), Err);
                    }
                    Said::Fault(fault) => return Err(fault),
                    // Nothing is wrong: whoever plays on this finds it out.
                    Said::Stopped(_) => return Ok(()),
                    _ => {}
                }
            }
        }
        Err(Fault("the outputs did not return to rest".into()))
    }

    /// Lets time pass; what is said meanwhile belongs to no case.
    fn wait_through(&mut self, length: Duration) {
        let until = clock::now() + length;
        while clock::now() < until {
            self.wait(until);
            drop(self.said());
        }
    }

    /// A case begins: what happened before it belongs to none.
    pub(super) fn begin(&mut self) {
        self.inputs.iter_mut().for_each(Inputs::resume);
        drop(self.said());
        self.await_console();
    }

    /// A console that is read through the probe has to be heard by now: the lock has its power, and what it would have said
    /// must not be missed.
    fn await_console(&mut self) {
        let is_deaf = |live: &Self| live.probe.as_ref().is_some_and(|probe| !probe.is_listening());
        let until = clock::now() + LISTENS_WITHIN;
        while is_deaf(self) && self.broken.is_none() && self.stopped.is_none() {
            let now = clock::now();
            if now >= until {
                let what = "the console can't be read through the probe: the lock's chip does not answer";
                self.broken = Some(Fault(what.into()));
            }
            self.wait(until.min(now + GLANCE));
            drop(self.said());
        }
    }

    /// What broke, if anything did since the devices were opened.
    pub(super) fn broken(&self) -> Option<&Fault> {
        self.broken.as_ref()
    }

    /// Why the guard does not play any more, if somebody told it to stop.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// The guard.
    pub fn guard(&mut self) -> &mut Client {
        &mut self.guard
    }

    /// Tells the probe, or the program that speaks for a channel; `None` if there is none.
    pub(super) fn tell(&self, bench: &Bench, channel: &Channel, value: &Value) -> Option<Result<(), Fault>> {
        if let (Channel::Memory, Some(probe)) = (channel, &self.probe) {
            return Some(probe.tell(value).map_err(|error| Fault(error.to_string())));
        }
        let program = self.programs.get(bench.programs.get(channel)?)?;
        Some(program.tell(channel, value).map_err(|error| Fault(error.to_string())))
    }

    /// Everything stamped so long ago was handed out by [`Live::said`].
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Waits until something was said, or until a moment.
    pub(super) fn wait(&mut self, until: Moment) {
        let now = clock::now();
        self.guard.attend();
        let until = self.poll.map_or(until, |poll| until.min(now + poll));
        let mut ready = vec![PollFd::new(&self.woken, PollFlags::IN)];
        ready.extend(
            self.inputs
                .iter()
                .filter(|input| input.poll().is_none())
                .map(|input| PollFd::new(input, PollFlags::IN)),
        );
        // A signal ends the sleep early, and whoever waits looks at the clock again.
        let _ = poll(&mut ready, Some(&clock::timeout(until.since(now))));
        let mut buffer = [0; 64];
        while matches!(self.woken.read(&mut buffer), Ok(count) if count == buffer.len()) {}
    }

    /// Hands out the state of every input and output and each change, for a time or until `show`
    /// says no.
    pub fn watch(&mut self, bench: &Bench, length: Option<Duration>, show: &mut dyn FnMut(Watched) -> bool) {
        let begin = clock::now();
        let end = length.map_or(Moment::NEVER, |length| begin + length);
        if let Some(reason) = &self.stopped {
            show(Watched::Stopped(reason.clone()));
            return;
        }
        self.guard.read();
        for index in 0..self.meanings.len() {
            let reading = Reading { input: index, active: self.active[index], at: begin };
            let said = self.meaning(reading);
            if !watched(bench, begin, said).into_iter().all(&mut *show) {
                return;
            }
        }
        while clock::now() < end {
            self.wait(end.min(clock::now() + Duration::milliseconds(100)));
            let said = self.said();
            // Asked even when nothing was said.
            let mut goes_on = said.is_empty() && show(Watched::Nothing);
            for said in said {
                goes_on = watched(bench, begin, said).into_iter().all(&mut *show);
                if !goes_on {
                    break;
                }
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Everything that was said since the last call, in the order of its time.
    pub(super) fn said(&mut self) -> Vec<Said> {
        let now = clock::now();
        let mut all: Vec<(Moment, Said)> = Vec::new();
        let mut changes: Vec<Reading> = Vec::new();
        for input in &mut self.inputs {
            if let Err(error) = input.read(&mut changes) {
                all.push((now, Said::Fault(Fault(error.to_string()))));
            }
        }
        changes.sort_by_key(|change| change.at);
        for change in changes {
            self.active[change.input] = change.active;
            all.push((change.at, self.meaning(change)));
        }
        // Whoever never stops talking is heard again later.
        for heard in self.heard.try_iter().take(MAX_UNHEARD) {
            all.push((
                now,
                match heard {
                    Heard::Console(Ok(line)) => Said::Signal(now, Channel::Console, Value::Text(line.into())),
                    Heard::Program(Ok((channel, value))) => Said::Signal(now, channel, value),
                    Heard::Console(Err(error)) | Heard::Program(Err(error)) => {
                        Said::Fault(Fault(error.to_string()))
                    }
                },
            ));
        }
        for event in self.events.try_iter() {
            match event {
                Event::Achieved { command, at, output, drive } => {
                    all.push((at, Said::Achieved(at, command, output, drive)));
                }
                Event::Refused { reason, .. } => {
                    all.push((now, Said::Refused(Fault(format!("the guard refused: {reason}")))));
                }
                Event::Tripped { reason, asked: true, safe: true } => all.push((now, Said::Stopped(reason))),
                Event::Tripped { reason, .. } | Event::Unavailable { reason } => {
                    all.push((now, Said::Fault(Fault(reason))));
                }
                Event::Rested {} => all.push((now, Said::Rested)),
                Event::Levels { levels } => all.push((now, Said::Levels(levels))),
                Event::Ready { .. } | Event::MakingSafe {} | Event::Stopped { .. } | Event::Beat {} => {}
            }
        }
        all.sort_by_key(|(at, _)| *at);
        let all: Vec<Said> = all.into_iter().map(|(_, said)| said).collect();
        for said in &all {
            match said {
                Said::Fault(fault) => drop(self.broken.get_or_insert_with(|| fault.clone())),
                Said::Stopped(reason) => drop(self.stopped.get_or_insert_with(|| reason.clone())),
                _ => {}
            }
        }
        all
    }

    /// What differs from the state that every case begins with: contacts open, lights off, the
    /// bolt thrown.
    pub(super) fn state(&self) -> Vec<(Channel, Value)> {
        let mut all = Vec::new();
        for (meaning, active) in self.meanings.iter().zip(&self.active) {
            match meaning {
                Meaning::Contact(channel) if *active != (*channel == Channel::Bolt) => {
                    all.push((channel.clone(), Value::Switch(*active)));
                }
                Meaning::Colour(channel, _) if *active => {
                    let value = self.light(channel);
                    if !all.iter().any(|(known, _)| known == channel) {
                        all.push((channel.clone(), value));
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// Whether the contact of an output is closed, where that is sensed.
    pub(super) fn sensed(&self, output: usize) -> Option<bool> {
        let is_it = |meaning: &Meaning| matches!(meaning, Meaning::Sense(index) if *index == output);
        self.meanings.iter().position(is_it).map(|input| self.active[input])
    }

    fn meaning(&self, change: Reading) -> Said {
        match &self.meanings[change.input] {
            Meaning::Contact(channel) => {
                Said::Signal(change.at, channel.clone(), Value::Switch(change.active))
            }
            Meaning::Colour(channel, _) => Said::Signal(change.at, channel.clone(), self.light(channel)),
            Meaning::Sense(output) => Said::Sensed(change.at, *output, change.active),
        }
    }

    /// The colour of a light; several lines at once are one mixed colour.
    fn light(&self, channel: &Channel) -> Value {
        let lit = self.meanings.iter().zip(&self.active).filter_map(|(meaning, active)| match meaning {
            Meaning::Colour(of, colour) if of == channel && *active => Some(&**colour),
            _ => None,
        });
        let lit: Vec<&str> = lit.collect();
        Value::Light((!lit.is_empty()).then(|| lit.join("-").into()))
    }
}

/// What a person is shown of it.
fn watched(bench: &Bench, begin: Moment, said: Said) -> Vec<Watched> {
    let value = |at: Moment, name: String, value: String| Watched::Value(at.since(begin), name, value);
    let contact = |closed: bool| if closed { "closed" } else { "open" }.to_owned();
    match said {
        Said::Signal(at, channel, signal) => {
            let text = serde_json::to_string(&signal).unwrap_or_default();
            vec![value(at, channel.to_string(), text)]
        }
        Said::Sensed(at, output, closed) => {
            let name = bench.outputs.get(output).map(|output| format!("sense of {}", output.name));
            name.map(|name| value(at, name, contact(closed))).into_iter().collect()
        }
        Said::Levels(levels) => {
            let known = bench.outputs.iter().zip(levels);
            let known = known.filter_map(|(output, drive)| Some((output, drive?)));
            let closed = |(output, drive): (&Output, Drive)| {
                value(begin, output.name.clone(), contact(output.contact.drive(true) == drive))
            };
            known.map(closed).collect()
        }
        Said::Fault(fault) | Said::Refused(fault) => vec![Watched::Fault(fault)],
        Said::Stopped(reason) => vec![Watched::Stopped(reason)],
        Said::Achieved(..) | Said::Rested => Vec::new(),
    }
}
