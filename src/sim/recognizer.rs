//! Recognises a reset's sequence of presses, holds, power changes and turns, one stage at a time.

use crate::unit::{Angle, Duration, Instant};

use super::mutation::{Rule, Rules};

/// Something done to the lock, after debounce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Down(&'static str),
    Up(&'static str),
    /// After so long without power, and so long after a button was touched meanwhile.
    PowerUp {
        off: Duration,
        tapped: Option<Duration>,
    },
    PowerDown,
    CellOut(u8),
    CellIn(u8),
    DoorOpened,
    Turned(Angle),
    Armed,
    Entered,
    Key(char),
}

/// What a stage waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Down(&'static str),
    Up(&'static str),
    PowerUp,
    /// After at least so long without power.
    PowerUpAfter(Duration),
    /// With a button touched while there was none, at most so long before.
    PowerUpTapped(Duration),
    /// With a button touched while there was none, at least so long before.
    PowerUpHeld(Duration),
    DoorOpened,
    AnyCellOut,
    CellOut(u8),
    AnyCellIn,
    CellIn(u8),
    /// A turn of at least so many degrees in the direction of the sign.
    Turned(i64),
    /// Time, with everything that must be held still held.
    Elapsed(Duration),
    /// The app permitted it.
    Armed,
    /// A valid code was entered first.
    Entered,
    /// A key of the keypad.
    Key(char),
}

/// One stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub awaited: Awaited,
    /// A button that must be down all the while, and when the stage is reached.
    pub holding: Option<&'static str>,
    /// At most so long after the stage before.
    pub within: Option<Duration>,
    /// A cue that the lock gives when the stage is reached.
    pub cue: Option<super::design::Cue>,
}

/// A stage without conditions.
pub(super) const fn stage(awaited: Awaited) -> Stage {
    Stage { awaited, holding: None, within: None, cue: None }
}

impl Stage {
    pub(super) const fn holding(mut self, button: &'static str) -> Self {
        self.holding = Some(button);
        self
    }

    pub(super) const fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    pub(super) const fn cue(mut self, cue: super::design::Cue) -> Self {
        self.cue = Some(cue);
        self
    }
}

/// What a defective lock lets pass.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Careless {
    /// Half of a turn.
    pub half_turn: bool,
    /// Any key instead of the right one.
    pub any_key: bool,
    /// Any last key instead of the right one.
    pub any_last_key: bool,
    /// The last key is missing.
    pub last_key: bool,
    /// The last of several presses is missing.
    pub last_press: bool,
    /// A hold that is let go.
    pub released: bool,
    /// A pause that is too long.
    pub late: bool,
    /// Share of a hold that is enough, in percent.
    pub percent: u64,
}

/// Progress through the stages of one sequence.
#[derive(Clone, Debug, Default)]
pub(super) struct Recognizer {
    reached: usize,
    since: Instant,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing.
    Same,
    /// A hold was let go too early, after this share of its time.
    LetGo { percent: u64 },
    /// The stage with this number was reached.
    Reached(usize),
    /// The whole sequence was done.
    Complete,
}

impl Recognizer {
    pub(super) fn reset(&mut self) {
        self.reached = 0;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.reached == 0
    }

    /// Whether time completes the current stage while a button is held, and it is held.
    pub(super) fn is_in_hold(&self, stages: &[Stage], held: impl Fn(&str) -> bool) -> bool {
        match stages.get(self.reached) {
            Some(Stage { awaited: Awaited::Elapsed(_), holding: Some(button), .. }) => held(button),
            _ => false,
        }
    }

    /// Whether a button that is to be let go was held for five times as long as it takes, or longer.
    pub(super) fn is_overlong(&self, stages: &[Stage], now: Instant) -> bool {
        let awaits_release = matches!(stages.get(self.reached), Some(Stage { awaited: Awaited::Up(_), .. }));
        let hold = self.reached.checked_sub(1).and_then(|before| stages.get(before));
        match hold {
            Some(Stage { awaited: Awaited::Elapsed(least), .. }) => {
                awaits_release && now.since(self.since) >= least.times(4)
            }
            _ => false,
        }
    }

    fn takes_any(&self, stages: &[Stage], careless: Careless) -> bool {
        careless.any_key || (careless.any_last_key && self.reached + 1 == stages.len())
    }

    /// When time alone would complete the current stage, with thresholds scaled by `percent`.
    pub(super) fn timer(&self, stages: &[Stage], percent: u64) -> Option<Instant> {
        match stages.get(self.reached)?.awaited {
            Awaited::Elapsed(duration) => Some(self.since + scaled(duration, percent)),
            _ => None,
        }
    }

    /// Feeds an act; `held` tells which buttons are down.
    pub(super) fn act(
        &mut self,
        stages: &[Stage],
        act: Act,
        now: Instant,
        careless: Careless,
        rules: &Rules,
        held: impl Fn(&str) -> bool,
    ) -> Progress {
        let mut nothing = Progress::Same;
        if self.reached > 0 && self.is_broken_by(stages, act, now, careless, rules) {
            if let Some(Stage { awaited: Awaited::Elapsed(least), .. }) = stages.get(self.reached)
                && matches!(act, Act::Up(_))
            {
                let hundredfold = now.since(self.since).times(100).as_nanoseconds();
                let percent = hundredfold.checked_div(least.as_nanoseconds()).unwrap_or(0);
                nothing = Progress::LetGo { percent };
            }
            self.reset();
        }
        let Some(stage) = stages.get(self.reached) else { return Progress::Same };
        let fits = match (stage.awaited, act) {
            (Awaited::Down(wanted), Act::Down(button)) | (Awaited::Up(wanted), Act::Up(button)) => {
                wanted == button
            }
            (Awaited::PowerUpAfter(least), Act::PowerUp { off, .. }) => {
                rules.decides(Rule::OffLongEnough, off >= least)
            }
            (Awaited::PowerUpTapped(most), Act::PowerUp { tapped, .. }) => {
                rules.decides(Rule::TouchedInTheDark, tapped.is_some_and(|at| at <= most))
            }
            (Awaited::PowerUpHeld(least), Act::PowerUp { tapped, .. }) => {
                let is_long = tapped.is_some_and(|at| at >= scaled(least, careless.percent));
                rules.decides(Rule::TouchedInTheDark, is_long)
            }
            (Awaited::PowerUp, Act::PowerUp { .. })
            | (Awaited::DoorOpened, Act::DoorOpened)
            | (Awaited::AnyCellOut, Act::CellOut(_))
            | (Awaited::AnyCellIn, Act::CellIn(_))
            | (Awaited::Armed, Act::Armed)
            | (Awaited::Entered, Act::Entered) => true,
            (Awaited::CellOut(wanted), Act::CellOut(number))
            | (Awaited::CellIn(wanted), Act::CellIn(number)) => {
                rules.decides(Rule::CellMatches, wanted == number)
            }
            (Awaited::Turned(degrees), Act::Turned(angle)) => {
                let needed = if careless.half_turn { degrees / 2 } else { degrees };
                let turned = angle.as_millionths() / 1_000_000;
                let is_that_way = rules.decides(Rule::TurnDirection, turned.signum() == needed.signum());
                is_that_way && rules.decides(Rule::TurnFar, turned.abs() >= needed.abs() * 9 / 10)
            }
            (Awaited::Key(wanted), Act::Key(key)) => {
                rules.decides(Rule::KeyMatches, wanted == key) || self.takes_any(stages, careless)
            }
            _ => false,
        };
        let holds = || stage.holding.is_none_or(|button| rules.decides(Rule::HeldThen, held(button)));
        if !(fits && holds()) {
            return nothing;
        }
        let progress = self.reach(stages, now);
        let is_nearly = self.reached > 1 && self.reached + 1 == stages.len();
        let forgiven = match stages.get(self.reached).map(|stage| stage.awaited) {
            Some(Awaited::Key(_)) => careless.last_key,
            Some(Awaited::Down(_)) => careless.last_press && matches!(act, Act::Down(_)),
            _ => false,
        };
        if is_nearly && forgiven { self.reach(stages, now) } else { progress }
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, stages: &[Stage], now: Instant, percent: u64) -> Progress {
        match self.timer(stages, percent) {
            Some(due) if now >= due => self.reach(stages, now),
            _ => Progress::Same,
        }
    }

    fn reach(&mut self, stages: &[Stage], now: Instant) -> Progress {
        self.reached += 1;
        self.since = now;
        if self.reached == stages.len() {
            self.reached = 0;
            Progress::Complete
        } else {
            Progress::Reached(self.reached - 1)
        }
    }

    pub(super) fn forget_if_late(&mut self, stages: &[Stage], now: Instant, rules: &Rules) {
        if self.reached > 0 && self.is_late(stages, now, rules) {
            self.reset();
        }
    }

    fn is_late(&self, stages: &[Stage], now: Instant, rules: &Rules) -> bool {
        let within = stages.get(self.reached).and_then(|stage| stage.within);
        within.is_some_and(|limit| rules.decides(Rule::TooLate, now.since(self.since) > limit))
    }

    fn is_broken_by(
        &self,
        stages: &[Stage],
        act: Act,
        now: Instant,
        careless: Careless,
        rules: &Rules,
    ) -> bool {
        let Some(stage) = stages.get(self.reached) else { return false };
        let released = matches!((act, stage.holding), (Act::Up(button), Some(held)) if button == held)
            && !careless.released
            && rules.does(Rule::ReleaseBreaks);
        let late = self.is_late(stages, now, rules) && !careless.late;
        let pressed_again = matches!((act, stage.awaited), (Act::Down(_), Awaited::Elapsed(_)))
            && !careless.released
            && rules.does(Rule::ReleaseBreaks);
        let mistyped = match (act, stage.awaited) {
            (Act::Key(key), Awaited::Key(wanted)) => {
                let is_right = rules.decides(Rule::KeyMatches, key == wanted);
                !is_right && !self.takes_any(stages, careless) && rules.does(Rule::WrongKeyBreaks)
            }
            _ => false,
        };
        released || late || pressed_again || mistyped
    }
}

fn scaled(duration: Duration, percent: u64) -> Duration {
    Duration::nanoseconds(duration.as_nanoseconds() / 100 * percent)
}
