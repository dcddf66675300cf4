//! A debug probe on the lock's microcontroller, by probe-rs: flash and erase, read memory, reset, and what the firmware
//! says through it.
//!
//! A probe-rs session can hang, and its drivers can panic. So it lives in a thread of its own, everything asked of it is
//! waited for with a limit, and a socket can be cut from outside.
//!
//! Deliberately absent: breakpoints and single steps (this is no debugger), and what is done to open a chip that is
//! protected: only a setup that says so lets probe-rs erase it.

mod chip;
mod fault;
mod firmware;
mod identity;
mod link;
mod listing;
mod memory;
mod tether;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use chip::Chip;
pub use fault::{Doing, Meaning, ProbeError};
pub use firmware::{Firmware, FirmwareError, Part};
pub use identity::{Identity, Protection};
pub use listing::{Found, all};
pub use memory::{MemoryProbe, MemorySetup};
pub use text::Ended;

use crate::rig::ProbePort;
use link::{Facts, Knife, Link, Teller};

/// What is said and was not heard yet; who says more waits.
const MAX_UNHEARD: usize = 64;
/// A connection that was cut ends within this time, or its thread is left behind.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Which probe, how it is connected, and to which chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The probe.
    pub port: ProbePort,
    /// Name of the chip.
    pub chip: Arc<str>,
}

/// A step of what takes a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Memory is read.
    Read,
    /// Flash is erased.
    Erase,
    /// Flash is written.
    Write,
    /// Flash is compared with what was written.
    Verify,
}

impl Stage {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Erase => "erase",
            Self::Write => "write",
            Self::Verify => "verify",
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub stage: Stage,
    /// Bytes that are done.
    pub done: u64,
    /// Of so many, if that is known.
    pub total: Option<u64>,
}

/// How a firmware speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSource {
    /// Channel 0 of RTT.
    Rtt,
    /// Semihosting.
    Semihosting,
}

/// A line that a firmware said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How.
    pub source: LineSource,
    /// Without its end; what is not UTF-8 is replaced.
    pub text: String,
}

/// What is heard while something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It goes on.
    Progress(Progress),
    /// The firmware said something.
    Line(Line),
    /// Whatever the firmware has said until now was heard.
    CaughtUp,
    /// Nothing, but it lives.
    Nothing,
}

/// Something to do in the thread of the connection.
type Job = Box<dyn FnOnce(&mut Link) + Send>;

/// What comes back.
enum Told<T> {
    Heard(Heard),
    Done(Result<T, ProbeError>),
}

/// A probe that is connected to a chip; the chip runs on when this is dropped.
pub struct Probe {
    chip: Chip,
    facts: Facts,
    jobs: Option<Sender<Job>>,
    knife: Knife,
    thread: Option<JoinHandle<()>>,
}

impl Probe {
    /// Opens a probe, and attaches to the chip.
    ///
    /// # Errors
    /// There is no such chip, or no such probe, or no way from one to the other.
    pub fn open(setup: Setup) -> Result<Self, ProbeError> {
        let chip = Chip::find(&setup.chip)?;
        let (jobs, queue) = channel();
        let knife = Knife::default();
        let link = Link::new(setup, chip.clone(), Arc::clone(&knife));
        let thread = std::thread::Builder::new().name("probe".into()).spawn(move || serve(link, &queue));
        let thread = thread.map_err(|error| ProbeError::Broke {
            doing: Doing::Connecting,
            why: format!("can't start a thread: {error}"),
        })?;
        let unseen = Facts { identity: Identity::NotChecked(String::new()), protection: Protection::Unknown };
        let mut probe = Self { chip, facts: unseen, jobs: Some(jobs), knife, thread: Some(thread) };
        probe.facts = probe.ask(Doing::Connecting, &mut |_| true, |link, _| link.facts())?;
        tracing::info!(chip = probe.chip.name(), facts = ?probe.facts, "a chip is connected");
        Ok(probe)
    }

    /// The chip.
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Whether it is the one that was named, as far as it can be told.
    pub fn identity(&self) -> &Identity {
        &self.facts.identity
    }

    /// Whether it says that it is protected.
    pub fn protection(&self) -> &Protection {
        &self.facts.protection
    }

    /// Writes a firmware, compares what is read back, and leaves the core halted: reset it to start the firmware.
    /// What the file does not mention is erased where it shares a sector with what it does.
    ///
    /// # Errors
    /// It does not fit, which is known before anything is erased; or it was not written, and the flash is half done.
    pub fn flash(
        &mut self,
        firmware: &Firmware,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), ProbeError> {
        let firmware = firmware.clone();
        self.ask(Doing::Flashing, &mut only(progress), move |link, teller| link.flash(&firmware, teller))
    }

    /// Erases all flash.
    ///
    /// # Errors
    /// It was not erased, or only some of it.
    pub fn erase_all(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<(), ProbeError> {
        self.ask(Doing::Erasing, &mut only(progress), |link, teller| link.erase(teller))
    }

    /// Reads so many bytes from an address on. The core is not halted: what changes meanwhile is read as it is at its
    /// moment. `hear` says whether it is still wanted; of a firmware that was listened to before, it hears what is said.
    ///
    /// # Errors
    /// The chip refuses, or is protected; or the probe was lost.
    pub fn read(
        &mut self,
        from: u32,
        length: u32,
        hear: &mut dyn FnMut(&Heard) -> bool,
    ) -> Result<Vec<u8>, ProbeError> {
        self.ask(Doing::Reading, hear, move |link, teller| link.read(from, length, teller))
    }

    /// Makes sure that the flash can be seen: where the firmware begins, no lock that works has nothing.
    ///
    /// # Errors
    /// It is blank there, or can't be read.
    pub fn observe(&mut self, hear: &mut dyn FnMut(&Heard) -> bool) -> Result<(), ProbeError> {
        self.ask(Doing::Reading, hear, |link, teller| link.observe(teller))
    }

    /// Resets the chip, and lets it run.
    ///
    /// # Errors
    /// It does not follow.
    pub fn reset(&mut self) -> Result<(), ProbeError> {
        self.ask(Doing::Resetting, &mut |_| true, |link, _| link.reset(false))
    }

    /// The same, with nothing in the RAM that could be taken for this firmware's RTT: what an earlier one said, and what
    /// was left there while the flash was written.
    ///
    /// # Errors
    /// It does not follow.
    pub fn restart(&mut self) -> Result<(), ProbeError> {
        self.ask(Doing::Resetting, &mut |_| true, |link, teller| link.restart(teller))
    }

    /// Resets the chip, and holds it at its first instruction.
    ///
    /// # Errors
    /// It does not follow.
    pub fn reset_and_halt(&mut self) -> Result<(), ProbeError> {
        self.ask(Doing::Resetting, &mut |_| true, |link, _| link.reset(true))
    }

    /// Halts the core.
    ///
    /// # Errors
    /// It does not follow.
    pub fn halt(&mut self) -> Result<(), ProbeError> {
        self.ask(Doing::Halting, &mut |_| true, |link, _| link.halt())
    }

    /// Lets the core run.
    ///
    /// # Errors
    /// It does not follow.
    pub fn run(&mut self) -> Result<(), ProbeError> {
        self.ask(Doing::Running, &mut |_| true, |link, _| link.run())
    }

    /// Lets the core run, and hands out what the firmware says, line by line, as long as `hear` wants more; it is
    /// asked several times a second. RTT is looked for in all RAM, or at an address. From then on what is said while
    /// memory is read is heard as well.
    ///
    /// # Errors
    /// Several control blocks were found, or the probe was lost.
    pub fn listen(
        &mut self,
        rtt: Option<u32>,
        hear: &mut dyn FnMut(&Heard) -> bool,
    ) -> Result<Ended, ProbeError> {
        self.ask(Doing::Listening, hear, move |link, teller| link.listen(rtt, teller))
    }

    /// Has something done in the other thread, and waits for it as long as it shows signs of life.
    fn ask<T: Send + 'static>(
        &mut self,
        doing: Doing,
        hear: &mut dyn FnMut(&Heard) -> bool,
        work: impl FnOnce(&mut Link, &Teller) -> Result<T, ProbeError> + Send + 'static,
    ) -> Result<T, ProbeError> {
        let (said, told) = sync_channel(MAX_UNHEARD);
        let unwanted = Arc::new(AtomicBool::new(false));
        let job = job(doing, said, Arc::clone(&unwanted), work);
        let gone = || ProbeError::Broke { doing, why: "its thread has ended".into() };
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())?;
        loop {
            match told.recv_timeout(doing.limit()) {
                Ok(Told::Done(outcome)) => return outcome,
                Ok(Told::Heard(heard)) => {
                    if !hear(&heard) {
                        unwanted.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                Err(RecvTimeoutError::Timeout) => {
                    self.give_up(&told);
                    return Err(ProbeError::TimedOut { doing });
                }
            }
        }
    }

    /// Cuts the connection. A thread that does not notice is left behind: nothing more can be asked of it.
    fn give_up<T>(&mut self, told: &Receiver<Told<T>>) {
        cut(&self.knife, "it took too long");
        let until = Instant::now() + ENDS_WITHIN;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match told.recv_timeout(left) {
                Ok(Told::Heard(_)) => {}
                Ok(Told::Done(_)) => return,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        (self.jobs, self.thread) = (None, None);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // The thread ends with its queue, and lets the chip go.
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + ENDS_WITHIN;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !thread.is_finished() {
            cut(&self.knife, "nobody needs it any more");
        }
    }
}

fn cut(knife: &Knife, why: &str) {
    let cable = knife.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(cable) = cable {
        cable.cut(why);
    }
}

/// Progress for whoever wants nothing else.
fn only(progress: &mut dyn FnMut(&Progress)) -> impl FnMut(&Heard) -> bool {
    move |heard| {
        match heard {
            Heard::Progress(done) => progress(done),
            Heard::Line(_) | Heard::CaughtUp | Heard::Nothing => {}
        }
        true
    }
}

/// Work that tells how it goes. Whoever asked may have left: what is said then is lost.
fn job<T: Send + 'static>(
    doing: Doing,
    said: SyncSender<Told<T>>,
    unwanted: Arc<AtomicBool>,
    work: impl FnOnce(&mut Link, &Teller) -> Result<T, ProbeError> + Send + 'static,
) -> Job {
    Box::new(move |link| {
        let heard = said.clone();
        let say = move |what| drop(heard.send(Told::Heard(what)));
        let teller = Teller { say: Box::new(say), unwanted };
        let outcome = contained(doing, || work(link, &teller));
        if matches!(outcome, Err(ProbeError::Broke { .. })) {
            // What it was in the middle of, nobody knows.
            let _ = catch_unwind(AssertUnwindSafe(|| link.abandon("its driver broke")));
        }
        let _ = said.send(Told::Done(outcome));
    })
}

/// Drivers of probe-rs panic on answers that they do not expect.
fn contained<T>(doing: Doing, work: impl FnOnce() -> Result<T, ProbeError>) -> Result<T, ProbeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(ProbeError::Broke { doing, why: said.chars().take(200).collect() })
    })
}

fn serve(mut link: Link, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(&mut link);
    }
    // Saying goodbye may break as well.
    let _ = catch_unwind(AssertUnwindSafe(|| link.close()));
}
