//! The second process: one thread that plays programs, listens to one client, and goes safe.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::mm::{MlockAllFlags, mlockall};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::drivers::output::OutputFault;
use crate::drivers::{access, clock};
use crate::rig::Board;
use crate::unit::{Duration, Moment, visible};

use super::control::{AT_ONCE, Visitors};
use super::core::{Core, Effect};
use super::link::Link;
use super::outputs::{Outputs, Sharing};
use super::protocol::{Event, Request, Setup};
use super::{BEAT, SILENCE};

/// So long before an edge nothing else is looked at any more.
const QUIET: Duration = Duration::microseconds(700);
/// How long an output may be held by a process that is about to end.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// How often the watchdog is fed: its own time-out is a second or more.
const FEED: Duration = Duration::milliseconds(250);

const REWIRED: &str = "the guard service was started with different wiring: restart it";

/// Serves the process at the other end of standard input until it is gone.
///
/// # Errors
/// The socket, or the signals, can't be used.
pub fn serve_parent() -> std::io::Result<()> {
    // Ctrl-C at the terminal is for the client, which then ends what it plays.
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_name(c"lockrig");
    let socket = rustix::io::dup(rustix::stdio::stdin())?;
    let signals = signals()?;
    let warnings = become_realtime();
    let mut link = Link::new(UnixStream::from(socket))?;
    let Some((client, setup)) = hello(&mut link) else { return Ok(()) };
    tracing::info!(client = %visible(&client), rig = %setup.rig, "a client came");
    match Guard::open(&setup, warnings, false) {
        Ok(mut guard) => {
            // Whoever knocks is answered: nobody is let wait for boards that are being opened.
            let mut visitors = Visitors::receive()?;
            guard.serve(link, client, &signals, &mut visitors);
        }
        Err(fault) => {
            tracing::warn!(%fault, "the outputs can't be had");
            link.tell(&Event::Unavailable { reason: fault.to_string() });
        }
    }
    Ok(())
}

/// The first request of a parent: who it is, and what it thinks the outputs are; `None` if it left.
fn hello(link: &mut Link) -> Option<(String, Setup)> {
    let begin = clock::now();
    while !link.is_gone() && clock::now().since(begin) < SILENCE.times(2) {
        let mut ready = [PollFd::new(&link.stream, PollFlags::IN)];
        let _ = poll(&mut ready, Some(&clock::timeout(SILENCE)));
        if let Some(Request::Hello { client, setup }) = link.request() {
            return Some((client, setup));
        }
    }
    None
}

/// Serves one client after the other on a socket; the outputs stay owned in between.
///
/// # Errors
/// The socket can't be made, or the outputs can't be had.
pub fn serve_socket(path: &Path, setup: &Setup) -> std::io::Result<()> {
    let signals = signals()?;
    let warnings = become_realtime();
    let opened = Guard::open(setup, warnings, true);
    let mut guard = opened.map_err(|fault| std::io::Error::other(fault.to_string()))?;
    if UnixStream::connect(path).is_ok() {
        return Err(std::io::Error::other(format!("another guard already serves {}", path.display())));
    }
    let _ = std::fs::remove_file(path);
    let mut visitors = Visitors::receive()?;
    visitors.receive_at(path)?;
    // Without systemd nobody wants to know.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let is_signalled = || {
        let mut ready = [PollFd::new(&signals, PollFlags::IN)];
        poll(&mut ready, Some(&clock::timeout(Duration::ZERO))).is_ok_and(|count| count > 0)
    };
    while !is_signalled() {
        let mut ready: Vec<PollFd<'_>> = visitors.sockets().collect();
        ready.push(PollFd::new(&signals, PollFlags::IN));
        let _ = poll(&mut ready, Some(&clock::timeout(FEED)));
        guard.feed(clock::now());
        if !guard.is_safe {
            // Nobody else will: until it is done no client is served.
            let _ = guard.make_safe();
        }
        if let Some((client, link)) = guard.welcome(&mut visitors) {
            tracing::info!(client = %visible(&client), "a client came");
            guard.core.reset();
            guard.serve(link, client, &signals, &mut visitors);
        }
    }
    let _ = std::fs::remove_file(path);
    Ok(())
}

fn signals() -> std::io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(read)
}

/// First in line for the processor, never paged out, last to be killed for memory: as far as permitted.
fn become_realtime() -> Vec<String> {
    let mut missing = Vec::new();
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let priority = ThreadPriority::try_from(80_u8).unwrap_or(ThreadPriority::Max);
    if set_thread_priority_and_policy(thread_native_id(), priority, policy).is_err() {
        missing.push("SCHED_FIFO");
    }
    if mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).is_err() {
        missing.push("locked memory");
    }
    // A guard that is killed for memory is replaced by its client; this only makes it unlikely.
    let _ = std::fs::write("/proc/self/oom_score_adj", "-900");
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "no permission for {}: edges may be late on a busy machine (`docs/bench.md` says how to allow it)",
        missing.join(" and ")
    )]
}

/// Waits for the client, other visitors, or a signal, which alone is told.
fn is_told(link: &Link, signals: &UnixStream, visitors: &Visitors, length: Duration) -> bool {
    let mut wanted = PollFlags::IN;
    if link.has_unsent() {
        wanted |= PollFlags::OUT;
    }
    let mut ready = vec![PollFd::new(signals, PollFlags::IN), PollFd::new(&link.stream, wanted)];
    ready.extend(visitors.sockets());
    let _ = poll(&mut ready, Some(&clock::timeout(length)));
    !ready[0].revents().is_empty()
}

/// The name under which this process holds its lines.
fn consumer(setup: &Setup) -> String {
    format!("lockrig {} {}", setup.rig, std::process::id()).chars().take(31).collect()
}

/// A bench that counts on its watchdog is not played without it.
fn open_watchdog(path: &Path) -> Result<File, OutputFault> {
    OpenOptions::new().write(true).open(path).map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::BUSY.raw_os_error() => {
            let holder = "another program, perhaps systemd (`RuntimeWatchdogSec=`)".to_owned();
            OutputFault::Busy { what: format!("watchdog {}", path.display()), holder }
        }
        _ if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let reason =
                access::denied_unopened(path).unwrap_or_else(|| format!("{}: {error}", path.display()));
            OutputFault::Broken(reason)
        }
        _ => OutputFault::Broken(format!("the bench relies on watchdog {}: {error}", path.display())),
    })
}

/// Why a client is not served any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    /// A signal, or somebody who wants everything safe.
    Told,
}

struct Guard {
    setup: Setup,
    core: Core,
    outputs: Outputs,
    /// The boards took it when they were made safe last.
    is_safe: bool,
    warnings: Vec<String>,
    watchdog: Option<File>,
    fed: Moment,
    beat: Moment,
    /// A service, which outlives its clients.
    stays: bool,
}

impl Guard {
    fn open(setup: &Setup, warnings: Vec<String>, stays: bool) -> Result<Self, OutputFault> {
        let mut outputs = Outputs::open(setup, &consumer(setup), PATIENCE, Sharing::Refused)?;
        tracing::info!(boards = setup.boards.len(), outputs = setup.outputs.len(), "the boards are open");
        outputs.make_safe()?;
        // Last: from here on it has to be fed.
        let watchdog = setup.watchdog.as_deref().map(open_watchdog).transpose()?;
        let (fed, beat) = (Moment::default(), Moment::default());
        let (core, setup, is_safe) = (Core::new(setup), setup.clone(), true);
        Ok(Self { setup, core, outputs, is_safe, warnings, watchdog, fed, beat, stays })
    }

    /// The next client of a service that has none.
    fn welcome(&mut self, visitors: &mut Visitors) -> Option<(String, Link)> {
        for _ in 0..AT_ONCE {
            let (request, mut link) = visitors.next()?;
            let word = match request {
                Request::Hello { client, setup } if setup == self.setup => match self.make_safe() {
                    Ok(()) => return Some((client, link)),
                    Err(fault) => {
                        Event::Unavailable { reason: format!("the outputs can't be made safe: {fault}") }
                    }
                },
                request => self.reply(request, &mut link, None),
            };
            visitors.dismiss(link, &word);
        }
        None
    }

    /// What somebody who does not become the client is told.
    fn reply(&mut self, request: Request, visitor: &mut Link, client: Option<(&str, &mut Link)>) -> Event {
        match request {
            Request::Hello { .. } => Event::Unavailable {
                reason: client
                    .map_or_else(|| REWIRED.into(), |(name, _)| format!("the guard already serves {name}")),
            },
            Request::Safe { setup } => self.stop(&setup, visitor, client.map(|(_, link)| link)),
            Request::Play { .. }
            | Request::Rest {}
            | Request::Read {}
            | Request::Beat {}
            | Request::Bye {} => Event::Beat {},
        }
    }

    /// Everything safe for somebody who is not the client; what they are told.
    fn stop(&mut self, theirs: &Setup, visitor: &mut Link, client: Option<&mut Link>) -> Event {
        if !self.setup.concerns(theirs) {
            return Event::Unavailable { reason: "this guard owns none of these outputs".into() };
        }
        tracing::info!("`lockrig rig safe` was called");
        // Boards may take longer than a guard that lives may be silent.
        visitor.tell(&Event::MakingSafe {});
        let done = match client {
            Some(client) => self.trip("`lockrig rig safe` was called", true, client),
            None => self.make_safe(),
        };
        let fault = done.err().map(|fault| fault.to_string());
        // Of what it does not own it can't tell.
        let is_all = !self.stays || *theirs == self.setup;
        Event::Stopped { fault: fault.or_else(|| (!is_all).then(|| REWIRED.into())), stays: self.stays }
    }

    /// Plays what a client wants until it is gone; the outputs are safe then.
    fn serve(
        &mut self,
        mut link: Link,
        client: String,
        signals: &UnixStream,
        visitors: &mut Visitors,
    ) -> End {
        link.tell(&Event::Ready { warnings: self.warnings.clone() });
        self.core.heard(clock::now());
        let end = loop {
            let now = clock::now();
            let next = self.core.next();
            // However dense a program is, client and signals are heard.
            if self.is_close(now) && now.since(self.beat) < BEAT {
                if next > now {
                    clock::sleep_until(next);
                }
                self.play_due(&mut link);
                if self.core.tripped().is_none() {
                    continue;
                }
            }
            self.feed(now);
            if now.since(self.beat) >= BEAT {
                self.beat = now;
                link.tell(&Event::Beat {});
            }
            link.flush();
            if link.is_gone() {
                break End::Left;
            }
            let wake = next.before(QUIET).min(now + BEAT).min(self.core.silent_at());
            let wake = if link.has_request() { now } else { wake };
            if is_told(&link, signals, visitors, wake.since(now)) {
                break End::Told;
            }
            while let Some(request) = link.request() {
                self.core.heard(clock::now());
                // Whoever asks without end is heard again after the edge, and after everybody else.
                let now = clock::now();
                if !self.answer(request, &mut link) || self.is_close(now) || now.since(self.beat) >= BEAT {
                    break;
                }
            }
            if self.core.tripped().is_none() {
                self.core.check_silence(clock::now());
                if let Some(trip) = self.core.tripped().cloned() {
                    let _ = self.trip(&trip.0, false, &mut link);
                }
            }
            if self.hear(visitors, &mut link, &client) == Some(End::Told) {
                break End::Told;
            }
        };
        let (reason, asked) = match end {
            End::Told => ("the guard was told to stop", true),
            End::Left => ("the client is gone", false),
        };
        tracing::info!("{reason}");
        if self.core.tripped().is_some() && self.is_safe {
            // Nothing came on since; a client that leaves waits for the word.
            link.tell(&Event::Tripped { reason: reason.to_owned(), safe: true, asked });
        } else {
            let _ = self.trip(reason, asked, &mut link);
        }
        link.flush();
        end
    }

    /// So little is left until the next edge that nothing else is looked at.
    fn is_close(&self, now: Moment) -> bool {
        self.core.next().since(now) <= QUIET
    }

    /// Hears who else came: a second client learns who is served.
    fn hear(&mut self, visitors: &mut Visitors, link: &mut Link, client: &str) -> Option<End> {
        for _ in 0..AT_ONCE {
            if self.is_close(clock::now()) && self.core.tripped().is_none() {
                return None;
            }
            let (request, mut visitor) = visitors.next()?;
            let word = self.reply(request, &mut visitor, Some((client, link)));
            visitors.dismiss(visitor, &word);
            if matches!(word, Event::Stopped { stays: false, .. }) {
                return Some(End::Told);
            }
        }
        None
    }

    /// `false` if the client said good-bye.
    fn answer(&mut self, request: Request, link: &mut Link) -> bool {
        match request {
            Request::Hello { .. } | Request::Safe { .. } | Request::Beat {} => {}
            Request::Play { number, program } => {
                tracing::debug!(number, edges = program.edges.len(), "a program came");
                if let Err(refusal) = self.core.play(clock::now(), &program) {
                    tracing::warn!(number, reason = %refusal.0, "it is refused");
                    link.tell(&Event::Refused { number, reason: refusal.0 });
                }
            }
            Request::Rest {} => {
                let effects = self.core.rest();
                if effects.into_iter().all(|effect| self.carry_out(effect, link)) {
                    link.tell(&Event::Rested {});
                }
            }
            Request::Read {} => match self.outputs.read() {
                Ok(levels) => link.tell(&Event::Levels { levels }),
                Err(fault) => drop(self.trip(&fault.to_string(), false, link)),
            },
            Request::Bye {} => {
                link.leave();
                return false;
            }
        }
        true
    }

    fn play_due(&mut self, link: &mut Link) {
        let was_fine = self.core.tripped().is_none();
        while let Some(effect) = self.core.due(clock::now()) {
            if !self.carry_out(effect, link) {
                return;
            }
        }
        if was_fine && let Some(trip) = self.core.tripped().cloned() {
            let _ = self.trip(&trip.0, false, link);
        }
    }

    /// Drives an output; `false` if its board is broken, and everything was made safe.
    fn carry_out(&mut self, effect: Effect, link: &mut Link) -> bool {
        if let Err(fault) = self.outputs.set(effect.output, effect.drive) {
            let _ = self.trip(&fault.to_string(), false, link);
            return false;
        }
        let at = clock::now();
        let forced = self.core.driven(effect, at).map(str::to_owned);
        if let Some(command) = effect.command {
            let (output, drive) = (effect.output, effect.drive);
            link.tell(&Event::Achieved { command, output, drive, at });
        }
        if let Some(name) = forced {
            let _ = self.trip(&format!("the hold of `{name}` was not ended in time"), false, link);
            return false;
        }
        true
    }

    /// Everything safe, first of all; then the words.
    fn trip(&mut self, reason: &str, asked: bool, link: &mut Link) -> Result<(), OutputFault> {
        let begin = clock::now();
        self.core.trip(reason);
        if self.setup.boards.values().any(Board::is_serial) {
            link.tell(&Event::MakingSafe {});
        }
        let done = self.make_safe();
        let (reason, safe) = match &done {
            Ok(()) => (reason.to_owned(), true),
            Err(fault) => (format!("{reason}; and {fault}"), false),
        };
        // The words come last: an output does not wait for them.
        tracing::warn!(%reason, safe, took = %clock::now().since(begin), "everything was to be made safe");
        link.tell(&Event::Tripped { reason, safe, asked });
        done
    }

    /// Takes the power from everything; a board that lost its connection is opened anew.
    fn make_safe(&mut self) -> Result<(), OutputFault> {
        let done = self.outputs.make_safe();
        if done.is_ok() {
            self.is_safe = true;
            return done;
        }
        self.is_safe = false;
        tracing::warn!("a board did not take it, and is opened anew");
        // The old connections are given up first, or they would be in the way of the new ones.
        self.outputs.close();
        self.outputs = Outputs::open(&self.setup, &consumer(&self.setup), PATIENCE, Sharing::Ignored)?;
        self.outputs.make_safe()?;
        self.is_safe = true;
        Ok(())
    }

    /// Tells the watchdogs that this process lives: the service manager's, which ends it if it does
    /// not, and the machine's, which resets that.
    fn feed(&mut self, now: Moment) {
        if now.since(self.fed) < FEED {
            return;
        }
        self.fed = now;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        if let Some(watchdog) = &mut self.watchdog {
            let _ = watchdog.write_all(b"\0");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let done = self.make_safe();
        if let (Some(watchdog), true) = (&mut self.watchdog, done.is_ok()) {
            // The letter that ends the watch: from here on nothing is left to guard.
            let _ = watchdog.write_all(b"V");
        }
    }
}
