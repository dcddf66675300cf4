//! The second process: one thread that plays programs, listens to one client, and goes safe.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};

use std::os::unix::net::{UnixListener, UnixStream};
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
use crate::unit::{Duration, Moment};

use super::core::{Core, Effect};
use super::outputs::Outputs;
use super::protocol::{Event, MAX_LINE, Request, Setup};
use super::{BEAT, SILENCE};

/// So long before an edge nothing else is looked at any more.
const QUIET: Duration = Duration::microseconds(700);
/// A client that does not read what it is told is taken for dead.
const MAX_UNREAD: usize = 4 << 20;
/// How long an output may be held by a process that is about to end.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// How often the watchdog is fed: its own time-out is a second or more.
const FEED: Duration = Duration::milliseconds(250);

/// Serves the process at the other end of standard input until it is gone.
///
/// # Errors
/// The socket, or the signals, can't be used.
pub fn serve_parent() -> std::io::Result<()> {
    // Ctrl-C at the terminal is for the client, which then ends what it plays.
    let _ = rustix::process::setsid();
    let socket = rustix::io::dup(rustix::stdio::stdin())?;
    let mut signals = signals()?;
    let warnings = become_realtime();
    let mut link = Link::new(UnixStream::from(socket))?;
    let setup = match link.hello()? {
        Some(setup) => setup,
        None => return Ok(()),
    };
    match Guard::open(&setup, warnings) {
        Ok(mut guard) => guard.serve(link, &mut signals).map(drop),
        Err(fault) => link.last_words(&fault.to_string()),
    }
}

/// Serves one client after the other on a socket; the outputs stay owned in between.
///
/// # Errors
/// The socket can't be made, or the outputs can't be had.
pub fn serve_socket(path: &Path, setup: &Setup) -> std::io::Result<()> {
    let mut signals = signals()?;
    let warnings = become_realtime();
    let opened = Guard::open(setup, warnings);
    let mut guard = opened.map_err(|fault| std::io::Error::other(fault.to_string()))?;
    if UnixStream::connect(path).is_ok() {
        return Err(std::io::Error::other(format!("another guard already serves {}", path.display())));
    }
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    // Without systemd nobody wants to know.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    loop {
        let mut ready = [PollFd::new(&listener, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
        let _ = poll(&mut ready, Some(&clock::timeout(FEED)));
        let (asked, signalled) = (!ready[0].revents().is_empty(), !ready[1].revents().is_empty());
        guard.feed(clock::now());
        if !guard.is_safe {
            // Nobody else will: until it is done no client is served.
            let _ = guard.make_safe();
        }
        if signalled {
            let _ = std::fs::remove_file(path);
            return Ok(());
        }
        let Ok((stream, _)) = listener.accept() else { continue };
        if !asked {
            continue;
        }
        let mut link = Link::new(stream)?;
        match link.hello() {
            Ok(Some(theirs)) if theirs == *setup => {
                guard.core.reset();
                if let Err(fault) = guard.make_safe() {
                    let _ = link.last_words(&format!("the outputs can't be made safe: {fault}"));
                    continue;
                }
                guard.listener = listener.try_clone().ok();
                let ended = guard.serve(link, &mut signals);
                if matches!(ended, Ok(End::Signalled)) {
                    let _ = std::fs::remove_file(path);
                    return Ok(());
                }
            }
            Ok(Some(_)) => {
                let reason = "the guard service was started with different wiring: restart it";
                let _ = link.last_words(reason);
            }
            Ok(None) | Err(_) => {}
        }
    }
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
enum End {
    Left,
    Signalled,
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
    /// Where further clients are turned away.
    listener: Option<UnixListener>,
    turned_away: Option<Link>,
    client: String,
}

impl Guard {
    fn open(setup: &Setup, warnings: Vec<String>) -> Result<Self, OutputFault> {
        let mut outputs = Outputs::open(setup, &consumer(setup), PATIENCE)?;
        outputs.make_safe()?;
        // Last: from here on it has to be fed.
        let watchdog = setup.watchdog.as_deref().map(open_watchdog).transpose()?;
        let (fed, beat) = (Moment::default(), Moment::default());
        let (core, client) = (Core::new(setup), String::new());
        let (setup, listener, turned_away, is_safe) = (setup.clone(), None, None, true);
        Ok(Self {
            setup,
            core,
            outputs,
            is_safe,
            warnings,
            watchdog,
            fed,
            beat,
            listener,
            turned_away,
            client,
        })
    }

    /// Plays what a client wants until it is gone; the outputs are safe then.
    fn serve(&mut self, mut link: Link, signals: &mut UnixStream) -> std::io::Result<End> {
        self.client.clone_from(&link.client);
        link.tell(&Event::Ready { warnings: self.warnings.clone() });
        self.core.heard(clock::now());
        let end = loop {
            let now = clock::now();
            let next = self.core.next();
            // However dense a program is, client and signals are heard.
            if next.since(now) <= QUIET && now.since(self.beat) < BEAT {
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
            if link.is_gone {
                break End::Left;
            }
            let wake = next.before(QUIET).min(now + BEAT).min(self.core.silent_at());
            match self.wait(&link, signals, wake.since(now)) {
                Some(End::Signalled) => break End::Signalled,
                Some(End::Left) => self.turn_away(),
                None => {}
            }
            while let Some(request) = link.request() {
                self.core.heard(clock::now());
                if !self.answer(request, &mut link) {
                    break;
                }
            }
            if self.core.tripped().is_none() {
                self.core.check_silence(clock::now());
                if let Some(trip) = self.core.tripped().cloned() {
                    self.trip(&trip.0, &mut link);
                }
            }
        };
        let reason =
            if matches!(end, End::Signalled) { "the guard was told to stop" } else { "the client is gone" };
        self.trip(reason, &mut link);
        link.flush();
        Ok(end)
    }

    /// Waits for the client, a signal, or another client.
    fn wait(&self, link: &Link, signals: &UnixStream, length: Duration) -> Option<End> {
        let mut wanted = PollFlags::IN;
        if !link.unsent.is_empty() {
            wanted |= PollFlags::OUT;
        }
        let mut ready = vec![PollFd::new(&link.stream, wanted), PollFd::new(signals, PollFlags::IN)];
        if let Some(listener) = &self.listener {
            ready.push(PollFd::new(listener, PollFlags::IN));
        }
        let _ = poll(&mut ready, Some(&clock::timeout(length)));
        if !ready[1].revents().is_empty() {
            return Some(End::Signalled);
        }
        ready.get(2).filter(|other| !other.revents().is_empty()).map(|_| End::Left)
    }

    /// A second client learns who is served.
    fn turn_away(&mut self) {
        let Some(Ok((stream, _))) = self.listener.as_ref().map(UnixListener::accept) else { return };
        if let Ok(mut link) = Link::new(stream) {
            link.tell(&Event::Unavailable { reason: format!("the guard already serves {}", self.client) });
            // Closed now, with what it said unread, the words would not arrive.
            self.turned_away = Some(link);
        }
    }

    /// `false` if the client said good-bye.
    fn answer(&mut self, request: Request, link: &mut Link) -> bool {
        match request {
            Request::Hello { .. } | Request::Beat {} => {}
            Request::Play { number, program } => {
                if let Err(refusal) = self.core.play(clock::now(), &program) {
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
                Err(fault) => self.trip(&fault.to_string(), link),
            },
            Request::Bye {} => {
                link.is_gone = true;
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
            self.trip(&trip.0, link);
        }
    }

    /// Drives an output; `false` if its board is broken, and everything was made safe.
    fn carry_out(&mut self, effect: Effect, link: &mut Link) -> bool {
        if let Err(fault) = self.outputs.set(effect.output, effect.drive) {
            self.trip(&fault.to_string(), link);
            return false;
        }
        let at = clock::now();
        let forced = self.core.driven(effect, at).map(str::to_owned);
        if let Some(command) = effect.command {
            let (output, drive) = (effect.output, effect.drive);
            link.tell(&Event::Achieved { command, output, drive, at });
        }
        if let Some(name) = forced {
            self.trip(&format!("the hold of `{name}` was not ended in time"), link);
            return false;
        }
        true
    }

    /// Everything safe, first of all; then the words.
    fn trip(&mut self, reason: &str, link: &mut Link) {
        self.core.trip(reason);
        if self.setup.boards.values().any(Board::is_serial) {
            link.tell(&Event::MakingSafe {});
        }
        let done = self.make_safe();
        let (reason, safe) = match done {
            Ok(()) => (reason.to_owned(), true),
            Err(fault) => (format!("{reason}; and {fault}"), false),
        };
        link.tell(&Event::Tripped { reason, safe });
    }

    /// Takes the power from everything; a board that lost its connection is opened anew.
    fn make_safe(&mut self) -> Result<(), OutputFault> {
        let done = self.outputs.make_safe();
        if done.is_ok() {
            self.is_safe = true;
            return done;
        }
        self.is_safe = false;
        // The old connections are given up first, or they would be in the way of the new ones.
        self.outputs.close();
        self.outputs = Outputs::open(&self.setup, &consumer(&self.setup), PATIENCE)?;
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

/// The client's socket, never waited for.
struct Link {
    stream: UnixStream,
    received: Vec<u8>,
    unsent: Vec<u8>,
    is_gone: bool,
    client: String,
}

impl Link {
    fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        let (received, unsent) = (Vec::new(), Vec::new());
        Ok(Self { stream, received, unsent, is_gone: false, client: String::new() })
    }

    /// The first request: what the client thinks the outputs are; `None` if it left.
    fn hello(&mut self) -> std::io::Result<Option<Setup>> {
        let begin = clock::now();
        while !self.is_gone && clock::now().since(begin) < SILENCE.times(2) {
            let mut ready = [PollFd::new(&self.stream, PollFlags::IN)];
            let _ = poll(&mut ready, Some(&clock::timeout(SILENCE)));
            if let Some(Request::Hello { client, setup }) = self.request() {
                self.client = client;
                return Ok(Some(setup));
            }
        }
        Ok(None)
    }

    /// The next request that is there.
    fn request(&mut self) -> Option<Request> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                match serde_json::from_slice(&line) {
                    Ok(request) => return Some(request),
                    Err(_) => {
                        // Whoever talks nonsense is no client to hold outputs for.
                        self.is_gone = true;
                        return None;
                    }
                }
            }
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => self.is_gone = true,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => self.is_gone = true,
            }
            if self.is_gone || self.received.len() > MAX_LINE {
                self.is_gone = true;
                return None;
            }
        }
    }

    fn tell(&mut self, event: &Event) {
        // Only what is made of plain numbers and texts is ever told.
        if let Ok(line) = serde_json::to_vec(event) {
            self.unsent.extend_from_slice(&line);
            self.unsent.push(b'\n');
        }
        self.flush();
    }

    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.is_gone = true;
                    break;
                }
            }
        }
        self.is_gone |= self.unsent.len() > MAX_UNREAD;
    }

    /// Why the client is not served, and the end.
    fn last_words(&mut self, reason: &str) -> std::io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_write_timeout(Some(PATIENCE))?;
        self.tell(&Event::Unavailable { reason: reason.to_owned() });
        Ok(())
    }
}
