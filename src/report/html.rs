//! `report.html`: one self-contained file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::evidence::{CaseEntry, Counts, EvidenceError, Scene, SceneReader, read_results};
use crate::unit::visible;
use crate::verdict::Verdict;

use super::case::case;
use super::clauses;
use super::findings::findings;
use super::summary::{Summary, UNTRIED, overall, told};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");
/// More problems than this are in the table of all cases only.
const MAX_PROBLEMS: usize = 100;
/// So many of them are open at first.
const OPEN_PROBLEMS: usize = 5;
/// Bytes of packed details; of what is beyond it, the journal has the timelines.
const MAX_DETAILS: usize = 15 << 20;
/// So many results are read before their details are packed.
const AT_ONCE: usize = 256;
/// Details of so many neighbours are packed together: they say much the same.
const TOGETHER: usize = 32;

/// Writes the report of a run folder, piece by piece: a run of many cases is never held as a whole.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn html(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    write_html(&Summary::read(folder)?, folder, out)
}

pub(super) fn write_html(summary: &Summary, folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    let scenes = SceneReader::open(folder)?;
    let mut write = |text: &str| out.write_all(text.as_bytes()).map_err(EvidenceError::io(folder));
    write(&top(summary).into_string())?;
    for (index, entry) in summary.problems.iter().take(MAX_PROBLEMS).enumerate() {
        let scene = scenes.read(&entry.case)?;
        write(
            &problem(entry, scene.as_ref(), summary.title(&entry.scenario), index < OPEN_PROBLEMS)
                .into_string(),
        )?;
    }
    write(&middle(summary).into_string())?;
    write("<script type=\"text/plain\" id=\"details\">")?;
    let mut places = Vec::new();
    let (mut lines, mut bytes) = (0, 0);
    let mut entries = read_results(folder)?;
    loop {
        let batch = entries.by_ref().take(AT_ONCE).collect::<Result<Vec<_>, _>>()?;
        if batch.is_empty() {
            break;
        }
        // What no longer fits is not made.
        let is_full = bytes >= MAX_DETAILS;
        let made = |entries| if is_full { Ok(None) } else { details(entries, &scenes) };
        let made: Result<Vec<_>, _> = batch.par_chunks(TOGETHER).map(made).collect();
        for (entries, made) in batch.chunks(TOGETHER).zip(made?) {
            let Some((numbers, packed)) = made.filter(|_| bytes < MAX_DETAILS) else {
                places.extend(entries.iter().map(|_| None));
                continue;
            };
            places.extend(numbers.into_iter().map(|number| Some((lines, number?))));
            write(&packed)?;
            write("\n")?;
            (lines, bytes) = (lines + 1, bytes + packed.len());
        }
    }
    let words: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.word()).collect();
    write("</script><script type=\"application/json\" id=\"cases\">")?;
    let titles: BTreeMap<_, _> =
        summary.catalogue.scenarios.iter().map(|(id, scenario)| (id, visible(&scenario.title))).collect();
    let titles = serde_json::json!(titles).to_string().replace('<', "\\u003c");
    write(&format!("{{\"verdicts\":{},\"titles\":{titles},\"cases\":[", serde_json::json!(words)))?;
    for (index, (entry, at)) in read_results(folder)?.zip(places).enumerate() {
        let entry = entry?;
        let verdict = Verdict::ALL.iter().position(|known| *known == entry.result.verdict);
        let reason = visible(&entry.result.reason);
        let row = serde_json::json!([entry.case, verdict, entry.length_ns / 1_000_000, reason, at]);
        let comma = if index > 0 { "," } else { "" };
        // Within a script element only `<` could end it.
        write(&format!("{comma}{}", row.to_string().replace('<', "\\u003c")))?;
    }
    write(&format!("]}}</script><script>{SCRIPT}</script></body></html>\n"))
}

/// Details of cases, packed into one line, with the number of each within it; a repetition that passed has none.
type Details = (Vec<Option<usize>>, String);

/// `None` if none of the cases has any.
fn details(entries: &[CaseEntry], scenes: &SceneReader) -> Result<Option<Details>, EvidenceError> {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for entry in entries {
        let is_wanted = entry.result.verdict != Verdict::Pass || entry.case.ends_with("~r1");
        let has_details = is_wanted && scenes.has(&entry.case);
        numbers.push(has_details.then_some(texts.len()));
        if has_details {
            texts.push(case(entry, scenes.read(&entry.case)?.as_ref()).into_string());
        }
    }
    Ok((!texts.is_empty()).then(|| (numbers, packed(&serde_json::to_string(&texts).unwrap_or_default()))))
}

/// Everything before what did not pass.
fn top(summary: &Summary) -> Markup {
    let count = summary.problems.len();
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { "lockrig " (summary.manifest.run) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        (head(summary))
        (matrix(summary))
        (deviations(summary))
        (found(summary))
        (repetitions(summary))
        @if count > 0 { h2 { "Cases that did not pass" } }
        @if count > MAX_PROBLEMS {
            p.notice { "The first " (MAX_PROBLEMS) " of " (count) "; " a href="#verdict=problems" { "the table of all cases" } " has them all." }
        }
    }
}

/// Cases that were played several times, with the share of passes that lies behind them.
fn repetitions(summary: &Summary) -> Markup {
    let all = summary.repetitions();
    html! {
        @if !all.is_empty() {
            h2 { "Repeated cases" }
            p.small { "What share of all repetitions would pass lies between these bounds (95 %, Clopper and Pearson). A flaky case passes one time and fails another: it counts as failed." }
            div.scroll { table {
                thead { tr { th scope="col" { "Case" } th scope="col" { "Passed" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "" } } }
                tbody { @for one in all.iter().take(MAX_PROBLEMS) {
                    tr {
                        td { code { (one.case) } } td { (one.passed) " of " (one.told) }
                        td { (percent(one.interval.0)) } td { (percent(one.interval.1)) }
                        td { @if one.is_flaky() { strong { "flaky" } } }
                    }
                } }
            } }
            @if all.len() > MAX_PROBLEMS { p.notice { "The first " (MAX_PROBLEMS) " of " (all.len()) "." } }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Findings: what to look into, each with the shortest case that shows it.
fn found(summary: &Summary) -> Markup {
    let all = findings(&summary.problems);
    html! {
        @if !all.is_empty() {
            h2 { "Findings" }
            p.small { "Cases of one model that did not pass in the same part form one finding; start with the shortest case." }
            div.scroll { table {
                thead { tr { th scope="col" { "No." } th scope="col" { "Verdict" } th scope="col" { "Model" } th scope="col" { "Where" } th scope="col" { "Why" } th scope="col" { "Shortest case" } th scope="col" { "Cases" } } }
                tbody { @for finding in all.iter().take(MAX_PROBLEMS) {
                    tr {
                        td { (finding.number) } td { (verdict(finding.verdict)) } td { (finding.model) }
                        td { (visible(&finding.part)) } td { (visible(&finding.reason)) }
                        td { a href={ "#case=" (finding.shortest) } { code { (finding.shortest) } } }
                        td { (finding.cases) }
                    }
                } }
            } }
        }
    }
}

fn problem(entry: &CaseEntry, scene: Option<&Scene>, title: &str, is_open: bool) -> Markup {
    html! {
        details open[is_open] {
            summary { (verdict(entry.result.verdict)) " " code { (entry.case) } " " (visible(&entry.result.reason)) }
            p.claim { (visible(title)) }
            (case(entry, scene))
        }
    }
}

/// Everything after what did not pass, but for the data.
fn middle(summary: &Summary) -> Markup {
    html! {
        (clauses::section(summary))
        (scenarios(summary))
        (omitted(summary))
        (models(summary))
        (browser())
        p.small { "Times are " (if summary.manifest.provenance == "simulated" { "virtual: no real lock was touched." } else { "as measured by the rig." })
            " A limit counts as met or violated only outside a guard band as wide as the expanded uncertainty (k = 2); within it the verdict is inconclusive."
            " This is a conformity report; the results relate only to the items tested." }
    }
}

/// Nothing is loaded, and nothing runs but what this file was written with.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// Gzip in base64: what a browser unpacks when it is asked for.
fn packed(text: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(2));
    // Writing to memory can't fail.
    let _ = encoder.write_all(text.as_bytes());
    STANDARD.encode(encoder.finish().unwrap_or_default())
}

pub(super) fn verdict(verdict: Verdict) -> Markup {
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
    let outcome = summary.outcome();
    html! {
        h1 { "Reset certification " span.small { (manifest.run) ", " (manifest.provenance) } }
        p class={ "banner " (outcome.word()) } {
            @if summary.was_killed() && outcome != Verdict::Aborted { (verdict(Verdict::Aborted)) " " }
            (verdict(outcome)) " — " (told(&summary.counts))
            @if summary.was_killed() { "; the run was killed, and this is what its journal proves" }
            @if summary.unplayed() > 0 {
                "; interrupted: " (summary.unplayed()) " of " (summary.manifest.planned) " cases were not played"
            }
            @if let Some(earlier) = &manifest.earlier { "; earlier: " (told(earlier)) }
        }
        @let untried = summary.untried_codes();
        @if !untried.is_empty() { p.notice { "Not certified: " (untried.join(", ")) ": " (UNTRIED) "." } }
        @for (clause, models) in summary.unshown() {
            p.notice { "Not certified: " (models.join(", ")) ": no passing case shows " (clause) "." }
        }
        dl {
            dt { "Provenance" } dd { (manifest.provenance) }
            dt { "Rig" } dd { (visible(&manifest.rig.title)) " (" (manifest.rig.id) ")" }
            dt { "Device" } dd { "serial " (or_dash(manifest.device.serial.as_deref())) ", firmware " (or_dash(manifest.device.firmware.as_deref())) }
            dt { "Operator" } dd { (or_dash(manifest.operator.as_deref())) }
            dt { "Started" } dd { (manifest.started) }
            dt { "Seed" } dd { (manifest.seed) }
            @if let Some(defect) = &manifest.defect { dt { "Defect" } dd { "simulated: " (defect) } }
            @if let Some(variation) = &manifest.variation { dt { "Variation" } dd { "simulated: " (variation) } }
            @if let Some(earlier) = &manifest.resumes { dt { "Continues run" } dd { (earlier) } }
            dt { "Tool" } dd { "lockrig " (manifest.tool) }
        }
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.map_or_else(|| "–".to_owned(), visible)
}

fn matrix(summary: &Summary) -> Markup {
    let methods = summary.methods();
    html! {
        h2 { "Models and methods" }
        p.small { "Cases passed out of cases played. n/a: not applicable, for the reason given with the case; –: the source says nothing about it." }
        div.scroll { table {
            thead { tr { th scope="col" { "Model" } @for method in &methods { th scope="col" { (method) } } } }
            tbody {
                @for (model, row) in &summary.matrix {
                    tr {
                        th scope="row" { a href={ "#model=" (model) } { (model) } }
                        @for method in &methods {
                            td { @if let Some(counts) = row.get(method) { (cell(counts)) } @else { span.small { "–" } } }
                        }
                    }
                }
            }
        } }
    }
}

pub(super) fn cell(counts: &Counts) -> Markup {
    let played = counts.total() - counts.of(Verdict::NotApplicable);
    if played == 0 {
        return html! { span.small { "n/a" } };
    }
    html! { (verdict(overall(counts))) " " span.small { (counts.of(Verdict::Pass)) "/" (played) } }
}

fn deviations(summary: &Summary) -> Markup {
    html! {
        @if !summary.deviations.is_empty() {
            h2 { "Documented deviations" }
            p.notice { "These models behave as their manuals say, and do not meet the clauses named here." }
            div.scroll { table {
                thead { tr { th { "Model" } th { "Deviation" } th { "Clauses documented as not met" } } }
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
            p.notice { "No claim is made about these: the models' sources do not state what a proof would need, or state that the lock does not have it." }
            div.scroll { table {
                thead { tr { th { "Model" } th { "Claim" } th { "Reason" } } }
                tbody {
                    @for (model, list) in &summary.omitted { @for (claim, reason) in list {
                        tr { td { (model) } td { (visible(claim)) } td { (visible(reason)) } }
                    } }
                }
            } }
        }
    }
}

/// Each claim with what came of it.
fn scenarios(summary: &Summary) -> Markup {
    html! {
        h2 { "Claims" }
        div.scroll { table {
            thead { tr { th scope="col" { "Claim" } th scope="col" { "Scenario" } th scope="col" { "Evidence" } } }
            tbody { @for (id, counts) in &summary.scenarios {
                tr { td { (summary.title(id)) } th scope="row" { a href={ "#scenario=" (id) } { (id) } } td { (cell(counts)) } }
            } }
        } }
    }
}

/// The table of all cases, filled by the script.
fn browser() -> Markup {
    let choice = |name: &str, label: &str, options: &[(&str, &str)]| {
        html! {
            label { (label) " "
                select name=(name) id={ "by-" (name) } {
                    @for (value, text) in options { option value=(value) { (text) } }
                }
            }
        }
    };
    let verdicts = [
        ("played", "all played"),
        ("problems", "not passed"),
        ("fail", "fail"),
        ("error", "error"),
        ("inconclusive", "inconclusive"),
        ("aborted", "aborted"),
        ("pass", "pass"),
        ("not_applicable", "not applicable"),
        ("all", "all, played or not"),
    ];
    html! {
        h2 id="all" { "All cases" }
        noscript { p.notice { "This table needs JavaScript. `results.json` and `lockrig report RUN --format csv` have all cases." } }
        section id="detail" tabindex="-1" hidden aria-labelledby="detail-name" {
            h3 id="detail-name" {}
            p id="detail-title" {}
            div id="detail-body" {}
        }
        div id="browse" hidden {
            form id="filters" {
                (choice("verdict", "Verdict", &verdicts))
                (choice("model", "Model", &[("", "any")]))
                (choice("method", "Method", &[("", "any")]))
                (choice("scenario", "Scenario", &[("", "any")]))
                label { "Text " input type="search" name="text" id="by-text"; }
            }
            p.small id="count" aria-live="polite" {}
            div.scroll { table.cases {
                thead { tr { th scope="col" { "Verdict" } th scope="col" { "Case" } th scope="col" { "Length" } th scope="col" { "Reason" } } }
                tbody id="rows" {}
            } }
            button type="button" id="more" hidden { "Show more" }
        }
    }
}

fn models(summary: &Summary) -> Markup {
    html! {
        h2 { "Models and their sources" }
        div.scroll { table {
            thead { tr { th { "Model" } th { "Variant" } th { "Source" } th { "Kind" } th { "Conflicting sources" } } }
            tbody { @for (id, model) in &summary.catalogue.models {
                tr { td { (id) } td { (visible(&model.maker)) " " (visible(&model.variant)) } td { (visible(&model.source)) } td { (model.source_kind) } td { (visible(&model.conflicts.join("; "))) } }
            } }
        } }
    }
}
