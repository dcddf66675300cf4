//! The lock's `memory` channel on a bench: requests come in, a probe reads the lock's memory, and answers go out. If its
//! console is listened to through the same probe, so does what the lock says.
//!
//! Each request connects anew and lets the lock go again: between two of them it may lose its power, and a debugger that
//! stays would keep it from sleeping. Only a lock that is listened to stays connected. Answers hold where a code was
//! found, and never a code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::fault::{Meaning, ProbeError};
use super::{Chip, Ended, Heard, Probe, Setup};
use crate::drivers::input::InputFault;
use crate::lock::{MemoryMap, Region};
use crate::memory::{Image, Question, Refusal, digested, searched};
use crate::rig::RttConsole;
use crate::trace::{Channel, Reason, Request, Response, Value};

/// Requests that wait.
const MAX_WAITING: usize = 16;
/// Whatever is read of one lock, in bytes.
const MAX_MAPPED: u64 = 64 << 20;
/// What is under way is ended within this time.
const ENDS_WITHIN: Duration = Duration::from_secs(4);
/// A lock that has no power is connected to again after so long.
const AGAIN: Duration = Duration::from_millis(100);
/// A lock that was not reached for so long is not there.
const LONGEST_GONE: Duration = Duration::from_secs(600);

/// Which probe, and what is where in the lock's memory.
#[derive(Clone, Debug)]
pub struct MemorySetup {
    /// The probe. Its chip is the map's.
    pub probe: Setup,
    /// The map.
    pub map: Arc<MemoryMap>,
    /// How its console is listened to through the probe, if it is.
    pub console: Option<RttConsole>,
}

/// A probe that answers for the `memory` channel; it ends when this is dropped.
pub struct MemoryProbe {
    requests: Option<SyncSender<Request>>,
    unwanted: Arc<AtomicBool>,
    /// Whatever the lock has said was heard.
    listens: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What comes of a request, or what the lock says; or why nothing more comes.
pub(crate) type Answer = Result<(Channel, Value), InputFault>;

impl MemoryProbe {
    /// Starts to answer; `on_answer` is called from another thread, once for each request and each line of the console.
    /// A fault is the rig's, and no refusal of the lock's.
    ///
    /// # Errors
    /// There is no such chip, or its map makes no sense. The probe itself is opened with the first request, or by and by
    /// if the console is listened to: the lock may have no power yet.
    pub fn start(
        setup: MemorySetup,
        on_answer: impl FnMut(Answer) + Send + 'static,
    ) -> Result<Self, InputFault> {
        let fault = |error: &dyn std::fmt::Display| InputFault(format!("memory: {error}"));
        let mapped: u64 = setup.map.regions.iter().map(|region| u64::from(length(region))).sum();
        if !(1..=MAX_MAPPED).contains(&mapped) {
            return Err(InputFault("memory: the map names no memory, or more than any lock has".into()));
        }
        Chip::find(&setup.probe.chip).map_err(|error| fault(&error))?;
        let (requests, waiting) = sync_channel(MAX_WAITING);
        let unwanted = Arc::new(AtomicBool::new(false));
        let listens = Arc::new(AtomicBool::new(setup.console.is_none()));
        let mut reader = Reader {
            setup,
            before: Vec::new(),
            waiting,
            tell: on_answer,
            unwanted: Arc::clone(&unwanted),
            listens: Arc::clone(&listens),
            kept: None,
        };
        let thread = std::thread::Builder::new().name("memory".into()).spawn(move || reader.serve());
        let thread = thread.map_err(|error| fault(&error))?;
        Ok(Self { requests: Some(requests), unwanted, listens, thread: Some(thread) })
    }

    /// Whether everything that the lock has said until now was heard; always, if nobody listens to it.
    pub fn is_listening(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }

    /// Asks something, without waiting. What is no request is not for a probe, and nothing is said to it.
    ///
    /// # Errors
    /// Too many requests wait, or it has ended.
    pub fn tell(&self, value: &Value) -> Result<(), InputFault> {
        let Value::Request(request) = value else { return Ok(()) };
        let ended = || InputFault("memory: the probe has ended".into());
        let requests = self.requests.as_ref().ok_or_else(ended)?;
        requests.try_send(request.clone()).map_err(|error| match error {
            TrySendError::Full(_) => InputFault("memory: too many requests wait for the probe".into()),
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

impl Drop for MemoryProbe {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
        self.requests = None;
        let Some(thread) = self.thread.take() else { return };
        // Whoever opens the probe next finds it free; one that hangs is left behind.
        let until = Instant::now() + ENDS_WITHIN;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Reader<F> {
    setup: MemorySetup,
    /// The memory before the codes were stored, region by region; nothing, if that is not known.
    before: Vec<Image>,
    waiting: Receiver<Request>,
    tell: F,
    unwanted: Arc<AtomicBool>,
    listens: Arc<AtomicBool>,
    /// The connection, while the console is listened to.
    kept: Option<Probe>,
}

/// Why a request gets no result.
enum Unanswered {
    Probe(ProbeError),
    Refused(Refusal),
}

impl From<ProbeError> for Unanswered {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error)
    }
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<F: FnMut(Answer)> Reader<F> {
    fn serve(&mut self) {
        while let Some(request) = self.next() {
            let answer = self.answer(&request);
            let is_last = answer.is_err();
            (self.tell)(answer.map(|response| (Channel::Memory, Value::Response(response))));
            if is_last {
                return;
            }
        }
    }

    /// What is asked next; nothing, if nobody wants more.
    fn next(&mut self) -> Option<Request> {
        let request = match self.setup.console {
            None => self.waiting.recv().ok(),
            Some(console) => self.listen(console).unwrap_or_else(|fault| {
                (self.tell)(Err(fault));
                None
            }),
        };
        request.filter(|_| !self.is_unwanted())
    }

    /// Hands out what the lock says until something is asked.
    fn listen(&mut self, console: RttConsole) -> Result<Option<Request>, InputFault> {
        let fault = |why: &dyn std::fmt::Display| InputFault(format!("console: {why}"));
        let begin = Instant::now();
        while !self.is_unwanted() {
            let mut asked = None;
            match self.hear(console, &mut asked) {
                Ok(Ended::Asked) => return Ok(asked),
                // Without a debugger it would not have.
                Ok(Ended::Exit(why) | Ended::Halted(why)) => {
                    return Err(fault(&format_args!(
                        "the firmware has stopped ({why}), and says nothing more"
                    )));
                }
                Err(error) => {
                    self.listens.store(false, Ordering::Relaxed);
                    if !may_have_no_power(&error) || begin.elapsed() > LONGEST_GONE {
                        return Err(fault(&error));
                    }
                    tracing::debug!(%error, "the console can't be listened to");
                }
            }
            match self.waiting.recv_timeout(AGAIN) {
                Ok(request) => return Ok(Some(request)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Listens until something is asked, or nobody wants more.
    fn hear(&mut self, console: RttConsole, asked: &mut Option<Request>) -> Result<Ended, ProbeError> {
        let mut probe = self.connected()?;
        let ended = probe.listen(console.block, &mut |heard| {
            let is_wanted = self.heard(heard);
            // What was said before is still handed out then.
            if asked.is_some() {
                return false;
            }
            match self.waiting.try_recv() {
                Ok(request) => *asked = Some(request),
                Err(TryRecvError::Empty) => return is_wanted,
                Err(TryRecvError::Disconnected) => {}
            }
            false
        })?;
        self.kept = Some(probe);
        Ok(ended)
    }

    /// Hands out what was said. Returns whether more is wanted.
    fn heard(&mut self, heard: &Heard) -> bool {
        match heard {
            Heard::Line(line) => (self.tell)(Ok((Channel::Console, Value::Text(line.text.as_str().into())))),
            Heard::CaughtUp => self.listens.store(true, Ordering::Relaxed),
            Heard::Progress(_) | Heard::Nothing => {}
        }
        !self.is_unwanted()
    }

    fn is_unwanted(&self) -> bool {
        self.unwanted.load(Ordering::Relaxed)
    }

    /// An answer, or that the rig is wrong.
    fn answer(&mut self, request: &Request) -> Result<Response, InputFault> {
        match self.act(request) {
            Ok(response) => Ok(response),
            Err(Unanswered::Refused(Refusal { reason, why })) => {
                Ok(Response::refused(request.id, reason, why))
            }
            Err(Unanswered::Probe(error)) => match error.meaning() {
                Meaning::Refusal(reason) => Ok(Response::refused(request.id, reason, error.to_string())),
                Meaning::Rig => Err(InputFault(format!("memory: {error}"))),
            },
        }
    }

    fn act(&mut self, request: &Request) -> Result<Response, Unanswered> {
        let map = Arc::clone(&self.setup.map);
        let response = match Question::of(request)? {
            Question::Read => {
                self.read(map.regions.get(..1).filter(|first| !first.is_empty()).ok_or(Refusal::NO_REGION)?)?;
                Response::default()
            }
            Question::Snapshot => {
                // What an earlier one saw is of no use if this one fails.
                self.before = Vec::new();
                self.before = self.read(&map.regions)?;
                Response::default()
            }
            Question::Search(codes) => searched(&codes, map.salted, &self.read(&map.regions)?, &self.before),
            Question::Digest(named) => {
                let region = map.regions.iter().find(|region| &*region.name == named);
                let region = region.ok_or(Refusal::NO_REGION)?;
                let images = self.read(std::slice::from_ref(region))?;
                digested(images.first().ok_or(Refusal::NO_REGION)?, region)?
            }
        };
        Ok(Response { id: request.id, ok: true, ..response })
    }

    fn connected(&mut self) -> Result<Probe, ProbeError> {
        self.kept.take().map_or_else(|| Probe::open(self.setup.probe.clone()), Ok)
    }

    fn read(&mut self, regions: &[Region]) -> Result<Vec<Image>, ProbeError> {
        let mut probe = self.connected()?;
        // A chip that answers with nothing would be taken for one that holds nothing.
        probe.observe(&mut |heard| self.heard(heard))?;
        let mut images = Vec::new();
        for region in regions {
            let bytes = probe.read(region.from, length(region), &mut |heard| self.heard(heard))?;
            images.push(Image { start: region.from, bytes });
        }
        self.kept = self.setup.console.map(|_| probe);
        Ok(images)
    }
}

/// Whether a lock without power would be answered for like this. A chip that is protected is there.
fn may_have_no_power(error: &ProbeError) -> bool {
    match error.meaning() {
        Meaning::Refusal(Reason::Locked) | Meaning::Rig => false,
        Meaning::Refusal(_) => true,
    }
}

fn length(region: &Region) -> u32 {
    region.to.saturating_sub(region.from)
}
