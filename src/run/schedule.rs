//! Commands whose time has not come, for a player in virtual time: a long chain of them costs no
//! more than a short one.

use std::collections::BTreeMap;

use crate::engine::When;
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};

/// A command as the engine gave it out.
pub(super) struct Command {
    pub(super) id: u64,
    pub(super) channel: Channel,
    pub(super) value: Value,
}

/// Commands by their time, and those that wait for another one to be achieved.
#[derive(Default)]
pub(super) struct Schedule {
    timed: BTreeMap<(Instant, u64), Command>,
    following: BTreeMap<(u64, u64), (Duration, Command)>,
}

impl Schedule {
    pub(super) fn add(&mut self, when: When, command: Command) {
        match when {
            When::At(at) => {
                self.timed.insert((at, command.id), command);
            }
            When::After { command: before, delay } => {
                self.following.insert((before, command.id), (delay, command));
            }
        }
    }

    /// A newer command on a channel supersedes those that were to come.
    pub(super) fn supersede(&mut self, channel: &Channel) {
        self.timed.retain(|_, command| command.channel != *channel);
        self.following.retain(|_, (_, command)| command.channel != *channel);
    }

    /// A command was achieved, which gives those that follow it their times.
    pub(super) fn achieved(&mut self, id: u64, at: Instant) {
        while let Some((&key, _)) = self.following.range((id, 0)..=(id, u64::MAX)).next() {
            if let Some((delay, command)) = self.following.remove(&key) {
                self.timed.insert((at + delay, command.id), command);
            }
        }
    }

    /// When the next command is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.timed.keys().next().map(|(at, _)| *at)
    }

    /// The next command, if it is due now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Command> {
        let entry = self.timed.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
