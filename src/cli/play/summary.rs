//! The end of a run: what failed, the matrix, and where the evidence lies.

use std::path::Path;

use serde_json::json;

use crate::evidence::{CaseEntry, Counts};
use crate::report::{Finding, Summary, UNTRIED, findings, overall, told};
use crate::rig::Rig;
use crate::run::{gaps, start_of};
use crate::scenario::{Content, Library, Plan};
use crate::unit::{Duration, Spoken, counted, visible};
use crate::verdict::Verdict;

use super::progress::Said;
use super::proof::Proof;
use super::{Exit, Terminal, shown, typed};

/// More than these are in the report.
const MAX_FINDINGS: usize = 20;

pub(super) fn print(
    summary: &Summary,
    folder: &Path,
    (exit, proof): (Exit, Option<Proof>),
    said: Said,
    next: &dyn Fn(&CaseEntry) -> (&'static str, String),
    terminal: &Terminal,
) {
    let report = folder.join("report.html");
    let found = findings(&summary.problems);
    if said == Said::Nothing {
        terminal.line(
            &json!({
                "run": summary.manifest.run, "folder": shown(folder), "report": shown(&report),
                "untested_codes": summary.untried_codes(), "unshown_clauses": summary.unshown(), "counts": summary.counts, "planned": summary.manifest.planned, "exit": exit.code(),
                "proof": proof.map(|proof| {
                    let (proved, others) = proof.of(summary);
                    json!({"runs": proof.runs, "proved": proved, "not_proved": others})
                }),
                "repeated": summary.repetitions().iter().map(|one| json!({
                    "case": one.case, "passed": one.passed, "told": one.told, "flaky": one.is_flaky(),
                    "from": one.interval.0, "to": one.interval.1,
                })).collect::<Vec<_>>(),
                "findings": found.iter().map(|finding| json!({
                    "number": finding.number, "model": finding.model, "verdict": finding.verdict, "part": finding.part,
                    "reason": finding.reason, "shortest_case": finding.shortest, "cases": finding.cases,
                    "scenarios": finding.scenarios,
                })).collect::<Vec<_>>(),
                "problems": summary.problems.iter().map(|entry| json!({
                    "case": entry.case, "verdict": entry.result.verdict, "reason": entry.result.reason,
                })).collect::<Vec<_>>(),
            })
            .to_string(),
        );
        return;
    }
    let closes = summary.manifest.resumes.as_ref().filter(|_| summary.manifest.planned == 0);
    if let Some(run) = closes {
        terminal.line(&format!("nothing was left to play in {run}; this run closes it"));
    } else {
        played(summary, said, &found, terminal);
    }
    if let Some(proof) = proof {
        proof.tell(summary, terminal);
    }
    if let (Some(run), Some(earlier)) = (&summary.manifest.resumes, &summary.manifest.earlier) {
        let verdict = overall(earlier);
        terminal.line(&format!("earlier, in {run}: {}", terminal.paint(verdict, &told(earlier))));
    }
    if summary.unplayed() > 0 {
        terminal.line(&format!("interrupted, cases not played: {}; to continue:", summary.unplayed()));
        terminal.line(&format!("  lockrig run --resume {}", typed(&shown(folder))));
    }
    terminal.line(&format!("report: {}", shown(&report)));
    let first = found.first().map(|finding| &finding.shortest);
    if let Some(worst) = first.and_then(|case| summary.problems.iter().find(|entry| entry.case == *case)) {
        // A command stands alone, so that it can be copied.
        let (what, command) = next(worst);
        terminal.line("see it in the report:");
        terminal.line(&format!("  {}#case={}", shown(&report), worst.case));
        terminal.line(&format!("{what}:"));
        terminal.line(&format!("  {command}"));
    }
}

/// What the cases of this run came to.
fn played(summary: &Summary, said: Said, found: &[Finding], terminal: &Terminal) {
    if said != Said::Little {
        if said != Said::Cases {
            matrix(summary, terminal);
        }
        deviations(summary, terminal);
    }
    if !summary.problems.is_empty() && said != Said::Little {
        terminal.line("");
        for finding in found.iter().take(MAX_FINDINGS) {
            let verdict = terminal.verdict(finding.verdict, 12);
            let headline = format!("{verdict} {}", visible(&finding.headline()));
            terminal.text(&headline, 13);
            let scenario = finding.shortest.split('~').next().unwrap_or_default();
            if let Some(scenario) = summary.catalogue.scenarios.get(scenario) {
                let claim = format!("             claim: {}", visible(&scenario.title));
                terminal.text(&claim, 13);
            }
            terminal.line(&format!("             shortest case: {}", finding.shortest));
        }
        if found.len() > MAX_FINDINGS {
            terminal.line(&format!("… and {} more in the report", found.len() - MAX_FINDINGS));
        }
    }
    repetitions(summary, terminal);
    terminal.line("");
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| summary.counts.of(**verdict) > 0)
        .map(|verdict| {
            terminal.paint(
                *verdict,
                &format!("{} {}", summary.counts.of(*verdict), verdict.word().replace('_', " ")),
            )
        })
        .collect();
    terminal.line(&format!("{} ({})", counts.join(", "), summary.manifest.provenance));
    let omitted: usize = summary.omitted.values().map(std::collections::BTreeMap::len).sum();
    if omitted > 0 {
        terminal.line(&format!(
            "{} left out, because the sources do not state what is needed: see the report",
            counted(omitted as u64, "claim")
        ));
    }
    if let (Some(defect), true) = (&summary.manifest.defect, summary.problems.is_empty()) {
        terminal
            .line(&format!("no case caught defect `{defect}`: these claims and models do not exercise it"));
    }
    let untried = summary.untried_codes();
    if !untried.is_empty() {
        let line = format!("not certified: {}: {UNTRIED}", untried.join(", "));
        terminal.line(&terminal.paint(Verdict::Inconclusive, &line));
    }
    for (clause, models) in summary.unshown() {
        let requirement =
            summary.catalogue.clauses.get(clause).map_or("", |known| known.requirement.as_str());
        let line =
            format!("not certified: {}: no passing case shows {clause} ({requirement})", models.join(", "));
        terminal.line(&terminal.paint(Verdict::Inconclusive, &line));
    }
    if !summary.executed_anything() {
        terminal.line("no case was played, so nothing is proved");
    }
}

/// What cases that were played several times came to: flaky ones by name, the others together.
fn repetitions(summary: &Summary, terminal: &Terminal) {
    let all = summary.repetitions();
    let (flaky, same): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.is_flaky());
    if all.is_empty() {
        return;
    }
    terminal.line("");
    for one in flaky.iter().take(MAX_FINDINGS) {
        terminal.text(&format!("flaky: {}: {}", visible(one.case), one.told()), 7);
    }
    if flaky.len() > MAX_FINDINGS {
        terminal.line(&format!("… and {} more flaky cases in the report", flaky.len() - MAX_FINDINGS));
    }
    let least = same.iter().filter(|one| one.is_perfect()).min_by_key(|one| one.told);
    if let Some(one) = least {
        let passing = same.iter().filter(|one| one.is_perfect()).count() as u64;
        terminal.text(&format!("{} passed every time: {}", counted(passing, "case"), one.told()), 2);
    }
}

fn matrix(summary: &Summary, terminal: &Terminal) {
    let methods = summary.methods();
    let model_width = summary.matrix.keys().map(String::len).max().unwrap_or(5).max(5);
    let width = 12;
    let mut head = format!("{:<model_width$}", "");
    for method in &methods {
        head.push_str(&format!("  {:<width$}", method.word()));
    }
    terminal.line("");
    terminal.line(head.trim_end());
    for (model, row) in &summary.matrix {
        let mut line = format!("{model:<model_width$}");
        for method in &methods {
            let text = row.get(method).map_or_else(|| "–".to_owned(), cell);
            let verdict = row.get(method).map_or(Verdict::NotApplicable, overall);
            let padding =
                if Some(method) == methods.last() { 0 } else { width - text.chars().count().min(width) };
            line.push_str("  ");
            line.push_str(&terminal.paint(verdict, &text));
            line.push_str(&" ".repeat(padding));
        }
        terminal.line(line.trim_end());
    }
    terminal.line("(n/a: not applicable, the report says why; –: the source says nothing about it)");
}

fn cell(counts: &Counts) -> String {
    let played = counts.total() - counts.of(Verdict::NotApplicable);
    match overall(counts) {
        Verdict::Pass => format!("pass {played}"),
        Verdict::NotApplicable => "n/a".to_owned(),
        worst => format!("{} {}/{played}", worst.word(), counts.of(worst)),
    }
}

fn deviations(summary: &Summary, terminal: &Terminal) {
    for (model, list) in &summary.deviations {
        for (what, against) in list {
            let clauses = if against.is_empty() {
                String::new()
            } else {
                format!("; documented as not meeting {}", against.join(", "))
            };
            terminal.line(&format!("{model} {what}{clauses}"));
        }
    }
}

/// Lists a plan with the longest time each case can take, and what the rig lacks for it.
pub(super) fn dry_run(library: &Library, rig: &Rig, plan: &Plan, as_json: bool, terminal: &Terminal) {
    let mut total = Duration::ZERO;
    let (mut playable, mut lacking) = (0, 0);
    for case in plan.cases() {
        let (program, reason) = match case.build(library, start_of(rig)) {
            Content::Play(program) => (Some(program), String::new()),
            Content::NotApplicable(reason) | Content::Unprovable(reason) => (None, reason),
        };
        let facts = library.models.get(&case.model).map(|model| &model.facts);
        let lacks = program.as_ref().zip(facts).map(|(program, facts)| gaps(program, rig, facts));
        let lacks = lacks.unwrap_or_default();
        let time = program.map(|program| program.longest()).filter(|_| lacks.is_empty());
        total = total.saturating_add(time.unwrap_or_default());
        playable += usize::from(time.is_some());
        lacking += usize::from(!lacks.is_empty());
        if as_json {
            terminal.line(
                &json!({"case": case.id, "longest_ns": time, "lacks": lacks, "reason": reason}).to_string(),
            );
            continue;
        }
        let (time, why) = match time {
            Some(time) => (Spoken(time).to_string(), String::new()),
            None if lacks.is_empty() => ("n/a".to_owned(), format!(": {reason}")),
            None => ("not wired".to_owned(), format!(": {}", Vec::from_iter(lacks).join("; "))),
        };
        terminal.text(&format!("{time:>12}  {}{why}", case.id), 16);
    }
    if as_json {
        return;
    }
    let inconclusive = match lacking {
        0 => String::new(),
        count => format!("; inconclusive because of what rig `{}` lacks: {count}", rig.id),
    };
    terminal.text(
        &format!(
            "{playable} of {} cases would be played, in at most {} of lock time{inconclusive}",
            plan.count(),
            Spoken(total)
        ),
        0,
    );
}
