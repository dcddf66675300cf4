//! What is done to a lock, and a toy lock in virtual time: a plain object, as that in `../toy_lock.py`.

use std::collections::BTreeMap;

/// Slots are numbered from 1.
pub const SLOTS: u8 = 25;
/// After so many wrong codes it is locked out for so long, in milliseconds.
pub const MAX_WRONG: u8 = 5;
pub const LOCKOUT: u64 = 60_000;
/// A hold of its button for so long resets it.
pub const HOLD: u64 = 3_000;
/// A code has so many digits.
pub const DIGITS: usize = 8;

pub type Code = String;

/// A code of a number.
pub fn code_of(number: u32) -> Code {
    format!("{:0DIGITS$}", number % 10_u32.pow(8))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Guest,
}

/// What is asked for over the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Status,
    Pair,
    Leave,
    AddCode(u8, Code),
    RemoveCode(u8),
    FactoryReset,
}

/// What is done to a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Enter(Code),
    Ask(Role, What),
    Power(bool),
    /// Of the button, a battery taken out and put back in the end.
    Hold(u64),
    Wait(u64),
}

/// Everything is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done(bool),
    /// Whether the hub is bound, and how many codes there are.
    Holds(bool, usize),
}

pub trait Lock {
    fn perform(&mut self, operation: &Operation) -> Answer;
}

#[derive(Debug)]
pub struct Toy {
    now: u64,
    powered: bool,
    wrong: u8,
    locked_until: u64,
    codes: BTreeMap<u8, Code>,
    bound: bool,
}

impl Toy {
    /// Out of the box.
    pub fn new() -> Self {
        Self { now: 0, powered: true, wrong: 0, locked_until: 0, codes: BTreeMap::new(), bound: false }
    }

    fn enter(&mut self, code: &Code) -> bool {
        if !self.powered || self.now < self.locked_until {
            return false;
        }
        if self.codes.values().any(|known| known == code) {
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

    fn ask(&mut self, role: Role, what: &What) -> Answer {
        Answer::Done(match what {
            _ if !self.powered => false,
            What::Status => return Answer::Holds(self.bound, self.codes.len()),
            What::Pair => !std::mem::replace(&mut self.bound, true),
            _ if !self.bound || role == Role::Guest => false,
            What::AddCode(slot, code) => {
                self.codes.insert(*slot, code.clone());
                true
            }
            What::RemoveCode(slot) => self.codes.remove(slot).is_some(),
            What::FactoryReset => {
                self.erase();
                true
            }
            What::Leave => {
                self.bound = false;
                true
            }
        })
    }

    fn erase(&mut self) {
        *self = Self { now: self.now, powered: self.powered, ..Self::new() };
    }
}

impl Lock for Toy {
    fn perform(&mut self, operation: &Operation) -> Answer {
        Answer::Done(match operation {
            Operation::Enter(code) => self.enter(code),
            Operation::Ask(role, what) => return self.ask(*role, what),
            Operation::Power(on) => {
                self.powered = *on;
                true
            }
            Operation::Hold(time) => {
                let is_long = *time >= HOLD;
                if is_long {
                    self.erase();
                }
                is_long
            }
            Operation::Wait(time) => {
                self.now += time;
                true
            }
        })
    }
}
