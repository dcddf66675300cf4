//! The result of a triage as a page: the advice, the next step, and each check with its evidence.

use maud::html;

use crate::verdict::Verdict;

use super::html::verdict;
use super::page::{alone, evidence};

/// What is shown of a triage.
#[derive(Clone, Debug)]
pub struct TriagePage {
    /// Which lock.
    pub title: String,
    /// What it is evidence of: `simulated` or `hardware`.
    pub provenance: String,
    /// The advice.
    pub advice: String,
    /// What to do next.
    pub next: String,
    /// Each check: what was tried, what came of it, why, and its run folder beside the page.
    pub checks: Vec<(String, Verdict, String, Option<String>)>,
}

/// The page.
pub fn triage(page: &TriagePage) -> String {
    let body = html! {
        p.banner { strong { (page.advice) } }
        p { (page.next) }
        h2 { "What was tried" }
        div.scroll { table {
            thead { tr { th scope="col" { "Check" } th scope="col" { "Verdict" } th scope="col" { "Why" } th scope="col" { "Evidence" } } }
            tbody { @for (check, outcome, reason, folder) in &page.checks {
                tr {
                    td { (check) }
                    td { (verdict(*outcome)) }
                    td { (reason) }
                    td { @if let Some(folder) = folder { (evidence(folder)) } @else { "–" } }
                }
            } }
        } }
    };
    alone(&page.title, (&page.provenance, "no real lock was looked at"), &body)
}
