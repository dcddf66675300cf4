//! A toy lock in virtual time: a plain object, as that in `../toy_lock.py`.

use std::cell::Cell;
use std::collections::BTreeMap;

/// Slots are numbered from 1.
pub const SLOTS: u8 = 8;
/// After so many wrong codes it is locked out for so long, in milliseconds.
pub const MAX_WRONG: u8 = 5;
pub const LOCKOUT: u64 = 60_000;
/// A hold of its button for so long resets it.
pub const HOLD: u64 = 10_000;

thread_local! {
    /// Everything that was done to any lock, waiting left out.
    pub static OPERATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Up to five digits, filled up with what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub [u8; 5]);

/// No digit.
pub const NONE: u8 = 10;

impl Code {
    /// Four digits.
    pub fn of(number: u16) -> Self {
        let digit = |of: u16| u8::try_from(number / of % 10).unwrap_or(NONE);
        Self([digit(1000), digit(100), digit(10), digit(1), NONE])
    }

    /// Another one of four digits.
    pub fn next(self) -> Self {
        let [a, b, c, d, _] = self.0.map(u16::from);
        Self::of((a * 1000 + b * 100 + c * 10 + d + 1) % 10_000)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    App,
    Hub,
}

pub const CHANNELS: [Channel; 2] = [Channel::App, Channel::Hub];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Guest,
}

/// What is asked for over a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Status,
    AddCode(u8, Code),
    RemoveCode(u8),
    SetMaster(Code),
    FactoryReset,
    Unpair,
}

/// What is done to the lock; each is answered by yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Enter(Code),
    SetMaster(Code),
    Program { master: Code, slot: u8, code: Code },
    Pair { master: Code, channel: Channel },
    Ask(Channel, Role, What),
    Power(bool),
    Hold(u64),
    Wait(u64),
}

#[derive(Debug)]
pub struct Lock {
    now: u64,
    powered: bool,
    wrong: u8,
    locked_until: u64,
    codes: BTreeMap<u8, Code>,
    master: Option<Code>,
    bound: [bool; 2],
}

impl Lock {
    /// Out of the box.
    pub fn new() -> Self {
        Self {
            now: 0,
            powered: true,
            wrong: 0,
            locked_until: 0,
            codes: BTreeMap::new(),
            master: None,
            bound: [false; 2],
        }
    }

    pub fn perform(&mut self, operation: Operation) -> bool {
        if !matches!(operation, Operation::Wait(_)) {
            OPERATIONS.with(|count| count.set(count.get() + 1));
        }
        match operation {
            Operation::Enter(code) => self.enter(code),
            Operation::SetMaster(code) => {
                let may = self.listens() && self.master.is_none();
                if may {
                    self.master = Some(code);
                }
                may
            }
            Operation::Program { master, slot, code } => {
                self.listens() && self.master == Some(master) && self.store(slot, code)
            }
            Operation::Pair { master, channel } => {
                let may = self.listens() && self.master == Some(master) && !self.bound[channel as usize];
                if may {
                    self.bound[channel as usize] = true;
                }
                may
            }
            Operation::Ask(channel, role, what) => self.ask(channel, role, what),
            Operation::Power(on) => {
                self.powered = on;
                true
            }
            Operation::Hold(time) => {
                self.now += time;
                let may = self.powered && time >= HOLD;
                if may {
                    self.erase();
                }
                may
            }
            Operation::Wait(time) => {
                self.now += time;
                true
            }
        }
    }

    fn erase(&mut self) {
        *self = Self { now: self.now, powered: self.powered, ..Self::new() };
    }

    /// Whether the keypad takes anything.
    fn listens(&self) -> bool {
        self.powered && self.now >= self.locked_until
    }

    fn holds(&self, code: Code) -> bool {
        self.master == Some(code) || self.codes.values().any(|known| *known == code)
    }

    fn enter(&mut self, code: Code) -> bool {
        if !self.listens() {
            return false;
        }
        if self.holds(code) {
            self.wrong = 0;
            return true;
        }
        self.wrong += 1;
        if self.wrong == MAX_WRONG {
            self.wrong = 0;
            self.locked_until = self.now + LOCKOUT;
        }
        false
    }

    fn store(&mut self, slot: u8, code: Code) -> bool {
        let may = (1..=SLOTS).contains(&slot) && !self.holds(code);
        if may {
            self.codes.insert(slot, code);
        }
        may
    }

    fn ask(&mut self, channel: Channel, role: Role, what: What) -> bool {
        if !self.powered || !self.bound[channel as usize] {
            return false;
        }
        match (what, role) {
            (What::Status, _) => true,
            (_, Role::Guest) => false,
            (What::AddCode(slot, code), Role::Owner) => self.store(slot, code),
            (What::RemoveCode(slot), Role::Owner) => self.codes.remove(&slot).is_some(),
            (What::SetMaster(code), Role::Owner) => {
                self.master = Some(code);
                true
            }
            (What::FactoryReset, Role::Owner) => {
                self.erase();
                true
            }
            (What::Unpair, Role::Owner) => {
                self.bound[channel as usize] = false;
                true
            }
        }
    }
}
