//! A socket between probe-rs and a probe's server that can be cut from outside.
//!
//! probe-rs reads from a socket without a time limit, and once the server is gone it reads its end again and again,
//! without end. So it talks to a socket of ours, whose bytes are carried over. When that is cut, it reads a packet that
//! is for nobody: from then on everything it does fails at once.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{SendFlags, Shutdown, send, shutdown};
use tempfile::TempDir;

use super::fault::ProbeError;
use crate::rig::{Address, Selector};

/// Whoever listens takes a connection within this time.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// Whoever reads takes what was said within this time.
const TAKEN_WITHIN: Duration = Duration::from_secs(1);
/// How long it may not be noticed that nobody wants it any more.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The end of any packet, and one to a destination that does not exist: probe-rs keeps it, and stumbles over it each
/// time it receives something.
const NOBODYS: [u8; 4] = [0x00, 0x02, 0xff, 0x00];

/// The connection to a server; it ends when this is dropped.
pub(super) struct Tether {
    cable: Arc<Cable>,
    path: PathBuf,
    carrier: Option<JoinHandle<()>>,
}

/// Both ends of it.
pub(super) struct Cable {
    /// That of probe-rs, once it has connected.
    near: OnceLock<OwnedFd>,
    far: OwnedFd,
    over: AtomicBool,
    why: OnceLock<String>,
}

impl Tether {
    /// Connects to a server, and waits for probe-rs.
    ///
    /// # Errors
    /// Nothing listens there.
    pub(super) fn new(address: &Address) -> Result<Self, ProbeError> {
        let failed =
            |error: io::Error| ProbeError::NoServer { address: address.to_string(), why: error.to_string() };
        let far = reach(address).map_err(failed)?;
        let folder = tempfile::Builder::new().prefix("lockrig-").tempdir().map_err(failed)?;
        let path = folder.path().join("probe");
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let cable = Arc::new(Cable {
            near: OnceLock::new(),
            far,
            over: AtomicBool::new(false),
            why: OnceLock::new(),
        });
        let carried = Arc::clone(&cable);
        let carry = move || carried.carry(&listener, folder);
        let carrier = std::thread::Builder::new().name("probe socket".into()).spawn(carry).map_err(failed)?;
        Ok(Self { cable, path, carrier: Some(carrier) })
    }

    /// What probe-rs is to open.
    pub(super) fn selector(&self) -> Selector {
        Selector::Socket(Address::Unix(self.path.clone()))
    }

    /// What can cut it from another thread.
    pub(super) fn cable(&self) -> Arc<Cable> {
        Arc::clone(&self.cable)
    }
}

impl Drop for Tether {
    fn drop(&mut self) {
        self.cable.end();
        if let Some(carrier) = self.carrier.take() {
            // It does not panic, and nothing holds it up any more.
            let _ = carrier.join();
        }
    }
}

fn reach(address: &Address) -> io::Result<OwnedFd> {
    let (host, port) = match address {
        Address::Unix(path) => return UnixStream::connect(path).map(OwnedFd::from),
        Address::Tcp { host, port } => (host.as_str(), *port),
    };
    let begin = Instant::now();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for place in (host, port).to_socket_addrs()?.take(8) {
        // A limit of nothing would be an error of its own.
        let left = CONNECTED_WITHIN.saturating_sub(begin.elapsed()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&place, left) {
            Ok(stream) => {
                // Each word of the protocol is waited for.
                stream.set_nodelay(true)?;
                return Ok(stream.into());
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Cable {
    /// Ends whatever probe-rs does on it.
    pub(super) fn cut(&self, why: &str) {
        if self.over.swap(true, Ordering::SeqCst) {
            return;
        }
        // Nobody else sets it.
        let _ = self.why.set(why.to_owned());
        self.finish();
    }

    /// Why it was cut, if it was.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.get().map(String::as_str)
    }

    /// Ends it, with nothing to say.
    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.finish();
    }

    fn finish(&self) {
        if let Some(near) = self.near.get() {
            // Whoever does not read is not waiting either, and finds the socket closed.
            let _ = send(near, &NOBODYS, SendFlags::NOSIGNAL);
            let _ = shutdown(near, Shutdown::Both);
        }
        let _ = shutdown(&self.far, Shutdown::Both);
    }

    fn carry(&self, listener: &UnixListener, folder: TempDir) {
        let accepted = self.accept(listener);
        // Nobody else is to come, and whoever ends lockrig at once leaves nothing behind.
        drop(folder);
        match accepted {
            Ok(near) => drop(self.near.set(near)),
            Err(error) => return self.cut(&format!("probe-rs did not connect: {error}")),
        }
        if self.over.load(Ordering::SeqCst) {
            // It was cut before there was an end to cut.
            return self.finish();
        }
        std::thread::scope(|scope| {
            let up = std::thread::Builder::new().name("to the probe".into());
            match up.spawn_scoped(scope, || self.carry_up()) {
                Ok(_) => self.carry_down(),
                Err(error) => self.cut(&error.to_string()),
            }
        });
    }

    /// Waits for probe-rs.
    fn accept(&self, listener: &UnixListener) -> io::Result<OwnedFd> {
        let begin = Instant::now();
        while begin.elapsed() < CONNECTED_WITHIN && !self.over.load(Ordering::SeqCst) {
            match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&GLANCE)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => {
                    let near = OwnedFd::from(listener.accept()?.0);
                    set_socket_timeout(&near, Timeout::Send, Some(TAKEN_WITHIN))?;
                    return Ok(near);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn carry_up(&self) {
        let Some(near) = self.near.get() else { return };
        let mut buffer = [0; 4096];
        loop {
            match take(near, &mut buffer) {
                // probe-rs has finished.
                Ok(0) | Err(_) => return self.end(),
                Ok(count) => {
                    if let Err(error) = give(&self.far, buffer.get(..count).unwrap_or_default()) {
                        return self.cut(&error.to_string());
                    }
                }
            }
        }
    }

    fn carry_down(&self) {
        let Some(near) = self.near.get() else { return };
        let mut buffer = [0; 16384];
        loop {
            match take(&self.far, &mut buffer) {
                Ok(0) => return self.cut("the other side closed the connection"),
                Err(error) => return self.cut(&error.to_string()),
                Ok(count) => {
                    if let Err(error) = give(near, buffer.get(..count).unwrap_or_default()) {
                        return self.cut(&error.to_string());
                    }
                }
            }
        }
    }
}

fn take(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match read(socket, &mut *buffer) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

fn give(socket: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match send(socket, bytes, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
