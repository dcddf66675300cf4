//! What is seen, heard, and must never be seen.

use std::sync::Arc;

use crate::scenario::ast::{Action, Observation};
use crate::scenario::syntax::{HearSyntax, NeverSyntax, SeeSyntax, Word};
use crate::trace::{Channel, Length, Phase, PulsePattern};
use crate::unit::Tolerance;
use crate::yaml::{OneOrMany, Place, Spanned};

use super::Reader;

impl Reader<'_> {
    fn tolerance(&mut self, word: Option<&Word>) -> Option<Tolerance> {
        let word = word?;
        let place = self.place(word);
        Tolerance::parse(&word.value.0).map_err(|e| self.findings.error(&place, e.to_string())).ok()
    }

    pub(super) fn see(&mut self, see: &SeeSyntax, place: &Place) -> Option<Action> {
        let within = self.quantity(&see.within)?;
        let observation = match (&see.light, &see.bolt, &see.door) {
            (Some(colours), None, None) => self.light(see, colours)?,
            (None, Some(bolt), None) => {
                self.reject_light_words(see, place);
                let value = self.choice("bolt state", bolt, &[("open", false), ("thrown", true)])?;
                Observation::Contact { channel: Channel::Bolt, value }
            }
            (None, None, Some(door)) => {
                self.reject_light_words(see, place);
                let value = self.choice("door state", door, &[("open", false), ("closed", true)])?;
                Observation::Contact { channel: Channel::Door, value }
            }
            _ => {
                self.findings.error(place, "`see` takes exactly one of `light`, `bolt` and `door`");
                return None;
            }
        };
        Some(Action::Observe { observation, within })
    }

    fn reject_light_words(&mut self, see: &SeeSyntax, place: &Place) {
        if see.indicator.is_some() || see.blinks.is_some() || see.on.is_some() || see.off.is_some() {
            self.findings.error(place, "`indicator`, `blinks`, `on` and `off` only go with `light`");
        }
    }

    fn light(&mut self, see: &SeeSyntax, colours: &Spanned<OneOrMany<String>>) -> Option<Observation> {
        let place = self.place(colours);
        let indicator = self.indicator(see.indicator.as_ref(), &colours.value.0, &place)?;
        let (on, off) = (self.tolerance(see.on.as_ref()), self.tolerance(see.off.as_ref()));
        let count = match &see.blinks {
            Some(blinks) => Some(self.count(blinks)?),
            None => None,
        };
        let phase = |(colour, count, ends): (&String, Option<u32>, bool)| Phase {
            colour: colour.as_str().into(),
            count,
            on,
            off,
            lengths: Vec::new(),
            ends,
        };
        let colours = &colours.value.0;
        let phases = match (colours.as_slice(), count) {
            // Several colours that blink are shown in turn, so often.
            ([_, _, ..], Some(rounds)) => {
                if off.is_some() {
                    let message = "`off` is the pause between two blinks of one colour";
                    self.findings.error_with_hint(
                        &place,
                        message,
                        "leave it out where several colours take turns",
                    );
                }
                let all = (0..rounds).flat_map(|_| colours).map(|colour| (colour, Some(1), false));
                let mut phases: Vec<Phase> = all.map(phase).collect();
                phases.iter_mut().rev().take(1).for_each(|last| last.ends = true);
                phases
            }
            _ => colours.iter().map(|colour| phase((colour, count, false))).collect(),
        };
        Some(Observation::Pulses { channel: Channel::Light(indicator), pattern: PulsePattern { phases } })
    }

    /// The named light, or the only one that has these colours.
    fn indicator(&mut self, name: Option<&Word>, colours: &[String], place: &Place) -> Option<Arc<str>> {
        let Some(facts) = self.facts else {
            if name.is_none() {
                self.findings.error_with_hint(
                    place,
                    "which light?",
                    "a scenario must name it: `indicator: status`",
                );
            }
            return name.map(|word| word.value.0.as_str().into());
        };
        if let Some(word) = name {
            let place = self.place(word);
            let Some(known) = facts.lights.get(word.value.0.as_str()) else {
                self.findings.unknown(&place, "light", &word.value.0, facts.lights.keys().map(|n| &**n));
                return None;
            };
            for colour in colours.iter().filter(|c| !known.contains(c.as_str())) {
                self.findings.unknown(&place, "light colour", colour, known.iter().map(|c| &**c));
            }
            return Some(word.value.0.as_str().into());
        }
        let fitting: Vec<&Arc<str>> = facts
            .lights
            .iter()
            .filter(|(_, known)| colours.iter().all(|colour| known.contains(colour.as_str())))
            .map(|(name, _)| name)
            .collect();
        match fitting.as_slice() {
            [only] => Some(Arc::clone(only)),
            [] => {
                let known = facts.lights.values().flatten().map(|c| &**c);
                self.findings.unknown(place, "light colour", &colours.join(", "), known);
                None
            }
            several => {
                let names: Vec<&str> = several.iter().map(|n| &***n).collect();
                let hint = format!("add `indicator:` with one of {}", names.join(", "));
                self.findings.error_with_hint(place, "several lights have this colour", hint);
                None
            }
        }
    }

    pub(super) fn hear(&mut self, hear: &HearSyntax, place: &Place) -> Option<Action> {
        let within = self.quantity(&hear.within)?;
        let listed = hear.lengths.as_ref().map(|list| list.value.len());
        let counted = hear.beeps.as_ref().and_then(|word| word.value.0.parse::<usize>().ok());
        let (beeps, voice) = (hear.beeps.is_some() || listed.is_some(), hear.voice.is_some());
        if beeps == voice || listed == Some(0) || (counted.is_some() && listed.is_some() && counted != listed)
        {
            self.findings.error_with_hint(
                place,
                "`hear` takes either `voice`, or `beeps` and/or `lengths` with matching counts",
                "`beeps: any` matches the first beep",
            );
            return None;
        }
        if let Some(words) = &hear.voice {
            if self.facts.is_some_and(|facts| !facts.voice) {
                self.findings.error(place, "the model has no voice");
                return None;
            }
            let words = words.value.0.as_str();
            let observation = Observation::Spoken { words: (words != "any").then(|| words.into()) };
            return Some(Action::Observe { observation, within });
        }
        if self.facts.is_some_and(|facts| !facts.beeper) {
            self.findings.error(place, "the model has no beeper");
            return None;
        }
        let lengths: Vec<Length> = match &hear.lengths {
            Some(list) => {
                let place = self.place(list);
                let choices = [("long", Length::Long), ("short", Length::Short)];
                list.value.iter().filter_map(|w| self.choice_at("length", w, &place, &choices)).collect()
            }
            None => Vec::new(),
        };
        let count = match &hear.beeps {
            Some(word) if word.value.0 == "any" => None,
            Some(word) => Some(self.number(word)?),
            None => u32::try_from(lengths.len()).ok(),
        };
        let (on, off) = (self.tolerance(hear.on.as_ref()), self.tolerance(hear.off.as_ref()));
        let phase = Phase { colour: "sound".into(), count, on, off, lengths, ends: false };
        let pattern = PulsePattern { phases: vec![phase] };
        Some(Action::Observe {
            observation: Observation::Pulses { channel: Channel::Beeper, pattern },
            within,
        })
    }

    pub(super) fn never(&mut self, never: &NeverSyntax, place: &Place) -> Option<Action> {
        let body = self.steps(&never.body);
        let observation = match (&never.bolt, &never.light) {
            (Some(bolt), None) => Observation::Contact {
                channel: Channel::Bolt,
                value: self.choice("bolt state", bolt, &[("open", false), ("thrown", true)])?,
            },
            (None, Some(colour)) => {
                let place = self.place(colour);
                let colours = vec![colour.value.0.clone()];
                let indicator = self.indicator(never.indicator.as_ref(), &colours, &place)?;
                let colour = colour.value.0.as_str().into();
                let phase =
                    Phase { colour, count: None, on: None, off: None, lengths: Vec::new(), ends: false };
                let pattern = PulsePattern { phases: vec![phase] };
                Observation::Pulses { channel: Channel::Light(indicator), pattern }
            }
            _ => {
                self.findings.error(place, "`never` takes exactly one of `bolt` and `light`");
                return None;
            }
        };
        Some(Action::Never { observation, body })
    }
}
