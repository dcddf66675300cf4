//! What is done to the lock reaches whatever watches for a sequence, and time completes holds.

use crate::sim::defect::Defect;
use crate::sim::design::{Handing, Reset, Trigger};
use crate::sim::keypad::Keypad;
use crate::sim::mutation::Rule;
use crate::sim::recognizer::{Act, Awaited, Careless, Progress, Stage};
use crate::unit::Instant;

use super::SimulatedLock;

/// A hold that was let go after this share of its time, in percent, was a near miss.
const NEAR_MISS: u64 = 80;

impl SimulatedLock {
    /// Hold thresholds in percent of the documented ones.
    fn threshold(&self) -> u64 {
        match self.defect {
            Some(Defect::ShortHoldResets) => 50,
            Some(Defect::TapResets) => 4,
            Some(Defect::LongHoldNeeded) => 150,
            Some(Defect::NearMissShortens) if self.scratch.near_miss => 50,
            Some(Defect::LowVoltageHalvesHold) if self.runs_low() => 50,
            _ => self.rules.counts(Rule::HoldTime, self.clock()),
        }
    }

    /// Feeds something done to the lock to whatever watches for a sequence.
    pub(in crate::sim) fn act(&mut self, act: Act) {
        let careless = Careless {
            half_turn: self.has(Defect::HalfTurnResets),
            any_key: self.has(Defect::WrongCodeResets),
            last_key: self.has(Defect::IncompleteCodeResets),
            any_last_key: self.has(Defect::LastKeyUnread),
            last_press: self.has(Defect::TooFewPressesReset),
            released: self.has(Defect::InterruptedHoldCounts),
            late: self.has(Defect::HalfTypedKept),
            percent: self.threshold(),
        };
        let resets = self.design.resets;
        let is_start = matches!(act, Act::PowerUp { .. });
        for (index, reset) in resets.iter().enumerate() {
            match reset.trigger {
                Trigger::Stages { stages, survives_power } => {
                    let alive = if survives_power {
                        self.volts_suffice()
                    } else {
                        self.rules.decides(Rule::AwakeOnly, self.powered)
                    };
                    if alive {
                        self.note_overlong_hold(index, stages, act);
                        let down = &self.down;
                        let held = |name: &str| down.contains(name);
                        let recognizer = &mut self.recognizers[index];
                        let progress = recognizer.act(stages, act, self.now, careless, &self.rules, held);
                        self.progress(index, stages, progress);
                    }
                }
                Trigger::Proof { button, cue }
                    if is_start && self.rules.decides(Rule::ProofButton, self.down.contains(button)) =>
                {
                    self.proof_mode = Some(index);
                    self.keypad = Keypad::default();
                    self.play(cue);
                }
                Trigger::Service { buttons, .. } if is_start => {
                    let is_held = |button: &&str| self.down.contains(*button);
                    let one_is_enough = self.has(Defect::OneButtonSuffices);
                    let are_held = self.rules.decides(Rule::ServiceButtons, buttons.iter().all(is_held))
                        || (one_is_enough && buttons.iter().any(is_held));
                    self.keypad.open_service(are_held.then_some(index));
                }
                _ => {}
            }
        }
        if let Some(Handing::Stages(stages)) = self.design.handing
            && self.powered
        {
            let down = &self.down;
            let held = |name: &str| down.contains(name);
            let careless = Careless::default();
            let progress = self.handing.act(stages, act, self.now, careless, &self.rules, held);
            if progress == Progress::Complete {
                self.teach_hand();
            }
        }
    }

    /// The power is gone: only what the manual makes a part of it goes on, unless a fault keeps what was pressed.
    pub(in crate::sim) fn lose_sequences(&mut self, goes_on: bool) {
        let down = &self.down;
        for (recognizer, reset) in self.recognizers.iter_mut().zip(self.design.resets) {
            let (stages, survives): (&[Stage], bool) = match reset.trigger {
                Trigger::Stages { stages, survives_power } => (stages, survives_power),
                _ => (&[], false),
            };
            let is_held = recognizer.is_in_hold(stages, |name| down.contains(name));
            if !self.rules.decides(Rule::KeepSequence, survives) && (is_held || !goes_on) {
                recognizer.reset();
            }
        }
    }

    /// A faulty lock has no use for a hold that went on and on.
    fn note_overlong_hold(&mut self, index: usize, stages: &[Stage], act: Act) {
        let is_overlong = matches!(act, Act::Up(_)) && self.recognizers[index].is_overlong(stages, self.now);
        self.scratch.overlong_hold = is_overlong;
        if is_overlong && self.has(Defect::OverlongHoldIgnored) {
            self.recognizers[index].reset();
        }
    }

    fn progress(&mut self, index: usize, stages: &'static [Stage], progress: Progress) {
        match progress {
            Progress::LetGo { .. } if self.has(Defect::ConfirmsInVain) => {
                self.play_confirmation(self.design.resets[index].cue);
            }
            Progress::LetGo { .. } if self.has(Defect::OpensWhenLetGo) => self.open_for_a_moment(),
            Progress::LetGo { .. } if self.has(Defect::LetGoErasesOne) => {
                self.memory.codes.pop_first();
            }
            Progress::LetGo { percent } => self.scratch.near_miss |= percent >= NEAR_MISS,
            Progress::Same => {}
            Progress::Reached(stage) => {
                if let Some(cue) = stages[stage].cue
                    && self.rules.does(Rule::StageCue)
                {
                    self.play(cue);
                }
            }
            Progress::Complete => self.reset(index),
        }
    }

    /// A sequence that is not gone on with in time is given up.
    pub(in crate::sim) fn forget_late_sequences(&mut self) {
        if self.has(Defect::HalfTypedKept) {
            return;
        }
        let resets: &'static [Reset] = self.design.resets;
        for (recognizer, reset) in self.recognizers.iter_mut().zip(resets) {
            if let Trigger::Stages { stages, .. } = reset.trigger {
                recognizer.forget_if_late(stages, self.now, &self.rules);
            }
        }
    }

    pub(in crate::sim) fn is_in_sequence(&self) -> bool {
        let keyed = |reset: &Reset| matches!(reset.trigger, Trigger::Stages { stages, .. } if stages.iter().any(|s| matches!(s.awaited, Awaited::Key(_))));
        self.recognizers.iter().zip(self.design.resets).any(|(r, reset)| keyed(reset) && !r.is_idle())
    }

    pub(super) fn tick(&mut self) {
        let percent = self.threshold();
        let resets: &'static [Reset] = self.design.resets;
        for (index, reset) in resets.iter().enumerate() {
            if let Trigger::Stages { stages, .. } = reset.trigger {
                let progress = self.recognizers[index].tick(stages, self.now, percent);
                self.progress(index, stages, progress);
            }
        }
    }

    /// The next time at which something happens by itself.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let percent = self.threshold();
        let timers = self.recognizers.iter().zip(self.design.resets).filter_map(|(recognizer, reset)| {
            match reset.trigger {
                Trigger::Stages { stages, .. } => recognizer.timer(stages, percent),
                _ => None,
            }
        });
        let planned = self.agenda.keys().next().map(|(at, _)| *at);
        timers.chain(planned).min()
    }
}
