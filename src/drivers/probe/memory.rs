//! The lock's `memory` channel on a bench: requests come in, a probe reads the lock's memory, and answers go out.
//!
//! Each request connects anew and lets the lock go again: between two of them it may lose its power, and a debugger that
//! stays would keep it from sleeping. Answers hold where a code was found, and never a code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::fault::{Meaning, ProbeError};
use super::{Chip, Probe, Setup};
use crate::drivers::input::InputFault;
use crate::lock::{MemoryMap, Region};
use crate::memory::{Image, Question, Refusal, digested, searched};
use crate::trace::{Channel, Request, Response, Value};

/// Requests that wait.
const MAX_WAITING: usize = 16;
/// Whatever is read of one lock, in bytes.
const MAX_MAPPED: u64 = 64 << 20;
/// What is under way is ended within this time.
const ENDS_WITHIN: Duration = Duration::from_secs(4);

/// Which probe, and what is where in the lock's memory.
#[derive(Clone, Debug)]
pub struct MemorySetup {
    /// The probe. Its chip is the map's.
    pub probe: Setup,
    /// The map.
    pub map: Arc<MemoryMap>,
}

/// A probe that answers for the `memory` channel; it ends when this is dropped.
pub struct MemoryProbe {
    requests: Option<SyncSender<Request>>,
    unwanted: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What comes of a request, or why none can be answered any more.
pub(crate) type Answer = Result<(Channel, Value), InputFault>;

impl MemoryProbe {
    /// Starts to answer; `on_answer` is called from another thread, once for each request. A fault is the rig's, and
    /// no refusal of the lock's.
    ///
    /// # Errors
    /// There is no such chip, or its map makes no sense. The probe itself is opened with the first request.
    pub fn start(
        setup: MemorySetup,
        mut on_answer: impl FnMut(Answer) + Send + 'static,
    ) -> Result<Self, InputFault> {
        let fault = |error: &dyn std::fmt::Display| InputFault(format!("memory: {error}"));
        let mapped: u64 = setup.map.regions.iter().map(|region| u64::from(length(region))).sum();
        if !(1..=MAX_MAPPED).contains(&mapped) {
            return Err(InputFault("memory: the map names no memory, or more than any lock has".into()));
        }
        Chip::find(&setup.probe.chip).map_err(|error| fault(&error))?;
        let (requests, waiting) = sync_channel(MAX_WAITING);
        let unwanted = Arc::new(AtomicBool::new(false));
        let mut reader = Reader { setup, before: Vec::new(), unwanted: Arc::clone(&unwanted) };
        let answer = move || reader.serve(&waiting, &mut on_answer);
        let thread = std::thread::Builder::new().name("memory".into()).spawn(answer);
        let thread = thread.map_err(|error| fault(&error))?;
        Ok(Self { requests: Some(requests), unwanted, thread: Some(thread) })
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

struct Reader {
    setup: MemorySetup,
    /// The memory before the codes were stored, region by region; nothing, if that is not known.
    before: Vec<Image>,
    unwanted: Arc<AtomicBool>,
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

impl Reader {
    fn serve(&mut self, waiting: &Receiver<Request>, on_answer: &mut impl FnMut(Answer)) {
        while let Ok(request) = waiting.recv() {
            if self.unwanted.load(Ordering::Relaxed) {
                return;
            }
            let answer = self.answer(&request);
            let is_last = answer.is_err();
            on_answer(answer.map(|response| (Channel::Memory, Value::Response(response))));
            if is_last {
                return;
            }
        }
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
        let response = match Question::of(request)? {
            Question::Read => {
                let mut probe = self.open()?;
                let first = self.setup.map.regions.first().ok_or(Refusal::NO_REGION)?;
                self.read(&mut probe, first)?;
                Response::default()
            }
            Question::Snapshot => {
                // What an earlier one saw is of no use if this one fails.
                self.before = Vec::new();
                self.before = self.all()?;
                Response::default()
            }
            Question::Search(codes) => searched(&codes, self.setup.map.salted, &self.all()?, &self.before),
            Question::Digest(named) => {
                let region = self.setup.map.regions.iter().find(|region| &*region.name == named);
                let region = region.ok_or(Refusal::NO_REGION)?;
                digested(&self.read(&mut self.open()?, region)?, region)?
            }
        };
        Ok(Response { id: request.id, ok: true, ..response })
    }

    /// The whole of what the map names.
    fn all(&self) -> Result<Vec<Image>, ProbeError> {
        let mut probe = self.open()?;
        self.setup.map.regions.iter().map(|region| self.read(&mut probe, region)).collect()
    }

    fn open(&self) -> Result<Probe, ProbeError> {
        let mut probe = Probe::open(self.setup.probe.clone())?;
        // A chip that answers with nothing would be taken for one that holds nothing.
        probe.observe()?;
        Ok(probe)
    }

    fn read(&self, probe: &mut Probe, region: &Region) -> Result<Image, ProbeError> {
        let is_wanted = &mut |_: &super::Progress| !self.unwanted.load(Ordering::Relaxed);
        Ok(Image { start: region.from, bytes: probe.read(region.from, length(region), is_wanted)? })
    }
}

fn length(region: &Region) -> u32 {
    region.to.saturating_sub(region.from)
}
