//! What the guard decides: which edge is due, what is refused, and when everything must go safe.
//!
//! Deliberately absent: clock, socket, boards. Time goes in, effects come out.

use std::collections::{BTreeMap, VecDeque};

use crate::rig::Drive;
use crate::unit::{Duration, Moment};

use super::SILENCE;
use super::protocol::{Edge, Limits, Program, Refusal, Setup, When};

/// Programs end within a day.
const FARTHEST: Duration = Duration::seconds(24 * 3600);
/// Commands whose achieved edges are remembered.
const REMEMBERED: usize = 4096;

/// An output must be driven now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which.
    pub output: usize,
    /// To what.
    pub drive: Drive,
    /// The command that it belongs to, if it is one.
    pub command: Option<u64>,
}

/// Why everything was made safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip(pub String);

struct Output {
    name: String,
    limits: Limits,
    level: Drive,
    /// Since when it is away from rest.
    away_since: Option<Moment>,
    pending: VecDeque<Edge>,
    /// For how long it may stay where its last pending edge leaves it.
    bound: Option<Duration>,
    /// When it must be back.
    back_at: Option<Moment>,
}

/// The outputs and their programs.
pub struct Core {
    outputs: Vec<Output>,
    exclusive: Vec<Vec<usize>>,
    achieved: BTreeMap<u64, Moment>,
    heard: Option<Moment>,
    tripped: Option<Trip>,
}

/// When edges are meant to be played.
struct Planned {
    /// Of a program, in its order.
    edges: Vec<Moment>,
    /// The last edge of each command that is not played yet.
    commands: BTreeMap<u64, Moment>,
}

/// From when to when an output is away from rest.
type Away = (Moment, Moment);

impl Core {
    /// Outputs that are all without power.
    pub fn new(setup: &Setup) -> Self {
        let outputs = setup.outputs.iter().map(|spec| Output {
            name: spec.name.clone(),
            limits: spec.limits.clone(),
            level: Drive::Deenergised,
            away_since: None,
            pending: VecDeque::new(),
            bound: None,
            back_at: None,
        });
        Self {
            outputs: outputs.collect(),
            exclusive: setup.exclusive.clone(),
            achieved: BTreeMap::new(),
            heard: None,
            tripped: None,
        }
    }

    /// The client said something.
    pub fn heard(&mut self, now: Moment) {
        self.heard = Some(now);
    }

    /// Why everything was made safe, if it was.
    pub fn tripped(&self) -> Option<&Trip> {
        self.tripped.as_ref()
    }

    /// Takes a program, or refuses it before anything of it is played.
    ///
    /// # Errors
    /// It names what is not there, has no end, or could break a limit.
    pub fn play(&mut self, now: Moment, program: &Program) -> Result<(), Refusal> {
        let refuse = |why: String| Err(Refusal(why));
        if let Some(Trip(reason)) = &self.tripped {
            return refuse(format!("the outputs were made safe: {reason}"));
        }
        if let Some(edge) = program.edges.iter().find(|edge| edge.output >= self.outputs.len()) {
            return refuse(format!("there is no output {}", edge.output));
        }
        if let Some(edge) = program.edges.iter().find(|edge| self.achieved.contains_key(&edge.command)) {
            return refuse(format!("command {} has already been played", edge.command));
        }
        let planned = self.planned(now, program)?;
        for index in 0..self.outputs.len() {
            let away = self.away(now, index, program, &planned)?;
            let output = &self.outputs[index];
            let Some(most) = output.limits.max_on else { continue };
            if let Some((begin, end)) = away.iter().find(|(begin, end)| end.since(*begin) > most) {
                let length = end.since(*begin);
                return refuse(format!(
                    "`{}` could be on for {length}, but at most {most} is allowed",
                    output.name
                ));
            }
        }
        self.check_exclusive(now, program, &planned)?;
        for index in touched(program) {
            let output = &mut self.outputs[index];
            output.pending = program.edges.iter().filter(|edge| edge.output == index).cloned().collect();
            output.bound = program.bounds.get(&index).copied();
            output.back_at = None;
        }
        self.drop_orphans(now);
        Ok(())
    }

    /// Edges that follow a command that was superseded will never be due: their outputs rest.
    fn drop_orphans(&mut self, now: Moment) {
        loop {
            let given: Vec<u64> =
                self.outputs.iter().flat_map(|output| &output.pending).map(|edge| edge.command).collect();
            let is_orphan = |edge: &Edge| match edge.when {
                When::After { command, .. } => {
                    !self.achieved.contains_key(&command) && !given.contains(&command)
                }
                When::At(_) => false,
            };
            let Some(index) = self.outputs.iter().position(|output| output.pending.iter().any(is_orphan))
            else {
                return;
            };
            let output = &mut self.outputs[index];
            output.pending.clear();
            output.bound = None;
            output.back_at = output.away_since.map(|_| now);
        }
    }

    /// When each edge is meant to be played, if all that precedes is in time.
    fn planned(&self, now: Moment, program: &Program) -> Result<Planned, Refusal> {
        let mut commands: BTreeMap<u64, Moment> = BTreeMap::new();
        let mut pending: Vec<&Edge> = self.outputs.iter().flat_map(|output| &output.pending).collect();
        // A command follows only those that were given before it.
        pending.sort_by_key(|edge| edge.command);
        for edge in pending {
            let at = self.resolve(edge.when, &commands).unwrap_or(now).max(now);
            let known = commands.entry(edge.command).or_insert(at);
            *known = (*known).max(at);
        }
        let mut planned = Vec::with_capacity(program.edges.len());
        for edge in &program.edges {
            let Some(at) = self.resolve(edge.when, &commands) else {
                return Err(Refusal("an edge waits for a command that was never given".into()));
            };
            let at = at.max(now);
            if at.since(now) > FARTHEST {
                return Err(Refusal(format!("an edge is too far ahead: {}", at.since(now))));
            }
            let known = commands.entry(edge.command).or_insert(at);
            *known = (*known).max(at);
            planned.push(at);
        }
        Ok(Planned { edges: planned, commands })
    }

    fn resolve(&self, when: When, planned: &BTreeMap<u64, Moment>) -> Option<Moment> {
        match when {
            When::At(at) => Some(at),
            When::After { command, delay } => {
                let base = self.achieved.get(&command).or_else(|| planned.get(&command));
                base.map(|base| *base + delay)
            }
        }
    }

    /// When an output is away from rest under a program, at the longest.
    fn away(
        &self,
        now: Moment,
        index: usize,
        program: &Program,
        planned: &Planned,
    ) -> Result<Vec<Away>, Refusal> {
        let output = &self.outputs[index];
        let mut since = output.away_since;
        let mut all = Vec::new();
        let own: Vec<(&Edge, Moment)>;
        let (edges, bound) = if program.edges.iter().any(|edge| edge.output == index) {
            let edges = program.edges.iter().zip(planned.edges.iter().copied());
            own = edges.filter(|(edge, _)| edge.output == index).collect();
            (own, program.bounds.get(&index))
        } else {
            let at = |edge: &Edge| self.resolve(edge.when, &planned.commands).unwrap_or(now).max(now);
            (output.pending.iter().map(|edge| (edge, at(edge))).collect(), output.bound.as_ref())
        };
        let mut last = now;
        for (edge, at) in &edges {
            if *at < last {
                return Err(Refusal(format!("the edges of `{}` are out of order", output.name)));
            }
            last = *at;
            match (since, edge.drive == output.limits.rest) {
                (None, false) => since = Some(*at),
                (Some(begin), true) => {
                    all.push((begin, *at));
                    since = None;
                }
                _ => {}
            }
        }
        if let Some(begin) = since {
            let end = match (bound, output.back_at) {
                (_, Some(back)) if edges.is_empty() => back,
                (Some(bound), _) => last + *bound,
                _ => return Err(Refusal(format!("`{}` would be left on without an end", output.name))),
            };
            all.push((begin, end));
        }
        Ok(all)
    }

    fn check_exclusive(&self, now: Moment, program: &Program, planned: &Planned) -> Result<(), Refusal> {
        for group in &self.exclusive {
            let mut all: Vec<(Away, usize)> = Vec::new();
            for index in group {
                let away = self.away(now, *index, program, planned)?;
                all.extend(away.into_iter().map(|away| (away, *index)));
            }
            all.sort_unstable();
            let clash = all.windows(2).find(|pair| pair[0].1 != pair[1].1 && pair[1].0.0 < pair[0].0.1);
            if let Some([(_, a), (_, b)]) = clash {
                let (a, b) = (&self.outputs[*a].name, &self.outputs[*b].name);
                return Err(Refusal(format!("`{a}` and `{b}` could be on together")));
            }
        }
        Ok(())
    }

    /// The next moment at which something may be due.
    pub fn next(&self) -> Moment {
        self.outputs.iter().map(|output| self.next_of(output)).fold(Moment::NEVER, Moment::min)
    }

    /// When the client's silence is taken for its death.
    pub fn silent_at(&self) -> Moment {
        match (&self.tripped, self.heard) {
            (None, Some(heard)) => heard + SILENCE,
            _ => Moment::NEVER,
        }
    }

    /// To be called once everything that the client said was heard.
    pub fn check_silence(&mut self, now: Moment) {
        if now >= self.silent_at() {
            self.trip(&format!("the client was silent for {SILENCE}"));
        }
    }

    fn next_of(&self, output: &Output) -> Moment {
        let none = BTreeMap::new();
        let edge = output.pending.front().and_then(|edge| self.resolve(edge.when, &none));
        let limit = output.away_since.zip(output.limits.max_on).map(|(since, most)| since + most);
        let times = [edge, limit, output.back_at];
        times.into_iter().flatten().min().unwrap_or(Moment::NEVER)
    }

    /// What must be driven now, the most urgent first; each is to be confirmed with
    /// [`Core::driven`].
    pub fn due(&mut self, now: Moment) -> Option<Effect> {
        if self.tripped.is_some() {
            return None;
        }
        let none = BTreeMap::new();
        // Of two edges that are due together, the one to rest comes first.
        let mut first: Option<(Moment, bool, usize)> = None;
        for (index, output) in self.outputs.iter().enumerate() {
            let edge = output.pending.front().and_then(|edge| self.resolve(edge.when, &none));
            let limit = output.away_since.zip(output.limits.max_on).map(|(since, most)| since + most);
            // An edge that is due together with the limit is the end that was planned.
            if let Some(limit) = limit
                && now > limit
                && edge.is_none_or(|edge| edge > limit)
            {
                let most = limit.since(output.away_since.unwrap_or_default());
                let reason = format!("`{}` was on for more than {most}", output.name);
                self.trip(&reason);
                return None;
            }
            let due = edge.into_iter().chain(output.back_at).min().filter(|at| *at <= now);
            if let Some(at) = due {
                let leaves_rest = edge.is_some()
                    && output.pending.front().is_some_and(|edge| edge.drive != output.limits.rest);
                let key = (at, leaves_rest, index);
                first = Some(first.map_or(key, |other| other.min(key)));
            }
        }
        let (.., index) = first?;
        let (drive, command) = match self.outputs[index].pending.front() {
            Some(edge) => (edge.drive, Some(edge.command)),
            None => (self.outputs[index].limits.rest, None),
        };
        if drive != self.outputs[index].limits.rest && self.excluded(index) {
            let reason = format!(
                "`{}` and another output of its `exclusive` group would be on together",
                self.outputs[index].name
            );
            self.trip(&reason);
            return None;
        }
        Some(Effect { output: index, drive, command })
    }

    fn excluded(&self, index: usize) -> bool {
        let groups = self.exclusive.iter().filter(|group| group.contains(&index));
        groups.flatten().any(|other| *other != index && self.outputs[*other].away_since.is_some())
    }

    /// An effect was carried out. Returns a name if the end of a hold had to be forced.
    pub fn driven(&mut self, effect: Effect, at: Moment) -> Option<&str> {
        let output = self.outputs.get_mut(effect.output)?;
        output.level = effect.drive;
        match (effect.drive == output.limits.rest, output.away_since) {
            (true, _) => output.away_since = None,
            (false, None) => output.away_since = Some(at),
            _ => {}
        }
        let mut forced = false;
        match effect.command {
            Some(command) => {
                output.pending.pop_front();
                let known = self.achieved.entry(command).or_insert(at);
                *known = (*known).max(at);
            }
            None => forced = output.back_at.is_some(),
        }
        let is_last = output.pending.is_empty() && output.away_since.is_some();
        output.back_at = output.bound.filter(|_| is_last).map(|bound| at + bound);
        while self.achieved.len() > REMEMBERED {
            self.achieved.pop_first();
        }
        forced.then_some(self.outputs[effect.output].name.as_str())
    }

    /// Effects that bring everything to rest; programs are forgotten.
    pub fn rest(&mut self) -> Vec<Effect> {
        if self.tripped.is_some() {
            return Vec::new();
        }
        // Whoever comes next counts its commands from the start again.
        self.achieved.clear();
        let mut effects = Vec::new();
        for (index, output) in self.outputs.iter_mut().enumerate() {
            output.pending.clear();
            (output.bound, output.back_at) = (None, None);
            if output.level != output.limits.rest {
                effects.push(Effect { output: index, drive: output.limits.rest, command: None });
            }
        }
        effects
    }

    /// Everything must go safe, and stays so.
    pub fn trip(&mut self, reason: &str) {
        if self.tripped.is_none() {
            self.tripped = Some(Trip(reason.to_owned()));
        }
        for output in &mut self.outputs {
            output.pending.clear();
            (output.bound, output.back_at, output.away_since) = (None, None, None);
            output.level = Drive::Deenergised;
        }
    }

    /// A new client, after everything was made safe.
    pub fn reset(&mut self) {
        self.trip("a new client");
        (self.tripped, self.heard) = (None, None);
        self.achieved.clear();
    }
}

fn touched(program: &Program) -> std::collections::BTreeSet<usize> {
    program.edges.iter().map(|edge| edge.output).collect()
}
