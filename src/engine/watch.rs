//! Steps that watch: judged anew only when more is known of their channels.

use crate::scenario::ast::Observation;
use crate::scenario::{Action, Mark, Step, Weight};
use crate::trace::{Edge, Judgement, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::Limit;

use super::Engine;
use super::fiber::State;
use super::observe::{Begin, Limits, Progress, observed, quiet, unseen};

/// What a strand watches, and how far it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Watching<'p> {
    pub step: &'p Step,
    pub begin: Begin,
    pub until: Instant,
    pub progress: Progress,
    /// The first message of each channel that was not looked at.
    pub quiet: Vec<Option<usize>>,
}

/// How a watch stands.
enum Outcome {
    Open(Instant),
    Done(Result<(), (Weight, String)>),
}

impl<'p> Engine<'p> {
    /// Judges a step on the signals since a point; `false` while it is open.
    pub(super) fn watch(&mut self, index: usize) -> bool {
        let mut watching = match std::mem::replace(&mut self.fibers[index].state, State::Ready) {
            State::Watching(watching) => watching,
            other => {
                self.fibers[index].state = other;
                return false;
            }
        };
        let (step, begin) = (watching.step, self.fibers[index].begin);
        let outcome = match &step.action {
            Action::Observe { observation, mark, already, within, .. } => {
                let deadline = begin + *within;
                return self.watch_observation(index, watching, observation, deadline, *mark, *already);
            }
            Action::Unseen { observations, within, .. } => {
                self.watch_unseen(&watching, observations, begin + *within)
            }
            Action::NoChange { channels, duration } => {
                let begin = watching.begin.at;
                let end = begin + *duration;
                watching.quiet.resize(channels.len(), None);
                let (timeline, horizon) = (&self.timeline, self.horizon);
                let mut each = channels.iter().zip(&mut watching.quiet);
                let moved = each.find_map(|(channel, next)| {
                    (!quiet(timeline, channel, (begin, end), horizon, next)).then_some(channel)
                });
                match moved {
                    Some(channel) => Outcome::Done(Err((step.origin.unmet(), format!("{channel} changed")))),
                    // A pulse that began at the very end is known to be none only after a glitch's length.
                    None if self.horizon >= end + self.precision.bounce() => Outcome::Done(Ok(())),
                    None => Outcome::Open(end + self.precision.bounce()),
                }
            }
            Action::Watch { observation, first, from_rest, probe, within, .. } => {
                let deadline = begin + *within;
                match self.watch_entry(&mut watching, observation, deadline, (*first, *from_rest)) {
                    Ok(Some(taken)) => {
                        self.probes[probe.0] = Some(taken);
                        Outcome::Done(Ok(()))
                    }
                    Ok(None) => Outcome::Open(watching.until),
                    Err(unmet) => Outcome::Done(Err(unmet)),
                }
            }
            // Nothing else is watched: one that is here all the same proves nothing.
            Action::Set { .. }
            | Action::Ask { .. }
            | Action::Wait { .. }
            | Action::If { .. }
            | Action::Judge { .. }
            | Action::Measure { .. }
            | Action::Unprovable { .. }
            | Action::Never { .. }
            | Action::MayOpen { .. }
            | Action::Limited { .. }
            | Action::Sequence(_)
            | Action::Together(_) => {
                Outcome::Done(Err((Weight::Inconclusive, format!("{} can't be watched", step.label))))
            }
        };
        self.conclude(index, watching, outcome)
    }

    fn conclude(&mut self, index: usize, mut watching: Box<Watching<'p>>, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Done(outcome) => {
                self.end_step(index, watching.step, outcome);
                true
            }
            Outcome::Open(until) => {
                watching.until = until;
                self.fibers[index].state = State::Watching(watching);
                false
            }
        }
    }

    fn limits(&self, begin: Begin, deadline: Instant, already: bool) -> Limits {
        let slack = self.precision.observation.saturating_add(self.precision.stimulus);
        Limits {
            begin: begin.at,
            deadline: deadline + slack,
            horizon: self.horizon,
            slack,
            bounce: self.precision.bounce(),
            already,
        }
    }

    fn watch_observation(
        &mut self,
        index: usize,
        mut watching: Box<Watching<'p>>,
        observation: &'p Observation,
        deadline: Instant,
        mark: Option<Mark>,
        already: bool,
    ) -> bool {
        let step = watching.step;
        let limits = self.limits(watching.begin, deadline, already);
        let weight = step.origin.unmet();
        let outcome = match observed(observation, &self.timeline, limits, &mut watching.progress) {
            Judgement::Met { at } => {
                if let Some(mark) = mark {
                    self.marks[mark.0] = Some(at);
                }
                self.fibers[index].seen = Some((&step.label, at));
                self.end_step(index, step, Ok(()));
                if weight == Weight::Fail {
                    let since = watching.begin.at;
                    let name = format!("latency of {}", step.label);
                    let limit = Limit::at_most(deadline.since(since));
                    self.measure(name, at.since(since), limit, limits.slack, step.origin);
                }
                return true;
            }
            Judgement::Unmet { reason } => {
                // What waits for an event that may stay out goes on when its window ends.
                if let Some(mark) = mark {
                    self.marks[mark.0] = Some(self.now);
                }
                Outcome::Done(Err((weight, reason)))
            }
            Judgement::Unclear { reason } => Outcome::Done(Err((unclear(weight), reason))),
            Judgement::Pending { until } => Outcome::Open(until),
        };
        self.conclude(index, watching, outcome)
    }

    fn watch_unseen(
        &self,
        watching: &Watching<'p>,
        observations: &[Observation],
        deadline: Instant,
    ) -> Outcome {
        let limits = self.limits(watching.begin, deadline, false);
        match unseen(observations, &self.timeline, limits) {
            Judgement::Pending { until } => Outcome::Open(until),
            Judgement::Met { at } => {
                let reason = format!("at {at} the lock confirmed a reset that did not happen");
                Outcome::Done(Err((watching.step.origin.unmet(), reason)))
            }
            Judgement::Unclear { reason } => Outcome::Done(Err((Weight::Inconclusive, reason))),
            Judgement::Unmet { .. } => Outcome::Done(Ok(())),
        }
    }

    /// Whether the lock takes what was entered; nothing while that is open.
    fn watch_entry(
        &self,
        watching: &mut Watching<'p>,
        observation: &'p Observation,
        deadline: Instant,
        (first, from_rest): (Mark, bool),
    ) -> Result<Option<bool>, (Weight, String)> {
        let since = watching.begin.at;
        if from_rest && let Observation::Contact { channel, value } = observation {
            let first = self.marks[first.0].unwrap_or(since);
            let contact = self.timeline.contact(channel);
            let was_so =
                contact.and_then(|contact| contact.at(first)).unwrap_or(channel.traits().begins_on) == *value;
            let changes = contact.map_or(&[][..], |contact| contact.since(first));
            let is_early =
                |edge: &Edge| edge.at > first && edge.at <= since && edge.value == Value::Switch(*value);
            if was_so || changes.iter().any(is_early) {
                let reason = format!("the {channel} moved before the code was complete");
                return Err((watching.step.origin.unmet(), reason));
            }
        }
        // What happened at the very moment of the last touch was not caused by it.
        let begin = since + Duration::nanoseconds(1);
        let limits = Limits { begin, ..self.limits(watching.begin, deadline, false) };
        match observed(observation, &self.timeline, limits, &mut watching.progress) {
            Judgement::Met { .. } => Ok(Some(true)),
            Judgement::Unmet { .. } => Ok(Some(false)),
            Judgement::Unclear { reason } => Err((Weight::Inconclusive, reason)),
            Judgement::Pending { until } => {
                watching.until = until;
                Ok(None)
            }
        }
    }
}

/// What can't be told is never the lock's failure.
pub(super) fn unclear(weight: Weight) -> Weight {
    match weight {
        Weight::Ignore => Weight::Ignore,
        Weight::Fail | Weight::Inconclusive => Weight::Inconclusive,
    }
}
