//! All cases of a run, one after the other, with their evidence.

use std::fs::{self, File};
use std::io::BufWriter;
use std::sync::atomic::Ordering;
use std::time;

use sha2::{Digest, Sha256};

use crate::engine::{CaseResult, Cause, Precision};
use crate::evidence::{CaseEntry, Entry, EvidenceError, RigIdentity, RunFolder, RunInfo, Selected, TOOL};
use crate::lock::MemoryMap;
use crate::rig::{self, Device, Fault, Hello, LockstepDevice, Rig};
use crate::scenario::{Content, Library, Plan, Planned, Program};
use crate::sim::{Flaw, Peer, ReferenceLock, SimulatedLock, Variation};
use crate::trace::{Timeline, vcd};
use crate::unit::{Duration, Instant, visible};
use crate::verdict::Verdict;

use super::contain::contain;
use super::fit::{playable, start_of, unwired};
use super::health::Health;
use super::live::Live;
use super::lockstep::{Interrupt, Played, play};
use super::realtime;
use super::tally::Tally;
use super::vault::{Overheard, Vault};

/// Verdicts wait at most about so long for the disk: one flush serves many cases.
const COMMIT_EVERY: time::Duration = time::Duration::from_millis(100);

/// Something to show.
#[derive(Debug)]
pub enum Event<'a> {
    /// A case begins.
    Started {
        /// Its id.
        case: &'a str,
    },
    /// A case ended, and its records are durable.
    Finished(&'a CaseEntry),
}

/// Why a run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The evidence can't be written: what was durable stays.
    #[error("the evidence can't be written: {0}")]
    Evidence(#[from] EvidenceError),
}

/// A run's cases and what they are played on.
pub struct Session<'a> {
    /// Models and scenarios.
    pub library: &'a Library,
    /// The bench.
    pub rig: &'a Rig,
    /// Seed of the run.
    pub seed: u64,
    /// Fault to switch on in the simulated lock.
    pub defect: Option<Flaw>,
    /// How the simulated lock differs from the textbook.
    pub variation: Option<Variation>,
    /// Write a waveform for every case, not only for those that did not pass.
    pub all_traces: bool,
    /// Set to end the run safely.
    pub interrupt: &'a Interrupt,
}

impl Session<'_> {
    /// What its run folder says of it before anything is played.
    pub fn info(&self, selected: Selected, planned: usize, started: String) -> RunInfo {
        let rig = self.rig;
        RunInfo {
            tool: TOOL.to_owned(),
            provenance: rig.provenance().to_owned(),
            rig: RigIdentity { id: rig.id.to_string(), title: rig.title.clone(), calibration_due: None },
            seed: self.seed,
            defect: self.defect.map(Flaw::word),
            variation: self.variation.map(|variation| variation.word().to_owned()),
            selected,
            started,
            planned: planned as u64,
            ..RunInfo::default()
        }
    }
}

/// The seed of a case: a hash, so that neither order nor other cases change it. It has 53 bits,
/// which every JSON reader holds exactly.
pub fn case_seed(run_seed: u64, case: &str) -> u64 {
    let hash = Sha256::digest(format!("{run_seed} {case}"));
    let bytes = hash.iter().take(8).fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    bytes >> 11
}

/// What a run is played on, opened.
pub struct Prepared<'a>(Bench<'a>);

impl Prepared<'_> {
    /// What is weaker than it could be.
    pub fn warnings(&mut self) -> Vec<String> {
        match &mut self.0 {
            Bench::Real(real) => {
                real.live.iter_mut().flat_map(|live| live.guard().warnings().to_vec()).collect()
            }
            Bench::Simulated(_) | Bench::Emulated(_) | Bench::Peer(_) => Vec::new(),
        }
    }
}

/// The device of a rig, with what only a program outside has: words on standard error.
enum Bench<'a> {
    Simulated(Box<SimulatedLock>),
    Emulated(Box<ReferenceLock>),
    Peer(Peer),
    Real(Box<Real<'a>>),
}

/// A bench of real devices, opened for a case and kept until something breaks.
struct Real<'a> {
    rig: &'a Rig,
    bench: &'a rig::Bench,
    /// What is known of the memory of the lock on it.
    memory: Option<&'a MemoryMap>,
    live: Option<Live>,
    broken: Option<Fault>,
}

impl Bench<'_> {
    fn stderr(&mut self) -> Vec<String> {
        match self {
            Self::Peer(peer) => peer.take_stderr(),
            Self::Simulated(_) | Self::Emulated(_) | Self::Real(_) => Vec::new(),
        }
    }

    /// Gives up what is played on: it is opened anew for the next case.
    fn abandon(&mut self) {
        match self {
            // It is new in each case.
            Self::Simulated(_) | Self::Emulated(_) => {}
            Self::Peer(peer) => peer.abandon(),
            // The guard makes its outputs safe as soon as nobody speaks for them.
            Self::Real(real) => real.live = None,
        }
    }

    /// Plays one case.
    fn play(
        &mut self,
        program: &Program,
        hello: &Hello,
        vault: &Vault,
        precision: Precision,
        interrupt: &Interrupt,
        record: &mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
    ) -> Result<Played, EvidenceError> {
        let device: &mut dyn LockstepDevice = match self {
            Self::Simulated(lock) => lock.as_mut(),
            Self::Emulated(lock) => lock.as_mut(),
            Self::Peer(peer) => peer,
            Self::Real(real) => return real.play(program, hello.seed, vault, precision, interrupt, record),
        };
        play(program, hello, device, vault, precision, interrupt, record)
    }
}

impl<'a> Real<'a> {
    fn new(rig: &'a Rig, bench: &'a rig::Bench, memory: Option<&'a MemoryMap>) -> Result<Self, Fault> {
        let mut real = Self { rig, bench, memory, live: None, broken: None };
        real.live = Some(real.open()?);
        Ok(real)
    }

    /// A rig that broke stays refused until its self-test passes.
    fn note(&mut self, broken: Option<&Fault>) {
        if let Some(fault) = broken {
            let unnoted = Health::of(&self.rig.id).mark(&fault.to_string()).err();
            let unnoted = unnoted.map_or_else(String::new, |error| {
                format!(" (and this could not be recorded for the next run: {error})")
            });
            tracing::error!(rig = %self.rig.id, fault = %visible(&fault.to_string()), "the rig broke");
            self.broken = Some(Fault(format!("{fault}{unnoted}")));
        }
    }

    fn open(&mut self) -> Result<Live, Fault> {
        match self.live.take() {
            Some(live) => Ok(live),
            None => Live::open(self.rig, self.bench, self.memory),
        }
    }

    fn play(
        &mut self,
        program: &Program,
        seed: u64,
        vault: &Vault,
        precision: Precision,
        interrupt: &Interrupt,
        record: &mut dyn FnMut(Instant, &Entry) -> Result<(), EvidenceError>,
    ) -> Result<Played, EvidenceError> {
        if let Some(fault) = &self.broken {
            let result =
                CaseResult::unplayed(Verdict::Error, Cause::Rig, format!("the rig broke earlier: {fault}"));
            return Ok(Played::unplayed(result));
        }
        let mut live = match self.open() {
            Ok(live) => live,
            Err(fault) => {
                // What a program said at its start is quoted in it.
                let words = fault.to_string();
                let fault = Fault(vault.redact(&words).unwrap_or(words));
                self.note(Some(&fault));
                return Ok(Played::unplayed(CaseResult::unplayed(
                    Verdict::Error,
                    Cause::Rig,
                    fault.to_string(),
                )));
            }
        };
        let played =
            realtime::play(program, seed, self.bench, &mut live, vault, precision, interrupt, record)?;
        // What broke is opened anew, or is found missing, before the next case.
        let is_fine = played.broken.is_none() && played.result.verdict != Verdict::Error;
        self.live = Some(live).filter(|_| is_fine);
        self.note(played.broken.as_ref());
        Ok(played)
    }
}

impl Session<'_> {
    /// Opens what is played on; nothing of a run exists yet. A program is greeted for the first case: one that does not
    /// start would end every case in the same way.
    ///
    /// # Errors
    /// A device of the bench is missing, in use, or not permitted; a program does not get ready.
    pub fn prepare(&self, plan: &Plan) -> Result<Prepared<'_>, Fault> {
        Ok(Prepared(match &self.rig.device {
            Device::Simulated { noise } => {
                Bench::Simulated(Box::new(SimulatedLock::new(*noise, self.defect).varied(self.variation)))
            }
            Device::Emulated { firmware, .. } => Bench::Emulated(Box::new(ReferenceLock::new(firmware)?)),
            Device::Lockstep { command, answer_within, .. } => {
                let mut peer = Peer::new(command.clone(), *answer_within);
                if let Some(first) = plan.cases().find(|case| self.is_played(case)) {
                    peer.greet(&self.hello(&first))?;
                }
                Bench::Peer(peer)
            }
            Device::Bench(bench) => {
                let model = self.library.models.get(&bench.model);
                let memory = model.and_then(|model| model.facts.memory.as_ref());
                Bench::Real(Box::new(Real::new(self.rig, bench, memory)?))
            }
        }))
    }

    fn is_played(&self, planned: &Planned) -> bool {
        let facts = self.library.models.get(&planned.model).map(|model| &model.facts);
        match planned.build(self.library, start_of(self.rig)) {
            Content::Play(program) => facts.is_some_and(|facts| unwired(&program, self.rig, facts).is_none()),
            Content::NotApplicable(_) | Content::Unprovable(_) => false,
        }
    }

    fn hello(&self, planned: &Planned) -> Hello {
        let seed = case_seed(self.seed, &planned.id);
        Hello { model: planned.model.to_string(), case: planned.id.to_string(), seed }
    }

    /// Plays the planned cases into an open folder; an interrupt ends the run after the case. What the lock says of the
    /// secrets of the case before is taken out, too: `earlier` has them, and those of the last case afterwards. Hands out
    /// how many operations of the lock that were.
    ///
    /// # Errors
    /// The evidence can't be written.
    pub fn run(
        &self,
        plan: &Plan,
        mut bench: Prepared<'_>,
        folder: &mut RunFolder,
        earlier: &mut Vault,
        show: &mut dyn FnMut(Event<'_>),
    ) -> Result<u64, SessionError> {
        let bench = &mut bench.0;
        let mut tally = Tally::default();
        let mut waiting: Vec<CaseEntry> = Vec::new();
        let mut committed = time::Instant::now();
        let mut elapsed = Duration::ZERO;
        for planned in plan.cases() {
            if self.interrupt.load(Ordering::Relaxed) {
                break;
            }
            tracing::debug!(case = %planned.id, "a case begins");
            show(Event::Started { case: &planned.id });
            let over = self.rig.run_limit.is_some_and(|limit| elapsed > limit);
            let (result, end) = if over {
                (
                    CaseResult::unplayed(
                        Verdict::Aborted,
                        Cause::RunOver,
                        "the run took longer than its rig allows",
                    ),
                    Instant::START,
                )
            } else {
                self.contained(&planned, bench, folder, earlier, &mut tally)?
            };
            tracing::debug!(case = %planned.id, verdict = result.verdict.word(), cause = ?result.unplayed, at = %end.since(Instant::START), "it ended");
            elapsed = elapsed.saturating_add(end.since(Instant::START));
            waiting.push(folder.end_case(&planned.id, end, result)?);
            if committed.elapsed() >= COMMIT_EVERY {
                folder.commit()?;
                tracing::trace!(cases = waiting.len(), "the records are durable");
                waiting.drain(..).for_each(|entry| show(Event::Finished(&entry)));
                committed = time::Instant::now();
            }
        }
        folder.commit()?;
        waiting.iter().for_each(|entry| show(Event::Finished(entry)));
        Ok(tally.operations)
    }

    /// Plays a case; a fault of lockrig's own ends that case as an error, and the run goes on.
    fn contained(
        &self,
        planned: &Planned,
        bench: &mut Bench<'_>,
        folder: &mut RunFolder,
        earlier: &mut Vault,
        tally: &mut Tally,
    ) -> Result<(CaseResult, Instant), EvidenceError> {
        contain(|| self.case(planned, bench, folder, earlier, tally)).unwrap_or_else(|fault| {
            tracing::error!(case = %planned.id, "a fault of lockrig's own: what was played on is given up");
            // Whatever was played on is in no state that anybody knows.
            bench.abandon();
            Ok((fault.result(), Instant::START))
        })
    }

    fn case(
        &self,
        planned: &Planned,
        bench: &mut Bench<'_>,
        folder: &mut RunFolder,
        earlier: &mut Vault,
        tally: &mut Tally,
    ) -> Result<(CaseResult, Instant), EvidenceError> {
        let program = match playable(planned.build(self.library, start_of(self.rig))) {
            Ok(program) => program,
            Err(result) => return Ok((*result, Instant::START)),
        };
        let facts = self.library.models.get(&planned.model).map(|model| &model.facts);
        if let Some(result) = facts.and_then(|facts| unwired(&program, self.rig, facts)) {
            return Ok((result, Instant::START));
        }
        let seed = case_seed(self.seed, &planned.id);
        let vault = match self.rig.bench() {
            None => Ok(Vault::simulated(&program.secrets, self.seed, seed)),
            Some(_) => Vault::drawn(&program.secrets),
        };
        let mut vault = match vault {
            Ok(vault) => vault,
            Err(fault) => {
                let result = CaseResult::unplayed(Verdict::Error, Cause::Rig, fault.to_string());
                return Ok((result, Instant::START));
            }
        };
        vault.remember(earlier);
        let hello = self.hello(planned);
        let precision = precision(self.rig);
        let mut record = |at: Instant, entry: &Entry| {
            tally.note(at, entry);
            folder.record(&planned.id, at, entry)
        };
        let played = bench.play(&program, &hello, &vault, precision, self.interrupt, &mut record)?;
        let mut overheard = Overheard::default();
        for line in bench.stderr() {
            let line = vault.redact_line(&line, &mut overheard);
            folder.record(&planned.id, played.end, &Entry::Stderr { line })?;
        }
        let passed = matches!(played.result.verdict, Verdict::Pass | Verdict::NotApplicable);
        // What never reached the device has nothing to show.
        let is_seen = played.trace.channels().next().is_some();
        if is_seen && (self.all_traces || !passed) {
            write_trace(folder, &planned.id, &played.trace, played.end)?;
        }
        *earlier = vault;
        Ok((played.result, played.end))
    }
}

/// Uncertainty of a rig's edges.
pub(super) fn precision(rig: &Rig) -> Precision {
    Precision {
        stimulus: rig.stimulus_uncertainty,
        observation: rig.observation_uncertainty,
        debounce: rig.debounce(),
    }
}

fn write_trace(folder: &RunFolder, case: &str, trace: &Timeline, end: Instant) -> Result<(), EvidenceError> {
    let traces = folder.path().join("traces");
    fs::create_dir_all(&traces).map_err(EvidenceError::io(&traces))?;
    let path = traces.join(format!("{case}.vcd"));
    let file = File::create(&path).map_err(EvidenceError::io(&path))?;
    vcd::write(trace, case, end, BufWriter::new(file)).map_err(EvidenceError::io(&path))
}
