//! Plays rounds of lives until one fails or the budget is spent, each with its evidence.

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::evidence::CaseEntry;
use crate::explore::Kind;
use crate::lock::Method;
use crate::rig::Device;
use crate::run::{Ended, Explored, Explorer, Found, Purpose, Round, Vault, is_unclear};
use crate::scenario::ast::Model;
use crate::unit;
use crate::verdict::Verdict;

use super::super::apart::{Done, Stage, Written};
use super::record::{Kept, Played, Record};

/// Lives of the first round; the next ones have more, as long as they are quick.
const FIRST: usize = 16;
/// Lives of a round at most.
const MOST: usize = 1_024;
/// A round that was played in this time may have been larger.
const QUICK: Duration = Duration::from_millis(300);
/// On a bench no wait is longer: real locks live in real time.
const LONGEST_ON_A_BENCH: unit::Duration = unit::Duration::seconds(60);
/// Nor on an emulated lock: whatever its processor does meanwhile is worked out.
const LONGEST_EMULATED: unit::Duration = unit::Duration::seconds(600);

/// A model and a method that are explored.
pub(super) struct Task<'a> {
    pub model: &'a Model,
    pub method: Method,
    /// Lives that were played before, by an exploration that is continued.
    pub played: u64,
    /// A life of it failed then.
    pub is_found: bool,
    /// How long.
    pub budget: Duration,
}

/// What became of it.
pub(super) struct Outcome {
    pub explored: Explored,
    pub kinds: Vec<Kind>,
    pub found: Option<Discovery>,
    /// Why it ended before its budget was spent.
    pub broken: Option<String>,
    /// What the rig lacks for any life at all.
    pub lacks: Option<String>,
}

/// A life that failed, and where it lies.
pub(super) struct Discovery {
    pub found: Found,
    /// The file of its scenario.
    pub scenario: PathBuf,
    /// Its run folder.
    pub evidence: Option<PathBuf>,
    /// Whether it failed once more when it was played to be kept, if it was.
    pub is_confirmed: Option<bool>,
}

/// On what lives are played, and where their evidence goes.
pub(super) struct Bench<'a> {
    pub stage: Stage<'a>,
    pub record: &'a Record,
    /// Bytes of evidence of lives that passed, at most.
    pub most_kept: u64,
    /// What was done to locks so far.
    pub operations: AtomicU64,
    /// How long lives were so far, in the lock's time.
    pub elapsed_ns: AtomicU64,
}

/// A round that was played.
struct Ran {
    ended: Vec<CaseEntry>,
    /// Its run folder, if it is still there.
    folder: Option<PathBuf>,
}

impl Bench<'_> {
    fn is_over(&self) -> bool {
        let elapsed = unit::Duration::nanoseconds(self.elapsed_ns.load(Ordering::Relaxed));
        let has_run_out = self.stage.rig.run_limit.is_some_and(|limit| elapsed > limit);
        has_run_out || self.stage.interrupt.load(Ordering::Relaxed)
    }

    /// Explores one after the other, or built-in locks on all processors, and hands each outcome on at once: `told`
    /// first, then all of them.
    pub(super) fn explore_all<'t, 'm>(
        &self,
        tasks: &[&'t Task<'m>],
        lives: u64,
        told: &(dyn Fn(&Task<'_>, &Outcome) + Sync),
    ) -> Vec<(&'t Task<'m>, Outcome)> {
        // There is one lock on a bench, and a program may not stand a second one of itself.
        let threads = match self.stage.rig.device {
            Device::Simulated { .. } | Device::Emulated { .. } => {
                thread::available_parallelism().map_or(1, NonZero::get)
            }
            Device::Lockstep { .. } | Device::Bench(_) => 1,
        };
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.explore(task, lives);
                told(task, &outcome);
                done.push((*task, outcome));
            }
            done
        };
        // Not those of rayon, which would begin another exploration while they wait for a report.
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
        })
    }

    /// Explores until a life failed and is as short as it can be, or until so many lives were drawn. What was found is
    /// kept, whatever breaks afterwards.
    pub(super) fn explore(&self, task: &Task<'_>, lives: u64) -> Outcome {
        let longest = match self.stage.rig.device {
            Device::Simulated { .. } | Device::Lockstep { .. } => None,
            Device::Emulated { .. } => Some(LONGEST_EMULATED),
            Device::Bench(_) => Some(LONGEST_ON_A_BENCH),
        };
        let mut explorer = Explorer::new(task.model, task.method, self.stage.seed, self.stage.rig, longest);
        explorer.skip(task.played);
        let mut earlier = Vault::default();
        let mut broken = self.rounds(task, &mut explorer, lives, &mut earlier).err();
        let found =
            explorer.found().and_then(|found| match self.keep(task, &explorer, found, &mut earlier) {
                Ok(discovery) => Some(discovery),
                Err(error) => {
                    broken.get_or_insert(error);
                    None
                }
            });
        let broken = broken.or_else(|| explorer.broken().map(str::to_owned));
        let lacks = explorer.lacks().map(str::to_owned);
        Outcome { kinds: explorer.kinds().to_vec(), explored: explorer.explored, found, broken, lacks }
    }

    fn rounds(
        &self,
        task: &Task<'_>,
        explorer: &mut Explorer<'_>,
        mut lives: u64,
        earlier: &mut Vault,
    ) -> Result<(), String> {
        // A simulated lock costs nobody's time; any other may take long for a single life.
        let is_simulated = match self.stage.rig.device {
            Device::Simulated { .. } => true,
            Device::Emulated { .. } | Device::Lockstep { .. } | Device::Bench(_) => false,
        };
        let until = Instant::now() + task.budget;
        let mut size = if is_simulated { FIRST } else { 1 };
        while !self.is_over() {
            let is_shrinking = explorer.is_shrinking();
            if Instant::now() >= until && !(is_simulated && is_shrinking) {
                break;
            }
            let wanted = match (is_simulated, is_shrinking) {
                (true, true) => FIRST,
                (false, true) => 1,
                (_, false) => size.min(usize::try_from(lives).unwrap_or(MOST)),
            };
            let Some(round) = explorer.round(wanted)? else { break };
            lives = lives.saturating_sub(round.drawn());
            let began = Instant::now();
            let ended = self.play(task, &round, "", earlier)?.ended;
            explorer.hear(&round, ended.into_iter().map(Ended::from));
            if self.stage.rig.bench().is_none() && began.elapsed() < QUICK {
                size = (size * 2).min(MOST);
            }
        }
        Ok(())
    }

    /// Writes what was found as a scenario, and plays it once more for its evidence.
    fn keep(
        &self,
        task: &Task<'_>,
        explorer: &Explorer<'_>,
        found: Found,
        earlier: &mut Vault,
    ) -> Result<Discovery, String> {
        let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        // An id has 60 characters at most.
        let model: String = task.model.facts.id.chars().take(30).collect();
        let id = format!("found-{model}-{}-{}", task.method.word(), found.number);
        let round = explorer.proof(&found, &id)?;
        let file = format!("{id}.yaml");
        let path = self.record.folder.join(&file);
        let text: String = round.files.values().map(String::as_str).collect();
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
        let kept = Kept {
            model: task.model.facts.id.to_string(),
            method: task.method.word().to_owned(),
            life: found.number,
            scenario: file,
            reason: found.reason.clone(),
        };
        self.record.note_found(kept).map_err(|error| failed(&self.record.folder, error))?;
        // That it can't be played once more undoes nothing.
        let ran = if self.is_over() { None } else { self.play(task, &round, &id, earlier).ok() };
        let verdict = ran.as_ref().and_then(|ran| ran.ended.first()).map(|entry| entry.result.verdict);
        Ok(Discovery {
            found,
            scenario: path,
            evidence: ran.and_then(|ran| ran.folder),
            is_confirmed: verdict.map(|verdict| verdict == Verdict::Fail),
        })
    }

    /// Plays a round into a run folder of its own.
    fn play(&self, task: &Task<'_>, round: &Round, name: &str, earlier: &mut Vault) -> Result<Ran, String> {
        let is_real = self.stage.rig.bench().is_some();
        let (model, method) = (&task.model.facts.id, task.method.word());
        let name = match round.purpose {
            Purpose::Drawn => format!("lives-{model}-{method}-{:07}", round.first),
            Purpose::Simpler => format!("simpler-{model}-{method}-{:07}", round.first),
            Purpose::Proof => name.to_owned(),
        };
        let written = Written {
            library: &round.library,
            plan: &round.plan,
            files: &round.files,
            model,
            method: task.method,
        };
        let has_views = round.purpose == Purpose::Proof;
        let done = self.stage.play(&written, &self.record.folder, &name, has_views, earlier)?;
        let Done { ended, folder: path, manifest, operations } = done;
        self.operations.fetch_add(operations, Ordering::Relaxed);
        let length: u64 = ended.iter().map(|entry| entry.length_ns).sum();
        self.elapsed_ns.fetch_add(length, Ordering::Relaxed);
        let is_broken_off = self.stage.interrupt.load(Ordering::Relaxed) && ended.len() < round.plan.count();
        let unclear = ended.iter().filter(|entry| is_unclear(&entry.result)).count() as u64;
        let has_passed = unclear == 0 && manifest.counts.of(Verdict::Fail) == 0;
        let stays = match round.purpose {
            _ if is_real => true,
            Purpose::Proof => true,
            // A round that was broken off is drawn again by whoever goes on.
            Purpose::Drawn if is_broken_off => !has_passed,
            Purpose::Drawn => self.record.has_room(&path, self.most_kept) || !has_passed,
            Purpose::Simpler => false,
        };
        if !stays {
            fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let played = Played {
            model: model.to_string(),
            method: method.to_owned(),
            first: round.first,
            drawn: round.drawn(),
            unclear: if round.purpose == Purpose::Drawn { unclear } else { 0 },
            counts: manifest.counts,
            operations,
            kept: stays.then_some(manifest.run),
            journal: manifest.files.get("journal.jsonl").cloned(),
        };
        if !is_broken_off {
            self.record.note(played).map_err(|error| format!("{}: {error}", self.record.folder.display()))?;
        }
        Ok(Ran { ended, folder: stays.then_some(path) })
    }
}
