//! Light and beep patterns, judged on edges: order, count, on and off time, trailing interval,
//! glitches, and a light that sticks after blinking.
//!
//! A count is claimed only after the trailing interval has passed without another pulse, so
//! three blinks are never mistaken for the first three of four.

use std::sync::Arc;

use crate::unit::{Duration, Instant, Tolerance, counted};

use super::recognition::Recognition;
use super::timeline::Edge;
use super::train::{GLITCH, Pulse, Train};

/// At least this long nothing may follow a counted group.
pub const TRAILING: Duration = Duration::milliseconds(1_000);

/// In a group of pulses that are all long, or all short, each is at least, or at most, this long. Manuals say
/// no number; a beep for a key or a failure is shorter than this, and one that a person calls long is not.
const LONG: Duration = Duration::milliseconds(300);

/// Relative length of a pulse within its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// At least half as long again as every short one; without one, at least 300 ms.
    Long,
    /// The others; without a long one, at most 300 ms.
    Short,
}

/// Pulses of one colour in a row; of a beeper, the colour is `sound`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Colour.
    pub colour: Arc<str>,
    /// How many, exactly; `None` is satisfied by the first to begin.
    pub count: Option<u32>,
    /// How long each is on.
    pub on: Option<Tolerance>,
    /// How long it is off between two.
    pub off: Option<Tolerance>,
    /// Relative lengths, one for each pulse.
    pub lengths: Vec<Length>,
    /// It ends the last round of several colours: no other colour may follow either, within the trailing interval.
    pub ends: bool,
}

/// Phases in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulsePattern {
    /// The phases.
    pub phases: Vec<Phase>,
}

/// What is known so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Seen; its last edge was then.
    Met {
        /// Time of the edge that completed it.
        at: Instant,
    },
    /// Can't be any more.
    Unmet {
        /// Why, in words.
        reason: String,
    },
    /// A time is within the uncertainty of its limit.
    Unclear {
        /// Which, in words.
        reason: String,
    },
    /// Open until signals are known up to that time.
    Pending {
        /// When to ask again at the latest.
        until: Instant,
    },
}

impl PulsePattern {
    /// Judges `edges`, all that the channel ever had: a pulse that began before `since` does not
    /// count, nor does its rest after a flicker.
    ///
    /// `deadline` is when the last edge of the pattern must have happened; every signal stamped
    /// at or before `horizon` is in `edges`.
    pub fn judge(
        &self,
        edges: &[Edge],
        (since, deadline): (Instant, Instant),
        horizon: Instant,
        slack: Duration,
    ) -> Judgement {
        Recognition::new(since).judge(self, &Train::of(edges, horizon), deadline, horizon, slack)
    }
}

pub(super) enum PhaseJudgement {
    Met { at: Instant, taken: usize },
    Open(Judgement),
}

pub(super) fn unmet(reason: String) -> Judgement {
    Judgement::Unmet { reason }
}

impl Phase {
    /// Judges pulses that count, from the first one of the phase on.
    pub(super) fn judge(
        &self,
        pulses: &[Pulse],
        // The longest pause before it, within the pattern.
        pause: Duration,
        deadline: Instant,
        horizon: Instant,
        slack: Duration,
    ) -> PhaseJudgement {
        let mut group = pulses.iter().take_while(|pulse| pulse.colour == self.colour).count();
        if let Some(count) = self.count.and_then(|count| usize::try_from(count).ok())
            && count > 0
            && group > count
            && let (Some(end), next) = (pulses[count - 1].end, &pulses[count])
            && next.start.since(end) >= self.trailing(&pulses[..count], pause)
        {
            // What comes after the trailing interval is another group.
            group = count;
        }
        let open = |until: Instant, reason: String| {
            let judgement = if horizon >= until { unmet(reason) } else { Judgement::Pending { until } };
            PhaseJudgement::Open(judgement)
        };
        let Some(count) = self.count else {
            return match pulses.first().filter(|first| self.on.is_none() || first.end.is_some()) {
                Some(first) => PhaseJudgement::Met { at: first.start, taken: 1 },
                // A pulse that begins at the very deadline is known not to be a glitch only later.
                None => open(deadline + GLITCH, format!("no {} in time", self.colour)),
            };
        };
        let count = count as usize;
        // What begins after the deadline can be one too many, never one that was missing.
        let in_time = pulses[..group].iter().filter(|pulse| pulse.start <= deadline).count();
        if in_time >= count && group > count {
            return PhaseJudgement::Open(unmet(format!(
                "{} pulsed more than {}",
                self.colour,
                counted(count as u64, "time")
            )));
        }
        let followed = pulses.len() > group;
        if in_time < count {
            let reason = format!("{} pulsed {in_time} of {count} times", self.colour);
            return if followed && group < count {
                PhaseJudgement::Open(unmet(reason))
            } else {
                open(deadline + GLITCH, reason)
            };
        }
        let group = &pulses[..count];
        let longest_on = self.longest_on(group, slack);
        let last = &group[count - 1];
        let Some(end) = last.end else {
            let bound = longest_on.map_or(deadline, |on| last.start + on).min(deadline + GLITCH);
            return open(bound, format!("{} stuck on after pulse {count}", self.colour));
        };
        if end > deadline {
            // Known already: whether another follows does not matter any more.
            return PhaseJudgement::Open(unmet(format!("it came {} too late", end.since(deadline))));
        }
        let trailing = self.trailing(group, pause);
        let is_later = |next: &Pulse| next.start.since(end) >= trailing;
        if let Some(next) = pulses.get(count).filter(|next| self.ends && !is_later(next)) {
            return PhaseJudgement::Open(unmet(format!("{} followed the last {}", next.colour, self.colour)));
        }
        let ends_later = |next: &Pulse| is_later(next) || next.colour != self.colour;
        let is_over = pulses.get(count).is_some_and(ends_later);
        if !is_over && horizon < end + trailing {
            return PhaseJudgement::Open(Judgement::Pending { until: end + trailing });
        }
        if let Some(reason) = self.check_times(group, longest_on, slack) {
            return PhaseJudgement::Open(unmet(reason));
        }
        match self.unclear_time(group, slack) {
            Some(reason) => PhaseJudgement::Open(Judgement::Unclear { reason }),
            None => PhaseJudgement::Met { at: end, taken: count },
        }
    }

    /// How long the last pulse may last before the light counts as stuck.
    fn longest_on(&self, group: &[Pulse], slack: Duration) -> Option<Duration> {
        if let Some(on) = self.on {
            return Some(on.widened(slack).most());
        }
        let (_, earlier) = group.split_last()?;
        let longest = earlier.iter().filter_map(|p| Some(p.end?.since(p.start))).max()?;
        Some(longest.times(3).max(Duration::seconds(1)))
    }

    fn trailing(&self, group: &[Pulse], pause: Duration) -> Duration {
        let before = if self.ends { pause } else { Duration::ZERO };
        let gaps = gaps(group).chain([before]).max().unwrap_or_default();
        gaps.times(2).max(TRAILING)
    }

    /// A time that is in its limits, or out of them, by less than the uncertainty.
    fn unclear_time(&self, group: &[Pulse], slack: Duration) -> Option<String> {
        let mut on = group.iter().filter_map(|p| Some(p.end?.since(p.start)));
        let distance = |length: Duration, bound: Duration| {
            length.saturating_sub(bound).max(bound.saturating_sub(length))
        };
        let near = |limits: Option<Tolerance>, length: Duration| {
            limits.is_some_and(|limits| {
                distance(length, limits.least()).min(distance(length, limits.most())) < slack
            })
        };
        let is_alone = self.lengths.first().is_some_and(|first| self.lengths.iter().all(|l| l == first));
        let found = on.find(|on| near(self.on, *on) || (is_alone && distance(*on, LONG) < slack));
        let found = found.or_else(|| gaps(group).find(|gap| near(self.off, *gap)));
        found.map(|length| format!("{} for {length} is too close to the limit to call", self.colour))
    }

    fn check_times(&self, group: &[Pulse], longest_on: Option<Duration>, slack: Duration) -> Option<String> {
        let lengths: Vec<Duration> = group.iter().filter_map(|p| Some(p.end?.since(p.start))).collect();
        if let Some(on) = self.on
            && let Some(off_limits) = lengths.iter().find(|length| !on.widened(slack).contains(**length))
        {
            return Some(format!("{} was on for {off_limits}, expected {on}", self.colour));
        }
        if let (Some(longest), Some(last)) = (longest_on, lengths.last())
            && *last > longest
        {
            return Some(format!("{} stuck on for {last} after blinking", self.colour));
        }
        if let Some(off) = self.off
            && let Some(off_limits) = gaps(group).find(|gap| !off.widened(slack).contains(*gap))
        {
            return Some(format!("{} was off for {off_limits}, expected {off}", self.colour));
        }
        self.check_rhythm(&lengths, slack)
    }

    /// Long and short are relative, unless there is nothing to compare with.
    fn check_rhythm(&self, lengths: &[Duration], slack: Duration) -> Option<String> {
        let of = |wanted: Length| {
            let pairs = self.lengths.iter().zip(lengths);
            pairs.filter(move |(length, _)| **length == wanted).map(|(_, duration)| *duration)
        };
        match (of(Length::Long).min(), of(Length::Short).max()) {
            (Some(long), Some(short)) => (long.times(2) < short.times(3))
                .then(|| format!("a long pulse of {long} is not clearly longer than a short one of {short}")),
            (Some(long), None) => (long.saturating_add(slack) < LONG)
                .then(|| format!("a pulse of {long} is not long: a long one lasts at least {LONG}")),
            (None, Some(short)) => (short.saturating_sub(slack) > LONG)
                .then(|| format!("a pulse of {short} is not short: a short one lasts at most {LONG}")),
            (None, None) => None,
        }
    }
}

fn gaps(group: &[Pulse]) -> impl Iterator<Item = Duration> {
    group.windows(2).filter_map(|pair| Some(pair[1].start.since(pair[0].end?)))
}
