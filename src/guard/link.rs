//! One end of a guard's socket, never waited for: lines out of whatever bytes come, and bytes for whoever reads
//! them in its own time.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use super::protocol::{Event, MAX_LINE, Request};

/// A client that does not read what it is told is taken for dead.
const MAX_UNREAD: usize = 4 << 20;

/// Somebody who talks to the guard.
pub(super) struct Link {
    pub(super) stream: UnixStream,
    received: Vec<u8>,
    /// Of what was received, so much was handed out, and in so much there is no end of a line.
    taken: usize,
    searched: usize,
    unsent: Vec<u8>,
    is_gone: bool,
}

impl Link {
    pub(super) fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: Vec::new(), taken: 0, searched: 0, unsent: Vec::new(), is_gone: false })
    }

    /// It left, talked nonsense, or does not read.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// It said good-bye.
    pub(super) fn leave(&mut self) {
        self.is_gone = true;
    }

    /// Something waits to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// A whole request was received and not yet handed out.
    pub(super) fn has_request(&mut self) -> bool {
        self.line_end().is_some()
    }

    fn line_end(&mut self) -> Option<usize> {
        let found = self.received[self.searched..].iter().position(|byte| *byte == b'\n');
        self.searched = found.map_or(self.received.len(), |found| self.searched + found);
        found.map(|_| self.searched)
    }

    /// The next request that is there.
    pub(super) fn request(&mut self) -> Option<Request> {
        loop {
            if let Some(end) = self.line_end() {
                let request = serde_json::from_slice(&self.received[self.taken..end]);
                (self.taken, self.searched) = (end + 1, end + 1);
                // Whoever talks nonsense is no client to hold outputs for.
                self.is_gone |= request.is_err();
                return request.ok();
            }
            // What was handed out is dropped when the rest is short: each byte is moved once, or never.
            self.received.drain(..self.taken);
            (self.taken, self.searched) = (0, self.received.len());
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => self.is_gone = true,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => self.is_gone = true,
            }
            self.is_gone |= self.received.len() > MAX_LINE;
            if self.is_gone {
                return None;
            }
        }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        // Only what is made of plain numbers and texts is ever told.
        if let Ok(line) = serde_json::to_vec(event) {
            self.unsent.extend_from_slice(&line);
            self.unsent.push(b'\n');
        }
        self.flush();
    }

    pub(super) fn flush(&mut self) {
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
}
