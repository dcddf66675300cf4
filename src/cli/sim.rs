//! `lockrig sim`.

mod mutants;

use std::io;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use crate::lock::Named;
use crate::run::{self, Caught, must_catch};
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
}

pub(super) fn sim(args: &SimArgs, terminal: &Terminal) -> Exit {
    match &args.command {
        SimCommand::Defects { mutants: Some(count), seed, json, .. } => {
            mutants::mutants(*count, *seed, *json, terminal)
        }
        SimCommand::Defects { score: true, seeds, json, .. } => self::score(*seeds, *json, terminal),
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

/// The library, and every case of the models that are simulated.
fn simulated(terminal: &Terminal) -> Option<(Library, Vec<Planned>)> {
    let (library, _) = Files::library().usable(&[], terminal)?;
    let is_simulated = |model: &Arc<str>| models().any(|known| known == &**model);
    let models = library.models.keys().filter(|model| is_simulated(model)).cloned().collect();
    let cases = expand(&library, &Selection { models, ..Selection::default() });
    Some((library, cases))
}

/// The table of defects and what catches them, computed from runs.
fn score(seeds: u64, json: bool, terminal: &Terminal) -> Exit {
    let Some((library, cases)) = simulated(terminal) else { return Exit::Usage };
    let defects: Vec<Defect> = Defect::WORDS.iter().map(|(_, defect)| *defect).collect();
    let all = run::score(&library, &cases, &defects, DEFAULT_SEED);
    let missed: Vec<&str> = all.iter().filter(|c| !c.is_caught()).map(|c| c.defect.word()).collect();
    let alarms = run::false_alarms(&library, &cases, seeds, None);
    if json {
        let row = |caught: &Caught| {
            json!({"defect": caught.defect, "must_catch": must_catch(caught.defect), "caught": caught.is_caught(), "unseen": caught.unseen,
                   "by": caught.by})
        };
        all.iter().for_each(|caught| terminal.line(&row(caught).to_string()));
        let false_alarms: Vec<_> =
            alarms.iter().map(|(seed, (case, ..))| json!({"seed": seed, "case": case})).collect();
        terminal.line(
            &json!({"defects": all.len(), "missed": missed, "seeds": seeds, "false_alarms": false_alarms})
                .to_string(),
        );
    } else {
        terminal.line(&format!(
            "{:<26} {:<38} {:>6}  {:>9}",
            "defect", "must be caught by", "models", "scenarios"
        ));
        for caught in &all {
            let mark = if caught.is_caught() { "" } else { "  MISSED" };
            terminal.line(&format!(
                "{:<26} {:<38} {:>6}  {:>9}{mark}",
                caught.defect.word(),
                must_catch(caught.defect).unwrap_or("any claim"),
                caught.models().len(),
                caught.by.len()
            ));
        }
        for (seed, (case, verdict, reason)) in &alarms {
            terminal.line(&format!("false alarm: seed {seed}, {case}: {verdict}, {reason}"));
        }
        terminal.line(&format!(
            "{} of {} defects caught by the claim that must catch them; false alarms: {} ({seeds} noise seeds over {} cases)",
            all.len() - missed.len(), all.len(), alarms.len(), cases.len()
        ));
    }
    if missed.is_empty() && alarms.is_empty() { Exit::Pass } else { Exit::Failed }
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
