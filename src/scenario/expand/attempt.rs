//! Giving a lock an owner's data, trying codes, and what a refusal is worth.

use std::sync::Arc;

use crate::lock::{Asset, Credential, Fact};
use crate::scenario::ast::{self, Observation};
use crate::scenario::program::{Action, Expected, Probe, Rule, Since, Stage, Weight};
use crate::trace::{Argument, Channel};
use crate::unit::Duration;

use super::builder::{Builder, Excluded};
use super::procedure::{Binding, Bindings, secret_argument};

/// How long a lock may take to move its bolt if its model does not say.
const BOLT_WITHIN: Duration = Duration::seconds(4);
/// How long a radio or service may take to answer.
const ANSWER_WITHIN: Duration = Duration::seconds(10);

impl<'a> Builder<'a> {
    /// Gives the lock whatever the model has of what the scenario asks for.
    pub(super) fn provision(
        &mut self,
        user_codes: u8,
        app: bool,
        hub: bool,
        master: bool,
    ) -> Result<(), Excluded> {
        if self.was_reset {
            self.begin_anew()?;
        }
        if app && !self.app && self.available("pair_app", "app binding") {
            self.pair("pair_app")?;
            self.app = true;
        }
        if hub && !self.hub && self.available("pair_hub", "hub binding") {
            self.pair("pair_hub")?;
            self.hub = true;
        }
        if master && self.available("set_master", "master code") {
            let code = self.secret("master")?;
            self.set_master(&code)?;
            self.master = Some(code);
        }
        if user_codes > 0 && self.available("add_code", "user codes") {
            for number in 1..=user_codes {
                let code = self.secret(&format!("user.{number}"))?;
                self.add_code(&code, number)?;
                self.codes.push(code);
            }
        } else if user_codes > 0
            && let Some(published) = self.lock().defaults.user_codes.known()
        {
            self.codes.extend(published.iter().cloned().map(Credential::Published));
        }
        self.part("provision");
        Ok(())
    }

    /// A lock that was reset has another owner now, and what the first one stored is gone.
    fn begin_anew(&mut self) -> Result<(), Excluded> {
        let facts = self.facts;
        for operation in &facts.afterwards {
            self.perform(operation, &Bindings::owner())?;
        }
        self.was_reset = false;
        let lock = self.lock();
        let kept = |asset: Asset| lock.keeps.contains(&asset);
        (self.app, self.hub) = (self.app && kept(Asset::AppPairing), self.hub && kept(Asset::HubPairing));
        let (codes, master) = (kept(Asset::UserCodes), kept(Asset::MasterCode));
        if !codes {
            self.codes.clear();
        }
        self.master = self.master.take().filter(|_| master);
        Ok(())
    }

    fn available(&mut self, operation: &str, what: &str) -> bool {
        match self.operation(operation) {
            Ok(_) => true,
            Err(excluded) => {
                self.omit(what, excluded.reason());
                false
            }
        }
    }

    pub(super) fn pair(&mut self, operation: &str) -> Result<(), Excluded> {
        let bindings = Bindings::owner().with("role", Binding::Word("owner".into()));
        self.perform(operation, &bindings)
    }

    /// The master code that is valid now.
    fn master_now(&self) -> Option<Credential> {
        let published = self.lock().defaults.master.known().cloned().map(Credential::Published);
        self.master.clone().or(published)
    }

    pub(super) fn set_master(&mut self, code: &Credential) -> Result<(), Excluded> {
        let mut bindings = Bindings::owner().code(code);
        if let Some(master) = self.master_now() {
            bindings = bindings.with("master", Binding::Code(master));
        }
        self.perform("set_master", &bindings)
    }

    pub(super) fn add_code(&mut self, code: &Credential, slot: u8) -> Result<(), Excluded> {
        let mut bindings =
            Bindings::owner().code(code).with("slot", Binding::Word(Arc::from(slot.to_string())));
        if let Some(master) = self.master_now() {
            bindings = bindings.with("master", Binding::Code(master));
        }
        self.perform("add_code", &bindings)
    }

    /// Shows that the data are there: each code opens, each binding answers.
    pub(super) fn prove(&mut self) -> Result<(), Excluded> {
        for code in self.codes.clone() {
            self.expect_code(&code, true, Weight::Inconclusive)?;
        }
        for (bound, channel) in [(self.app, Channel::App), (self.hub, Channel::Hub)] {
            if bound {
                self.status(channel, Weight::Inconclusive);
            }
        }
        self.part("prove provisioned");
        Ok(())
    }

    /// Has app and hub say what they hold, under a name that lists what the owner stored.
    pub(super) fn inventory(&mut self) -> Result<(), Excluded> {
        let mut held: Vec<String> = self.codes.iter().map(|code| format!("code {}", code.name())).collect();
        held.extend(self.master.as_ref().map(|_| "master code".to_owned()));
        let bindings = [(self.app, "app binding"), (self.hub, "hub binding")];
        held.extend(bindings.iter().filter(|(is_bound, _)| *is_bound).map(|(_, name)| (*name).to_owned()));
        if held.is_empty() {
            return Err("nothing of an owner's can be stored".into());
        }
        self.hold_bindings(self.app, self.hub, Weight::Inconclusive);
        self.part(format!("inventory: {}", held.join(", ")));
        Ok(())
    }

    /// Asks the owner's bindings what they hold: no code less, and nobody more.
    pub(super) fn hold_bindings(&mut self, app: bool, hub: bool, weight: Weight) {
        let codes = Some(self.secret_codes().len() as u64);
        // Whoever was bound in silence shows nowhere else.
        let pairs = |step: &ast::Step| ast::asked(step).iter().any(|(_, op)| *op == "pair");
        let users = self.scenario.act.iter().any(pairs);
        for (bound, channel) in [(app, Channel::App), (hub, Channel::Hub)] {
            if bound {
                let label = format!("{channel} holds what was stored");
                self.ask_status(label, channel, Expected::Holds { codes, users }, weight);
            }
        }
    }

    /// Who had a binding is asked to use it, once it must be gone. Silence is a refusal, too.
    pub(super) fn refuse_old_binding(&mut self, channel: &Channel) -> Result<(), Excluded> {
        let steps = self.operation("add_code").map(|add| add.procedure.as_slice()).unwrap_or_default();
        if !steps.iter().flat_map(ast::asked).any(|(asked, _)| asked == channel) {
            return Ok(());
        }
        let code = self.secret("stranger")?;
        let slot = u64::try_from(self.codes.len()).unwrap_or(u64::MAX).saturating_add(3);
        let arguments = vec![
            ("slot".into(), Argument::Number(slot)),
            ("code".into(), secret_argument(&code)),
            ("role".into(), Argument::Text("owner".into())),
        ];
        self.push(
            format!("{channel} can't add a code any more"),
            Action::Ask {
                channel: channel.clone(),
                op: "add_code".into(),
                arguments,
                expected: Expected::Refused,
                within: ANSWER_WITHIN,
                mark: None,
                weight: Weight::Fail,
            },
        );
        Ok(())
    }

    /// Asks a binding that must be gone; where codes must be gone too, their count is nought.
    pub(super) fn status_erased(&mut self, channel: Channel) {
        let codes = !self.codes.is_empty() && !self.lock().keeps.contains(&Asset::UserCodes);
        let label = format!("{channel} is unpaired");
        self.ask_status(label, channel, Expected::Erased { codes }, Weight::Fail);
    }

    /// Asks a binding that must hold.
    pub(super) fn status(&mut self, channel: Channel, weight: Weight) {
        self.ask_status(format!("{channel} is paired"), channel, Expected::Paired(true), weight);
    }

    pub(super) fn ask_status(&mut self, label: String, channel: Channel, expected: Expected, weight: Weight) {
        let arguments = vec![("role".into(), Argument::Text("owner".into()))];
        let op = "status".into();
        self.push(
            label,
            Action::Ask { channel, op, arguments, expected, within: ANSWER_WITHIN, mark: None, weight },
        );
    }

    /// Enters a code and sees whether the bolt moves; locks again if it did.
    pub(super) fn attempt(&mut self, code: &Credential, operation: &str) -> Result<Probe, Excluded> {
        let described = self.operation(operation)?;
        let (channel, value, within) = match described.accepted_by.as_ref().map(|step| &step.action) {
            Some(ast::Action::Observe { observation: Observation::Contact { channel, value }, within }) => {
                (channel.clone(), *value, *within)
            }
            _ => (Channel::Bolt, false, BOLT_WITHIN),
        };
        let probe = self.probe();
        let mut bindings = Bindings::owner().code(code);
        if let Some(master) = self.master_now() {
            bindings = bindings.with("master", Binding::Code(master));
        }
        (self.first_mark, self.last_mark, self.before_last_key) = (None, None, None);
        self.perform(operation, &bindings)?;
        let touched = self.first_mark.zip(self.last_mark);
        let (first, last) = touched.ok_or_else(|| Excluded::plan("entering a code touches nothing"))?;
        // Only the last key can open; one that opens while it is typed was opened by an earlier code.
        let since = self.before_last_key.take().unwrap_or(first).max(first).min(last);
        let weight = if self.weight == Weight::Ignore { Weight::Fail } else { self.weight };
        let from_rest = !self.may_be_open;
        let label = format!("watch the {channel}");
        self.push(label, Action::Watch { channel, value, first, since, from_rest, weight, within, probe });
        let ((), body) = self.nested(|b| b.perform("lock", &Bindings::owner()))?;
        self.push("lock again", Action::If { probe, yes: true, body });
        Ok(probe)
    }

    pub(super) fn judge(&mut self, probe: Probe, rule: Rule, reason: String, weight: Weight) {
        let label = match rule {
            Rule::Yes => "accepted?",
            Rule::No => "refused?",
            Rule::Same | Rule::Opposite => "all or nothing?",
        };
        self.push(label, Action::Judge { probes: vec![probe], rule, reason, weight });
    }

    /// Tries a code that must be accepted, or refused.
    pub(super) fn expect_code(
        &mut self,
        code: &Credential,
        accepted: bool,
        weight: Weight,
    ) -> Result<(), Excluded> {
        let (probe, steps) = self.nested(|b| b.attempt(code, "enter"))?;
        self.push(format!("try {}", code.name()), Action::Sequence(steps));
        let (rule, reason) = if accepted {
            (Rule::Yes, format!("code {} was not accepted", code.name()))
        } else {
            (Rule::No, format!("code {} was accepted", code.name()))
        };
        self.judge(probe, rule, reason, weight);
        Ok(())
    }

    /// The same of a master code.
    pub(super) fn expect_master(
        &mut self,
        code: &Credential,
        accepted: bool,
        weight: Weight,
    ) -> Result<(), Excluded> {
        let probe = self.try_master(code)?;
        let (rule, word) = if accepted { (Rule::Yes, "not accepted") } else { (Rule::No, "accepted") };
        self.judge(probe, rule, format!("master code {} was {word}", code.name()), weight);
        Ok(())
    }

    fn try_master(&mut self, code: &Credential) -> Result<Probe, Excluded> {
        let (probe, steps) = self.nested(|b| b.attempt(code, "try_master"))?;
        self.push(format!("try {} as master", code.name()), Action::Sequence(steps));
        Ok(probe)
    }

    /// Codes that must be refused, each group followed by a known-good one in the same lockout
    /// window: a lock that takes no code at all has proved nothing.
    pub(super) fn expect_refused(&mut self, codes: &[Credential], weight: Weight) -> Result<(), Excluded> {
        let at_once = match &self.lock().lockout {
            Fact::Known(lockout) => usize::from(lockout.attempts.saturating_sub(1)).max(1),
            Fact::Unknown => 1,
            Fact::Unsupported => codes.len().max(1),
        };
        if let (true, Some(first)) = (self.control_needs_setup(), codes.first()) {
            // Setting the lock up may hide or overwrite what is left, so one is tried before it.
            self.expect_code(first, false, weight)?;
            self.control()?;
        }
        for group in codes.chunks(at_once) {
            for code in group {
                self.expect_code(code, false, weight)?;
            }
            self.control()?;
        }
        Ok(())
    }

    /// Shows that the lock takes codes at all.
    fn control(&mut self) -> Result<(), Excluded> {
        let control = self.known_good()?;
        let (probe, steps) = self.nested(|b| b.attempt(&control, "enter"))?;
        self.push(format!("control: try {}", control.name()), Action::Sequence(steps));
        let reason = format!(
            "known-good code {} was not accepted, so the refusals before it prove nothing",
            control.name()
        );
        self.judge(probe, Rule::Yes, reason, Weight::Inconclusive);
        Ok(())
    }

    fn is_before_or_without_reset(&self) -> bool {
        let is_without = !self.was_reset || (self.scenario.but.is_negative() && !self.reset_happened);
        self.stage != Stage::Expect || is_without
    }

    /// Whether a known-good code must be added first.
    fn control_needs_setup(&self) -> bool {
        let has_default = self.lock().defaults.user_codes.known().is_some_and(|codes| !codes.is_empty());
        !self.is_before_or_without_reset() && self.known_good.is_none() && !has_default
    }

    /// A code that the lock takes now: before the act the last that was provisioned; after it the published
    /// default, or one that is newly added.
    fn known_good(&mut self) -> Result<Credential, Excluded> {
        if self.is_before_or_without_reset() {
            return self.codes.last().cloned().ok_or_else(|| Excluded::plan("no code was provisioned"));
        }
        if let Some(known) = &self.known_good {
            return Ok(known.clone());
        }
        let published = self.lock().defaults.user_codes.known().and_then(|codes| codes.first());
        let code = match published {
            Some(code) => Credential::Published(Arc::clone(code)),
            None => {
                let outer = std::mem::replace(&mut self.weight, Weight::Inconclusive);
                let code = self.new_code();
                self.weight = outer;
                code?
            }
        };
        self.known_good = Some(code.clone());
        Ok(code)
    }

    /// Binds the lock anew as far as needed, and adds a code.
    pub(super) fn new_code(&mut self) -> Result<Credential, Excluded> {
        self.operation("add_code")?;
        if self.operation("pair_app").is_ok() && !self.app_again {
            self.pair("pair_app")?;
            self.app_again = true;
        }
        if self.operation("pair_hub").is_ok() && !self.hub_again {
            self.pair("pair_hub")?;
            self.hub_again = true;
        }
        let code = self.secret("new")?;
        // After the act the old master is gone: only a published one can be used.
        let old_master = self.master.take();
        // A slot that no old code was in: overwriting one would hide that it is still there.
        let slot = u8::try_from(self.codes.len() + 1).unwrap_or(u8::MAX);
        let added = self.add_code(&code, slot);
        self.master = old_master;
        added?;
        Ok(code)
    }

    /// Whether a key ends a code, so that one of any length can be entered.
    fn takes_any_length(&self) -> bool {
        let steps = self.operation("enter").map(|enter| enter.procedure.as_slice()).unwrap_or_default();
        let last = steps.iter().rev().find_map(|step| match &step.action {
            ast::Action::Type { keys, .. } => keys.last(),
            _ => None,
        });
        matches!(last, Some(ast::KeyToken::Key(_)))
    }

    /// A named code in a scenario's `attempt`.
    pub(super) fn attempt_claim(&mut self, name: &str, accepted: bool) -> Result<(), Excluded> {
        let code = match name {
            "wrong" => self.wrong_code()?,
            "default" => {
                let fact = &self.lock().defaults.user_codes;
                let code = fact.known().and_then(|codes| codes.first()).cloned();
                Credential::Published(code.ok_or_else(|| fact.absence("a default code"))?)
            }
            digits if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
                if !self.takes_any_length() && self.lock().code_digits != Fact::Known(length) {
                    return Err("a code of another length than the lock's can't be entered".into());
                }
                Credential::Published(digits.into())
            }
            user => {
                let number = user.strip_prefix("user.").and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
                let code = self.codes.get(number - 1).cloned();
                let reason = format!("no code {user} was provisioned");
                // A model without codes has none to try; else the scenario forgot it.
                let none = self.codes.is_empty();
                code.ok_or(if none { Excluded::Model(reason) } else { Excluded::Plan(reason) })?
            }
        };
        let weight = if self.weight == Weight::Ignore { Weight::Fail } else { self.weight };
        if self.stage != Stage::Expect || accepted {
            return self.expect_code(&code, accepted, weight);
        }
        if self.lock().opens_for_any_code && name == "wrong" {
            self.deviation("opens for any code until it is set up");
            return self.expect_code(&code, true, weight);
        }
        self.expect_refused(&[code], weight)
    }

    /// Enters wrong codes until the penalty begins; before it a good code still works.
    pub(super) fn lock_out(&mut self) -> Result<(), Excluded> {
        let fact = &self.lock().lockout;
        let lockout = *fact.known().ok_or_else(|| fact.absence("a lockout"))?;
        for attempt in 0..lockout.attempts {
            let code = self.wrong_code()?;
            if attempt > 0 || self.scenario.but.bolt.is_none() {
                self.expect_code(&code, false, Weight::Fail)?;
                continue;
            }
            let probe = self.wrong_code_while_it_moves(&code)?;
            self.judge(probe, Rule::No, format!("code {} was accepted", code.name()), Weight::Fail);
        }
        Ok(())
    }

    /// Whether each code and binding is still there, as probes. A lock that opens for any code once
    /// it is erased is asked for a code that it never knew, which is the opposite of them all.
    pub(super) fn probes_of_memory(&mut self) -> Result<Vec<Probe>, Excluded> {
        let mut probes = Vec::new();
        if self.lock().keeps.contains(&Asset::UserCodes) {
            for code in self.codes.clone() {
                self.expect_code(&code, true, Weight::Fail)?;
            }
        } else if self.lock().opens_for_any_code {
            // Its codes open in both states: erased, any code does.
            for code in self.codes.clone() {
                self.expect_code(&code, true, Weight::Fail)?;
            }
            let wrong = self.wrong_code()?;
            probes.push(self.attempt(&wrong, "enter")?);
        } else {
            for code in self.codes.clone() {
                let (probe, steps) = self.nested(|b| b.attempt(&code, "enter"))?;
                self.push(format!("try {}", code.name()), Action::Sequence(steps));
                probes.push(probe);
            }
        }
        if let Some(master) = self.master.clone()
            && self.operation("try_master").is_ok()
            && !self.lock().keeps.contains(&Asset::MasterCode)
            && !self.lock().opens_for_any_code
        {
            probes.push(self.try_master(&master)?);
        }
        let bindings =
            [(self.app, Asset::AppPairing, Channel::App), (self.hub, Asset::HubPairing, Channel::Hub)];
        for (bound, asset, channel) in bindings {
            if bound && !self.lock().keeps.contains(&asset) {
                let probe = self.probe();
                let label = format!("is {channel} paired?");
                self.ask_status(label, channel, Expected::Probe(probe), Weight::Inconclusive);
                probes.push(probe);
            }
        }
        Ok(probes)
    }

    /// Where an observation of the act's outcome begins.
    pub(super) fn since_act(&self) -> Since {
        self.confirms_since
    }
}
