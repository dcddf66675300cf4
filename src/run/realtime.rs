//! One case in real time: this thread waits for the sensors, the guard plays every output on a
//! clock of its own, and what was achieved comes back.
//!
//! Signals are handed to the engine by their stamps, and a window is judged only once everything
//! stamped in it was handed in; an edge that comes later than that is the rig's error.

use std::sync::atomic::Ordering;

use crate::drivers::clock;
use crate::engine::{Engine, Output, Precision, When};
use crate::evidence::{DeviceIdentity, Entry, EvidenceError};
use crate::rig::{Bench, Fault};
use crate::scenario::Program;
use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::{Duration, Instant, Moment};
use crate::verdict::Verdict;

use super::conversation::Conversation;
use super::live::{Live, Said};
use super::lockstep::{Interrupt, Played};
use super::sense::Senses;
use super::stimulus::Stimuli;
use super::vault::{Overheard, Vault};

/// An interrupt is seen within this time.
const GLANCE: Duration = Duration::milliseconds(50);
/// A player that was held up for longer can't tell a lock that is late from its own delay.
const MOST_HELD_UP: Duration = Duration::milliseconds(250);
/// Outputs are at rest so soon after the end of a case.
const REST_WITHIN: Duration = Duration::seconds(1);

/// Plays one case on a bench, recording everything that the verdict rests on.
///
/// # Errors
/// The evidence can't be written.
#[expect(clippy::too_many_arguments, reason = "a case, a bench, and where its record goes")]
pub(super) fn play(
    program: &Program,
    seed: u64,
    bench: &Bench,
    live: &mut Live,
    vault: &Vault,
    precision: Precision,
    interrupt: &Interrupt,
    record: &mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
) -> Result<Played, EvidenceError> {
    record(Instant::START, &Entry::Begin { seed })?;
    live.begin();
    let epoch = clock::now();
    let (broken, stopped) = (live.broken().cloned(), live.stopped().map(str::to_owned));
    let utc = clock::utc().map_or_else(|error| error.to_string(), |utc| utc.to_string());
    record(Instant::START, &Entry::Clock { utc, monotonic_ns: epoch.as_nanoseconds() })?;
    if let Some(serial) = &bench.serial {
        let device = DeviceIdentity { serial: Some(serial.clone()), firmware: None };
        record(Instant::START, &Entry::Ready(device))?;
    }
    let holds = program.holds(|channel, value| bench.is_away(channel, value)).longest;
    let mut player = Player {
        engine: Engine::new(program, precision),
        vault,
        record,
        trace: Timeline::default(),
        stimuli: Stimuli::new(bench, epoch, holds),
        senses: Senses::new(bench, epoch, precision, |output| live.sensed(output)),
        now: Instant::START,
        horizon: Instant::START,
        heard: clock::now(),
        bench,
        conversation: Conversation::default(),
        overheard: Overheard::default(),
        precision,
        broken: None,
        stopped: false,
        interrupt,
    };
    for (channel, value) in live.state() {
        player.signal(Instant::START, channel, value)?;
    }
    if let Some(fault) = broken {
        player.breaks(&fault)?;
    }
    if let Some(reason) = stopped {
        player.told_to_stop(&reason)?;
    }
    loop {
        player.drain(live)?;
        if player.engine.result().is_some() {
            break;
        }
        if interrupt.load(Ordering::Relaxed) {
            player.stop(Verdict::Aborted, "interrupted")?;
            continue;
        }
        player.turn(live)?;
    }
    player.rest(live)?;
    let result = player.engine.result().cloned();
    let result = result.unwrap_or_else(|| {
        crate::engine::CaseResult::unplayed(
            Verdict::Error,
            crate::engine::Cause::Lockrig,
            "the engine has no result at the end",
        )
    });
    Ok(Played { result, end: player.now, trace: player.trace, broken: player.broken })
}

struct Player<'a, 'p> {
    engine: Engine<'p>,
    vault: &'a Vault,
    record: &'a mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
    trace: Timeline,
    stimuli: Stimuli<'a>,
    senses: Senses,
    now: Instant,
    horizon: Instant,
    /// When everything that was said was heard last.
    heard: Moment,
    bench: &'a Bench,
    conversation: Conversation,
    overheard: Overheard,
    precision: Precision,
    /// What broke: nothing is played any more.
    broken: Option<Fault>,
    /// Somebody made everything safe: nothing is played any more, and the run ends.
    stopped: bool,
    interrupt: &'a Interrupt,
}

impl Player<'_, '_> {
    /// Hands what the engine put out to the guard, as one program.
    fn drain(&mut self, live: &mut Live) -> Result<(), EvidenceError> {
        self.stimuli.at(clock::now());
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Record(record) => (self.record)(self.now, &Entry::Record(record))?,
                Output::Command { id, when, channel, value } => {
                    self.command(live, id, when, channel, value)?;
                }
            }
        }
        if let Some(program) = self.stimuli.take()
            && self.broken.is_none()
            && !self.stopped
        {
            live.guard().play(program);
        }
        Ok(())
    }

    fn command(
        &mut self,
        live: &Live,
        id: u64,
        when: When,
        channel: Channel,
        value: Value,
    ) -> Result<(), EvidenceError> {
        let achieved_ns = None;
        let entry = Entry::Command { id, channel: channel.clone(), value: value.clone(), achieved_ns };
        (self.record)(self.now, &entry)?;
        self.conversation.asked(&channel, &value);
        let revealed = self.vault.reveal(&value);
        let is_secret = revealed != value;
        if let Some(told) = live.tell(self.bench, &channel, &revealed) {
            let at = self.stimuli.instant(clock::now());
            self.trace.push(&channel, Edge { at, value });
            (self.record)(at, &Entry::Achieved { id })?;
            self.engine.achieved(id, at);
            return match told {
                Ok(()) => Ok(()),
                Err(fault) => self.fault(&fault),
            };
        }
        match self.stimuli.add(id, when, &channel, &revealed, value) {
            Ok(()) => Ok(()),
            // The words could name a digit.
            Err(_) if is_secret => {
                self.fault(&Fault(format!("{channel} can't press one of the code's keys")))
            }
            Err(unwired) => self.fault(&Fault(unwired.to_string())),
        }
    }

    /// Waits until something happens or is due, and tells the engine.
    fn turn(&mut self, live: &mut Live) -> Result<(), EvidenceError> {
        let delay = live.delay();
        let deadline = self.stimuli.moment(self.engine.deadline());
        let now = clock::now();
        // What was awaited is judged once everything up to then was handed in.
        let due =
            if deadline > now { deadline } else { (deadline + delay).max(now + Duration::microseconds(50)) };
        live.wait(due.min(now + GLANCE));
        // What is read after this moment may still have happened before it, never the other way.
        let now = clock::now();
        let said = live.said();
        let held_up = now.since(self.heard).saturating_sub(GLANCE);
        self.heard = now;
        let is_fine = held_up <= MOST_HELD_UP && self.senses.overdue(now).is_none();
        if said.is_empty() && now < due && is_fine {
            return Ok(());
        }
        for said in said {
            self.hear(said)?;
        }
        if let Some(fault) = self.senses.overdue(now) {
            self.breaks(&fault)?;
        }
        // After what was heard: a device that was lost is the cause, and this its consequence.
        if held_up > MOST_HELD_UP {
            self.fault(&Fault(format!("lockrig was held up for {held_up}: signals may be late")))?;
        }
        self.now = self.now.max(self.stimuli.instant(now));
        let horizon = self.stimuli.instant(now.before(delay)).max(self.horizon);
        self.horizon = horizon;
        (self.record)(self.now, &Entry::Advance { horizon_ns: horizon })?;
        self.engine.advance(self.now, horizon);
        Ok(())
    }

    fn hear(&mut self, said: Said) -> Result<(), EvidenceError> {
        match said {
            Said::Signal(at, channel, value) => {
                let at = self.stimuli.instant(at);
                if at <= self.horizon && at > Instant::START {
                    let late = self.horizon.since(at);
                    return self.fault(&Fault(format!("an edge on {channel} came {late} too late")));
                }
                self.signal(at, channel, value)
            }
            Said::Sensed(at, output, closed) => {
                let sensed = self.senses.sensed(output, closed, at);
                let at = self.stimuli.instant(at);
                (self.record)(at, &Entry::Sensed { output: self.senses.name(output), closed })?;
                match sensed {
                    Some(hold) => (self.record)(at, &hold),
                    None => Ok(()),
                }
            }
            Said::Achieved(at, command, output, drive) => {
                self.senses.driven(output, drive, at);
                self.achieved(at, command)
            }
            Said::Fault(fault) => self.breaks(&fault),
            Said::Refused(fault) => self.fault(&fault),
            Said::Stopped(reason) => self.told_to_stop(&reason),
            Said::Rested | Said::Levels(_) => Ok(()),
        }
    }

    fn achieved(&mut self, moment: Moment, command: u64) -> Result<(), EvidenceError> {
        let Some(done) = self.stimuli.achieved(command, moment) else { return Ok(()) };

        self.trace.push(&done.channel, Edge { at: done.at, value: done.value.clone() });
        (self.record)(done.at, &Entry::Achieved { id: done.id })?;
        if let Some(hold) = &done.hold {
            let entry = Entry::Hold {
                channel: done.channel.clone(),
                begin_ns: hold.begin,
                commanded_ns: hold.commanded,
                achieved_ns: hold.achieved,
                uncertainty_ns: self.precision.stimulus.times(2),
            };
            (self.record)(done.at, &entry)?;
        }
        self.engine.achieved(done.id, done.at);
        Ok(())
    }

    fn signal(&mut self, at: Instant, channel: Channel, mut value: Value) -> Result<(), EvidenceError> {
        let admitted = self.conversation.admit(&channel, &value);
        let told = match admitted.and_then(|()| self.vault.conceal(&channel, &mut value, &mut self.overheard))
        {
            Ok(told) => told,
            Err(fault) => return self.fault(&fault),
        };
        self.trace.push(&channel, Edge { at, value: value.clone() });
        self.engine.signal(at, &channel, value.clone());
        (self.record)(at, &Entry::Signal { channel: channel.clone(), value })?;
        for secret in told {
            self.engine.told(&channel, &secret);
            (self.record)(at, &Entry::Told { channel: channel.clone(), secret: secret.to_string() })?;
        }
        Ok(())
    }

    /// A device is lost: the guard goes safe when it is left, and a person has to look.
    fn breaks(&mut self, fault: &Fault) -> Result<(), EvidenceError> {
        let words = fault.to_string();
        let fault = Fault(self.vault.redact(&words).unwrap_or(words));
        self.broken.get_or_insert_with(|| fault.clone());
        self.fault(&fault)
    }

    /// Somebody has made everything safe: that ends the run, as an interrupt does.
    fn told_to_stop(&mut self, reason: &str) -> Result<(), EvidenceError> {
        self.stopped = true;
        self.interrupt.store(true, Ordering::Relaxed);
        self.stop(Verdict::Aborted, reason)
    }

    fn fault(&mut self, fault: &Fault) -> Result<(), EvidenceError> {
        self.stop(Verdict::Error, &fault.to_string())
    }

    /// Ends the case for a reason that is not the lock's.
    fn stop(&mut self, verdict: Verdict, reason: &str) -> Result<(), EvidenceError> {
        let reason = self.vault.redact(reason).unwrap_or_else(|| reason.to_owned());
        self.engine.stop(verdict, &reason);
        (self.record)(self.now, &Entry::Stop { verdict, reason })
    }

    /// Sees the outputs to their rest, and hears what was stamped in the case to its end; whatever is
    /// wrong then makes the case doubtful.
    fn rest(&mut self, live: &mut Live) -> Result<(), EvidenceError> {
        if self.broken.is_some() || self.stopped {
            return Ok(());
        }
        let begin = clock::now();
        let (heard, until) = (begin + live.delay(), begin + REST_WITHIN);
        live.guard().rest();
        let mut is_rested = false;
        loop {
            let now = clock::now();
            if is_rested && now >= heard && self.senses.agree() {
                return Ok(());
            }
            if now >= until {
                return self.breaks(&Fault("the outputs did not return to rest".into()));
            }
            live.wait(if is_rested { now + live.delay() } else { until });
            for said in live.said() {
                match said {
                    Said::Rested => {
                        is_rested = true;
                        self.senses.rested(clock::now());
                    }
                    Said::Signal(at, ..) if self.stimuli.instant(at) > self.horizon => {}
                    said => self.hear(said)?,
                }
            }
            if let Some(fault) = self.senses.overdue(clock::now()) {
                return self.breaks(&fault);
            }
            if self.broken.is_some() || self.stopped {
                return Ok(());
            }
        }
    }
}
