//! What pages that stand alone have in common: a measured threshold, a sweep, a triage.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// A page with its title, and with a warning, in these words, if its provenance is no real lock.
pub(super) fn alone(title: &str, (provenance, warning): (&str, &str), body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    @if provenance != "hardware" { p { strong { "SIMULATED: " (warning) "." } } }
                    (body)
                }
            }
        }
    }
    .into_string()
}

/// The run folder of a trial, which lies beside the page.
pub(super) fn evidence(folder: &str) -> Markup {
    html! { a href=(format!("{folder}/report.html")) { (folder) } }
}
