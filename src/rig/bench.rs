//! What a bench of real devices consists of: boards, outputs, sensors.
//!
//! An output has two levels only, energised or not, and not energised is the safe one: a bench
//! that would need power to be safe can't be described.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::trace::{Channel, Keystroke, Value};
use crate::unit::{Duration, Voltage};

use super::probe::ProbePort;

/// A bench with one lock on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bench {
    /// Model of the lock that is mounted.
    pub model: Arc<str>,
    /// Its serial number, if the file says.
    pub serial: Option<String>,
    /// The file says that the lock, or what it is wired to, is simulated.
    pub simulated: bool,
    /// Boards by name.
    pub boards: BTreeMap<Arc<str>, Board>,
    /// Boards whose inputs are read again and again, because they give no edges.
    pub poll: BTreeMap<Arc<str>, Duration>,
    /// Every output, in the order of their channels.
    pub outputs: Vec<Output>,
    /// How channels are set.
    pub actuators: BTreeMap<Channel, Actuator>,
    /// How channels are watched.
    pub sensors: BTreeMap<Channel, Sensor>,
    /// Channels that a program of the user's own speaks for, with its board.
    pub programs: BTreeMap<Channel, Arc<str>>,
    /// Where the lock's console is listened to.
    pub console: Option<ConsoleSource>,
    /// Debug probe on the lock's chip.
    pub probe: Option<ProbePort>,
    /// Outputs of which at most one may be away from rest.
    pub exclusive: Vec<Vec<usize>>,
    /// Watchdog device that the guard feeds.
    pub watchdog: Option<PathBuf>,
}

/// Something with lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Board {
    /// A GPIO chip of the kernel: its name (`gpiochip0`), path or label (`pinctrl-rp1`).
    Gpio {
        /// Which.
        chip: String,
    },
    /// The pins of a Raspberry Pi by their BCM numbers, set through its registers.
    RaspberryPi {},
    /// A serial relay board that speaks the LCUS protocol (`A0 01 01 A2`), which never answers.
    Lcus(RelayBoard),
    /// A serial relay board of Numato, which echoes what it is told.
    Numato(RelayBoard),
    /// A finger on a servo, with one output: energised is pressed.
    Servo(Servo),
    /// A program that speaks for channels which no driver knows.
    Program {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// No board: a file that each write is appended to with its time, for trials.
    Recorder {
        /// Where.
        file: PathBuf,
    },
}

impl Board {
    /// Whether it is the header of a Raspberry Pi, through its registers or its kernel's chip.
    pub fn is_header(&self) -> bool {
        match self {
            Self::RaspberryPi {} => true,
            Self::Gpio { chip } => HEADER_CHIPS.contains(&chip.as_str()),
            _ => false,
        }
    }

    /// The port that it is behind.
    pub fn port(&self) -> Option<&str> {
        match self {
            Self::Lcus(board) | Self::Numato(board) => Some(&board.port),
            _ => None,
        }
    }

    /// Whether both are certainly one device, under whatever names.
    pub fn is_same_device(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Gpio { chip: one }, Self::Gpio { chip: two }) if !self.is_header() => {
                one.trim_start_matches("/dev/") == two.trim_start_matches("/dev/")
            }
            (Self::Servo(one), Self::Servo(two)) => (one.chip, one.channel) == (two.chip, two.channel),
            _ if self.is_header() && other.is_header() => true,
            _ if self.port().is_some() => self.port() == other.port(),
            _ => self == other,
        }
    }

    /// Whether it is behind a serial line, so that each command takes its time.
    pub fn is_serial(&self) -> bool {
        self.port().is_some()
    }
}

/// A relay board behind a serial port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayBoard {
    /// Path of the port.
    pub port: String,
    /// How many relays it has.
    pub relays: u32,
}

/// Labels of the GPIO chips that have the pins of a Raspberry Pi's header, by generation.
pub const HEADER_CHIPS: [&str; 4] = ["pinctrl-rp1", "pinctrl-bcm2712", "pinctrl-bcm2711", "pinctrl-bcm2835"];

/// A servo on hardware PWM that lets go without pulses, by a spring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servo {
    /// Number of the PWM chip.
    pub chip: u8,
    /// Its channel.
    pub channel: u8,
    /// Pulse that lifts the finger.
    #[serde(rename = "released_ns")]
    pub released: Duration,
    /// Pulse that presses.
    #[serde(rename = "pressed_ns")]
    pub pressed: Duration,
}

/// One line of a board.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Line {
    /// Name of the board.
    pub board: Arc<str>,
    /// Number on the board.
    pub number: u32,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.board, self.number)
    }
}

/// Electrical level that means yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// High.
    #[default]
    High,
    /// Low.
    Low,
}

/// Pull of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias {
    /// As the board has it.
    #[default]
    None,
    /// Up.
    PullUp,
    /// Down.
    PullDown,
}

/// What an energised relay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Closes.
    NormallyOpen,
    /// Opens.
    NormallyClosed,
}

impl Contact {
    /// What makes the contact closed, or open.
    pub fn drive(self, closed: bool) -> Drive {
        if closed == (self == Self::NormallyOpen) { Drive::Energised } else { Drive::Deenergised }
    }
}

/// The two levels of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// Without power: always the safe level.
    Deenergised,
    /// With power.
    Energised,
}

impl Drive {
    /// The one that it is not.
    pub fn other(self) -> Self {
        match self {
            Self::Deenergised => Self::Energised,
            Self::Energised => Self::Deenergised,
        }
    }
}

/// An output with its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name: `button.reset`, `keypad row 1`.
    pub name: String,
    /// Where it is.
    pub line: Line,
    /// Level of the line that energises.
    pub active: Active,
    /// What that does.
    pub contact: Contact,
    /// Level between cases.
    pub rest: Drive,
    /// Longest time away from rest; none for one that rests with power.
    pub max_on: Option<Duration>,
    /// Reads the contact back: active means closed.
    pub sense: Option<Input>,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub line: Line,
    /// Level of the line that means yes.
    pub active: Active,
    /// Pull.
    pub bias: Bias,
    /// Changes must last so long.
    pub debounce: Duration,
}

/// How a channel is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actuator {
    /// Closed by one output.
    Switch {
        /// Which.
        output: usize,
    },
    /// A supply of one voltage, through contacts in series.
    Supply {
        /// Its voltage.
        volts: Voltage,
        /// The contacts.
        outputs: Vec<usize>,
    },
    /// Keys between rows and columns, or each with an output of its own.
    Keys {
        /// By label: the outputs that must be closed together.
        keys: BTreeMap<Arc<str>, Vec<usize>>,
    },
}

/// How a channel is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// A contact or a sound sensor.
    Switch(Input),
    /// A light: one line a colour.
    Light(Vec<(Arc<str>, Input)>),
}

/// Where the lock's console is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleSource {
    /// At a serial port.
    Port(ConsolePort),
    /// In the lock's memory, through the probe that reads it.
    Rtt(RttConsole),
}

/// What a firmware says by RTT, and by semihosting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RttConsole {
    /// Address of its control block; `None` is searched for in all RAM.
    pub block: Option<u32>,
}

/// The lock's serial console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsolePort {
    /// Where it is listened to.
    pub port: SerialPort,
    /// It is gone while the lock has no power, as a port of the lock's own is: it is opened again then.
    pub goes_with_power: bool,
}

/// A serial port that is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialPort {
    /// Path.
    pub port: String,
    /// Baud rate.
    pub baud: u32,
}

/// A value that the wiring of a channel can't give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unwired(pub String);

impl Bench {
    /// The outputs that set a channel.
    pub fn outputs_of(&self, channel: &Channel) -> Vec<usize> {
        match self.actuators.get(channel) {
            Some(Actuator::Switch { output }) => vec![*output],
            Some(Actuator::Supply { outputs, .. }) => outputs.clone(),
            Some(Actuator::Keys { keys }) => keys.values().flatten().copied().collect(),
            None => Vec::new(),
        }
    }

    /// How long after the end of client or guard everything is safe at the latest: 20 ms for lines
    /// of this machine, and for each board what its protocol takes.
    pub fn safe_within(&self) -> Duration {
        let on = |name: &Arc<str>| self.outputs.iter().filter(|output| output.line.board == *name).count();
        let boards = self.boards.iter().map(|(name, board)| {
            let each = match board {
                // 8 bytes at 9600 baud.
                Board::Lcus(_) => Duration::milliseconds(10),
                // A command and a question, and a board that answers neither.
                Board::Numato(_) => Duration::milliseconds(160),
                _ => Duration::ZERO,
            };
            each.times(u64::try_from(on(name)).unwrap_or(u64::MAX))
        });
        boards.fold(Duration::milliseconds(20), Duration::saturating_add)
    }

    /// Whether a value closes a circuit, so that the last of its contacts counts; else the first.
    pub fn closes(value: &Value) -> bool {
        match value {
            Value::Switch(on) => *on,
            Value::Voltage(volts) => *volts != Voltage::default(),
            Value::Keys(keys) => !keys.is_empty(),
            _ => false,
        }
    }

    /// Whether a value takes a channel away from its rest.
    pub fn is_away(&self, channel: &Channel, value: &Value) -> bool {
        match value {
            Value::Keys(keys) => !keys.is_empty(),
            _ => self.drives(channel, value).is_ok_and(|drives| {
                drives.iter().any(|(output, drive)| {
                    self.outputs.get(*output).is_some_and(|output| output.rest != *drive)
                })
            }),
        }
    }

    /// Whether a channel is wired.
    pub fn wires(&self, channel: &Channel) -> bool {
        self.actuators.contains_key(channel)
            || self.sensors.contains_key(channel)
            || self.programs.contains_key(channel)
            || (*channel == Channel::Console && self.console.is_some())
            || (*channel == Channel::Memory && self.probe.is_some())
    }

    /// Whether a board or its lock is none.
    pub fn is_simulated(&self) -> bool {
        self.simulated || self.boards.values().any(|board| matches!(board, Board::Recorder { .. }))
    }

    /// The outputs that a value needs, with their levels: closed contacts for what is pressed.
    ///
    /// # Errors
    /// The wiring can't give the value.
    pub fn drives(&self, channel: &Channel, value: &Value) -> Result<Vec<(usize, Drive)>, Unwired> {
        let unwired = |what: String| Unwired(what);
        let actuator = self.actuators.get(channel);
        let actuator = actuator.ok_or_else(|| unwired(format!("nothing on the bench sets {channel}")))?;
        let closed = |output: &usize, closed: bool| {
            let contact = self.outputs.get(*output).map_or(Contact::NormallyOpen, |o| o.contact);
            (*output, contact.drive(closed))
        };
        match (actuator, value) {
            (Actuator::Switch { output }, Value::Switch(on)) => Ok(vec![closed(output, *on)]),
            (Actuator::Supply { volts, outputs }, Value::Voltage(wanted)) => {
                let on = *wanted == *volts;
                if !on && *wanted != Voltage::default() {
                    return Err(unwired(format!(
                        "the bench supplies {volts}; {wanted} needs another supply"
                    )));
                }
                Ok(outputs.iter().map(|output| closed(output, on)).collect())
            }
            (Actuator::Keys { keys }, Value::Keys(held)) => {
                let held = held.iter().map(label).collect::<Result<Vec<_>, _>>()?;
                let lines = held.iter().map(|label| {
                    keys.get(label).ok_or_else(|| unwired(format!("key `{label}` is not wired")))
                });
                let lines: Vec<&Vec<usize>> = lines.collect::<Result<_, _>>()?;
                let is_on = |output: &usize| lines.iter().any(|key| key.contains(output));
                let ghost = keys.iter().find(|(label, key)| !held.contains(label) && key.iter().all(is_on));
                if let (Some((ghost, _)), true) = (ghost, !held.is_empty()) {
                    let held = held.join(" and ");
                    return Err(unwired(format!(
                        "pressing {held} together would also press {ghost} on this wiring"
                    )));
                }
                let mut all: Vec<usize> = keys.values().flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                Ok(all.iter().map(|output| closed(output, is_on(output))).collect())
            }
            _ => Err(unwired(format!("{channel} can't be set to that value"))),
        }
    }
}

/// The digits of secrets are put in before a value comes here.
fn label(key: &Keystroke) -> Result<Arc<str>, Unwired> {
    match key {
        Keystroke::Key(label) => Ok(Arc::clone(label)),
        Keystroke::Secret { .. } => Err(Unwired("a secret has no key of its own".into())),
    }
}
