//! One case in virtual time: it jumps to the engine's next deadline or to the device's next
//! event, whichever comes first.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::{CaseResult, Engine, Output, Precision, When};
use crate::evidence::{DeviceIdentity, Entry, EvidenceError};
use crate::rig::{Fault, Hello, LockstepDevice};
use crate::scenario::Program;
use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

use super::conversation::Conversation;
use super::schedule::{Command, Schedule};
use super::vault::{Overheard, Vault};

/// As many turns without anything happening mean that nothing ever will.
const MAX_IDLE_TURNS: usize = 10_000;

/// Set to end the case safely.
pub type Interrupt = AtomicBool;

/// A case that was played.
pub struct Played {
    /// The outcome.
    pub result: CaseResult,
    /// When it ended, in its own time.
    pub end: Instant,
    /// Commands and signals.
    pub trace: Timeline,
    /// What broke on the rig, if anything did: it needs a person.
    pub broken: Option<Fault>,
}

impl Played {
    /// A case that was not played.
    pub(super) fn unplayed(result: CaseResult) -> Self {
        Self { result, end: Instant::START, trace: Timeline::default(), broken: None }
    }
}

/// Plays one case on a device, recording everything that the verdict rests on.
///
/// # Errors
/// The evidence can't be written.
pub fn play(
    program: &Program,
    hello: &Hello,
    device: &mut dyn LockstepDevice,
    vault: &Vault,
    precision: Precision,
    interrupt: &Interrupt,
    record: &mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
) -> Result<Played, EvidenceError> {
    record(Instant::START, &Entry::Begin { seed: hello.seed })?;
    let mut player = Player {
        engine: Engine::new(program, precision),
        vault,
        record,
        trace: Timeline::default(),
        now: Instant::START,
        set: Vec::new(),
        schedule: Schedule::default(),
        conversation: Conversation::default(),
        overheard: Overheard::default(),
    };
    player.start(hello, device)?;
    let mut idle = 0;
    loop {
        player.drain()?;
        if let Some(due) = player.schedule.due(player.now) {
            player.perform(due)?;
            continue;
        }
        if let Some(result) = player.engine.result() {
            let result = result.clone();
            if !player.set.is_empty() {
                // Leaves the device at rest; what it says to that belongs to no case.
                let _ = device.run(player.now, &player.set);
            }
            return Ok(Played { result, end: player.now, trace: player.trace, broken: None });
        }
        if interrupt.load(Ordering::Relaxed) {
            player.stop(Verdict::Aborted, "interrupted")?;
            continue;
        }
        idle = if player.turn(device, interrupt)? { 0 } else { idle + 1 };
        if idle > MAX_IDLE_TURNS {
            player.stop(Verdict::Error, "nothing happened in 10,000 turns: the case is stuck")?;
        }
    }
}

struct Player<'a, 'p> {
    engine: Engine<'p>,
    vault: &'a Vault,
    record: &'a mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
    trace: Timeline,
    now: Instant,
    set: Vec<(Channel, Value)>,
    schedule: Schedule,
    conversation: Conversation,
    overheard: Overheard,
}

impl Player<'_, '_> {
    fn start(&mut self, hello: &Hello, device: &mut dyn LockstepDevice) -> Result<(), EvidenceError> {
        match device.start(hello) {
            Ok(ready) => {
                let mut device = DeviceIdentity { serial: ready.serial, firmware: ready.firmware };
                for text in [&mut device.firmware, &mut device.serial].into_iter().flatten() {
                    if let Some(clean) = self.vault.redact(text) {
                        *text = clean;
                    }
                }
                (self.record)(self.now, &Entry::Ready(device))?;
                for (channel, value) in ready.out {
                    self.signal(channel, value)?;
                }
                Ok(())
            }
            Err(fault) => self.stop(Verdict::Error, &fault.to_string()),
        }
    }

    /// Ends the case for a reason that is not the lock's.
    fn stop(&mut self, verdict: Verdict, reason: &str) -> Result<(), EvidenceError> {
        let reason = self.vault.redact(reason).unwrap_or_else(|| reason.to_owned());
        self.engine.stop(verdict, &reason);
        (self.record)(self.now, &Entry::Stop { verdict, reason })
    }

    /// Records what the engine put out; commands are achieved at once in virtual time.
    fn drain(&mut self) -> Result<(), EvidenceError> {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Record(record) => (self.record)(self.now, &Entry::Record(record))?,
                Output::Command { id, when, channel, value } => {
                    let when = match when {
                        When::After { command, delay } => match self.engine.achieved_at(command) {
                            Some(at) => When::At(at + delay),
                            None => when,
                        },
                        When::At(_) => when,
                    };
                    let command = Command { id, channel, value };
                    if matches!(when, When::At(at) if at <= self.now) {
                        self.schedule.supersede(&command.channel);
                        self.perform(command)?;
                    } else {
                        self.schedule.add(when, command);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets a channel, which in virtual time is achieved at once.
    fn perform(&mut self, command: Command) -> Result<(), EvidenceError> {
        let Command { id, channel, value } = command;
        self.conversation.asked(&channel, &value);
        self.set.push((channel.clone(), self.vault.reveal(&value)));
        self.trace.push(&channel, Edge { at: self.now, value: value.clone() });
        let achieved_ns = Some(self.now);
        (self.record)(self.now, &Entry::Command { id, channel, value, achieved_ns })?;
        self.schedule.achieved(id, self.now);
        self.engine.achieved(id, self.now);
        Ok(())
    }

    fn signal(&mut self, channel: Channel, mut value: Value) -> Result<(), EvidenceError> {
        let allowed = self
            .conversation
            .admit(&channel, &value)
            .and_then(|()| self.vault.conceal(&channel, &mut value, &mut self.overheard));
        let told = match allowed {
            Ok(told) => told,
            Err(fault) => return self.stop(Verdict::Error, &fault.to_string()),
        };
        self.trace.push(&channel, Edge { at: self.now, value: value.clone() });
        self.engine.signal(self.now, &channel, value.clone());
        (self.record)(self.now, &Entry::Signal { channel: channel.clone(), value })?;
        for secret in told {
            self.engine.told(&channel, &secret);
            (self.record)(self.now, &Entry::Told { channel: channel.clone(), secret: secret.to_string() })?;
        }
        Ok(())
    }

    /// Lets the device run; `false` if neither time nor anything else moved.
    fn turn(
        &mut self,
        device: &mut dyn LockstepDevice,
        interrupt: &Interrupt,
    ) -> Result<bool, EvidenceError> {
        let before = self.now;
        let scheduled = self.schedule.next().unwrap_or(Instant::NEVER);
        let until = self.engine.deadline().min(scheduled).max(self.now);
        let set = std::mem::take(&mut self.set);
        let ran = match device.run(until, &set) {
            Ok(ran) => ran,
            // A device that an interrupt took along did nothing wrong.
            Err(_) if interrupt.load(Ordering::Relaxed) => return Ok(true),
            Err(fault) => {
                self.stop(Verdict::Error, &fault.to_string())?;
                return Ok(true);
            }
        };
        self.now = ran.now;
        let is_quiet = ran.out.is_empty();
        for (channel, value) in ran.out {
            self.signal(channel, value)?;
        }
        // More may follow at this very instant, so that is not known to its end.
        let horizon = if is_quiet { self.now } else { self.now.before(Duration::nanoseconds(1)) };
        (self.record)(self.now, &Entry::Advance { horizon_ns: horizon })?;
        self.engine.advance(self.now, horizon);
        Ok(self.now > before || !is_quiet || !set.is_empty())
    }
}
