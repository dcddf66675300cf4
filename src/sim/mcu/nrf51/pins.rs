//! General-purpose pins: what the firmware drives, and what is put on them from outside.
//!
//! Source: nRF51 Series Reference Manual 3.0.1, chapter 14.

/// An edge that the firmware put on a pin. A pin that it does not drive is low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Edge {
    /// When, in cycles.
    pub at: u64,
    /// On which pin.
    pub pin: u8,
    /// To which level.
    pub high: bool,
}

/// How a pin is configured after a reset: an input that is not looked at.
const RESET_CONFIG: u32 = 1 << 1;

/// The pins of port 0, a bit each.
#[derive(Clone, Debug)]
pub(in crate::sim::mcu) struct Pins {
    /// Levels of the outputs.
    out: u32,
    /// Which pins are outputs.
    outputs: u32,
    /// The rest of the configuration, as it was written.
    config: [u32; 32],
    /// What is put on the pins from outside; a pin that nobody drives follows its pull.
    driven: [Option<bool>; 32],
    /// Edges of these pins are noted.
    watched: u32,
    edges: Vec<Edge>,
}

impl Pins {
    /// Nothing is driven from anywhere, and nothing is watched.
    pub(super) fn new() -> Self {
        Self {
            out: 0,
            outputs: 0,
            config: [RESET_CONFIG; 32],
            driven: [None; 32],
            watched: 0,
            edges: Vec::new(),
        }
    }

    /// The firmware drives nothing any more.
    pub(super) fn reset(&mut self, now: u64) {
        let before = self.levels();
        (self.out, self.outputs, self.config) = (0, 0, [RESET_CONFIG; 32]);
        self.note(before, now);
    }

    /// Puts a level on a pin from outside, or lets it go.
    pub(in crate::sim::mcu) fn drive(&mut self, pin: u8, level: Option<bool>) {
        self.driven[usize::from(pin & 31)] = level;
    }

    /// Whether the firmware drives a pin to this level.
    pub(in crate::sim::mcu) fn drives(&self, pin: u8, level: bool) -> bool {
        let bit = 1 << (pin & 31);
        self.outputs & bit != 0 && (self.out & bit != 0) == level
    }

    /// Whose edges are noted.
    pub(in crate::sim::mcu) fn watch(&mut self, pins: u32) {
        self.watched = pins;
    }

    /// Edges since they were taken.
    pub(in crate::sim::mcu) fn take_edges(&mut self) -> Vec<Edge> {
        std::mem::take(&mut self.edges)
    }

    /// When the first of them was.
    pub(super) fn first_edge(&self) -> Option<u64> {
        self.edges.first().map(|edge| edge.at)
    }

    fn levels(&self) -> u32 {
        self.out & self.outputs
    }

    fn note(&mut self, before: u32, at: u64) {
        let after = self.levels();
        let mut changed = (before ^ after) & self.watched;
        while changed != 0 {
            let pin = changed.trailing_zeros() as u8;
            self.edges.push(Edge { at, pin, high: after >> pin & 1 == 1 });
            changed &= changed - 1;
        }
    }

    /// What the firmware reads on all pins.
    fn inputs(&self) -> u32 {
        let level = |pin: usize| {
            let (bit, config) = (1 << pin, self.config[pin]);
            let own = (self.outputs & bit != 0).then_some(self.out & bit != 0);
            let is_pulled_up = config >> 2 & 3 == 3;
            let is_connected = config & 2 == 0;
            is_connected && self.driven[pin].or(own).unwrap_or(is_pulled_up)
        };
        (0..32).fold(0, |all, pin| all | u32::from(level(pin)) << pin)
    }

    pub(super) fn read(&self, offset: u32) -> u32 {
        match offset {
            0x504 | 0x508 | 0x50c => self.out,
            0x510 => self.inputs(),
            0x514 | 0x518 | 0x51c => self.outputs,
            0x700..=0x77c => {
                let pin = (offset as usize - 0x700) / 4;
                self.config[pin] & !1 | self.outputs >> pin & 1
            }
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: u32, value: u32, now: u64) {
        let before = self.levels();
        match offset {
            0x504 => self.out = value,
            0x508 => self.out |= value,
            0x50c => self.out &= !value,
            0x514 => self.outputs = value,
            0x518 => self.outputs |= value,
            0x51c => self.outputs &= !value,
            0x700..=0x77c => {
                let pin = (offset as usize - 0x700) / 4;
                self.config[pin] = value;
                self.outputs = self.outputs & !(1 << pin) | (value & 1) << pin;
            }
            _ => {}
        }
        self.note(before, now);
    }
}
