//! `lockrig explore`: lives that nobody wrote, until one shows a failure.

mod record;
mod rounds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap_complete::engine::ArgValueCompleter;
use serde_json::json;

use crate::drivers::clock;
use crate::explore::{Coverage, Kind};
use crate::lock::{Method, Named};
use crate::rig::Rig;
use crate::run::{self, Explored};
use crate::scenario::Library;
use crate::scenario::ast::Model;
use crate::sim;
use crate::unit;

use super::apart::Stage;
use super::complete;
use super::exit::Exit;
use super::files::{Files, Kind as FileKind, Unpacked, known};
use super::mounted;
use super::signals;
use super::sim::{parse_defect, parse_variation};
use super::terminal::{Refusal, Terminal, typed};
use record::{Asked, Before, Record};
use rounds::{Bench, Discovery, Outcome, Task};

#[derive(clap::Args)]
pub(super) struct ExploreArgs {
    /// Lock model: an id or a model file; may be repeated; without it, all that the rig has
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: Vec<String>,
    /// Reset method; may be repeated
    #[arg(long)]
    focus: Vec<String>,
    /// Rig: an id or a rig file; simulated locks, the emulated one, a lock that is a program (`lockstep`), or a bench
    #[arg(long, default_value = "simulated", add = ArgValueCompleter::new(complete::rigs))]
    rig: String,
    /// How long to look at each model
    #[arg(long, default_value = "10 s")]
    budget: String,
    /// How many lives to draw at most, for each method of each model
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    lives: u64,
    /// Seed of the lives, of codes and simulated noise
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..1 << 53))]
    seed: u64,
    /// Fault to switch on in the simulated lock (see `lockrig sim defects`)
    #[arg(long)]
    defect: Option<String>,
    /// Harmless variation to switch on in the simulated lock (see `lockrig sim variations`)
    #[arg(long)]
    variation: Option<String>,
    /// Folder to create the exploration's folder in
    #[arg(long, default_value = "explored")]
    out: PathBuf,
    /// Evidence of simulated lives to keep, in MiB; what was found, and what real locks did, is kept always
    #[arg(long, default_value_t = 512)]
    keep: u64,
    /// Folder of an earlier exploration: go on where it ended
    #[arg(long, conflicts_with_all = ["model", "focus", "rig", "seed", "defect", "variation", "out"])]
    resume: Option<PathBuf>,
    /// Print what was found as JSON, a line each
    #[arg(long)]
    json: bool,
}

pub(super) fn explore(args: &ExploreArgs, terminal: &Terminal) -> Exit {
    look(args, terminal).unwrap_or_else(|refusal| terminal.refused(refusal))
}

fn look(args: &ExploreArgs, terminal: &Terminal) -> Result<Exit, Refusal> {
    let plain = |message: String| (message, None);
    let budget: unit::Duration = unit::parse(&args.budget).map_err(|error| {
        (format!("`{}` is not a time: {error}", args.budget), Some("write `30 s` or `2 h`".to_owned()))
    })?;
    let (earlier, mut asked, before) = match &args.resume {
        None => (None, asked(args), Before::default()),
        Some(folder) => {
            let (record, asked, before) = Record::open(folder).map_err(|error| {
                let hint = "give the folder of an exploration, which has an explored.jsonl";
                (format!("{} can't be continued: {error}", folder.display()), Some(hint.to_owned()))
            })?;
            (Some(record), asked, before)
        }
    };
    let mut files = Files::library();
    let rig_id = files.id_of(FileKind::Rig, &asked.rig);
    let models = named(&mut files, &asked.models);
    let words = asked.models.iter().chain([&asked.rig]).map(String::as_str);
    let wanted: Vec<&str> = words.chain(models.keys().map(|id| &**id)).chain([&*rig_id]).collect();
    let Some((library, rigs)) = files.usable(&wanted, terminal) else { return Ok(Exit::Usage) };
    let rig = known("rig", &rig_id, &rigs).map_err(hinted)?;
    let defect = asked.defect.as_deref().map(parse_defect).transpose().map_err(plain)?;
    let variation = asked.variation.as_deref().map(parse_variation).transpose().map_err(plain)?;
    mounted::check_altered(rig, defect.is_some() || variation.is_some()).map_err(hinted)?;
    let budget = Duration::from_nanos(budget.as_nanoseconds());
    let tasks = tasks(&asked.methods, &models, &library, rig, &before, budget)?;
    let inputs = inputs(&files, &tasks, rig);
    if earlier.is_some() && asked.inputs != inputs {
        let hint = "begin a new one: other lives would be drawn";
        let message = "lockrig, a model or the rig has changed since that exploration".to_owned();
        return Err((message, Some(hint.to_owned())));
    }
    asked.inputs = inputs;
    let unpacked =
        Unpacked::new(rig).map_err(|error| plain(format!("the rig's program can't be unpacked: {error}")))?;
    let interrupt = Arc::new(AtomicBool::new(false));
    signals::listen(&interrupt).map_err(|error| plain(format!("signals can't be listened to: {error}")))?;
    let record = match earlier {
        Some(record) => record,
        None => {
            let utc = clock::utc().map_err(|error| plain(error.to_string()))?;
            let name = utc.strftime("%Y%m%dT%H%M%SZ").to_string();
            let record = Record::create(&args.out, &name, &asked);
            record.map_err(|error| plain(format!("{}: {error}", args.out.display())))?
        }
    };
    let bench = Bench {
        stage: Stage {
            files: &files,
            rig: &unpacked.rig,
            seed: asked.seed,
            defect,
            variation,
            interrupt: &interrupt,
        },
        record: &record,
        most_kept: args.keep.saturating_mul(1 << 20),
        operations: AtomicU64::new(0),
        elapsed_ns: AtomicU64::new(0),
    };
    let began = Instant::now();
    // What an earlier part of it found is not undone by the rest.
    let mut all = Totals {
        found: before.found.len(),
        unclear: before.played.iter().map(|round| round.unclear).sum(),
        ..Totals::default()
    };
    let open: Vec<&Task<'_>> = tasks.iter().filter(|task| !task.is_found).collect();
    for (task, outcome) in bench.explore_all(&open, args.lives, &|task, outcome| {
        if let Some(discovery) = &outcome.found {
            tell(args, &asked, &models, task, discovery, terminal);
        }
        if let Some(error) = &outcome.broken {
            let (model, method) = (&task.model.facts.id, task.method);
            terminal.warning(&format!("exploring {model} by {method} ended early: {error}"));
        }
    }) {
        all.add(task, &outcome);
    }
    all.operations = bench.operations.load(Ordering::Relaxed);
    all.told(args, began.elapsed(), open.len(), &record, terminal);
    Ok(if all.found > 0 {
        Exit::Failed
    } else if interrupt.load(Ordering::Relaxed) {
        Exit::Interrupted
    } else if all.is_broken || all.lives == 0 || all.unclear > 0 {
        Exit::Unproven
    } else {
        Exit::Pass
    })
}

fn hinted((message, hint): (String, String)) -> Refusal {
    (message, Some(hint))
}

/// Models by id, with the words that they were named by: files among those are read.
fn named(files: &mut Files, words: &[String]) -> BTreeMap<Arc<str>, String> {
    let mut models = BTreeMap::new();
    for word in words {
        models.extend(files.ids_of(FileKind::Model, word).into_iter().map(|id| (id, word.clone())));
    }
    models
}

/// A hash of what decides which lives are drawn.
fn inputs(files: &Files, tasks: &[Task<'_>], rig: &Rig) -> String {
    let models = tasks.iter().flat_map(|task| &task.model.files);
    let names: BTreeSet<&String> = models.chain(&rig.files).collect();
    files.digest(&names)
}

fn asked(args: &ExploreArgs) -> Asked {
    Asked {
        rig: args.rig.clone(),
        models: args.model.clone(),
        methods: args.focus.clone(),
        seed: args.seed,
        defect: args.defect.clone(),
        variation: args.variation.clone(),
        inputs: String::new(),
    }
}

/// What is explored: every method with a procedure of every model that is wanted.
fn tasks<'a>(
    methods: &[String],
    models: &BTreeMap<Arc<str>, String>,
    library: &'a Library,
    rig: &Rig,
    before: &Before,
    budget: Duration,
) -> Result<Vec<Task<'a>>, Refusal> {
    let methods = methods.iter().map(|word| {
        Method::from_word(word).ok_or_else(|| {
            let words: Vec<&str> = Method::words().collect();
            (format!("unknown method `{word}`"), Some(format!("the methods are {}", words.join(", "))))
        })
    });
    let methods: Vec<Method> = methods.collect::<Result<_, _>>()?;
    for id in models.keys() {
        known("model", id, &library.models).map_err(hinted)?;
        mounted::check_simulated(rig, id).map_err(hinted)?;
    }
    mounted::check_named(rig, !models.is_empty()).map_err(hinted)?;
    mounted::check_mounted(rig, models.keys()).map_err(hinted)?;
    let is_wanted = |model: &&Model| {
        let id = &*model.facts.id;
        match rig.model() {
            Some(mounted) => **mounted == *id,
            None if models.is_empty() => sim::models().any(|known| known == id),
            None => models.contains_key(id),
        }
    };
    let mut tasks = Vec::new();
    for model in library.models.values().filter(is_wanted) {
        let of_model = run::methods(model).into_iter();
        let of_model: Vec<Method> =
            of_model.filter(|method| methods.is_empty() || methods.contains(method)).collect();
        let budget = budget / u32::try_from(of_model.len()).unwrap_or(1).max(1);
        for method in of_model {
            let (id, word) = (&*model.facts.id, method.word());
            let played = before.played.iter().filter(|round| round.model == id && round.method == word);
            let played = played.map(|round| round.drawn).sum();
            let is_found = before.found.iter().any(|kept| kept.model == id && kept.method == word);
            tasks.push(Task { model, method, played, is_found, budget });
        }
    }
    if tasks.is_empty() {
        let hint = "`lockrig list models` shows which methods each model has";
        return Err(("nothing to explore: no model has such a method".into(), Some(hint.into())));
    }
    Ok(tasks)
}

/// Says what was found, and how to play it.
fn tell(
    args: &ExploreArgs,
    asked: &Asked,
    models: &BTreeMap<Arc<str>, String>,
    task: &Task<'_>,
    discovery: &Discovery,
    terminal: &Terminal,
) {
    let Discovery { found, scenario, evidence, is_confirmed } = discovery;
    let file = scenario.display().to_string();
    let evidence = evidence.as_ref().map(|run| run.display().to_string());
    let (model, method) = (&task.model.facts.id, task.method);
    let deeds = found.life.possible().len();
    if args.json {
        let line = json!({"model": &**model, "method": method.word(), "life": found.number,
            "reason": found.reason, "deeds": deeds, "drawn": found.drawn, "tries": found.tries,
            "confirmed": is_confirmed, "scenario": file, "evidence": evidence});
        return terminal.line(&line.to_string());
    }
    terminal.line(&format!("{model}, reset by {method}: {}", unit::visible(&found.reason)));
    terminal.text(&format!("  {deeds} deeds, of {} that were drawn: {}", found.drawn, found.life.told()), 4);
    match is_confirmed {
        Some(true) => {}
        Some(false) => terminal.text("  it did not fail when it was played once more, with other codes", 4),
        None => terminal.text("  it was not played once more", 4),
    }
    let by_file = models.get(model).map_or(&**model, String::as_str);
    let mut again = format!("  lockrig run {} --model {}", typed(&file), typed(by_file));
    for (option, value) in [
        ("--rig", Some(&asked.rig).filter(|rig| *rig != "simulated")),
        ("--defect", asked.defect.as_ref()),
        ("--variation", asked.variation.as_ref()),
    ] {
        if let Some(value) = value {
            again += &format!(" {option} {}", typed(value));
        }
    }
    terminal.line(&format!("{again} --seed {}", asked.seed));
}

/// A time that may be years, in days then.
fn long(time: unit::Duration) -> String {
    let days = time.as_nanoseconds() / 86_400_000_000_000;
    match days {
        0 | 1 => time.to_string(),
        // No sum goes further.
        _ if time.as_nanoseconds() == u64::MAX => format!("more than {days} days"),
        _ => format!("{days} days"),
    }
}

#[derive(Default)]
struct Totals {
    found: usize,
    lives: u64,
    operations: u64,
    unclear: u64,
    is_broken: bool,
    reason: Option<String>,
    /// What the rig lacks for any life of a model.
    lacking: Vec<String>,
    coverage: Coverage,
    kinds: Vec<Kind>,
    virtual_time: unit::Duration,
}

impl Totals {
    fn add(&mut self, task: &Task<'_>, outcome: &Outcome) {
        self.is_broken |= outcome.broken.is_some();
        if let Some(reason) = &outcome.lacks {
            self.lacking.push(format!("{} by {}: {reason}", task.model.facts.id, task.method));
        }
        let Explored { lives, coverage, unclear, virtual_time } = &outcome.explored;
        self.found += usize::from(outcome.found.is_some());
        self.lives += lives;
        self.unclear += unclear.0;
        if self.reason.is_none() {
            self.reason.clone_from(&unclear.1);
        }
        self.coverage.add(coverage);
        self.kinds.extend(&outcome.kinds);
        self.virtual_time = self.virtual_time.saturating_add(*virtual_time);
    }

    fn told(&self, args: &ExploreArgs, wall: Duration, tasks: usize, record: &Record, terminal: &Terminal) {
        let reached = self.coverage.reached();
        let words = |permitted: bool| -> Vec<&'static str> {
            let never = self.coverage.never().into_iter();
            never.filter(|kind| self.kinds.contains(kind) == permitted).map(|kind| kind.word()).collect()
        };
        let (never, denied) = (words(true), words(false));
        let folder = record.folder.display().to_string();
        if args.json {
            let line = json!({"explored": tasks, "found": self.found, "lives": self.lives, "deeds": reached.deeds,
                "operations": self.operations, "states": reached.states, "transitions": reached.transitions,
                "pairs": reached.pairs, "not_reached": never, "not_permitted": denied, "unclear": self.unclear,
                "wall_ms": u64::try_from(wall.as_millis()).unwrap_or(u64::MAX), "folder": folder});
            return terminal.line(&line.to_string());
        }
        let seconds = wall.as_secs_f64().max(0.001);
        terminal.line(&format!(
            "{} found in {tasks} methods of models; {} lives with {} deeds, {} in the lock's time",
            self.found,
            self.lives,
            reached.deeds,
            long(self.virtual_time)
        ));
        terminal.line(&format!(
            "{} operations of the lock, {:.0} a second, with evidence in {folder}",
            self.operations,
            self.operations as f64 / seconds
        ));
        terminal.line(&format!(
            "reached: {} states, {} deeds in them, {} pairs of deeds",
            reached.states, reached.transitions, reached.pairs
        ));
        for (why, list) in [("not reached", never), ("not permitted by any of the models", denied)] {
            if !list.is_empty() {
                terminal.text(&format!("{why}: {}", list.join(", ")), 2);
            }
        }
        for lacking in &self.lacking {
            terminal.text(&format!("no life of {lacking}"), 2);
        }
        if self.unclear > 0 {
            let reason = unit::visible(self.reason.as_deref().unwrap_or_default());
            let first = if reason.is_empty() { String::new() } else { format!("; the first: {reason}") };
            terminal.text(&format!("{} lives proved nothing{first}", self.unclear), 2);
        }
    }
}
