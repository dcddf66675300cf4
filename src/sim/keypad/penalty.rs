//! The penalty for wrong codes: when it begins, what ends it, and what a faulty lock does meanwhile.

use crate::sim::defect::Defect;
use crate::sim::design::s;
use crate::sim::lock::{SimulatedLock, Task};
use crate::sim::mutation::Rule;
use crate::unit::{Duration, Instant};

use super::FORGET;

impl SimulatedLock {
    pub(in crate::sim) fn is_in_penalty(&self) -> bool {
        self.locked_until.is_some_and(|until| self.rules.decides(Rule::LockoutRuns, self.now < until))
    }

    pub(in crate::sim) fn end_lockout(&mut self) {
        self.locked_until = None;
        self.memory.penalty = Duration::ZERO;
    }

    /// Whether a line that is typed now is not looked at.
    pub(super) fn is_locked_out(&mut self, line: &str) -> bool {
        if self.is_in_penalty() {
            return self.ignores_in_penalty(line);
        }
        if self.locked_until.is_some() && self.has(Defect::BackAfterLockout) {
            self.bring_back();
        }
        self.end_lockout();
        false
    }

    /// A sound lock ignores whatever is typed during the penalty.
    fn ignores_in_penalty(&mut self, line: &str) -> bool {
        match self.defect {
            Some(Defect::GoodCodeEndsLockout) if self.opens_for(line) => self.end_lockout(),
            Some(Defect::MasterEndsLockout) if self.master() == Some(line) => self.end_lockout(),
            Some(Defect::LockedOutStillOpens) if self.opens_for(line) => return false,
            Some(Defect::OpensInPenalty) if !self.opens_for(line) => self.open_for_a_moment(),
            _ => {}
        }
        true
    }

    /// A pause between two keys; a faulty lock takes it for the end of the penalty.
    pub(super) fn note_pause(&mut self) {
        let last = self.keypad.last_key;
        let is_pause = last > Instant::START && self.now.since(last) > FORGET;
        if is_pause && self.has(Defect::PauseEndsLockout) {
            self.end_lockout();
        }
    }

    pub(super) fn wrong_code(&mut self) {
        self.hear_nothing_for_a_while();
        if self.has(Defect::OpensAfterRefusal) {
            self.plan(s(5), Task::OpenForAMoment);
        }
        let Some((limit, penalty)) = self.design.lockout else { return };
        let limit = if self.has(Defect::LockoutOneLate) { limit.saturating_add(1) } else { limit };
        let halved = Duration::nanoseconds(penalty.as_nanoseconds() / 2);
        let penalty = if self.has(Defect::LockoutHalved) { halved } else { penalty };
        let (limit, penalty) = (
            self.rules.counts(Rule::LockoutCount, u64::from(limit)),
            self.rules.lasts(Rule::LockoutTime, penalty),
        );
        self.memory.wrong_codes = self.memory.wrong_codes.saturating_add(1);
        let is_enough = u64::from(self.memory.wrong_codes) >= limit;
        if self.rules.decides(Rule::LockoutBegins, is_enough) && !self.has(Defect::NoLockout) {
            self.memory.wrong_codes = 0;
            // The flag that a faulty lock forgets to take back.
            let was_locked_out = std::mem::replace(&mut self.scratch.was_locked_out, true);
            if !(self.has(Defect::LocksOutOnce) && was_locked_out) {
                self.locked_until = Some(self.now + penalty);
            }
        }
    }
}
