//! What a run shows of each clause: which scenarios are evidence for it, on how many models, and what stays with a person.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::evidence::{ClauseSummary, Counts};
use crate::lock::Obligation;
use crate::verdict::Verdict;

use super::html::cell;
use super::summary::Summary;

/// More models than these are not named.
const MAX_NAMED: usize = 8;

/// A clause, and what the run shows of it.
pub(super) struct Shown<'a> {
    pub id: &'a str,
    pub clause: &'a ClauseSummary,
    /// Scenarios that are evidence for it.
    pub scenarios: Vec<&'a str>,
    /// Their cases.
    pub counts: Counts,
    /// Models of which a case passed and none failed.
    pub met: Vec<&'a str>,
    /// Models of which a case failed.
    pub failed: Vec<&'a str>,
    /// Models that the manual documents to be against it.
    pub documented: Vec<&'a str>,
}

impl Shown<'_> {
    /// What is to be said of it beside its cases, if anything.
    pub(super) fn remark(&self) -> Option<String> {
        let documented = (!self.documented.is_empty())
            .then(|| format!("documented as not met: {}", named(&self.documented)));
        match (self.scenarios.is_empty(), documented) {
            (true, _) => Some("no case covers it".to_owned()),
            (false, Some(documented)) => Some(documented),
            (false, None) if self.met.is_empty() && self.failed.is_empty() => {
                Some("no case of it was played to an end".to_owned())
            }
            (false, None) => None,
        }
    }
}

/// Some of many names.
pub(super) fn named(all: &[&str]) -> String {
    let more = all.len().saturating_sub(MAX_NAMED);
    let first = all.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// Every clause that lockrig knows, mandatory ones first.
pub(super) fn shown(summary: &Summary) -> Vec<Shown<'_>> {
    let all = summary.catalogue.clauses.iter();
    let mut all: Vec<Shown<'_>> = all.map(|(id, clause)| of(summary, id, clause)).collect();
    all.sort_by_key(|shown| shown.clause.obligation != Obligation::Mandatory);
    all
}

fn of<'a>(summary: &'a Summary, id: &'a str, clause: &'a ClauseSummary) -> Shown<'a> {
    let scenarios = summary.catalogue.scenarios.iter();
    let scenarios = scenarios.filter(|(_, scenario)| scenario.clauses.iter().any(|known| known == id));
    let mut models: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut counts = Counts::default();
    for ((model, _), own) in summary.clauses.get(id).into_iter().flatten() {
        models.entry(model).or_default().merge(own);
        counts.merge(own);
    }
    let models_that = |wanted: fn(&Counts) -> bool| {
        models.iter().filter(move |(_, own)| wanted(own)).map(|(model, _)| *model).collect::<Vec<_>>()
    };
    let is_against = |list: &BTreeMap<String, Vec<String>>| list.values().flatten().any(|known| known == id);
    let against = summary.deviations.iter().filter(|(_, list)| is_against(list));
    let documented: Vec<&str> = against.map(|(model, _)| model.as_str()).collect();
    let mut met = models_that(|own| own.of(Verdict::Pass) > 0 && own.of(Verdict::Fail) == 0);
    // What passes because the manual says so does not meet it.
    met.retain(|model| !documented.contains(model));
    Shown {
        id,
        clause,
        scenarios: scenarios.map(|(id, _)| id.as_str()).collect(),
        counts,
        met,
        failed: models_that(|own| own.of(Verdict::Fail) > 0),
        documented,
    }
}

/// The section of the page.
pub(super) fn section(summary: &Summary) -> Markup {
    let all = shown(summary);
    html! {
        @if !all.is_empty() {
            h2 { "Clauses" }
            p.small { "In our own words; what a rig can't show stays with a person. A model is certified only if a passing case shows each mandatory clause, and none fails." }
            div.scroll { table {
                thead { tr { th scope="col" { "Clause" } th scope="col" { "Requirement" } th scope="col" { "Evidence" } th scope="col" { "Scenarios" } th scope="col" { "Stays with a person" } } }
                tbody { @for shown in &all {
                    tr {
                        th scope="row" { (shown.id) br; span.small { (shown.clause.obligation) "; " (shown.clause.text) } }
                        td { (shown.clause.requirement) }
                        td {
                            @if !shown.scenarios.is_empty() { (cell(&shown.counts)) }
                            @if let Some(remark) = shown.remark() { p.small { (remark) } }
                        }
                        td { @for id in &shown.scenarios { a href={ "#scenario=" (id) } { (id) } br; } }
                        td { (shown.clause.person) }
                    }
                } }
            } }
        }
    }
}
