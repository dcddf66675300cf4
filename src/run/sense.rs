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
        sense.expected = sense.contact.drive(true) == drive;
        sense.judge(at);
    }

    /// Every output was brought to its rest.
    pub(super) fn rested(&mut self, at: Moment) {
        for sense in &mut self.outputs {
            sense.expected = sense.rest_closed;
            sense.judge(at);
        }
    }

    /// A contact closed or opened; a hold that ended with it is put on record.
    pub(super) fn sensed(&mut self, output: usize, closed: bool, at: Moment) -> Option<Entry> {
        let uncertainty_ns = self.uncertainty;
        let sense = self.outputs.get_mut(output)?;
        sense.sensed = closed;
        sense.judge(at);
        if closed != sense.rest_closed {
            sense.left.get_or_insert(at);
            return None;
        }
        let left = sense.left.take()?;
        let (output, sensed_ns) = (sense.name.clone(), at.since(left));
        Some(Entry::SensedHold { output, sensed_ns, uncertainty_ns })
    }

    /// Whether every contact is as it was commanded.
    pub(super) fn agree(&self) -> bool {
        self.outputs.iter().all(|sense| sense.debounce.is_none() || sense.differs.is_none())
    }

    /// A contact that did not follow in time.
    pub(super) fn overdue(&self, now: Moment) -> Option<Fault> {
        self.outputs.iter().find_map(|sense| {
            let within = FOLLOWS_WITHIN.saturating_add(sense.debounce?.times(2));
            let since = sense.differs.filter(|since| now.since(*since) > within)?;
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
    fn judge(&mut self, at: Moment) {
        if self.expected == self.sensed {
            self.differs = None;
        } else {
            self.differs.get_or_insert(at);
        }
    }
}
