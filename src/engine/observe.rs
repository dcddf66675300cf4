//! Observations judged on what the signals amount to, each with how far it was looked at.

use crate::scenario::Since;
use crate::scenario::ast::Observation;
use crate::trace::{Channel, Edge, Form, Judgement, Recognition, TRAILING, Timeline, Value};
use crate::unit::{Duration, Instant};

/// Since when an observation counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    pub at: Instant,
    /// A key was touched then.
    is_touch: bool,
}

impl Begin {
    /// At the point that a step refers to.
    pub(super) fn new(since: Since, at: Instant) -> Self {
        Self { at, is_touch: matches!(since, Since::Touch(_)) }
    }
}

/// How far an observation was looked at.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Pulses(Box<Recognition>),
    /// The first message that was not looked at.
    Messages(Option<usize>),
    Contact,
}

impl Progress {
    /// Nothing of it was looked at.
    pub(super) fn of(observation: &Observation, begin: Begin) -> Self {
        match observation {
            Observation::Pulses { .. } if begin.is_touch => {
                Self::Pulses(Box::new(Recognition::since_touch(begin.at)))
            }
            Observation::Pulses { .. } => Self::Pulses(Box::new(Recognition::new(begin.at))),
            Observation::Contact { .. } => Self::Contact,
            Observation::Spoken { .. } | Observation::Notified { .. } => Self::Messages(None),
        }
    }
}

/// What limits an observation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub begin: Instant,
    pub deadline: Instant,
    /// Every signal up to here is known.
    pub horizon: Instant,
    /// Times that must be met are unclear within this of their limits.
    pub slack: Duration,
    /// What is shorter on a contact is no change.
    pub bounce: Duration,
    /// A contact that has the value already, and keeps it, is enough.
    pub already: bool,
}

/// Judges an observation within a window.
pub(super) fn observed(
    observation: &Observation,
    timeline: &Timeline,
    limits: Limits,
    progress: &mut Progress,
) -> Judgement {
    let Limits { begin, deadline, horizon, slack, bounce, already } = limits;
    match (observation, progress) {
        (Observation::Pulses { channel, pattern }, Progress::Pulses(recognition)) => {
            let empty = Default::default();
            let train = timeline.train(channel).unwrap_or(&empty);
            recognition.judge(pattern, train, deadline, horizon, slack)
        }
        (Observation::Contact { channel, value }, Progress::Contact) => {
            contact(timeline, channel, *value, (begin, deadline), (horizon, bounce), already)
        }
        (Observation::Spoken { words }, Progress::Messages(next)) => {
            let wanted = words.as_ref().map(|words| words.to_lowercase());
            let fits = |text: &str| wanted.as_ref().is_none_or(|wanted| text.to_lowercase().contains(wanted));
            let says = |seen: &Value| matches!(seen, Value::Text(text) if fits(text));
            let what = words.as_ref().map_or_else(|| "a voice".to_owned(), |words| format!("“{words}”"));
            let found = message(timeline.of(&Channel::Voice), (begin, deadline), horizon, next, &says);
            found.unwrap_or_else(|| still(deadline, horizon, format!("{what} was not heard in time")))
        }
        (Observation::Notified { channel, what }, Progress::Messages(next)) => {
            let told = |seen: &Value| matches!(seen, Value::Notify(text) if text == what);
            let found = message(timeline.of(channel), (begin, deadline), horizon, next, &told);
            found.unwrap_or_else(|| {
                still(deadline, horizon, format!("{channel} was not notified of {what} in time"))
            })
        }
        // Made for another kind of observation: begin anew.
        (observation, progress) => {
            *progress = Progress::of(observation, Begin { at: begin, is_touch: false });
            Judgement::Pending { until: horizon }
        }
    }
}

/// Not seen so far, or not in time.
fn still(deadline: Instant, horizon: Instant, absent: String) -> Judgement {
    if horizon >= deadline {
        Judgement::Unmet { reason: absent }
    } else {
        Judgement::Pending { until: deadline }
    }
}

fn contact(
    timeline: &Timeline,
    channel: &Channel,
    value: bool,
    (begin, deadline): (Instant, Instant),
    (horizon, bounce): (Instant, Duration),
    already: bool,
) -> Judgement {
    let contact = timeline.contact(channel);
    let is_wanted = |edge: &&Edge| edge.at <= deadline && edge.value == Value::Switch(value);
    let found = contact.and_then(|contact| contact.since(begin).iter().find(is_wanted));
    if let Some(edge) = found {
        return Judgement::Met { at: edge.at };
    }
    // A change at the very end is known to be none of a contact's bounces only a little later.
    let known = deadline + bounce;
    if horizon < known {
        let due = contact.and_then(|contact| contact.due()).filter(|due| *due > horizon);
        return Judgement::Pending { until: due.map_or(known, |due| due.min(known)) };
    }
    let is_already = || {
        let level = contact.and_then(|contact| contact.at(deadline));
        level.unwrap_or(channel.traits().begins_on) == value
    };
    if already && is_already() {
        return Judgement::Met { at: deadline };
    }
    let word = match (channel, value) {
        (Channel::Bolt, true) => "was not thrown",
        (_, true) => "was not closed",
        (_, false) => "did not open",
    };
    Judgement::Unmet { reason: format!("{channel} {word} in time") }
}

/// The first message in a window that is wanted; those that are known for certain are looked at once.
fn message(
    edges: &[Edge],
    (begin, deadline): (Instant, Instant),
    horizon: Instant,
    next: &mut Option<usize>,
    is_wanted: &dyn Fn(&Value) -> bool,
) -> Option<Judgement> {
    let first = next.unwrap_or_else(|| edges.partition_point(|edge| edge.at < begin));
    let new = edges.get(first..).unwrap_or_default();
    let found = new.iter().find(|edge| edge.at >= begin && edge.at <= deadline && is_wanted(&edge.value));
    *next = Some(first + new.iter().take_while(|edge| edge.at <= horizon).count());
    found.map(|edge| Judgement::Met { at: edge.at })
}

/// More edges than this in one window hide what they could mean.
const MAX_BEGINNINGS: usize = 64;

/// Judges whether all observations show in a window, wherever in it they begin: unmet only once it is over.
pub(super) fn unseen(observations: &[Observation], timeline: &Timeline, limits: Limits) -> Judgement {
    let mut all = Judgement::Met { at: limits.begin };
    for observation in observations {
        let found = anywhere(observation, timeline, limits);
        all = match (all, found) {
            (unmet @ Judgement::Unmet { .. }, _) | (_, unmet @ Judgement::Unmet { .. }) => unmet,
            (pending @ Judgement::Pending { .. }, _) | (_, pending @ Judgement::Pending { .. }) => pending,
            (unclear @ Judgement::Unclear { .. }, _) | (_, unclear @ Judgement::Unclear { .. }) => unclear,
            (Judgement::Met { at }, Judgement::Met { at: other }) => Judgement::Met { at: at.max(other) },
        };
    }
    all
}

/// When a light or beep changed in a window, noise left out; no more of it than can be told.
fn beginnings(timeline: &Timeline, channel: &Channel, since: Instant, until: Instant) -> Vec<Instant> {
    let pulses = timeline.train(channel).map_or(&[][..], |train| train.seen(until));
    let first = pulses.partition_point(|pulse| pulse.end.is_some_and(|end| end <= since));
    let all = pulses[first..].iter().flat_map(|pulse| std::iter::once(pulse.start).chain(pulse.end));
    let within = all.filter(|at| *at > since).take_while(|at| *at <= until);
    within.take(MAX_BEGINNINGS + 1).collect()
}

/// Judges one wherever in the window it begins. A pattern may begin at any change; what begins within a group of
/// pulses could be a part of another signal.
fn anywhere(observation: &Observation, timeline: &Timeline, limits: Limits) -> Judgement {
    let Limits { begin: since, deadline, horizon, .. } = limits;
    let Observation::Pulses { channel, .. } = observation else {
        let mut progress = Progress::of(observation, Begin { at: since, is_touch: false });
        return observed(observation, timeline, limits, &mut progress);
    };
    let own = beginnings(timeline, channel, since, deadline.min(horizon));
    if own.len() > MAX_BEGINNINGS {
        let reason = format!("more than {MAX_BEGINNINGS} changes on {channel}, too many to judge");
        return Judgement::Unclear { reason };
    }
    let mut last = Judgement::Unmet { reason: String::new() };
    let mut pending: Option<Instant> = None;
    let mut before = since;
    for (index, at) in std::iter::once(since).chain(own).enumerate() {
        let is_apart = index == 0 || at.since(before) >= TRAILING;
        before = at;
        let mut progress = Progress::of(observation, Begin { at, is_touch: false });
        match observed(observation, timeline, limits, &mut progress) {
            met @ Judgement::Met { .. } if is_apart => return met,
            Judgement::Met { at } => {
                let reason =
                    format!("what was seen at {at} may be a confirmation, or the end of another signal");
                last = Judgement::Unclear { reason };
            }
            unclear @ Judgement::Unclear { .. } => last = unclear,
            Judgement::Pending { until } => pending = Some(pending.map_or(until, |other| other.min(until))),
            Judgement::Unmet { .. } => {}
        }
    }
    match pending {
        _ if horizon < deadline => Judgement::Pending { until: deadline },
        // A count is known a while after its last pulse.
        Some(until) => Judgement::Pending { until },
        None => last,
    }
}

/// Whether nothing but noise happened on a channel between two times, as far as is known; `next` is the first
/// message that was not looked at.
pub(super) fn quiet(
    timeline: &Timeline,
    channel: &Channel,
    (begin, end): (Instant, Instant),
    horizon: Instant,
    next: &mut Option<usize>,
) -> bool {
    match channel.form() {
        Form::Pulses => {
            let Some(train) = timeline.train(channel) else { return true };
            let pulses = train.seen(horizon);
            let first = pulses.partition_point(|pulse| pulse.start < begin);
            let begins = pulses.get(first).is_some_and(|pulse| pulse.start <= end);
            let before = first.checked_sub(1).and_then(|index| pulses.get(index)).and_then(|pulse| pulse.end);
            !begins && !before.is_some_and(|ended| ended >= begin && ended <= end)
        }
        Form::Contact => {
            let changes = timeline.contact(channel).map_or(&[][..], |contact| contact.since(begin));
            !changes.iter().any(|edge| edge.at > begin && edge.at <= end)
        }
        Form::Level | Form::Message => {
            let edges = timeline.of(channel);
            let first = next.unwrap_or_else(|| edges.partition_point(|edge| edge.at <= begin));
            // A level may be measured again; a message that comes again is a message.
            let level = timeline.value_at(channel, begin).filter(|_| channel.form() == Form::Level);
            let new = edges.get(first..).unwrap_or_default();
            // What was said at the very beginning may have been heard after this was looked at first.
            let mut within = new.iter().skip_while(|edge| edge.at <= begin).take_while(|edge| edge.at <= end);
            let is_quiet = within.all(|edge| Some(&edge.value) == level);
            *next = Some(first + new.iter().take_while(|edge| edge.at <= horizon).count());
            is_quiet
        }
    }
}
