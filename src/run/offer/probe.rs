//! The debug port on a socket, for one program at a time.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::event::{PollFd, PollFlags};

use crate::drivers::clock;
use crate::rig::Fault;
use crate::sim::{Glasgow, ReferenceLock};
use crate::unit::{Duration, Instant, Moment};

use super::file::{self, Own};

/// As what probe-rs knows the probe that is emulated.
const PROBE: &str = "20b7:9db1:unix";
/// More is not read at once.
const AT_ONCE: usize = 4096;
/// As long as more answers wait to be read, nothing more is listened to.
const UNREAD: usize = 64 << 10;
/// Whoever is not served has so long to read that, if not too many are told so.
const TOLD_WITHIN: Duration = Duration::seconds(1);
const MOST_TOLD: usize = 8;

/// The socket, and who speaks on it.
pub(super) struct Probe {
    listener: UnixListener,
    own: Own,
    client: Option<Client>,
    /// Who came while another one was served: since when they know.
    told: Vec<(Moment, UnixStream)>,
}

struct Client {
    stream: UnixStream,
    applet: Glasgow,
    /// Answers that were not sent yet.
    unread: Vec<u8>,
}

impl Probe {
    /// Listens.
    ///
    /// # Errors
    /// The path is taken, or can't be made.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let (listener, own) = file::listen(path)?;
        Ok(Self { listener, own, client: None, told: Vec::new() })
    }

    /// How probe-rs finds it.
    pub(super) fn selector(&self) -> String {
        format!("{PROBE}:{}", self.own.path().display())
    }

    /// To wait for whoever connects or speaks, or reads again.
    pub(super) fn ready(&self) -> impl Iterator<Item = PollFd<'_>> {
        let client = self.client.iter().map(|client| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, client.listens());
            flags.set(PollFlags::OUT, !client.unread.is_empty());
            PollFd::new(&client.stream, flags)
        });
        std::iter::once(PollFd::new(&self.listener, PollFlags::IN)).chain(client)
    }

    /// Does what is asked for, as long as the lock's time is not later than this. Returns whether something is left.
    pub(super) fn attend(&mut self, lock: &mut ReferenceLock, until: Instant) -> bool {
        let mut is_behind = self.serve(lock, until);
        let now = clock::now();
        self.told.retain(|(since, _)| now.since(*since) < TOLD_WITHIN);
        for _ in 0..MOST_TOLD {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    // Whoever was served may be gone by now: the same program, before it came again.
                    is_behind = self.serve(lock, until);
                    self.welcome(stream, now);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        is_behind
    }

    fn serve(&mut self, lock: &mut ReferenceLock, until: Instant) -> bool {
        let Some(client) = &mut self.client else { return false };
        match client.attend(lock, until) {
            Ok(is_behind) => is_behind,
            Err(why) => {
                tracing::debug!(%why, "a probe's program is not served any more");
                client.applet.end(lock);
                self.client = None;
                false
            }
        }
    }

    fn welcome(&mut self, mut stream: UnixStream, now: Moment) {
        if self.client.is_none() {
            tracing::debug!("a probe's program is served");
            self.client = Some(Client { stream, applet: Glasgow::default(), unread: Vec::new() });
        } else if self.told.len() < MOST_TOLD && stream.write_all(&Glasgow::refusal()).is_ok() {
            // What it has asked meanwhile must find somebody, or it would not read this.
            self.told.push((now, stream));
        }
    }
}

impl Client {
    /// Whether more can be taken from it.
    fn listens(&self) -> bool {
        self.unread.len() < UNREAD && self.applet.takes() > 0
    }

    /// Hears, works and answers.
    ///
    /// # Errors
    /// It is gone, or speaks something else: why it is not served any more.
    fn attend(&mut self, lock: &mut ReferenceLock, until: Instant) -> Result<bool, String> {
        let (mut buffer, mut is_gone) = ([0; AT_ONCE], false);
        while self.listens() && !is_gone {
            let most = self.applet.takes().min(AT_ONCE);
            match self.stream.read(buffer.get_mut(..most).unwrap_or_default()) {
                Ok(0) => is_gone = true,
                Ok(count) => self.applet.hear(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        // With its answers unread, nothing is done.
        let is_behind = self.unread.len() < UNREAD
            && self.applet.work(lock, until).map_err(|error| format!("it sent {error}"))?;
        if is_gone {
            return Err("it is gone".into());
        }
        self.unread.extend(self.applet.answers());
        match self.stream.write(&self.unread) {
            _ if self.unread.is_empty() => {}
            Ok(count) => drop(self.unread.drain(..count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(is_behind)
    }
}
