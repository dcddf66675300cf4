//! The supply, and what a faulty lock makes of it: slow rises, dips, cells that bounce, and cuts in a
//! bad moment.

use crate::sim::defect::Defect;
use crate::sim::design::{Reset, Trigger, ms, s};
use crate::sim::mutation::Rule;
use crate::unit::{Duration, Instant, Voltage};

use super::{MOTOR, SimulatedLock, Task};

/// A step of the supply upwards that is part of a slow rise, in microvolts.
const SMALL_STEP: i64 = 600_000;
/// So many of them are one.
const SLOW_RISE: u8 = 4;
/// A step downwards that is a dip, in microvolts.
const DIP: i64 = 1_000_000;
/// A cell that is back within this time has bounced.
const CELL_BOUNCE: Duration = ms(100);
/// A loss of power that is over so soon is a blip.
const BLIP: Duration = ms(500);
/// Starts that follow each other so closely belong together, and how many of them reset.
const CLOSE_STARTS: (Duration, u8) = (s(5), 3);

impl SimulatedLock {
    /// Whether it runs on what little is left: less than 5/4 of what it needs.
    pub(super) fn runs_low(&self) -> bool {
        self.volts_suffice() && self.is_low(self.volts)
    }

    fn is_low(&self, volts: Voltage) -> bool {
        volts.as_millionths() * 4 < self.design.minimum_millivolts * 5_000
    }

    /// The supply changes.
    pub(super) fn supply(&mut self, volts: Voltage) {
        let before = std::mem::replace(&mut self.volts, volts);
        let rise = volts.as_millionths() - before.as_millionths();
        if rise != 0 && !self.powered {
            let is_small = (1..=SMALL_STEP).contains(&rise);
            self.rise_steps = if is_small { self.rise_steps.saturating_add(1) } else { 0 };
        }
        self.update_power();
        if !(self.powered && self.running) {
            return;
        }
        let becomes_low = self.runs_low() && !self.is_low(before);
        match self.defect {
            Some(Defect::DipOpens) if rise <= -DIP => self.open_for_a_moment(),
            _ if becomes_low => self.on_low_voltage(),
            _ => {}
        }
    }

    fn on_low_voltage(&mut self) {
        match self.defect {
            Some(Defect::LowVoltageOpens) => self.open_for_a_moment(),
            Some(Defect::BackAtLowVoltage) => self.bring_back(),
            _ => {}
        }
    }

    pub(in crate::sim) fn note_cell(&mut self, number: u8, inserted: bool) {
        if !inserted {
            self.cell_out = Some((number, self.now));
        } else if let Some((out, since)) = self.cell_out.take()
            && self.has(Defect::CellBounceErases)
            && out == number
            && self.now.since(since) < CELL_BOUNCE
        {
            self.memory.codes.clear();
        }
    }

    /// Power is gone, and what was going on is not yet forgotten.
    pub(in crate::sim) fn cut_short(&mut self) {
        if self.has(Defect::CutInHoldHalves) && self.is_in_hold() {
            for _ in 0..self.memory.codes.len().div_ceil(2) {
                self.memory.codes.pop_first();
            }
        }
        if self.has(Defect::HoldOutlastsCut) {
            self.suspended.clone_from(&self.recognizers);
        }
        self.memory.lost_bolt = self.now < self.motor_until;
        if self.has(Defect::CountLostWithPower) {
            self.memory.wrong_codes = 0;
        }
    }

    /// All that it remembers outlasts the loss of power; a mutant forgets one thing.
    pub(in crate::sim) fn remember_without_power(&mut self) {
        let (rules, memory) = (&self.rules, &mut self.memory);
        if !memory.codes.is_empty() && !rules.does(Rule::KeepCodes) {
            memory.codes.clear();
        }
        if memory.master.is_some() && !rules.does(Rule::KeepMaster) {
            memory.master = None;
        }
        if !memory.app.is_empty() && !rules.does(Rule::KeepApp) {
            memory.app.clear();
        }
        if memory.wrong_codes > 0 && !rules.does(Rule::KeepWrongCount) {
            memory.wrong_codes = 0;
        }
        if memory.penalty > Duration::ZERO && !rules.does(Rule::KeepLockout) {
            memory.penalty = Duration::ZERO;
        }
        memory.hub = rules.decides(Rule::KeepHub, memory.hub);
        memory.handed = rules.decides(Rule::KeepHand, memory.handed);
        memory.fresh = !rules.decides(Rule::KeepSetUp, !memory.fresh);
        memory.erasing = rules.decides(Rule::KeepErasing, memory.erasing);
        memory.proof_used = rules.decides(Rule::KeepProofUsed, memory.proof_used);
    }

    /// Power is gone, and the lock with it.
    pub(in crate::sim) fn brown_out(&mut self) {
        let is_nearly_enough = self.volts.as_millionths() * 4 >= self.design.minimum_millivolts * 3_000;
        if self.has(Defect::BrownOutOpens) && !self.volts_suffice() && is_nearly_enough {
            self.open_for_a_moment();
        }
    }

    fn is_in_hold(&self) -> bool {
        let held = |button: &str| self.down.contains(button);
        self.recognizers.iter().zip(self.design.resets).any(|(recognizer, reset)| {
            reset.trigger.stages().is_some_and(|(stages, _)| recognizer.is_in_hold(stages, held))
        })
    }

    /// It runs again, after so long without power; what is held has not been looked at yet.
    pub(in crate::sim) fn start_carelessly(&mut self, off: Duration) {
        self.count_start();
        let lost_bolt = std::mem::take(&mut self.memory.lost_bolt);
        if lost_bolt && self.has(Defect::CutWhileMovingOpens) {
            self.plan(MOTOR, Task::Bolt(false));
        }
        if off < BLIP && self.has(Defect::BlipEndsLockout) {
            self.memory.penalty = Duration::ZERO;
        }
        let steps = std::mem::take(&mut self.rise_steps);
        if self.has(Defect::SlowRiseOpens) && steps >= SLOW_RISE {
            self.open_for_a_moment();
        }
        if self.runs_low() {
            self.on_low_voltage();
        }
        self.resume_holds();
    }

    /// It has started, and an erase that was cut short goes on.
    pub(in crate::sim) fn reset_at_start(&mut self) {
        self.count_close_start();
        if self.has(Defect::HeldAtStartErases) && !self.down.is_empty() {
            self.reset(0);
        }
    }

    fn resume_holds(&mut self) {
        let suspended = std::mem::take(&mut self.suspended);
        let resets: &'static [Reset] = self.design.resets;
        let down = &self.down;
        for ((recognizer, kept), reset) in self.recognizers.iter_mut().zip(suspended).zip(resets) {
            if let Trigger::Stages { stages, survives_power: false } = reset.trigger
                && kept.is_in_hold(stages, |button| down.contains(button))
            {
                *recognizer = kept;
            }
        }
    }

    fn count_close_start(&mut self) {
        let (close, enough) = CLOSE_STARTS;
        let (count, last) = self.memory.close_starts;
        let is_close = count > 0 && self.now.since(last) <= close;
        let count = if is_close { count.saturating_add(1) } else { 1 };
        self.memory.close_starts = (count, self.now);
        if self.has(Defect::CloseStartsReset) && count >= enough {
            self.memory.close_starts = (0, Instant::START);
            self.reset(0);
        }
    }

    /// A button was pressed.
    pub(super) fn note_press(&mut self) {
        if !self.running {
            return;
        }
        if self.has(Defect::TapEndsLockout) {
            self.end_lockout();
        }
        let last = self.scratch.last_press.replace(self.now);
        let is_double = last.is_some_and(|last| self.now.since(last) <= s(1));
        if self.has(Defect::TwoTapsErase) && is_double {
            self.reset(0);
        }
    }
}
