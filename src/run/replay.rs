//! Every verdict again, from the recorded inputs alone; and for simulated runs, every line.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::engine::{CaseResult, Cause, Engine, Output, Record, When};
use crate::evidence::{
    Entry, EvidenceError, JournalLine, JournalReader, Manifest, Selected, State, read_catalogue,
    read_manifest, read_regular,
};
use crate::lock::{Method, Named};
use crate::rig::{self, Device, Hello, Rig};
use crate::scenario::{Content, Library, Plan, Planned, Program, Selection};
use crate::sim::{Defect, SimulatedLock, Variation};
use crate::trace::{Channel, Value};
use crate::unit::Instant;
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::catalogue::catalogue;
use super::fit::{start_of, unwired};
use super::lockstep::play;
use super::session::{case_seed, precision};
use super::vault::Vault;

/// No YAML file that lockrig loads is longer.
const MAX_INPUT: u64 = 64 << 20;
/// So many lines are read before their cases are replayed, side by side.
const LINES_AT_ONCE: usize = 20_000;

/// What replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
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
    /// The simulated lock too, from its seed.
    SimulatedLock,
}

/// Why a run can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The folder can't be read, or its inputs don't load.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// There is no simulated lock to play again.
    #[error("this run was not played on the built-in simulated locks")]
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

/// Feeds the journal of a run folder to the engine, and compares its cases with the plan, and every command,
/// record and outcome.
///
/// # Errors
/// The folder can't be read, its inputs don't load, or there is no simulated lock to play again.
pub fn replay(folder: &Path, again: Again) -> Result<Replayed, ReplayError> {
    let path = folder.join("journal.jsonl");
    let malformed = |reason: String| ReplayError::from(EvidenceError::malformed(&path, reason));
    // Beside the journal of a run that was never closed lies nothing that proves anything.
    let is_closed = read_manifest(folder)?.state == State::Closed;
    if !is_closed && !path.exists() {
        // It was killed before it wrote one.
        return Ok(Replayed::default());
    }
    let (library, mut rigs) = inputs(folder)?;
    let mut reader = JournalReader::open(&path)?;
    let manifest = match reader.next_entry()? {
        Some(JournalLine { entry: Entry::Run(manifest), .. }) => manifest,
        None if !is_closed => return Ok(Replayed::default()),
        Some(_) | None => return Err(malformed("its first line is missing".into())),
    };
    let Some(rig) = rigs.remove(manifest.rig.id.as_str()) else {
        return Err(malformed(format!("rig `{}` is not in the recorded inputs", manifest.rig.id)));
    };
    let selection =
        selection(&manifest.selected).map_err(|word| malformed(format!("unknown method `{word}`")))?;
    let made = Made { manifest, library, rig, again };
    made.fits(&path)?;
    let plan = Plan::new(&made.library, selection);
    let mut replayed = Replayed::default();
    let earlier = made.manifest.earlier.as_ref().map_or(0, |counts| counts.total());
    let all = made.manifest.planned.saturating_add(earlier);
    if all != plan.count() as u64 {
        replayed
            .disagreed
            .push(format!("{all} cases were planned; the recorded files give {}", plan.count()));
    }
    if is_closed && read_catalogue(folder)? != catalogue(&made.library, &plan) {
        let reason = "results.json: its catalogue is not that of the recorded files";
        replayed.disagreed.push(reason.to_owned());
    }
    let mut next = plan.cases();
    let mut cases: Vec<Case> = Vec::new();
    let (mut lines, mut waiting) = (Vec::new(), 0);
    while let Some(line) = reader.next_entry()? {
        match line.entry {
            Entry::Commit { .. } => {}
            Entry::End(recorded) => {
                // What an earlier run finished is left out by one that continues it.
                let is_it = |case: &Planned| *case.id == *line.case;
                let planned = match &made.manifest.resumes {
                    Some(_) => next.find(is_it),
                    None => next.next().filter(is_it),
                };
                cases.push(Case { id: line.case, planned, lines: std::mem::take(&mut lines), recorded });
                if waiting >= LINES_AT_ONCE {
                    made.compare(std::mem::take(&mut cases), &mut replayed);
                    waiting = 0;
                }
            }
            _ => {
                waiting += 1;
                lines.push(line);
            }
        }
    }
    made.compare(cases, &mut replayed);
    Ok(replayed)
}

/// A case as it was recorded.
struct Case {
    id: Arc<str>,
    /// None if it is not the next one of the plan.
    planned: Option<Planned>,
    lines: Vec<JournalLine>,
    recorded: Box<CaseResult>,
}

impl Made {
    /// What the run says of its rig, the recorded rig file must say too.
    fn fits(&self, journal: &Path) -> Result<(), ReplayError> {
        if self.manifest.provenance != self.rig.provenance() {
            let reason = "the recorded rig is not what the run says of it: simulated or hardware";
            return Err(EvidenceError::malformed(journal, reason).into());
        }
        let is_simulated = matches!(self.rig.device, Device::Simulated { .. });
        if self.again == Again::SimulatedLock && !is_simulated {
            return Err(ReplayError::NotSimulated);
        }
        Ok(())
    }

    /// Replays cases on all processors.
    fn compare(&self, cases: Vec<Case>, replayed: &mut Replayed) {
        let outcome = |case: Case| {
            let planned = case.planned.ok_or_else(|| "it is not the next case of the plan".to_owned());
            let agrees = planned.and_then(|planned| self.agrees(&planned, &case.lines, &case.recorded));
            agrees.map_err(|reason| format!("{}: {reason}", case.id))
        };
        let outcomes: Vec<Result<(), String>> = cases.into_par_iter().map(outcome).collect();
        for outcome in outcomes {
            match outcome {
                Ok(()) => replayed.agreed += 1,
                Err(reason) => replayed.disagreed.push(reason),
            }
        }
    }

    fn agrees(&self, planned: &Planned, lines: &[JournalLine], recorded: &CaseResult) -> Result<(), String> {
        // Whether a run ran out of its time, or its rig broke, is not a matter of a case's inputs.
        if lines.is_empty() && matches!(recorded.verdict, Verdict::Aborted | Verdict::Error) {
            return Ok(());
        }
        let facts = self.library.models.get(&planned.model).map(|model| &model.facts);
        let facts = facts.ok_or("the recorded inputs have no such model")?;
        let result = match planned.build(&self.library, start_of(&self.rig)) {
            Content::NotApplicable(reason) => {
                CaseResult::unplayed(Verdict::NotApplicable, Cause::NotApplicable, reason)
            }
            Content::Unprovable(reason) => {
                CaseResult::unplayed(Verdict::Inconclusive, Cause::NotProvable, reason)
            }
            Content::Play(program) => match unwired(&program, &self.rig, facts) {
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

    /// Plays the case on a new simulated lock, which must give every line again.
    fn simulate(
        &self,
        program: &Program,
        planned: &Planned,
        seed: u64,
        lines: &[JournalLine],
    ) -> Result<(), String> {
        let Device::Simulated { noise } = &self.rig.device else { return Ok(()) };
        let manifest = &self.manifest;
        let defect = manifest.defect.as_deref().and_then(Defect::from_word);
        let variation = manifest.variation.as_deref().and_then(Variation::from_word);
        let mut lock = SimulatedLock::new(*noise, defect).varied(variation);
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
        play(program, &hello, &mut lock, &vault, precision(&self.rig), &never, &mut compare)
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
    commands: BTreeMap<u64, (When, Channel, Value)>,
    records: VecDeque<Record>,
}

impl Given {
    fn take(&mut self, engine: &mut Engine<'_>) {
        while let Some(output) = engine.poll() {
            match output {
                Output::Command { id, when, channel, value } => {
                    drop(self.commands.insert(id, (when, channel, value)));
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
        let is_missing =
            |(_, (when, ..)): &(&u64, &(When, Channel, Value))| due(when).is_some_and(|due| due < end);
        match self.commands.iter().find(is_missing) {
            Some((id, (_, channel, _))) => Err(format!("the engine's command {id} on {channel} is missing")),
            None => Ok(()),
        }
    }

    fn commanded(&mut self, id: u64, channel: &Channel, value: &Value) -> Result<(), String> {
        match self.commands.remove(&id) {
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
    let (library, findings) = Library::load(&sources("scenarios/models")?, &sources("scenarios")?);
    let (rigs, rig_findings) = rig::load(&sources("rigs")?);
    if findings.has_errors() || rig_findings.has_errors() {
        return Err(EvidenceError::malformed(&folder.join("inputs"), "the recorded inputs can't be loaded"));
    }
    Ok((library, rigs))
}
