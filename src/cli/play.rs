//! `lockrig certify` and `lockrig run`.

mod choice;
mod commission;
mod progress;
mod proof;
mod resume;
mod summary;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;

use crate::drivers::clock;
use crate::engine::Cause;
use crate::evidence::{
    CaseEntry, Commission, DeviceIdentity, EvidenceError, Manifest, RunFolder, RunInfo, Selected,
};
use crate::report::{self, Summary};
use crate::rig::{Device, Rig};
use crate::run::{self, Health, Session, SessionError, Vault};
use crate::scenario::{Library, Plan};
use crate::sim::{Flaw, Variation};
use crate::verdict::Verdict;

use super::complete;
use super::exit::Exit;
use super::files::{self, Files, Kind, Rigs, Unpacked};
use super::mounted;
use super::signals;
use super::sim::{parse_defect, parse_variation};
use super::terminal::{Terminal, typed};
use progress::{Progress, Said};
use proof::Proof;

/// So many cases of one scenario are shown one by one.
const FEW: usize = 60;

/// The default, so that two runs of one version are the same.
const DEFAULT_SEED: u64 = 1;

#[derive(clap::Args)]
struct Common {
    /// Bench: an id or a rig file
    #[arg(long, default_value = "simulated", add = ArgValueCompleter::new(complete::rigs))]
    rig: String,
    /// Lock model: an id or a model file; may be repeated
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: Vec<String>,
    /// Folder to create the run folder in
    #[arg(long, default_value = "reports")]
    out: PathBuf,
    /// How many times to play each case
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: u32,
    /// Play each case as often as it takes to prove this of it, such as "reliability=0.99 confidence=0.95"
    #[arg(long, conflicts_with = "repeat")]
    prove: Option<Proof>,
    /// Seed for codes and simulated noise
    #[arg(long, default_value_t = DEFAULT_SEED, value_parser = clap::value_parser!(u64).range(..1 << 53))]
    seed: u64,
    /// Fault to switch on in the simulated lock (see `lockrig sim defects`)
    #[arg(long)]
    defect: Option<String>,
    /// Harmless variation to switch on in the simulated lock (see `lockrig sim variations`)
    #[arg(long)]
    variation: Option<String>,
    /// Serial number of the lock under test
    #[arg(long)]
    serial: Option<String>,
    /// Firmware version of the lock under test
    #[arg(long)]
    firmware: Option<String>,
    /// Who is responsible for the run
    #[arg(long)]
    operator: Option<String>,
    /// Which cases to write waveforms for
    #[arg(long, default_value = "problems")]
    traces: Traces,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
    /// Print only what did not pass, and the totals
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Print every case that was played
    #[arg(long, short)]
    verbose: bool,
    /// List the cases and the longest each can take, without playing them
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Traces {
    /// Cases that did not pass
    Problems,
    /// All cases
    All,
}

#[derive(clap::Args)]
pub(super) struct CertifyArgs {
    #[command(flatten)]
    common: Common,
    /// Scenario: an id or a file; may be repeated
    #[arg(long, add = ArgValueCompleter::new(complete::scenarios))]
    scenario: Vec<String>,
    /// File with what only people know: laboratory, customer, item and who authorises (docs/evidence.md)
    #[arg(long)]
    laboratory: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct RunArgs {
    /// Scenarios: ids or files
    #[arg(required_unless_present_any = ["resume", "case"], add = ArgValueCompleter::new(complete::scenarios))]
    scenarios: Vec<String>,
    #[command(flatten)]
    common: Common,
    /// Reset method; may be repeated
    #[arg(long)]
    method: Vec<String>,
    /// Case id; may be repeated
    #[arg(long, add = ArgValueCompleter::new(complete::cases))]
    case: Vec<String>,
    /// Folder of an earlier run: play what it left out, into a new folder
    #[arg(long, conflicts_with_all = ["scenarios", "model", "seed", "defect", "method", "case", "repeat", "prove"])]
    resume: Option<PathBuf>,
}

/// What is asked for, in ids.
struct Wanted {
    rig: Arc<str>,
    seed: u64,
    defect: Option<Flaw>,
    variation: Option<Variation>,
    selected: Selected,
    commission: Option<Commission>,
    /// Who was responsible for the run that this one continues.
    operator: Option<String>,
    earlier: Option<resume::Earlier>,
    /// Files by the id that they define, where they were given instead of it.
    files: BTreeMap<Arc<str>, String>,
}

impl Wanted {
    /// What is named: without it nothing can be played.
    fn asked_for(&self) -> Vec<&str> {
        let Selected { models, scenarios, cases, .. } = &self.selected;
        let of_cases = cases.iter().flat_map(|id| id.split('~').take(2));
        let named = models.iter().chain(scenarios).map(String::as_str);
        let files = self.files.values().map(String::as_str);
        [&*self.rig].into_iter().chain(named).chain(of_cases).chain(files).collect()
    }

    /// The command that plays a case again, as it was played.
    fn again(&self, common: &Common, case: &CaseEntry) -> String {
        let word = |id: &str| typed(self.files.get(id).map_or(id, String::as_str));
        let mut command = match self.files.get(&*case.scenario) {
            Some(file) => format!("lockrig run {} --case {}", typed(file), typed(&case.case)),
            None => format!("lockrig run --case {}", typed(&case.case)),
        };
        if self.files.contains_key(&*case.model) {
            command.push_str(&format!(" --model {}", word(&case.model)));
        }
        if *self.rig != *"simulated" {
            command.push_str(&format!(" --rig {}", word(&self.rig)));
        }
        if self.seed != DEFAULT_SEED {
            command.push_str(&format!(" --seed {}", self.seed));
        }
        if self.selected.repeat > 1 {
            command.push_str(&format!(" --repeat {}", self.selected.repeat));
        }
        if let Some(defect) = self.defect {
            command.push_str(&format!(" --defect {defect}"));
        }
        if let Some(variation) = self.variation {
            command.push_str(&format!(" --variation {}", variation.word()));
        }
        if common.out != Path::new("reports") {
            command.push_str(&format!(" --out {}", typed(&shown(&common.out))));
        }
        command
    }
}

/// Why nothing is played: a message, and what would help.
struct Refusal {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Refusal {
    fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()).filter(|h| !h.is_empty()), exit: Exit::Usage }
    }
}

pub(super) fn certify(args: &CertifyArgs, terminal: &Terminal) -> Exit {
    let mut files = Files::library();
    let wanted = wanted(&mut files, &args.common, &args.scenario, true).and_then(|mut wanted| {
        wanted.commission = args.laboratory.as_deref().map(|path| commission(path, terminal)).transpose()?;
        Ok(wanted)
    });
    finish(wanted.and_then(|wanted| play(&mut files, &args.common, wanted, terminal)), terminal)
}

/// What a laboratory says of a certification.
fn commission(path: &Path, terminal: &Terminal) -> Result<Commission, Refusal> {
    let bytes = files::read_bounded(path).map_err(|error| {
        Refusal::usage(format!("{}: {error}", path.display()), "give the path of a YAML file")
    })?;
    commission::read(path, bytes).map_err(|findings| {
        terminal.findings(&findings);
        Refusal::usage(format!("{} can't be used", path.display()), "docs/evidence.md has an example")
    })
}

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Exit {
    let mut files = Files::library();
    let wanted = match &args.resume {
        Some(folder) => resume::wanted(&mut files, folder, &args.common.rig, terminal),
        None => wanted(&mut files, &args.common, &args.scenarios, false).map(|mut wanted| {
            wanted.selected.methods.clone_from(&args.method);
            wanted.selected.cases.clone_from(&args.case);
            wanted
        }),
    };
    finish(wanted.and_then(|wanted| play(&mut files, &args.common, wanted, terminal)), terminal)
}

/// What the files mean, as far as it can be used.
fn usable(files: &mut Files, asked_for: &[&str], terminal: &Terminal) -> Result<(Library, Rigs), Refusal> {
    files.usable(asked_for, terminal).ok_or_else(|| {
        Refusal::usage("the files have errors", "fix them; `lockrig check FILE` shows them again")
    })
}

fn finish(outcome: Result<Exit, Refusal>, terminal: &Terminal) -> Exit {
    outcome.unwrap_or_else(|refusal| {
        terminal.error(&refusal.message, refusal.hint.as_deref());
        refusal.exit
    })
}

fn wanted(
    files: &mut Files,
    common: &Common,
    scenarios: &[String],
    certifies: bool,
) -> Result<Wanted, Refusal> {
    let defect = common.defect.as_deref().map(parse_defect).transpose();
    let variation = common.variation.as_deref().map(parse_variation).transpose();
    let mut given = BTreeMap::new();
    let mut ids = |kind: Kind, words: &[String]| -> Vec<Arc<str>> {
        let mut all = Vec::new();
        for word in words {
            let found = files.ids_of(kind, word);
            let by_path = found.iter().filter(|id| ***id != **word);
            given.extend(by_path.map(|id| (Arc::clone(id), word.clone())));
            all.extend(found);
        }
        all
    };
    let text = |ids: Vec<Arc<str>>| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
    let models = text(ids(Kind::Model, &common.model));
    let scenarios = text(ids(Kind::Scenario, scenarios));
    let rig = ids(Kind::Rig, std::slice::from_ref(&common.rig)).into_iter().next();
    Ok(Wanted {
        rig: rig.unwrap_or_else(|| common.rig.as_str().into()),
        seed: common.seed,
        defect: defect.map_err(|message| Refusal::usage(message, ""))?,
        variation: variation.map_err(|message| Refusal::usage(message, ""))?,
        selected: Selected {
            models,
            scenarios,
            methods: Vec::new(),
            cases: Vec::new(),
            repeat: common.prove.map_or(common.repeat, |proof| proof.runs),
            certifies,
        },
        commission: None,
        operator: None,
        earlier: None,
        files: given,
    })
}

fn play(
    files: &mut Files,
    common: &Common,
    mut wanted: Wanted,
    terminal: &Terminal,
) -> Result<Exit, Refusal> {
    let (library, rigs) = usable(files, &wanted.asked_for(), terminal)?;
    if !files.replaced.is_empty() {
        terminal.warning(&format!("built-in files are replaced by: {}", files.replaced.join(", ")));
    }
    let unpacked = Unpacked::new(choice::known("rig", &wanted.rig, &rigs)?)
        .map_err(|error| unwritable(&format!("the rig's program can't be unpacked: {error}")))?;
    let rig = &unpacked.rig;
    let plan = choice::choose(&library, rig, &mut wanted, common.quiet, terminal)?;
    let finished = wanted.earlier.as_ref().map(|earlier| earlier.finished.clone()).unwrap_or_default();
    let plan = plan.without(finished);
    // One that was killed after its last case has nothing left to play, and still has to be closed.
    let is_closed = wanted.earlier.as_ref().is_none_or(|earlier| earlier.is_closed);
    if plan.is_empty() && is_closed {
        return Err(Refusal::usage("the earlier run finished every case", "there is nothing left to play"));
    }
    if common.dry_run {
        summary::dry_run(&library, rig, &plan, common.json, terminal);
        return Ok(Exit::Pass);
    }
    mounted::check_altered(rig, wanted.defect.is_some() || wanted.variation.is_some())
        .map_err(|(message, hint)| Refusal::usage(message, hint))?;
    perform(files, common, &wanted, &library, rig, &plan, terminal)
}

/// Plays the plan into a new run folder.
fn perform(
    files: &Files,
    common: &Common,
    wanted: &Wanted,
    library: &Library,
    rig: &Rig,
    plan: &Plan,
    terminal: &Terminal,
) -> Result<Exit, Refusal> {
    if let Some((message, hint)) = out_of_use(rig) {
        return Err(Refusal { message, hint: Some(hint), exit: Exit::Unproven });
    }
    let interrupt = Arc::new(AtomicBool::new(false));
    signals::listen(&interrupt).map_err(|error| unwritable(&format!("signals can't be caught: {error}")))?;
    let session = Session {
        library,
        rig,
        seed: wanted.seed,
        defect: wanted.defect,
        variation: wanted.variation,
        all_traces: common.traces == Traces::All || rig.provenance() == "hardware",
        interrupt: &interrupt,
    };
    let mut prepared = session.prepare(plan).map_err(|fault| not_ready(rig, &fault.to_string()))?;
    prepared.warnings().iter().for_each(|warning| terminal.warning(warning));
    let utc = clock::utc().map_err(|error| unwritable(&error.to_string()))?;
    let info = RunInfo {
        device: DeviceIdentity { serial: common.serial.clone(), firmware: common.firmware.clone() },
        operator: common.operator.clone().or_else(|| wanted.operator.clone()),
        commission: wanted.commission.clone(),
        resumes: wanted.earlier.as_ref().map(|earlier| earlier.run.clone()),
        earlier: wanted.earlier.as_ref().map(|earlier| earlier.counts.clone()),
        before: wanted.earlier.as_ref().map(|earlier| earlier.before.clone()),
        ..session.info(wanted.selected.clone(), plan.count(), shown_time(utc))
    };
    let name = utc.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut folder = RunFolder::create(
        &common.out,
        &name,
        info,
        &run::catalogue(library, plan),
        &files.inputs(library, plan, &wanted.selected, rig),
    )
    .map_err(|error| unwritable(&error.to_string()))?;
    let path = folder.path().to_owned();
    let said = match (common.json, common.quiet, common.verbose) {
        (true, ..) => Said::Nothing,
        (_, true, _) => Said::Little,
        (_, _, true) => Said::All,
        _ if plan.subjects().0.len() == 1 && plan.count() <= FEW => Said::Cases,
        _ => Said::Usual,
    };
    let mut progress = Progress::new(plan.count(), said, &path, terminal);
    let played =
        session.run(plan, prepared, &mut folder, &mut Vault::default(), &mut |event| progress.show(&event));
    progress.finish();
    let manifest = played
        .and_then(|_| seal(folder, wanted.selected.certifies).map_err(SessionError::Evidence))
        .map_err(|error| {
            unwritable(&format!("{error}; what was saved before that is in {}", path.display()))
        })?;
    // What an earlier part of the run found is not undone by the rest.
    let counts = manifest.counts.merged(manifest.earlier.as_ref());
    let summary = Summary::read(&path).map_err(|error| unwritable(&error.to_string()))?;
    let exit = match Exit::of(&counts) {
        _ if interrupt.load(Ordering::Relaxed) => Exit::Interrupted,
        Exit::Pass if summary.lacks_evidence() => Exit::Unproven,
        exit => exit,
    };
    let next = |worst: &CaseEntry| match worst.result.verdict {
        Verdict::Error if rig.bench().is_some() => {
            ("when the rig is repaired, test it", format!("lockrig rig selftest {}", rig.id))
        }
        Verdict::Inconclusive if worst.result.unplayed == Some(Cause::NotWired) => {
            ("list what the rig lacks", format!("{} --dry-run", wanted.again(common, worst)))
        }
        _ => ("play it again", wanted.again(common, worst)),
    };
    summary::print(&summary, &path, (exit, common.prove), said, &next, terminal);
    Ok(exit)
}

/// Why a rig that broke is not played on, and what would help.
pub(super) fn out_of_use(rig: &Rig) -> Option<(String, String)> {
    let fault = rig.bench().and_then(|_| Health::of(&rig.id).fault())?;
    let hint = format!("fix it, then run `lockrig rig selftest {}`", rig.id);
    Some((format!("rig `{}` is out of use after a fault: {fault}", rig.id), hint))
}

fn not_ready(rig: &Rig, fault: &str) -> Refusal {
    match &rig.device {
        Device::Lockstep { command, .. } => Refusal::usage(
            format!("the program of rig `{}` does not get ready, and nothing was played: {fault}", rig.id),
            format!(
                "it was started with: {}",
                command.iter().map(|word| typed(word)).collect::<Vec<_>>().join(" ")
            ),
        ),
        Device::Emulated { .. } => unwritable(&format!("the emulated lock is not ready: {fault}")),
        Device::Simulated { .. } | Device::Bench(_) => {
            unwritable(&format!("the bench is not ready, and nothing was switched: {fault}"))
        }
    }
}

fn unwritable(message: &str) -> Refusal {
    Refusal { message: message.to_owned(), hint: None, exit: Exit::Unproven }
}

/// Writes a view of a run folder.
type View = fn(&Path, &mut dyn Write) -> Result<(), EvidenceError>;

/// Adds the views and closes the folder.
pub(super) fn seal(mut folder: RunFolder, certifies: bool) -> Result<Manifest, EvidenceError> {
    // A clock that was set to no date meanwhile costs the run its time, and nothing else.
    let ended = clock::utc().map_or_else(|_| folder.manifest().started.clone(), shown_time);
    folder.finish_results(Some(ended))?;
    let write = |name: &str, view: View| {
        let path = folder.path().join(name);
        let file = File::create_new(&path).map_err(EvidenceError::io(&path))?;
        let mut out = BufWriter::new(file);
        view(folder.path(), &mut out)?;
        out.flush().map_err(EvidenceError::io(&path))
    };
    write("junit.xml", report::junit)?;
    write("report.html", report::html)?;
    if certifies {
        write("report.pdf", report::pdf)?;
    }
    folder.close()
}

pub(super) fn shown_time(utc: jiff::Timestamp) -> String {
    utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A path as the user would type it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
