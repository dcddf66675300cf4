//! Strands of steps: one for each part, and one for each branch of `together`.

use crate::scenario::ast::Observation;
use std::collections::VecDeque;

use crate::scenario::{Action, Origin, Probe, Rule, Since, Step, Weight};
use crate::trace::{Argument, Channel, Judgement, Request, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::{Decision, Limit, Measurement, Verdict};

use super::ahead::Ahead;
use super::judge::{Asked, Said};
use super::observe::{Begin, Limits, Progress, observed};
use super::record::{Record, StepOutcome};
use super::watch::{Watching, unclear};
use super::{Engine, Output, When};

/// A list of steps being played.
struct Frame<'p> {
    steps: &'p [Step],
    next: usize,
    kind: Kind<'p>,
    begin: Instant,
}

/// What it is the body of.
pub(super) enum Kind<'p> {
    /// A part or a branch.
    Plain,
    /// A named sequence.
    Named(&'p str),
    /// A `never`, by its guard's number.
    Never(usize),
    /// Steps during which the bolt may open, and what says whether the lock took what was entered.
    MayOpen(Option<Probe>),
    /// A time limit.
    Limited { deadline: Instant, origin: Origin, label: &'p str },
}

/// What a strand is waiting for.
pub(super) enum State<'p> {
    Ready,
    /// A time after a point that may not have happened yet.
    Until {
        since: Since,
        duration: Duration,
    },
    /// The achieved edge of a command.
    Achieved {
        command: u64,
        mark: Option<crate::scenario::Mark>,
        /// What was seen just before, and when.
        reacts_to: Option<(&'p str, Instant)>,
    },
    /// All signals up to now.
    Horizon {
        at: Instant,
    },
    /// Its branches.
    Joined {
        open: usize,
    },
    /// An answer.
    Answered {
        id: u64,
        deadline: Instant,
        step: &'p Step,
    },
    /// Something that is judged on signals.
    Watching(Box<Watching<'p>>),
}

/// One strand.
pub(super) struct Fiber<'p> {
    id: usize,
    parent: Option<usize>,
    frames: Vec<Frame<'p>>,
    pub(super) state: State<'p>,
    pub(super) begin: Instant,
    /// When what came before was achieved, while no time was spent since.
    anchor: Option<Instant>,
    /// What was seen last, while nothing else was done since.
    pub(super) seen: Option<(&'p str, Instant)>,
    /// Commands that were given out before their steps.
    pub(super) planned: VecDeque<u64>,
}

impl<'p> Fiber<'p> {
    /// The steps that follow.
    pub(super) fn ahead(&self) -> Ahead<'p> {
        Ahead::new(self.frames.iter().map(|frame| (frame.steps, frame.next, &frame.kind)))
    }
}

/// Something that must not happen while a body is played.
pub(super) struct Guard<'p> {
    id: usize,
    observation: &'p Observation,
    since: Instant,
    origin: Origin,
    progress: Progress,
    /// The end of its body, once that is reached.
    until: Instant,
    label: &'p str,
}

impl<'p> Engine<'p> {
    pub(super) fn spawn(&mut self, steps: &'p [Step], parent: Option<usize>, begin: Instant) {
        let frame = Frame { steps, next: 0, kind: Kind::Plain, begin };
        let id = self.next_fiber;
        self.next_fiber += 1;
        let (state, anchor) = (State::Ready, Some(begin));
        self.fibers.push(Fiber {
            id,
            parent,
            frames: vec![frame],
            state,
            begin,
            anchor,
            seen: None,
            planned: VecDeque::new(),
        });
    }

    /// When a strand wants to go on at the latest.
    pub(super) fn wake(&self, fiber: &Fiber<'p>) -> Instant {
        let state = match &fiber.state {
            State::Ready => self.now,
            State::Until { since, duration } => {
                self.point(*since, fiber.begin).map_or(Instant::NEVER, |at| at + *duration)
            }
            State::Achieved { .. } | State::Joined { .. } => Instant::NEVER,
            State::Horizon { at } => *at,
            State::Answered { deadline, .. } => *deadline,
            State::Watching(watching) => watching.until,
        };
        let limits = fiber.frames.iter().filter_map(|frame| match frame.kind {
            Kind::Limited { deadline, .. } => Some(deadline),
            _ => None,
        });
        limits.fold(state, Instant::min)
    }

    /// The time of a reference point, once it is known.
    fn point(&self, since: Since, here: Instant) -> Option<Instant> {
        match since {
            Since::Here => Some(here),
            Since::Mark(mark, offset) => self.marks.get(mark.0).copied().flatten().map(|at| at + offset),
            Since::Touch(mark) => self.marks.get(mark.0).copied().flatten(),
        }
    }

    /// Ends the part if something happened that must not.
    pub(super) fn check_guards(&mut self) -> bool {
        let (timeline, horizon, bounce) = (&self.timeline, self.horizon, self.precision.bounce());
        let violated = self.guards.iter_mut().find_map(|guard| {
            let limits = Limits {
                begin: guard.since,
                deadline: Instant::NEVER,
                horizon,
                slack: Duration::ZERO,
                bounce,
                already: false,
            };
            match observed(guard.observation, timeline, limits, &mut guard.progress) {
                Judgement::Met { at } if at <= guard.until => {
                    Some((guard.origin.unmet(), format!("violated after {at}: {}", guard.label)))
                }
                Judgement::Unclear { reason } => Some((unclear(guard.origin.unmet()), reason)),
                Judgement::Met { .. } | Judgement::Unmet { .. } | Judgement::Pending { .. } => None,
            }
        });
        match violated {
            Some((weight, reason)) => {
                self.step_record(reason.clone(), self.now, StepOutcome::Unmet, String::new());
                self.unmet(weight, &reason);
                self.part.is_none()
            }
            None => false,
        }
    }

    /// Lets every strand go as far as it can; `false` once none can go on.
    pub(super) fn step_fibers(&mut self) -> bool {
        let mut progressed = false;
        let mut index = 0;
        while index < self.fibers.len() {
            if self.check_limit(index) || self.step_fiber(index) {
                progressed = true;
                if self.part.is_none() {
                    return true;
                }
            } else {
                index += 1;
            }
        }
        progressed
    }

    fn check_limit(&mut self, index: usize) -> bool {
        let horizon = self.horizon;
        let exceeded = self.fibers[index].frames.iter_mut().find_map(|frame| match &mut frame.kind {
            Kind::Limited { deadline, origin, label } if horizon >= *deadline => {
                let found = (*origin, *label);
                *deadline = Instant::NEVER.before(Duration::seconds(1));
                Some(found)
            }
            _ => None,
        });
        let Some((origin, label)) = exceeded else { return false };
        self.unmet(origin.unmet(), &format!("{label} was not done in time"));
        true
    }

    /// One move of one strand; `false` if it must wait.
    fn step_fiber(&mut self, index: usize) -> bool {
        match &self.fibers[index].state {
            State::Ready => {
                self.next_step(index);
                true
            }
            State::Until { since, duration } => {
                let begin = self.fibers[index].begin;
                let end = self.point(*since, begin).map(|at| begin.max(at + *duration));
                let is_over = end.is_some_and(|end| self.now >= end);
                if is_over {
                    self.fibers[index].anchor = end;
                }
                self.resume_if(index, is_over)
            }
            State::Achieved { command, mark, reacts_to } => {
                let Some(at) = self.achieved_at(*command) else { return false };
                if let Some((label, seen)) = reacts_to {
                    let reaction = Record::Reaction { to: (*label).to_owned(), latency: at.since(*seen) };
                    self.outputs.push_back(Output::Record(reaction));
                }
                if let Some(mark) = mark {
                    self.marks[mark.0] = Some(at);
                }
                self.fibers[index].anchor = Some(at);
                self.resume_if(index, true)
            }
            State::Horizon { at } => self.resume_if(index, self.horizon >= *at),
            State::Joined { open } => self.resume_if(index, *open == 0),
            State::Answered { id, deadline, step } => {
                let (id, deadline, step) = (*id, *deadline, *step);
                self.answer(index, id, deadline, step)
            }
            State::Watching(_) => self.watch(index),
        }
    }

    fn resume_if(&mut self, index: usize, ready: bool) -> bool {
        if ready {
            self.fibers[index].state = State::Ready;
        }
        ready
    }

    /// Begins the next step of a strand, or ends a frame.
    fn next_step(&mut self, index: usize) {
        let now = self.now;
        let fiber = &mut self.fibers[index];
        fiber.begin = fiber.anchor.unwrap_or(now);
        let Some(frame) = fiber.frames.last_mut() else { return self.end_fiber(index) };
        let steps: &'p [Step] = frame.steps;
        match steps.get(frame.next) {
            Some(step) => {
                frame.next += 1;
                if step.action.takes_time() {
                    fiber.anchor = None;
                    let seen = fiber.seen.take();
                    if let Action::Set { .. } = step.action {
                        fiber.seen = seen;
                    }
                }
                self.begin_step(index, step);
            }
            None => self.end_frame(index),
        }
    }

    fn end_frame(&mut self, index: usize) {
        let now = self.now;
        let fiber = &mut self.fibers[index];
        if let Some(Frame { kind: Kind::Never(id), .. }) = fiber.frames.last()
            && let Some(guard) = self.guards.iter_mut().find(|guard| guard.id == *id)
            && guard.until == Instant::NEVER
        {
            // Whatever began up to now still belongs to the window, once it is known to be no glitch.
            guard.until = now;
            let is_noisy =
                matches!(guard.observation, Observation::Pulses { .. } | Observation::Contact { .. });
            let bounce = self.precision.bounce();
            fiber.state = State::Horizon { at: if is_noisy { now + bounce } else { now } };
            return;
        }
        match fiber.frames.pop() {
            Some(Frame { kind: Kind::Never(id), .. }) => self.guards.retain(|guard| guard.id != id),
            Some(Frame { kind: Kind::MayOpen(taken), .. }) => {
                let was_taken = taken.is_none_or(|probe| self.probes[probe.0] == Some(true));
                let changes = self.timeline.contact(&Channel::Bolt).map_or(&[][..], |bolt| bolt.changes());
                self.bolt.close(now, was_taken, changes);
            }
            Some(Frame { kind: Kind::Named(label), begin, .. }) => {
                self.step_record(label.to_owned(), begin, StepOutcome::Done, String::new());
            }
            Some(Frame { kind: Kind::Plain | Kind::Limited { .. }, .. }) | None => {}
        }
        if self.fibers[index].frames.is_empty() {
            self.end_fiber(index);
        }
    }

    fn end_fiber(&mut self, index: usize) {
        let ended = self.fibers.remove(index);
        match ended.parent {
            Some(parent) => {
                if let Some(Fiber { state: State::Joined { open }, .. }) =
                    self.fibers.iter_mut().find(|fiber| fiber.id == parent)
                {
                    *open -= 1;
                }
            }
            None => self.close_part(Verdict::Pass, ""),
        }
    }

    fn enter(&mut self, index: usize, steps: &'p [Step], kind: Kind<'p>) {
        let frame = Frame { steps, next: 0, kind, begin: self.fibers[index].begin };
        self.fibers[index].frames.push(frame);
    }

    fn begin_step(&mut self, index: usize, step: &'p Step) {
        match &step.action {
            Action::Set { channel, value, mark } => {
                let command = match self.fibers[index].planned.pop_front() {
                    Some(planned) => planned,
                    None => {
                        let command = self.command(When::At(self.now), channel, value.clone());
                        self.plan_ahead(index, command, *mark);
                        command
                    }
                };
                let reacts_to = self.fibers[index].seen.take();
                self.fibers[index].state = State::Achieved { command, mark: *mark, reacts_to };
            }
            Action::Ask { channel, op, arguments, within, .. } => {
                let id = self.next_command();
                let mut arguments: Vec<(_, Argument)> = arguments.clone();
                // In JSON they have no order: this is the one in which they are read back.
                arguments.sort_by(|(one, _), (other, _)| one.cmp(other));
                let request = Value::Request(Request { id, op: op.clone(), arguments });
                self.command(When::At(self.now), channel, request);
                let deadline = self.now + *within;
                self.fibers[index].state = State::Answered { id, deadline, step };
            }
            Action::Wait { since, duration } => {
                self.fibers[index].state = State::Until { since: *since, duration: *duration };
            }
            Action::Observe { since, observation, .. } => {
                let at = self.point(*since, self.fibers[index].begin).unwrap_or(self.now);
                let begin = Begin::new(*since, at);
                self.begin_watch(index, step, begin, Progress::of(observation, begin));
            }
            Action::Unseen { since, .. } => {
                let at = self.point(*since, self.fibers[index].begin).unwrap_or(self.now);
                self.begin_watch(index, step, Begin::new(*since, at), Progress::Contact);
            }
            Action::NoChange { .. } => {
                let begin = Begin::new(Since::Here, self.fibers[index].begin);
                self.begin_watch(index, step, begin, Progress::Contact);
            }
            Action::Watch { since, observation, .. } => {
                let at = self.marks.get(since.0).copied().flatten().unwrap_or(self.now);
                let begin = Begin::new(Since::Touch(*since), at);
                self.begin_watch(index, step, begin, Progress::of(observation, begin));
            }
            Action::If { probe, yes, body } => {
                if self.probes[probe.0] == Some(*yes) {
                    self.enter(index, body, Kind::Named(&step.label));
                }
            }
            Action::Unprovable { reason } => self.unmet(Weight::Inconclusive, reason),
            Action::Judge { probes, rule, reason } => self.judge(step, probes, *rule, reason),
            Action::Measure { name, from, to, limit } => {
                let (from, to) = (self.marks[from.0], self.marks[to.0]);
                match (from, to) {
                    (Some(from), Some(to)) => {
                        let value = to.since(from);
                        // Both ends are uncertain.
                        let uncertainty = self.precision.stimulus.times(2);
                        self.measure(name.clone(), value, *limit, uncertainty, step.origin);
                    }
                    _ => self.unmet(Weight::Inconclusive, &format!("{name} was never measured")),
                }
            }
            Action::Never { observation, body } => {
                let id = self.next_fiber;
                self.next_fiber += 1;
                let (since, until) = (self.fibers[index].begin, Instant::NEVER);
                let progress = Progress::of(observation, Begin::new(Since::Here, since));
                let (origin, label) = (step.origin, &*step.label);
                self.guards.push(Guard { id, observation, since, origin, progress, until, label });
                self.enter(index, body, Kind::Never(id));
            }
            Action::MayOpen { body, taken } => {
                self.bolt.open(self.fibers[index].begin);
                self.enter(index, body, Kind::MayOpen(*taken));
            }
            Action::Limited { within, body } => {
                let deadline = self.fibers[index].begin + *within;
                self.enter(index, body, Kind::Limited { deadline, origin: step.origin, label: &step.label });
            }
            Action::Sequence(body) => self.enter(index, body, Kind::Named(&step.label)),
            Action::Together(branches) => {
                self.fibers[index].state = State::Joined { open: branches.len() };
                let (parent, begin) = (self.fibers[index].id, self.fibers[index].begin);
                branches.iter().for_each(|branch| self.spawn(branch, Some(parent), begin));
            }
        }
    }

    fn begin_watch(&mut self, index: usize, step: &'p Step, begin: Begin, progress: Progress) {
        let watching = Watching { step, begin, until: self.now, progress, quiet: Vec::new() };
        self.fibers[index].state = State::Watching(Box::new(watching));
    }

    pub(super) fn step_record(
        &mut self,
        label: String,
        begin: Instant,
        outcome: StepOutcome,
        reason: String,
    ) {
        let record = Record::Step { label, begin, end: self.now, outcome, reason };
        self.outputs.push_back(Output::Record(record));
    }

    /// Ends the current step of a strand: met, or not met for a reason.
    pub(super) fn end_step(&mut self, index: usize, step: &Step, outcome: Result<(), (Weight, String)>) {
        let begin = self.fibers[index].begin;
        self.fibers[index].state = State::Ready;
        match outcome {
            Ok(()) => self.step_record(step.label.clone(), begin, StepOutcome::Done, String::new()),
            Err((weight, reason)) => {
                self.step_record(step.label.clone(), begin, StepOutcome::Unmet, reason.clone());
                self.unmet(weight, &reason);
            }
        }
    }

    fn judge(&mut self, step: &Step, probes: &[Probe], rule: Rule, reason: &str) {
        let answers: Option<Vec<bool>> = probes.iter().map(|probe| self.probes[probe.0]).collect();
        let Some(answers) = answers else {
            return self.unmet(Weight::Inconclusive, "a check gave no answer");
        };
        let holds = match rule {
            Rule::Yes => answers.iter().all(|yes| *yes),
            Rule::No => answers.iter().all(|yes| !*yes),
            Rule::Same => answers.windows(2).all(|pair| pair[0] == pair[1]),
            Rule::Opposite => answers.iter().skip(1).all(|yes| Some(yes) != answers.first()),
        };
        let outcome = if holds { StepOutcome::Done } else { StepOutcome::Unmet };
        let said = if holds { String::new() } else { reason.to_owned() };
        self.step_record(step.label.clone(), self.now, outcome, said);
        if !holds {
            self.unmet(step.origin.unmet(), reason);
        }
    }

    /// Records a measurement, and ends the part if it is outside its limit.
    pub(super) fn measure(
        &mut self,
        name: String,
        value: Duration,
        limit: Limit,
        uncertainty: Duration,
        origin: Origin,
    ) {
        let measurement = Measurement::new(name, value, limit, uncertainty);
        self.outputs.push_back(Output::Record(Record::Measurement(measurement.clone())));
        let (name, decision) = (measurement.name.clone(), measurement.decision);
        self.measurements.push(measurement);
        match decision {
            Decision::Inside => {}
            Decision::GuardBand => {
                let reason = format!("{name}: {value} is too close to the limit to call");
                self.unmet(Weight::Inconclusive, &reason);
            }
            Decision::Outside => {
                self.unmet(origin.unmet(), &format!("{name}: {value} is outside the limit"));
            }
        }
    }

    fn answer(&mut self, index: usize, id: u64, deadline: Instant, step: &'p Step) -> bool {
        let Action::Ask { channel, op, arguments, expected, mark, .. } = &step.action else { return false };
        if let Some(mark) = mark {
            self.marks[mark.0] = self.achieved_at(id);
        }
        let asked = Asked { channel, op, arguments, expected: *expected, weight: step.origin.unmet() };
        // An answer that came too late is none.
        let response = self.responses.get(&id).filter(|(at, _)| *at <= deadline).map(|(_, r)| r.clone());
        if response.is_none() && self.horizon < deadline {
            return false;
        }
        let outcome = asked.answered(response.as_ref(), &self.digests).map(|said| match said {
            Said::Nothing => {}
            Said::Yes(probe, yes) => self.probes[probe.0] = Some(yes),
            Said::Digest(of, digest) => drop(self.digests.insert(of, digest)),
        });
        self.end_step(index, step, outcome);
        true
    }
}
