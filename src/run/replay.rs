//! Every verdict again, from the recorded inputs alone; and for simulated runs, every line.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::engine::{CaseResult, Engine, Output, Record, When};
use crate::evidence::{
    Entry, EvidenceError, JournalLine, Manifest, Selected, Verification, examine, read_catalogue,
    read_regular,
};
use crate::lock::{Method, Named};
use crate::rig::{self, Device, Hello, LockstepDevice, Rig};
use crate::scenario::{Library, Plan, Planned, Program, Selection, find_case};
use crate::sim::{Flaw, ReferenceLock, SimulatedLock, Variation};
use crate::trace::{Channel, Value};
use crate::unit::Instant;
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::catalogue::catalogue;
use super::fit::{playable, start_of, unwired};
use super::lockstep::play;
use super::session::{case_seed, precision};
use super::vault::Vault;

/// No YAML file that lockrig loads is longer.
const MAX_INPUT: u64 = 64 << 20;

/// What replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// `run.json`, if the run was closed.
    pub closed: Option<Box<Manifest>>,
    /// Cases whose outcome is the recorded one.
    pub agreed: usize,
    /// What differs, with both sides.
    pub disagreed: Vec<String>,
}

/// How thoroughly a run is played again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The engine, fed with what was recorded.
    Engine,
    /// The simulated lock too, from its seed; or the emulated one.
    SimulatedLock,
}

/// Why a run can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Something in the folder is not what was written: this.
    #[error("the run has been altered")]
    Altered(Vec<String>),
    /// The folder can't be read, or its inputs don't load.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// There is no simulated lock to play again.
    #[error("this run was not played on a built-in lock")]
    NotSimulated,
}

/// The cases that a run wanted.
///
/// # Errors
/// One of the methods is none: that word.
pub fn selection(selected: &Selected) -> Result<Selection, &str> {
    let ids = |list: &[String]| list.iter().map(|id| Arc::from(id.as_str())).collect();
    let methods = selected.methods.iter().map(|word| Method::from_word(word).ok_or(word.as_str()));
    Ok(Selection {
        models: ids(&selected.models),
        scenarios: ids(&selected.scenarios),
        methods: methods.collect::<Result<_, _>>()?,
        cases: ids(&selected.cases),
        repeat: selected.repeat,
    })
}

/// What a run was made from.
struct Made {
    manifest: Box<Manifest>,
    library: Library,
    rig: Rig,
    again: Again,
}

/// Verifies a run folder, feeds its journal to the engine, and compares its cases with the plan, and every command,
/// record and outcome.
///
/// # Errors
/// The folder was altered or can't be read, its inputs don't load, or there is no simulated lock to play again.
pub fn replay(folder: &Path, again: Again) -> Result<Replayed, ReplayError> {
    let examined = match examine(folder) {
        Ok(examined) => examined,
        Err(Verification::Altered(findings)) => return Err(ReplayError::Altered(findings)),
        // It was killed before it wrote a journal.
        Err(Verification::Intact(_) | Verification::Aborted { .. } | Verification::Running(_)) => {
            return Ok(Replayed::default());
        }
    };
    let (library, mut rigs) = inputs(folder)?;
    let manifest = Box::new(examined.manifest().clone());
    let malformed = |reason: String| EvidenceError::malformed(&folder.join("run.json"), reason);
    let Some(rig) = rigs.remove(manifest.rig.id.as_str()) else {
        return Err(malformed(format!("rig `{}` is not in the recorded inputs", manifest.rig.id)).into());
    };
    let selection =
        selection(&manifest.selected).map_err(|word| malformed(format!("unknown method `{word}`")))?;
    let made = Made { manifest, library, rig, again };
    made.fits(folder)?;
    let plan = Plan::new(&made.library, selection);
    let mut replayed = Replayed::default();
    let earlier = made.manifest.earlier.as_ref().map_or(0, |counts| counts.total());
    let all = made.manifest.planned.saturating_add(earlier);
    if all != plan.count() as u64 {
        replayed
            .disagreed
            .push(format!("{all} cases were planned; the recorded files give {}", plan.count()));
    }
    // Beside the journal of a run that was never closed lies nothing that proves anything.
    if examined.is_closed() && read_catalogue(folder)? != catalogue(&made.library, &plan) {
        let reason = "results.json: its catalogue is not that of the recorded files";
        replayed.disagreed.push(reason.to_owned());
    }
    let mut next = plan.cases();
    let mut unproven = Vec::new();
    let verified = examined.read(
        |cases: &mut Cases, line| cases.add(&made, line),
        |cases| {
            for said in cases.said {
                let Said::Commit = said else {
                    unproven.push(said);
                    continue;
                };
                for (id, outcome) in unproven.drain(..).filter_map(Said::case) {
                    let is_it = |case: &Planned| case.id == id;
                    // What an earlier run finished is left out by one that continues it.
                    let is_planned = match &made.manifest.resumes {
                        Some(_) => next.any(|case| is_it(&case)),
                        None => next.next().is_some_and(|case| is_it(&case)),
                    };
                    match outcome {
                        _ if !is_planned => {
                            replayed.disagreed.push(format!("{id}: it is not the next case of the plan"));
                        }
                        Ok(()) => replayed.agreed += 1,
                        Err(reason) => replayed.disagreed.push(format!("{id}: {reason}")),
                    }
                }
            }
        },
    );
    match verified {
        Verification::Altered(findings) => Err(ReplayError::Altered(findings)),
        Verification::Intact(manifest) => Ok(Replayed { closed: Some(manifest), ..replayed }),
        Verification::Aborted { .. } | Verification::Running(_) => Ok(replayed),
    }
}

/// Cases that stand together in the journal.
#[derive(Default)]
struct Cases {
    said: Vec<Said>,
    /// What was recorded of the next case.
    lines: Vec<JournalLine>,
}

/// What some lines of a journal come to.
enum Said {
    /// A case ended, and this is how it differs from what was recorded.
    Case(Arc<str>, Result<(), String>),
    /// Whatever was said before is proven.
    Commit,
}

impl Said {
    fn case(self) -> Option<(Arc<str>, Result<(), String>)> {
        match self {
            Self::Case(id, outcome) => Some((id, outcome)),
            Self::Commit => None,
        }
    }
}

impl Cases {
    fn add(&mut self, made: &Made, line: JournalLine) {
        match &line.entry {
            Entry::Run(_) => {}
            Entry::Commit { .. } => self.said.push(Said::Commit),
            Entry::End(recorded) => {
                let planned = find_case(&made.library, &line.case);
                let planned = planned.ok_or_else(|| "the recorded inputs have no such case".to_owned());
                let agrees = planned.and_then(|planned| made.agrees(&planned, &self.lines, recorded));
                self.said.push(Said::Case(line.case, agrees));
                self.lines.clear();
            }
            Entry::Begin { .. }
            | Entry::Ready(_)
            | Entry::Command { .. }
            | Entry::Achieved { .. }
            | Entry::Clock { .. }
            | Entry::Sensed { .. }
            | Entry::Hold { .. }
            | Entry::SensedHold { .. }
            | Entry::Signal { .. }
            | Entry::Told { .. }
            | Entry::Advance { .. }
            | Entry::Record(_)
            | Entry::Stderr { .. }
            | Entry::Stop { .. } => self.lines.push(line),
        }
    }
}

impl Made {
    /// What the run says of its rig, the recorded rig file must say too.
    fn fits(&self, folder: &Path) -> Result<(), ReplayError> {
        if self.manifest.provenance != self.rig.provenance() {
            let reason = "the recorded rig is not what the run says of it: simulated or hardware";
            return Err(EvidenceError::malformed(&folder.join("run.json"), reason).into());
        }
        let is_built_in = match self.rig.device {
            Device::Simulated { .. } | Device::Emulated { .. } => true,
            Device::Lockstep { .. } | Device::Bench(_) => false,
        };
        if self.again == Again::SimulatedLock && !is_built_in {
            return Err(ReplayError::NotSimulated);
        }
        Ok(())
    }

    fn agrees(&self, planned: &Planned, lines: &[JournalLine], recorded: &CaseResult) -> Result<(), String> {
        // Whether a run ran out of its time, or its rig broke, is not a matter of a case's inputs.
        if lines.is_empty() && matches!(recorded.verdict, Verdict::Aborted | Verdict::Error) {
            return Ok(());
        }
        let facts = self.library.models.get(&planned.model).map(|model| &model.facts);
        let facts = facts.ok_or("the recorded inputs have no such model")?;
        let result = match playable(planned.build(&self.library, start_of(&self.rig))) {
            Err(result) => *result,
            Ok(program) => match unwired(&program, &self.rig, facts) {
                Some(result) => result,
                None => self.feed(&program, planned, lines)?,
            },
        };
        if result == *recorded {
            return Ok(());
        }
        Err(format!(
            "recorded {} ({}), replayed {} ({})",
            recorded.verdict, recorded.reason, result.verdict, result.reason
        ))
    }

    /// The outcome of recorded inputs; they must lead to the recorded commands and records.
    fn feed(
        &self,
        program: &Program,
        planned: &Planned,
        lines: &[JournalLine],
    ) -> Result<CaseResult, String> {
        let seed = case_seed(self.manifest.seed, &planned.id);
        if lines.first().map(|line| &line.entry) != Some(&Entry::Begin { seed }) {
            return Err("it does not begin with the seed that the run gives it".into());
        }
        let mut engine = Engine::new(program, precision(&self.rig));
        let mut given = Given::default();
        for line in lines {
            given.take(&mut engine);
            match &line.entry {
                Entry::Command { id, channel, value, achieved_ns } => {
                    given.commanded(*id, channel, value)?;
                    if let Some(at) = achieved_ns {
                        engine.achieved(*id, *at);
                    }
                }
                Entry::Achieved { id } => engine.achieved(*id, line.at),
                Entry::Signal { channel, value } => engine.signal(line.at, channel, value.clone()),
                Entry::Told { channel, secret } => engine.told(channel, secret),
                Entry::Advance { horizon_ns } => engine.advance(line.at, *horizon_ns),
                Entry::Stop { verdict, reason } => engine.stop(*verdict, reason),
                Entry::Record(record) => given.recorded(record)?,
                Entry::Run(_)
                | Entry::Begin { .. }
                | Entry::Ready(_)
                | Entry::Clock { .. }
                | Entry::Sensed { .. }
                | Entry::Hold { .. }
                | Entry::SensedHold { .. }
                | Entry::Stderr { .. }
                | Entry::End(_)
                | Entry::Commit { .. } => {}
            }
        }
        given.take(&mut engine);
        given.all_is_recorded(&engine, lines.last().map_or(Instant::START, |line| line.at))?;
        let result = engine.result().cloned();
        let result = result.ok_or_else(|| "the recorded inputs lead to no verdict".to_owned())?;
        if self.again == Again::SimulatedLock {
            self.simulate(program, planned, seed, lines)?;
        }
        Ok(result)
    }

    /// Plays the case on a new built-in lock, which must give every line again.
    fn simulate(
        &self,
        program: &Program,
        planned: &Planned,
        seed: u64,
        lines: &[JournalLine],
    ) -> Result<(), String> {
        let manifest = &self.manifest;
        let mut lock: Box<dyn LockstepDevice> = match &self.rig.device {
            Device::Simulated { noise } => {
                let defect = manifest.defect.as_deref().and_then(Flaw::from_word);
                let variation = manifest.variation.as_deref().and_then(Variation::from_word);
                Box::new(SimulatedLock::new(*noise, defect).varied(variation))
            }
            Device::Emulated { firmware, .. } => {
                Box::new(ReferenceLock::new(firmware).map_err(|fault| fault.to_string())?)
            }
            Device::Lockstep { .. } | Device::Bench(_) => return Ok(()),
        };
        let vault = Vault::simulated(&program.secrets, manifest.seed, seed);
        let hello = Hello { model: planned.model.to_string(), case: planned.id.to_string(), seed };
        let (mut recorded, mut differs) = (lines.iter(), None);
        let mut compare = |at, entry: &Entry| {
            let is_same = |line: &&JournalLine| line.at == at && line.entry == *entry;
            if differs.is_none() && recorded.next().filter(is_same).is_none() {
                differs = Some(at);
            }
            Ok(())
        };
        let never = AtomicBool::new(false);
        play(program, &hello, lock.as_mut(), &vault, precision(&self.rig), &never, &mut compare)
            .map_err(|error| error.to_string())?;
        match (differs, recorded.next()) {
            (None, None) => Ok(()),
            (Some(at), _) => Err(format!("played again, the simulated lock does something else at {at}")),
            (None, Some(line)) => Err(format!("played again, the case is over before {}", line.at)),
        }
    }
}

/// What the engine gave out, and the journal has not yet shown.
#[derive(Default)]
struct Given {
    /// By their number; none where the journal has shown it.
    commands: Vec<Option<Command>>,
    records: VecDeque<Record>,
}

/// When, where and to what.
type Command = (When, Channel, Value);

impl Given {
    fn take(&mut self, engine: &mut Engine<'_>) {
        while let Some(output) = engine.poll() {
            match output {
                // The engine numbers them one after the other, from 0.
                Output::Command { id: _, when, channel, value } => {
                    self.commands.push(Some((when, channel, value)))
                }
                Output::Record(record) => self.records.push_back(record),
            }
        }
    }

    /// Only what was not due at the end may be missing.
    fn all_is_recorded(&self, engine: &Engine<'_>, end: Instant) -> Result<(), String> {
        if let Some(record) = self.records.front() {
            return Err(format!("what the engine says is missing: {record:?}"));
        }
        let due = |when: &When| match when {
            When::At(at) => Some(*at),
            When::After { command, delay } => engine.achieved_at(*command).map(|at| at + *delay),
        };
        let is_missing = |(_, (when, ..)): &(u64, &Command)| due(when).is_some_and(|due| due < end);
        let mut waiting = (0..).zip(&self.commands).filter_map(|(id, command)| Some((id, command.as_ref()?)));
        match waiting.find(is_missing) {
            Some((id, (_, channel, _))) => Err(format!("the engine's command {id} on {channel} is missing")),
            None => Ok(()),
        }
    }

    fn commanded(&mut self, id: u64, channel: &Channel, value: &Value) -> Result<(), String> {
        let command = usize::try_from(id).ok().and_then(|index| self.commands.get_mut(index));
        match command.and_then(Option::take) {
            Some((_, given, to)) if given == *channel && to == *value => Ok(()),
            Some((_, given, _)) => {
                Err(format!("the recorded command {id} on {channel} is not the engine's, on {given}"))
            }
            None => Err(format!("the engine does not give the recorded command {id} on {channel}")),
        }
    }

    fn recorded(&mut self, record: &Record) -> Result<(), String> {
        match self.records.pop_front() {
            Some(given) if given == *record => Ok(()),
            Some(given) => Err(format!("the engine says {given:?}, not {record:?}")),
            None => Err(format!("the engine does not say {record:?}")),
        }
    }
}

/// The library and rigs as they were when the run was made.
pub(super) fn inputs(folder: &Path) -> Result<(Library, BTreeMap<Arc<str>, Rig>), EvidenceError> {
    let sources = |below: &str| -> Result<Vec<Arc<Source>>, EvidenceError> {
        let folder = folder.join("inputs").join(below);
        let mut list = Vec::new();
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(list) };
        for entry in entries {
            let path = entry.map_err(EvidenceError::io(&folder))?.path();
            // The folder below it has the models.
            if !path.is_dir() {
                let bytes = read_regular(&path, MAX_INPUT)?;
                let source = Source::new(&path.display().to_string(), bytes)
                    .map_err(|diagnostic| EvidenceError::malformed(&path, diagnostic.message))?;
                list.push(source);
            }
        }
        Ok(list)
    };
    let (library, findings) = Library::read(&sources("scenarios/models")?, &sources("scenarios")?);
    let (rigs, rig_findings) = rig::load(&sources("rigs")?);
    if findings.has_errors() || rig_findings.has_errors() {
        return Err(EvidenceError::malformed(&folder.join("inputs"), "the recorded inputs can't be loaded"));
    }
    Ok((library, rigs))
}
