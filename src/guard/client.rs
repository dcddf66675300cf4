//! The client's side: starts the guard or finds its service, tells it what to play, and takes the
//! outputs over when it dies or hangs.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::drivers::clock;
use crate::unit::{Duration, Moment, visible};

use super::control::service;
use super::outputs::{end_watch, make_safe};
use super::protocol::{Event, MAX_LINE, Program, Request, Setup};
use super::{BEAT, SILENCE};

/// Opening boards takes its time: a slow relay board confirms each of its relays.
const READY_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// A guard that was told to end does so within this time: slow boards confirm each of their relays.
const LEAVES_WITHIN: Duration = Duration::seconds(3);

/// So long outputs of a guard that died are tried again, if its boards do not take it at once.
const TRIES_FOR: Duration = Duration::seconds(2);

/// A player that plays and does not show itself for so long is taken for dead, though its process
/// lives.
const ATTENDS: Duration = Duration::seconds(1);

/// So many bytes of requests wait for a guard's socket at most; further ones wait for those to be sent, and for its
/// answers to be read. Whoever asks without end would else be so busy with asking that neither beats nor answers get
/// their turn.
const MAX_WAITING: usize = 16 << 10;

/// Why there is no guard: nothing was switched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GuardError(pub String);

/// A guard that serves this process.
pub struct Client {
    sender: Sender<Request>,
    waker: UnixStream,
    thread: Option<JoinHandle<()>>,
    warnings: Vec<String>,
    next: u64,
    /// When the player showed itself last, in nanoseconds of the clock; 0 while nothing is played.
    attended: Arc<AtomicU64>,
}

impl Client {
    /// Finds the rig's service, else starts `program guard`; `on_event` is called from another
    /// thread for everything that the guard says from then on.
    ///
    /// # Errors
    /// The outputs can't be had; says who has them, or what is missing.
    pub fn start(
        setup: &Setup,
        program: &Path,
        mut on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self, GuardError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| GuardError(format!("{what}: {error}"));
        let (stream, child, process) = connect(setup, program)?;
        let attended = Arc::new(AtomicU64::new(0));
        let attended_there = Arc::clone(&attended);
        let (waker, wake) =
            UnixStream::pair().map_err(|error| failed("can't create a socket pair", &error))?;
        for socket in [&stream, &wake, &waker] {
            socket.set_nonblocking(true).map_err(|error| failed("can't set up a socket", &error))?;
        }
        let (sender, requests) = mpsc::channel();
        let (first_words, ready) = mpsc::channel();
        let setup_there = setup.clone();
        let mut is_ready = false;
        let thread = std::thread::Builder::new().name("guard link".into()).spawn(move || {
            let mut link = Link {
                stream,
                wake,
                requests,
                received: Vec::new(),
                is_behind: false,
                unsent: Vec::new(),
                heard: clock::now(),
                // A board may take its time to open: silence counts from the first word on.
                counts_silence: false,
                child,
                guard_process: process,
                attended: attended_there,
                setup: setup_there,
                farewell: None,
            };
            link.run(&mut |event| match &event {
                Event::Tripped { reason, safe, asked } if is_ready => {
                    tracing::warn!(reason = %visible(reason), safe, asked, "the guard plays no more");
                    on_event(event);
                }
                Event::Ready { .. } | Event::Unavailable { .. } | Event::Tripped { .. } if !is_ready => {
                    is_ready = true;
                    let _ = first_words.send(event);
                }
                _ => on_event(event),
            });
        });
        let thread = thread.map_err(|error| failed("can't start a thread", &error))?;
        let mut client =
            Self { sender, waker, thread: Some(thread), warnings: Vec::new(), next: 0, attended };
        let client_name = format!("process {} of {}", std::process::id(), user());
        client.tell(Request::Hello { client: client_name, setup: setup.clone() });
        match ready.recv_timeout(READY_WITHIN) {
            Ok(Event::Ready { warnings, .. }) => {
                tracing::info!(?warnings, "the guard is ready");
                client.warnings = warnings;
            }
            Ok(Event::Unavailable { reason } | Event::Tripped { reason, .. }) => {
                return Err(GuardError(reason));
            }
            Ok(_) => return Err(GuardError("the guard sent an unexpected message".into())),
            Err(RecvTimeoutError::Timeout) => {
                return Err(GuardError("the guard did not get ready in time".into()));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(GuardError("the guard exited at once".into())),
        }
        Ok(client)
    }

    /// What is weaker than it could be.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Plays a program and returns its number.
    pub fn play(&mut self, program: Program) -> u64 {
        let number = self.next;
        self.next += 1;
        self.attended.store(clock::now().as_nanoseconds(), Ordering::Relaxed);
        tracing::debug!(number, edges = program.edges.len(), "a program goes to the guard");
        self.tell(Request::Play { number, program });
        number
    }

    /// The player shows itself: while it plays, it has to do so again within a second.
    pub fn attend(&self) {
        if self.attended.load(Ordering::Relaxed) > 0 {
            self.attended.store(clock::now().as_nanoseconds(), Ordering::Relaxed);
        }
    }

    /// Brings everything to rest.
    pub fn rest(&mut self) {
        self.attended.store(0, Ordering::Relaxed);
        self.tell(Request::Rest {});
    }

    /// Asks what the boards say.
    pub fn read(&mut self) {
        self.tell(Request::Read {});
    }

    fn tell(&mut self, request: Request) {
        // A guard that is gone has said so already.
        let _ = self.sender.send(request);
        let _ = self.waker.write(b"!");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.tell(Request::Bye {});
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The guard's socket, its process if it is a child, and a handle of that process.
type Connected = (UnixStream, Option<Child>, Option<OwnedFd>);

fn connect(setup: &Setup, program: &Path) -> Result<Connected, GuardError> {
    if let Some((stream, peer)) = service(&setup.rig).map_err(GuardError)? {
        tracing::info!(rig = %setup.rig, pid = peer.pid.as_raw_pid(), "the guard's service was found");
        // It may have to be killed.
        return Ok((stream, None, pidfd_open(peer.pid, PidfdFlags::empty()).ok()));
    }
    let failed = |error: std::io::Error| GuardError(format!("the guard can't be started: {error}"));
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;

    // Its log goes where this one does.
    let has_log = std::env::var_os("LOCKRIG_LOG").is_some_and(|wanted| !wanted.is_empty());
    let mut command = Command::new(program);
    command
        .arg0("lockrig")
        .arg("guard")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(if has_log { Stdio::inherit() } else { Stdio::null() });
    let child = command.spawn().map_err(failed)?;
    tracing::info!(rig = %setup.rig, pid = child.id(), "a guard was started");
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
    Ok((ours, Some(child), process))
}

fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()))
}

/// The thread that talks to the guard; it sleeps in one place only.
struct Link {
    stream: UnixStream,
    wake: UnixStream,
    requests: Receiver<Request>,
    received: Vec<u8>,
    /// More of what the guard said is probably waiting.
    is_behind: bool,
    unsent: Vec<u8>,
    heard: Moment,
    counts_silence: bool,
    child: Option<Child>,
    guard_process: Option<OwnedFd>,
    attended: Arc<AtomicU64>,
    setup: Setup,
    /// Whether the outputs were safe when the guard said so last.
    farewell: Option<bool>,
}

/// How the guard ended.
enum End {
    /// As it was asked to.
    Wanted,
    /// For a reason that makes its outputs doubtful.
    Lost(String),
}

impl Link {
    fn run(&mut self, on_event: &mut dyn FnMut(Event)) {
        match self.talk(on_event) {
            End::Wanted => self.await_end(),
            // It has said that everything is safe, and why: nothing is left to do.
            End::Lost(_) if self.farewell == Some(true) => self.await_end(),
            // A service that never served this client holds its outputs for another one.
            End::Lost(reason) if self.child.is_none() && !self.counts_silence => {
                on_event(Event::Unavailable { reason });
            }
            End::Lost(reason) => {
                let (reason, safe) = self.take_over(&reason);
                on_event(Event::Tripped { reason, safe, asked: false });
            }
        }
    }

    fn talk(&mut self, on_event: &mut dyn FnMut(Event)) -> End {
        let mut beaten = Moment::default();
        let mut leaving: Option<Moment> = None;
        loop {
            let now = clock::now();
            if now.since(beaten) >= BEAT {
                beaten = now;
                let attended = Moment::from_nanoseconds(self.attended.load(Ordering::Relaxed));
                let is_attended = attended == Moment::default() || now.since(attended) < ATTENDS;
                // A guard that hears nothing any more makes everything safe.
                if leaving.is_none() && is_attended {
                    self.say(&Request::Beat {});
                }
            }
            let is_all = self.take_requests(&mut leaving, now);
            let is_leaving = leaving.is_some();
            if leaving.is_some_and(|since| now.since(since) >= LEAVES_WITHIN) {
                return End::Lost("the guard did not stop".into());
            }
            let counts = self.counts_silence && !is_leaving;
            let silent_at = if counts { self.heard + SILENCE } else { Moment::NEVER };
            if now >= silent_at {
                return End::Lost(format!("the guard hung: it was silent for {SILENCE}"));
            }
            let flushed = self.flush();
            let has_more = !is_all && self.unsent.is_empty();
            let until = if has_more { now } else { silent_at.min(beaten + BEAT) };
            if !flushed || !self.wait(now, until) {
                return self.ended();
            }
            match self.receive(on_event) {
                Received::Fine => {}
                Received::End if is_leaving => return self.ended(),
                Received::End => return End::Lost("the guard died".into()),
                Received::Refused => return End::Wanted,
            }
        }
    }

    /// Puts what is to be told in line, as far as there is room; `false` if more may be waiting.
    fn take_requests(&mut self, leaving: &mut Option<Moment>, now: Moment) -> bool {
        while !self.is_behind && self.unsent.len() < MAX_WAITING {
            match self.requests.try_recv() {
                Ok(request) => {
                    if matches!(request, Request::Bye {}) {
                        *leaving = leaving.or(Some(now));
                        self.farewell = None;
                    }
                    self.say(&request);
                }
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => {
                    *leaving = leaving.or(Some(now));
                    return true;
                }
            }
        }
        false
    }

    /// The guard is gone: as it was asked to only if it said that all outputs were safe by then.
    fn ended(&self) -> End {
        match self.farewell {
            Some(true) => End::Wanted,
            Some(false) => End::Lost("the guard could not make its outputs safe".into()),
            None => End::Lost("the guard died".into()),
        }
    }

    /// Waits for the guard, for something to say, or until a moment; `false` if the guard ended and
    /// nothing of what it said is left.
    fn wait(&mut self, now: Moment, until: Moment) -> bool {
        let mut wanted = PollFlags::IN;
        if !self.unsent.is_empty() {
            wanted |= PollFlags::OUT;
        }
        let mut ready = vec![PollFd::new(&self.stream, wanted), PollFd::new(&self.wake, PollFlags::IN)];
        if let Some(process) = &self.guard_process {
            ready.push(PollFd::new(process, PollFlags::IN));
        }
        let _ = poll(&mut ready, Some(&clock::timeout(until.since(now))));
        let said = ready[0].revents().contains(PollFlags::IN);
        let ended = ready.get(2).is_some_and(|process| !process.revents().is_empty());
        let mut buffer = [0; 64];
        while matches!(self.wake.read(&mut buffer), Ok(count) if count == buffer.len()) {}
        !ended || said
    }

    fn say(&mut self, request: &Request) {
        if let Ok(line) = serde_json::to_vec(request) {
            self.unsent.extend_from_slice(&line);
            self.unsent.push(b'\n');
        }
    }

    fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// Hears a little of what the guard says: however much that is, the guard gets its beats in between.
    fn receive(&mut self, on_event: &mut dyn FnMut(Event)) -> Received {
        let mut buffer = [0; 16 << 10];
        let read = self.stream.read(&mut buffer);
        self.is_behind = read.as_ref().is_ok_and(|count| *count == buffer.len());
        match read {
            Ok(0) => return Received::End,
            Ok(count) => self.received.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(_) => return Received::End,
        }
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let Ok(event) = serde_json::from_slice::<Event>(&line) else { return Received::End };
            self.heard = clock::now();
            match event {
                Event::Beat {} => {}
                Event::MakingSafe {} => self.heard = clock::now() + LEAVES_WITHIN,
                event => {
                    if let Event::Tripped { safe, .. } = &event {
                        self.farewell = Some(*safe);
                    }
                    self.counts_silence |= matches!(event, Event::Ready { .. });
                    let is_refused = matches!(event, Event::Unavailable { .. });
                    on_event(event);
                    if is_refused {
                        return Received::Refused;
                    }
                }
            }
        }
        if self.received.len() > MAX_LINE { Received::End } else { Received::Fine }
    }

    /// Ends the guard, waits for its end, and drives its outputs safe.
    fn take_over(&mut self, reason: &str) -> (String, bool) {
        tracing::warn!(reason, "the guard is ended, and its outputs are made safe");
        let mut denied = "";
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
        if let Some(process) = &self.guard_process {
            if pidfd_send_signal(process, Signal::KILL) == Err(rustix::io::Errno::PERM) {
                denied = "; this user may not stop another user's guard";
            }
            let mut ready = [PollFd::new(process, PollFlags::IN)];
            let _ = poll(&mut ready, Some(&clock::timeout(Duration::seconds(1))));
        }
        if let Some(child) = &mut self.child {
            // One that can't be killed is not waited for: its outputs are what counts.
            let _ = child.try_wait();
        }
        let consumer = format!("lockrig {} {}", self.setup.rig, std::process::id());
        let consumer: String = consumer.chars().take(31).collect();
        let begin = clock::now();
        loop {
            match make_safe(&self.setup, &consumer) {
                Ok(()) => {
                    tracing::info!("the outputs were made safe without the guard");
                    end_watch(&self.setup);
                    return (format!("{reason}; its outputs were made safe"), true);
                }
                Err(fault) if clock::now().since(begin) >= TRIES_FOR => {
                    let what = format!("{reason}, and its outputs could not be made safe: {fault}{denied}");
                    return (what, false);
                }
                // A board may need a moment to find itself again.
                Err(_) => clock::sleep_until(clock::now() + Duration::milliseconds(10)),
            }
        }
    }

    /// Reaps a guard that said good-bye.
    fn await_end(&mut self) {
        if let Some(process) = &self.guard_process
            && self.child.is_some()
        {
            let mut ready = [PollFd::new(process, PollFlags::IN)];
            let _ = poll(&mut ready, Some(&clock::timeout(LEAVES_WITHIN)));
        }
        if let Some(child) = &mut self.child {
            let _ = child.try_wait();
        }
    }
}

enum Received {
    Fine,
    End,
    Refused,
}
