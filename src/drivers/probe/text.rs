//! What a firmware says through the probe: RTT, and semihosting calls that write to the console.
//!
//! Deliberately absent: files and input of semihosting. Such calls are answered with an error.

use std::time::{Duration, Instant};

use probe_rs::rtt::{self, Rtt};
use probe_rs::{BreakpointCause, Core, CoreStatus, Error, HaltReason, MemoryInterface as _};

use super::fault::{Doing, ProbeError};
use super::link::{Link, Teller};
use super::{Heard, Line, LineSource};
use crate::drivers::console::Lines;

/// So often the chip is asked.
const EVERY: Duration = Duration::from_millis(10);
/// So often it is said that nothing was heard.
const SIGN: Duration = Duration::from_millis(200);
/// A firmware that has no control block yet is looked at again after so long.
const SCANNED_AFTER: Duration = Duration::from_millis(500);
/// So much is read at once.
const AT_ONCE: usize = 1024;
/// So much of the RAM is looked at, at once.
const SCANNED: usize = 4096;
/// No firmware has more RAM to look through.
const MAX_SCANNED: u64 = 16 << 20;
/// No more is taken of one semihosting call.
const MAX_CALL: u32 = 4096;
/// A text whose length is not said is read by so much.
const PIECE: u64 = 64;

/// Semihosting operations (Arm's specification, 2024Q3).
const OPEN: u32 = 0x01;
const CLOSE: u32 = 0x02;
const WRITE_CHARACTER: u32 = 0x03;
const WRITE_TEXT: u32 = 0x04;
const WRITE: u32 = 0x05;
const IS_TERMINAL: u32 = 0x09;
const EXIT: u32 = 0x18;
const EXIT_WITH_CODE: u32 = 0x20;
/// The reason of an exit that is no error.
const APPLICATION_EXIT: u32 = 0x20026;
/// Streams that a firmware may write to.
const STREAMS: std::ops::RangeInclusive<u32> = 1..=2;

/// Why no more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody wants more.
    Asked,
    /// The firmware has ended, by its own words.
    Exit(String),
    /// The core has halted.
    Halted(String),
}

/// What came of asking once.
pub(super) enum Turn {
    GoesOn,
    Ended(Ended),
}

impl Link {
    /// Hands out lines until nobody wants them any more, or the core has halted.
    pub(super) fn listen(&mut self, at: Option<u32>, teller: &Teller) -> Result<Ended, ProbeError> {
        self.run()?;
        self.ear = self.ear.take().filter(|ear| ear.at == at).or_else(|| Some(Ear::new(at)));
        let mut signed = Instant::now();
        loop {
            if teller.is_unwanted() {
                return Ok(Ended::Asked);
            }
            if let Turn::Ended(ended) = self.overhear(teller)? {
                return Ok(ended);
            }
            if signed.elapsed() >= SIGN {
                signed = Instant::now();
                let is_caught_up = self.ear.as_ref().is_some_and(|ear| ear.is_caught_up);
                (teller.say)(if is_caught_up { Heard::CaughtUp } else { Heard::Nothing });
            }
            std::thread::sleep(EVERY);
        }
    }

    /// What is said meanwhile, if anybody listens: a firmware's buffer is soon full.
    pub(super) fn overhear(&mut self, teller: &Teller) -> Result<Turn, ProbeError> {
        let Some(mut ear) = self.ear.take() else { return Ok(Turn::GoesOn) };
        let turn = self.turn(&mut ear, teller)?;
        self.ear = Some(ear);
        Ok(turn)
    }

    fn turn(&mut self, ear: &mut Ear, teller: &Teller) -> Result<Turn, ProbeError> {
        if ear.rtt.is_none() && ear.is_due() {
            ear.scanned = Some(Instant::now());
            let blocks = match ear.at {
                Some(at) => vec![at],
                None => self.control_blocks(Doing::Listening, teller)?,
            };
            match blocks.as_slice() {
                [] => {}
                [at] => {
                    let at = u64::from(*at);
                    let attached =
                        self.with_core(Doing::Listening, |core| not_ready(Rtt::attach_at(core, at)));
                    ear.rtt = attached?;
                }
                _ => return Err(ProbeError::SeveralRtt { at: blocks }),
            }
        }
        let mut bytes = [0; AT_ONCE];
        let rtt = &mut ear.rtt;
        let count = self.with_core(Doing::Listening, |core| {
            let Some(channel) = rtt.as_mut().and_then(|rtt| rtt.up_channel(0)) else { return Ok(Some(0)) };
            not_ready(channel.read(core, &mut bytes))
        })?;
        ear.is_caught_up = count == Some(0);
        match count {
            Some(count) => ear.rtt_lines(bytes.get(..count).unwrap_or_default(), teller),
            // The firmware has begun anew.
            None => ear.rtt = None,
        }
        let call = self.with_core(Doing::Listening, |core| match core.status()? {
            CoreStatus::Halted(HaltReason::Breakpoint(BreakpointCause::Semihosting(_))) => {
                let call = Call::serve(core)?;
                if call.ended.is_none() {
                    core.run()?;
                }
                Ok(call)
            }
            CoreStatus::Halted(reason) => Ok(Call::halted(halt_words(reason))),
            CoreStatus::LockedUp => Ok(Call::halted("it is locked up")),
            CoreStatus::Running | CoreStatus::Sleeping | CoreStatus::Unknown => Ok(Call::default()),
        })?;
        ear.semihosting_lines(&call.text, teller);
        Ok(call.ended.map_or(Turn::GoesOn, Turn::Ended))
    }

    /// Starts the firmware with no control block but its own: whatever looks like one is overwritten before.
    pub(super) fn restart(&mut self, teller: &Teller) -> Result<(), ProbeError> {
        let doing = Doing::Resetting;
        self.reset(true)?;
        for at in self.control_blocks(doing, teller)? {
            self.with_core(doing, |core| core.write_8(at.into(), &[0; Rtt::RTT_ID.len()]))?;
        }
        // It is not reset again: a boot loader in ROM may keep something in the RAM.
        self.run()
    }

    /// Where control blocks lie in the RAM: what an earlier firmware left is still there.
    fn control_blocks(&mut self, doing: Doing, teller: &Teller) -> Result<Vec<u32>, ProbeError> {
        let mut found = Vec::new();
        for range in self.chip().ram() {
            let end = range.end.min(range.start + MAX_SCANNED);
            let (mut at, mut kept) = (range.start, Vec::new());
            while at < end && !teller.is_unwanted() {
                let count = usize::try_from(end - at).unwrap_or(SCANNED).min(SCANNED);
                let mut words = vec![0_u32; count / 4];
                let read = self.with_core(doing, |core| core.read_32(at, &mut words));
                match read {
                    Ok(()) => {}
                    // Not every part of a chip's RAM has power.
                    Err(ProbeError::Fault { .. }) => break,
                    Err(error) => return Err(error),
                }
                let begin = at - kept.len() as u64;
                kept.extend(words.iter().flat_map(|word| word.to_le_bytes()));
                let hits = memchr::memmem::find_iter(&kept, &Rtt::RTT_ID);
                found.extend(hits.filter_map(|hit| u32::try_from(begin + hit as u64).ok()));
                (teller.say)(Heard::Nothing);
                // A block may lie across the end of what was read.
                kept.drain(..kept.len().saturating_sub(Rtt::RTT_ID.len() - 1));
                at += (words.len().max(1) * 4) as u64;
            }
        }
        Ok(found)
    }
}

/// What a control block that is not ready, or not any more, comes to: nothing.
fn not_ready<T>(outcome: Result<T, rtt::Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(rtt::Error::Probe(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What is heard, and what of it is not a whole line yet.
pub(super) struct Ear {
    at: Option<u32>,
    rtt: Option<Rtt>,
    scanned: Option<Instant>,
    /// Nothing was there to be heard when that was looked for last.
    is_caught_up: bool,
    from_rtt: Lines,
    from_calls: Lines,
}

impl Ear {
    fn new(at: Option<u32>) -> Self {
        Self {
            at,
            rtt: None,
            scanned: None,
            is_caught_up: false,
            from_rtt: Lines::default(),
            from_calls: Lines::default(),
        }
    }

    fn is_due(&self) -> bool {
        self.scanned.is_none_or(|scanned| scanned.elapsed() >= SCANNED_AFTER)
    }

    fn rtt_lines(&mut self, bytes: &[u8], teller: &Teller) {
        say(&mut self.from_rtt, bytes, LineSource::Rtt, teller);
    }

    fn semihosting_lines(&mut self, bytes: &[u8], teller: &Teller) {
        say(&mut self.from_calls, bytes, LineSource::Semihosting, teller);
    }
}

fn say(lines: &mut Lines, bytes: &[u8], source: LineSource, teller: &Teller) {
    let mut complete = Vec::new();
    lines.push(bytes, &mut complete);
    complete.into_iter().for_each(|text| (teller.say)(Heard::Line(Line { source, text })));
}

/// What a halted core asked for.
#[derive(Default)]
struct Call {
    text: Vec<u8>,
    ended: Option<Ended>,
}

impl Call {
    fn halted(why: &str) -> Self {
        Self { text: Vec::new(), ended: Some(Ended::Halted(why.to_owned())) }
    }

    /// Does what a call asks for, as far as it is text. Everything in it comes from the firmware: what it points at is
    /// read in bounded pieces.
    fn serve(core: &mut Core<'_>) -> Result<Self, Error> {
        let register = |core: &mut Core<'_>, index: usize| -> Result<u32, Error> {
            core.read_core_reg(core.registers().argument_register(index))
        };
        let (operation, parameter) = (register(core, 0)?, register(core, 1)?);
        let at = u64::from(parameter);
        let mut call = Self::default();
        let mut answer = None;
        match operation {
            WRITE_CHARACTER => call.text.push(core.read_word_8(at)?),
            WRITE_TEXT => call.text = text_at(core, at)?,
            WRITE => {
                let mut block = [0; 3];
                core.read_32(at, &mut block)?;
                let [stream, from, length] = block;
                let is_console = STREAMS.contains(&stream);
                if is_console {
                    call.text = vec![0; length.min(MAX_CALL) as usize];
                    core.read_8(from.into(), &mut call.text)?;
                }
                // How many bytes were not written.
                answer = Some(if is_console { 0 } else { length });
            }
            OPEN => {
                let mut block = [0; 3];
                core.read_32(at, &mut block)?;
                let [name, mode, length] = block;
                let mut begin = [0; 3];
                core.read_8(name.into(), &mut begin)?;
                // The console is called so; modes from 4 on write, from 8 on append: that is standard error.
                let is_console = length == 3 && begin == *b":tt" && mode >= 4;
                answer = is_console.then_some(if mode >= 8 { 2 } else { 1 });
            }
            CLOSE => answer = Some(0),
            IS_TERMINAL => answer = Some(1),
            EXIT => call.ended = Some(exit(parameter, 0)),
            EXIT_WITH_CODE => {
                let mut block = [0; 2];
                core.read_32(at, &mut block)?;
                let [reason, code] = block;
                call.ended = Some(exit(reason, code));
            }
            // probe-rs has answered it with an error.
            _ => {}
        }
        if let Some(answer) = answer {
            core.write_core_reg(core.registers().argument_register(0), answer)?;
        }
        Ok(call)
    }
}

fn exit(reason: u32, code: u32) -> Ended {
    Ended::Exit(match reason {
        APPLICATION_EXIT => format!("exit code {code}"),
        reason => format!("reason {reason:#x}"),
    })
}

/// A text up to its end, or as much as is taken.
fn text_at(core: &mut Core<'_>, at: u64) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    while text.len() < MAX_CALL as usize {
        let from = at + text.len() as u64;
        // No memory ends between two multiples of this.
        let mut piece = vec![0; (PIECE - from % PIECE) as usize];
        core.read_8(from, &mut piece)?;
        if let Some(end) = memchr::memchr(0, &piece) {
            text.extend(piece.drain(..end));
            return Ok(text);
        }
        text.append(&mut piece);
    }
    Ok(text)
}

fn halt_words(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::Breakpoint(_) => "it has reached a breakpoint",
        HaltReason::Exception => "it was stopped at an exception",
        HaltReason::Watchpoint => "it was stopped at a watchpoint",
        HaltReason::Step | HaltReason::Request | HaltReason::External => "another debugger has halted it",
        HaltReason::Multiple | HaltReason::Unknown => "it has halted",
    }
}
