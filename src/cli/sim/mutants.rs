//! `lockrig sim defects --mutants`: how many faults that nobody chose the claims catch.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde_json::json;

use crate::run::{self, Fate, Hunted};
use crate::sim::{Flaw, draw_mutants};
use crate::statistics::wilson;
use crate::unit::counted;

use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::score::Exploring;
use super::{DEFAULT_SEED, Simulated, simulated};

/// Draws mutants, plays them, and shows how many were caught and what became of the others.
pub(super) fn mutants(
    count: u32,
    seed: u64,
    explore: Option<&str>,
    as_json: bool,
    terminal: &Terminal,
) -> Exit {
    let Some(Simulated { library, rig, cases }) = simulated(terminal) else { return Exit::Usage };
    let Ok(exploring) = Exploring::wanted(explore, &library, &rig, terminal) else { return Exit::Usage };
    let drawn = draw_mutants(seed, count as usize);
    if drawn.len() < count as usize {
        terminal.warning(&format!("there are no more than {} mutants", drawn.len()));
    }
    // The seed is that of `certify`, which has to show the same when a survivor is played.
    let mut all = run::hunt(&library, &cases, &drawn, DEFAULT_SEED);
    if let Some(exploring) = exploring {
        let survivors = all.par_iter_mut().filter(|hunted| hunted.fate() != Fate::Caught);
        survivors.for_each(|hunted| {
            hunted.life = exploring.look(Flaw::Mutant(hunted.mutant), Some(hunted.model));
        });
    }
    if as_json {
        terminal.line(&record(&all, seed));
    } else {
        show(&all, terminal);
    }
    Exit::Pass
}

fn survivors(all: &[Hunted]) -> impl Iterator<Item = &Hunted> {
    all.iter().filter(|hunted| !matches!(hunted.fate(), Fate::Caught | Fate::Explored))
}

/// How many were caught, and how many showed anything that a sound lock does not: the others may be no other lock.
fn totals(all: &[Hunted]) -> (usize, usize) {
    let differs = |hunted: &&Hunted| matches!(hunted.fate(), Fate::Caught | Fate::Explored | Fate::Unopposed);
    (all.len() - survivors(all).count(), all.iter().filter(differs).count())
}

fn designs(all: &[Hunted]) -> usize {
    all.iter().map(|hunted| hunted.model).collect::<BTreeSet<_>>().len()
}

fn share(hits: usize, all: usize) -> f64 {
    hits as f64 / all.max(1) as f64
}

fn command(hunted: &Hunted) -> String {
    format!("lockrig certify --model {} --defect {}", hunted.model, hunted.mutant)
}

fn record(all: &[Hunted], seed: u64) -> String {
    let (caught, differing) = totals(all);
    let survivor = |hunted: &Hunted| {
        json!({"model": hunted.model, "mutant": hunted.mutant.word(), "described": hunted.mutant.described(),
               "fate": hunted.fate(), "reason": hunted.reason(), "cases": hunted.cases, "acted": hunted.acted,
               "play": command(hunted)})
    };
    let survived: Vec<_> = survivors(all).map(survivor).collect();
    json!({"seed": seed, "drawn": all.len(), "designs": designs(all), "caught": caught,
           "share": share(caught, all.len()), "interval": wilson(caught, all.len()), "differing": differing,
           "share_of_differing": share(caught, differing), "interval_of_differing": wilson(caught, differing),
           "only_by_exploration": all.iter().filter(|hunted| hunted.fate() == Fate::Explored).count(),
           "cases": all.iter().map(|hunted| hunted.cases).sum::<usize>(), "survivors": survived})
    .to_string()
}

fn show(all: &[Hunted], terminal: &Terminal) {
    let (caught, differing) = totals(all);
    for hunted in survivors(all) {
        let (model, mutant, fate) = (hunted.model, hunted.mutant, hunted.fate());
        let line = format!("{model}  {mutant}  {fate}: {}; {}", mutant.described(), hunted.reason());
        terminal.text(&line, 2);
        // A command stands alone, so that it can be copied.
        terminal.line(&format!("  {}", command(hunted)));
    }
    let of = |all: usize| {
        let (low, high) = wilson(caught, all);
        let percent = 100.0 * share(caught, all);
        format!("{percent:.1} % (95 % interval: {:.1} to {:.1} %)", 100.0 * low, 100.0 * high)
    };
    let (drawn, designs) = (counted(all.len() as u64, "mutant"), counted(designs(all) as u64, "design"));
    terminal.text(&format!("{drawn} of {designs}: {caught} caught, {}", of(all.len())), 2);
    let explored = all.iter().filter(|hunted| hunted.fate() == Fate::Explored);
    let explored: Vec<String> =
        explored.map(|hunted| format!("{} {}", hunted.model, hunted.mutant)).collect();
    if !explored.is_empty() {
        let line = format!("{} of them only by exploration: {}", explored.len(), explored.join(", "));
        terminal.text(&line, 2);
    }
    let line = format!("{differing} showed what no sound lock shows: {} of those were caught", of(differing));
    terminal.text(&line, 2);
}
