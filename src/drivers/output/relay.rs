//! Serial relay boards. No crate knows these protocols: LCUS takes `A0 NUMBER STATE SUM` at 9600
//! baud and never answers; Numato takes `relay on 0` and echoes it with a prompt.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use serialport::{SerialPort, TTYPort};

use crate::drivers::access;
use crate::rig::{Active, Drive, RelayBoard};

use super::{OutputBoard, OutputFault};

/// A board that confirms does so within this time.
const ANSWER_WITHIN: Duration = Duration::from_millis(80);
/// A port that takes nothing for so long is stuck.
const TAKEN_WITHIN: Duration = Duration::from_millis(80);
/// How often a port is asked whether it sent everything.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000 };
/// More than any answer has.
const MAX_ANSWER: usize = 256;

/// A port with words for what is wrong with it.
struct Port {
    port: TTYPort,
    /// The same port, written to without ever being waited for: the library waits for some room, and then without
    /// end for the rest of it.
    writer: File,
    path: String,
}

impl Port {
    fn open(board: &RelayBoard, baud: u32) -> Result<Self, OutputFault> {
        let path = board.port.clone();
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let flags = i32::try_from(flags).unwrap_or_default();
        // Before the port is locked against others.
        let writer = OpenOptions::new().write(true).custom_flags(flags).open(&path);
        let opened = serialport::new(&path, baud).timeout(ANSWER_WITHIN).open_native();
        let port = opened.map_err(|error| match access::refused_port(&path, &error) {
            Ok(holder) => OutputFault::Busy { what: path.clone(), holder },
            Err(reason) => OutputFault::Broken(reason),
        })?;
        let writer = writer.map_err(|error| OutputFault::Broken(format!("{path}: {error}")))?;
        Ok(Self { port, writer, path })
    }

    fn broken(&self, what: &dyn std::fmt::Display) -> OutputFault {
        OutputFault::Broken(format!("{}: {what}", self.path))
    }

    /// Returns once the bytes have left, as far as the port knows: only then can a relay have moved.
    fn write(&mut self, bytes: &[u8]) -> Result<(), OutputFault> {
        let begin = Instant::now();
        let mut rest = bytes;
        loop {
            match self.writer.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(self.broken(&error)),
            }
            let waiting = self.port.bytes_to_write().map_err(|error| self.broken(&error))?;
            if rest.is_empty() && waiting == 0 {
                // Nothing waits in the kernel any more: this lasts as long as a chip's own queue.
                return self.port.flush().map_err(|error| self.broken(&error));
            }
            if begin.elapsed() >= TAKEN_WITHIN {
                return Err(self.broken(&"the relay board takes no more bytes"));
            }
            let flags = if rest.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            let _ = poll(&mut [PollFd::new(&self.writer, flags)], Some(&GLANCE));
        }
    }

    /// Everything up to the prompt.
    fn answer(&mut self) -> Result<String, OutputFault> {
        let begin = Instant::now();
        let mut answer = Vec::new();
        while begin.elapsed() < ANSWER_WITHIN && answer.len() < MAX_ANSWER {
            let mut byte = [0];
            match self.port.read(&mut byte) {
                Ok(0) => break,
                Ok(_) if byte == *b">" => return Ok(String::from_utf8_lossy(&answer).into_owned()),
                Ok(_) => answer.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::TimedOut => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
        let problem = match answer.as_slice() {
            [] => "the relay board does not answer".to_owned(),
            _ => {
                let said = String::from_utf8_lossy(&answer);
                format!("the relay board does not answer to the end: it said {said:?}")
            }
        };
        Err(self.broken(&problem))
    }
}

/// Takes the power from every relay, whatever one of them answers.
fn without_power<B: OutputBoard>(mut board: B, lines: &[(u32, Active)]) -> Result<B, OutputFault> {
    let mut outcome = Ok(());
    for (number, _) in lines {
        let done = board.set(*number, Drive::Deenergised);
        outcome = outcome.and(done);
    }
    outcome.map(|()| board)
}

/// A board that is told and believed.
pub(super) struct Lcus {
    port: Port,
}

impl Lcus {
    pub(super) fn open(board: &RelayBoard, lines: &[(u32, Active)]) -> Result<Self, OutputFault> {
        without_power(Self { port: Port::open(board, 9_600)? }, lines)
    }
}

impl OutputBoard for Lcus {
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault> {
        let number = u8::try_from(number).unwrap_or(u8::MAX);
        let state = u8::from(drive == Drive::Energised);
        let sum = 0xA0_u8.wrapping_add(number).wrapping_add(state);
        let frame = [0xA0, number, state, sum];
        self.port.write(&frame)?;
        // It never answers: an end that got lost on the line would leave the relay on.
        if drive == Drive::Deenergised { self.port.write(&frame) } else { Ok(()) }
    }

    fn read(&mut self, _: u32) -> Result<Option<Drive>, OutputFault> {
        Ok(None)
    }
}

/// A board that confirms each command.
pub(super) struct Numato {
    port: Port,
}

impl Numato {
    pub(super) fn open(board: &RelayBoard, lines: &[(u32, Active)]) -> Result<Self, OutputFault> {
        without_power(Self { port: Port::open(board, 9_600)? }, lines)
    }

    /// A command and what the board says to it, without the echo.
    fn ask(&mut self, command: &str) -> Result<String, OutputFault> {
        // What was left over belongs to no command.
        let _ = self.port.port.clear(serialport::ClearBuffer::Input);
        self.port.write(format!("{command}\r").as_bytes())?;
        let own = |answer: &str| Some(answer.trim_start().strip_prefix(command)?.trim().to_owned());
        let answer = self.port.answer()?;
        // What a process before this one asked may be answered only now.
        let next = || self.port.answer().ok().as_deref().and_then(own);
        match own(&answer).or_else(next) {
            Some(answer) => Ok(answer),
            None => Err(OutputFault::Broken(format!(
                "{}: the relay board said {answer:?} to `{command}`",
                self.port.path
            ))),
        }
    }
}

impl OutputBoard for Numato {
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault> {
        let word = if drive == Drive::Energised { "on" } else { "off" };
        let said = self.ask(&format!("relay {word} {}", index(number)))?;
        if !said.is_empty() {
            return Err(OutputFault::Broken(format!("{}: the relay board said {said:?}", self.port.path)));
        }
        // A line that merely echoes is no relay board.
        match self.read(number)? {
            Some(read) if read == drive => Ok(()),
            _ => Err(OutputFault::Broken(format!("{}: relay {number} did not follow", self.port.path))),
        }
    }

    fn read(&mut self, number: u32) -> Result<Option<Drive>, OutputFault> {
        match self.ask(&format!("relay read {}", index(number)))?.as_str() {
            "on" => Ok(Some(Drive::Energised)),
            "off" => Ok(Some(Drive::Deenergised)),
            other => Err(OutputFault::Broken(format!("{}: the relay board said {other:?}", self.port.path))),
        }
    }
}

/// Relays from 10 on are called by letters.
fn index(number: u32) -> char {
    char::from_digit(number, 36).map_or('?', |c| c.to_ascii_uppercase())
}
