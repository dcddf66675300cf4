//! A small client of the debug port, of its own: packets, transfers, memory, registers.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{PATIENCE, Served};
use crate::common::happens;

/// What the wire answers: data follow, done, FAULT, nobody.
pub(super) const DATA: u8 = 0x01;
pub(super) const DONE: u8 = 0x11;
pub(super) const FAULT: u8 = 0x14;
pub(super) const SILENCE: u8 = 0x20;
/// Debug registers of the core.
pub(super) const DHCSR: u32 = 0xe000_edf0;
pub(super) const DCRSR: u32 = 0xe000_edf4;
pub(super) const DCRDR: u32 = 0xe000_edf8;
pub(super) const DEMCR: u32 = 0xe000_edfc;
pub(super) const BP_CTRL: u32 = 0xe000_2000;
pub(super) const BP_COMP0: u32 = 0xe000_2008;
pub(super) const HALT: u32 = 0xa05f_0003;
pub(super) const STEP: u32 = 0xa05f_000d;
pub(super) const GO: u32 = 0xa05f_0001;
pub(super) const S_HALT: u32 = 1 << 17;

/// A packet as it goes over the socket: each nought becomes a distance to the next one, and only its end is one.
pub(super) fn packed(to: u8, commands: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in [&[to], commands].concat().split(|byte| *byte == 0) {
        let (whole, rest) = run.as_chunks::<254>();
        for chunk in whole {
            bytes.push(255);
            bytes.extend(chunk);
        }
        bytes.push(rest.len() as u8 + 1);
        bytes.extend(rest);
    }
    bytes.push(0);
    bytes
}

/// What a packet says, of which the end was taken off.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let (mut all, mut rest) = (Vec::new(), bytes);
    while let Some((length, behind)) = rest.split_first() {
        let (run, behind) = behind.split_at(usize::from(*length) - 1);
        all.extend_from_slice(run);
        if *length < 255 && !behind.is_empty() {
            all.push(0);
        }
        rest = behind;
    }
    all
}

/// A small client of the debug port.
pub(super) struct Probe {
    pub stream: BufReader<UnixStream>,
    /// What the applet and the wire have said, and nobody has looked at.
    heard: [Vec<u8>; 2],
}

impl Probe {
    pub(super) fn at(path: &Path) -> Self {
        let stream = UnixStream::connect(path).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self { stream: BufReader::new(stream), heard: [Vec::new(), Vec::new()] }
    }

    /// One that is served, and at a chip that has power.
    pub(super) fn up(served: &Served) -> Self {
        let mut probe = served.probe();
        assert_eq!(probe.identified(), "probe-rs,v01");
        assert_eq!(probe.port(0, None), Ok(0x0bb1_1477));
        assert_eq!(probe.port(0, Some(0x1e)), Ok(0));
        probe.port(8, Some(0)).expect("a write");
        probe.port(4, Some(0x5000_0000)).expect("a write");
        probe.access(0, Some(0x2300_0012)).expect("a write");
        probe
    }

    pub(super) fn send(&mut self, to: u8, commands: &[u8]) {
        self.stream.get_mut().write_all(&packed(to, commands)).expect("a write");
    }

    pub(super) fn hear(&mut self, from: usize, count: usize) -> Vec<u8> {
        while self.heard[from].len() < count {
            let mut packet = Vec::new();
            self.stream.read_until(0, &mut packet).expect("an answer in time");
            assert_eq!(packet.pop(), Some(0), "the connection is over");
            let said = unpacked(&packet);
            let heard = self.heard.get_mut(usize::from(said[0])).expect("somebody who is there");
            heard.extend_from_slice(&said[1..]);
        }
        self.heard[from].drain(..count).collect()
    }

    pub(super) fn identified(&mut self) -> String {
        self.send(0, &[0]);
        String::from_utf8(self.hear(0, 12)).expect("a text")
    }

    fn transfer(&mut self, access_port: u8, address: u8, write: Option<u32>) -> Result<u32, u8> {
        let command = access_port | u8::from(write.is_none()) << 1 | address;
        let data = write.map(u32::to_le_bytes);
        let commands: Vec<u8> = [command].into_iter().chain(data.into_iter().flatten()).collect();
        self.send(1, &commands);
        match (self.hear(1, 1)[0], write) {
            (DATA, None) => {
                let data = self.hear(1, 4);
                Ok(u32::from_le_bytes(data.try_into().expect("four bytes")))
            }
            (DONE, Some(_)) => Ok(0),
            (other, _) => Err(other),
        }
    }

    pub(super) fn port(&mut self, address: u8, write: Option<u32>) -> Result<u32, u8> {
        self.transfer(0, address, write)
    }

    pub(super) fn access(&mut self, address: u8, write: Option<u32>) -> Result<u32, u8> {
        self.transfer(1, address, write)
    }

    pub(super) fn read(&mut self, at: u32) -> Result<u32, u8> {
        self.access(4, Some(at))?;
        self.access(12, None)?;
        self.port(12, None)
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), u8> {
        self.access(4, Some(at))?;
        self.access(12, Some(value))?;
        self.port(12, None).map(|_| ())
    }

    pub(super) fn word(&mut self, at: u32) -> u32 {
        self.read(at).expect("a word")
    }

    pub(super) fn set(&mut self, at: u32, value: u32) {
        self.write(at, value).expect("a write");
    }

    pub(super) fn register(&mut self, number: u32) -> u32 {
        self.set(DCRSR, number);
        self.word(DCRDR)
    }

    pub(super) fn halts(&mut self) {
        assert!(happens(PATIENCE, || self.word(DHCSR) & S_HALT != 0), "it does not halt");
    }

    /// The lock's own clock, in microseconds: a value of its timer that the firmware does not use.
    pub(super) fn clock(&mut self) -> u32 {
        self.set(0x4000_8048, 1);
        self.word(0x4000_8548)
    }

    /// Lets so much of the lock's time pass.
    pub(super) fn pass(&mut self, milliseconds: u32) {
        let begin = self.clock();
        let has_passed = || self.clock().wrapping_sub(begin) >= 1_000 * milliseconds;
        assert!(happens(PATIENCE, has_passed), "the lock's clock stands still");
    }

    /// Waits until the firmware keeps its time: it had to start first.
    pub(super) fn started(mut self) -> Self {
        assert!(happens(PATIENCE, || self.clock() > 0), "it does not start");
        self
    }

    /// Nobody listens any more.
    pub(super) fn ends(mut self) -> bool {
        let waited = self.stream.read_to_end(&mut Vec::new());
        !waited.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Whether a key connects a column of the keypad to the row that is looked at.
    pub(super) fn sees_key(&mut self) -> bool {
        !self.word(0x5000_0510) & 0b111 << 18 != 0
    }

    /// Waits until the firmware must have seen that no key is held: no column was low for longer than two scans.
    pub(super) fn sees_no_key(&mut self) {
        let mut since = self.clock();
        let is_seen = || {
            let (is_held, now) = (self.sees_key(), self.clock());
            if is_held {
                since = now;
            }
            now.wrapping_sub(since) > 70_000
        };
        assert!(happens(PATIENCE, is_seen), "a key is held on");
    }
}
