//! What must hold after the act, in the order that disturbs least: signals, bindings, defaults,
//! old codes, and only then the new set-up.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Asset, Credential};
use crate::scenario::ast::{self, Claim, phrase};
use crate::scenario::program::{Action, Rule, Stage, Step, Weight};
use crate::trace::Channel;

use super::builder::{Builder, Excluded};
use super::procedure::Bindings;

impl<'a> Builder<'a> {
    pub(super) fn expect(&mut self) -> Result<(), Excluded> {
        self.stage = Stage::Expect;
        self.weight = Weight::Fail;
        let claims: Vec<&'a Claim> = self
            .scenario
            .expect
            .iter()
            .filter_map(|step| if let ast::Action::Claim(claim) = &step.action { Some(claim) } else { None })
            .collect();
        self.signals()?;
        let signals = self.judged_parts();
        let memory = claims.iter().any(|claim| !matches!(claim, Claim::Confirmed | Claim::Unconfirmed));
        if memory {
            self.settle()?;
        }
        for claim in &claims {
            match claim {
                Claim::Erased(assets) => self.bindings_erased(assets)?,
                Claim::FactoryState => self.unpaired(),
                _ => {}
            }
        }
        let of_a_reset =
            |claim: &&Claim| matches!(claim, Claim::Erased(_) | Claim::FactoryState | Claim::Recommission);
        let tries = claims.iter().any(|claim| matches!(claim, Claim::Attempt { .. }));
        let is_reset = self.was_reset && !self.scenario.but.is_negative();
        if claims.iter().any(of_a_reset) || (tries && is_reset) {
            self.afterwards()?;
        }
        if claims.contains(&&Claim::FactoryState) {
            self.default_codes()?;
        }
        for claim in &claims {
            match claim {
                Claim::Erased(assets) => self.codes_erased(assets)?,
                Claim::Unchanged => self.unchanged()?,
                Claim::AllOrNothing => self.all_or_nothing()?,
                Claim::Attempt { code, accepted } => {
                    self.attempt_claim(code, *accepted)?;
                    self.part(format!("code {code} {}", if *accepted { "accepted" } else { "refused" }));
                }
                _ => {}
            }
        }
        let of_memory = |claim: &&Claim| {
            matches!(claim, Claim::Erased(_) | Claim::Unchanged | Claim::AllOrNothing | Claim::Attempt { .. })
        };
        // A signal alone does not tell what the lock still holds.
        let is_judged = !claims.iter().any(of_memory) || self.judged_parts() > signals;
        if claims.contains(&&Claim::Recommission) {
            self.recommission()?;
        }
        if self.claims_something() && is_judged {
            return Ok(());
        }
        // Without a word of the model's on it, it is the scenario that left nothing to judge.
        Err(match self.last_omission() {
            Some(reason) => Excluded::Model(reason.to_owned()),
            None => Excluded::plan("the scenario arranged nothing that its claim could be judged on"),
        })
    }

    /// Confirmation and other signals that follow the act, all watched at once.
    fn signals(&mut self) -> Result<(), Excluded> {
        let since = self.since_act();
        let mut branches: Vec<Vec<Step>> = Vec::new();
        let mut name = Vec::new();
        let mut judged = false;
        for step in &self.scenario.expect {
            match &step.action {
                ast::Action::Claim(Claim::Confirmed) => match self.facts.confirmed_by.known() {
                    Some(steps) => {
                        for step in steps {
                            branches.push(self.nested(|b| b.observe(&step.action, since, false))?.1);
                        }
                        judged = true;
                        name.push("confirmed".to_owned());
                    }
                    None => {
                        let reason = self.facts.confirmed_by.absence("how a reset is confirmed");
                        self.omit("confirmed", reason);
                    }
                },
                ast::Action::Claim(Claim::Unconfirmed) => match self.facts.confirmed_by.known() {
                    Some(steps) => {
                        branches.push(self.nested(|b| b.unconfirmed(steps))?.1);
                        judged = true;
                        name.push("unconfirmed".to_owned());
                    }
                    None => {
                        let reason = self.facts.confirmed_by.absence("how a reset is confirmed");
                        self.omit("unconfirmed", reason);
                    }
                },
                ast::Action::Claim(_) => {}
                action @ ast::Action::Observe { .. } => {
                    if let Some(reason) = self.has_none_of(step) {
                        self.omit(phrase(action), reason);
                        continue;
                    }
                    judged = true;
                    branches.push(self.nested(|b| b.observe(action, since, false))?.1);
                    name.push(phrase(action));
                }
                action => {
                    judged |= !matches!(action, ast::Action::Wait(_) | ast::Action::WaitLockout);
                    branches.push(self.nested(|b| b.scenario_step(step))?.1);
                    name.push(phrase(&step.action));
                }
            }
        }
        if !branches.is_empty() {
            self.push("signals", Action::Together(branches));
            self.stage = if judged { Stage::Expect } else { Stage::Between };
            self.part(name.join(", "));
            self.stage = Stage::Expect;
        }
        Ok(())
    }

    /// What confirms a reset must not show together, for as long as the source gives a reset that was complete.
    fn unconfirmed(&mut self, confirmed_by: &[ast::Step]) -> Result<(), Excluded> {
        let seen = |step: &ast::Step| match &step.action {
            ast::Action::Observe { observation, within } => Some((observation.clone(), *within)),
            _ => None,
        };
        let (observations, windows): (Vec<_>, Vec<_>) = confirmed_by.iter().filter_map(seen).unzip();
        let within = windows.into_iter().max().unwrap_or_default();
        let within = within.saturating_add(self.unconfirmed_longer);
        let (since, weight) = (self.unconfirmed_since, Weight::Fail);
        self.push("unconfirmed", Action::Unseen { observations, since, within, weight });
        Ok(())
    }

    /// Why the model can't show anything on a channel.
    pub(super) fn lacks(&self, channel: &Channel) -> Option<String> {
        let lock = self.lock();
        let absent = match channel {
            Channel::Light(name) => !lock.lights.contains_key(name),
            Channel::Beeper => !lock.beeper,
            Channel::Voice => !lock.voice,
            Channel::Hub => self.operation("pair_hub").is_err(),
            Channel::App => self.operation("pair_app").is_err(),
            Channel::Door => !lock.door,
            Channel::Memory => !lock.debug_port,
            Channel::Button(name) => !lock.buttons.contains(name),
            Channel::Keypad => lock.keys.is_empty(),
            Channel::Knob => !lock.knob,
            Channel::Cover => !lock.cover,
            Channel::PowerCell(number) => !(1..=lock.power.cells).contains(number),
            _ => false,
        };
        absent.then(|| match channel {
            Channel::Memory => "the model's source names no debug port".to_owned(),
            _ => format!("the model has no {channel}"),
        })
    }

    /// Why a step of a scenario can't be done with the model, or can see nothing there.
    pub(super) fn has_none_of(&self, step: &ast::Step) -> Option<String> {
        let lock = self.lock();
        let control = |control: &ast::Control| match control {
            ast::Control::Button(name) => self.lacks(&Channel::Button(Arc::clone(name))),
            ast::Control::Key(label) => {
                (!lock.keys.contains(label)).then(|| format!("the model has no key `{label}`"))
            }
        };
        let seen = |observation: &ast::Observation| {
            let colours = match (observation, observation.channel()) {
                (ast::Observation::Pulses { pattern, .. }, Channel::Light(name)) => pattern
                    .phases
                    .iter()
                    .find(|phase| !lock.lights.get(&name).is_some_and(|l| l.contains(&phase.colour))),
                _ => None,
            };
            let missing = |colour: &Arc<str>| format!("the model has no {colour} {}", observation.channel());
            self.lacks(&observation.channel()).or_else(|| colours.map(|phase| missing(&phase.colour)))
        };
        let steps = |body: &[ast::Step]| body.iter().find_map(|step| self.has_none_of(step));
        match &step.action {
            ast::Action::Hold(list) | ast::Action::Release(list) => list.iter().find_map(control),
            ast::Action::Press { controls, .. } => controls.iter().find_map(control),
            ast::Action::Type { keys, .. } => keys.iter().find_map(|token| match token {
                ast::KeyToken::Key(label) => control(&ast::Control::Key(Arc::clone(label))),
                ast::KeyToken::Parameter(_) => self.lacks(&Channel::Keypad),
            }),
            ast::Action::Power { cell: Some(cell), .. } => self.lacks(&Channel::PowerCell(*cell)),
            ast::Action::Turn { .. } => self.lacks(&Channel::Knob),
            ast::Action::Contact { channel, .. } => self.lacks(channel),
            ast::Action::NoChange { channels, .. } => channels.iter().find_map(|channel| self.lacks(channel)),
            ast::Action::Observe { observation, .. } => seen(observation),
            ast::Action::Never { observation, body } => seen(observation).or_else(|| steps(body)),
            ast::Action::Repeat { body, .. } => steps(body),
            ast::Action::Together(branches) => branches.iter().find_map(|branch| steps(branch)),
            _ => None,
        }
    }

    fn bindings_erased(&mut self, assets: &BTreeSet<Asset>) -> Result<(), Excluded> {
        let bound = [
            (self.app, Asset::AppPairing, Channel::App, "app binding"),
            (self.hub, Asset::HubPairing, Channel::Hub, "hub binding"),
        ];
        for (bound, asset, channel, name) in bound {
            if !bound || !assets.contains(&asset) {
                continue;
            }
            let kept = self.lock().keeps.contains(&asset) && !self.unbound.contains(&channel);
            if kept {
                self.deviation(format!("keeps its {name}"));
            }
            // What is kept anyway, or what the act itself took, says nothing of the reset.
            let is_telling = !kept && !self.unbound.contains(&channel);
            if kept {
                self.status(channel, Weight::Fail);
            } else {
                self.status_erased(channel.clone());
                if is_telling {
                    self.refuse_old_binding(&channel)?;
                }
            }
            self.stage = if is_telling { Stage::Expect } else { Stage::Between };
            self.part(if kept { format!("{name} kept as documented") } else { format!("{name} erased") });
            self.stage = Stage::Expect;
        }
        Ok(())
    }

    fn unpaired(&mut self) {
        let bindings =
            [("pair_app", Asset::AppPairing, Channel::App), ("pair_hub", Asset::HubPairing, Channel::Hub)];
        for (operation, asset, channel) in bindings {
            let kept = self.lock().keeps.contains(&asset);
            if self.operation(operation).is_ok() && !kept {
                self.status_erased(channel);
            }
        }
        self.part("factory state: unpaired");
    }

    /// What the manual demands after a reset, before the lock works again.
    fn afterwards(&mut self) -> Result<(), Excluded> {
        for operation in &self.facts.afterwards {
            self.perform(operation, &Bindings::owner())?;
            self.stage = Stage::Between;
            self.part(format!("afterwards: {operation}"));
            self.stage = Stage::Expect;
        }
        Ok(())
    }

    fn default_codes(&mut self) -> Result<(), Excluded> {
        if self.lock().opens_for_any_code || self.lock().keeps.contains(&Asset::UserCodes) {
            return Ok(());
        }
        let Some(codes) = self.lock().defaults.user_codes.known() else {
            let reason = self.lock().defaults.user_codes.absence("a default user code");
            self.omit("default code works", reason);
            return Ok(());
        };
        for code in codes {
            self.expect_code(&Credential::Published(code.clone()), true, Weight::Fail)?;
        }
        self.part("factory state: default code works");
        Ok(())
    }

    /// The owner's codes, without those that a manual prints.
    pub(super) fn secret_codes(&self) -> Vec<Credential> {
        let secret = |code: &&Credential| matches!(code, Credential::Secret { .. });
        self.codes.iter().filter(secret).cloned().collect()
    }

    fn codes_erased(&mut self, assets: &BTreeSet<Asset>) -> Result<(), Excluded> {
        let codes = self.secret_codes();
        if assets.contains(&Asset::UserCodes) && !codes.is_empty() {
            let lock = self.lock();
            if lock.opens_for_any_code {
                self.opens_for_any(&codes)?;
            } else if lock.keeps.contains(&Asset::UserCodes) {
                self.deviation("keeps its user codes");
                for code in &codes {
                    self.expect_code(code, true, Weight::Fail)?;
                }
                self.stage = Stage::Between;
                self.part("user codes kept as documented");
                self.stage = Stage::Expect;
            } else {
                self.part_or_omit("user codes erased", |b| b.expect_refused(&codes, Weight::Fail));
            }
        }
        if assets.contains(&Asset::MasterCode)
            && let Some(master) = self.master.clone()
        {
            self.part_or_omit("master code erased", |b| b.master_erased(&master));
        }
        Ok(())
    }

    /// A claim for which the model states no means is left out with that reason; one that this case
    /// can't prove is inconclusive.
    fn part_or_omit(&mut self, name: &str, claim: impl FnOnce(&mut Self) -> Result<(), Excluded>) {
        let bound = (self.app_again, self.hub_again);
        let outcome = claim(self);
        match outcome {
            Ok(()) => self.part(name),
            Err(excluded) => {
                self.steps.clear();
                (self.app_again, self.hub_again) = bound;
                match excluded {
                    Excluded::Model(reason) => self.omit(name, reason),
                    Excluded::Plan(reason) => {
                        self.push("not provable", Action::Unprovable { reason });
                        self.part(name);
                    }
                }
            }
        }
    }

    fn opens_for_any(&mut self, codes: &[Credential]) -> Result<(), Excluded> {
        self.deviation("opens for any code until it is set up");
        let random = self.wrong_code()?;
        for code in codes.iter().take(1).chain([&random]) {
            self.expect_code(code, true, Weight::Fail)?;
        }
        self.part("opens for any code as documented");
        Ok(())
    }

    fn master_erased(&mut self, master: &Credential) -> Result<(), Excluded> {
        let kept = self.lock().keeps.contains(&Asset::MasterCode);
        if kept {
            self.deviation("keeps its master code");
        }
        let default = self.lock().defaults.master.known().cloned().map(Credential::Published);
        let mut tries = vec![(master.clone(), kept, Weight::Fail)];
        // The published default is the control that shows the lock listens to masters at all.
        tries.extend(default.filter(|_| !kept).map(|code| (code, true, Weight::Inconclusive)));
        tries.into_iter().try_for_each(|(code, accepted, weight)| self.expect_master(&code, accepted, weight))
    }

    fn recommission(&mut self) -> Result<(), Excluded> {
        let lock = self.lock();
        for (operation, asset, channel, name) in [
            ("pair_app", Asset::AppPairing, Channel::App, "set up again: app"),
            ("pair_hub", Asset::HubPairing, Channel::Hub, "set up again: hub"),
        ] {
            if let Err(excluded) = self.operation(operation) {
                self.omit(name, excluded.reason());
                continue;
            }
            let again = if channel == Channel::App { self.app_again } else { self.hub_again };
            if !again && !lock.keeps.contains(&asset) {
                self.pair(operation)?;
            }
            self.status(channel, Weight::Fail);
            self.part(name);
        }
        (self.app_again, self.hub_again) = (true, true);
        let old_master = self.master.take().filter(|_| !lock.keeps.contains(&Asset::MasterCode));
        self.part_or_omit("set up again: master code", |b| {
            let code = b.secret("new-master")?;
            b.set_master(&code)?;
            b.master = Some(code);
            Ok(())
        });
        if let (Some(old), Some(new)) = (old_master, self.master.clone()) {
            self.part_or_omit("old master code refused after the new set-up", |b| {
                b.expect_master(&old, false, Weight::Fail)?;
                b.expect_master(&new, true, Weight::Fail)
            });
        }
        let mut fresh = Vec::new();
        self.part_or_omit("set up again: user codes", |b| {
            // Slots that no earlier code was in: overwriting one would hide that it is still there.
            let free = u8::try_from(b.codes.len()).unwrap_or(u8::MAX - 4) + 2;
            for (handle, slot) in ["fresh.1", "fresh.2"].iter().zip(free..) {
                let code = b.secret(handle)?;
                b.add_code(&code, slot)?;
                fresh.push(code);
            }
            Ok(())
        });
        self.part_or_omit("set up again: every entry method", |b| match fresh.as_slice() {
            [] => Err("no user code could be added".into()),
            codes => codes.iter().try_for_each(|code| b.expect_code(code, true, Weight::Fail)),
        });
        let old: Vec<Credential> = self.secret_codes();
        let keeps = self.lock().keeps.contains(&Asset::UserCodes);
        if let (Some(control), false, false) = (fresh.first(), old.is_empty(), keeps) {
            // A lock may bring back what it hid, once it is in use again.
            self.known_good = Some(control.clone());
            self.part_or_omit("old codes refused after the new set-up", |b| {
                b.expect_refused(&old, Weight::Fail)
            });
        }
        Ok(())
    }

    /// What a whole reset would leave as well says nothing of one that did not happen.
    fn unchanged(&mut self) -> Result<(), Excluded> {
        let keeps = |asset: Asset| self.was_reset && self.lock().keeps.contains(&asset);
        let (keeps_codes, keeps_master) = (keeps(Asset::UserCodes), keeps(Asset::MasterCode));
        let (app, hub) = (self.app && !keeps(Asset::AppPairing), self.hub && !keeps(Asset::HubPairing));
        let codes = if keeps_codes { Vec::new() } else { self.codes.clone() };
        for code in &codes {
            self.expect_code(code, true, Weight::Fail)?;
        }
        self.part("user codes unchanged");
        if let Some(master) = self.master.clone().filter(|_| !keeps_master) {
            self.part_or_omit("master code unchanged", |b| {
                let probe = b.attempt(&master, "try_master")?;
                b.judge(probe, Rule::Yes, "the master code was not accepted".into(), Weight::Fail);
                Ok(())
            });
        }
        self.hold_bindings(app, hub, Weight::Fail);
        self.part("bindings unchanged");
        Ok(())
    }

    fn all_or_nothing(&mut self) -> Result<(), Excluded> {
        self.may_be_open = self.facts.starts_unlocked;
        let probes = self.probes_of_memory()?;
        self.may_be_open = false;
        let Some(first) = probes.first().copied().filter(|_| probes.len() > 1) else {
            return Err("the lock holds too little to be erased by halves".into());
        };
        let reason = "some of the owner's data are gone and some are left".to_owned();
        let rule = if self.lock().opens_for_any_code { Rule::Opposite } else { Rule::Same };
        let weight = Weight::Fail;
        self.push("all or nothing?", Action::Judge { probes, rule, reason, weight });
        // A lock that refuses everything may be dead, or keep what it hides: only one that can be
        // set up again, and still refuses the old codes, holds nothing.
        let erased = self.lock().opens_for_any_code;
        let codes = self.secret_codes();
        let keeps = self.lock().keeps.contains(&Asset::UserCodes);
        if !codes.is_empty() && !keeps {
            let facts = self.facts;
            let ((), body) = self.nested(|b| {
                for operation in &facts.afterwards {
                    b.perform(operation, &Bindings::owner())?;
                }
                b.reset_happened = true;
                let outcome = b.new_code().and_then(|fresh| {
                    b.known_good = Some(fresh);
                    b.expect_refused(&codes, Weight::Fail)
                });
                b.reset_happened = false;
                outcome
            })?;
            self.push("if it was erased", Action::If { probe: first, yes: erased, body });
        }
        self.part("all or nothing");
        Ok(())
    }
}
