//! `lockrig list`.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;
use serde_json::json;

use crate::drivers::ports::{self, Port};
use crate::drivers::probe::{self, Found};
use crate::lock::Fact;
use crate::scenario::ast::Scenario;
use crate::scenario::{self, Content, Library, Selection, Start, clauses, expand};

use super::complete;
use super::exit::Exit;
use super::files::{Files, Kind, known};
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// What to list
    what: What,
    /// Of cases, list those of this model; may be repeated
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: Vec<String>,
    /// Of cases, list those of this scenario; may be repeated
    #[arg(long, add = ArgValueCompleter::new(complete::scenarios))]
    scenario: Vec<String>,
    /// Of cases, say why each is one: which combinations of levels no case before it has
    #[arg(long)]
    why: bool,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Lock models: maker, variant, radio, methods, kind of source, and coverage by claims
    Models,
    /// Scenarios with their titles
    Scenarios,
    /// Benches
    Rigs,
    /// Every case
    Cases,
    /// Clauses that scenarios provide evidence for
    Clauses,
    /// Debug probes on USB, and whether you may use them
    Probes,
    /// GPIO and PWM chips, serial ports and watchdogs on this machine, and whether you may use them
    Ports,
}

impl What {
    /// The columns of its table.
    fn heads(self) -> &'static [&'static str] {
        match self {
            Self::Models => {
                &["model", "maker", "variant", "radio", "methods", "source", "scenarios", "cases"]
            }
            Self::Scenarios => &["scenario", "claim"],
            Self::Rigs => &["rig", "evidence", "title"],
            Self::Cases => &["case", "why not played"],
            Self::Clauses => &["clause", "binding", "requirement", "scenarios"],
            Self::Probes => &["probe", "name", "kind", "access"],
            Self::Ports => &["port", "kind", "description", "access"],
        }
    }
}

/// A cell that is longer moves what stands behind it.
const WIDEST: usize = 400;

/// What the table shows, and the same for programs.
type Row = (Vec<String>, serde_json::Value);

pub(super) fn list(args: &ListArgs, terminal: &Terminal) -> Exit {
    let mut files = Files::library();
    let mut ids = |kind: Kind, words: &[String]| -> Vec<Arc<str>> {
        words.iter().flat_map(|word| files.ids_of(kind, word)).collect()
    };
    let selection = Selection {
        models: ids(Kind::Model, &args.model),
        scenarios: ids(Kind::Scenario, &args.scenario),
        ..Selection::default()
    };
    let asked_for: Vec<&str> = selection.models.iter().chain(&selection.scenarios).map(|id| &**id).collect();
    let Some((library, rigs)) = files.usable(&asked_for, terminal) else { return Exit::Usage };
    let models_are_known =
        selection.models.iter().try_for_each(|id| known("model", id, &library.models).map(drop));
    let are_known = models_are_known.and_then(|()| {
        selection.scenarios.iter().try_for_each(|id| known("scenario", id, &library.scenarios).map(drop))
    });
    if let Err((message, hint)) = are_known {
        terminal.error(&message, Some(&hint));
        return Exit::Usage;
    }
    let rows: Vec<Row> = match args.what {
        What::Ports => ports(),
        What::Probes => probes(),
        What::Models => models(&library),
        What::Scenarios => scenarios(&library),
        What::Rigs => rigs
            .values()
            .map(|rig| {
                let row = vec![rig.id.to_string(), rig.provenance().to_owned(), rig.title.clone()];
                (row, json!({"rig": rig.id, "provenance": rig.provenance(), "title": rig.title}))
            })
            .collect(),
        What::Cases => cases(&library, &selection, args.why),
        What::Clauses => clauses::ALL
            .iter()
            .map(|clause| {
                let names = |scenario: &&Scenario| scenario.clauses.iter().any(|id| **id == *clause.id);
                let covered: Vec<&str> = library.scenarios.values().filter(names).map(|s| &*s.id).collect();
                let row =
                    [clause.id, clause.obligation.word(), clause.requirement].map(str::to_owned).to_vec();
                let json = json!({"clause": clause.id, "requirement": clause.requirement, "text": clause.text,
                    "mark": clause.mark, "obligation": clause.obligation.word(), "shows": clause.shows,
                    "person": clause.person, "scenarios": covered});
                ([row, vec![covered.join(", ")]].concat(), json)
            })
            .collect(),
    };
    if args.json {
        rows.iter().for_each(|(_, json)| terminal.line(&json.to_string()));
    } else if rows.is_empty() {
        terminal.note("none");
    } else {
        let why = if args.why && matches!(args.what, What::Cases) { &["why it is a case"][..] } else { &[] };
        table(&[args.what.heads(), why].concat(), &rows, terminal);
    }
    Exit::Pass
}

fn ports() -> Vec<Row> {
    let row = |port: Port| {
        let json = json!({"port": port.path, "kind": port.kind, "description": port.description,
                          "accessible": port.denied.is_none(), "denied": port.denied});
        let access = port.denied.unwrap_or_else(|| "accessible".to_owned());
        (vec![port.path, port.kind.to_owned(), port.description, access], json)
    };
    ports::all().into_iter().map(row).collect()
}

fn probes() -> Vec<Row> {
    let row = |found: Found| {
        let probe = found.selector.to_string();
        let json = json!({"probe": probe, "name": found.name, "kind": found.kind,
                          "accessible": found.denied.is_none(), "denied": found.denied});
        let access = found.denied.unwrap_or_else(|| "accessible".to_owned());
        (vec![probe, found.name, found.kind, access], json)
    };
    probe::all().into_iter().map(row).collect()
}

fn table(heads: &[&str], rows: &[Row], terminal: &Terminal) {
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|(row, _)| row).chain([&heads]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    if widths.iter().sum::<usize>() + 2 * widths.len() > terminal.columns() {
        return blocks(&heads, rows, terminal);
    }
    for row in [&heads].into_iter().chain(rows.iter().map(|(row, _)| row)) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        terminal.line(cells.join("  ").trim_end());
    }
}

/// The same where the table would be too wide: what a row is about, and below it the rest.
fn blocks(heads: &[String], rows: &[Row], terminal: &Terminal) {
    for (row, _) in rows {
        let mut cells = heads.iter().zip(row);
        if let Some((_, first)) = cells.next() {
            terminal.line(first);
        }
        for (head, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            let text = format!("  {}: {cell}", head.to_lowercase());
            terminal.text(&text, 4);
        }
    }
}

fn models(library: &Library) -> Vec<Row> {
    let planned = expand(library, &Selection::default());
    let row = |model: &crate::scenario::ast::Model| {
        let own = planned.iter().filter(|case| case.model == model.facts.id);
        let (mut claims, mut cases) = (BTreeSet::new(), 0);
        for case in own.filter(|case| matches!(case.build(library, Start::Delivered), Content::Play(_))) {
            cases += 1;
            claims.insert(Arc::clone(&case.scenario));
        }
        let methods: Vec<&str> = model
            .methods
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::Known(_)))
            .map(|(method, _)| method.word())
            .collect();
        let facts = &model.facts;
        let json = json!({
            "model": facts.id, "maker": facts.maker, "variant": facts.variant, "methods": methods,
            "radio": facts.radio, "scenarios": claims, "cases": cases,
            "source": {"title": facts.source.title, "document": facts.source.document,
                       "kind": facts.source.kind, "conflicts": facts.source.conflicts},
        });
        let row = vec![
            facts.id.to_string(),
            facts.maker.clone(),
            facts.variant.clone(),
            facts.radio.iter().map(|radio| radio.word()).collect::<Vec<_>>().join(", "),
            methods.join(", "),
            facts.source.kind.word().to_owned(),
            format!("{} of {}", claims.len(), library.scenarios.len()),
            cases.to_string(),
        ];
        (row, json)
    };
    library.models.values().map(row).collect()
}

fn scenarios(library: &Library) -> Vec<Row> {
    let row = |scenario: &crate::scenario::ast::Scenario| {
        let row = vec![scenario.id.to_string(), scenario.title.clone()];
        let json = json!({"scenario": scenario.id, "title": scenario.title, "clauses": scenario.clauses});
        (row, json)
    };
    library.scenarios.values().map(row).collect()
}

fn cases(library: &Library, selection: &Selection, with_why: bool) -> Vec<Row> {
    let row = |case: crate::scenario::Planned| {
        let reason = match case.build(library, Start::Delivered) {
            Content::Play(_) => String::new(),
            Content::NotApplicable(reason) => format!("not applicable: {reason}"),
            Content::Unprovable(reason) => format!("inconclusive: {reason}"),
        };
        let mut json = json!({"case": case.id, "model": case.model, "method": case.method,
                              "scenario": case.scenario, "not_applicable": reason});
        let mut row = vec![case.id.to_string(), reason];
        if with_why {
            let why = scenario::why(library, &case);
            json["why"] = why.as_str().into();
            row.push(why);
        }
        (row, json)
    };
    expand(library, selection).into_iter().map(row).collect()
}
