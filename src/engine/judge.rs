//! Observations judged on the edges of a timeline.

use crate::scenario::ast::Observation;
use crate::scenario::{Expected, Probe, Weight};
use crate::trace::{Channel, Edge, Judgement, Pulse, Response, TRAILING, Timeline, Value, pulses};
use crate::unit::{Duration, Instant, counted};

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
            let wanted = words.as_ref().map(|words| words.to_lowercase());
            let fits = |text: &str| wanted.as_ref().is_none_or(|wanted| text.to_lowercase().contains(wanted));
            let says = |seen: &Value| matches!(seen, Value::Text(text) if fits(text));
            let what = words.as_ref().map_or_else(|| "a voice".to_owned(), |words| format!("“{words}”"));
            first(&says, format!("{what} was not heard in time"))
        }
        Observation::Notified { channel, what } => {
            let told = |seen: &Value| matches!(seen, Value::Notify(text) if text == what);
            first(&told, format!("{channel} was not told {what} in time"))
        }
    }
}

/// More edges than this in one window hide what they could mean.
const MAX_BEGINNINGS: usize = 64;

/// Judges whether all observations show in a window, wherever in it they begin: unmet only once it is over.
pub(super) fn unseen(
    observations: &[Observation],
    timeline: &Timeline,
    window: (Instant, Instant),
    horizon: Instant,
    slack: Duration,
) -> Observed {
    let mut all = Observed::Met { at: window.0 };
    for observation in observations {
        let found = anywhere(observation, timeline.of(&observation.channel()), window, horizon, slack);
        all = match (all, found) {
            (unmet @ Observed::Unmet { .. }, _) | (_, unmet @ Observed::Unmet { .. }) => unmet,
            (pending @ Observed::Pending { .. }, _) | (_, pending @ Observed::Pending { .. }) => pending,
            (unclear @ Observed::Unclear { .. }, _) | (_, unclear @ Observed::Unclear { .. }) => unclear,
            (Observed::Met { at }, Observed::Met { at: other }) => Observed::Met { at: at.max(other) },
        };
    }
    all
}

/// Judges one from each edge on. What begins within a group of pulses could be a part of another signal.
fn anywhere(
    observation: &Observation,
    edges: &[Edge],
    (since, deadline): (Instant, Instant),
    horizon: Instant,
    slack: Duration,
) -> Observed {
    let own: Vec<Instant> =
        edges.iter().map(|edge| edge.at).filter(|at| *at > since && *at <= deadline.min(horizon)).collect();
    if own.len() > MAX_BEGINNINGS {
        let reason = format!("{} changes on {} are too many to tell", own.len(), observation.channel());
        return Observed::Unclear { reason };
    }
    let mut last = Observed::Unmet { reason: String::new() };
    let mut pending: Option<Instant> = None;
    let mut before = since;
    for (index, begin) in std::iter::once(since).chain(own).enumerate() {
        let is_apart = index == 0 || begin.since(before) >= TRAILING;
        before = begin;
        match observed(observation, edges, (begin, deadline), horizon, slack) {
            met @ Observed::Met { .. } if is_apart => return met,
            Observed::Met { at } => {
                let reason = format!("what was seen at {at} ends like a confirmation");
                last = Observed::Unclear { reason };
            }
            unclear @ Observed::Unclear { .. } => last = unclear,
            Observed::Pending { until } => pending = Some(pending.map_or(until, |other| other.min(until))),
            Observed::Unmet { .. } => {}
        }
    }
    match pending {
        _ if horizon < deadline => Observed::Pending { until: deadline },
        // A count is known a while after its last pulse.
        Some(until) => Observed::Pending { until },
        None => last,
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

fn says_locked(response: &Response) -> bool {
    response.why.as_deref().is_some_and(|why| why.contains("locked"))
}

/// What an answer means for a step that asked: a probe's value, or what is wrong.
pub(super) fn answered(
    channel: &Channel,
    op: &str,
    expected: Expected,
    weight: Weight,
    response: Option<&Response>,
) -> Result<Option<(Probe, bool)>, (Weight, String)> {
    let refusal = |why: Option<&str>| {
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        format!("{channel} refused {op}{why}")
    };
    let unanswered = || format!("{channel} did not answer {op}");
    match (expected, response) {
        (Expected::Done, Some(r)) if r.ok => Ok(None),
        (Expected::Done, Some(r)) => Err((weight, refusal(r.why.as_deref()))),
        (Expected::Refused, Some(r)) if r.ok => {
            Err((weight, format!("{channel} did {op} and had to refuse it")))
        }
        // A debug probe always answers: silence is a probe that is not there.
        (Expected::Refused, None) if *channel == Channel::Memory => Err((Weight::Inconclusive, unanswered())),
        // One that found no target refuses, too, and has not tried the lock's port.
        (Expected::Refused, Some(r)) if *channel == Channel::Memory && !says_locked(r) => {
            let why = r.why.as_deref().unwrap_or("nothing more");
            Err((Weight::Inconclusive, format!("the probe does not say that the port is locked, but {why}")))
        }
        (Expected::Refused, _) => Ok(None),
        (Expected::Paired(wanted), Some(r)) if r.ok => match r.paired {
            Some(paired) if paired == wanted => Ok(None),
            Some(true) => Err((weight, format!("{channel} is still paired"))),
            Some(false) => Err((weight, format!("{channel} is not paired"))),
            None => Err((Weight::Inconclusive, format!("{channel} does not say whether it is paired"))),
        },
        (Expected::Holds { codes, users }, Some(r)) if r.ok => match (r.paired, r.codes.zip(codes)) {
            (Some(true), Some((said, stored))) if said != stored => {
                Err((weight, format!("{channel} counts {}, and {stored} were stored", counted(said, "code"))))
            }
            (Some(true), _) => match r.users {
                Some(said) if said > 1 => {
                    Err((weight, format!("{channel} counts {}, and 1 was bound", counted(said, "user"))))
                }
                None if users => {
                    Err((Weight::Inconclusive, format!("{channel} does not say how many users it has")))
                }
                _ => Ok(None),
            },
            _ => Err((weight, format!("{channel} does not say that it is paired"))),
        },
        (Expected::Erased { codes }, Some(r)) if r.ok => {
            let left = |count: Option<u64>| count.filter(|count| *count > 0);
            match (r.paired, left(r.users), left(r.codes).filter(|_| codes)) {
                (Some(true), ..) => Err((weight, format!("{channel} is still paired"))),
                (_, Some(users), _) => {
                    Err((weight, format!("{channel} still counts {}", counted(users, "user"))))
                }
                (_, _, Some(left)) => {
                    Err((weight, format!("{channel} still counts {}", counted(left, "code"))))
                }
                (Some(false), None, None) => Ok(None),
                (None, ..) => {
                    Err((Weight::Inconclusive, format!("{channel} does not say whether it is paired")))
                }
            }
        }
        // Silence or a refusal to say is no proof that a binding is gone.
        (Expected::Paired(false) | Expected::Erased { .. } | Expected::Holds { .. }, Some(r)) => {
            Err((Weight::Inconclusive, refusal(r.why.as_deref())))
        }
        (Expected::Paired(true), Some(r)) => Err((weight, refusal(r.why.as_deref()))),
        (Expected::Probe(probe), Some(r)) if r.ok => Ok(Some((probe, r.paired == Some(true)))),
        (Expected::Probe(_), Some(r)) => Err((Weight::Inconclusive, refusal(r.why.as_deref()))),
        (Expected::Done, None) => Err((weight, unanswered())),
        (
            Expected::Paired(_) | Expected::Erased { .. } | Expected::Holds { .. } | Expected::Probe(_),
            None,
        ) => Err((Weight::Inconclusive, unanswered())),
    }
}
