//! What a program holds, for how long at the longest, and what beside what: a bench asks before anything is
//! switched.

use std::collections::{BTreeMap, BTreeSet};

use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::{Action, Step};

/// What a case holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// How long each channel can stay at what it was set to before it is set again.
    pub longest: BTreeMap<Channel, Duration>,
    /// Two channels that can be held at the same time, or one without a pause after the other; the
    /// lesser first.
    pub together: BTreeSet<(Channel, Channel)>,
}

/// What is held, and since when.
type Held = BTreeMap<Channel, Duration>;

impl Holds {
    /// When the steps have ended at the latest, if they begin when `elapsed` has passed.
    pub(super) fn walk(
        &mut self,
        steps: &[Step],
        mut elapsed: Duration,
        open: &mut Held,
        counts: &impl Fn(&Channel, &Value) -> bool,
    ) -> Duration {
        for step in steps {
            match &step.action {
                Action::Set { channel, value, .. } => {
                    if counts(channel, value) {
                        open.keys().for_each(|other| self.pair(channel, other));
                        open.entry(channel.clone()).or_insert(elapsed);
                    } else if let Some(since) = open.remove(channel) {
                        self.note(channel.clone(), elapsed.saturating_sub(since));
                    }
                }
                Action::If { body, .. }
                | Action::Never { body, .. }
                | Action::MayOpen { body, .. }
                | Action::Sequence(body)
                | Action::Limited { body, .. } => {
                    elapsed = self.walk(body, elapsed, open, counts);
                }
                Action::Together(branches) => {
                    elapsed = self.side_by_side(branches, elapsed, open, counts);
                }
                Action::Ask { .. }
                | Action::Wait { .. }
                | Action::Observe { .. }
                | Action::Unseen { .. }
                | Action::NoChange { .. }
                | Action::Watch { .. }
                | Action::Judge { .. }
                | Action::Measure { .. }
                | Action::Unprovable { .. } => elapsed = elapsed.saturating_add(step.longest(true)),
            }
        }
        elapsed
    }

    /// Whatever one branch holds at any time can be held beside whatever another does.
    fn side_by_side(
        &mut self,
        branches: &[Vec<Step>],
        elapsed: Duration,
        open: &mut Held,
        counts: &impl Fn(&Channel, &Value) -> bool,
    ) -> Duration {
        let mut end = elapsed;
        let mut held: Vec<BTreeSet<&Channel>> = Vec::new();
        for branch in branches {
            end = end.max(self.walk(branch, elapsed, open, counts));
            let mut all = BTreeSet::new();
            let mut steps: Vec<&Step> = branch.iter().collect();
            while let Some(step) = steps.pop() {
                steps.extend(step.action.children().into_iter().flatten());
                if let Action::Set { channel, value, .. } = &step.action
                    && counts(channel, value)
                {
                    all.insert(channel);
                }
            }
            for (one, other) in
                held.iter().flatten().flat_map(|one| all.iter().map(move |other| (one, other)))
            {
                self.pair(one, other);
            }
            held.push(all);
        }
        end
    }

    fn pair(&mut self, one: &Channel, other: &Channel) {
        if one != other {
            self.together.insert((one.min(other).clone(), one.max(other).clone()));
        }
    }

    pub(super) fn note(&mut self, channel: Channel, length: Duration) {
        let longest = self.longest.entry(channel).or_default();
        *longest = (*longest).max(length);
    }
}
