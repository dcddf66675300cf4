//! The signals of a case by channel, in the order in which they happened.

use crate::unit::Instant;

use super::{Channel, Value};

/// A channel took a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// When.
    pub at: Instant,
    /// Which value it took.
    pub value: Value,
}

/// All edges of a case.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    channels: Vec<(Channel, Vec<Edge>)>,
}

impl Timeline {
    /// Adds an edge; one that is stamped earlier than known ones is put in its place.
    pub fn push(&mut self, channel: &Channel, edge: Edge) {
        let known = self.channels.iter().position(|(c, _)| c == channel);
        let index = known.unwrap_or_else(|| {
            self.channels.push((channel.clone(), Vec::new()));
            self.channels.len() - 1
        });
        let edges = &mut self.channels[index].1;
        let position = edges.iter().rposition(|e| e.at <= edge.at).map_or(0, |i| i + 1);
        edges.insert(position, edge);
    }

    /// The edges of a channel.
    pub fn of(&self, channel: &Channel) -> &[Edge] {
        self.channels.iter().find(|(c, _)| c == channel).map_or(&[], |(_, edges)| edges)
    }

    /// The edges of a channel from `start` on.
    pub fn since(&self, channel: &Channel, start: Instant) -> &[Edge] {
        let edges = self.of(channel);
        &edges[edges.partition_point(|edge| edge.at < start)..]
    }

    /// The value a channel has at `time`, if it ever took one.
    pub fn value_at(&self, channel: &Channel, time: Instant) -> Option<&Value> {
        let edges = self.of(channel);
        edges[..edges.partition_point(|edge| edge.at <= time)].last().map(|edge| &edge.value)
    }

    /// Every channel with its edges, by channel name.
    pub fn channels(&self) -> impl Iterator<Item = (&Channel, &[Edge])> {
        let mut list: Vec<_> = self.channels.iter().collect();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list.into_iter().map(|(channel, edges)| (channel, edges.as_slice()))
    }
}
