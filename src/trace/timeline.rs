//! The signals of a case by channel, in the order in which they happened, and what they amount to without noise.

use crate::unit::{Duration, Instant};

use super::channel::Form;
use super::contact::Contact;
use super::train::Train;
use super::{Channel, Value};

/// A channel took a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// When.
    pub at: Instant,
    /// Which value it took.
    pub value: Value,
}

/// All edges of a channel.
#[derive(Clone, Debug, Default)]
struct Track {
    edges: Vec<Edge>,
    train: Train,
    contact: Contact,
}

/// All edges of a case.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    tracks: Vec<(Channel, Track)>,
}

impl Timeline {
    /// Adds an edge; one that is stamped earlier than known ones is put in its place.
    pub fn push(&mut self, channel: &Channel, edge: Edge) {
        let known = self.tracks.iter().position(|(c, _)| c == channel);
        let index = known.unwrap_or_else(|| {
            self.tracks.push((channel.clone(), Track::default()));
            self.tracks.len() - 1
        });
        let edges = &mut self.tracks[index].1.edges;
        let position = edges.iter().rposition(|e| e.at <= edge.at).map_or(0, |i| i + 1);
        edges.insert(position, edge);
    }

    /// Takes it that every edge up to `horizon` is there: pulses and contacts are known up to then. A contact
    /// counts as changed once it has kept its value for as long as `debounce`, and for longer than a glitch.
    pub fn settle(&mut self, horizon: Instant, debounce: Duration) {
        for (channel, track) in &mut self.tracks {
            match channel.form() {
                Form::Pulses => track.train.extend(&track.edges, horizon),
                Form::Contact => track.contact.extend(&track.edges, horizon, debounce),
                Form::Level | Form::Message => {}
            }
        }
    }

    fn track(&self, channel: &Channel) -> Option<&Track> {
        self.tracks.iter().find(|(c, _)| c == channel).map(|(_, track)| track)
    }

    /// The edges of a channel.
    pub fn of(&self, channel: &Channel) -> &[Edge] {
        self.track(channel).map_or(&[], |track| &track.edges)
    }

    /// The pulses of a light or beeper, as far as they are settled.
    pub fn train(&self, channel: &Channel) -> Option<&Train> {
        self.track(channel).map(|track| &track.train)
    }

    /// The changes of a contact, as far as they are settled.
    pub fn contact(&self, channel: &Channel) -> Option<&Contact> {
        self.track(channel).map(|track| &track.contact)
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
        let mut list: Vec<_> = self.tracks.iter().collect();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list.into_iter().map(|(channel, track)| (channel, track.edges.as_slice()))
    }
}
