//! The reference lock: its board in virtual time, around an emulated microcontroller that runs its real firmware.
//!
//! Pins and behaviour are those of `firmware/SPEC.md`. Edges are exact to the cycle of 62.5 ns, and stamped with the
//! nanosecond that follows it.

mod bolt;
#[cfg(test)]
mod counted;
mod image;
mod live;
mod memory;
mod relays;

use std::sync::Arc;

use crate::rig::{EMULATED_MODEL, Fault, Hello, LockstepDevice, Ran, Ready};
use crate::trace::{Channel, Keystroke, MAX_TEXT_BYTES, Value};
use crate::unit::{Instant, Voltage};

use self::memory::MemoryProbe;
use super::PortFault;
use super::mcu::Machine;
use bolt::{Bolt, Drive};
pub use image::firmware_image;
pub use relays::Relays;

/// Pins of the reset button, of the lights and of the beeper.
const BUTTON: u8 = 17;
const GREEN: u8 = 21;
const RED: u8 = 22;
const BEEPER: u8 = 23;
/// Pins of the keypad: the firmware drives one row low at a time, and reads the columns.
const ROWS: [u8; 4] = [12, 13, 14, 15];
const COLUMNS: [u8; 3] = [18, 19, 20];
const KEYS: [[&str; 3]; 4] = [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"], ["*", "0", "#"]];
/// Pins of the motor, and of the switches at the ends of the bolt's way.
const OPENS: u8 = 8;
const CLOSES: u8 = 9;
const IS_THROWN: u8 = 10;
const IS_OPEN: u8 = 11;
/// Pins whose edges always matter.
const OUTPUTS: u32 = 1 << GREEN | 1 << RED | 1 << BEEPER | 1 << OPENS | 1 << CLOSES;
/// Four cells, a bit each, give this together.
const CELLS: u8 = 4;
const ALL_CELLS: u8 = (1 << CELLS) - 1;
const NOMINAL: Voltage = Voltage::from_millionths(6_000_000);
/// With less the regulator gives up, and the chip has no power.
const REGULATOR: Voltage = Voltage::from_millionths(2_400_000);
/// The firmware measures the battery through a divider.
const DIVIDER: i64 = 6;
/// Where the factory has written the serial number, as text with noughts behind it.
const SERIAL: std::ops::Range<usize> = 0x3_fc00..0x3_fc10;

/// The number of cycles that are over at a time.
fn cycles(at: Instant) -> u64 {
    let nanoseconds = at.as_nanoseconds();
    nanoseconds / 125 * 2 + nanoseconds % 125 * 2 / 125
}

/// The first nanosecond at which so many cycles are over.
fn instant(cycles: u64) -> Instant {
    Instant::from_nanoseconds(cycles.saturating_mul(125).div_ceil(2))
}

/// The reference lock.
pub struct ReferenceLock {
    /// The name of its image.
    firmware: Arc<str>,
    /// What its flash holds when it leaves the factory.
    flash: Vec<u8>,
    machine: Machine,
    now: Instant,
    out: Vec<(Channel, Value)>,
    volts: Voltage,
    /// Cells that are in, a bit each.
    cells: u8,
    /// Keys that are held, each by the pins that it connects.
    held: Vec<(u8, u8)>,
    bolt: Bolt,
    /// When the reset supervisor lets the chip go.
    reset_ends: Instant,
    /// Whether the bolt was thrown when that was last looked at.
    was_thrown: bool,
    /// What the console has sent of a line.
    line: Vec<u8>,
    probe: MemoryProbe,
    /// Everything that it has sent, for whoever listens byte by byte.
    spoken: Option<Vec<u8>>,
    port_fault: PortFault,
}

impl ReferenceLock {
    /// A lock with one of the built-in images, before its first case.
    ///
    /// # Errors
    /// There is no image of that name, or it can't be loaded.
    pub fn new(firmware: &str) -> Result<Self, Fault> {
        let flash = image::flash(firmware)?;
        Ok(Self::fresh(firmware.into(), flash, 0))
    }

    /// A lock with an image of one's own, an Intel HEX file, before its first case. It is called by that name.
    ///
    /// # Errors
    /// The file is damaged, or it is larger than the flash.
    pub fn with_image(name: &str, file: &[u8]) -> Result<Self, Fault> {
        let flash = image::flash_of(name, file)?;
        Ok(Self::fresh(name.into(), flash, 0))
    }

    /// A lock as it leaves the factory, without power.
    fn fresh(firmware: Arc<str>, flash: Vec<u8>, seed: u64) -> Self {
        let mut machine = Machine::new(&flash, seed);
        machine.watch(OUTPUTS);
        Self {
            firmware,
            flash,
            machine,
            now: Instant::START,
            out: Vec::new(),
            volts: NOMINAL,
            cells: ALL_CELLS,
            held: Vec::new(),
            bolt: Bolt::default(),
            reset_ends: Instant::NEVER,
            was_thrown: true,
            line: Vec::new(),
            probe: MemoryProbe::default(),
            spoken: None,
            port_fault: PortFault::None,
        }
    }

    fn serial(&self) -> Option<String> {
        let bytes = self.flash.get(SERIAL)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(bytes.get(..end)?).ok().map(str::to_owned)
    }

    /// Does what the rig asks for.
    fn apply(&mut self, channel: &Channel, value: &Value) -> Result<(), Fault> {
        match (channel, value) {
            (Channel::Button(name), Value::Switch(is_down)) if **name == *"reset" => {
                self.machine.drive(BUTTON, is_down.then_some(false));
            }
            (Channel::Keypad, Value::Keys(keys)) => self.hold(keys)?,
            (Channel::Power, Value::Voltage(volts)) => {
                self.volts = *volts;
                self.supply();
            }
            (Channel::PowerCell(number @ 1..=CELLS), Value::Switch(is_in)) => {
                let cell = 1 << (number - 1);
                self.cells = if *is_in { self.cells | cell } else { self.cells & !cell };
                self.supply();
            }
            (Channel::Strike, Value::Switch(is_blocked)) => self.bolt.block(self.now, *is_blocked),
            (Channel::Memory, Value::Request(request)) => {
                let response = self.probe.answer(request, self.machine.flash(cycles(self.now)));
                self.out.push((Channel::Memory, Value::Response(response)));
            }
            (channel, _) => {
                return Err(Fault(format!("the reference lock has no {channel} that could be set so")));
            }
        }
        Ok(())
    }

    fn hold(&mut self, keys: &[Keystroke]) -> Result<(), Fault> {
        self.held.clear();
        for key in keys {
            let Keystroke::Key(label) = key else { return Err(Fault("a secret is no key".into())) };
            let places = ROWS.into_iter().zip(KEYS).flat_map(|(row, labels)| {
                COLUMNS.into_iter().zip(labels).map(move |(column, label)| (label, (row, column)))
            });
            let mut places = places.filter(|(known, _)| **known == **label);
            let (_, place) =
                places.next().ok_or_else(|| Fault(format!("the reference lock has no key `{label}`")))?;
            self.held.push(place);
        }
        // Rows matter as long as a key connects one to a column.
        let rows = self.held.iter().fold(0, |all, (row, _)| all | 1 << row);
        self.machine.watch(OUTPUTS | rows);
        self.scan();
        Ok(())
    }

    /// A column is low if a key that is held connects it to a row that is.
    fn scan(&mut self) {
        for column in COLUMNS {
            let is_low =
                self.held.iter().any(|(row, own)| *own == column && self.machine.drives(*row, false));
            self.machine.drive(column, is_low.then_some(false));
        }
    }

    /// What the supply and the cells come to.
    fn supply(&mut self) {
        let microvolts = self.volts.as_millionths() / DIVIDER;
        self.machine.set_analog(u32::try_from(microvolts).unwrap_or_default());
        let is_on = self.volts >= REGULATOR && self.cells == ALL_CELLS;
        self.machine.power(is_on, cycles(self.now));
        if !is_on {
            self.line.clear();
        }
    }

    /// Looks at what the chip put out, and at what became of the bolt.
    fn look(&mut self) {
        for edge in self.machine.take_edges() {
            let lit = |colour: &str| Value::Light(edge.high.then(|| colour.into()));
            match edge.pin {
                GREEN => self.out.push((Channel::Light("green".into()), lit("green"))),
                RED => self.out.push((Channel::Light("red".into()), lit("red"))),
                BEEPER => self.out.push((Channel::Beeper, Value::Switch(edge.high))),
                OPENS | CLOSES => self.bolt.drive(self.now, self.drive()),
                _ => self.scan(),
            }
        }
        let sent = self.machine.take_sent();
        if let Some(spoken) = &mut self.spoken {
            spoken.extend_from_slice(&sent);
        }
        sent.into_iter().for_each(|byte| self.say(byte));
        self.follow_bolt();
    }

    /// Goes on until a time, or until something was put out: that waits in `out` then.
    fn go_on(&mut self, until: Instant) {
        let next = self.bolt.arrives().min(self.reset_ends).min(until);
        let put_out = self.machine.run(cycles(next)).map(instant);
        self.now = put_out.unwrap_or(next).max(self.now);
        if self.now >= self.reset_ends {
            self.reset_ends = Instant::NEVER;
            self.machine.hold_reset(false);
        }
        self.look();
    }

    fn drive(&self) -> Drive {
        match (self.machine.drives(OPENS, true), self.machine.drives(CLOSES, true)) {
            (true, false) => Drive::Opens,
            (false, true) => Drive::Closes,
            // Both at once brake.
            (false, false) | (true, true) => Drive::Stands,
        }
    }

    /// The switches at the ends follow the bolt, and so does the rig's own sensor.
    fn follow_bolt(&mut self) {
        let (is_thrown, is_open) = self.bolt.ends(self.now);
        self.machine.drive(IS_THROWN, is_thrown.then_some(false));
        self.machine.drive(IS_OPEN, is_open.then_some(false));
        if std::mem::replace(&mut self.was_thrown, is_thrown) != is_thrown {
            self.out.push((Channel::Bolt, Value::Switch(is_thrown)));
        }
    }

    /// A byte was sent; with its end a line is put out.
    fn say(&mut self, byte: u8) {
        if byte != b'\n' {
            if self.line.len() < MAX_TEXT_BYTES {
                self.line.push(byte);
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        self.out.push((Channel::Console, Value::Text(text.trim_end_matches('\r').into())));
    }
}

impl LockstepDevice for ReferenceLock {
    fn start(&mut self, hello: &Hello) -> Result<Ready, Fault> {
        if hello.model != EMULATED_MODEL {
            return Err(Fault(format!("the emulated rig has no lock `{}`", hello.model)));
        }
        let flash = std::mem::take(&mut self.flash);
        let spoken = self.spoken.take().map(|_| Vec::new());
        let port_fault = self.port_fault;
        *self = Self { spoken, port_fault, ..Self::fresh(Arc::clone(&self.firmware), flash, hello.seed) };
        self.machine.ail(port_fault);
        self.supply();
        self.follow_bolt();
        Ok(Ready { firmware: Some(self.firmware.to_string()), serial: self.serial(), out: Vec::new() })
    }

    fn run(&mut self, until: Instant, set: &[(Channel, Value)]) -> Result<Ran, Fault> {
        set.iter().try_for_each(|(channel, value)| self.apply(channel, value))?;
        self.look();
        while self.out.is_empty() && self.now < until {
            self.go_on(until);
        }
        Ok(Ran { now: self.now, out: std::mem::take(&mut self.out) })
    }
}
