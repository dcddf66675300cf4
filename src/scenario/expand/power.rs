//! The supply: restarts, and cuts in the midst of a reset.

use crate::scenario::alter::{Cut, CutFrom, Kind, takes_the_power};
use crate::scenario::ast::{self, Interval};
use crate::scenario::program::{Action, Mark, Origin, Since, Step};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Ratio, Voltage};

use super::context::{Context, Excluded};
use super::draft::Draft;

/// Time for a lock to start after its power came back.
pub(super) const BOOT: Duration = Duration::seconds(4);
/// What is tried after a restart is tried within this time.
const SOON_AFTER: Duration = Duration::seconds(20);
/// A contact that is closed without power has settled by then.
const SETTLED: Duration = Duration::milliseconds(300);

impl Context<'_> {
    /// The procedure, and beside it a cut of the power at a share of the confirmation window.
    pub(super) fn cut_meanwhile(
        &self,
        draft: &mut Draft,
        procedure: Vec<Step>,
        cut: Cut,
    ) -> Result<Step, Excluded> {
        let unmarked = || Excluded::plan("nothing in the procedure marks when to cut the power");
        let complete = match draft.confirmation.since {
            Since::Here => return Err(unmarked()),
            Since::Touch(mark) => Since::Mark(mark, Duration::ZERO),
            since @ Since::Mark(..) => self.met_at(since),
        };
        let window = self.subject.facts.confirmation_window();
        let before = draft.volts;
        let ((), branch) = draft.nested(|draft| {
            let (since, whole) = match cut.from {
                CutFrom::Completion => (complete, window),
                CutFrom::Hold => {
                    let pressed = draft.confirmation.pressed.ok_or_else(unmarked)?;
                    (Since::Mark(pressed, Duration::ZERO), self.hold()?.length)
                }
                CutFrom::Confirmation => {
                    (Since::Mark(self.first_sign(draft, window)?, Duration::ZERO), window)
                }
            };
            draft.wait_since(Origin::Stimulus, since, whole.scaled(cut.at));
            draft.supply(before.scaled(cut.to));
            draft.alters(Kind::CutPower);
            draft.wait(Duration::seconds(2));
            draft.supply(before);
            Ok(())
        })?;
        let both = Action::Together(vec![procedure, branch]);
        Ok(Step::new("reset with a power cut meanwhile", self.act(), both))
    }

    /// The method's decisive hold.
    fn hold(&self) -> Result<&Interval, Excluded> {
        let reason = || format!("a reset by {} does not depend on a hold", self.subject.method);
        self.subject.facts.decisive.hold.as_ref().ok_or_else(|| reason().into())
    }

    /// Watches for the first sign of a confirmation. Without one, a cut after it proves nothing.
    fn first_sign(&self, draft: &mut Draft, window: Duration) -> Result<Mark, Excluded> {
        let fact = &self.subject.facts.confirmed_by;
        let first = fact.known().and_then(|steps| steps.first());
        let Some(ast::Action::Observe { observation, .. }) = first.map(|step| &step.action) else {
            return Err(fact.absence("a confirmation of the reset").into());
        };
        let (mark, since) = (draft.mark(), draft.confirmation.since);
        // Before the reset is complete, the lock may give a cue of the same kind.
        draft.wait_since(Origin::Stimulus, since, Duration::ZERO);
        let (observation, within) = (observation.first_sign(), window.saturating_add(SETTLED));
        let observe = Action::Observe { observation, since, within, mark: Some(mark), already: false };
        draft.push("see the first sign of a confirmation", Origin::Control, observe);
        Ok(mark)
    }

    /// The moment at which the decisive quantity is met as stated: a sweep begins there.
    fn met_at(&self, since: Since) -> Since {
        let decisive = &self.subject.facts.decisive;
        let holds = [&decisive.second_hold, &decisive.hold];
        let mut holds = holds.into_iter().flatten();
        match since {
            Since::Mark(mark, offset) => {
                let hold = holds.find(|hold| hold.length.scaled(hold.just_under) == offset);
                Since::Mark(mark, hold.map_or(offset, |hold| hold.length))
            }
            Since::Here | Since::Touch(_) => since,
        }
    }

    /// Takes the power away, and gives it back while what the reset holds is held for a share of the stated time.
    pub(super) fn restart_held(
        &self,
        draft: &mut Draft,
        off: Duration,
        share: Ratio,
    ) -> Result<(), Excluded> {
        let facts = self.subject.facts;
        if takes_the_power(&facts.procedure) {
            return Err("the method itself cuts the power".into());
        }
        let hold = self.hold()?;
        let controls = facts.held_in(hold).ok_or("nothing is held in a reset by this method")?;
        let before = draft.volts;
        draft.supply(Voltage::default());
        draft.wait(off);
        self.actuate(draft, controls, true, Origin::Stimulus);
        draft.wait(SETTLED);
        draft.supply(before);
        draft.wait(hold.length.scaled(share));
        self.actuate(draft, controls, false, Origin::Stimulus);
        draft.wait(self.started(BOOT));
        Ok(())
    }

    /// Takes the power away for so long in the midst of a sequence, and waits until the lock has started again.
    pub(super) fn drop_out(&self, draft: &mut Draft, length: Duration) {
        let before = draft.volts;
        draft.supply(Voltage::default());
        draft.alters(Kind::Dropout);
        draft.wait(length);
        draft.supply(before);
        draft.wait(self.started(BOOT));
    }

    pub(super) fn restart(&self, draft: &mut Draft, off: Duration, cells: bool) -> Result<(), Excluded> {
        let started = self.started(BOOT);
        let penalty = self.lock().lockout.known().map(|lockout| lockout.duration);
        let is_back = started.saturating_add(off).saturating_add(SOON_AFTER);
        if draft.locked_out.is_some() && penalty.is_some_and(|penalty| penalty <= is_back) {
            return Err("the penalty for wrong codes is over before the lock takes a code after power".into());
        }
        if cells {
            let count = self.lock().power.cells;
            if count == 0 {
                return Err("the model has no cells that can be taken out one by one".into());
            }
            let order = (1..=count).map(|n| (n, false)).chain((1..=count).map(|n| (n, true)));
            for (number, inserted) in order {
                if inserted && number == 1 {
                    draft.wait(off);
                }
                draft.set(Origin::Tidying, Channel::PowerCell(number), Value::Switch(inserted));
                draft.wait(Duration::milliseconds(500));
            }
        } else {
            let before = draft.volts;
            draft.supply(Voltage::default());
            draft.wait(off);
            draft.supply(before);
        }
        draft.wait(started);
        Ok(())
    }
}
