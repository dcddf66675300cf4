//! What is typed, key by key, until it is a whole line.

use crate::clock::{Time, since};
use crate::secret::Code;

const FORGOTTEN_AFTER_MS: u32 = 10_000;
/// `*MASTER#1#SLOT#CODE#`, with codes of eight digits and a slot of two.
const LONGEST: usize = 24;

/// A whole line.
pub enum Request {
    Close,
    /// Nothing, if it cannot be a code.
    Open(Option<Code>),
    Program {
        master: Option<Code>,
        order: Option<Order>,
    },
}

/// What a master code orders.
pub enum Order {
    Store { slot: usize, code: Code },
    Remove { slot: usize },
    SetMaster(Code),
    Reset,
}

pub struct Entry {
    keys: [u8; LONGEST],
    length: usize,
    last: Time,
}

impl Entry {
    pub const fn new() -> Self {
        Self { keys: [0; LONGEST], length: 0, last: 0 }
    }

    /// Forgets what was typed; the digits do not stay in RAM.
    pub fn forget(&mut self) {
        *self = Self::new();
    }

    pub fn tick(&mut self, now: Time) {
        if self.length > 0 && since(now, self.last) >= FORGOTTEN_AFTER_MS {
            self.forget();
        }
    }

    /// Takes a key, and hands out the line if it is the last of one.
    pub fn press(&mut self, now: Time, key: u8) -> Option<Request> {
        if let Some(place) = self.keys.get_mut(self.length) {
            *place = key;
        }
        self.length = self.length.saturating_add(1);
        self.last = now;
        if key != b'#' {
            return None;
        }
        let request = self.request();
        if request.is_some() {
            self.forget();
        }
        request
    }

    /// What has been typed up to a `#`; nothing, if more has to follow.
    fn request(&self) -> Option<Request> {
        let is_too_long = self.length > LONGEST;
        let typed = self.keys.get(..self.length).unwrap_or(&self.keys);
        match typed.split_first() {
            Some((b'*', rest)) => program(rest, is_too_long),
            Some((b'#', _)) => Some(Request::Close),
            _ if is_too_long => Some(Request::Open(None)),
            _ => Some(Request::Open(typed.split_last().and_then(|(_, keys)| Code::typed(keys)))),
        }
    }
}

/// A line that begins with `*`, without that. Each field of it ends with `#`, and how many there are depends
/// on the second.
fn program(typed: &[u8], is_too_long: bool) -> Option<Request> {
    let mut fields = typed.split(|key| *key == b'#');
    // What is behind the last `#` is empty.
    let count = fields.clone().count().saturating_sub(1);
    let master = fields.next().and_then(Code::typed);
    let operation = fields.next().unwrap_or_default();
    let needed = match operation {
        b"1" => 4,
        b"2" | b"3" | b"9" => 3,
        _ => 2,
    };
    if count < needed && !is_too_long {
        return None;
    }
    let mut field = || fields.next().unwrap_or_default();
    let order = match operation {
        _ if is_too_long => None,
        b"1" => slot(field()).zip(Code::typed(field())).map(|(slot, code)| Order::Store { slot, code }),
        b"2" => slot(field()).map(|slot| Order::Remove { slot }),
        b"3" => Code::typed(field()).map(Order::SetMaster),
        b"9" => (field() == b"9").then_some(Order::Reset),
        _ => None,
    };
    Some(Request::Program { master, order })
}

/// A slot's number, counted from one.
fn slot(field: &[u8]) -> Option<usize> {
    match field {
        [digit @ b'1'..=b'9'] | [b'0', digit @ b'1'..=b'9'] => Some(usize::from(digit - b'0')),
        b"10" => Some(10),
        _ => None,
    }
}
