//! Inputs: edges with the kernel's time stamps, or levels that are polled where a board gives no
//! edges.
//!
//! The kernel reports a debounced edge once it was stable: its stamp is taken back by that time. It reads
//! the level after its interrupt, so that of two edges close together the second level comes twice: the
//! first edge is put back.

use std::os::fd::{AsFd, BorrowedFd};

use gpiocdev::Request;
use gpiocdev::line::{Bias as LineBias, EdgeDetection, EdgeKind, Value};

use super::clock;
use super::gpio::{self, Refused};
use crate::rig::{Active, Bias, Board, Input};
use crate::unit::{Duration, Moment};

/// So many edges are taken from the kernel at once.
const AT_ONCE: usize = 64;

/// Edges that the kernel keeps while nobody reads, at most; then it forgets the oldest.
const BUFFER: u32 = 1024;

/// The shortest blink that a lock is taken to show: levels must be read more often.
const MOST_UNREAD: Duration = Duration::milliseconds(50);

/// The kernel hands an edge out within this time of its stamp, debouncing apart.
const HANDED_OUT_WITHIN: Duration = Duration::milliseconds(3);

/// Why inputs can't be had, or not any more: the rig's error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InputFault(pub String);

/// An input changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which input, by its place in the list that was opened.
    pub input: usize,
    /// Whether it is active now.
    pub active: bool,
    /// When it changed.
    pub at: Moment,
}

/// Inputs on one GPIO chip.
pub struct Inputs {
    chip: String,
    request: Request,
    lines: Vec<Line>,
    /// Levels are read so often, because the board gives no edges.
    poll: Option<Duration>,
    last_read: Option<Moment>,
}

struct Line {
    input: usize,
    number: u32,
    debounce: Duration,
    active: bool,
    edges: u32,
}

impl Inputs {
    /// Opens inputs of one board, given with their places in the caller's list.
    ///
    /// # Errors
    /// The chip or a line can't be had; says why.
    pub fn open(
        board: &Board,
        poll: Option<Duration>,
        inputs: &[(usize, &Input)],
        consumer: &str,
    ) -> Result<Self, InputFault> {
        let chip = match board {
            Board::Gpio { chip } => gpio::find(chip),
            Board::RaspberryPi {} => gpio::find_header(),
            _ => Err("the board has no inputs".to_owned()),
        };
        let chip = chip.map_err(InputFault)?;
        let mut request = Request::builder();
        request.on_chip(chip.path()).with_consumer(consumer).with_kernel_event_buffer_size(BUFFER);
        for (_, input) in inputs {
            request.with_line(input.line.number).as_input();
            match input.active {
                Active::High => request.as_active_high(),
                Active::Low => request.as_active_low(),
            };
            let bias = match input.bias {
                Bias::None => None,
                Bias::PullUp => Some(LineBias::PullUp),
                Bias::PullDown => Some(LineBias::PullDown),
            };
            request.with_bias(bias);
            request.with_debounce_period(std::time::Duration::from_nanos(input.debounce.as_nanoseconds()));
            if poll.is_none() {
                request.with_edge_detection(EdgeDetection::BothEdges);
            }
        }
        let request = request.request().map_err(|error| {
            let numbers: Vec<u32> = inputs.iter().map(|(_, input)| input.line.number).collect();
            match gpio::refusal(&chip, &numbers, &error) {
                Refused::Busy { what, holder } => InputFault(format!("{what} is in use by {holder}")),
                Refused::Broken(reason) => InputFault(reason),
            }
        })?;
        let lines = inputs.iter().map(|(input, line)| Line {
            input: *input,
            number: line.line.number,
            debounce: line.debounce,
            active: false,
            edges: 0,
        });
        let (chip, lines) = (chip.name(), lines.collect());
        let mut opened = Self { chip, request, lines, poll, last_read: None };
        for index in 0..opened.lines.len() {
            opened.lines[index].active = opened.level(index)?;
        }
        Ok(opened)
    }

    /// How often [`Inputs::read`] must be called at least.
    pub fn poll(&self) -> Option<Duration> {
        self.poll
    }

    /// How long after its stamp an edge may be handed out.
    pub fn delay(&self) -> Duration {
        let debounce = self.lines.iter().map(|line| line.debounce).max().unwrap_or_default();
        debounce.saturating_add(self.poll.unwrap_or(HANDED_OUT_WITHIN))
    }

    /// Nobody wanted to know for a while: what changed meanwhile is taken as it is.
    pub fn resume(&mut self) {
        self.last_read = None;
    }

    /// Each input with its level.
    pub fn levels(&self) -> impl Iterator<Item = (usize, bool)> {
        self.lines.iter().map(|line| (line.input, line.active))
    }

    /// All changes since the last call, without waiting.
    ///
    /// # Errors
    /// The chip is gone, or edges were lost.
    pub fn read(&mut self, changes: &mut Vec<Reading>) -> Result<(), InputFault> {
        if self.poll.is_some() {
            return self.read_levels(changes);
        }
        let (chip, request) = (&self.chip, &self.request);
        let lost = |error: gpiocdev::Error| InputFault(format!("{chip} can't be read: {error}"));
        // The library's `read_edge_event` takes eight edges from the kernel and hands out one of them.
        let mut events = request.new_edge_event_buffer(AT_ONCE);
        while events.has_event().map_err(lost)? {
            let event = events.read_event().map_err(lost)?;
            let Some(line) = self.lines.iter_mut().find(|line| line.number == event.offset) else {
                continue;
            };
            let missed = event.line_seqno.wrapping_sub(line.edges).saturating_sub(1);
            line.edges = event.line_seqno;
            if missed > 0 {
                // The kernel numbers each edge: what is missing was forgotten, and could be anything.
                let number = line.number;
                return Err(InputFault(format!("edges lost on line {number} of {chip}: {missed}")));
            }
            let at = Moment::from_nanoseconds(event.timestamp_ns).before(line.debounce);
            line.change(event.kind == EdgeKind::Rising, at, changes);
        }
        Ok(())
    }

    fn read_levels(&mut self, changes: &mut Vec<Reading>) -> Result<(), InputFault> {
        let (now, last) = (clock::now(), self.last_read);
        self.last_read = Some(now);
        if let (Some(last), Some(poll)) = (last, self.poll)
            && now.since(last) > MOST_UNREAD.max(poll.times(4))
        {
            // Whatever blinked meanwhile was not seen: that is no proof that nothing did.
            return Err(InputFault(format!("{} was not read for {}", self.chip, now.since(last))));
        }
        for index in 0..self.lines.len() {
            let active = self.level(index)?;
            let line = &mut self.lines[index];
            if line.active != active {
                line.active = active;
                changes.push(Reading { input: line.input, active, at: clock::now() });
            }
        }
        Ok(())
    }

    fn level(&self, index: usize) -> Result<bool, InputFault> {
        let value = self.request.value(self.lines[index].number);
        value.map(|value| value == Value::Active).map_err(|error| self.lost(&error))
    }

    fn lost(&self, error: &gpiocdev::Error) -> InputFault {
        InputFault(format!("{} can't be read: {error}", self.chip))
    }
}

impl Line {
    /// Takes an edge. The kernel reads the level after its interrupt: of two edges that come closer than that it
    /// tells the second level twice, and the first is put back.
    fn change(&mut self, active: bool, at: Moment, changes: &mut Vec<Reading>) {
        let edges = if active == self.active { 2 } else { 1 };
        for before in (0..edges).rev() {
            self.active = !self.active;
            let at = at.before(Duration::nanoseconds(before));
            changes.push(Reading { input: self.input, active: self.active, at });
        }
    }
}

impl AsFd for Inputs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.request.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(active: bool, debounce: Duration) -> Line {
        Line { input: 3, number: 7, debounce, active, edges: 0 }
    }

    #[test]
    fn an_edge_that_the_kernel_told_as_the_next_one_is_put_back() {
        let at = Moment::from_nanoseconds(1_000_000);
        for (before, active, expected) in
            [(false, true, vec![true]), (true, true, vec![false, true]), (false, false, vec![true, false])]
        {
            let mut line = line(before, Duration::ZERO);
            let mut changes = Vec::new();
            line.change(active, at, &mut changes);
            let levels: Vec<bool> = changes.iter().map(|change| change.active).collect();
            assert_eq!(levels, expected);
            assert!(changes.is_sorted_by(|a, b| a.at < b.at), "each has a time of its own");
            assert_eq!(changes.last().map(|change| change.at), Some(at));
            assert_eq!(line.active, active);
        }
    }
}
