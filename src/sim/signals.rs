//! What a lock shows: lights, beeps and words, one after another.

use crate::trace::{Channel, Value};

use super::defect::Defect;
use super::design::{Cue, Show, Signal};
use super::lock::{SimulatedLock, Task};
use super::mutation::Rule;

impl SimulatedLock {
    pub(super) fn play(&mut self, cue: Cue) {
        cue.iter().for_each(|show| self.show(*show, false));
    }

    pub(super) fn play_confirmation(&mut self, cue: Cue) {
        let stuck = self.has(Defect::StuckLight) || !self.rules.does(Rule::ConfirmLightEnds);
        for show in cue {
            let mut show = *show;
            match &mut show.what {
                Signal::Light { colour, .. }
                    if self.has(Defect::WrongColour) || !self.rules.does(Rule::ConfirmColour) =>
                {
                    *colour = if *colour == "red" { "green" } else { "red" };
                }
                Signal::Beep if self.has(Defect::ExtraBeep) => show.count += 1,
                Signal::Beep => show.count = self.rules.counts(Rule::ConfirmBeeps, show.count),
                _ => {}
            }
            self.show(show, stuck);
        }
    }

    fn show(&mut self, show: Show, stuck: bool) {
        let start = self.noise.jitter(show.delay);
        let (channel, on, off) = match show.what {
            Signal::Light { name, colour } => {
                (Channel::Light(name.into()), Value::Light(Some(colour.into())), Value::Light(None))
            }
            Signal::Beep => (Channel::Beeper, Value::Switch(true), Value::Switch(false)),
            Signal::Say(words) => {
                return self.plan(start, Task::Show(Channel::Voice, Value::Text(words.into())));
            }
        };
        let is_light = matches!(show.what, Signal::Light { .. });
        for number in 0..show.count {
            let at = start.saturating_add(show.on.saturating_add(show.off).times(number));
            self.plan(at, Task::Show(channel.clone(), on.clone()));
            if let Some((delay, gap)) = self.noise.flicker(show.on).filter(|_| is_light) {
                self.plan(at.saturating_add(delay), Task::Show(channel.clone(), off.clone()));
                self.plan(
                    at.saturating_add(delay).saturating_add(gap),
                    Task::Show(channel.clone(), on.clone()),
                );
            }
            if !(stuck && is_light && number + 1 == show.count) {
                self.plan(at.saturating_add(show.on), Task::Show(channel.clone(), off.clone()));
            }
        }
    }
}
