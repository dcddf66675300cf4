//! What the toy lock should hold, and what it must therefore answer, as in `../toy_lock.py`.

use std::collections::BTreeMap;

use crate::lock::{CHANNELS, Channel, Code, HOLD, LOCKOUT, MAX_WRONG, NONE, Operation, Role, What};

/// So many codes that are gone are remembered, and tried after each step.
const MAX_OLD: usize = 6;

/// What is nearly a code.
#[derive(Clone, Copy, Debug)]
pub enum Near {
    LastMissing,
    FirstMissing,
    ExtraAfter,
    ExtraBefore,
    OneWrong,
}

impl Near {
    pub const ALL: [Self; 5] =
        [Self::LastMissing, Self::FirstMissing, Self::ExtraAfter, Self::ExtraBefore, Self::OneWrong];

    fn of(self, code: Code, place: usize) -> Code {
        let [a, b, c, d, _] = code.0;
        Code(match self {
            Self::LastMissing => [a, b, c, NONE, NONE],
            Self::FirstMissing => [b, c, d, NONE, NONE],
            Self::ExtraAfter => [a, b, c, d, 0],
            Self::ExtraBefore => [0, a, b, c, d],
            Self::OneWrong => {
                let mut digits = code.0;
                digits[place % 4] = (digits[place % 4] + 1) % 10;
                digits
            }
        })
    }
}

/// A step of a life. One that is not possible is asked for all the same, and must be refused.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Over a binding, or at the keypad.
    Add(Option<Channel>, u8, Code),
    Remove(Channel, usize),
    Use(usize),
    Wrong(Code),
    Near(usize, Near, usize),
    LockOut(Code),
    Wait(u64),
    Restart(u64),
    Pair(Channel),
    Unpair(Channel),
    Status(Channel),
    Guest(What),
    /// For so many percent of a reset's hold.
    ShortHold(u64),
    /// So long after it, the next owner sets the lock up.
    Reset(u64, Code, Vec<Code>),
    Verify,
}

#[derive(Clone, Debug)]
pub struct Belief {
    now: u64,
    locked_until: u64,
    codes: BTreeMap<u8, Code>,
    master: Code,
    bound: [bool; 2],
    /// Codes that are gone.
    old: Vec<Code>,
    /// What the last deed does, with the answers that it must get.
    pub script: Vec<(Operation, bool)>,
}

impl Belief {
    /// Of a lock that its first owner sets up.
    pub fn new(master: Code, codes: &[Code]) -> Self {
        let mut belief = Self {
            now: 0,
            locked_until: 0,
            codes: BTreeMap::new(),
            master,
            bound: [false; 2],
            old: Vec::new(),
            script: Vec::new(),
        };
        belief.set_up(master, codes);
        belief
    }

    pub fn after(mut self, deed: &Deed) -> Self {
        self.script.clear();
        match deed {
            Deed::Add(way, slot, code) => self.add(*way, *slot, *code),
            Deed::Remove(channel, number) => self.remove(*channel, *number),
            Deed::Use(number) => self.enter(self.own(*number)),
            Deed::Wrong(code) => self.enter(*code),
            Deed::Near(number, near, place) => self.enter(near.of(self.own(*number), *place)),
            Deed::LockOut(code) => self.lock_out(*code),
            Deed::Wait(time) => self.wait(*time),
            Deed::Restart(off) => {
                self.must(true, Operation::Power(false));
                self.must(false, Operation::Enter(self.master));
                self.wait(*off);
                self.must(true, Operation::Power(true));
            }
            Deed::Pair(channel) => self.pair(*channel),
            Deed::Unpair(channel) => {
                let answer = self.bound[*channel as usize];
                self.must(answer, Operation::Ask(*channel, Role::Owner, What::Unpair));
                self.bound[*channel as usize] = false;
            }
            Deed::Status(channel) => {
                let answer = self.bound[*channel as usize];
                self.must(answer, Operation::Ask(*channel, Role::Owner, What::Status));
            }
            Deed::Guest(what) => {
                self.must(false, Operation::Ask(Channel::App, Role::Guest, *what));
            }
            Deed::ShortHold(share) => {
                let time = HOLD * share / 100;
                self.must(false, Operation::Hold(time));
                self.now += time;
            }
            Deed::Reset(after, master, codes) => self.reset(*after, *master, codes),
            Deed::Verify => {
                let mut script = Vec::new();
                self.verify(&mut |operation, answer| script.push((operation, answer)));
                self.script = script;
            }
        }
        self
    }

    /// Everything that must be so whatever was done: bindings, no code that is gone, each of the owner's.
    pub fn verify(&self, must: &mut dyn FnMut(Operation, bool)) {
        for channel in CHANNELS {
            must(Operation::Ask(channel, Role::Owner, What::Status), self.bound[channel as usize]);
        }
        if self.is_locked_out() {
            return;
        }
        for code in &self.old {
            must(Operation::Enter(*code), false);
            // A refusal proves nothing by itself.
            must(Operation::Enter(self.master), true);
        }
        for code in self.codes.values() {
            must(Operation::Enter(*code), true);
        }
        must(Operation::Enter(self.master), true);
    }

    fn must(&mut self, answer: bool, operation: Operation) {
        self.script.push((operation, answer));
    }

    fn is_locked_out(&self) -> bool {
        self.now < self.locked_until
    }

    fn holds(&self, code: Code) -> bool {
        self.master == code || self.codes.values().any(|known| *known == code)
    }

    /// One of the owner's codes.
    fn own(&self, number: usize) -> Code {
        let number = number % (self.codes.len() + 1);
        self.codes.values().nth(number).copied().unwrap_or(self.master)
    }

    fn gone(&mut self, code: Code) {
        self.old.push(code);
        if self.old.len() > MAX_OLD {
            self.old.remove(0);
        }
    }

    fn set_up(&mut self, master: Code, codes: &[Code]) {
        self.must(true, Operation::SetMaster(master));
        self.master = master;
        self.old.retain(|old| *old != master);
        for channel in CHANNELS {
            self.pair(channel);
        }
        for (slot, code) in (1..).zip(codes) {
            self.add(None, slot, *code);
        }
    }

    fn add(&mut self, way: Option<Channel>, slot: u8, code: Code) {
        let (is_heard, operation) = match way {
            None => (!self.is_locked_out(), Operation::Program { master: self.master, slot, code }),
            Some(channel) => (
                self.bound[channel as usize],
                Operation::Ask(channel, Role::Owner, What::AddCode(slot, code)),
            ),
        };
        let answer = is_heard && !self.holds(code);
        self.must(answer, operation);
        if answer {
            if let Some(before) = self.codes.insert(slot, code) {
                self.gone(before);
            }
            self.old.retain(|old| *old != code);
        }
    }

    fn remove(&mut self, channel: Channel, number: usize) {
        let slot = self.codes.keys().nth(number % self.codes.len().max(1)).copied();
        let answer = self.bound[channel as usize] && slot.is_some();
        let slot = slot.unwrap_or(1);
        self.must(answer, Operation::Ask(channel, Role::Owner, What::RemoveCode(slot)));
        if answer && let Some(code) = self.codes.remove(&slot) {
            self.gone(code);
        }
    }

    fn enter(&mut self, code: Code) {
        let answer = !self.is_locked_out() && self.holds(code);
        self.must(answer, Operation::Enter(code));
    }

    fn lock_out(&mut self, code: Code) {
        let mut wrong = code;
        while self.holds(wrong) {
            wrong = wrong.next();
        }
        for _ in 0..MAX_WRONG {
            self.enter(wrong);
        }
        if !self.is_locked_out() {
            self.locked_until = self.now + LOCKOUT;
        }
        self.enter(self.master);
    }

    fn wait(&mut self, time: u64) {
        self.must(true, Operation::Wait(time));
        self.now += time;
    }

    fn pair(&mut self, channel: Channel) {
        let answer = !self.is_locked_out() && !self.bound[channel as usize];
        self.must(answer, Operation::Pair { master: self.master, channel });
        if answer {
            self.bound[channel as usize] = true;
        }
    }

    fn reset(&mut self, after: u64, master: Code, codes: &[Code]) {
        let time = HOLD + 500;
        self.must(true, Operation::Hold(time));
        self.now += time;
        for code in std::mem::take(&mut self.codes).into_values() {
            self.gone(code);
        }
        self.gone(self.master);
        self.bound = [false; 2];
        self.locked_until = 0;
        self.wait(after);
        for channel in CHANNELS {
            self.must(false, Operation::Ask(channel, Role::Owner, What::Status));
        }
        self.set_up(master, codes);
    }
}
