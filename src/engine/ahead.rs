//! Commands that are certain to follow, given out before their time: whoever plays them in real
//! time can then play all of them on one clock, and a power glitch of 2 ms needs no messenger.

use crate::scenario::{Action, Mark, Since, Step};
use crate::unit::{Duration, Instant};

use super::fiber::Kind;
use super::{Engine, When};

/// Where the next command stands: not before `planned`, which is `when` in other words.
#[derive(Clone, Copy)]
struct Base {
    when: When,
    planned: Instant,
}

impl Base {
    fn plus(self, delay: Duration) -> Self {
        let when = match self.when {
            When::At(at) => When::At(at + delay),
            When::After { command, delay: before } => {
                When::After { command, delay: before.saturating_add(delay) }
            }
        };
        Self { when, planned: self.planned + delay }
    }
}

impl<'p> Engine<'p> {
    /// Gives out the commands that nothing but waits separates from `command`, which is given out
    /// now, and remembers them for when their strand comes to them.
    pub(super) fn plan_ahead(&mut self, index: usize, command: u64, mark: Option<Mark>) {
        let mut rest = self.fibers[index].ahead();
        let after = |command, planned| Base { when: When::After { command, delay: Duration::ZERO }, planned };
        let mut base = after(command, self.now);
        let mut marks: Vec<(Mark, Base)> = mark.map(|mark| (mark, base)).into_iter().collect();
        while let Some(step) = rest.next() {
            match &step.action {
                Action::Sequence(body) | Action::Limited { body, .. } | Action::MayOpen { body, .. } => {
                    rest.enter(body);
                }
                Action::Wait { since: Since::Here, duration } => base = base.plus(*duration),
                Action::Wait { since: since @ (Since::Mark(mark, _) | Since::Touch(mark)), duration } => {
                    let offset = if let Since::Mark(_, offset) = since { *offset } else { Duration::ZERO };
                    let planned = marks.iter().find(|(known, _)| known == mark).map(|(_, base)| *base);
                    let known = self.marks.get(mark.0).copied().flatten();
                    let known = known.map(|at| Base { when: When::At(at), planned: at });
                    let Some(point) = planned.or(known) else { return };
                    let point = point.plus(offset.saturating_add(*duration));
                    if point.planned > base.planned {
                        base = point;
                    }
                }
                Action::Set { channel, value, mark } => {
                    let id = self.command(base.when, channel, value.clone());
                    self.fibers[index].planned.push_back(id);
                    base = after(id, base.planned);
                    marks.extend(mark.map(|mark| (mark, base)));
                }
                // What comes now depends on the lock, or on what is side by side.
                Action::Ask { .. }
                | Action::Observe { .. }
                | Action::Unseen { .. }
                | Action::NoChange { .. }
                | Action::Watch { .. }
                | Action::If { .. }
                | Action::Judge { .. }
                | Action::Measure { .. }
                | Action::Unprovable { .. }
                | Action::Never { .. }
                | Action::Together(_) => return,
            }
        }
    }
}

/// The steps that a strand will come to, as far as it is certain that it will.
pub(super) struct Ahead<'p> {
    frames: Vec<(&'p [Step], usize)>,
}

impl<'p> Ahead<'p> {
    /// From the frames of a strand, outermost first; what follows a `never` is not certain.
    pub(super) fn new<'f>(frames: impl DoubleEndedIterator<Item = (&'p [Step], usize, &'f Kind<'p>)>) -> Self
    where
        'p: 'f,
    {
        let mut known = Vec::new();
        for (steps, next, kind) in frames.rev() {
            known.push((steps, next));
            if matches!(kind, Kind::Never(_)) {
                break;
            }
        }
        known.reverse();
        Self { frames: known }
    }

    fn enter(&mut self, body: &'p [Step]) {
        self.frames.push((body, 0));
    }

    fn next(&mut self) -> Option<&'p Step> {
        loop {
            let (steps, next) = self.frames.last_mut()?;
            let steps: &'p [Step] = steps;
            if let Some(step) = steps.get(*next) {
                *next += 1;
                return Some(step);
            }
            self.frames.pop();
        }
    }
}
