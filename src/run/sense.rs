//! Contacts that are read back: did the relay do what its line was told?

use crate::engine::Precision;
use crate::evidence::Entry;
use crate::rig::{Bench, Contact, Drive, Fault};
use crate::unit::{Duration, Moment};

/// A relay that has not followed within this time is stuck or worn: those of common boards take
/// 10 ms at most, and a sense line may be debounced besides.
const FOLLOWS_WITHIN: Duration = Duration::milliseconds(100);

/// The sensed outputs of a bench.
pub(super) struct Senses {
    outputs: Vec<Sense>,
    /// What the rig states of its edges.
    precision: Precision,
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
    /// It followed, and so late.
    late: Option<Duration>,
    /// When the contact left rest.
    left: Option<Moment>,
}

impl Senses {
    /// `precision` has the expanded uncertainty of one edge of an output, and of a contact.
    pub(super) fn new(
        bench: &Bench,
        epoch: Moment,
        precision: Precision,
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
                late: None,
                left: None,
            }
        });
        Self { outputs: outputs.collect(), precision }
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
        let precision = self.precision;
        let sense = self.outputs.get_mut(output)?;
        sense.sensed = closed;
        sense.judge(at);
        let within = sense.within();
        // The last of its bounces counts: until then the lock may have felt either.
        if let (true, Some(driven)) = (sense.expected == closed, sense.driven) {
            let late = at.since(driven);
            let is_late = late > steady_within(precision, sense.debounce.unwrap_or_default());
            sense.late = sense.late.or(Some(late).filter(|_| is_late && late <= within));
        }
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
        // Expanded (k = 2), of the length between two of its edges.
        Some(Entry::SensedHold { output, sensed_ns, uncertainty_ns: precision.observation.times(2) })
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
            if let Some(late) = sense.late {
                return Some(too_late(name, late, self.precision));
            }
            if sense.missed.is_some_and(|since| is_over(&since)) {
                return Some(Fault(format!(
                    "the contact of `{name}` did not follow at all while its output was driven"
                )));
            }
            let since = sense.differs.filter(is_over)?;
            let (is, not) = if sense.expected { ("open", "closed") } else { ("closed", "open") };
            Some(Fault(format!(
                "the contact of `{}` is {is} {} after it should have been {not}: stuck, worn, or wired wrongly",
                sense.name,
                now.since(since)
            )))
        })
    }
}

/// A contact that is steady later makes untrue what the rig states, by the uncertainties of both edges.
pub(super) fn steady_within(precision: Precision, debounce: Duration) -> Duration {
    precision.stimulus.saturating_add(precision.observation).times(2).saturating_add(debounce)
}

/// A contact was steady so long after its output, which is too late.
pub(super) fn too_late(name: &str, late: Duration, precision: Precision) -> Fault {
    let stated = steady_within(precision, Duration::ZERO);
    Fault(format!(
        "the contact of `{name}` was steady only {late} after its output, but the rig's `uncertainty` \
         allows {stated}"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::from_nanoseconds(1_000_000_000 + milliseconds * 1_000_000)
    }

    /// One relay with a normally open contact that is read back.
    fn senses() -> Senses {
        let sense = Sense {
            name: "button.reset".into(),
            contact: Contact::NormallyOpen,
            rest_closed: false,
            debounce: Some(Duration::ZERO),
            expected: false,
            sensed: false,
            differs: None,
            driven: None,
            owes: false,
            missed: None,
            stray: None,
            late: None,
            left: None,
        };
        let (stimulus, observation) = (Duration::milliseconds(9), Duration::milliseconds(1));
        Senses {
            outputs: vec![sense],
            precision: Precision { stimulus, observation, ..Precision::default() },
        }
    }

    /// What is wrong after commands (at, on) and edges of the contact (at, closed), a second later.
    fn fault(commands: &[(u64, bool)], edges: &[(u64, bool)], edges_first: bool) -> Option<String> {
        let mut senses = senses();
        let drive = |on: bool| if on { Drive::Energised } else { Drive::Deenergised };
        let mut all: Vec<(u64, bool, bool)> =
            commands.iter().map(|(t, on)| (*t, !edges_first, *on)).collect();
        all.extend(edges.iter().map(|(t, closed)| (*t, edges_first, *closed)));
        // Of what happens together, one kind is heard of first.
        all.sort_by_key(|(t, is_first, _)| (*t, !is_first));
        for (t, is_first, value) in all {
            match is_first == edges_first {
                true => drop(senses.sensed(0, value, at(t))),
                false => senses.driven(0, drive(value), at(t)),
            }
        }
        senses.overdue(at(60_000)).map(|fault| fault.to_string())
    }

    #[test]
    fn a_contact_that_follows_is_fine_bounces_and_all() {
        let commands = [(0, true), (30_000, false)];
        assert_eq!(fault(&commands, &[(4, true), (5, false), (6, true), (30_003, false)], false), None);
        // A wire instead of a relay: its edge may be heard of before the command.
        assert_eq!(fault(&commands, &[(0, true), (30_000, false)], true), None);
        // A short pulse that a slow relay follows only when it is over.
        assert_eq!(fault(&[(0, true), (5, false)], &[(8, true), (13, false)], false), None);
    }

    #[test]
    fn a_contact_that_drops_out_in_the_middle_of_a_hold_is_a_fault() {
        let edges = [(4, true), (15_000, false), (15_060, true), (30_003, false)];
        let fault = fault(&[(0, true), (30_000, false)], &edges, false).expect("a fault");
        assert!(fault.contains("moved though nothing drove it"), "{fault}");
    }

    #[test]
    fn a_contact_that_misses_a_short_pulse_is_a_fault() {
        let fault = fault(&[(0, true), (50, false)], &[], false).expect("a fault");
        assert!(fault.contains("did not follow at all"), "{fault}");
    }

    #[test]
    fn a_contact_that_is_later_than_the_rig_states_is_a_fault() {
        let commands = [(0, true), (30_000, false)];
        let fault = |edges: &[(u64, bool)]| fault(&commands, edges, false);
        assert_eq!(fault(&[(20, true), (30_020, false)]), None);
        let late = fault(&[(60, true), (30_003, false)]).expect("a fault");
        assert!(late.contains("steady only 60 ms after its output"), "{late}");
        let bounces = fault(&[(3, true), (30_003, false), (30_004, true), (30_040, false)]).expect("a fault");
        assert!(bounces.contains("steady only 40 ms"), "{bounces}");
    }
}
