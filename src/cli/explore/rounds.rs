//! Plays rounds of lives until one fails or the budget is spent, each with its evidence.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::drivers::clock;
use crate::evidence::{CaseEntry, DeviceIdentity, RigIdentity, RunFolder, RunInfo, Selected, TOOL};
use crate::explore::Kind;
use crate::lock::Method;
use crate::rig::Rig;
use crate::run::{self, Ended, Event, Explored, Explorer, Found, Purpose, Round, Session};
use crate::scenario::ast::Model;
use crate::sim::{Flaw, Variation};
use crate::unit;
use crate::verdict::Verdict;

use super::super::files::Files;
use super::super::play::{seal, shown_time};
use super::record::{Played, Record};

/// Lives of the first round; the next ones have more, as long as they are quick.
const FIRST: usize = 16;
/// Lives of a round at most.
const MOST: usize = 1_024;
/// A round that was played in this time may have been larger.
const QUICK: Duration = Duration::from_millis(300);
/// On a bench no wait is longer: real locks live in real time.
const LONGEST_ON_A_BENCH: unit::Duration = unit::Duration::seconds(60);

/// A model and a method that are explored.
pub(super) struct Task<'a> {
    pub model: &'a Model,
    pub method: Method,
    /// Lives that were played before, by an exploration that is continued.
    pub played: u64,
    /// How long.
    pub budget: Duration,
}

/// What became of it.
pub(super) struct Outcome {
    pub explored: Explored,
    pub kinds: Vec<Kind>,
    pub found: Option<Discovery>,
}

/// A life that failed, and where it lies.
pub(super) struct Discovery {
    pub found: Found,
    /// Id of its scenario, and name of its file and its evidence.
    pub id: String,
    /// It failed once more when it was played to be kept.
    pub is_confirmed: bool,
}

/// On what lives are played, and where their evidence goes.
pub(super) struct Bench<'a> {
    pub files: &'a Files,
    pub rig: &'a Rig,
    pub seed: u64,
    pub defect: Option<Flaw>,
    pub variation: Option<Variation>,
    pub interrupt: &'a AtomicBool,
    pub record: &'a Record,
    /// Bytes of evidence of lives that passed, at most.
    pub most_kept: u64,
    /// What was done to locks so far.
    pub operations: AtomicU64,
}

impl Bench<'_> {
    fn is_over(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Explores until a life failed and is as short as it can be, or until so many lives were drawn.
    pub(super) fn explore(&self, task: &Task<'_>, mut lives: u64) -> Result<Outcome, String> {
        let is_real = self.rig.bench().is_some();
        let longest = is_real.then_some(LONGEST_ON_A_BENCH);
        let mut explorer = Explorer::new(task.model, task.method, self.seed, self.rig, longest);
        explorer.skip(task.played);
        let until = Instant::now() + task.budget;
        let mut size = if is_real { 1 } else { FIRST };
        while !self.is_over() {
            // What was found is made shorter at once, where that costs nobody's time.
            let is_shrinking = explorer.is_shrinking();
            if Instant::now() >= until && (is_real || !is_shrinking) {
                break;
            }
            let wanted = match (is_real, is_shrinking) {
                (true, _) => 1,
                (false, true) => FIRST,
                (false, false) => size,
            };
            let wanted =
                if is_shrinking { wanted } else { wanted.min(usize::try_from(lives).unwrap_or(MOST)) };
            let Some(round) = explorer.round(wanted)? else { break };
            lives = lives.saturating_sub(round.drawn());
            let began = Instant::now();
            let ended = self.play(task, &round, "")?;
            explorer.hear(&round, ended.into_iter().map(Ended::from));
            if !is_real && began.elapsed() < QUICK {
                size = (size * 2).min(MOST);
            }
        }
        let found = explorer.found().map(|found| self.keep(task, &explorer, found)).transpose()?;
        Ok(Outcome { kinds: explorer.kinds().to_vec(), explored: explorer.explored, found })
    }

    /// Writes what was found as a scenario, and plays it once more for its evidence.
    fn keep(&self, task: &Task<'_>, explorer: &Explorer<'_>, found: Found) -> Result<Discovery, String> {
        // An id has 60 characters at most.
        let model: String = task.model.facts.id.chars().take(30).collect();
        let id = format!("found-{model}-{}-{}", task.method.word(), found.number);
        let round = explorer.proof(&found, &id)?;
        let path = self.record.folder.join(format!("{id}.yaml"));
        let text: String = round.files.values().map(String::as_str).collect();
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        let ended = if self.is_over() { Vec::new() } else { self.play(task, &round, &id)? };
        let is_confirmed = ended.iter().any(|entry| entry.result.verdict == Verdict::Fail);
        Ok(Discovery { found, id, is_confirmed })
    }

    /// Plays a round into a run folder of its own.
    fn play(&self, task: &Task<'_>, round: &Round, name: &str) -> Result<Vec<CaseEntry>, String> {
        let is_real = self.rig.provenance() == "hardware";
        let session = Session {
            library: &round.library,
            rig: self.rig,
            seed: self.seed,
            defect: self.defect,
            variation: self.variation,
            all_traces: is_real,
            interrupt: self.interrupt,
        };
        let prepared =
            session.prepare(&round.plan).map_err(|fault| format!("the rig is not ready: {fault}"))?;
        let (model, method) = (&task.model.facts.id, task.method.word());
        let name = match round.purpose {
            Purpose::Drawn => format!("lives-{model}-{method}-{:07}", round.first),
            Purpose::Simpler => format!("simpler-{model}-{method}-{:07}", round.first),
            Purpose::Proof => name.to_owned(),
        };
        let selected = Selected {
            models: vec![model.to_string()],
            methods: vec![method.to_owned()],
            repeat: 1,
            ..Selected::default()
        };
        let mut inputs = self.files.inputs(&round.library, &round.plan, &selected, self.rig);
        let lives =
            round.files.iter().map(|(name, text)| (format!("scenarios/{name}"), text.clone().into_bytes()));
        inputs.extend(lives);
        let now = || clock::utc().map(shown_time).map_err(|error| error.to_string());
        let info = RunInfo {
            tool: TOOL.to_owned(),
            provenance: self.rig.provenance().to_owned(),
            rig: RigIdentity {
                id: self.rig.id.to_string(),
                title: self.rig.title.clone(),
                calibration_due: None,
            },
            device: DeviceIdentity::default(),
            seed: self.seed,
            defect: self.defect.map(Flaw::word),
            variation: self.variation.map(|variation| variation.word().to_owned()),
            selected,
            started: now()?,
            planned: round.plan.count() as u64,
            ..RunInfo::default()
        };
        let catalogue = run::catalogue(&round.library, &round.plan);
        let mut folder = RunFolder::create(&self.record.folder, &name, info, &catalogue, &inputs)
            .map_err(|error| error.to_string())?;
        let path = folder.path().to_owned();
        let mut ended: Vec<CaseEntry> = Vec::new();
        let operations = session
            .run(&round.plan, prepared, &mut folder, &mut |event| match event {
                Event::Finished(entry) => ended.push(entry.clone()),
                Event::Started { .. } => {}
            })
            .map_err(|error| error.to_string())?;
        self.operations.fetch_add(operations, Ordering::Relaxed);
        let sealed = if round.purpose == Purpose::Proof {
            seal(folder)
        } else {
            folder.finish_results().and_then(|()| folder.close(now().unwrap_or_default()))
        };
        let manifest = sealed.map_err(|error| error.to_string())?;
        let stays = match round.purpose {
            Purpose::Proof => true,
            Purpose::Drawn => is_real || self.record.has_room(&path, self.most_kept),
            Purpose::Simpler => is_real,
        };
        if !stays {
            fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        // A round that was broken off is drawn again by whoever goes on.
        if self.is_over() {
            return Ok(ended);
        }
        let played = Played {
            model: model.to_string(),
            method: method.to_owned(),
            first: round.first,
            drawn: round.drawn(),
            counts: manifest.counts,
            operations,
            kept: stays.then_some(manifest.run),
            journal: manifest.files.get("journal.jsonl").cloned(),
        };
        self.record.note(played).map_err(|error| format!("{}: {error}", self.record.folder.display()))?;
        Ok(ended)
    }
}
