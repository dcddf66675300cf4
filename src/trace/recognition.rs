//! A pattern recognised pulse by pulse: what is settled is looked at once, so that a light with a million edges
//! costs a million times as much as one.

use std::sync::Arc;

use crate::unit::{Duration, Instant, counted};

use super::pattern::{Judgement, Phase, PhaseJudgement, PulsePattern, unmet};
use super::train::{Pulse, Train};

/// A keypad clicks when a key is touched: a beep that begins within this time ...
const CLICK_BEGINS: Duration = Duration::milliseconds(20);
/// ... and is no longer than this.
const CLICK: Duration = Duration::milliseconds(60);
/// What began so long before its window was perhaps meant for it.
const EARLY: Duration = Duration::seconds(2);

/// How far a pattern is recognised.
#[derive(Clone, Debug)]
pub struct Recognition {
    since: Instant,
    /// A key was touched then: its own click does not count.
    touch: Option<Instant>,
    phase: usize,
    /// The first pulse that was not looked at, once the beginning is known.
    next: Option<usize>,
    /// Settled pulses of the phase that count, and what follows them.
    kept: Vec<Pulse>,
    /// When the last phase was complete.
    at: Instant,
    /// The longest pause between two phases.
    pause: Duration,
    /// What was seen and does not count.
    ignored: Ignored,
}

/// What was seen and does not count, for the reason of a pattern that was not.
#[derive(Clone, Debug, Default)]
struct Ignored {
    /// Another colour.
    other: Option<Arc<str>>,
    /// So many pulses of another length than the stated one.
    misfits: u64,
    /// How much too early one began.
    early: Option<Duration>,
}

/// What a pulse is to a phase.
enum Class {
    /// It counts, or ends what counts.
    Kept,
    /// It has another colour before anything counts.
    Other,
    /// It has another length than the stated one.
    Misfit,
    /// It is a key's click.
    Click,
    /// It began before the window.
    Before,
    /// It is known only then.
    Open(Instant),
}

impl Recognition {
    /// Nothing before `since` counts.
    pub fn new(since: Instant) -> Self {
        let (at, ignored) = (Instant::START, Ignored::default());
        let pause = Duration::ZERO;
        Self { since, touch: None, phase: 0, next: None, kept: Vec::new(), at, pause, ignored }
    }

    /// The same since a key was touched, whose click does not count.
    pub fn since_touch(touch: Instant) -> Self {
        Self { touch: Some(touch), ..Self::new(touch) }
    }

    /// Judges what is known of the pulses by now; `deadline` is when the last edge must have happened.
    pub fn judge(
        &mut self,
        pattern: &PulsePattern,
        train: &Train,
        deadline: Instant,
        horizon: Instant,
        slack: Duration,
    ) -> Judgement {
        let pulses = train.seen(horizon);
        let settled = train.settled(horizon).min(pulses.len());
        let mut next = self.next.unwrap_or_else(|| self.begin(pattern, pulses));
        while let Some(phase) = pattern.phases.get(self.phase) {
            let enough = phase.count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0) + 2;
            while next < settled && self.kept.len() < enough {
                self.take(pattern, phase, &pulses[next], horizon, slack);
                next += 1;
            }
            // What can still change is looked at again and again, but there are never more than two.
            let mut rest = Self { kept: Vec::new(), ..self.clone() };
            let is_empty = self.kept.is_empty();
            let mut question: Option<Instant> = None;
            let more = pulses.get(next..).unwrap_or_default();
            for pulse in more.iter().take(enough.saturating_sub(self.kept.len())) {
                match rest.class(pattern, phase, pulse, is_empty && rest.kept.is_empty(), horizon, slack) {
                    Class::Open(until) => question = Some(question.map_or(until, |known| known.min(until))),
                    class => rest.note(class, pulse),
                }
            }
            self.next = Some(next);
            let window: Vec<Pulse> = self.kept.iter().chain(&rest.kept).cloned().collect();
            let judged = match window.first().filter(|first| first.colour != phase.colour) {
                Some(first) => {
                    PhaseJudgement::Open(unmet(format!("{} came before {}", first.colour, phase.colour)))
                }
                None => phase.judge(&window, self.pause_before(window.first()), deadline, horizon, slack),
            };
            match (judged, question) {
                (PhaseJudgement::Open(Judgement::Pending { until }), _) => {
                    let times = [Some(until), train.due(horizon), question];
                    let until = times.into_iter().flatten().min().unwrap_or(until);
                    return Judgement::Pending { until };
                }
                (_, Some(until)) => return Judgement::Pending { until },
                (PhaseJudgement::Met { at, taken }, None) => {
                    let last = taken.checked_sub(1).and_then(|index| window.get(index));
                    let last = last.map_or(self.since, |pulse| pulse.start);
                    self.pause = self.pause_before(window.first());
                    self.at = at;
                    self.phase += 1;
                    next = next.max(pulses.partition_point(|pulse| pulse.start <= last));
                    let after: Vec<Pulse> = self.kept.drain(..).skip(taken).collect();
                    if let Some(phase) = pattern.phases.get(self.phase) {
                        after.iter().for_each(|pulse| self.take(pattern, phase, pulse, horizon, slack));
                    }
                    self.next = Some(next);
                }
                (PhaseJudgement::Open(Judgement::Unmet { reason }), None) => {
                    return unmet(rest.ignored.explain(reason, window.is_empty()));
                }
                (PhaseJudgement::Open(judgement), None) => return judgement,
            }
        }
        if self.at > deadline {
            return unmet(format!("it came {} too late", self.at.since(deadline)));
        }
        Judgement::Met { at: self.at }
    }

    /// The longest pause between two phases, with that before this pulse.
    fn pause_before(&self, first: Option<&Pulse>) -> Duration {
        let own = first.filter(|_| self.phase > 0).map(|pulse| pulse.start.since(self.at));
        self.pause.max(own.unwrap_or_default())
    }

    /// The first pulse that may count.
    fn begin(&mut self, pattern: &PulsePattern, pulses: &[Pulse]) -> usize {
        let begin = pulses.partition_point(|pulse| pulse.start < self.since);
        let before = begin.checked_sub(1).and_then(|index| pulses.get(index));
        let colour = pattern.phases.first().map(|phase| &phase.colour);
        let early =
            before.filter(|pulse| Some(&pulse.colour) == colour).map(|pulse| self.since.since(pulse.start));
        self.ignored.early = early.filter(|early| *early <= EARLY);
        begin
    }

    /// Takes a pulse that is settled.
    fn take(
        &mut self,
        pattern: &PulsePattern,
        phase: &Phase,
        pulse: &Pulse,
        horizon: Instant,
        slack: Duration,
    ) {
        let class = self.class(pattern, phase, pulse, self.kept.is_empty(), horizon, slack);
        self.note(class, pulse);
    }

    fn note(&mut self, class: Class, pulse: &Pulse) {
        match class {
            Class::Kept => self.kept.push(pulse.clone()),
            Class::Other => {
                self.ignored.other.get_or_insert_with(|| Arc::clone(&pulse.colour));
            }
            Class::Misfit => self.ignored.misfits += 1,
            Class::Click | Class::Before | Class::Open(_) => {}
        }
    }

    fn class(
        &self,
        pattern: &PulsePattern,
        phase: &Phase,
        pulse: &Pulse,
        is_first: bool,
        horizon: Instant,
        slack: Duration,
    ) -> Class {
        if pulse.start < self.since {
            return Class::Before;
        }
        if pulse.colour != phase.colour {
            // After a group that was counted, nothing else may come.
            let before = self.phase.checked_sub(1).and_then(|index| pattern.phases.get(index));
            let is_bound = before.is_some_and(|before| before.count.is_some());
            return if is_first && !is_bound { Class::Other } else { Class::Kept };
        }
        let length = pulse.length_at(horizon);
        if let Some(on) = phase.on {
            let on = on.widened(slack);
            return match pulse.end {
                Some(_) if on.contains(length) => Class::Kept,
                None if length <= on.most() => {
                    Class::Open(pulse.start + on.most() + Duration::nanoseconds(1))
                }
                Some(_) | None => Class::Misfit,
            };
        }
        let begins = self.touch.filter(|_| &*pulse.colour == "sound").map(|touch| pulse.start.since(touch));
        match (begins.is_some_and(|begins| begins <= CLICK_BEGINS) && length <= CLICK, pulse.end) {
            (true, Some(_)) => Class::Click,
            (true, None) => Class::Open(pulse.start + CLICK + Duration::nanoseconds(1)),
            (false, _) => Class::Kept,
        }
    }
}

impl Ignored {
    /// The reason why a pattern was not seen, with what was seen and does not count.
    fn explain(&self, reason: String, is_alone: bool) -> String {
        let other = self.other.as_ref().filter(|_| is_alone);
        let seen = other.map(|colour| format!("{colour} was seen instead"));
        let misfits = (self.misfits > 0)
            .then(|| format!("{} did not have the stated length", counted(self.misfits, "pulse")));
        let early = self.early.map(|early| format!("one began {early} too early to count"));
        [Some(reason), seen, misfits, early].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
