//! Inputs: edges with the kernel's time stamps, or levels that are polled where a board gives no
//! edges.
//!
//! The kernel reports a debounced edge once it was stable: its stamp is taken back by that time. It reads
//! the level after its interrupt, so that of two edges close together the second level comes twice: the
//! first edge is put back. If it reports none at all, as interrupt controllers do now and then, the level
//! tells: it is read besides.

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

/// The kernel hands an edge out within this time of its stamp, debouncing apart: a level that differs
/// for longer has had an edge that nobody will ever hear of.
pub const HANDED_OUT_WITHIN: Duration = Duration::milliseconds(3);

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
    /// The expanded uncertainty that the rig states of when an edge was.
    uncertainty: Duration,
}

struct Line {
    input: usize,
    number: u32,
    debounce: Duration,
    active: bool,
    edges: u32,
    /// When it was known last to have this level, debounced.
    known: Moment,
    /// Since when its level was read to be another.
    differs: Option<Moment>,
}

impl Inputs {
    /// Opens inputs of one board, given with their places in the caller's list. `uncertainty` is what
    /// the rig states of when an edge was (expanded, k = 2).
    ///
    /// # Errors
    /// The chip or a line can't be had; says why.
    pub fn open(
        board: &Board,
        poll: Option<Duration>,
        inputs: &[(usize, &Input)],
        uncertainty: Duration,
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
            known: clock::now(),
            differs: None,
        });
        let (chip, lines) = (chip.name(), lines.collect());
        let mut opened = Self { chip, request, lines, poll, last_read: None, uncertainty };
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
        // An edge of which the kernel said nothing is only believed once it had time to.
        let unsaid = HANDED_OUT_WITHIN.times(2);
        debounce.saturating_add(self.poll.unwrap_or(unsaid))
    }

    /// When to read again at the latest, though no edge was handed out.
    pub fn due(&self) -> Option<Moment> {
        self.lines.iter().filter_map(|line| line.differs).min().map(|since| since + HANDED_OUT_WITHIN)
    }

    /// Nobody wanted to know for a while: what changed meanwhile is taken as it is.
    pub fn resume(&mut self) {
        self.last_read = None;
        let now = clock::now();
        for line in &mut self.lines {
            (line.known, line.differs) = (now, None);
        }
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
                return Err(InputFault(format!("{missed} edges of line {number} of {chip} were lost")));
            }
            let at = Moment::from_nanoseconds(event.timestamp_ns).before(line.debounce);
            line.change(event.kind == EdgeKind::Rising, at, changes);
        }
        drop(events);
        self.read_unsaid(changes)
    }

    /// Compares levels with the edges that were handed out.
    fn read_unsaid(&mut self, changes: &mut Vec<Reading>) -> Result<(), InputFault> {
        for index in 0..self.lines.len() {
            let (level, now) = (self.level(index)?, clock::now());
            if self.request.has_edge_event().map_err(|error| self.lost(&error))? {
                return Ok(());
            }
            let line = &mut self.lines[index];
            match line.compare(level, now, self.uncertainty) {
                Ok(change) => changes.extend(change),
                Err(within) => {
                    let (number, chip) = (line.number, &self.chip);
                    return Err(InputFault(format!(
                        "the kernel handed out no edge of line {number} of {chip}, though its level changed \
                         some time within {within}: add `debounce:` if its contact bounces"
                    )));
                }
            }
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
        (self.known, self.differs) = (at + self.debounce, None);
    }

    /// Takes a level that was read at `now`, when no edge was waiting to be handed out. One that goes
    /// on to differ has had an edge that was lost: between the last time it was known and the first
    /// time it differed, which is close enough or, as the error, an interval too long to be true to
    /// the rig's `uncertainty`.
    fn compare(
        &mut self,
        level: bool,
        now: Moment,
        uncertainty: Duration,
    ) -> Result<Option<Reading>, Duration> {
        if level == self.active {
            (self.known, self.differs) = (now, None);
            return Ok(None);
        }
        let first = *self.differs.get_or_insert(now);
        if now.since(first) < HANDED_OUT_WITHIN {
            return Ok(None);
        }
        let within = first.since(self.known);
        (self.active, self.known, self.differs) = (level, now, None);
        if within > uncertainty {
            return Err(within);
        }
        Ok(Some(Reading { input: self.input, active: level, at: first.before(self.debounce) }))
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
        let known = Moment::from_nanoseconds(0);
        Line { input: 3, number: 7, debounce, active, edges: 0, known, differs: None }
    }

    fn at(microseconds: u64) -> Moment {
        Moment::from_nanoseconds(100_000_000 + microseconds * 1_000)
    }

    #[test]
    fn an_edge_that_was_never_handed_out_shows_in_the_level() {
        let uncertainty = Duration::milliseconds(1);
        let mut changes = Vec::new();
        let mut bouncing = line(true, Duration::milliseconds(5));
        bouncing.change(false, at(0).before(Duration::milliseconds(5)), &mut changes);
        // Its last bounce had no edge: the level differs from then on, which has to last.
        assert_eq!(bouncing.compare(true, at(600), uncertainty), Ok(None));
        assert_eq!(bouncing.compare(true, at(3_000), uncertainty), Ok(None));
        assert_eq!(bouncing.differs.map(|since| since + HANDED_OUT_WITHIN), Some(at(3_600)));
        let reading = bouncing.compare(true, at(4_000), uncertainty).expect("near enough").expect("an edge");
        assert_eq!((reading.active, reading.at), (true, at(600).before(Duration::milliseconds(5))));
        assert_eq!(bouncing.compare(true, at(9_000), uncertainty), Ok(None));

        // An edge that is handed out after all is none that was lost.
        let mut slow = line(false, Duration::ZERO);
        assert_eq!(slow.compare(false, at(0), uncertainty), Ok(None));
        assert_eq!(slow.compare(true, at(100), uncertainty), Ok(None));
        changes.clear();
        slow.change(true, at(50), &mut changes);
        assert_eq!(slow.compare(true, at(4_000), uncertainty), Ok(None));
        assert_eq!(changes.len(), 1);

        // When it was can't be said as exactly as the rig states.
        let mut unread = line(false, Duration::ZERO);
        assert_eq!(unread.compare(false, at(0), uncertainty), Ok(None));
        assert_eq!(unread.compare(true, at(50_000), uncertainty), Ok(None));
        assert_eq!(unread.compare(true, at(53_000), uncertainty), Err(Duration::milliseconds(50)));
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
