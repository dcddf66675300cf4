//! Trying codes, and what a refusal is worth.

use std::sync::Arc;

use crate::belief::Bond;
use crate::lock::{Asset, Credential, Fact, Named, Near, Token};
use crate::scenario::ast::{self, Observation};
use crate::scenario::program::{Action, Expected, Origin, Probe, Rule, Since};
use crate::trace::Channel;
use crate::unit::Duration;

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

/// How long a lock may take to move its bolt if its model does not say.
const BOLT_WITHIN: Duration = Duration::seconds(4);

impl Context<'_> {
    /// Enters a code and sees whether the lock takes it; locks again if it did.
    pub(super) fn attempt(
        &self,
        draft: &mut Draft,
        code: &Credential,
        operation: &str,
        origin: Origin,
    ) -> Result<Probe, Excluded> {
        let probe = draft.probe();
        self.attempt_for(draft, code, operation, origin, probe)?;
        Ok(probe)
    }

    fn attempt_for(
        &self,
        draft: &mut Draft,
        code: &Credential,
        operation: &str,
        origin: Origin,
        probe: Probe,
    ) -> Result<(), Excluded> {
        draft.may_open(origin, Some(probe), |draft| self.watched_entry(draft, code, operation, origin, probe))
    }

    fn watched_entry(
        &self,
        draft: &mut Draft,
        code: &Credential,
        operation: &str,
        origin: Origin,
        probe: Probe,
    ) -> Result<(), Excluded> {
        let described = self.operation(operation)?;
        let (observation, within) = match described.accepted_by.as_ref().map(|step| &step.action) {
            Some(ast::Action::Observe { observation, within }) => (observation.clone(), *within),
            _ => (Observation::Contact { channel: Channel::Bolt, value: false }, BOLT_WITHIN),
        };
        let touches = &mut draft.touches;
        (touches.first, touches.last, touches.before_last_key, touches.last_key) = (None, None, None, None);
        let bindings = Bindings::new(origin).credential(code).master(self.master_now(&draft.belief));
        self.operate(draft, operation, &bindings)?;
        let touches = draft.touches;
        let ends = touches.first.zip(touches.last);
        let (first, last) = ends.ok_or_else(|| Excluded::plan("entering a code operates no control"))?;
        // Only the last key can open; a bolt that opens while it is typed was opened by an earlier code.
        let since = match &observation {
            Observation::Contact { .. } => touches.before_last_key.unwrap_or(first).max(first).min(last),
            Observation::Pulses { .. } | Observation::Spoken { .. } | Observation::Notified { .. } => {
                touches.last_key.unwrap_or(last)
            }
        };
        let label = format!("watch the {}", observation.channel());
        let from_rest = !draft.may_be_open;
        // A control alone claims nothing.
        draft.tries_code |= origin == Origin::Claim && code.kind().is_none();
        draft.push(label, origin, Action::Watch { observation, first, since, from_rest, within, probe });
        if self.gets_locked() {
            let ((), body) = draft.nested(|draft| self.lock_if_open(draft, origin))?;
            draft.push("lock again", origin, Action::If { probe, yes: true, body });
            // What may not be done is no point in time to refer to.
            draft.touches = touches;
        }
        Ok(())
    }

    pub(super) fn judge(&self, draft: &mut Draft, probe: Probe, rule: Rule, reason: String, origin: Origin) {
        let label = match rule {
            Rule::Yes => "accepted?",
            Rule::No => "refused?",
            Rule::Same | Rule::Opposite => "all or nothing?",
        };
        draft.push(label, origin, Action::Judge { probes: vec![probe], rule, reason });
    }

    /// Tries a code, and once more if it is refused: a keypad may have taken its keys for the rest of others.
    fn try_twice(
        &self,
        draft: &mut Draft,
        code: &Credential,
        operation: &str,
        label: String,
        origin: Origin,
    ) -> Result<Probe, Excluded> {
        let (probe, steps) = draft.nested(|draft| self.attempt(draft, code, operation, origin))?;
        draft.push(label.clone(), origin, Action::Sequence(steps));
        let ((), again) = draft.nested(|draft| {
            self.empty_pad(draft, origin)?;
            self.attempt_for(draft, code, operation, origin, probe)
        })?;
        draft.push(format!("{label} once more"), origin, Action::If { probe, yes: false, body: again });
        Ok(probe)
    }

    /// Tries a code that must be accepted.
    pub(super) fn expect_accepted(
        &self,
        draft: &mut Draft,
        code: &Credential,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let probe = self.try_twice(draft, code, used_by(code), format!("try {}", code.name()), origin)?;
        self.judge(draft, probe, Rule::Yes, format!("{} was not accepted", code.described()), origin);
        Ok(())
    }

    /// Tries a code once, and expects one or the other.
    fn expect_once(
        &self,
        draft: &mut Draft,
        code: &Credential,
        accepted: bool,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let (probe, steps) = draft.nested(|draft| self.attempt(draft, code, used_by(code), origin))?;
        draft.push(format!("try {}", code.name()), origin, Action::Sequence(steps));
        let (rule, word) = if accepted { (Rule::Yes, "not accepted") } else { (Rule::No, "accepted") };
        self.judge(draft, probe, rule, format!("{} was {word}", code.described()), origin);
        if !accepted {
            // A keypad that is deaf for a while after a wrong code would refuse the next one unheard.
            draft.wait(self.deaf());
        }
        Ok(())
    }

    /// Tries a code that must be refused. It proves nothing without a control.
    pub(super) fn expect_no_entry(&self, draft: &mut Draft, code: &Credential) -> Result<(), Excluded> {
        self.expect_once(draft, code, false, Origin::Claim)
    }

    /// Codes, cards or fingers, all of a kind, that must be refused, each group followed by a known-good one in the same lockout
    /// window: a lock that takes none at all has proved nothing.
    pub(super) fn expect_refused(&self, draft: &mut Draft, codes: &[Credential]) -> Result<(), Excluded> {
        let kind = codes.first().and_then(Credential::kind);
        if self.control_needs_setup(draft, kind) {
            // Setting the lock up may hide, erase or overwrite what is left, so they are tried before it, too.
            for group in codes.chunks(self.at_once(codes.len())) {
                group.iter().try_for_each(|code| self.expect_no_entry(draft, code))?;
                draft.wait(self.penalty());
            }
            self.control(draft, kind)?;
        }
        for group in codes.chunks(self.at_once(codes.len())) {
            group.iter().try_for_each(|code| self.expect_no_entry(draft, code))?;
            self.control(draft, kind)?;
        }
        Ok(())
    }

    /// Shows that the lock takes codes, or tokens of this kind, at all.
    pub(super) fn control(&self, draft: &mut Draft, kind: Option<Token>) -> Result<(), Excluded> {
        let control = match kind {
            Some(kind) => self.known_good_token(draft, kind)?,
            None => self.known_good(draft)?,
        };
        let label = format!("control: try {}", control.name());
        let probe = self.try_twice(draft, &control, used_by(&control), label, Origin::Control)?;
        let reason = format!(
            "known-good {} was not accepted, so the refusals before it prove nothing",
            control.described()
        );
        self.judge(draft, probe, Rule::Yes, reason, Origin::Control);
        Ok(())
    }

    /// Whether a known-good code, or token of this kind, must be added first.
    fn control_needs_setup(&self, draft: &Draft, kind: Option<Token>) -> bool {
        let belief = &draft.belief;
        belief.is_reset
            && match kind {
                Some(kind) => !belief.known_tokens.contains_key(&kind),
                None => {
                    let keeps_some = self.keeps(Asset::UserCodes) && !belief.codes.is_empty();
                    belief.known_good.is_none() && self.published_codes().is_empty() && !keeps_some
                }
            }
    }

    /// A code that the lock takes now: before a reset the last that was provisioned; after it the published
    /// default, or one that is newly added.
    pub(super) fn known_good(&self, draft: &mut Draft) -> Result<Credential, Excluded> {
        if !draft.belief.is_reset {
            let last = draft.belief.codes.last().cloned();
            if last.is_none() {
                self.operation("add_code")?;
            }
            return last.ok_or_else(|| Excluded::plan("no code was provisioned"));
        }
        if let Some(known) = &draft.belief.known_good {
            return Ok(known.clone());
        }
        let kept = draft.belief.codes.last().filter(|_| self.keeps(Asset::UserCodes)).cloned();
        let code = match kept.or_else(|| self.published_codes().into_iter().next()) {
            Some(code) => code,
            None => self.new_code(draft)?,
        };
        draft.belief.known_good = Some(code.clone());
        Ok(code)
    }

    pub(super) fn is_bound(&self, draft: &Draft, bond: Bond) -> bool {
        draft.belief.is_bound(bond, &self.subject.facts.keeps)
    }

    /// Binds the lock anew as far as needed.
    pub(super) fn bind_again(&self, draft: &mut Draft, origin: Origin) -> Result<(), Excluded> {
        for bond in Bond::ALL {
            if self.has(bond.operation()) && !self.is_bound(draft, bond) {
                self.pair(draft, bond, origin)?;
                draft.belief.bind(bond);
            }
        }
        Ok(())
    }

    /// Binds the lock anew as far as needed, and adds a code.
    pub(super) fn new_code(&self, draft: &mut Draft) -> Result<Credential, Excluded> {
        self.operation("add_code")?;
        self.bind_again(draft, Origin::Control)?;
        let code = draft.secret(self, &draft.belief.handle("new"))?;
        // A slot that nothing was in: overwriting it would hide that it is still there.
        let slot = self.take_slot(draft).ok_or_else(no_slot)?;
        let master = self.master_after_reset(&draft.belief);
        self.add_code(draft, &code, slot, master, Origin::Control)?;
        draft.belief.slots.insert(slot, Some(code.clone()));
        Ok(code)
    }

    /// A slot that nothing was in, for what is stored in it now; none, if the lock has no more.
    pub(super) fn take_slot(&self, draft: &mut Draft) -> Option<u8> {
        let last = self.lock().code_slots.known().copied().unwrap_or(u16::from(u8::MAX));
        (u16::from(draft.belief.free_slot()) <= last).then(|| draft.belief.take_slot())
    }

    /// A code by the name that a scenario has for it.
    pub(super) fn named_code(&self, draft: &mut Draft, name: &str) -> Result<Credential, Excluded> {
        let token = name.split_once('.').and_then(|(kind, number)| Some((Token::from_word(kind)?, number)));
        if let Some((kind, number)) = token {
            self.operation(kind.used_by())?;
            let token = Credential::token(kind, number);
            let is_known = draft.belief.tokens.contains(&token) || draft.belief.added.contains(name);
            if !is_known {
                self.operation(kind.added_by())?;
                return Err(Excluded::plan(format!("{name} was not provisioned")));
            }
            return Ok(token);
        }
        Ok(match name {
            "wrong" => draft.wrong_code(self)?,
            "default" => {
                let fact = &self.lock().defaults.user_codes;
                let code = fact.known().and_then(|codes| codes.first()).cloned();
                Credential::Published(code.ok_or_else(|| fact.absence("a default code"))?)
            }
            "master" => {
                let master = self.master_now(&draft.belief);
                if master.is_none() {
                    self.operation("set_master")?;
                }
                master.ok_or_else(|| Excluded::plan("no master code is known at this point"))?
            }
            "zeros" => self.unprinted(draft, |digits| "0".repeat(digits))?,
            "ones" => self.unprinted(draft, |digits| "1".repeat(digits))?,
            "empty" => {
                if !self.ends_codes() {
                    return Err("no key ends a code, so there is no empty one".into());
                }
                if draft.belief.is_reset && self.lock().opens_for_any_code {
                    return Err("any code opens the lock at this point, and an empty one is none".into());
                }
                Credential::Published("".into())
            }
            slot if slot.starts_with("slot.") => {
                let number = slot.trim_start_matches("slot.");
                self.unprinted(draft, |digits| format!("{number:0>digits$}"))?
            }
            digits if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
                if !self.takes_length(length) {
                    return Err("a code of a different length from the lock's can't be entered".into());
                }
                Credential::Published(digits.into())
            }
            extra if extra.starts_with("extra.") => {
                if !draft.belief.added.contains(extra) {
                    return Err(Excluded::plan(format!("the scenario itself did not add code {extra}")));
                }
                draft.secret(self, extra)?
            }
            user => {
                let codes = &draft.belief.codes;
                // Where the manual prints the codes, those are the owner's.
                let number = user.strip_prefix("user.").and_then(|n| n.parse::<usize>().ok());
                let printed = number.and_then(|number| codes.get(number.checked_sub(1)?));
                let printed = printed.filter(|code| matches!(code, Credential::Published(_)));
                let code = draft.belief.code(&draft.belief.handle(user)).or(printed).cloned();
                let reason = format!("code {user} was not provisioned");
                // A model without codes has none to try; else the scenario forgot it.
                let none = codes.is_empty();
                code.ok_or(if none { Excluded::Model(reason) } else { Excluded::Plan(reason) })?
            }
        })
    }

    fn own_digits(&self) -> Result<u8, Excluded> {
        let digits = &self.lock().code_digits;
        Ok(*digits.known().ok_or_else(|| digits.absence("a code length"))?)
    }

    /// A code that anybody may think of, unless it is one that the manual prints, or may print.
    fn unprinted(&self, draft: &Draft, of: impl Fn(usize) -> String) -> Result<Credential, Excluded> {
        let code = Credential::Published(of(usize::from(self.own_digits()?)).into());
        if self.published_codes().contains(&code) || self.published_master().as_ref() == Some(&code) {
            return Err("the manual prints this code as a default".into());
        }
        let fact = &self.lock().defaults.user_codes;
        if draft.belief.is_reset && matches!(fact, Fact::Unknown) {
            return Err(fact.absence("a default user code").into());
        }
        Ok(code)
    }

    /// A named code in a scenario's `attempt`, before or in the act: it is tried exactly once.
    pub(super) fn attempt_in_act(
        &self,
        draft: &mut Draft,
        (name, altered): (&str, Option<Near>),
        accepted: bool,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let codes = self.tried_codes(draft, name, altered)?;
        for group in codes.chunks(self.at_once(codes.len())) {
            group.iter().try_for_each(|code| self.expect_once(draft, code, accepted, origin))?;
            // Many wrong codes in a row lock the keypad.
            if codes.len() > 1 {
                draft.wait(self.penalty());
            }
        }
        Ok(())
    }

    /// What an `attempt` types: the code, or all that are nearly it.
    fn tried_codes(
        &self,
        draft: &mut Draft,
        name: &str,
        altered: Option<Near>,
    ) -> Result<Vec<Credential>, Excluded> {
        let code = self.named_code(draft, name)?;
        let (Some(near), Credential::Secret { digits, .. }) = (altered, &code) else { return Ok(vec![code]) };
        if self.lock().masking.is_some_and(|masking| masking.hides(near)) {
            return Err("digits beside a code mask it and are ignored, according to the source".into());
        }
        let digits = match near {
            Near::LastMissing | Near::FirstMissing => digits.saturating_sub(1),
            Near::ExtraAfter | Near::ExtraBefore => digits.saturating_add(1),
            Near::OneWrong => *digits,
        };
        if !self.takes_length(digits) {
            return Err("a code of a different length from the lock's can't be entered".into());
        }
        Ok(code.nearly(near))
    }

    /// The same as a claim after the act.
    pub(super) fn attempt_claim(
        &self,
        draft: &mut Draft,
        (name, altered): (&str, Option<Near>),
        accepted: bool,
    ) -> Result<(), Excluded> {
        let codes = self.tried_codes(draft, name, altered)?;
        if accepted {
            return codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim));
        }
        let is_own = name.starts_with("extra.");
        // Who is still bound after a reset may have stored it then.
        let kept = [
            (Asset::UserCodes, "user codes"),
            (Asset::AppPairing, "app binding"),
            (Asset::HubPairing, "hub binding"),
        ];
        if let Some((asset, what)) =
            kept.into_iter().find(|(asset, _)| is_own && draft.belief.is_reset && self.keeps(*asset))
        {
            return Err(self.kept(asset, what).into());
        }
        if self.lock().opens_for_any_code && draft.belief.is_reset {
            draft.deviation("opens with any code until it is set up");
            return codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim));
        }
        self.expect_refused(draft, &codes)
    }

    /// Whether each code and binding is still there, as probes. A lock that opens for any code once
    /// it is erased is asked for a code that it never knew, which is the opposite of them all.
    pub(super) fn probes_of_memory(&self, draft: &mut Draft) -> Result<Vec<Probe>, Excluded> {
        let mut probes = Vec::new();
        let codes = draft.belief.codes.clone();
        if self.keeps(Asset::UserCodes) {
            codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim))?;
        } else if self.lock().opens_for_any_code {
            // Its codes open in both states: erased, any code does.
            codes.iter().try_for_each(|code| self.expect_accepted(draft, code, Origin::Claim))?;
            let wrong = draft.wrong_code(self)?;
            probes.push(self.attempt(draft, &wrong, "enter", Origin::Claim)?);
        } else {
            for code in &codes {
                let (probe, steps) =
                    draft.nested(|draft| self.attempt(draft, code, "enter", Origin::Claim))?;
                draft.push(format!("try {}", code.name()), Origin::Claim, Action::Sequence(steps));
                draft.wait(self.deaf());
                probes.push(probe);
            }
        }
        self.probes_of_tokens(draft, &mut probes)?;
        if let Some(master) = draft.belief.master.clone()
            && self.has("try_master")
            && !self.keeps(Asset::MasterCode)
            && !self.lock().opens_for_any_code
        {
            probes.push(self.try_master(draft, &master, Origin::Claim)?);
        }
        for bond in draft.belief.bound.clone() {
            if !self.keeps(bond.asset()) {
                let probe = draft.probe();
                let label = format!("is {} paired?", bond.channel());
                self.ask_status(draft, label, bond, Expected::Probe(probe), Origin::Control);
                probes.push(probe);
            }
        }
        Ok(probes)
    }

    pub(super) fn try_master(
        &self,
        draft: &mut Draft,
        code: &Credential,
        origin: Origin,
    ) -> Result<Probe, Excluded> {
        let label = format!("try {} as master code", code.name());
        let (probe, steps) = draft.nested(|draft| self.attempt(draft, code, "try_master", origin))?;
        draft.push(label, origin, Action::Sequence(steps));
        Ok(probe)
    }

    /// Where an observation of the act's outcome begins.
    pub(super) fn since_act(&self, draft: &Draft) -> Since {
        draft.confirmation.since
    }
}

/// What is stored over something would hide whether that is still there.
pub(super) fn no_slot() -> Excluded {
    Excluded::plan("every slot of the lock is in use")
}

/// The operation that tries to open with a credential.
fn used_by(credential: &Credential) -> &'static str {
    credential.kind().map_or("enter", Token::used_by)
}

/// The handle of a code that a master code adds to show whether it is taken, by its slot: no two are the same.
pub(super) fn ghost(slot: u8) -> Arc<str> {
    format!("ghost.{slot}").into()
}
