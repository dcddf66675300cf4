//! The pulses of a light or beeper, recognised edge by edge.

use std::sync::Arc;

use crate::unit::{Duration, Instant};

use super::timeline::Edge;
use super::value::Value;

/// Shorter pulses, gaps and changes are noise: they neither count nor separate. A dimmed light that is switched
/// faster than this is on.
pub const GLITCH: Duration = Duration::milliseconds(8);

/// One time that a light or beeper was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Colour; of a beeper, `sound`.
    pub colour: Arc<str>,
    /// When it came on.
    pub start: Instant,
    /// When it went off or changed colour; `None` while it is on.
    pub end: Option<Instant>,
}

impl Pulse {
    /// How long it is on, or was.
    pub fn length_at(&self, horizon: Instant) -> Duration {
        self.end.unwrap_or(horizon).since(self.start)
    }
}

/// Pulses as far as edges are known for certain. Only the last one can still change.
#[derive(Clone, Debug, Default)]
pub struct Train {
    pulses: Vec<Pulse>,
    taken: usize,
}

impl Train {
    /// All pulses in `edges`, which are known up to `horizon`.
    pub fn of(edges: &[Edge], horizon: Instant) -> Self {
        let mut train = Self::default();
        train.extend(edges, horizon);
        train
    }

    /// Takes the edges that are new and known for certain; `edges` are all that the channel ever had.
    pub(super) fn extend(&mut self, edges: &[Edge], horizon: Instant) {
        let new = edges.get(self.taken..).unwrap_or_default();
        for edge in new.iter().take_while(|edge| edge.at <= horizon) {
            self.taken += 1;
            let colour = match &edge.value {
                Value::Light(colour) => colour.clone(),
                Value::Switch(true) => Some("sound".into()),
                _ => None,
            };
            self.take(edge.at, colour);
        }
    }

    fn take(&mut self, at: Instant, colour: Option<Arc<str>>) {
        if let Some(open) = self.pulses.last_mut().filter(|pulse| pulse.end.is_none()) {
            if colour.as_ref() == Some(&open.colour) {
                return;
            }
            open.end = Some(at);
        }
        let Some(colour) = colour else { return };
        // What is between two halves of a pulse, and shorter than a glitch, is none.
        while let Some(last) = self.pulses.last_mut() {
            let is_near = last.end.is_some_and(|end| at.since(end) < GLITCH);
            if is_near && last.colour == colour {
                last.end = None;
                return;
            }
            if last.length_at(at) >= GLITCH {
                break;
            }
            self.pulses.pop();
        }
        self.pulses.push(Pulse { colour, start: at, end: None });
    }

    /// The pulses that are long enough to be some.
    pub fn seen(&self, horizon: Instant) -> &[Pulse] {
        match self.pulses.split_last() {
            Some((last, before)) if last.length_at(horizon) < GLITCH => before,
            _ => &self.pulses,
        }
    }

    /// When more is known of the last pulse, though no edge comes: that it is one, or that it is over.
    pub fn due(&self, horizon: Instant) -> Option<Instant> {
        let last = self.pulses.last()?;
        let times = [Some(last.start), last.end];
        times.into_iter().flatten().map(|at| at + GLITCH).find(|at| *at > horizon)
    }

    /// How many pulses can't change any more.
    pub(super) fn settled(&self, horizon: Instant) -> usize {
        let is_settled = |pulse: &Pulse| pulse.end.is_some_and(|end| horizon.since(end) >= GLITCH);
        match self.pulses.last() {
            Some(last) if !is_settled(last) => self.pulses.len() - 1,
            _ => self.pulses.len(),
        }
    }
}
