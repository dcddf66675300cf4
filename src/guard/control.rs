//! Whoever speaks to a guard besides its client: further clients, who are turned away, and `lockrig rig safe`. And
//! the other side of that: how a guard is found and asked to make everything safe.
//!
//! Each guard listens on an abstract address, so that it is found in whatever environment it was started; who is at
//! the other end says the kernel, never the address.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, UCred, connect, socket_with};
use rustix::process::{PidfdFlags, Signal, getuid, pidfd_open, pidfd_send_signal};

use crate::drivers::clock;
use crate::unit::{Duration, Moment};

use super::link::Link;
use super::protocol::{Event, MAX_LINE, Request, Setup};

/// How the addresses of guards begin.
const PREFIX: &str = "lockrig/guard/";
/// So many may wait to speak; who came first has to go then.
const MOST_WAITING: usize = 32;
/// So many are let in, or heard, before the guard looks at its outputs again.
pub(super) const AT_ONCE: usize = 8;
/// Nobody is waited for longer.
const STAYS: Duration = Duration::seconds(1);
/// A guard that lives answers within this time, or says that its boards take longer: its client allows it a silence of
/// 200 ms, which one drive of slow boards can last.
const ANSWERS_WITHIN: time::Duration = time::Duration::from_millis(250);
const MAKES_SAFE_WITHIN: time::Duration = time::Duration::from_secs(3);
/// One that was told to end makes slow boards safe once more on its way.
const ENDS_WITHIN: Duration = Duration::seconds(3);

/// Where others knock, and those who did.
pub(super) struct Visitors {
    doors: Vec<Door>,
    waiting: VecDeque<(Moment, Link)>,
}

struct Door {
    listener: UnixListener,
    /// Its folder decides who may come; else only this user and root may.
    is_in_a_folder: bool,
}

impl Visitors {
    /// Listens on an address that can't be taken beforehand, as nobody knows it.
    ///
    /// # Errors
    /// The system gives no socket.
    pub(super) fn receive() -> std::io::Result<Self> {
        let name = format!("{PREFIX}{}-{}", std::process::id(), clock::now().as_nanoseconds());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { doors: vec![Door { listener, is_in_a_folder: false }], waiting: VecDeque::new() })
    }

    /// Listens on a path, too.
    pub(super) fn receive_at(&mut self, path: &Path) -> std::io::Result<()> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        self.doors.push(Door { listener, is_in_a_folder: true });
        Ok(())
    }

    /// What becomes readable when somebody comes or speaks.
    pub(super) fn sockets(&self) -> impl Iterator<Item = PollFd<'_>> {
        let doors = self.doors.iter().map(|door| PollFd::new(&door.listener, PollFlags::IN));
        doors.chain(self.waiting.iter().map(|(_, link)| PollFd::new(&link.stream, PollFlags::IN)))
    }

    /// The next request of somebody who came, with a link to answer on.
    pub(super) fn next(&mut self) -> Option<(Request, Link)> {
        let now = clock::now();
        for door in &self.doors {
            for _ in 0..AT_ONCE {
                let Ok((stream, _)) = door.listener.accept() else { break };
                let may_come = door.is_in_a_folder
                    || socket_peercred(&stream).is_ok_and(|peer| is_own(&peer) || peer.uid.is_root());
                if may_come && let Ok(link) = Link::new(stream) {
                    self.waiting.push_back((now + STAYS, link));
                }
            }
        }
        let surplus = self.waiting.len().saturating_sub(MOST_WAITING);
        self.waiting.drain(..surplus);
        self.waiting.retain(|(until, link)| now < *until && !link.is_gone());
        for index in 0..self.waiting.len() {
            if let Some(request) = self.waiting[index].1.request() {
                return self.waiting.remove(index).map(|(_, link)| (request, link));
            }
        }
        None
    }

    /// Tells somebody the last thing there is to say. Closed now, with what they said unread, it would not arrive.
    pub(super) fn dismiss(&mut self, mut link: Link, word: &Event) {
        link.tell(word);
        self.waiting.push_back((clock::now() + STAYS, link));
    }
}

/// Where a rig's service may listen: the machine's folder, or the user's.
pub fn service_sockets(rig: &str) -> Vec<PathBuf> {
    let user = std::env::var_os("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("lockrig"));
    let folders = [Some(PathBuf::from("/run/lockrig")), user].into_iter().flatten();
    folders.map(|folder| folder.join(format!("{rig}.sock"))).collect()
}

/// The service of a rig, if there is one, and who it is.
///
/// # Errors
/// Somebody serves who has no right to: why.
pub(super) fn service(rig: &str) -> Result<Option<(UnixStream, UCred)>, String> {
    let found = service_sockets(rig).into_iter().find_map(|path| {
        let stream = reach(&SocketAddrUnix::new(&path).ok()?)?;
        Some((socket_peercred(&stream).ok()?, stream, path))
    });
    let Some((peer, stream, path)) = found else { return Ok(None) };
    // What stands in a folder was put there by its owner, unless anybody may write to it.
    let folder = path.parent().and_then(|folder| std::fs::metadata(folder).ok());
    let is_owners =
        folder.is_some_and(|folder| folder.uid() == peer.uid.as_raw() && folder.mode() & 0o002 == 0);
    if is_own(&peer) || peer.uid.is_root() || is_owners {
        return Ok(Some((stream, peer)));
    }
    Err(format!(
        "{} belongs to process {} of user {}, which is not the rig's guard service",
        path.display(),
        peer.pid.as_raw_nonzero(),
        peer.uid.as_raw()
    ))
}

fn is_own(peer: &UCred) -> bool {
    peer.uid == getuid()
}

/// Connects without waiting for whoever does not answer.
fn reach(address: &SocketAddrUnix) -> Option<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    connect(&socket, address).ok()?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false).ok()?;
    Some(stream)
}

/// What a guard says when it was asked to make everything safe.
enum Answer {
    /// It did, or could not; a service stays.
    Stopped { fault: Option<String>, stays: bool },
    /// It has none of these outputs.
    NotConcerned,
    /// It hangs.
    Silent,
}

/// What came of asking.
#[derive(Default)]
pub(super) struct Asked {
    /// A service made everything safe, and keeps it so.
    pub(super) is_done: bool,
    /// Why a service could not, or is not to be asked.
    pub(super) problem: Option<String>,
    /// Guards that do not answer; what they own nobody knows.
    silent: Vec<OwnedFd>,
}

impl Asked {
    pub(super) fn has_silent(&self) -> bool {
        !self.silent.is_empty()
    }

    /// Ends the guards that do not answer; `false` if there is none.
    pub(super) fn end_silent(&self) -> bool {
        for process in &self.silent {
            let _ = pidfd_send_signal(process, Signal::KILL);
            has_ended(process);
        }
        self.has_silent()
    }
}

/// Asks every guard that owns outputs of a setup to make them safe and to end.
pub(super) fn ask_guards(setup: &Setup) -> Asked {
    let mut asked = Asked::default();
    match service(&setup.rig) {
        Ok(None) => {}
        Ok(Some((stream, _))) => match ask(&stream, setup) {
            Answer::Stopped { fault: None, stays: true } => asked.is_done = true,
            Answer::Stopped { fault: Some(fault), stays: true } => asked.problem = Some(fault),
            // One that hangs is found among the others.
            Answer::Stopped { stays: false, .. } | Answer::NotConcerned | Answer::Silent => {}
        },
        Err(problem) => asked.problem = Some(problem),
    }
    if asked.is_done {
        return asked;
    }
    let known = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let names = known.lines().filter_map(|line| line.split_whitespace().nth(7)?.strip_prefix('@'));
    for name in names.filter(|name| name.starts_with(PREFIX)) {
        let Some(stream) = SocketAddrUnix::new_abstract_name(name.as_bytes()).ok().as_ref().and_then(reach)
        else {
            continue;
        };
        let peer = socket_peercred(&stream).ok().filter(|peer| is_own(peer) || getuid().is_root());
        let Some(process) = peer.and_then(|peer| pidfd_open(peer.pid, PidfdFlags::empty()).ok()) else {
            continue;
        };
        match ask(&stream, setup) {
            Answer::NotConcerned | Answer::Stopped { stays: true, .. } => {}
            Answer::Stopped { stays: false, .. } if has_ended(&process) => {}
            Answer::Stopped { stays: false, .. } | Answer::Silent => asked.silent.push(process),
        }
    }
    asked
}

fn has_ended(process: &OwnedFd) -> bool {
    let ready = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&clock::timeout(ENDS_WITHIN)));
    ready.is_ok_and(|count| count > 0)
}

fn ask(stream: &UnixStream, setup: &Setup) -> Answer {
    let request = serde_json::to_vec(&Request::Safe { setup: setup.clone() });
    let Ok(mut line) = request else { return Answer::Silent };
    line.push(b'\n');
    let mut writer = stream;
    let asked = stream
        .set_read_timeout(Some(ANSWERS_WITHIN))
        .and_then(|()| stream.set_write_timeout(Some(ANSWERS_WITHIN)))
        .and_then(|()| writer.write_all(&line));
    if asked.is_err() {
        return Answer::Silent;
    }
    let mut reader = BufReader::new(stream.take(MAX_LINE as u64));
    loop {
        line.clear();
        if !reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            return Answer::Silent;
        }
        match serde_json::from_slice(&line) {
            Ok(Event::Stopped { fault, stays }) => return Answer::Stopped { fault, stays },
            Ok(Event::MakingSafe {}) => {
                let _ = stream.set_read_timeout(Some(MAKES_SAFE_WITHIN));
            }
            Ok(Event::Unavailable { .. }) => return Answer::NotConcerned,
            Ok(_) => {}
            Err(_) => return Answer::Silent,
        }
    }
}
