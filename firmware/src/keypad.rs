//! Which key was pressed: `1` to `9`, `*`, `0`, `#`.

pub const ROWS: u32 = 4;
const COLUMNS: u32 = 3;
const KEYS: [u8; 12] = *b"123456789*0#";

/// One row is driven at a tick and read at the next. A key counts once two scans in a row agree on it, so
/// that it is not counted twice when its contact bounces.
pub struct Keypad {
    row: u32,
    /// Keys that are down, a bit each: of the rows that this scan has seen, of the scan before, and
    /// debounced.
    scan: u16,
    last: u16,
    down: u16,
}

impl Keypad {
    pub const fn new() -> Self {
        Self { row: 0, scan: 0, last: 0, down: 0 }
    }

    /// Takes the columns of the row that was driven, and tells which key was just pressed.
    pub fn tick(&mut self, columns: u16) -> Option<u8> {
        self.scan |= columns << (COLUMNS * self.row);
        self.row = (self.row + 1) % ROWS;
        if self.row != 0 {
            return None;
        }
        let scan = core::mem::take(&mut self.scan);
        let is_steady = scan == core::mem::replace(&mut self.last, scan);
        if !is_steady {
            return None;
        }
        let pressed = scan & !core::mem::replace(&mut self.down, scan);
        // Two at once are nobody's intention.
        if !pressed.is_power_of_two() {
            return None;
        }
        KEYS.get(pressed.trailing_zeros() as usize).copied()
    }

    /// The row to drive next.
    pub fn row(&self) -> u32 {
        self.row
    }
}
