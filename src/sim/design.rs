//! What a simulated lock is made of.

use crate::unit::Duration;

use super::recognizer::Stage;

/// A light, beep or word that the lock gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    pub what: Signal,
    /// How often.
    pub count: u64,
    /// How long each.
    pub on: Duration,
    /// How long between two.
    pub off: Duration,
    /// How long after the start of the cue.
    pub delay: Duration,
}

/// Where it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Light { name: &'static str, colour: &'static str },
    Beep,
    Say(&'static str),
}

/// Several at once.
pub(super) type Cue = &'static [Show];

/// `count` flashes of a light.
pub(super) const fn light(
    name: &'static str,
    colour: &'static str,
    count: u64,
    on_ms: u64,
    off_ms: u64,
) -> Show {
    let what = Signal::Light { name, colour };
    Show { what, count, on: ms(on_ms), off: ms(off_ms), delay: Duration::ZERO }
}

/// `count` beeps.
pub(super) const fn beep(count: u64, on_ms: u64, off_ms: u64) -> Show {
    Show { what: Signal::Beep, count, on: ms(on_ms), off: ms(off_ms), delay: Duration::ZERO }
}

/// Spoken words.
pub(super) const fn say(words: &'static str) -> Show {
    Show {
        what: Signal::Say(words),
        count: 1,
        on: Duration::ZERO,
        off: Duration::ZERO,
        delay: Duration::ZERO,
    }
}

impl Show {
    pub(super) const fn after(mut self, delay_ms: u64) -> Self {
        self.delay = ms(delay_ms);
        self
    }
}

pub(super) const fn ms(count: u64) -> Duration {
    Duration::milliseconds(count)
}

pub(super) const fn s(count: u64) -> Duration {
    Duration::seconds(count)
}

/// How a code is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// There is no keypad.
    None,
    /// Digits, then a key.
    Terminated(&'static str),
    /// A key, then so many digits.
    Prefixed(&'static str, usize),
}

/// What starts a reset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger {
    /// A sequence of presses and the like; one that survives a loss of power is kept by a capacitor.
    Stages { stages: &'static [Stage], survives_power: bool },
    /// Lines typed after the master code.
    MenuLines(&'static [&'static str]),
    /// The app asks for it.
    App,
    /// The hub asks for it.
    Hub,
    /// Powered up with this button held, then the maker's proof is typed.
    Proof { button: &'static str, cue: Cue },
    /// Powered up with both buttons held, the master code, then this key; without a master code one
    /// is registered there, by typing it twice.
    Service { buttons: [&'static str; 2], key: &'static str },
    /// The app takes it out of the hub's network.
    AppLeavesHub,
}

impl Trigger {
    /// The stages of a sequence, and whether it survives a loss of power.
    pub(super) const fn stages(self) -> Option<(&'static [Stage], bool)> {
        match self {
            Self::Stages { stages, survives_power } => Some((stages, survives_power)),
            Self::MenuLines(_)
            | Self::App
            | Self::Hub
            | Self::Proof { .. }
            | Self::Service { .. }
            | Self::AppLeavesHub => None,
        }
    }
}

/// A way to reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reset {
    pub trigger: Trigger,
    /// How it is confirmed.
    pub cue: Cue,
    /// Codes are erased.
    pub codes: bool,
    /// The app's binding is.
    pub app: bool,
    /// Refused while an app is bound.
    pub without_app: bool,
}

/// Erases everything and says nothing.
pub(super) const RESET: Reset =
    Reset { trigger: Trigger::Hub, cue: &[], codes: true, app: true, without_app: false };

/// One model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Design {
    pub model: &'static str,
    /// Places for codes, from 1.
    pub slots: u64,
    pub cells: u8,
    /// The lock runs with so many cells.
    pub cells_needed: u8,
    pub minimum_millivolts: i64,
    pub buttons: &'static [&'static str],
    /// Buttons can be reached only with the cover off.
    pub covered: bool,
    pub entry: Entry,
    /// Key that throws the bolt.
    pub lock_key: &'static str,
    pub default_codes: &'static [&'static str],
    pub default_master: Option<&'static str>,
    /// Wrong codes, and the penalty.
    pub lockout: Option<(u8, Duration)>,
    /// A source states that; otherwise it is a choice, and no claim rests on it.
    pub lockout_is_stated: bool,
    /// A source states how codes are stored and typed, if there is a keypad.
    pub entry_is_stated: bool,
    pub app: bool,
    pub hub: bool,
    /// After a reset the hand must be taught before codes work.
    pub handing: Option<Handing>,
    /// Any code opens until the first is added.
    pub open_when_fresh: bool,
    /// The app must permit a reset by button.
    pub armed_by_app: bool,
    /// Codes can be added at the keypad, after the master code.
    pub keypad_programming: bool,
    pub resets: &'static [Reset],
}

/// How the hand is taught.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handing {
    Stages(&'static [Stage]),
    /// This line after the master code.
    MenuLine(&'static str),
}

/// What most models have.
pub(super) const PLAIN: Design = Design {
    model: "",
    slots: 250,
    cells: 4,
    cells_needed: 4,
    minimum_millivolts: 3_600,
    buttons: &[],
    covered: false,
    entry: Entry::None,
    lock_key: "",
    default_codes: &[],
    default_master: None,
    lockout: None,
    lockout_is_stated: true,
    entry_is_stated: true,
    app: false,
    hub: false,
    handing: None,
    open_when_fresh: false,
    armed_by_app: false,
    keypad_programming: false,
    resets: &[],
};
