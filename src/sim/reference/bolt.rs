//! The bolt of the reference lock: where it is, and what moves it or keeps it.

use crate::unit::{Duration, Instant};

/// The motor moves it from one end to the other in this time.
const TRAVEL: Duration = Duration::milliseconds(400);

/// What the motor does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drive {
    /// Nothing.
    #[default]
    Stands,
    /// Towards open.
    Opens,
    /// Towards thrown.
    Closes,
}

/// A bolt, which is thrown at first.
#[derive(Clone, Debug, Default)]
pub(super) struct Bolt {
    /// How far it was from thrown at a time, in time of travel.
    position: Duration,
    since: Instant,
    drive: Drive,
    /// The strike is blocked: no motor moves the bolt.
    is_blocked: bool,
}

impl Bolt {
    /// The motor does something else from now on.
    pub(super) fn drive(&mut self, now: Instant, drive: Drive) {
        self.settle(now);
        self.drive = drive;
    }

    /// The strike is blocked, or is no longer.
    pub(super) fn block(&mut self, now: Instant, is_blocked: bool) {
        self.settle(now);
        self.is_blocked = is_blocked;
    }

    fn moves(&self) -> Drive {
        if self.is_blocked { Drive::Stands } else { self.drive }
    }

    /// It has moved up to now.
    fn settle(&mut self, now: Instant) {
        let moved = now.since(self.since);
        self.position = match self.moves() {
            Drive::Stands => self.position,
            Drive::Opens => self.position.saturating_add(moved).min(TRAVEL),
            Drive::Closes => self.position.saturating_sub(moved),
        };
        self.since = now;
    }

    /// Whether it is thrown, and whether it is open: neither, as soon as it begins to leave.
    pub(super) fn ends(&mut self, now: Instant) -> (bool, bool) {
        self.settle(now);
        let moves = self.moves();
        let is_thrown = self.position == Duration::ZERO && moves != Drive::Opens;
        (is_thrown, self.position == TRAVEL && moves != Drive::Closes)
    }

    /// When it arrives at the end that it moves to.
    pub(super) fn arrives(&self) -> Instant {
        match self.moves() {
            Drive::Opens if self.position < TRAVEL => self.since + TRAVEL.saturating_sub(self.position),
            Drive::Closes if self.position > Duration::ZERO => self.since + self.position,
            Drive::Stands | Drive::Opens | Drive::Closes => Instant::NEVER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Duration::milliseconds(milliseconds)
    }

    #[test]
    fn it_takes_its_time_there_and_back() {
        let mut bolt = Bolt::default();
        assert_eq!(bolt.ends(at(0)), (true, false));
        bolt.drive(at(100), Drive::Opens);
        assert_eq!((bolt.ends(at(100)), bolt.arrives()), ((false, false), at(500)));
        assert_eq!((bolt.ends(at(500)), bolt.arrives()), ((false, true), Instant::NEVER));
        bolt.drive(at(700), Drive::Closes);
        bolt.drive(at(800), Drive::Stands);
        assert_eq!((bolt.ends(at(900)), bolt.arrives()), ((false, false), Instant::NEVER));
        bolt.drive(at(1_000), Drive::Closes);
        assert_eq!((bolt.arrives(), bolt.ends(at(1_300))), (at(1_300), (true, false)));
    }

    #[test]
    fn a_blocked_strike_keeps_it_where_it_is() {
        let mut bolt = Bolt::default();
        bolt.block(at(0), true);
        bolt.drive(at(0), Drive::Opens);
        assert_eq!((bolt.ends(at(900)), bolt.arrives()), ((true, false), Instant::NEVER));
        bolt.block(at(1_000), false);
        assert_eq!((bolt.ends(at(1_000)), bolt.arrives()), ((false, false), at(1_400)));
    }
}
