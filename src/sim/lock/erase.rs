//! A reset: how it is confirmed and carried out step by step, and what a faulty lock leaves out.

use std::collections::BTreeSet;

use crate::sim::defect::Defect;
use crate::sim::design::{Reset, ms, s};
use crate::sim::memory::Source;
use crate::sim::mutation::Rule;
use crate::trace::{Channel, Value};
use crate::unit::Duration;

use super::{SimulatedLock, Task};

/// When the stages of an erase happen after its trigger.
const ERASE_STEPS: [Duration; 3] = [ms(300), ms(1_200), ms(2_400)];
/// A loop that ends too soon gets as far as this slot.
const FIRST_SLOTS: u64 = 8;

impl SimulatedLock {
    /// Starts a reset: it is confirmed and erases step by step.
    pub(in crate::sim) fn reset(&mut self, index: usize) {
        let resets: &'static [Reset] = self.design.resets;
        let ignores = (self.has(Defect::SecondResetIgnored) && self.memory.was_reset)
            || (self.has(Defect::LockoutBlocksReset) && self.is_in_penalty());
        let is_bound = resets[index].without_app && !self.memory.app.is_empty();
        if ignores || self.rules.decides(Rule::RefuseWhileBound, is_bound) {
            return;
        }
        self.scratch.near_miss = false;
        if !self.has(Defect::SilentReset) && self.rules.does(Rule::Confirm) {
            self.play_confirmation(resets[index].cue);
        }
        if self.has(Defect::BoltOpensDuringReset) {
            self.open_for_a_moment();
        }
        let is_spent = self.has(Defect::ErasesOnce) && self.memory.was_reset;
        if self.has(Defect::ConfirmsWithoutErasing) || is_spent {
            return;
        }
        let was_overlong = std::mem::take(&mut self.scratch.overlong_hold);
        let gives_up = self.has(Defect::OverlongHoldHalves) && was_overlong;
        let keeps_no_intention = self.has(Defect::HalfErased) || self.has(Defect::IntentionInRam) || gives_up;
        // The intention is stored first, so that a power cut can't leave half of the data.
        self.memory.erasing = !keeps_no_intention && self.rules.does(Rule::NoteErasing);
        let is_halved = (self.has(Defect::MotorHalvesErase) && self.touched_while_moving) || gives_up;
        self.touched_while_moving = false;
        if is_halved {
            self.plan(ERASE_STEPS[0], Task::Erase { step: 0, reset: index });
        } else {
            self.plan_erase(index);
        }
    }

    pub(in crate::sim) fn plan_erase(&mut self, reset: usize) {
        for (step, delay) in ERASE_STEPS.into_iter().enumerate() {
            // Whoever confirms first and erases later does all of it at the end.
            let delay = if self.has(Defect::IntentionInRam) { ERASE_STEPS[2] } else { delay };
            self.plan(delay, Task::Erase { step, reset });
        }
    }

    pub(super) fn erase(&mut self, step: usize, reset: usize) {
        if self.has(Defect::JamHalvesErase) && self.is_jammed && step > 0 {
            return;
        }
        let keeps = self.has(Defect::UnboundKeepsCodes) && self.memory.detached;
        let spares = self.rules.decides(Rule::SpareCodes, !self.design.resets[reset].codes);
        let codes = !spares && !keeps;
        match step {
            0 if codes => {
                if self.has(Defect::ErasedInVain) {
                    self.memory.shadow.clone_from(&self.memory.codes);
                }
                if self.has(Defect::RemnantReturns) {
                    self.memory.remnants = self.memory.codes.values().cloned().collect();
                }
                self.shelve_codes();
                let first = self.memory.codes.keys().next().copied();
                let goes_first = !self.has(Defect::ResidualUser) && !self.spares_slots();
                if let Some(slot) = first
                    && goes_first
                    && self.rules.does(Rule::EraseCodes)
                {
                    self.memory.codes.remove(&slot);
                }
            }
            1 if codes => {
                let spared = self.spared_slots();
                let kept = self.has(Defect::ResidualUser);
                let mut skip = usize::from(kept);
                if self.rules.does(Rule::EraseCodes) {
                    let codes = &mut self.memory.codes;
                    codes.retain(|slot, _| std::mem::take(&mut skip) == 1 || spared.contains(slot));
                }
                self.memory.ghosts.clear();
                if self.has(Defect::MasterFallsBack) {
                    self.memory.master = self.memory.master_before.take();
                } else if !self.has(Defect::MasterSurvives) && self.rules.does(Rule::EraseMaster) {
                    self.memory.master = None;
                }
            }
            2 if self.rules.does(Rule::EraseEnd) => self.finish_erase(&self.design.resets[reset]),
            _ => {}
        }
    }

    /// Whether the loop over all slots is faulty: it has to see the table as it was before the erase.
    fn spares_slots(&self) -> bool {
        matches!(
            self.defect,
            Some(
                Defect::EraseStopsAtEight
                    | Defect::LastSlotSkipped
                    | Defect::EraseStopsAtGap
                    | Defect::EveryOtherSkipped
                    | Defect::KeypadCodesSurvive
                    | Defect::RadioCodesSurvive
            )
        )
    }

    /// Slots that a faulty loop does not erase.
    fn spared_slots(&self) -> BTreeSet<u64> {
        let codes = &self.memory.codes;
        let slots = codes.keys().copied();
        let added_by = |slot: &u64, source: Source| self.memory.sources.get(slot) == Some(&source);
        match self.defect {
            Some(Defect::EraseStopsAtEight) => slots.filter(|slot| *slot > FIRST_SLOTS).collect(),
            Some(Defect::LastSlotSkipped) => slots.filter(|slot| *slot == self.design.slots).collect(),
            Some(Defect::EraseStopsAtGap) => {
                let gap = (1..=self.design.slots).find(|slot| !codes.contains_key(slot));
                slots.filter(|slot| gap.is_some_and(|gap| *slot > gap)).collect()
            }
            // The list closes up behind each removal, so that the step after it leaves one out.
            Some(Defect::EveryOtherSkipped) => slots.skip(1).step_by(2).collect(),
            Some(Defect::KeypadCodesSurvive) => slots.filter(|slot| added_by(slot, Source::Keypad)).collect(),
            Some(Defect::RadioCodesSurvive) => slots.filter(|slot| added_by(slot, Source::Radio)).collect(),
            _ => BTreeSet::new(),
        }
    }

    fn finish_erase(&mut self, reset: &Reset) {
        let codes = reset.codes;
        self.note_old_bindings(reset);
        if self.has(Defect::OtherRolesKept) && reset.app {
            self.memory.app.remove("owner");
        } else if !self.rules.decides(Rule::SpareApp, !reset.app)
            && !self.has(Defect::AppBindingSurvives)
            && self.rules.does(Rule::EraseApp)
        {
            self.memory.app.clear();
        }
        let was_bound = self.memory.hub;
        self.memory.obeyed = self.has(Defect::OldBindingObeyed);
        // The app's radio comes first, and a loop may end there.
        let ends_early = self.has(Defect::OneRadioCleared) && self.design.app && reset.app;
        if !self.has(Defect::HubBindingSurvives) && !ends_early && self.rules.does(Rule::EraseHub) {
            self.memory.hub = false;
        }
        if was_bound && !self.has(Defect::SilentLeave) && self.rules.does(Rule::TellHub) {
            self.put(Channel::Hub, Value::Notify("reset_locally".into()));
        }
        if codes {
            self.memory.fresh |= self.rules.does(Rule::EraseFresh);
            if !self.has(Defect::WrongCountSurvives) && self.rules.does(Rule::EraseWrongCount) {
                self.memory.wrong_codes = 0;
            }
            let keeps_hand = self.has(Defect::HandSurvives) && self.memory.handed;
            let needs_none = self.design.handing.is_none();
            self.memory.handed = self.rules.decides(Rule::EraseHand, needs_none) || keeps_hand;
        }
        self.memory.was_reset = true;
        self.memory.erasing = self.has(Defect::ErasesAgain) || !self.rules.does(Rule::NoteErased);
        self.restart_after_reset();
        self.after_erase();
    }

    /// What a faulty lock does once everything is erased.
    fn after_erase(&mut self) {
        self.memory.starts = 0;
        match self.defect {
            Some(Defect::BackAfterAnHour) => self.plan(s(3_600), Task::CodesReturn),
            Some(Defect::OpensMinutesAfterReset) => self.plan(s(180), Task::OpenForAMoment),
            Some(Defect::TwitchesAfterErase) if self.bolt_thrown => {
                self.plan(Duration::ZERO, Task::Bolt(false));
                self.plan(ms(30), Task::Bolt(true));
            }
            _ => {}
        }
        // Nothing but a fault leaves requests under way.
        for (slot, code) in std::mem::take(&mut self.scratch.under_way) {
            self.add_code(slot, &code, Source::Radio);
        }
    }
}
