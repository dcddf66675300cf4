//! Cells, supply, loss of power, and what a lock does when it starts.

use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::defect::Defect;
use super::design::ms;
use super::keypad::Keypad;
use super::lock::{SimulatedLock, Task};
use super::memory::Scratch;
use super::mutation::Rule;
use super::recognizer::Act;

/// From power to the first answer.
const BOOT: Duration = ms(300);

impl SimulatedLock {
    pub(super) fn cell(&mut self, number: u8, inserted: bool) {
        let changed = if inserted { self.cells.insert(number) } else { self.cells.remove(&number) };
        if !changed {
            return;
        }
        self.act(if inserted { Act::CellIn(number) } else { Act::CellOut(number) });
        self.note_cell(number, inserted);
        if inserted && self.has(Defect::BatteryChangeErases) {
            self.memory.codes.clear();
            self.memory.app.clear();
            self.memory.hub = false;
        }
        self.update_power();
    }

    pub(super) fn volts_suffice(&self) -> bool {
        let suffice = self.volts.as_millionths() >= self.design.minimum_millivolts * 1_000;
        self.rules.decides(Rule::EnoughVoltage, suffice)
    }

    pub(super) fn update_power(&mut self) {
        let inserted = u8::try_from(self.cells.len()).unwrap_or(u8::MAX);
        let has_cells = self.rules.decides(Rule::EnoughCells, inserted >= self.design.cells_needed);
        let powered = self.volts_suffice() && has_cells;
        if powered == self.powered {
            return;
        }
        self.powered = powered;
        if powered {
            if self.has(Defect::RestartErases) {
                self.memory.codes.clear();
                self.memory.app.clear();
                self.memory.hub = false;
            }
            let off = self.now.since(self.dark_since);
            let tapped = self.tapped_in_the_dark.take().map(|at| self.now.since(at));
            self.plan(BOOT, Task::Boot { off, tapped });
        } else {
            self.dark_since = self.now;
            self.lose_power();
            self.brown_out();
        }
    }

    fn lose_power(&mut self) {
        self.memory.dead |= self.memory.erasing && self.has(Defect::DeadAfterCut);
        self.cut_short();
        self.act(Act::PowerDown);
        self.epoch += 1;
        self.running = false;
        self.scratch = Scratch::default();
        let goes_on = self.has(Defect::SequenceOutlastsDropout);
        if !goes_on {
            self.keypad = Keypad::default();
            self.proof_mode = None;
        }
        self.memory.penalty = self.locked_until.take().map_or(Duration::ZERO, |until| until.since(self.now));
        if self.has(Defect::LockoutForgotten) {
            self.memory.penalty = Duration::ZERO;
            self.memory.wrong_codes = 0;
        }
        self.remember_without_power();
        self.dimmed += 1;
        for channel in std::mem::take(&mut self.lit) {
            let off = if channel == Channel::Beeper { Value::Switch(false) } else { Value::Light(None) };
            self.out.push((channel, off));
        }
        self.lose_sequences(goes_on);
        self.handing.reset();
    }

    pub(super) fn boot(&mut self, off: Duration, tapped: Option<Duration>) {
        if self.memory.dead || !self.rules.does(Rule::Boot) {
            return;
        }
        self.running = true;
        let mut shadow = std::mem::take(&mut self.memory.shadow);
        self.memory.codes.append(&mut shadow);
        if self.has(Defect::OpensAtStart) {
            self.open_for_a_moment();
        }
        self.start_carelessly(off);
        if self.memory.penalty > Duration::ZERO {
            self.locked_until = Some(self.now + self.memory.penalty);
        }
        if self.memory.erasing && self.rules.does(Rule::ResumeErase) {
            self.plan_erase(0);
        }
        self.reset_at_start();
        // What is held is looked at once the lock has started.
        self.act(Act::PowerUp { off, tapped });
    }
}
