//! A contact without its bounces, edge by edge.

use crate::unit::{Duration, Instant};

use super::timeline::Edge;
use super::train::GLITCH;
use super::value::Value;

/// The changes of a contact, as far as edges are known for certain. A change is dated to when the contact first
/// left its old value, and is one once it has kept the new one for longer than a glitch.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    changes: Vec<Edge>,
    taken: usize,
    /// The value that it has now, bounces included, and since when.
    current: Option<(bool, Instant)>,
    /// When it first left the value that it had for certain.
    left: Option<Instant>,
    /// What is shorter is a bounce, if that is more than a glitch.
    debounce: Duration,
}

impl Contact {
    /// Takes the edges that are new and known for certain; `edges` are all that the channel ever had.
    pub(super) fn extend(&mut self, edges: &[Edge], horizon: Instant, debounce: Duration) {
        self.debounce = debounce;
        let new = edges.get(self.taken..).unwrap_or_default();
        for edge in new.iter().take_while(|edge| edge.at <= horizon) {
            self.taken += 1;
            let Value::Switch(value) = edge.value else { continue };
            self.settle(edge.at);
            if self.current.is_some_and(|(current, _)| current == value) {
                continue;
            }
            if Some(value) != self.steady() {
                self.left.get_or_insert(edge.at);
            }
            self.current = Some((value, edge.at));
        }
        self.settle(horizon);
    }

    fn steady_after(&self) -> Duration {
        GLITCH.max(self.debounce)
    }

    fn steady(&self) -> Option<bool> {
        self.changes.last().map(|edge| edge.value == Value::Switch(true))
    }

    fn settle(&mut self, now: Instant) {
        let steady_after = self.steady_after();
        let is_steady = |(_, since): &(bool, Instant)| now.since(*since) >= steady_after;
        let Some((value, since)) = self.current.filter(is_steady) else {
            return;
        };
        let left = self.left.take();
        if Some(value) != self.steady() {
            self.changes.push(Edge { at: left.unwrap_or(since), value: Value::Switch(value) });
        }
    }

    /// Its changes, bounces left out.
    pub fn changes(&self) -> &[Edge] {
        &self.changes
    }

    /// Its changes from `start` on.
    pub fn since(&self, start: Instant) -> &[Edge] {
        &self.changes[self.changes.partition_point(|edge| edge.at < start)..]
    }

    /// The value that it has at a time, if it ever took one.
    pub fn at(&self, time: Instant) -> Option<bool> {
        let before = &self.changes[..self.changes.partition_point(|edge| edge.at <= time)];
        before.last().map(|edge| edge.value == Value::Switch(true))
    }

    /// When it is known whether it changed, though no edge comes.
    pub fn due(&self) -> Option<Instant> {
        self.current
            .filter(|(value, _)| Some(*value) != self.steady())
            .map(|(_, since)| since + self.steady_after())
    }
}
