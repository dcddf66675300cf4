//! The bolt, watched in every moment of a case: where no step lets it open, an opening is the lock's failure,
//! whatever the case is about.

use crate::trace::{Channel, Edge, Value};
use crate::unit::{Duration, Instant};

use super::Engine;
use super::record::StepOutcome;
use crate::scenario::Weight;

/// A lock that took what was entered, or learns its door, may open so much later, if it has not opened yet: the longest
/// that a model of ours states is 10 s.
const LATE: Duration = Duration::seconds(12);

/// When the bolt may open, and how far it was looked at.
#[derive(Debug, Default)]
pub(super) struct BoltWatch {
    /// From when to when; the end is not known while the steps are played.
    windows: Vec<(Instant, Instant)>,
    /// Changes of the contact that were looked at.
    looked: usize,
}

impl BoltWatch {
    /// It may open from now on.
    pub(super) fn open(&mut self, at: Instant) {
        self.windows.push((at, Instant::NEVER));
    }

    /// The steps during which it may open are over. A lock that took what was entered may be late, unless its bolt has
    /// opened and was thrown again by now.
    pub(super) fn close(&mut self, now: Instant, was_taken: bool, changes: &[Edge]) {
        let Some((from, until)) = self.windows.iter_mut().rfind(|(_, until)| *until == Instant::NEVER) else {
            return;
        };
        let mut since = changes.iter().filter(|edge| edge.at >= *from);
        let has_opened = since.any(|edge| edge.value == Value::Switch(false));
        let is_thrown_again = has_opened && since.any(|edge| edge.value == Value::Switch(true));
        *until = if was_taken && !is_thrown_again { now + LATE } else { now };
    }

    /// The part ended in the midst of such steps.
    pub(super) fn close_all(&mut self, now: Instant) {
        for (_, until) in self.windows.iter_mut().filter(|(_, until)| *until == Instant::NEVER) {
            *until = now + LATE;
        }
    }
}

impl Engine<'_> {
    /// Fails the running part if the bolt opened while nothing lets it.
    pub(super) fn check_bolt(&mut self) -> bool {
        let changes = self.timeline.contact(&Channel::Bolt).map_or(&[][..], |contact| contact.changes());
        let new = changes.get(self.bolt.looked..).unwrap_or_default();
        if new.is_empty() {
            return false;
        }
        self.bolt.looked = changes.len();
        // What a rig says of a contact at the very beginning is where it stands, and no movement.
        let opens = new.iter().filter(|edge| edge.value == Value::Switch(false) && edge.at > Instant::START);
        let is_asked =
            |at: Instant| self.bolt.windows.iter().any(|(from, until)| (*from..=*until).contains(&at));
        let Some(at) = opens.map(|edge| edge.at).find(|at| !is_asked(*at)) else {
            return false;
        };
        let reason = format!("the bolt opened at {at}, when nothing should open it");
        self.step_record(reason.clone(), self.now, StepOutcome::Unmet, String::new());
        self.unmet(Weight::Fail, &reason);
        true
    }
}
