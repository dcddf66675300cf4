//! Steps.

use std::sync::Arc;

use crate::lock::{Named, Token};
use crate::scenario::ast::{Action, Claim, Control, KeyToken, MemoryClaim, Observation, Step, Supply};
use crate::scenario::syntax::{
    PowerStepSyntax, PressSyntax, StepSyntax, Steps, TurnSyntax, TypeSyntax, WaitSyntax, WitnessSyntax, Word,
    WordOr,
};
use crate::trace::Channel;
use crate::unit::Ratio;
use crate::yaml::{OneOrMany, Place, Scalar, Spanned};

use super::Reader;

impl Reader<'_> {
    pub(crate) fn steps(&mut self, steps: &Steps) -> Vec<Step> {
        steps.iter().filter_map(|step| self.step(step)).collect()
    }

    pub(crate) fn step(&mut self, step: &Spanned<StepSyntax>) -> Option<Step> {
        let place = self.place(step);
        let action = self.action(&step.value, &place)?;
        Some(Step { action, place })
    }

    fn action(&mut self, step: &StepSyntax, place: &Place) -> Option<Action> {
        Some(match step {
            StepSyntax::Hold(names) => Action::Hold(self.controls(names, place)?),
            StepSyntax::Release(names) => Action::Release(self.controls(names, place)?),
            StepSyntax::Press(press) => self.press(press, place)?,
            StepSyntax::Type(keys) => self.type_keys(keys, place)?,
            StepSyntax::Power(power) => self.power(power, place)?,
            StepSyntax::Turn(turn) => self.turn(turn, place)?,
            StepSyntax::Door(Scalar(word)) => {
                let closed =
                    self.choice_at("door state", word, place, &[("open", false), ("closed", true)])?;
                Action::Contact { channel: Channel::Door, closed }
            }
            StepSyntax::Cover(Scalar(word)) => {
                let closed = self.choice_at("cover state", word, place, &[("off", false), ("on", true)])?;
                Action::Contact { channel: Channel::Cover, closed }
            }
            StepSyntax::Wait(wait) => self.wait(wait, place)?,
            StepSyntax::See(see) => self.see(see, place)?,
            StepSyntax::Hear(hear) => self.hear(hear, place)?,
            StepSyntax::NoChange(quiet) => {
                let channels = quiet.channels.iter().filter_map(|word| self.channel(word)).collect();
                Action::NoChange { channels, duration: self.quantity(&quiet.duration)? }
            }
            StepSyntax::Never(never) => self.never(never, place)?,
            StepSyntax::Notified(notified) => Action::Observe {
                observation: Observation::Notified {
                    channel: self
                        .choice(
                            "notification channel",
                            &notified.channel,
                            &[("app", 0), ("hub", 1), ("cloud", 2)],
                        )
                        .map(|index| [Channel::App, Channel::Hub, Channel::Cloud][index].clone())?,
                    what: notified.event.value.0.as_str().into(),
                },
                within: self.quantity(&notified.within)?,
            },
            StepSyntax::Witness(witness) => self.witness(witness, place)?,
            StepSyntax::Ask(words) => self.ask(words, place)?,
            StepSyntax::Together(branches) => {
                Action::Together(branches.iter().map(|branch| self.steps(branch)).collect())
            }
            StepSyntax::Repeat(repeat) => Action::Repeat {
                times: self.count(&repeat.times)?,
                within: self.optional(repeat.within.as_ref()),
                body: self.steps(&repeat.steps),
            },
            StepSyntax::Do(operation) => self.operation(operation, place)?,
            claim => self.claim(claim, place)?,
        })
    }

    pub(super) fn choice_at<T: Copy>(
        &mut self,
        kind: &str,
        word: &str,
        place: &Place,
        of: &[(&str, T)],
    ) -> Option<T> {
        let found = of.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            self.findings.unknown(place, kind, word, of.iter().map(|(name, _)| *name));
        }
        found
    }

    pub(super) fn count(&mut self, count: &Spanned<u32>) -> Option<u32> {
        if (1..=1000).contains(&count.value) {
            return Some(count.value);
        }
        let place = self.place(count);
        self.findings.error(&place, format!("{} is not a count from 1 to 1000", count.value));
        None
    }

    fn controls(&mut self, names: &OneOrMany<String>, place: &Place) -> Option<Vec<Control>> {
        let controls: Vec<Control> = names.0.iter().filter_map(|name| self.control(name, place)).collect();
        (controls.len() == names.0.len()).then_some(controls)
    }

    pub(super) fn control(&mut self, name: &str, place: &Place) -> Option<Control> {
        if let Some(key) = name.strip_prefix("key.") {
            return self.key(key, place).map(Control::Key);
        }
        if let Some(facts) = self.facts
            && !facts.buttons.contains(name)
        {
            self.findings.unknown(place, "button", name, facts.buttons.iter().map(|b| &**b));
            return None;
        }
        Some(Control::Button(name.into()))
    }

    pub(super) fn key(&mut self, label: &str, place: &Place) -> Option<Arc<str>> {
        if let Some(facts) = self.facts
            && !facts.keys.contains(label)
        {
            self.findings.unknown(place, "key", label, facts.keys.iter().map(|k| &**k));
            return None;
        }
        Some(label.into())
    }

    fn press(&mut self, press: &WordOr<PressSyntax>, place: &Place) -> Option<Action> {
        let press = match press {
            WordOr::Full(press) => press,
            WordOr::Word(name) => {
                let controls = vec![self.control(name, place)?];
                return Some(Action::Press {
                    controls,
                    hold: None,
                    times: 1,
                    gap: None,
                    within: None,
                    until: None,
                });
            }
        };
        let until = match &press.until {
            Some(step) => Some(Box::new(self.observation_step(step)?)),
            None => None,
        };
        let times = match &press.times {
            Some(times) => self.count(times)?,
            None => 1,
        };
        Some(Action::Press {
            controls: self.controls(&press.button, place)?,
            hold: self.optional(press.hold.as_ref()),
            times,
            gap: self.optional(press.gap.as_ref()),
            within: self.optional(press.within.as_ref()),
            until,
        })
    }

    /// A step that only observes.
    pub(super) fn observation_step(&mut self, step: &Spanned<StepSyntax>) -> Option<Step> {
        let step = self.step(step)?;
        if matches!(step.action, Action::Observe { .. }) {
            return Some(step);
        }
        self.findings.error_with_hint(
            &step.place,
            "only an observation is expected here",
            "use `see:`, `hear:` or `notified:`",
        );
        None
    }

    fn type_keys(&mut self, keys: &Spanned<WordOr<TypeSyntax>>, place: &Place) -> Option<Action> {
        let written = self.place(keys);
        let (text, gap, each) = match &keys.value {
            // Keys are text: YAML takes `0077` and `1e3` for numbers, which are written otherwise.
            WordOr::Word(_) if written.text().starts_with(|c: char| c.is_ascii_digit()) => {
                (written.text(), None, None)
            }
            WordOr::Word(text) => (text.as_str(), None, None),
            WordOr::Full(full) => {
                let (gap, each) = (self.optional(full.gap.as_ref()), self.optional(full.each.as_ref()));
                (full.keys.as_str(), gap, each)
            }
        };
        let mut tokens = Vec::new();
        for word in text.split_whitespace() {
            if let Some(name) = word.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                let name = self.parameter(name, place)?;
                if Token::from_word(&name).is_some() {
                    let hint = format!("write `ask: {{reader: present, credential: \"{{{name}}}\"}}`");
                    self.findings.error_with_hint(place, format!("a {name} can't be typed"), hint);
                    return None;
                }
                tokens.push(KeyToken::Parameter(name));
            } else if self.facts.is_some_and(|facts| facts.keys.contains(word)) {
                tokens.push(KeyToken::Key(word.into()));
            } else if word.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#')) {
                for c in word.chars() {
                    tokens.push(KeyToken::Key(self.key(&c.to_string(), place)?));
                }
            } else {
                tokens.push(KeyToken::Key(self.key(word, place)?));
            }
        }
        Some(Action::Type { keys: tokens, gap, each })
    }

    pub(super) fn parameter(&mut self, name: &str, place: &Place) -> Option<Arc<str>> {
        if self.parameters.iter().any(|known| &**known == name) {
            return Some(name.into());
        }
        let known = self.parameters.clone();
        self.findings.unknown(place, "parameter", name, known.iter().map(|p| &**p));
        None
    }

    fn supply(&mut self, text: &str, place: &Place) -> Option<Supply> {
        Some(match text {
            "on" => Supply::On,
            "off" | "none" => Supply::Off,
            "low" => Supply::Low,
            share if share.ends_with('%') => Supply::Share(self.quantity_at(share, place)?),
            volts => Supply::Volts(self.quantity_at(volts, place)?),
        })
    }

    fn power(&mut self, power: &WordOr<PowerStepSyntax>, place: &Place) -> Option<Action> {
        let full = match power {
            WordOr::Word(word) => {
                let to = self.supply(word, place)?;
                return Some(Action::Power { to, cell: None, over: None, duration: None });
            }
            WordOr::Full(full) => full,
        };
        let to_place = self.place(&full.to);
        let to = self.supply(&full.to.value.0, &to_place)?;
        let cell = match &full.cell {
            Some(cell) => Some(self.cell(cell, to)?),
            None => None,
        };
        let over = self.optional(full.over.as_ref());
        let duration = self.optional(full.duration.as_ref());
        Some(Action::Power { to, cell, over, duration })
    }

    fn cell(&mut self, cell: &Spanned<u8>, to: Supply) -> Option<u8> {
        let place = self.place(cell);
        let cells = self.facts.map_or(12, |facts| facts.power.cells);
        if !(1..=cells).contains(&cell.value) {
            self.findings.error(&place, format!("there is no cell {}; the model has {cells}", cell.value));
            return None;
        }
        if !matches!(to, Supply::On | Supply::Off) {
            self.findings.error(&place, "a single cell can only be put in (`on`) or taken out (`off`)");
            return None;
        }
        Some(cell.value)
    }

    fn turn(&mut self, turn: &WordOr<TurnSyntax>, place: &Place) -> Option<Action> {
        if self.facts.is_some_and(|facts| !facts.knob) {
            self.findings.error(place, "the model has no knob");
            return None;
        }
        Some(match turn {
            WordOr::Word(word) => Action::Turn { by: self.quantity_at(word, place)?, over: None },
            WordOr::Full(full) => {
                Action::Turn { by: self.quantity(&full.by)?, over: self.optional(full.over.as_ref()) }
            }
        })
    }

    fn wait(&mut self, wait: &WordOr<WaitSyntax>, place: &Place) -> Option<Action> {
        Some(match wait {
            WordOr::Word(word) if word == "lockout" => Action::WaitLockout { share: None },
            WordOr::Word(word) => Action::Wait(self.quantity_at(word, place)?),
            WordOr::Full(WaitSyntax { until: Some(until), plus, lockout: None }) => Action::WaitUntil {
                observation: Box::new(self.observation_step(until)?),
                plus: self.optional(plus.as_ref()).unwrap_or_default(),
            },
            WordOr::Full(WaitSyntax { until: None, plus: None, lockout: Some(share) }) => {
                Action::WaitLockout { share: Some(self.part_of(share)?) }
            }
            WordOr::Full(_) => {
                self.findings.error_with_hint(
                    place,
                    "`wait` takes either `until`, perhaps with `plus`, or `lockout`",
                    "write `wait: {until: {see: …}, plus: 2 s}` or `wait: {lockout: 90 %}`",
                );
                return None;
            }
        })
    }

    /// A share that is more than nothing and less than the whole.
    fn part_of(&mut self, word: &Word) -> Option<Ratio> {
        let share: Ratio = self.quantity(word)?;
        if share > Ratio::default() && share < Ratio::WHOLE {
            return Some(share);
        }
        let place = self.place(word);
        self.findings.error(&place, format!("`{}` is not more than 0 % and less than 100 %", word.value.0));
        None
    }

    pub(super) fn number(&mut self, word: &Word) -> Option<u32> {
        let number = word.value.0.parse().ok().filter(|n| (1..=1000).contains(n));
        if number.is_none() {
            let place = self.place(word);
            self.findings.error(&place, format!("`{}` is not a count from 1 to 1000", word.value.0));
        }
        number
    }

    pub(super) fn channel(&mut self, word: &Word) -> Option<Channel> {
        let place = self.place(word);
        let channel: Channel = word
            .value
            .0
            .parse()
            .map_err(|_| self.findings.unknown(&place, "channel", &word.value.0, Channel::FORMS))
            .ok()?;
        if let (Some(facts), Channel::Light(name)) = (self.facts, &channel)
            && !facts.lights.contains_key(name)
        {
            self.findings.unknown(&place, "light", name, facts.lights.keys().map(|n| &**n));
            return None;
        }
        Some(channel)
    }

    fn witness(&mut self, witness: &WordOr<WitnessSyntax>, place: &Place) -> Option<Action> {
        match witness {
            WordOr::Word(_) => {
                self.findings.error_with_hint(
                    place,
                    "how long may the operator take?",
                    "write `witness: {that: …, within: 2 min}`",
                );
                None
            }
            WordOr::Full(full) => {
                Some(Action::Witness { that: full.that.clone(), within: self.quantity(&full.within)? })
            }
        }
    }

    fn claim(&mut self, step: &StepSyntax, place: &Place) -> Option<Action> {
        if self.facts.is_some() {
            self.findings.error_with_hint(
                place,
                "this step belongs in a scenario",
                "a model's procedure contains only what a person does and sees",
            );
            return None;
        }
        Some(Action::Claim(match step {
            StepSyntax::Provision(words) => self.provision(words, place)?,
            StepSyntax::Prove(word) => {
                let states = [("provisioned", false), ("in_memory", true)];
                let in_memory = self.choice("state to prove", word, &states)?;
                if in_memory { Claim::ProveInMemory } else { Claim::Prove }
            }
            StepSyntax::Inventory => Claim::Inventory,
            StepSyntax::Restart(restart) => {
                let held = match &restart.held {
                    Some(word) => Some(self.part_of(word)?),
                    None => None,
                };
                if held.is_some() && restart.cells {
                    self.findings.error(place, "`held` can't be combined with `cells`");
                    return None;
                }
                Claim::Restart { off: self.quantity(&restart.off)?, cells: restart.cells, held }
            }
            StepSyntax::Attempt(attempt) => self.attempt(attempt, place)?,
            StepSyntax::Erased(word) => Claim::Erased(self.assets(word)?),
            StepSyntax::Reset => Claim::Reset,
            StepSyntax::ResetBut(words) => {
                let place = self.place(words);
                Claim::ResetBut(super::claim::but(self, &words.value, &place))
            }
            StepSyntax::ResetBy(word) => {
                let place = self.place(word);
                Claim::ResetBy(self.named("method", &word.value.0, &place)?)
            }
            StepSyntax::VerifyState => Claim::VerifyState,
            StepSyntax::LockOut => Claim::LockOut { between: Vec::new() },
            StepSyntax::NearlyLockOut => Claim::NearlyLockOut,
            StepSyntax::LockOutBetween(steps) => Claim::LockOut { between: self.steps(steps) },
            StepSyntax::Confirmed => Claim::Confirmed,
            StepSyntax::Unconfirmed => Claim::Unconfirmed,
            StepSyntax::NoOldAccess => Claim::NoOldAccess,
            StepSyntax::FactoryState => Claim::FactoryState,
            StepSyntax::Recommission => Claim::Recommission,
            StepSyntax::Unchanged => Claim::Unchanged,
            StepSyntax::AllOrNothing => Claim::AllOrNothing,
            StepSyntax::NothingLeft => Claim::NothingLeft,
            StepSyntax::ErasedFromMemory => Claim::Memory(MemoryClaim::Erased),
            StepSyntax::AllOrNothingInMemory => Claim::Memory(MemoryClaim::AllOrNothing),
            StepSyntax::FirmwareUnchanged => Claim::Memory(MemoryClaim::FirmwareUnchanged),
            StepSyntax::Hold(_)
            | StepSyntax::Release(_)
            | StepSyntax::Press(_)
            | StepSyntax::Type(_)
            | StepSyntax::Power(_)
            | StepSyntax::Turn(_)
            | StepSyntax::Door(_)
            | StepSyntax::Cover(_)
            | StepSyntax::Wait(_)
            | StepSyntax::See(_)
            | StepSyntax::Hear(_)
            | StepSyntax::NoChange(_)
            | StepSyntax::Never(_)
            | StepSyntax::Notified(_)
            | StepSyntax::Witness(_)
            | StepSyntax::Ask(_)
            | StepSyntax::Together(_)
            | StepSyntax::Repeat(_)
            | StepSyntax::Do(_) => return None,
        }))
    }
}
