//! Observations judged on the edges of a timeline.

use crate::scenario::ast::Observation;
use crate::trace::{Channel, Edge, Judgement, Pulse, Timeline, Value, pulses};
use crate::unit::{Duration, Instant};

/// What is known of an observation.
pub(super) type Observed = Judgement;

/// Judges `edges`, all of the observation's channel, within a window; times that must be met are
/// unclear within `slack` of their limits.
pub(super) fn observed(
    observation: &Observation,
    edges: &[Edge],
    (since, deadline): (Instant, Instant),
    horizon: Instant,
    slack: Duration,
) -> Observed {
    let first = |matches: &dyn Fn(&Value) -> bool, absent: String| {
        let found = edges.iter().find(|edge| edge.at >= since && edge.at <= deadline && matches(&edge.value));
        match found {
            Some(edge) => Judgement::Met { at: edge.at },
            None if horizon >= deadline => Judgement::Unmet { reason: absent },
            None => Judgement::Pending { until: deadline },
        }
    };
    match observation {
        Observation::Pulses { pattern, .. } => pattern.judge(edges, (since, deadline), horizon, slack),
        Observation::Contact { channel, value } => {
            let word = match (channel, value) {
                (Channel::Bolt, true) => "was not thrown",
                (_, true) => "was not closed",
                (_, false) => "did not open",
            };
            first(&|seen| *seen == Value::Switch(*value), format!("{channel} {word} in time"))
        }
        Observation::Spoken { words } => {
            let wanted = words.to_lowercase();
            let says =
                |seen: &Value| matches!(seen, Value::Text(text) if text.to_lowercase().contains(&wanted));
            first(&says, format!("“{words}” was not heard in time"))
        }
        Observation::Notified { channel, what } => {
            let told = |seen: &Value| matches!(seen, Value::Notify(text) if text == what);
            first(&told, format!("{channel} was not told {what} in time"))
        }
    }
}

/// Whether nothing but noise happened on a channel between two times, as far as is known.
pub(super) fn quiet(
    timeline: &Timeline,
    channel: &Channel,
    begin: Instant,
    end: Instant,
    horizon: Instant,
) -> bool {
    if matches!(channel, Channel::Light(_) | Channel::Beeper) {
        let before = |pulse: &Pulse| pulse.start < begin && pulse.end.is_none_or(|ended| ended > end);
        let after = |pulse: &Pulse| pulse.start > end;
        let over = |pulse: &Pulse| pulse.end.is_some_and(|ended| ended < begin);
        let seen = pulses(timeline.of(channel), horizon);
        return seen.iter().all(|pulse| before(pulse) || after(pulse) || over(pulse));
    }
    let edges = timeline.since(channel, begin);
    let before = timeline.value_at(channel, begin);
    edges.iter().filter(|edge| edge.at > begin && edge.at <= end).all(|edge| Some(&edge.value) == before)
}
