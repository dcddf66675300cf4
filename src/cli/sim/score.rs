//! `lockrig sim defects --score`: which faults are found, by what, and how soon.

use std::time::Duration;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::lock::Named;
use crate::rig::Rig;
use crate::run::{self, Caught, FirstLife, Specimen, first_life, must_catch};
use crate::scenario::Library;
use crate::scenario::ast::Model;
use crate::sim::{Defect, Flaw, models};
use crate::unit;

use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::{DEFAULT_SEED, Simulated};

/// Explores locks with one fault for so long a model.
pub(super) struct Exploring<'a> {
    models: Vec<&'a Model>,
    rig: &'a Rig,
    budget: Duration,
}

impl<'a> Exploring<'a> {
    /// On all simulated models, if a budget is given; says what is wrong with one that is not a time.
    pub(super) fn wanted(
        budget: Option<&str>,
        library: &'a Library,
        rig: &'a Rig,
        terminal: &Terminal,
    ) -> Result<Option<Self>, ()> {
        let Some(text) = budget else { return Ok(None) };
        let budget: unit::Duration = unit::parse(text).map_err(|error| {
            terminal.error(&format!("`{text}` is not a time: {error}"), Some("write `5 s` or `1 min`"));
        })?;
        let models = models().filter_map(|id| library.models.get(id)).collect();
        Ok(Some(Self { models, rig, budget: Duration::from_nanos(budget.as_nanoseconds()) }))
    }

    /// The first life that shows a fault, on any of the models, or on one of them.
    pub(super) fn look(&self, flaw: Flaw, model: Option<&str>) -> Option<FirstLife> {
        let models = self.models.iter().copied();
        let models: Vec<&Model> =
            models.filter(|one| model.is_none_or(|wanted| *one.facts.id == *wanted)).collect();
        let specimen = Specimen { seed: DEFAULT_SEED, flaw: Some(flaw), variation: None };
        first_life(&models, self.rig, specimen, self.budget, u64::MAX)
    }
}

/// A fault, and what finds it.
struct Row {
    caught: Caught,
    life: Option<FirstLife>,
}

/// The table of defects and what catches them, computed from runs.
pub(super) fn score(seeds: u64, explore: Option<&str>, as_json: bool, terminal: &Terminal) -> Exit {
    let Some(Simulated { library, rig, cases }) = super::simulated(terminal) else { return Exit::Usage };
    let Ok(exploring) = Exploring::wanted(explore, &library, &rig, terminal) else { return Exit::Usage };
    let defects: Vec<Defect> = Defect::WORDS.iter().map(|(_, defect)| *defect).collect();
    let all = run::score(&library, &cases, &defects, DEFAULT_SEED);
    let look = |caught: Caught| {
        let life = exploring.as_ref().and_then(|exploring| exploring.look(Flaw::Defect(caught.defect), None));
        Row { caught, life }
    };
    let all: Vec<Row> = all.into_par_iter().map(look).collect();
    let alarms = run::false_alarms(&library, &cases, seeds, None);
    let words = |wanted: &dyn Fn(&Row) -> bool| -> Vec<&'static str> {
        all.iter().filter(|row| wanted(row)).map(|row| row.caught.defect.word()).collect()
    };
    let missed = words(&|row| !row.caught.is_caught());
    let by_lives = words(&|row| row.life.is_some() && !row.caught.is_caught());
    let by_claims = words(&|row| row.life.is_none() && row.caught.is_caught());
    let by_neither = words(&|row| row.life.is_none() && !row.caught.is_caught());
    if as_json {
        all.iter().for_each(|row| terminal.line(&record(row).to_string()));
        let false_alarms: Vec<_> =
            alarms.iter().map(|(seed, (case, ..))| json!({"seed": seed, "case": case})).collect();
        let mut last =
            json!({"defects": all.len(), "missed": missed, "seeds": seeds, "false_alarms": false_alarms});
        if exploring.is_some() {
            last["found_only_by_exploration"] = json!(by_lives);
            last["found_only_by_certification"] = json!(by_claims);
            last["found_by_neither"] = json!(by_neither);
        }
        terminal.line(&last.to_string());
    } else {
        show(&all, exploring.is_some(), terminal);
        for (seed, (case, verdict, reason)) in &alarms {
            terminal.line(&format!("false alarm: seed {seed}, {case}: {verdict}, {reason}"));
        }
        terminal.line(&format!(
            "{} of {} defects caught by the claim that must catch them; false alarms: {} ({seeds} noise seeds over {} cases)",
            all.len() - missed.len(), all.len(), alarms.len(), cases.len()
        ));
        if exploring.is_some() {
            for (what, list) in [
                ("found only by exploration", by_lives),
                ("found only by certification", by_claims),
                ("found by neither", by_neither),
            ] {
                terminal.text(&format!("{what}: {} ({})", list.len(), list.join(", ")), 2);
            }
        }
    }
    if missed.is_empty() && alarms.is_empty() { Exit::Pass } else { Exit::Failed }
}

fn show(all: &[Row], is_explored: bool, terminal: &Terminal) {
    let header = format!(
        "{:<26} {:<38} {:>6}  {:>9}  {:>20}",
        "defect", "must be caught by", "models", "scenarios", "first alarm after"
    );
    let header = if is_explored { format!("{header}  {:>30}", "exploration, after") } else { header };
    terminal.line(&header);
    for Row { caught, life } in all {
        let mark = if caught.is_caught() { "" } else { "  MISSED" };
        let first = caught.first.map_or_else(
            || "–".to_owned(),
            |first| format!("{} cases, {} ms", first.cases, first.wall.as_millis()),
        );
        let lives = match life {
            _ if !is_explored => String::new(),
            None => format!("  {:>30}", "–"),
            Some(life) => {
                let (deeds, ms) = (life.found.life.possible().len(), life.wall.as_millis());
                format!("  {:>30}", format!("{} lives, {ms} ms, {deeds} deeds", life.lives))
            }
        };
        terminal.line(&format!(
            "{:<26} {:<38} {:>6}  {:>9}  {first:>20}{lives}{mark}",
            caught.defect.word(),
            must_catch(caught.defect).unwrap_or("any claim"),
            caught.models().len(),
            caught.by.len()
        ));
    }
}

fn record(Row { caught, life }: &Row) -> Value {
    let first = caught.first.map(|first| {
        json!({"cases": first.cases, "virtual_s": first.virtual_time.as_nanoseconds() / 1_000_000_000,
               "wall_ms": milliseconds(first.wall)})
    });
    let life = life.as_ref().map(|life| {
        json!({"model": life.model, "method": life.method.word(), "deeds": life.found.life.possible().len(),
               "reason": life.found.reason, "lives": life.lives,
               "virtual_s": life.virtual_time.as_nanoseconds() / 1_000_000_000,
               "wall_ms": milliseconds(life.wall)})
    });
    json!({"defect": caught.defect, "must_catch": must_catch(caught.defect), "caught": caught.is_caught(),
           "unseen": caught.unseen, "by": caught.by, "first": first, "explored": life})
}

fn milliseconds(wall: Duration) -> u64 {
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}
