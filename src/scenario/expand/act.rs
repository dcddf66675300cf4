//! The act: the model's own procedure, with what the scenario alters.

use crate::lock::{Fact, Power, Token};
use crate::scenario::alter::{
    Bolt, Kind, Plan, Sequence, Stretch, are_buttons, interval, sequence, still_held,
};
use crate::scenario::ast::{self, Claim, Interval};
use crate::scenario::phrase::phrase;
use crate::scenario::program::{Action, Mark, Origin, Since, Stage};
use crate::unit::{Duration, Ratio};
use crate::verdict::Limit;

use crate::belief::Bond;

use super::context::{Context, Excluded, MARGIN};
use super::draft::{Confirmation, Draft};
use super::power::BOOT;
use super::procedure::Bindings;
use super::provision::Wanted;

/// Time for a lock to settle after an act, to erase and to start again, before its memory is judged.
pub(super) const SETTLE: Duration = Duration::seconds(15);
/// When whatever was queued or put off has reached the lock.
const DELIVERED: Duration = Duration::seconds(120);
/// A contact that bounces is open or closed for so long.
const BOUNCE: Duration = Duration::milliseconds(1);

/// First and last achieved edge of each step of the procedure.
type Marks = Vec<(Option<Mark>, Option<Mark>)>;

impl<'a> Context<'a> {
    pub(super) fn write_act(&self, draft: &mut Draft) -> Result<(), Excluded> {
        if self.subject.facts.starts_unlocked {
            self.unlock(draft)?;
        }
        let power = self.levels().power;
        if power != Power::Ok {
            let volts = self.level_voltage(power)?;
            draft.supply(volts);
            if self.plan.without == Some("power") {
                draft.alters(Kind::Without);
            }
            draft.wait(Duration::seconds(2));
        }
        for step in &self.scenario.act {
            self.scenario_step(draft, step, Origin::Author)?;
        }
        draft.part("act", Stage::Act);
        Ok(())
    }

    /// Opens the bolt, where the manual has the reset begin so.
    fn unlock(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let act = &self.scenario.act;
        if !ast::reset(act) {
            return Ok(());
        }
        let needs_it_thrown = |step: &&ast::Step| {
            matches!(
                step.action,
                ast::Action::Never { .. }
                    | ast::Action::Claim(
                        Claim::LockOut { .. } | Claim::NearlyLockOut | Claim::Attempt { .. }
                    )
            )
        };
        if ast::all(act).iter().any(needs_it_thrown) {
            return Err("according to the manual, the reset starts with the bolt open".into());
        }
        self.open_before_reset(draft)?;
        draft.part("unlock", Stage::Arrange);
        Ok(())
    }

    /// Lets the lock settle and restores the supply, once the act was watched to its end.
    pub(super) fn settle(&self, draft: &mut Draft) -> Result<(), Excluded> {
        draft.wait(self.settled());
        let nominal = self.lock().power.nominal;
        if draft.volts != nominal {
            draft.supply(nominal);
            draft.wait(self.started(BOOT));
        }
        // A motor without power throws nothing.
        if self.subject.facts.starts_unlocked && self.plan.is_negative {
            self.lock_if_open(draft, Origin::Altered)?;
        }
        if self.plan.without.is_some() {
            draft.wait(DELIVERED);
        }
        if self.plan.is_negative && draft.typed > 0 {
            // What was typed in vain would be the beginning of the next code.
            self.empty_pad(draft, Origin::Altered)?;
        }
        draft.part("settle", Stage::Between);
        Ok(())
    }

    /// A step that is composed of the model's operations, before the claims after the act.
    pub(super) fn claim(&self, draft: &mut Draft, claim: &'a Claim, origin: Origin) -> Result<(), Excluded> {
        match claim {
            Claim::Provision { user_codes, cards, fingers, app, hub, master } => {
                let tokens = [(Token::Card, *cards), (Token::Finger, *fingers)];
                let (user_codes, app, hub, master) = (*user_codes, *app, *hub, *master);
                self.provision(draft, Wanted { user_codes, tokens, app, hub, master })
            }
            Claim::Prove => self.prove(draft),
            Claim::ProveInMemory => self.prove_in_memory(draft),
            Claim::Inventory => self.inventory(draft),
            Claim::Reset => self.reset(draft, origin),
            Claim::ResetBut(but) => self.reset_but(draft, but),
            Claim::ResetBy(method) => self.reset_by(draft, *method, origin),
            Claim::VerifyState => self.verify_state(draft),
            Claim::NoOldAccess => self.no_old_access_in_act(draft),
            Claim::Restart { off, cells, held: None } => self.restart(draft, *off, *cells),
            Claim::Restart { off, cells: _, held: Some(share) } => self.restart_held(draft, *off, *share),
            Claim::Attempt { code, altered, accepted } => {
                self.attempt_in_act(draft, (code, *altered), *accepted, origin)
            }
            Claim::LockOut { between } => self.lock_out(draft, between),
            Claim::NearlyLockOut => self.nearly_lock_out(draft),
            Claim::Confirmed
            | Claim::Unconfirmed
            | Claim::Erased(_)
            | Claim::FactoryState
            | Claim::Recommission
            | Claim::Unchanged
            | Claim::AllOrNothing
            | Claim::NothingLeft
            | Claim::Memory(_) => Err(Excluded::plan("this claim can only be judged after the act")),
        }
    }

    /// The method's procedure: as altered in the act, and as the manual prints it before.
    pub(super) fn reset(&self, draft: &mut Draft, origin: Origin) -> Result<(), Excluded> {
        if origin == Origin::Setup {
            return self.whole_reset(draft);
        }
        self.check_possible(draft, &self.plan)?;
        if self.plan.bolt == Some(Bolt::Moving) {
            self.open_bolt(draft)?;
        }
        draft.typed = 0;
        draft.was_refused = false;
        let bindings = Bindings { act: Some(&self.plan), ..self.act_bindings(draft, self.act()) };
        let (marks, steps) = draft.nested(|draft| self.planned_procedure(draft, &self.plan, &bindings))?;
        draft.confirmation = self.confirmation(&marks);
        let body = match self.plan.cut {
            Some(cut) => vec![self.cut_meanwhile(draft, steps, cut)?],
            None => steps,
        };
        let write = |draft: &mut Draft| match self.plan.bolt {
            Some(bolt) => self.reset_with_bolt(draft, bolt, body),
            None => {
                draft.push("reset", self.act(), Action::Sequence(body));
                Ok(())
            }
        };
        if self.reset_may_open() {
            draft.may_open(self.act(), None, write)?;
        } else {
            write(draft)?;
        }
        if self.plan.cut.is_none() {
            for stretch in Stretch::ALL {
                self.measure(draft, stretch, &marks);
            }
        }
        draft.belief.was_tried = true;
        if !self.plan.is_negative {
            draft.belief.reset(&self.subject.facts.keeps);
        }
        Ok(())
    }

    /// A whole reset that is not what the case tests.
    fn whole_reset(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let plan = Plan::default();
        self.check_possible(draft, &plan)?;
        if self.subject.facts.starts_unlocked {
            self.open_before_reset(draft)?;
        }
        let bindings = self.act_bindings(draft, Origin::Setup);
        let write = |draft: &mut Draft| self.planned_procedure(draft, &plan, &bindings);
        let (_, steps) = if self.reset_may_open() {
            draft.nested(|draft| draft.may_open(Origin::Setup, None, write))?
        } else {
            draft.nested(write)?
        };
        draft.push("reset", Origin::Setup, Action::Sequence(steps));
        draft.belief.reset(&self.subject.facts.keeps);
        Ok(())
    }

    /// Whether the bolt may open while a reset is done. A user code that begins it opens the lock as well; and what is
    /// pressed too short may be what has a lock learn its door.
    fn reset_may_open(&self) -> bool {
        let is_pressed = |operation: &str| {
            let steps = self.operation(operation).map(|known| known.procedure.as_slice());
            ast::all(steps.unwrap_or_default())
                .iter()
                .any(|step| matches!(step.action, ast::Action::Press { .. } | ast::Action::Hold(_)))
        };
        let teaches = ["handing", "calibrate"].into_iter().any(is_pressed);
        // Who turns the tailpiece or taps the switch of a lock may open it by hand.
        let facts = self.subject.facts;
        let by_hand = facts.decisive.rotation.is_some() || facts.decisive.presses.is_some();
        facts.takes("code") || teaches || by_hand
    }

    /// What an earlier step took from the lock, its method can't ask for.
    fn check_possible(&self, draft: &mut Draft, plan: &Plan) -> Result<(), Excluded> {
        let facts = self.subject.facts;
        // An altered reset is none, so nothing was erased by the one before.
        let is_again = draft.belief.is_reset && !plan.is_negative;
        for (channel, _) in ast::asked(&facts.procedure) {
            let is_gone =
                Bond::of(channel).is_some_and(|bond| is_again || draft.belief.unbound.contains(&bond));
            if is_gone {
                return Err(
                    format!("the method goes through the {channel}, which is no longer paired").into()
                );
            }
        }
        if is_again && ["code", "master"].iter().any(|name| facts.takes(name)) {
            return Err("the method types a code that the previous reset erased".into());
        }
        if facts.takes("proof") && !plan.used_proof && std::mem::replace(&mut draft.belief.proof_spent, true)
        {
            return Err("a maker's proof is good for one reset, and a case has only one proof".into());
        }
        if is_again && facts.starts_unlocked {
            return Err("according to the manual, the reset starts with the bolt open".into());
        }
        // Nothing is left that a second reset could be seen to erase.
        match facts.confirmed_by.known() {
            None if is_again => Err(facts.confirmed_by.absence("a confirmation of the reset").into()),
            _ => Ok(()),
        }
    }

    fn act_bindings(&self, draft: &Draft, origin: Origin) -> Bindings<'_> {
        let levels = self.levels();
        Bindings::of_reset(origin, self, &draft.belief)
            .word("role", levels.role.word())
            .word("ownership", levels.ownership.word())
            .word("network", levels.network.word())
    }

    /// The procedure with everything that the plan alters, and the edges of its steps.
    fn planned_procedure(
        &self,
        draft: &mut Draft,
        plan: &Plan,
        bindings: &Bindings<'_>,
    ) -> Result<Marks, Excluded> {
        let facts = self.subject.facts;
        let altered: Vec<(Stretch, &Interval, Ratio)> = Stretch::ALL
            .into_iter()
            .filter_map(|stretch| {
                plan.stretch(facts, stretch).map(|(interval, share)| (stretch, interval, share))
            })
            .collect();
        let mut marks: Marks = Vec::new();
        for (index, step) in facts.procedure.iter().enumerate() {
            let is_inside =
                altered.iter().any(|(_, interval, _)| (interval.from + 1..interval.to).contains(&index));
            let is_passive = matches!(
                step.action,
                ast::Action::Wait(_) | ast::Action::Observe { .. } | ast::Action::WaitUntil { .. }
            );
            if is_inside && is_passive {
                marks.push((None, None));
                continue;
            }
            for (stretch, interval, share) in altered.iter().filter(|(_, interval, _)| interval.to == index) {
                let begin = marks.get(interval.from).and_then(|(_, last)| *last);
                if let Some(begin) = begin {
                    self.end_stretch(draft, plan, (*stretch, interval, *share), begin);
                }
            }
            (draft.touches.first, draft.touches.last, draft.touches.last_key) = (None, None, None);
            self.planned_step(draft, plan, (index, step), bindings)?;
            let hold = facts.decisive.hold.as_ref().filter(|hold| hold.from == index);
            if let Some(controls) = hold.and_then(|hold| facts.pressed_at(hold)) {
                self.bounce(draft, controls, plan.bounces, bindings.origin);
            }
            // Only the last key can complete what is typed.
            let typed = draft.touches.last_key;
            marks.push((typed.or(draft.touches.first), draft.touches.last));
        }
        Ok(marks)
    }

    /// Waits until an altered stretch is over, and lets go in its middle where that is planned.
    fn end_stretch(
        &self,
        draft: &mut Draft,
        plan: &Plan,
        (stretch, interval, share): (Stretch, &Interval, Ratio),
        begin: Mark,
    ) {
        let since = Since::Mark(begin, Duration::ZERO);
        let duration = interval.length.scaled(share);
        let held = self.subject.facts.held_in(interval).filter(|_| stretch == Stretch::Hold);
        if let (Some(pause), Some(controls)) = (plan.interrupted_for, held) {
            let half = Duration::nanoseconds(duration.as_nanoseconds() / 2);
            draft.wait_since(self.act(), since, half);
            self.actuate(draft, controls, false, self.act());
            draft.alters(Kind::Interrupted);
            let from = draft.touches.last;
            draft.wait(pause);
            draft.alters(Kind::Interrupted);
            self.actuate(draft, controls, true, self.act());
            draft.alters(Kind::Interrupted);
            measure_pause(draft, from, pause);
        }
        draft.wait_since(self.act(), since, duration);
        draft.alters(stretch.kind());
    }

    /// Lets a pressed contact go and close again, as a worn one does.
    fn bounce(&self, draft: &mut Draft, controls: &[ast::Control], times: u32, origin: Origin) {
        for _ in 0..times {
            draft.needs_bounces();
            for down in [false, true] {
                draft.wait(BOUNCE);
                self.actuate(draft, controls, down, origin);
                draft.alters(Kind::Bounces);
            }
        }
    }

    fn planned_step(
        &self,
        draft: &mut Draft,
        plan: &Plan,
        (index, step): (usize, &'a ast::Step),
        bindings: &Bindings<'_>,
    ) -> Result<(), Excluded> {
        let decisive = self.subject.facts.decisive.presses.as_ref().filter(|presses| presses.step == index);
        match (&step.action, decisive) {
            (ast::Action::Press { controls, hold, times, gap, within, until }, Some(_))
                if plan.presses != 0 || plan.dropout.is_some() =>
            {
                let press = |times: u32| ast::Action::Press {
                    controls: controls.clone(),
                    hold: *hold,
                    times,
                    gap: *gap,
                    within: *within,
                    until: until.clone(),
                };
                let times = times.saturating_add_signed(plan.presses);
                let is_broken = times > 1 && sequence(self.subject.facts) == Some(Sequence::Presses);
                match plan.dropout.filter(|_| is_broken) {
                    None => self.press(draft, &press(times), bindings.origin)?,
                    Some(length) => {
                        let ((), steps) = draft.nested(|draft| {
                            self.press(draft, &press(times - 1), bindings.origin)?;
                            self.drop_out(draft, length);
                            self.press(draft, &press(1), bindings.origin)
                        })?;
                        draft.push(phrase(&step.action), bindings.origin, Action::Sequence(steps));
                    }
                }
                if plan.presses != 0 {
                    draft.alters(Kind::Presses);
                }
                Ok(())
            }
            (ast::Action::Hold(controls) | ast::Action::Release(controls), _)
                if plan.missing_buttons > 0 && are_buttons(controls) && controls.len() > 1 =>
            {
                let is_down = matches!(step.action, ast::Action::Hold(_));
                for control in still_held(controls, plan.missing_buttons) {
                    self.actuate(draft, std::slice::from_ref(control), is_down, bindings.origin);
                    draft.alters(Kind::MissingButtons);
                }
                Ok(())
            }
            _ => self.step(draft, step, bindings),
        }
    }

    fn confirmation(&self, marks: &Marks) -> Confirmation {
        let (unconfirmed_since, unconfirmed_longer) = self.unconfirmed_window(marks);
        let hold = self.subject.facts.decisive.hold.as_ref();
        let pressed = hold.and_then(|hold| marks.get(hold.from)?.1);
        let since = self.confirmation_start(marks);
        Confirmation { since, pressed, unconfirmed_since, unconfirmed_longer }
    }

    /// When the lock may confirm: as soon as the reset is complete, whatever steps follow.
    fn confirmation_start(&self, marks: &Marks) -> Since {
        let facts = self.subject.facts;
        let Some((index, mark)) = decided(facts, marks) else { return Since::Here };
        for interval in [&facts.decisive.second_hold, &facts.decisive.hold].into_iter().flatten() {
            // A lock that gives a cue within the hold confirms only after the release; one whose hold ends with something
            // else, as with its power, knows only then.
            let is_counted = interval.to == index && is_let_go(facts, index) && !has_cue(facts, interval);
            if let (true, Some((_, Some(from)))) = (is_counted, marks.get(interval.from)) {
                return Since::Mark(*from, interval.length.scaled(interval.just_under));
            }
        }
        match facts.procedure.get(index).map(|step| &step.action) {
            Some(ast::Action::Type { .. }) => Since::Touch(mark),
            _ => Since::Mark(mark, Duration::ZERO),
        }
    }

    /// From when on nothing may confirm an altered reset, and how much of its hold was left out: a lock that counts
    /// from the press confirms only then.
    fn unconfirmed_window(&self, marks: &Marks) -> (Since, Duration) {
        let facts = self.subject.facts;
        for stretch in [Stretch::SecondHold, Stretch::Hold] {
            let Some((interval, share)) = self.plan.stretch(facts, stretch) else { continue };
            // A cue within the hold is no confirmation.
            let ends = (marks.get(interval.from), marks.get(interval.to));
            let (Some((_, from)), Some((to, _))) = ends else { continue };
            let begin = if has_cue(facts, interval) { *to } else { *from };
            if let Some(mark) = begin {
                let left_out = interval.length.saturating_sub(interval.length.scaled(share));
                return (Since::Mark(mark, Duration::ZERO), left_out);
            }
        }
        let since = decided(facts, marks).map_or(Since::Here, |(_, mark)| Since::Mark(mark, Duration::ZERO));
        (since, Duration::ZERO)
    }

    /// Measures a stretch of the act: a stimulus that was not what the claim says proves nothing.
    fn measure(&self, draft: &mut Draft, stretch: Stretch, marks: &Marks) {
        let facts = self.subject.facts;
        let Some(interval) = interval(facts, stretch) else { return };
        let ends = (marks.get(interval.from), marks.get(interval.to));
        let (Some((_, Some(from))), Some((Some(to), _))) = ends else { return };
        let altered = self.plan.stretch(facts, stretch).map(|(_, share)| share);
        let share = altered.unwrap_or(Ratio::WHOLE);
        // A gap is decisive as long as it is short, a hold as long as it is long.
        let is_long = match stretch {
            Stretch::Hold | Stretch::SecondHold => share >= Ratio::WHOLE,
            Stretch::Gap => share > Ratio::WHOLE,
        };
        // Where the lock itself says when to let go, it may do so a little sooner than stated.
        let by_cue = stretch != Stretch::Gap && has_cue(facts, interval) && altered.is_none();
        let least = if by_cue { interval.length.scaled(interval.just_under) } else { interval.length };
        let limit = if is_long { Limit::at_least(least) } else { Limit::at_most(interval.length) };
        let (Some(first), Some(last)) =
            (facts.procedure.get(interval.from), facts.procedure.get(interval.to))
        else {
            return;
        };
        let name = format!("{} to {}", phrase(&first.action), phrase(&last.action));
        let measure = Action::Measure { name: name.clone(), from: *from, to: *to, limit };
        draft.push(format!("measure {name}"), Origin::Stimulus, measure);
    }

    /// When a lock has certainly settled after the act, which may have started it anew.
    pub(super) fn settled(&self) -> Duration {
        let ready = &self.lock().ready;
        let stated = ready
            .after_short_press
            .known()
            .map_or(SETTLE, |stated| SETTLE.max(stated.saturating_add(MARGIN)));
        self.started(stated)
    }

    /// Rids the keypad of keys that were typed and not completed.
    pub(super) fn empty_pad(&self, draft: &mut Draft, origin: Origin) -> Result<(), Excluded> {
        match self.lock().pad.forgets {
            Fact::Unsupported if self.has("clear") => self.perform(draft, "clear", &Bindings::new(origin)),
            Fact::Known(_) | Fact::Unknown | Fact::Unsupported => {
                draft.wait(self.forgets());
                Ok(())
            }
        }
    }
}

/// The step with which the reset is complete, and its first edge: the last decisive quantity is met, and nothing more
/// is pressed, typed, turned, switched or asked. Putting a cover back, or letting go of something else, completes none.
fn decided(facts: &ast::MethodFacts, marks: &Marks) -> Option<(usize, Mark)> {
    let end = facts.decisive.end(&facts.procedure);
    let completes = |index: usize| {
        let action = facts.procedure.get(index).map(|step| &step.action);
        match action {
            Some(ast::Action::Contact { .. }) => end.is_some_and(|end| index <= end),
            Some(ast::Action::Release(_)) => end.is_none_or(|end| index <= end),
            _ => true,
        }
    };
    let done = marks.iter().enumerate().filter_map(|(index, (first, _))| Some((index, (*first)?)));
    let done: Vec<_> = done.collect();
    done.iter().rfind(|(index, _)| completes(*index)).or(done.last()).copied()
}

fn is_let_go(facts: &ast::MethodFacts, index: usize) -> bool {
    facts.procedure.get(index).is_some_and(|step| matches!(step.action, ast::Action::Release(_)))
}

/// Whether the lock is heard or seen within a hold: a cue is no confirmation.
pub(super) fn has_cue(facts: &ast::MethodFacts, interval: &Interval) -> bool {
    let inside = facts.procedure.get(interval.from + 1..interval.to).unwrap_or_default();
    inside
        .iter()
        .any(|step| matches!(step.action, ast::Action::Observe { .. } | ast::Action::WaitUntil { .. }))
}

/// A hold that was hardly let go was not interrupted.
fn measure_pause(draft: &mut Draft, from: Option<Mark>, pause: Duration) {
    let Some((from, to)) = from.zip(draft.touches.last) else { return };
    let limit = Limit::at_least(Duration::nanoseconds(pause.as_nanoseconds() / 2));
    let name = "break in the hold".to_owned();
    let label = format!("measure {name}");
    draft.push(label, Origin::Stimulus, Action::Measure { name, from, to, limit });
}
