//! Power cuts as a page of its own: what became of the lock after each, and a map of them over time.

use maud::{Markup, html};

use crate::lock::Aftermath;
use crate::statistics::Gap;

use super::page::{alone, evidence};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 120.0;
const LANE: f64 = 26.0;
/// Around a change the map is drawn once more, with so many times the width of what is not known there.
const AROUND: f64 = 12.0;
/// More changes than these are not drawn closely.
const MOST_CLOSE: usize = 8;

/// What is shown of a sweep.
#[derive(Clone, Debug)]
pub struct SweepPage {
    /// Whose reset.
    pub title: String,
    /// What it is evidence of: `simulated` or `hardware`.
    pub provenance: String,
    /// From where times count, in words.
    pub beginning: String,
    /// What is known, in sentences.
    pub said: Vec<String>,
    /// Stretches with the same outcome, in order.
    pub stretches: Vec<(Gap, Aftermath)>,
    /// Each cut, in the order in which they were made.
    pub cuts: Vec<SweepCut>,
}

/// One cut.
#[derive(Clone, Debug)]
pub struct SweepCut {
    /// When, in seconds.
    pub at: f64,
    /// What became of the lock, if this cut told.
    pub outcome: Option<Aftermath>,
    /// The same in words.
    pub answer: String,
    /// Its run folder, beside the page.
    pub folder: String,
}

/// The page.
pub fn sweep(page: &SweepPage) -> String {
    let all = page.cuts.iter().map(|cut| cut.at);
    let whole = Gap { from: all.clone().fold(f64::INFINITY, f64::min), to: all.fold(0.0, f64::max) };
    let body = html! {
        @for sentence in &page.said { p { (sentence) } }
        p.small { "Times count from " (page.beginning) ". Each mark is a cut; a bar reaches from the first to the last cut with the same outcome." }
        @if whole.to > whole.from { (map(page, whole)) }
        @for (before, after) in page.stretches.iter().zip(page.stretches.iter().skip(1)).take(MOST_CLOSE) {
            h2 { "From " (before.1.word()) " to " (after.1.word()) ", closely" }
            (map(page, around(before.0.to, after.0.from)))
        }
        h2 { "Cuts" }
        div.scroll { table {
            thead { tr { th scope="col" { "Trial" } th scope="col" { "Cut at (s)" } th scope="col" { "Outcome" } th scope="col" { "Evidence" } } }
            tbody { @for (number, cut) in (1..).zip(&page.cuts) {
                tr {
                    td { (number) }
                    td { (format!("{:.4}", cut.at)) }
                    td class=[(cut.outcome == Some(Aftermath::Neither)).then_some("fail")] { (cut.answer) }
                    td { (evidence(&cut.folder)) }
                }
            } }
        } }
    };
    alone(&page.title, (&page.provenance, "nothing here was measured on a real lock"), &body)
}

/// A change and some of what is around it.
fn around(before: f64, after: f64) -> Gap {
    let margin = (after - before) * AROUND / 2.0;
    Gap { from: (before - margin).max(0.0), to: after + margin }
}

/// A lane for each outcome; time runs to the right.
fn map(page: &SweepPage, window: Gap) -> Markup {
    let width = window.to - window.from;
    let x = |at: f64| LEFT + (WIDTH - LEFT - 20.0) * ((at - window.from) / width).clamp(0.0, 1.0);
    let lane = |outcome: Aftermath| match outcome {
        Aftermath::Unchanged => 0.0,
        Aftermath::Reset => LANE,
        Aftermath::Neither => 2.0 * LANE,
    };
    let class = |outcome: Aftermath| match outcome {
        Aftermath::Unchanged | Aftermath::Reset => "band",
        Aftermath::Neither => "band fail",
    };
    let is_seen = |gap: &Gap| gap.to >= window.from && gap.from <= window.to;
    let cuts = page.cuts.iter().filter(|cut| (window.from..=window.to).contains(&cut.at));
    let marked: Vec<(f64, Aftermath)> = cuts.filter_map(|cut| Some((cut.at, cut.outcome?))).collect();
    let lanes = [Aftermath::Unchanged, Aftermath::Reset, Aftermath::Neither];
    let bottom = lanes.len() as f64 * LANE + 8.0;
    let label = format!("{} cuts from {:.4} s to {:.4} s", marked.len(), window.from, window.to);
    let number = |value: f64| format!("{value:.1}");
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {}", bottom + 24.0)) role="img" aria-label=(label) {
            @for outcome in &lanes {
                text x="0" y=(number(lane(*outcome) + 18.0)) { (outcome.word()) }
            }
            @for (gap, outcome) in page.stretches.iter().filter(|(gap, _)| is_seen(gap)) {
                rect x=(number(x(gap.from))) y=(number(lane(*outcome) + 2.0)) height=(number(LANE - 4.0))
                    width=(number((x(gap.to) - x(gap.from)).max(1.0))) class=(class(*outcome)) {
                    title { (outcome.word()) ": " (format!("{:.4} s to {:.4} s", gap.from, gap.to)) }
                }
            }
            @for (at, outcome) in &marked {
                line x1=(number(x(*at))) x2=(number(x(*at))) y1=(number(lane(*outcome) + 5.0))
                    y2=(number(lane(*outcome) + LANE - 5.0)) stroke="currentColor" stroke-width="1.5" {
                    title { (format!("{at:.4} s: {}", outcome.word())) }
                }
            }
            line x1=(number(LEFT)) x2=(number(WIDTH - 20.0)) y1=(number(bottom)) y2=(number(bottom))
                stroke="currentColor" {}
            @for (at, text) in ticks(window) {
                line x1=(number(x(at))) x2=(number(x(at))) y1=(number(bottom)) y2=(number(bottom + 4.0))
                    stroke="currentColor" {}
                text x=(number(x(at))) y=(number(bottom + 17.0)) text-anchor="middle" { (text) }
            }
        }
    }
}

/// Round moments within a window, some five of them, with the digits that tell them apart.
fn ticks(window: Gap) -> Vec<(f64, String)> {
    let raw = (window.to - window.from) / 5.0;
    let decade = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * decade).find(|step| *step >= raw).unwrap_or(raw);
    let first = (window.from / step).ceil();
    let digits = [1.0, 0.1, 0.01, 0.001, 0.0001].into_iter().filter(|least| step < least * 0.999).count();
    let all = (0..12).map(|n| (first + f64::from(n)) * step).take_while(|at| *at <= window.to);
    all.map(|at| (at, format!("{at:.digits$} s"))).collect()
}
