//! `report.html`: one self-contained file, without scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::evidence::{CaseEntry, Counts, EvidenceError, read_results, traces};
use crate::unit::Instant;
use crate::verdict::{Decision, Verdict};

use super::summary::{Summary, overall};
use super::timeline::draw;

const STYLE: &str = include_str!("style.css");
/// More timelines than this make a file that nobody can open.
const MAX_TIMELINES: usize = 200;

/// The report of a run folder.
///
/// # Errors
/// The folder can't be read.
pub fn html(folder: &Path) -> Result<Vec<u8>, EvidenceError> {
    let summary = Summary::read(folder)?;
    let wanted: BTreeSet<&str> =
        summary.problems.iter().take(MAX_TIMELINES).map(|entry| entry.case.as_str()).collect();
    let mut drawings: BTreeMap<String, Markup> = BTreeMap::new();
    if !wanted.is_empty() {
        let lengths: BTreeMap<&str, u64> =
            summary.problems.iter().map(|entry| (entry.case.as_str(), entry.length_ns)).collect();
        traces(folder, &|case| wanted.contains(case), &mut |case, trace| {
            let length = lengths.get(case).copied().unwrap_or(0);
            drawings.insert(case.to_owned(), draw(&trace, Instant::from_nanoseconds(length)));
            Ok(())
        })?;
    }
    let mut rows = String::new();
    for entry in read_results(folder)? {
        rows.push_str(&row(&entry?).into_string());
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "lockrig " (summary.manifest.run) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(&summary))
                (matrix(&summary))
                (deviations(&summary))
                @if !summary.problems.is_empty() {
                    h2 { "What did not pass" }
                    @for entry in &summary.problems {
                        (problem(entry, drawings.get(&entry.case)))
                    }
                }
                (clauses(&summary))
                (omitted(&summary))
                (models(&summary))
                h2 { "All cases" }
                div.scroll { table {
                    thead { tr { th { "Verdict" } th { "Case" } th { "Length" } th { "Reason or parts" } } }
                    tbody { (PreEscaped(rows)) }
                } }
                p.small { "Times are " (if summary.manifest.provenance == "simulated" { "virtual: no real lock was touched." } else { "those of the rig." })
                    " A limit is met or broken only outside a guard band as wide as the expanded uncertainty (k = 2); within it the verdict is inconclusive."
                    " This is a conformity report; the results concern only the items tested." }
            }
        }
    };
    Ok(page.into_string().into_bytes())
}

fn verdict(verdict: Verdict) -> Markup {
    let symbol = match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::Inconclusive => "?",
        Verdict::Error => "!",
        Verdict::Aborted => "■",
        Verdict::NotApplicable => "–",
    };
    html! { span class={ "verdict " (verdict.word()) } { (symbol) " " (verdict.word().replace('_', " ")) } }
}

fn head(summary: &Summary) -> Markup {
    let manifest = &summary.manifest;
    let outcome = overall(&summary.counts);
    html! {
        h1 { "Reset certification " span.small { (manifest.run) ", " (manifest.provenance) } }
        p class={ "banner " (outcome.word()) } {
            (verdict(outcome)) " — "
            @for (index, known) in Verdict::ALL.iter().filter(|v| summary.counts.of(**v) > 0).enumerate() {
                @if index > 0 { ", " }
                (summary.counts.of(*known)) " " (known.word().replace('_', " "))
            }
        }
        dl {
            dt { "Provenance" } dd { (manifest.provenance) }
            dt { "Rig" } dd { (manifest.rig.title) " (" (manifest.rig.id) ")" }
            dt { "Device" } dd { "serial " (or_dash(manifest.device.serial.as_deref())) ", firmware " (or_dash(manifest.device.firmware.as_deref())) }
            dt { "Operator" } dd { (or_dash(manifest.operator.as_deref())) }
            dt { "Started" } dd { (manifest.started) }
            dt { "Seed" } dd { (manifest.seed) }
            @if let Some(defect) = &manifest.defect { dt { "Defect" } dd { "simulated: " (defect) } }
            @if let Some(earlier) = &manifest.resumes { dt { "Continues" } dd { (earlier) } }
            dt { "Tool" } dd { "lockrig " (manifest.tool) }
        }
    }
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("–")
}

fn matrix(summary: &Summary) -> Markup {
    let methods = summary.methods();
    html! {
        h2 { "Models and methods" }
        div.scroll { table {
            thead { tr { th { "Model" } @for method in &methods { th { (method) } } } }
            tbody {
                @for (model, row) in &summary.matrix {
                    tr {
                        td { (model) }
                        @for method in &methods {
                            td { @if let Some(counts) = row.get(method) { (cell(counts)) } @else { span.small { "not stated" } } }
                        }
                    }
                }
            }
        } }
    }
}

fn cell(counts: &Counts) -> Markup {
    let played = counts.total() - counts.of(Verdict::NotApplicable);
    if played == 0 {
        return html! { span.small { "none, by its source" } };
    }
    html! { (verdict(overall(counts))) br; span.small { (counts.of(Verdict::Pass)) " of " (played) " cases" } }
}

fn deviations(summary: &Summary) -> Markup {
    html! {
        @if !summary.deviations.is_empty() {
            h2 { "Documented deviations" }
            p.notice { "These models do what their manuals say and do not meet the clauses named here." }
            div.scroll { table {
                thead { tr { th { "Model" } th { "Deviation" } th { "Clauses not met, documented" } } }
                tbody {
                    @for (model, list) in &summary.deviations { @for (what, against) in list {
                        tr { td { (model) } td { (what) } td { (against.join(", ")) } }
                    } }
                }
            } }
        }
    }
}

fn omitted(summary: &Summary) -> Markup {
    html! {
        @if !summary.omitted.is_empty() {
            h2 { "Left out" }
            p.notice { "Nothing is claimed of these: the models' sources do not state, or state that there is none of, what a proof would need." }
            div.scroll { table {
                thead { tr { th { "Model" } th { "Claim" } th { "Reason" } } }
                tbody {
                    @for (model, list) in &summary.omitted { @for (claim, reason) in list {
                        tr { td { (model) } td { (claim) } td { (reason) } }
                    } }
                }
            } }
        }
    }
}

fn problem(entry: &CaseEntry, drawing: Option<&Markup>) -> Markup {
    html! {
        details id=(entry.case) open[entry.result.verdict == Verdict::Fail] {
            summary { (verdict(entry.result.verdict)) " " code { (entry.case) } }
            p { (visible(&entry.result.reason)) }
            div.scroll { table {
                thead { tr { th { "Part" } th { "Verdict" } th { "From" } th { "To" } th { "Reason" } } }
                tbody { @for part in &entry.result.parts {
                    tr { td { (part.name) } td { (verdict(part.verdict)) } td { (part.begin) } td { (part.end) } td { (visible(&part.reason)) } }
                } }
            } }
            @if !entry.result.measurements.is_empty() { (measurements(entry)) }
            @if let Some(drawing) = drawing { div.scroll { (drawing) } }
        }
    }
}

fn measurements(entry: &CaseEntry) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Measured" } th { "Value" } th { "Limit" } th { "Expanded uncertainty" } th { "Decision" } } }
            tbody { @for measurement in &entry.result.measurements {
                tr {
                    td { (measurement.name) } td { (measurement.value) }
                    td {
                        @if let Some(min) = measurement.limit.min { "≥ " (min) " " }
                        @if let Some(max) = measurement.limit.max { "≤ " (max) }
                    }
                    td { "± " (measurement.uncertainty) }
                    td { (match measurement.decision { Decision::Inside => "inside", Decision::GuardBand => "in the guard band", Decision::Outside => "outside" }) }
                }
            } }
        } }
    }
}

fn clauses(summary: &Summary) -> Markup {
    let title = |id: &str| {
        let all = summary.catalogue.scenarios.values().flat_map(|scenario| &scenario.clauses);
        all.clone().find(|(known, _)| known == id).map(|(_, title)| title.as_str()).unwrap_or_default()
    };
    html! {
        @if !summary.clauses.is_empty() {
            h2 { "Clauses" }
            div.scroll { table {
                thead { tr { th { "Clause" } th { "Requirement" } th { "Evidence" } } }
                tbody { @for (clause, counts) in &summary.clauses {
                    tr { td { (clause) } td { (title(clause)) } td { (cell(counts)) } }
                } }
            } }
        }
    }
}

fn models(summary: &Summary) -> Markup {
    html! {
        h2 { "Models and their sources" }
        div.scroll { table {
            thead { tr { th { "Model" } th { "Variant" } th { "Source" } th { "Mark" } th { "Conflicting sources" } } }
            tbody { @for (id, model) in &summary.catalogue.models {
                tr { td { (id) } td { (model.maker) " " (model.variant) } td { (model.source) } td { (model.mark) } td { (model.conflicts.join("; ")) } }
            } }
        } }
    }
}

fn row(entry: &CaseEntry) -> Markup {
    let parts =
        entry.result.parts.iter().filter(|part| !part.reason.is_empty() || part.verdict == Verdict::Pass);
    let names: Vec<&str> = parts.map(|part| part.name.as_str()).collect();
    html! {
        tr {
            td { (verdict(entry.result.verdict)) }
            td { code { (entry.case) } }
            td { (Instant::from_nanoseconds(entry.length_ns)) }
            td {
                @if entry.result.reason.is_empty() { span.small { (names.join(" · ")) } } @else { (visible(&entry.result.reason)) }
                @for (claim, reason) in &entry.result.omitted { br; span.small { "left out: " (claim) " – " (reason) } }
            }
        }
    }
}

/// Control and direction marks that a lock may have put into a text, made visible.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_control() => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
}
