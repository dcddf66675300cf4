//! The reference lock in real time, offered to other programs: its debug port to probe-rs, its console and a relay board
//! on pseudo-terminals, what it shows on a socket.
//!
//! Its time follows the wall clock. One thread waits for whoever speaks, and for the moment when the lock acts next.
//! What comes in acts when it is read, at the lock's time then. Deliberately absent: a way to set its channels but for
//! the relays, and more than one lock.

mod file;
mod probe;
mod pty;
mod sensors;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, poll};

use crate::drivers::clock;
use crate::rig::{Fault, LockstepDevice};
use crate::sim::{ReferenceLock, Relays};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant, Moment};

use probe::Probe;
use pty::Pty;
use sensors::Sensors;

/// The lock never does more than this at once before somebody is listened to again. What a busy machine is behind more
/// than that is lost: the lock's clock stood still meanwhile.
const BURST: Duration = Duration::milliseconds(50);
/// A probe's work may be so far ahead of the wall clock.
const AHEAD: Duration = Duration::milliseconds(1);
/// It is not waited for less than this.
const SHORTEST: Duration = Duration::microseconds(500);
/// Nor for more: a terminal that somebody opens says nothing.
const LONGEST: Duration = Duration::milliseconds(20);
/// So many bytes of relay commands are read at once.
const COMMANDS: usize = 256;

/// Where something is offered that is a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under the name that the system gives it.
    Anywhere,
    /// And under this name, as a link.
    At(PathBuf),
}

/// What is offered, and where.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Socket of the debug port.
    pub probe: Option<PathBuf>,
    /// The console.
    pub console: Option<Place>,
    /// The relay board.
    pub relays: Option<Place>,
    /// Socket of what it shows.
    pub sensors: Option<PathBuf>,
}

/// What is offered; its sockets and links are gone once this is dropped.
pub struct Offered {
    probe: Option<Probe>,
    console: Option<Pty>,
    relays: Option<(Pty, Relays)>,
    sensors: Option<Sensors>,
}

impl Offered {
    /// Makes sockets and terminals.
    ///
    /// # Errors
    /// A path is taken, or can't be made.
    pub fn open(offer: &Offer) -> Result<Self, Fault> {
        let relays = offer.relays.as_ref().map(Pty::open).transpose()?;
        Ok(Self {
            probe: offer.probe.as_deref().map(Probe::open).transpose()?,
            console: offer.console.as_ref().map(Pty::open).transpose()?,
            relays: relays.map(|pty| (pty, Relays::default())),
            sensors: offer.sensors.as_deref().map(Sensors::open).transpose()?,
        })
    }

    /// What is offered, each with where it is found.
    pub fn listed(&self) -> Vec<(&'static str, String)> {
        let probe = self.probe.as_ref().map(|probe| ("probe", probe.selector()));
        let console = self.console.as_ref().map(|pty| ("console", pty.name()));
        let relays = self.relays.as_ref().map(|(pty, _)| ("relays", pty.name()));
        let sensors = self.sensors.as_ref().map(|sensors| ("sensors", sensors.name()));
        [probe, console, relays, sensors].into_iter().flatten().collect()
    }

    /// Plays a lock that was started until it is over. Returns how long its clock stood still, because this machine
    /// was too busy for it.
    ///
    /// # Errors
    /// The lock breaks.
    pub fn serve(&mut self, lock: &mut ReferenceLock, is_over: &AtomicBool) -> Result<Duration, Fault> {
        if self.console.is_some() {
            lock.listen();
        }
        let mut pace = Pace { begin: clock::now(), start: lock.now(), lost: Duration::ZERO };
        while !is_over.load(Ordering::Relaxed) {
            let due = pace.due(lock.now());
            let is_behind = self.turn(lock, due)?;
            let now = pace.now();
            let next = if is_behind { lock.now().min(now + LONGEST) } else { lock.acts() };
            self.wait(next.since(now).min(LONGEST).max(SHORTEST), lock);
        }
        Ok(pace.lost)
    }

    /// Goes on until a time, and does what is asked for then. Returns whether something is left of that.
    fn turn(&mut self, lock: &mut ReferenceLock, due: Instant) -> Result<bool, Fault> {
        let mut shown = passed(lock, due, &[])?;
        if let Some((pty, relays)) = &mut self.relays {
            let bytes = pty.read(COMMANDS);
            let set: Vec<_> = bytes.into_iter().filter_map(|byte| relays.hear(byte)).collect();
            shown.extend(passed(lock, due, &set)?);
        }
        if let Some(console) = &mut self.console {
            lock.tell(&console.read(lock.hears()));
        }
        let is_behind = self.probe.as_mut().is_some_and(|probe| probe.attend(lock, due + AHEAD));
        // What the probe's work led to.
        shown.extend(passed(lock, due, &[])?);
        if let Some(console) = &mut self.console {
            console.write(&lock.spoken());
        }
        if let Some(sensors) = &mut self.sensors {
            sensors.attend(&shown);
        }
        Ok(is_behind)
    }

    /// Waits until somebody speaks, or for so long.
    fn wait(&self, length: Duration, lock: &ReferenceLock) {
        let mut ready: Vec<PollFd<'_>> = Vec::new();
        ready.extend(self.console.iter().filter(|_| lock.hears() > 0).filter_map(Pty::ready));
        ready.extend(self.relays.iter().filter_map(|(pty, _)| pty.ready()));
        ready.extend(self.probe.iter().flat_map(Probe::ready));
        ready.extend(self.sensors.iter().flat_map(Sensors::ready));
        // A signal ends the wait early, and whoever waits looks at the clock again.
        let _ = poll(&mut ready, Some(&clock::timeout(length)));
    }
}

/// Sets something on the lock and goes on until a time, if that is still to come; what it showed meanwhile.
fn passed(
    lock: &mut ReferenceLock,
    until: Instant,
    set: &[(Channel, Value)],
) -> Result<Vec<(Channel, Value)>, Fault> {
    let mut shown = lock.run(until, set)?.out;
    while lock.now() < until {
        shown.extend(lock.run(until, &[])?.out);
    }
    Ok(shown)
}

/// How the lock's time follows the wall clock.
struct Pace {
    begin: Moment,
    start: Instant,
    lost: Duration,
}

impl Pace {
    /// The lock's time as it should be.
    fn now(&self) -> Instant {
        let passed = clock::now().since(self.begin).saturating_sub(self.lost);
        self.start + passed
    }

    /// Up to when the lock goes on, which is at a time.
    fn due(&mut self, at: Instant) -> Instant {
        let (now, most) = (self.now(), at + BURST);
        self.lost = self.lost.saturating_add(now.since(most));
        now.min(most)
    }
}
