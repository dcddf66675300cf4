//! How much was done to a lock: what one figure of an exploration is about.

use crate::evidence::Entry;
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};

/// Keys, and levels of a supply, that follow each other within this time are one entry, or one change.
const TOGETHER: Duration = Duration::seconds(1);

/// Counts operations of a lock: requests, presses, turns, changes of its supply, and entries at its keypad.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// So far.
    pub operations: u64,
    last_key: Option<Instant>,
    last_level: Option<Instant>,
}

impl Tally {
    /// Something was recorded.
    pub(super) fn note(&mut self, at: Instant, entry: &Entry) {
        if let Entry::Begin { .. } = entry {
            (self.last_key, self.last_level) = (None, None);
        }
        if let Entry::Command { channel, value, .. } = entry {
            self.command(at, channel, value);
        }
    }

    fn command(&mut self, at: Instant, channel: &Channel, value: &Value) {
        let begins =
            |last: &mut Option<Instant>| last.replace(at).is_none_or(|last| at.since(last) > TOGETHER);
        let is_new = match value {
            Value::Keys(keys) => !keys.is_empty() && begins(&mut self.last_key),
            Value::Voltage(_) => begins(&mut self.last_level),
            // A button is let go as part of its press.
            Value::Switch(on) => *on || !matches!(channel, Channel::Button(_)),
            Value::Request(_) | Value::Angle(_) => true,
            Value::Light(_) | Value::Current(_) | Value::Text(_) | Value::Response(_) | Value::Notify(_) => {
                false
            }
        };
        self.operations += u64::from(is_new);
    }
}
