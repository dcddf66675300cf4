//! Contacts that are read back: did the relay do what its line was told?

use crate::evidence::Entry;
use crate::rig::{Bench, Contact, Drive, Fault};
use crate::unit::{Duration, Moment};

/// A relay that has not followed within this time is stuck or worn: those of common boards take
/// 10 ms at most, and a sense line may be debounced besides.
const FOLLOWS_WITHIN: Duration = Duration::milliseconds(100);

/// The sensed outputs of a bench.
pub(super) struct Senses {
    outputs: Vec<Sense>,
    /// Expanded uncertainty (k = 2) of a hold between two of their edges.
    uncertainty: Duration,
}

struct Sense {
    name: String,
    contact: Contact,
    rest_closed: bool,
    debounce: Option<Duration>,
    expected: bool,
    sensed: bool,
    /// Since when the contact differs from what was commanded.
    differs: Option<Moment>,
    /// When the output was driven last.
    driven: Option<Moment>,
    /// The output left rest, and its contact has not yet.
    owes: bool,
    /// When it came back without its contact having left.
    missed: Option<Moment>,
    /// The contact moved though nothing drove it, at that time.
    stray: Option<Moment>,
    /// When the contact left rest.
    left: Option<Moment>,
}

impl Senses {
    /// `observation` is the expanded uncertainty of one edge.
    pub(super) fn new(
        bench: &Bench,
        epoch: Moment,
        observation: Duration,
        sensed: impl Fn(usize) -> Option<bool>,
    ) -> Self {
        let outputs = bench.outputs.iter().enumerate().map(|(index, output)| {
            let rest_closed = output.contact.drive(true) == output.rest;
            let is_closed = sensed(index).unwrap_or(rest_closed);
            Sense {
                name: output.name.clone(),
                contact: output.contact,
                rest_closed,
                debounce: output.sense.as_ref().map(|sense| sense.debounce),
                expected: rest_closed,
                sensed: is_closed,
                differs: (is_closed != rest_closed).then_some(epoch),
                driven: None,
                owes: false,
                missed: None,
                stray: None,
                left: None,
            }
        });
        Self { outputs: outputs.collect(), uncertainty: observation.times(2) }
    }

    pub(super) fn name(&self, output: usize) -> String {
        self.outputs.get(output).map(|sense| sense.name.clone()).unwrap_or_default()
    }

    /// An output was driven: its contact has to follow.
    pub(super) fn driven(&mut self, output: usize, drive: Drive, at: Moment) {
        let Some(sense) = self.outputs.get_mut(output) else { return };
        sense.command(sense.contact.drive(true) == drive, at);
    }

    /// Every output was brought to its rest.
    pub(super) fn rested(&mut self, at: Moment) {
        for sense in &mut self.outputs {
            sense.command(sense.rest_closed, at);
        }
    }

    /// A contact closed or opened; a hold that ended with it is put on record.
    pub(super) fn sensed(&mut self, output: usize, closed: bool, at: Moment) -> Option<Entry> {
        let uncertainty_ns = self.uncertainty;
        let sense = self.outputs.get_mut(output)?;
        sense.sensed = closed;
        sense.judge(at);
        let within = sense.within();
        if sense.driven.is_none_or(|driven| at.since(driven) > within) {
            sense.stray.get_or_insert(at);
        }
        if closed != sense.rest_closed {
            sense.left.get_or_insert(at);
            (sense.owes, sense.missed) = (false, None);
            return None;
        }
        let left = sense.left.take()?;
        let (output, sensed_ns) = (sense.name.clone(), at.since(left));
        Some(Entry::SensedHold { output, sensed_ns, uncertainty_ns })
    }

    /// Whether every contact is as it was commanded.
    pub(super) fn agree(&self) -> bool {
        let agrees =
            |sense: &Sense| sense.differs.is_none() && sense.missed.is_none() && sense.stray.is_none();
        self.outputs.iter().all(|sense| sense.debounce.is_none() || agrees(sense))
    }

    /// A contact that did not follow in time, or moved by itself.
    pub(super) fn overdue(&self, now: Moment) -> Option<Fault> {
        self.outputs.iter().find_map(|sense| {
            sense.debounce?;
            let (within, name) = (sense.within(), &sense.name);
            let is_over = |since: &Moment| now.since(*since) > within;
            if sense.stray.is_some_and(|since| is_over(&since)) {
                let what = "moved though nothing drove it: loose, worn, or wired wrongly";
                return Some(Fault(format!("the contact of `{name}` {what}")));
            }
            if sense.missed.is_some_and(|since| is_over(&since)) {
                return Some(Fault(format!(
                    "the contact of `{name}` did not follow at all while it was driven"
                )));
            }
            let since = sense.differs.filter(is_over)?;
            let (is, not) = if sense.expected { ("open", "closed") } else { ("closed", "open") };
            Some(Fault(format!(
                "the contact of `{}` is {is} {} after it had to be {not}: stuck, worn, or wired wrongly",
                sense.name,
                now.since(since)
            )))
        })
    }
}

impl Sense {
    /// How long after a command the contact may move, bounces included.
    fn within(&self) -> Duration {
        FOLLOWS_WITHIN.saturating_add(self.debounce.unwrap_or_default().times(2))
    }

    fn command(&mut self, closed: bool, at: Moment) {
        if closed != self.expected {
            let is_back = closed == self.rest_closed;
            self.missed = Some(at).filter(|_| is_back && self.owes);
            self.owes = !is_back && self.sensed == self.rest_closed;
            self.driven = Some(at);
            // Its edge may be heard of before the command that caused it.
            let within = self.within();
            self.stray = self.stray.filter(|stray| at.since(*stray) > within);
        }
        self.expected = closed;
        self.judge(at);
    }

    fn judge(&mut self, at: Moment) {
        if self.expected == self.sensed {
            self.differs = None;
        } else {
            self.differs.get_or_insert(at);
        }
    }
}
