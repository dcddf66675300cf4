//! One case in full: parts, measurements, holds, what was said, steps, and its timeline.

use std::cmp::Reverse;

use maud::{Markup, html};

use crate::evidence::{CaseEntry, Scene, SceneStep};
use crate::trace::Value;
use crate::unit::{Instant, visible};
use crate::verdict::Decision;

use super::html::verdict;
use super::timeline::{Window, decisive, draw};

/// More lines of a lock are in the journal only.
const MAX_SAID: usize = 40;
/// More characters of one are.
const MAX_LINE: usize = 200;

/// A case's details; without a scene only what the results have.
pub(super) fn case(entry: &CaseEntry, scene: Option<&Scene>) -> Markup {
    let end = Instant::from_nanoseconds(entry.length_ns);
    html! {
        @if !entry.result.reason.is_empty() { p.reason { (visible(&entry.result.reason)) } }
        @if let Some(scene) = scene {
            @let whole = Window { begin: Instant::START, end };
            @let decisive = decisive(entry).filter(|(_, window)| window.length().times(2) < whole.length());
            @if let Some((title, window)) = decisive {
                h4 { (title) }
                div.scroll { (draw(&scene.trace, entry, window)) }
            }
            h4 { "The whole case" }
            div.scroll { (draw(&scene.trace, entry, whole)) }
        }
        (parts(entry))
        @if !entry.result.measurements.is_empty() { (measurements(entry)) }
        @if let Some(scene) = scene {
            @if !scene.holds.is_empty() { (holds(scene)) }
            (said(scene))
            (steps(scene))
        }
        @for (claim, reason) in &entry.result.omitted { p.small { "Left out: " (visible(claim)) " – " (visible(reason)) } }
    }
}

fn parts(entry: &CaseEntry) -> Markup {
    html! {
        div.scroll { table.facts {
            thead { tr { th scope="col" { "Part" } th scope="col" { "Verdict" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Reason" } } }
            tbody { @for part in &entry.result.parts {
                tr { td { (visible(&part.name)) } td { (verdict(part.verdict)) } td { (part.begin) } td { (part.end) } td { (visible(&part.reason)) } }
            } }
        } }
    }
}

fn measurements(entry: &CaseEntry) -> Markup {
    html! {
        div.scroll { table.facts {
            thead { tr { th scope="col" { "Measured" } th scope="col" { "Value" } th scope="col" { "Limit" } th scope="col" { "Expanded uncertainty" } th scope="col" { "Decision" } } }
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

fn holds(scene: &Scene) -> Markup {
    html! {
        div.scroll { table.facts {
            thead { tr { th scope="col" { "Held" } th scope="col" { "Commanded" } th scope="col" { "Achieved" } th scope="col" { "Expanded uncertainty" } } }
            tbody { @for hold in &scene.holds {
                tr {
                    td { (hold.what) @if hold.sensed { ", at its contact" } }
                    td { @if let Some(commanded) = hold.commanded { (commanded) } @else { "–" } }
                    td { (hold.lasted) } td { "± " (hold.uncertainty) }
                }
            } }
        } }
    }
}

/// Words of the lock, which are believed nowhere.
fn said(scene: &Scene) -> Markup {
    let words = scene.trace.channels().flat_map(|(channel, edges)| {
        edges.iter().filter_map(move |edge| match &edge.value {
            Value::Text(text) | Value::Notify(text) => Some((edge.at, channel, text)),
            _ => None,
        })
    });
    let mut words: Vec<_> = words.collect();
    words.sort_by_key(|(at, ..)| *at);
    html! {
        @if !words.is_empty() {
            div.scroll { table.facts {
                thead { tr { th scope="col" { "Time" } th scope="col" { "Channel" } th scope="col" { "Message" } } }
                tbody { @for (at, channel, text) in words.iter().take(MAX_SAID) {
                    tr { td { (at) } td { (channel) } td { code { (visible(&text.chars().take(MAX_LINE).collect::<String>())) } } }
                } }
            } }
            @if words.len() > MAX_SAID { p.small { (words.len() - MAX_SAID) " more in the journal." } }
        }
    }
}

fn steps(scene: &Scene) -> Markup {
    // An outer step ends after its inner ones, and is read before them.
    let mut steps: Vec<&SceneStep> = scene.steps.iter().collect();
    steps.sort_by_key(|step| (step.begin, Reverse(step.end)));
    html! {
        details.steps {
            summary { (scene.steps.len()) " steps" }
            ol { @for step in steps {
                li class=[step.unmet.then_some("unmet")] {
                    span.at { (step.begin) " – " (step.end) } " " (visible(&step.label)) @if step.unmet { " (not met)" }
                }
            } }
            @for (to, latency) in &scene.reactions { p.small { "Reaction to " (visible(to)) " after " (latency) } }
        }
    }
}
