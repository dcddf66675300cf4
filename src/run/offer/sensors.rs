//! What the lock shows, as JSON lines on a socket: whoever connects gets the state as of now, and then each change.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::event::{PollFd, PollFlags};
use serde_json::json;

use crate::rig::Fault;
use crate::trace::{Channel, Value};

use super::file::{self, Own};

/// So many programs watch at most.
const MOST: usize = 16;
/// Whoever leaves so many bytes unread is not told any more.
const UNREAD: usize = 64 << 10;

/// Everybody who watches.
pub(super) struct Sensors {
    listener: UnixListener,
    own: Own,
    watchers: Vec<Watcher>,
    /// Each channel as it is.
    state: Vec<(Channel, Value)>,
}

struct Watcher {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Sensors {
    /// Listens.
    ///
    /// # Errors
    /// The path is taken, or can't be made.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let (listener, own) = file::listen(path)?;
        let light = |name: &str| (Channel::Light(name.into()), Value::Light(None));
        let beeper = (Channel::Beeper, Value::Switch(false));
        let state = vec![light("green"), light("red"), beeper, (Channel::Bolt, Value::Switch(true))];
        Ok(Self { listener, own, watchers: Vec::new(), state })
    }

    /// Where it is found.
    pub(super) fn name(&self) -> String {
        self.own.path().display().to_string()
    }

    /// To wait for somebody who connects, goes, or reads again.
    pub(super) fn ready(&self) -> impl Iterator<Item = PollFd<'_>> {
        let watchers = self.watchers.iter().map(|watcher| {
            let flags =
                if watcher.unread.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            PollFd::new(&watcher.stream, flags)
        });
        std::iter::once(PollFd::new(&self.listener, PollFlags::IN)).chain(watchers)
    }

    /// Tells everybody what has changed, and whoever is new how it is.
    pub(super) fn attend(&mut self, shown: &[(Channel, Value)]) {
        for (channel, value) in shown {
            // What it says is not what it shows.
            let Some((_, known)) = self.state.iter_mut().find(|(known, _)| known == channel) else {
                continue;
            };
            *known = value.clone();
            let line = line(channel, value);
            self.watchers.iter_mut().for_each(|watcher| watcher.unread.extend_from_slice(&line));
        }
        for (stream, _) in (0..MOST).map_while(|_| self.listener.accept().ok()) {
            if self.watchers.len() < MOST && stream.set_nonblocking(true).is_ok() {
                let unread = self.state.iter().flat_map(|(channel, value)| line(channel, value)).collect();
                self.watchers.push(Watcher { stream, unread });
            }
        }
        self.watchers.retain_mut(Watcher::goes_on);
    }
}

impl Watcher {
    /// Sends on. Returns whether it is still there.
    fn goes_on(&mut self) -> bool {
        let mut said = [0; 256];
        // What it says is left out.
        match self.stream.read(&mut said) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if is_passing(error.kind()) => {}
            Err(_) => return false,
        }
        if self.unread.is_empty() {
            return true;
        }
        match self.stream.write(&self.unread) {
            Ok(count) => drop(self.unread.drain(..count)),
            Err(error) if is_passing(error.kind()) => {}
            Err(_) => return false,
        }
        self.unread.len() <= UNREAD
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn line(channel: &Channel, value: &Value) -> Vec<u8> {
    let mut line = json!({"channel": channel, "value": value}).to_string().into_bytes();
    line.push(b'\n');
    line
}
