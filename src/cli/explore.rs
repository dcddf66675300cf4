//! `lockrig explore`: lives that nobody wrote, until one shows a failure.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap_complete::engine::ArgValueCompleter;
use rayon::prelude::*;
use serde_json::json;

use crate::explore::{Coverage, Kind};
use crate::lock::{Method, Named};
use crate::rig::Device;
use crate::run::{self, Budget, Explored, Explorer, Found};
use crate::scenario::Library;
use crate::scenario::ast::Model;
use crate::sim::{self, Peer, SimulatedLock};
use crate::unit;

use super::complete;
use super::exit::Exit;
use super::files::{Files, unknown};
use super::signals;
use super::sim::{parse_defect, parse_variation};
use super::terminal::{Terminal, typed};

#[derive(clap::Args)]
pub(super) struct ExploreArgs {
    /// Lock model: an id; may be repeated; without it, all that the rig has
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: Vec<String>,
    /// Reset method; may be repeated
    #[arg(long)]
    focus: Vec<String>,
    /// Simulated locks, or a rig whose lock is a program (`lockstep`)
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
    /// Folder for the scenarios that were found
    #[arg(long, default_value = "found")]
    out: PathBuf,
    /// Print what was found as JSON, a line each
    #[arg(long)]
    json: bool,
}

/// A model and a method that are explored.
struct Task<'a> {
    model: &'a Model,
    method: Method,
}

pub(super) fn explore(args: &ExploreArgs, terminal: &Terminal) -> Exit {
    match look(args, terminal) {
        Ok(exit) => exit,
        Err((message, hint)) => {
            terminal.error(&message, hint.as_deref());
            Exit::Usage
        }
    }
}

fn look(args: &ExploreArgs, terminal: &Terminal) -> Result<Exit, (String, Option<String>)> {
    let plain = |message: String| (message, None);
    let Some((library, rigs)) = Files::library().usable(&[], terminal) else {
        return Ok(Exit::Usage);
    };
    let rig = rigs.get(args.rig.as_str()).ok_or_else(|| {
        let (message, hint) = unknown("rig", &args.rig, &rigs);
        (message, Some(hint))
    })?;
    let defect = args.defect.as_deref().map(parse_defect).transpose().map_err(plain)?;
    let variation = args.variation.as_deref().map(parse_variation).transpose().map_err(plain)?;
    let budget: unit::Duration = unit::parse(&args.budget).map_err(|error| {
        (format!("`{}` is not a time: {error}", args.budget), Some("write `30 s` or `2 h`".to_owned()))
    })?;
    let tasks = tasks(args, &library, rig.model().map(|model| &**model))?;
    let interrupt = Arc::new(AtomicBool::new(false));
    signals::listen(&interrupt).map_err(|error| plain(format!("signals can't be listened to: {error}")))?;
    let explore = |task: &Task<'_>| -> Result<Explored, String> {
        let explorer =
            Explorer { model: task.model, method: task.method, seed: args.seed, interrupt: &interrupt };
        let budget = Budget {
            until: Instant::now() + std::time::Duration::from_nanos(budget.as_nanoseconds()),
            lives: args.lives,
        };
        match &rig.device {
            Device::Simulated { noise } => {
                let mut lock = SimulatedLock::new(*noise, defect).varied(variation);
                Ok(explorer.explore(&mut lock, budget))
            }
            Device::Lockstep { command, answer_within, .. } => {
                let mut peer = Peer::new(command.clone(), *answer_within);
                Ok(explorer.explore(&mut peer, budget))
            }
            Device::Bench(_) => {
                Err("a bench can't be explored yet: only simulated locks and lockstep programs can".into())
            }
        }
    };
    let began = Instant::now();
    let found: Vec<(&Task<'_>, Result<Explored, String>)> =
        tasks.par_iter().map(|task| (task, explore(task))).collect();
    let mut all = Totals::default();
    for (task, explored) in found {
        let explored = explored.map_err(plain)?;
        all.add(&explored);
        if let Some(found) = &explored.found {
            all.found += 1;
            tell(args, task, found, terminal).map_err(plain)?;
        }
    }
    all.told(args, began, tasks.len(), terminal);
    Ok(if all.found > 0 {
        Exit::Failed
    } else if interrupt.load(Ordering::Relaxed) {
        Exit::Interrupted
    } else if all.lives == 0 || all.unclear > 0 {
        Exit::Unproven
    } else {
        Exit::Pass
    })
}

/// What is explored: every method with a procedure of every model that is wanted.
fn tasks<'a>(
    args: &ExploreArgs,
    library: &'a Library,
    mounted: Option<&str>,
) -> Result<Vec<Task<'a>>, (String, Option<String>)> {
    let methods = args.focus.iter().map(|word| {
        Method::from_word(word).ok_or_else(|| {
            let words: Vec<&str> = Method::words().collect();
            (format!("unknown method `{word}`"), Some(format!("the methods are {}", words.join(", "))))
        })
    });
    let methods: Vec<Method> = methods.collect::<Result<_, _>>()?;
    for id in &args.model {
        if !library.models.contains_key(id.as_str()) {
            let (message, hint) = unknown("model", id, &library.models);
            return Err((message, Some(hint)));
        }
    }
    let is_wanted = |model: &&Model| {
        let id = &*model.facts.id;
        match mounted {
            Some(mounted) => mounted == id,
            None if args.model.is_empty() => sim::models().any(|known| known == id),
            None => args.model.iter().any(|wanted| wanted == id),
        }
    };
    let tasks: Vec<Task<'a>> = library
        .models
        .values()
        .filter(is_wanted)
        .flat_map(|model| run::methods(model).into_iter().map(move |method| Task { model, method }))
        .filter(|task| methods.is_empty() || methods.contains(&task.method))
        .collect();
    if tasks.is_empty() {
        let hint = "`lockrig list models` shows which methods each model has";
        return Err(("nothing to explore: no model has such a method".into(), Some(hint.into())));
    }
    Ok(tasks)
}

/// Writes the scenario of what was found, and says how to play it.
fn tell(args: &ExploreArgs, task: &Task<'_>, found: &Found, terminal: &Terminal) -> Result<(), String> {
    let id = run::name(found, &task.model.facts.id, task.method, args.seed);
    let title = format!("Found by exploring, after these deeds - {}", found.life.told());
    let text = found.life.scenario(&id, &title);
    let path = args.out.join(format!("{id}.yaml"));
    let written = std::fs::create_dir_all(&args.out)
        .and_then(|()| std::fs::File::create(&path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    let deeds = found.life.possible().len();
    if args.json {
        let line = json!({"model": &*task.model.facts.id, "method": task.method.word(), "life": found.number,
            "reason": found.reason, "deeds": deeds, "drawn": found.drawn, "scenario": path.display().to_string()});
        terminal.line(&line.to_string());
        return Ok(());
    }
    terminal.line(&format!(
        "{}, reset by {}: {}",
        task.model.facts.id,
        task.method,
        unit::visible(&found.reason)
    ));
    terminal.text(&format!("  {deeds} deeds, of {} that were drawn: {}", found.drawn, found.life.told()), 4);
    let mut again =
        format!("  lockrig run {} --model {}", typed(&path.to_string_lossy()), task.model.facts.id);
    for (option, value) in [
        ("--rig", Some(&args.rig).filter(|rig| *rig != "simulated")),
        ("--defect", args.defect.as_ref()),
        ("--variation", args.variation.as_ref()),
    ] {
        if let Some(value) = value {
            again += &format!(" {option} {}", typed(value));
        }
    }
    terminal.line(&format!("{again} --seed {}", args.seed));
    Ok(())
}

#[derive(Default)]
struct Totals {
    found: usize,
    lives: u64,
    unclear: u64,
    reason: Option<String>,
    coverage: Coverage,
    kinds: Vec<Kind>,
    virtual_time: unit::Duration,
}

impl Totals {
    fn add(&mut self, explored: &Explored) {
        self.lives += explored.lives;
        self.unclear += explored.unclear.0;
        if self.reason.is_none() {
            self.reason.clone_from(&explored.unclear.1);
        }
        self.coverage.add(&explored.coverage);
        self.kinds.extend(&explored.kinds);
        self.virtual_time = self.virtual_time.saturating_add(explored.virtual_time);
    }

    fn told(&self, args: &ExploreArgs, began: Instant, tasks: usize, terminal: &Terminal) {
        let reached = self.coverage.reached();
        let words = |permitted: bool| -> Vec<&'static str> {
            let never = self.coverage.never().into_iter();
            never.filter(|kind| self.kinds.contains(kind) == permitted).map(|kind| kind.word()).collect()
        };
        let (never, denied) = (words(true), words(false));
        let wall = began.elapsed();
        if args.json {
            let line = json!({"explored": tasks, "found": self.found, "lives": self.lives, "deeds": reached.deeds,
                "states": reached.states, "transitions": reached.transitions, "pairs": reached.pairs,
                "not_reached": never, "not_permitted": denied, "unclear": self.unclear, "wall_ms": wall.as_millis() as u64});
            return terminal.line(&line.to_string());
        }
        let per_second = reached.deeds as f64 / wall.as_secs_f64().max(0.001);
        terminal.line(&format!(
            "{} found in {tasks} methods of models; {} lives with {} deeds, {per_second:.0} a second, {} in the lock's time",
            self.found, self.lives, reached.deeds, self.virtual_time
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
        if self.unclear > 0 {
            let reason = unit::visible(self.reason.as_deref().unwrap_or_default());
            terminal.text(&format!("{} lives proved nothing; the first: {reason}", self.unclear), 2);
        }
    }
}
