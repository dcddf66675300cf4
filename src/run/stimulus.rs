//! From the engine's commands to the guard's programs, and from achieved edges back to commands.
//!
//! Deliberately absent: clocks and sockets. Only what the wiring can't give is an error.

use std::collections::BTreeMap;

use crate::engine::When;
use crate::guard::{self, Program};
use crate::rig::{Bench, Drive, Unwired};
use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant, Moment};

/// The guard ends a hold this much after the longest that the case can want.
const MARGIN: Duration = Duration::seconds(2);

/// The commands of one case.
pub(super) struct Stimuli<'a> {
    bench: &'a Bench,
    /// When the case began.
    epoch: Moment,
    /// When commands are added.
    now: Moment,
    /// How long each channel can be away from rest.
    longest: BTreeMap<Channel, Duration>,
    /// Levels after everything that was given out.
    levels: Vec<Drive>,
    open: BTreeMap<u64, Open>,
    /// Each command's first ancestor that had a time of its own, and the delay from there.
    planned: BTreeMap<u64, (u64, Duration)>,
    program: Program,
    holds: BTreeMap<Channel, Begin>,
}

/// A command that is not achieved on all of its outputs.
struct Open {
    channel: Channel,
    value: Value,
    missing: usize,
    first: Moment,
    last: Moment,
}

/// The beginning of a hold.
struct Begin {
    command: u64,
    at: Instant,
}

/// A command that was achieved.
#[derive(Debug)]
pub(super) struct Achieved {
    pub id: u64,
    pub at: Instant,
    pub channel: Channel,
    pub value: Value,
    pub hold: Option<Hold>,
}

/// A hold that ended.
#[derive(Debug)]
pub(super) struct Hold {
    pub begin: Instant,
    pub commanded: Option<Duration>,
    pub achieved: Duration,
}

impl<'a> Stimuli<'a> {
    pub(super) fn new(bench: &'a Bench, epoch: Moment, longest: BTreeMap<Channel, Duration>) -> Self {
        let levels = bench.outputs.iter().map(|output| output.rest).collect();
        let (open, planned, program) = (BTreeMap::new(), BTreeMap::new(), Program::default());
        Self { bench, epoch, now: epoch, longest, levels, open, planned, program, holds: BTreeMap::new() }
    }

    /// Commands are added at that time from here on.
    pub(super) fn at(&mut self, now: Moment) {
        self.now = now;
    }

    /// Adds a command to the program; secrets are put in already, and `recorded` has their handles.
    ///
    /// # Errors
    /// The wiring can't give the value.
    pub(super) fn add(
        &mut self,
        id: u64,
        when: When,
        channel: &Channel,
        value: &Value,
        recorded: Value,
    ) -> Result<(), Unwired> {
        let drives = self.bench.drives(channel, value)?;
        let is_now = matches!(when, When::At(at) if self.moment(at) <= self.now);
        let superseded = is_now && self.supersede(channel);
        let (root, when) = match when {
            When::At(at) => ((id, Duration::ZERO), guard::When::At(self.moment(at))),
            When::After { command, delay } => {
                let (root, before) = self.planned.get(&command).copied().unwrap_or((command, Duration::ZERO));
                ((root, before.saturating_add(delay)), guard::When::After { command, delay })
            }
        };
        self.planned.insert(id, root);
        let changes =
            |(output, drive): &&(usize, Drive)| superseded || self.levels.get(*output) != Some(drive);
        let mut changed: Vec<(usize, Drive)> = drives.iter().filter(changes).copied().collect();
        // What opens goes first: on the way from one key to another no third one is pressed.
        changed.sort_by_key(|(output, drive)| {
            self.bench.outputs.get(*output).is_some_and(|output| output.contact.drive(true) == *drive)
        });
        if changed.is_empty() {
            // What is so already is driven once more, so that its time is achieved like any other.
            changed.extend(drives.first());
        }
        let bound = self.longest.get(channel).copied().unwrap_or_default().saturating_add(MARGIN);
        for (output, drive) in &changed {
            self.levels[*output] = *drive;
            self.program.edges.push(guard::Edge { command: id, output: *output, drive: *drive, when });
            let limits = &self.bench.outputs[*output];
            if *drive == limits.rest {
                self.program.bounds.remove(output);
            } else {
                let bound = limits.max_on.map_or(bound, |most| bound.min(most));
                self.program.bounds.insert(*output, bound);
            }
        }
        let (channel, missing) = (channel.clone(), changed.len());
        let (first, last) = (Moment::NEVER, Moment::default());
        self.open.insert(id, Open { channel, value: recorded, missing, first, last });
        Ok(())
    }

    /// What is to be played now, if anything is.
    pub(super) fn take(&mut self) -> Option<Program> {
        let program = std::mem::take(&mut self.program);
        (!program.edges.is_empty()).then_some(program)
    }

    /// An edge was achieved; the command is once all of its edges are. A circuit is closed by its
    /// last contact, and opened by its first.
    pub(super) fn achieved(&mut self, id: u64, at: Moment) -> Option<Achieved> {
        let open = self.open.get_mut(&id)?;
        open.missing = open.missing.saturating_sub(1);
        open.first = open.first.min(at);
        open.last = open.last.max(at);
        if open.missing > 0 {
            return None;
        }
        let Open { channel, value, first, last, .. } = self.open.remove(&id)?;
        let closes = Bench::closes(&value);
        let at = self.instant(if closes { last } else { first });
        let is_away = self.bench.is_away(&channel, &value);
        let hold = match (is_away, self.holds.remove(&channel)) {
            (true, begin) => {
                self.holds.insert(channel.clone(), begin.unwrap_or(Begin { command: id, at }));
                None
            }
            (false, Some(begin)) => Some(Hold {
                begin: begin.at,
                commanded: self.commanded(begin.command, id),
                achieved: at.since(begin.at),
            }),
            (false, None) => None,
        };
        Some(Achieved { id, at, channel, value, hold })
    }

    /// Forgets what is not played yet on a channel, and on those that share its outputs: a newer
    /// command is there. Says whether there was anything, so that no level is certain any more.
    fn supersede(&mut self, channel: &Channel) -> bool {
        let outputs = self.bench.outputs_of(channel);
        let bench = self.bench;
        let shares = |other: &Channel| {
            other == channel || bench.outputs_of(other).iter().any(|output| outputs.contains(output))
        };
        let before = self.open.len();
        self.open.retain(|_, open| !shares(&open.channel));
        self.program.edges.retain(|edge| !outputs.contains(&edge.output));
        self.program.bounds.retain(|output, _| !outputs.contains(output));
        self.open.len() < before
    }

    /// The time between two commands as it was commanded, if it was beforehand.
    fn commanded(&self, begin: u64, end: u64) -> Option<Duration> {
        let of = |id| self.planned.get(&id).copied().unwrap_or((id, Duration::ZERO));
        let ((begin_root, begin), (end_root, end)) = (of(begin), of(end));
        (begin_root == end_root).then(|| end.saturating_sub(begin))
    }

    /// A point of the case on the machine's clock.
    pub(super) fn moment(&self, at: Instant) -> Moment {
        self.epoch + at.since(Instant::START)
    }

    /// A point of the machine's clock in the case.
    pub(super) fn instant(&self, at: Moment) -> Instant {
        Instant::START + at.since(self.epoch)
    }
}
