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
use crate::memory::{self, Hit, Image, Search};
use crate::trace::{Argument, Channel, Found, MAX_FOUND, Reason, Request, Response, Value};

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
        let mut reader = Reader { setup, before: None, unwanted: Arc::clone(&unwanted) };
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

/// What was read of each region.
type Images = Vec<Image>;

struct Reader {
    setup: MemorySetup,
    /// The memory before the codes were stored.
    before: Option<Images>,
    unwanted: Arc<AtomicBool>,
}

/// Why a request gets no result.
enum Unanswered {
    Probe(ProbeError),
    Refused(Reason, &'static str),
}

impl From<ProbeError> for Unanswered {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error)
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
        let refused = |reason, why: &str| {
            Ok(Response { id: request.id, ok: false, reason, why: Some(why.into()), ..Response::default() })
        };
        match self.act(request) {
            Ok(response) => Ok(response),
            Err(Unanswered::Refused(reason, why)) => refused(reason, why),
            Err(Unanswered::Probe(error)) => match error.meaning() {
                Meaning::Refusal(reason) => refused(reason, &error.to_string()),
                Meaning::Rig => Err(InputFault(format!("memory: {error}"))),
            },
        }
    }

    fn act(&mut self, request: &Request) -> Result<Response, Unanswered> {
        match &*request.op {
            "read" => {
                let mut probe = self.open()?;
                let first = self.setup.map.regions.first();
                let first = first.ok_or(Unanswered::Refused(Reason::NotFound, "the map names no region"))?;
                self.read(&mut probe, first)?;
                Ok(done(request.id))
            }
            "snapshot" => {
                // What an earlier one saw is of no use if this one fails.
                self.before = None;
                self.before = Some(self.all()?);
                Ok(done(request.id))
            }
            "search" => self.search(request),
            "digest" => self.digest(request),
            _ => Err(Unanswered::Refused(Reason::Unsupported, "the probe has no such operation")),
        }
    }

    fn search(&self, request: &Request) -> Result<Response, Unanswered> {
        let invalid =
            || Unanswered::Refused(Reason::Invalid, "a search needs `code.1`, `code.2`, … as texts");
        let codes =
            request.arguments.iter().filter_map(|(name, value)| Some((name.strip_prefix("code.")?, value)));
        let codes = codes.map(|(number, code)| match (number.parse::<u64>(), code) {
            (Ok(number), Argument::Text(code)) if !code.is_empty() => Ok((number, &**code)),
            _ => Err(invalid()),
        });
        let (numbers, codes): (Vec<u64>, Vec<&str>) =
            codes.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        if codes.is_empty() {
            return Err(invalid());
        }
        let images = self.all()?;
        let search = Search::new(&codes, self.setup.map.salted);
        let (mut hits, mut left_out) = (Vec::new(), Vec::new());
        for (place, image) in images.iter().enumerate() {
            let before = self.before.as_ref().and_then(|images| images.get(place));
            left_out.extend(search.left_out(image, before));
            let found = search.find(image, before).into_iter();
            hits.extend(found.filter_map(|hit| Some((*numbers.get(hit.secret)?, hit))));
        }
        let why = memory::in_words(&left_out).map(Into::into);
        Ok(Response { why, ..found(request.id, &hits) })
    }

    fn digest(&self, request: &Request) -> Result<Response, Unanswered> {
        let named = request.arguments.iter().find_map(|(name, value)| match value {
            Argument::Text(text) if &**name == "region" => Some(&**text),
            _ => None,
        });
        let named = named.ok_or(Unanswered::Refused(Reason::Invalid, "a digest needs `region`"))?;
        let region = self.setup.map.regions.iter().find(|region| &*region.name == named);
        let region = region.ok_or(Unanswered::Refused(Reason::NotFound, "the map names no such region"))?;
        let image = self.read(&mut self.open()?, region)?;
        let digest = memory::digest(&image, region);
        let digest =
            digest.ok_or(Unanswered::Refused(Reason::Unknown, "the region was not read as a whole"))?;
        Ok(digested(request.id, &digest))
    }

    /// The whole of what the map names.
    fn all(&self) -> Result<Images, ProbeError> {
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

fn done(id: u64) -> Response {
    Response { id, ok: true, ..Response::default() }
}

/// What a search found, as an answer: of which code, how it is written there, and where.
fn found(id: u64, hits: &[(u64, Hit)]) -> Response {
    let found = hits.iter().take(MAX_FOUND).map(|(number, hit)| Found {
        code: *number,
        encoding: hit.encoding.word().into(),
        address: u64::from(hit.address),
    });
    Response { found: Some(found.collect()), ..done(id) }
}

/// A digest, as an answer.
fn digested(id: u64, digest: &str) -> Response {
    Response { digest: Some(digest.into()), ..done(id) }
}
