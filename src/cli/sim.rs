//! `lockrig sim`.

mod mutants;
mod score;
mod serve;
mod watch;

use std::io;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use crate::lock::Named;
use crate::rig::Rig;
use crate::scenario::{Library, Planned, Selection, expand};
use crate::sim::{Defect, Flaw, SimulatedLock, Variation, models, serve};

use super::exit::Exit;
use super::files::Files;
use super::terminal::Terminal;

/// The score is the same each time.
const DEFAULT_SEED: u64 = 1;

#[derive(clap::Args)]
pub(super) struct SimArgs {
    #[command(subcommand)]
    command: SimCommand,
}

#[derive(Subcommand)]
enum SimCommand {
    /// List the faults that can be switched on with --defect
    Defects {
        /// Play every claim on every model with each fault, and show which claims catch it
        #[arg(long)]
        score: bool,
        /// With --score: how many noise seeds must raise no false alarm
        #[arg(long, default_value_t = 20, requires = "score")]
        seeds: u64,
        /// With --score or --mutants: explore each faulty lock as well, for so long a model, and show what only that finds
        #[arg(long, value_name = "BUDGET")]
        explore: Option<String>,
        /// Draw so many locks with one rule changed at random, and show which of them no claim catches
        #[arg(long, conflicts_with = "score", value_parser = clap::value_parser!(u32).range(1..))]
        mutants: Option<u32>,
        /// With --mutants: seed of what is drawn
        #[arg(long, default_value_t = DEFAULT_SEED, requires = "mutants")]
        seed: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List harmless variations of a sound lock that can be switched on with --variation
    Variations,
    /// List the simulated locks
    Models,
    /// Speak the lockstep protocol on standard input and output
    Peer {
        /// Fault to switch on
        #[arg(long)]
        defect: Option<String>,
        /// Variation to switch on (see `lockrig sim variations`)
        #[arg(long)]
        variation: Option<String>,
        /// Add seeded bounce, jitter and flicker
        #[arg(long)]
        noise: bool,
    },
    /// Offer the reference lock to other programs in real time: to probe-rs, on serial ports, on a socket
    Serve(serve::ServeArgs),
    /// Print what a served lock shows, one JSON line each: a `program:` board of a rig file can be this
    Watch(watch::WatchArgs),
}

pub(super) fn sim(args: &SimArgs, terminal: &Terminal) -> Exit {
    match &args.command {
        SimCommand::Defects { mutants: Some(count), seed, explore, json, .. } => {
            mutants::mutants(*count, *seed, explore.as_deref(), *json, terminal)
        }
        SimCommand::Defects { score: true, seeds, explore, json, .. } => {
            score::score(*seeds, explore.as_deref(), *json, terminal)
        }
        SimCommand::Defects { json: true, .. } => {
            terminal.line(&json!(Defect::words().collect::<Vec<_>>()).to_string());
            Exit::Pass
        }
        SimCommand::Defects { .. } => {
            described(Defect::WORDS.iter().map(|(word, defect)| (*word, defect.described())), terminal);
            Exit::Pass
        }
        SimCommand::Models => {
            models().for_each(|name| terminal.line(name));
            Exit::Pass
        }
        SimCommand::Variations => {
            described(Variation::WORDS.iter().map(|(word, one)| (*word, one.described())), terminal);
            Exit::Pass
        }
        SimCommand::Peer { defect, variation, noise } => {
            peer((defect.as_deref(), variation.as_deref()), *noise, terminal)
        }
        SimCommand::Serve(args) => serve::serve(args, terminal),
        SimCommand::Watch(args) => watch::watch(args, terminal),
    }
}

/// Names with what they mean.
fn described(all: impl Iterator<Item = (&'static str, &'static str)>, terminal: &Terminal) {
    let all: Vec<_> = all.collect();
    let width = all.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
    for (word, meaning) in all {
        let line = format!("{word:<width$}  {}", meaning.trim_end_matches('.'));
        terminal.text(&line, width + 2);
    }
}

/// What is played on simulated locks.
struct Simulated {
    library: Library,
    rig: Rig,
    /// Every case of the models that are simulated.
    cases: Vec<Planned>,
}

fn simulated(terminal: &Terminal) -> Option<Simulated> {
    let (library, mut rigs) = Files::library().usable(&["simulated"], terminal)?;
    let rig = rigs.remove("simulated")?;
    let is_simulated = |model: &Arc<str>| models().any(|known| known == &**model);
    let models = library.models.keys().filter(|model| is_simulated(model)).cloned().collect();
    let cases = expand(&library, &Selection { models, ..Selection::default() });
    Some(Simulated { library, rig, cases })
}

fn peer((defect, variation): (Option<&str>, Option<&str>), noise: bool, terminal: &Terminal) -> Exit {
    let parsed = defect
        .map(parse_defect)
        .transpose()
        .and_then(|defect| variation.map(parse_variation).transpose().map(|variation| (defect, variation)));
    let (defect, variation) = match parsed {
        Ok(parsed) => parsed,
        Err(message) => {
            terminal.error(&message, None);
            return Exit::Usage;
        }
    };
    let mut lock = SimulatedLock::new(noise, defect).varied(variation);
    match serve(&mut lock, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => Exit::Pass,
        Err(error) => {
            terminal.error(&error.to_string(), None);
            Exit::Unproven
        }
    }
}

/// The defect, or the mutant, that a word names.
pub(super) fn parse_defect(word: &str) -> Result<Flaw, String> {
    if word.contains('/') {
        let hint = "`lockrig sim defects --mutants 500` names some";
        return Flaw::from_word(word).ok_or_else(|| format!("unknown mutant `{word}`; {hint}"));
    }
    named("defect", word).map(Flaw::Defect)
}

/// The variation that a word names.
pub(super) fn parse_variation(word: &str) -> Result<Variation, String> {
    named("variation", word)
}

fn named<T: Named>(kind: &str, word: &str) -> Result<T, String> {
    T::from_word(word).ok_or_else(|| {
        let near = crate::yaml::nearest(word, T::words());
        let hint = near
            .map_or(format!("`lockrig sim {kind}s` lists them"), |near| format!("did you mean `{near}`?"));
        format!("unknown {kind} `{word}`; {hint}")
    })
}
