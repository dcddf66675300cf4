//! What a Glasgow with its applet `probe-rs` says to probe-rs, in front of the reference lock's debug port: so any
//! program that uses probe-rs opens the lock as `20b7:9db1:unix:PATH`.
//!
//! Sources: the applet in GlasgowEmbedded/glasgow, `software/glasgow/applet/bridge/probe_rs`, and its other side in
//! probe-rs 0.32, `src/probe/glasgow`. Bytes come in and go out here; deliberately absent: the socket.

use std::collections::VecDeque;

use cobs::{DecodeResult, DecoderState};

use super::ReferenceLock;
use super::mcu::{Refusal, Transfer};
use crate::unit::Instant;

/// What the applet says that it is: a protocol, and its version.
const IDENTIFIER: &[u8; 12] = b"probe-rs,v01";
/// What whoever is not served gets in its place; probe-rs shows it.
const BUSY: &[u8; 12] = b"port is busy";
/// The clock that a speed is divided from, in hertz, and that of the lock.
const REFERENCE: u32 = 48_000_000;
const LOCK: u64 = 16_000_000;
/// Clocks of the wire in a transfer: header, turnarounds, acknowledgement, data, parity.
const CLOCKS: u64 = 46;

/// The end of a packet.
const END: u8 = 0;
/// A packet and its answer are not longer than this.
const MAX_PACKET: usize = 64 << 10;
/// Answers that nobody reads; as long as there are more, nothing more is done.
const MAX_ANSWERS: usize = 64 << 10;

/// A command of the wire is a sequence, and else a transfer; the two highest bits mean nothing.
const IS_SEQUENCE: u8 = 0x20;
const MEANINGLESS: u8 = 0xc0;
const IS_ACCESS_PORT: u8 = 1;
const IS_READ: u8 = 2;
const ADDRESS: u8 = 12;
/// Answers: with data, without, refused, and nobody there.
const HAS_DATA: u8 = 0x01;
const IS_DONE: u8 = 0x11;
const IS_FAULT: u8 = 0x14;
const IS_SILENT: u8 = 0x20;

/// Whoever speaks does not speak this protocol, and is not listened to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(&'static str);

/// Whom a packet is for, or from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    /// The applet itself.
    Root = 0,
    /// The wire.
    Wire = 1,
}

impl Endpoint {
    fn of(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Root),
            1 => Ok(Self::Wire),
            _ => Err(Malformed("a packet for nobody")),
        }
    }
}

/// One connection to the applet.
#[derive(Debug, Default)]
pub struct Glasgow {
    /// What came in and is not decoded yet, from a place on.
    coming: Vec<u8>,
    decoded: usize,
    decoder: DecoderState,
    packet: Vec<u8>,
    /// Commands that were not done yet, of which the last may be incomplete.
    root: Vec<u8>,
    wire: VecDeque<u8>,
    /// Packets that were not encoded yet, and bytes that nobody has taken yet.
    answers: Vec<(Endpoint, Vec<u8>)>,
    waiting: usize,
    divisor: u16,
    holds_reset: bool,
}

impl Glasgow {
    /// What somebody gets who connects while another one is served.
    pub fn refusal() -> Vec<u8> {
        encoded(Endpoint::Root, BUSY)
    }

    /// How many bytes it takes now.
    pub fn takes(&self) -> usize {
        MAX_PACKET.saturating_sub(self.coming.len() - self.decoded)
    }

    /// Bytes came in: not more than it takes.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.coming.drain(..std::mem::take(&mut self.decoded));
        self.coming.extend_from_slice(bytes);
    }

    /// Does what was asked for, as long as the lock's time is not later than this. Returns whether something is left.
    ///
    /// # Errors
    /// This is another protocol.
    pub fn work(&mut self, lock: &mut ReferenceLock, until: Instant) -> Result<bool, Malformed> {
        loop {
            if self.waiting > MAX_ANSWERS || lock.now() > until {
                return Ok(true);
            }
            if !self.root(lock)? && !self.wire(lock)? && !self.unpack()? {
                return Ok(false);
            }
        }
    }

    /// The answers so far, as they go out.
    pub fn answers(&mut self) -> Vec<u8> {
        self.waiting = 0;
        self.answers.drain(..).flat_map(|(from, answer)| encoded(from, &answer)).collect()
    }

    /// The connection is over: what it held is let go.
    pub fn end(&mut self, lock: &mut ReferenceLock) {
        if std::mem::take(&mut self.holds_reset) {
            lock.hold_reset(false);
        }
    }

    /// Decodes up to the end of the next packet. Returns whether there was one.
    fn unpack(&mut self) -> Result<bool, Malformed> {
        while let Some(byte) = self.coming.get(self.decoded) {
            self.decoded += 1;
            match self.decoder.feed(*byte) {
                Ok(DecodeResult::NoData | DecodeResult::DataStart) => {}
                Ok(DecodeResult::DataContinue(byte)) if self.packet.len() < MAX_PACKET => {
                    self.packet.push(byte);
                }
                Ok(DecodeResult::DataContinue(_)) => return Err(Malformed("a packet that is too long")),
                Ok(DecodeResult::DataComplete) => {
                    self.deliver()?;
                    return Ok(true);
                }
                Err(_) => return Err(Malformed("a packet that is no COBS")),
            }
        }
        Ok(false)
    }

    fn deliver(&mut self) -> Result<(), Malformed> {
        let packet = std::mem::take(&mut self.packet);
        let (to, commands) = packet.split_first().ok_or(Malformed("a packet with nothing in it"))?;
        match Endpoint::of(*to)? {
            Endpoint::Root => self.root.extend(commands),
            Endpoint::Wire => self.wire.extend(commands),
        }
        Ok(())
    }

    /// Does everything that was asked of the applet itself. Returns whether there was something.
    fn root(&mut self, lock: &mut ReferenceLock) -> Result<bool, Malformed> {
        let commands = std::mem::take(&mut self.root);
        let mut rest = commands.as_slice();
        loop {
            rest = match rest {
                [0x00, rest @ ..] => {
                    self.answer(Endpoint::Root, IDENTIFIER);
                    rest
                }
                [0x10, rest @ ..] => {
                    self.answer(Endpoint::Root, &REFERENCE.to_le_bytes());
                    rest
                }
                [0x11, rest @ ..] => {
                    let divisor = self.divisor.to_le_bytes();
                    self.answer(Endpoint::Root, &divisor);
                    rest
                }
                [0x12, low, high, rest @ ..] => {
                    self.divisor = u16::from_le_bytes([*low, *high]);
                    rest
                }
                [command @ (0x20 | 0x21), rest @ ..] => {
                    self.holds_reset = *command == 0x20;
                    lock.hold_reset(self.holds_reset);
                    rest
                }
                // Nothing, or a command of which the rest is to come.
                [] | [0x12] | [0x12, _] => break,
                [_, ..] => return Err(Malformed("a command that the applet does not have")),
            };
        }
        self.root = rest.to_vec();
        Ok(rest.len() < commands.len())
    }

    /// Does the next command of the wire. Returns whether there was one.
    fn wire(&mut self, lock: &mut ReferenceLock) -> Result<bool, Malformed> {
        let Some(command) = self.wire.front().copied() else { return Ok(false) };
        if command & MEANINGLESS != 0 {
            return Err(Malformed("a command that the wire does not have"));
        }
        let has_data = command & (IS_SEQUENCE | IS_READ) != IS_READ;
        let length = if has_data { 5 } else { 1 };
        if self.wire.len() < length {
            return Ok(false);
        }
        let mut data = [0; 4];
        for (place, byte) in data.iter_mut().zip(self.wire.drain(..length).skip(1)) {
            *place = byte;
        }
        // The port listens without being woken by a sequence.
        if command & IS_SEQUENCE == 0 {
            self.transfer(command, has_data.then(|| u32::from_le_bytes(data)), lock);
        }
        Ok(true)
    }

    fn transfer(&mut self, command: u8, write: Option<u32>, lock: &mut ReferenceLock) {
        let transfer =
            Transfer { access_port: command & IS_ACCESS_PORT != 0, address: command & ADDRESS, write };
        let takes = CLOCKS * (u64::from(self.divisor) + 1) * LOCK / u64::from(REFERENCE);
        match lock.transfer(transfer, takes) {
            Ok(value) if write.is_none() => {
                let [a, b, c, d] = value.to_le_bytes();
                self.answer(Endpoint::Wire, &[HAS_DATA, a, b, c, d]);
            }
            Ok(_) => self.answer(Endpoint::Wire, &[IS_DONE]),
            Err(Refusal::Fault) => self.answer(Endpoint::Wire, &[IS_FAULT]),
            Err(Refusal::Silence) => self.answer(Endpoint::Wire, &[IS_SILENT]),
        }
    }

    /// Adds to what goes out: what one endpoint says at once is one packet.
    fn answer(&mut self, from: Endpoint, bytes: &[u8]) {
        self.waiting += bytes.len();
        match self.answers.last_mut() {
            Some((last, answer)) if *last == from => answer.extend_from_slice(bytes),
            _ => self.answers.push((from, bytes.to_vec())),
        }
    }
}

/// A packet as it goes out.
fn encoded(from: Endpoint, answer: &[u8]) -> Vec<u8> {
    let packet: Vec<u8> = std::iter::once(from as u8).chain(answer.iter().copied()).collect();
    let mut bytes = cobs::encode_vec(&packet);
    bytes.push(END);
    bytes
}
