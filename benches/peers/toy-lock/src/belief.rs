//! What the lock should hold, and what it must therefore answer, as in `../toy_lock.py`.

use std::collections::BTreeMap;

use crate::lock::{Answer, Code, DIGITS, HOLD, LOCKOUT, MAX_WRONG, Operation, Role, What, code_of};

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

    fn of(self, code: &Code, place: usize) -> Code {
        match self {
            Self::LastMissing => code[..code.len() - 1].to_owned(),
            Self::FirstMissing => code[1..].to_owned(),
            Self::ExtraAfter => format!("{code}0"),
            Self::ExtraBefore => format!("0{code}"),
            Self::OneWrong => {
                let another = |digit: char| char::from(b'0' + (digit as u8 - b'0' + 1) % 10);
                let at = |(index, digit)| if index == place % DIGITS { another(digit) } else { digit };
                code.chars().enumerate().map(at).collect()
            }
        }
    }
}

/// A step of a life. One that is not possible is asked for all the same, and must be refused.
#[derive(Clone, Debug)]
pub enum Deed {
    Add(u8, Code),
    Remove(usize),
    Use(usize),
    Wrong(Code),
    Near(usize, Near, usize),
    LockOut(Code),
    Wait(u64),
    Restart(u64),
    Pair,
    Leave,
    Status,
    Guest(What),
    /// For so many percent of a reset's hold.
    ShortHold(u64),
    /// So long after it, the next owner sets the lock up.
    Reset(u64, Vec<Code>),
    Verify,
}

#[derive(Clone, Debug)]
pub struct Belief {
    codes: BTreeMap<u8, Code>,
    bound: bool,
    /// Codes that are gone.
    old: Vec<Code>,
    /// What the last deed does, with the answers that it must get.
    pub script: Vec<(Operation, Answer)>,
}

impl Belief {
    /// Of a lock that its first owner sets up.
    pub fn new(codes: &[Code]) -> Self {
        let mut belief = Self { codes: BTreeMap::new(), bound: false, old: Vec::new(), script: Vec::new() };
        belief.set_up(codes);
        belief
    }

    pub fn after(mut self, deed: &Deed) -> Self {
        self.script.clear();
        match deed {
            Deed::Add(slot, code) => self.add(*slot, code.clone()),
            Deed::Remove(number) => self.remove(*number),
            Deed::Use(number) => self.enter(self.own(*number), true),
            Deed::Wrong(code) => self.wrong(code.clone()),
            Deed::Near(number, near, place) => self.wrong(near.of(&self.own(*number), *place)),
            Deed::LockOut(code) => self.lock_out(code),
            Deed::Wait(time) => self.must(true, Operation::Wait(*time)),
            Deed::Restart(off) => {
                self.must(true, Operation::Power(false));
                self.enter(self.own(0), false);
                self.must(true, Operation::Wait(*off));
                self.must(true, Operation::Power(true));
            }
            Deed::Pair => self.pair(),
            Deed::Leave => {
                self.must(self.bound, Operation::Ask(Role::Owner, What::Leave));
                self.bound = false;
            }
            Deed::Status => self.status(),
            Deed::Guest(what) => self.must(false, Operation::Ask(Role::Guest, what.clone())),
            Deed::ShortHold(share) => self.must(false, Operation::Hold(HOLD * share / 100)),
            Deed::Reset(after, codes) => self.reset(*after, codes),
            Deed::Verify => self.verify(),
        }
        self
    }

    /// Everything that must be so whatever was done: the hub, no code that is gone, each of the owner's.
    pub fn verified(&self) -> Vec<(Operation, Answer)> {
        let mut belief = self.clone();
        belief.script.clear();
        belief.verify();
        belief.script
    }

    fn verify(&mut self) {
        self.status();
        self.old.clone().into_iter().for_each(|code| self.refused(code));
        let codes: Vec<Code> = self.codes.values().cloned().collect();
        codes.into_iter().for_each(|code| self.enter(code, true));
    }

    fn must(&mut self, answer: bool, operation: Operation) {
        self.script.push((operation, Answer::Done(answer)));
    }

    fn enter(&mut self, code: Code, opens: bool) {
        self.must(opens, Operation::Enter(code));
    }

    /// A refusal proves nothing by itself, and a good code after it forgives the wrong one.
    fn refused(&mut self, code: Code) {
        self.enter(code, false);
        self.enter(self.own(0), true);
    }

    fn status(&mut self) {
        let holds = Answer::Holds(self.bound, self.codes.len());
        self.script.push((Operation::Ask(Role::Owner, What::Status), holds));
    }

    fn holds(&self, code: &Code) -> bool {
        self.codes.values().any(|known| known == code)
    }

    /// One of the owner's codes: there is always one.
    fn own(&self, number: usize) -> Code {
        self.codes.values().nth(number % self.codes.len().max(1)).cloned().unwrap_or_default()
    }

    fn gone(&mut self, code: Code) {
        self.old.push(code);
        if self.old.len() > MAX_OLD {
            self.old.remove(0);
        }
    }

    fn set_up(&mut self, codes: &[Code]) {
        self.pair();
        for (slot, code) in (1..).zip(codes) {
            self.add(slot, code.clone());
        }
    }

    fn pair(&mut self) {
        self.must(!self.bound, Operation::Ask(Role::Owner, What::Pair));
        self.bound = true;
    }

    fn add(&mut self, slot: u8, mut code: Code) {
        while self.holds(&code) || self.old.contains(&code) {
            code = code_of(code.parse::<u32>().unwrap_or(0) + 1);
        }
        self.must(self.bound, Operation::Ask(Role::Owner, What::AddCode(slot, code.clone())));
        if self.bound
            && let Some(before) = self.codes.insert(slot, code)
        {
            self.gone(before);
        }
    }

    fn remove(&mut self, number: usize) {
        if self.codes.len() < 2 {
            return;
        }
        let Some(slot) = self.codes.keys().nth(number % self.codes.len()).copied() else { return };
        self.must(self.bound, Operation::Ask(Role::Owner, What::RemoveCode(slot)));
        if self.bound
            && let Some(code) = self.codes.remove(&slot)
        {
            self.gone(code);
        }
    }

    fn wrong(&mut self, code: Code) {
        if !self.holds(&code) {
            self.refused(code);
        }
    }

    fn lock_out(&mut self, code: &Code) {
        if self.holds(code) {
            return;
        }
        for _ in 0..MAX_WRONG {
            self.enter(code.clone(), false);
        }
        self.enter(self.own(0), false);
        self.must(true, Operation::Wait(LOCKOUT + 5_000));
        self.enter(self.own(0), true);
    }

    fn reset(&mut self, after: u64, codes: &[Code]) {
        self.must(true, Operation::Hold(HOLD * 11 / 10));
        for code in std::mem::take(&mut self.codes).into_values() {
            self.gone(code);
        }
        self.bound = false;
        self.must(true, Operation::Wait(after));
        self.status();
        self.set_up(codes);
    }
}
