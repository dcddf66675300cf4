//! The act: the model's own procedure, with what the scenario alters.

use std::sync::Arc;

use crate::lock::{Credential, Power};
use crate::scenario::ast::{self, Claim, Interval, phrase};
use crate::scenario::but::Bolt;
use crate::scenario::program::{Action, Mark, Since, Stage, Step, Weight};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Ratio, Voltage};
use crate::verdict::Limit;

use super::builder::{Builder, Excluded};
use super::procedure::{Binding, Bindings};

/// Time for a lock to settle after an act before its memory is judged.
const SETTLE: Duration = Duration::seconds(4);
/// The same where the source does not say how the end of a reset shows.
pub(super) const SETTLE_UNSEEN: Duration = Duration::seconds(15);
/// When whatever was queued or put off has reached the lock.
const DELIVERED: Duration = Duration::seconds(120);
/// Time for a lock to start after its power came back.
const BOOT: Duration = Duration::seconds(4);
/// Confirmation window of a lock whose source states none, for sweeps.
const CONFIRM_UNSEEN: Duration = Duration::seconds(10);

/// Of a decisive hold that is broken in another way.
const LONG_ENOUGH: Ratio = Ratio::percent(110);
/// A contact that bounces is open or closed for so long.
const BOUNCE: Duration = Duration::milliseconds(1);

/// First and last achieved edge of a step of the procedure.
type Marks = Vec<(Option<Mark>, Option<Mark>)>;

impl<'a> Builder<'a> {
    pub(super) fn act(&mut self) -> Result<(), Excluded> {
        self.stage = Stage::Act;
        if self.facts.starts_unlocked {
            self.unlock()?;
        }
        self.weight = if self.scenario.but.is_negative() { Weight::Ignore } else { Weight::Fail };
        if self.levels.power != Power::Ok {
            let volts = self.level_voltage(self.levels.power)?;
            self.supply(volts);
            self.wait(Duration::seconds(2));
        }
        for step in &self.scenario.act {
            self.scenario_step(step)?;
        }
        self.part("act");
        Ok(())
    }

    /// Opens the bolt with a good code, where the manual has the reset begin so.
    fn unlock(&mut self) -> Result<(), Excluded> {
        if !self.scenario.act.iter().any(ast::resets) {
            return Ok(());
        }
        if self.scenario.act.iter().any(|step| matches!(step.action, ast::Action::Never { .. })) {
            return Err("the manual has the reset begin with the bolt open".into());
        }
        let code = self.codes.first().cloned();
        self.expect_open(&code.ok_or_else(|| Excluded::plan("no code is there to open the lock with"))?)
    }

    /// Lets the lock settle and restores the supply, once the act was watched to its end.
    pub(super) fn settle(&mut self) -> Result<(), Excluded> {
        let seen = self.facts.confirmed_by.known().is_some();
        let negative = self.scenario.but.is_negative();
        self.wait(if seen && !negative { SETTLE } else { SETTLE_UNSEEN });
        if self.facts.starts_unlocked && negative {
            let outer = std::mem::replace(&mut self.weight, Weight::Ignore);
            self.perform("lock", &Bindings::owner())?;
            self.weight = outer;
        }
        let nominal = self.lock().power.nominal;
        if self.voltage != nominal {
            self.supply(nominal);
            self.wait(BOOT);
        }
        if self.scenario.but.without.is_some() {
            self.wait(DELIVERED);
        }
        self.stage = Stage::Between;
        self.part("settle");
        self.stage = Stage::Expect;
        Ok(())
    }

    pub(super) fn claim(&mut self, claim: &'a Claim) -> Result<(), Excluded> {
        match claim {
            Claim::Provision { user_codes, app, hub, master } => {
                self.provision(*user_codes, *app, *hub, *master)
            }
            Claim::Prove => self.prove(),
            Claim::Inventory => self.inventory(),
            Claim::Reset => self.reset(),
            Claim::Restart { off, cells } => self.restart(*off, *cells),
            Claim::Attempt { code, accepted } => self.attempt_claim(code, *accepted),
            Claim::LockOut => self.lock_out(),
            _ => Err(Excluded::plan("this claim is judged only after the act")),
        }
    }

    /// The method's procedure as altered.
    pub(super) fn reset(&mut self) -> Result<(), Excluded> {
        let facts = self.facts;
        self.check_alterable()?;
        self.check_possible()?;
        let mut bindings = self.act_bindings();
        if self.scenario.but.bolt == Some(Bolt::Moving) {
            self.open_bolt()?;
        }
        let (marks, steps) = self.nested(|b| b.altered_procedure(&mut bindings))?;
        self.confirms_since = self.confirmation_start(&marks);
        (self.unconfirmed_since, self.unconfirmed_longer) = self.unconfirmed_window(&marks);
        if let Some(share) = self.cut {
            return self.cut_during(steps, share);
        }
        match self.scenario.but.bolt {
            Some(bolt) => self.reset_with_bolt(bolt, steps)?,
            None => self.push("reset", Action::Sequence(steps)),
        }
        let but = &self.scenario.but;
        let shares = [(&facts.decisive.hold, but.hold), (&facts.decisive.then_hold, but.then_hold)];
        for (interval, share) in shares {
            self.measure(interval.as_ref(), share, &marks, true);
        }
        self.measure(facts.decisive.gap.as_ref(), but.gap, &marks, false);
        Ok(())
    }

    /// A claim that alters a quantity concerns only methods that such a quantity decides.
    fn check_alterable(&self) -> Result<(), Excluded> {
        let (but, decisive) = (&self.scenario.but, &self.facts.decisive);
        let missing = [
            (but.hold.is_some() && decisive.hold.is_none(), "hold"),
            (but.then_hold.is_some() && decisive.then_hold.is_none(), "second hold"),
            (but.gap.is_some() && decisive.gap.is_none(), "pause"),
            (but.presses.is_some() && decisive.presses.is_none(), "number of presses"),
            (but.wrong_key.is_some() && decisive.keys.is_none(), "key sequence"),
            (but.missing_keys.is_some() && decisive.keys.is_none(), "key sequence"),
            (but.let_go.is_some() && self.held_in(decisive.hold.as_ref()).is_none(), "hold of one control"),
            (
                but.bounces.is_some() && self.pressed_at(decisive.hold.as_ref()).is_none(),
                "hold of one control",
            ),
            (but.pause.is_some() && decisive.keys.is_none(), "key sequence"),
            (but.used_proof && !self.takes_proof(), "proof"),
            (but.rotation.is_some() && decisive.rotation.is_none(), "turn"),
        ];
        match missing.iter().find(|(absent, _)| *absent) {
            Some((_, what)) => Err(format!("no {what} decides a reset by {}", self.method).into()),
            None => Ok(()),
        }
    }

    fn takes_proof(&self) -> bool {
        let is_proof = |name: &Arc<str>| &**name == "proof";
        self.facts.procedure.iter().any(|step| match &step.action {
            ast::Action::Type { keys, .. } => {
                keys.iter().any(|key| matches!(key, ast::KeyToken::Parameter(name) if is_proof(name)))
            }
            ast::Action::Ask { arguments, .. } => {
                arguments.iter().any(|(_, term)| matches!(term, ast::Term::Parameter(name) if is_proof(name)))
            }
            _ => false,
        })
    }

    /// What an earlier step of the act took from the lock, its method can't ask for.
    fn check_possible(&mut self) -> Result<(), Excluded> {
        // An altered reset is none, so nothing was erased by the one before.
        let is_again = std::mem::replace(&mut self.was_reset, true) && !self.scenario.but.is_negative();
        for step in &self.facts.procedure {
            let gone = |channel: &Channel| is_again || self.unbound.contains(channel);
            if let Some((channel, _)) = ast::asked(step).into_iter().find(|(channel, _)| gone(channel)) {
                return Err(format!("the method asks the {channel}, which is not bound any more").into());
            }
            let types_code = match &step.action {
                ast::Action::Type { keys, .. } => {
                    keys.iter().any(|key| matches!(key, ast::KeyToken::Parameter(_)))
                }
                _ => false,
            };
            if is_again && types_code {
                return Err("the method types a code that the reset before erased".into());
            }
        }
        if self.takes_proof()
            && !self.scenario.but.used_proof
            && std::mem::replace(&mut self.proof_spent, true)
        {
            return Err("a proof of the maker's is good for one reset, and a case has one".into());
        }
        if is_again && self.facts.starts_unlocked {
            return Err("the manual has the reset begin with the bolt open".into());
        }
        // Nothing is left that a second reset could be seen to erase.
        match self.facts.confirmed_by.known() {
            None if is_again => Err(self.facts.confirmed_by.absence("how a reset is confirmed").into()),
            _ => Ok(()),
        }
    }

    /// What is held all through an interval that begins or ends with it.
    fn held_in(&self, interval: Option<&Interval>) -> Option<&'a [ast::Control]> {
        let interval = interval?;
        match (
            &self.facts.procedure.get(interval.from)?.action,
            &self.facts.procedure.get(interval.to)?.action,
        ) {
            (ast::Action::Hold(controls), _) | (_, ast::Action::Release(controls)) => Some(controls),
            _ => None,
        }
    }

    /// What is pressed when an interval begins.
    fn pressed_at(&self, interval: Option<&Interval>) -> Option<&'a [ast::Control]> {
        match &self.facts.procedure.get(interval?.from)?.action {
            ast::Action::Hold(controls) => Some(controls),
            _ => None,
        }
    }

    fn act_bindings(&mut self) -> Bindings {
        let mut bindings = Bindings { is_act: true, ..Bindings::owner() };
        if let Some(code) = self.codes.first() {
            bindings = bindings.code(code);
        }
        let published = self.lock().defaults.master.known().cloned().map(Credential::Published);
        if let Some(master) = self.master.clone().or(published) {
            bindings = bindings.with("master", Binding::Code(master));
        }
        // The maker's proof is issued for one lock and one occasion.
        let proof = Credential::secret("proof", super::PROOF_DIGITS);
        bindings = bindings.with("proof", Binding::Code(proof));
        let word = |text: &str| Binding::Word(Arc::from(text));
        bindings = bindings.with("role", word(self.levels.role.word()));
        bindings = bindings.with("ownership", word(self.levels.ownership.word()));
        bindings = bindings.with("network", word(self.levels.network.word()));
        bindings.wrong_key = self.wrong_key;
        bindings
    }

    fn altered_procedure(&mut self, bindings: &mut Bindings) -> Result<Marks, Excluded> {
        let facts = self.facts;
        let but = &self.scenario.but;
        // A hold that is let go or bounces is long enough all the same.
        let broken = (but.let_go.is_some() || but.bounces.is_some()).then_some(LONG_ENOUGH);
        let altered: Vec<(&Interval, Ratio)> = [
            (&facts.decisive.hold, but.hold.or(broken)),
            (&facts.decisive.then_hold, but.then_hold),
            (&facts.decisive.gap, but.gap),
        ]
        .into_iter()
        .filter_map(|(interval, share)| Some((interval.as_ref()?, share?)))
        .collect();
        let mut marks: Marks = Vec::new();
        let mut wrong_key = bindings.wrong_key.take();
        let is_typing = |step: &ast::Step| matches!(step.action, ast::Action::Type { .. });
        let last_typed = facts.procedure.iter().rposition(is_typing);
        for (index, step) in facts.procedure.iter().enumerate() {
            let inside =
                altered.iter().any(|(interval, _)| (interval.from + 1..interval.to).contains(&index));
            let passive = matches!(step.action, ast::Action::Wait(_) | ast::Action::Observe { .. });
            if inside && passive {
                marks.push((None, None));
                continue;
            }
            for (interval, share) in altered.iter().filter(|(interval, _)| interval.to == index) {
                if let Some((_, Some(from))) = marks.get(interval.from) {
                    let duration = interval.length.scaled(*share);
                    let since = Since::Mark(*from, Duration::ZERO);
                    if let (Some(pause), Some(controls)) = (but.let_go, self.held_in(Some(interval))) {
                        let half = Duration::nanoseconds(interval.length.as_nanoseconds() / 2);
                        self.push(format!("wait {half}"), Action::Wait { since, duration: half });
                        self.actuate(controls, false);
                        let from = self.last_mark;
                        self.wait(pause);
                        self.actuate(controls, true);
                        self.measure_pause(from, pause);
                    }
                    self.push(format!("wait {duration} instead"), Action::Wait { since, duration });
                }
            }
            (self.first_mark, self.last_mark) = (None, None);
            self.wrong_key_of(step, &mut wrong_key, bindings)?;
            bindings.missing_keys = but.missing_keys.filter(|_| last_typed == Some(index));
            bindings.pause = but.pause.filter(|_| last_typed == Some(index));
            self.altered_step(step, bindings)?;
            bindings.wrong_key = None;
            if let (Some(bounces), Some(controls)) =
                (but.bounces, self.pressed_at(facts.decisive.hold.as_ref()))
                && facts.decisive.hold.as_ref().is_some_and(|hold| hold.from == index)
            {
                self.bounce(controls, bounces);
            }
            // Only the last key can complete what is typed.
            let typed = is_typing(step).then_some(self.before_last_key).flatten();
            marks.push((typed.or(self.first_mark), self.last_mark));
            // Who was refused can't go on.
            if but.without.is_some() && matches!(step.action, ast::Action::Ask { .. }) {
                break;
            }
        }
        match wrong_key {
            Some(_) => Err(Excluded::plan("the procedure types fewer keys than the one to get wrong")),
            None => Ok(marks),
        }
    }

    /// A hold that was hardly let go was not interrupted.
    fn measure_pause(&mut self, from: Option<Mark>, pause: Duration) {
        let Some((from, to)) = from.zip(self.last_mark) else { return };
        let limit = Limit::at_least(Duration::nanoseconds(pause.as_nanoseconds() / 2));
        let (name, weight) = ("let go in the middle".to_owned(), Weight::Inconclusive);
        self.push(format!("measure {name}"), Action::Measure { name, from, to, limit, weight });
    }

    /// Lets a pressed contact go and close again, as a worn one does.
    fn bounce(&mut self, controls: &[ast::Control], times: u32) {
        self.bounces();
        for _ in 0..times {
            self.wait(BOUNCE);
            self.actuate(controls, false);
            self.wait(BOUNCE);
            self.actuate(controls, true);
        }
    }

    /// Hands the key to get wrong to the step that types it.
    fn wrong_key_of(
        &mut self,
        step: &ast::Step,
        remaining: &mut Option<u32>,
        bindings: &mut Bindings,
    ) -> Result<(), Excluded> {
        let (ast::Action::Type { keys, .. }, Some(position)) = (&step.action, *remaining) else {
            return Ok(());
        };
        let mut typed = 0;
        for token in keys {
            typed += match token {
                ast::KeyToken::Key(_) => 1,
                ast::KeyToken::Parameter(name) => match bindings.values.get(&**name) {
                    Some(Binding::Code(Credential::Secret { digits, .. })) => u32::from(*digits),
                    Some(Binding::Code(Credential::Published(code))) => {
                        u32::try_from(code.chars().count()).unwrap_or(u32::MAX)
                    }
                    _ => 0,
                },
            };
        }
        if position <= typed {
            bindings.wrong_key = Some(position);
            *remaining = None;
        } else {
            *remaining = Some(position - typed);
        }
        Ok(())
    }

    fn altered_step(&mut self, step: &'a ast::Step, bindings: &Bindings) -> Result<(), Excluded> {
        let but = &self.scenario.but;
        match &step.action {
            ast::Action::Turn { by, over } if but.rotation.is_some() => {
                let by = by.scaled(but.rotation.unwrap_or(Ratio::WHOLE));
                self.set(format!("turn {by}"), Channel::Knob, Value::Angle(by));
                self.wait(over.unwrap_or(Duration::milliseconds(200)));
                Ok(())
            }
            ast::Action::Press { controls, hold, times, gap, within, .. }
                if but.presses.is_some() && Some(*times) == self.facts.decisive.presses =>
            {
                let times = times.saturating_add_signed(but.presses.unwrap_or(0)).max(1);
                let action = ast::Action::Press {
                    controls: controls.clone(),
                    hold: *hold,
                    times,
                    gap: *gap,
                    within: *within,
                    until: None,
                };
                self.press(&action)
            }
            _ => self.procedure_step(step, bindings),
        }
    }

    /// The moment from which on the lock may confirm: when the last decisive hold is long
    /// enough, or when the last step begins.
    fn confirmation_start(&self, marks: &Marks) -> Since {
        let last = marks.iter().rposition(|(first, _)| first.is_some());
        let decisive = &self.facts.decisive;
        for interval in [&decisive.then_hold, &decisive.hold].into_iter().flatten() {
            // A lock that gives a cue within the hold confirms only after the release.
            let inside = &self.facts.procedure[interval.from + 1..interval.to];
            let has_cue = inside.iter().any(|step| matches!(step.action, ast::Action::Observe { .. }));
            if Some(interval.to) == last
                && !has_cue
                && let Some((_, Some(from))) = marks.get(interval.from)
            {
                return Since::Mark(*from, interval.length);
            }
        }
        let first = last.and_then(|index| marks[index].0);
        first.map_or(Since::Here, |mark| Since::Mark(mark, Duration::ZERO))
    }

    /// From when on nothing may confirm an altered reset, and how much of its hold was left out: a lock that counts
    /// from the press confirms only then.
    fn unconfirmed_window(&self, marks: &Marks) -> (Since, Duration) {
        let (but, decisive) = (&self.scenario.but, &self.facts.decisive);
        let holds = [(&decisive.then_hold, but.then_hold), (&decisive.hold, but.hold)];
        for (interval, share) in holds {
            let Some((interval, share)) = interval.as_ref().zip(share) else { continue };
            let inside = &self.facts.procedure[interval.from + 1..interval.to];
            // A cue within the hold is no confirmation.
            let has_cue = inside.iter().any(|step| matches!(step.action, ast::Action::Observe { .. }));
            let begin = if has_cue { marks[interval.to].0 } else { marks[interval.from].1 };
            if let Some(mark) = begin {
                let left_out = interval.length.saturating_sub(interval.length.scaled(share));
                return (Since::Mark(mark, Duration::ZERO), left_out);
            }
        }
        let last = marks.iter().rev().find_map(|(first, _)| *first);
        (last.map_or(Since::Here, |mark| Since::Mark(mark, Duration::ZERO)), Duration::ZERO)
    }

    /// Measures an interval of the act: a stimulus that was not what the claim says proves nothing.
    fn measure(&mut self, interval: Option<&Interval>, share: Option<Ratio>, marks: &Marks, least: bool) {
        let Some(interval) = interval else { return };
        let ends = (marks.get(interval.from), marks.get(interval.to));
        let (Some((_, Some(from))), Some((Some(to), _))) = ends else { return };
        let wants_enough = match share {
            Some(share) => (share >= Ratio::WHOLE) == least,
            None => true,
        };
        let limit = if wants_enough == least {
            Limit::at_least(interval.length)
        } else {
            Limit::at_most(interval.length)
        };
        let first = &self.facts.procedure[interval.from];
        let last = &self.facts.procedure[interval.to];
        let name = format!("{} to {}", phrase(&first.action), phrase(&last.action));
        let (from, to, weight) = (*from, *to, Weight::Inconclusive);
        self.push(format!("measure {name}"), Action::Measure { name, from, to, limit, weight });
    }

    /// Plays the procedure and cuts the power at a share of the confirmation window.
    fn cut_during(&mut self, procedure: Vec<Step>, share: Ratio) -> Result<(), Excluded> {
        let Since::Mark(mark, offset) = self.confirms_since else {
            return Err(Excluded::plan("no edge of the procedure marks when a cut should happen"));
        };
        let within = |step: &ast::Step| match &step.action {
            ast::Action::Observe { within, .. } => *within,
            _ => Duration::ZERO,
        };
        let stated = self.facts.confirmed_by.known().and_then(|steps| steps.iter().map(within).max());
        let window = stated.unwrap_or(CONFIRM_UNSEEN);
        let duration = window.scaled(share);
        let nominal = self.lock().power.nominal;
        let depth = self.scenario.but.cut_to.unwrap_or_default();
        let ((), cut) = self.nested(|b| {
            let label = format!("wait for {share} of the confirmation window");
            b.push(label, Action::Wait { since: Since::Mark(mark, offset), duration });
            b.supply(nominal.scaled(depth));
            b.wait(Duration::seconds(2));
            b.supply(nominal);
            Ok(())
        })?;
        self.push("reset, power cut meanwhile", Action::Together(vec![procedure, cut]));
        Ok(())
    }

    pub(super) fn restart(&mut self, off: Duration, cells: bool) -> Result<(), Excluded> {
        if cells {
            let count = self.lock().power.cells;
            if count == 0 {
                return Err("the model has no cells that come out singly".into());
            }
            let order = (1..=count).map(|n| (n, false)).chain((1..=count).map(|n| (n, true)));
            for (number, inserted) in order {
                if inserted && number == 1 {
                    self.wait(off);
                }
                let label = format!("cell {number} {}", if inserted { "in" } else { "out" });
                let value = Value::Switch(inserted);
                self.set(label, Channel::PowerCell(number), value);
                self.wait(Duration::milliseconds(500));
            }
        } else {
            let before = self.voltage;
            self.supply(Voltage::default());
            self.wait(off);
            self.supply(before);
        }
        self.wait(BOOT);
        Ok(())
    }
}
