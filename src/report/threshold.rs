//! A measured threshold as a page of its own: what is known of it, each trial, and a picture of both.

use maud::{Markup, html};

use super::page::{alone, evidence};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 120.0;
const ROW: f64 = 18.0;

/// What is shown of a measured threshold.
#[derive(Clone, Debug)]
pub struct ThresholdPage {
    /// Whose threshold of what.
    pub title: String,
    /// What it is evidence of: `simulated` or `hardware`.
    pub provenance: String,
    /// In which its values are.
    pub unit: String,
    /// What the model states.
    pub stated: f64,
    /// Where it was looked for.
    pub range: (f64, f64),
    /// Median and interval (95 %), if it was found.
    pub found: Option<(f64, f64, f64)>,
    /// What is known of it, in sentences.
    pub said: Vec<String>,
    /// Each trial: at which value, what it answered, and its run folder.
    pub trials: Vec<ThresholdTrial>,
}

/// One trial.
#[derive(Clone, Debug)]
pub struct ThresholdTrial {
    /// At which value.
    pub value: f64,
    /// Whether it sufficed; nothing, if the trial says neither.
    pub is_enough: Option<bool>,
    /// What it answered, in words.
    pub answer: String,
    /// Its run folder, beside the page.
    pub folder: String,
}

/// The page.
pub fn threshold(page: &ThresholdPage) -> String {
    let body = html! {
        @for sentence in &page.said { p { (sentence) } }
        (picture(page))
        table {
            thead { tr { th { "trial" } th { "value (" (page.unit) ")" } th { "answer" } th { "evidence" } } }
            tbody { @for (number, trial) in (1..).zip(&page.trials) {
                tr {
                    td { (number) }
                    td { (format!("{:.3}", trial.value)) }
                    td { (trial.answer) }
                    td { (evidence(&trial.folder)) }
                }
            } }
        }
    };
    alone(&page.title, (&page.provenance, "nothing here was measured on a real lock"), &body)
}

/// Each trial in a row of its own, from the first down; values run to the right, evenly in their logarithm.
fn picture(page: &ThresholdPage) -> Markup {
    let values = || page.trials.iter().map(|trial| trial.value).filter(|value| *value > 0.0);
    let low = values().fold(page.range.0, f64::min);
    let high = values().fold(page.range.1, f64::max);
    let x = |value: f64| {
        let share = (value / low).ln() / (high / low).ln();
        LEFT + (WIDTH - LEFT - 20.0) * share.clamp(0.0, 1.0)
    };
    let bottom = 14.0 + ROW * page.trials.len() as f64;
    let label = format!("{} trials between {low:.3} and {high:.3} {}", page.trials.len(), page.unit);
    let number = |value: f64| format!("{value:.1}");
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {}", bottom + 40.0)) role="img" aria-label=(label) {
            @if let Some((value, from, to)) = page.found {
                rect x=(number(x(from))) y="8" width=(number((x(to) - x(from)).max(1.0))) height=(number(bottom - 8.0))
                    fill="#8884" { title { (format!("95 %: {from:.3} to {to:.3} {}", page.unit)) } }
                line x1=(number(x(value))) x2=(number(x(value))) y1="8" y2=(number(bottom)) stroke="currentColor"
                    stroke-width="1.5" {}
            }
            @if (low..=high).contains(&page.stated) {
                line x1=(number(x(page.stated))) x2=(number(x(page.stated))) y1="8" y2=(number(bottom))
                    stroke="currentColor" stroke-dasharray="4 3" { title { "stated" } }
            }
            @for (row, trial) in page.trials.iter().enumerate() {
                @let y = 20.0 + ROW * row as f64;
                text x="0" y=(number(y + 4.0)) { (format!("{}  {:.3} {}", row + 1, trial.value, page.unit)) }
                @match trial.is_enough {
                    Some(true) => circle cx=(number(x(trial.value))) cy=(number(y)) r="5" fill="currentColor" {
                        title { (trial.answer) }
                    },
                    Some(false) => circle cx=(number(x(trial.value))) cy=(number(y)) r="5" fill="none"
                        stroke="currentColor" stroke-width="1.5" { title { (trial.answer) } },
                    None => text x=(number(x(trial.value) - 4.0)) y=(number(y + 4.0)) { "?" },
                }
            }
            line x1=(number(LEFT)) x2=(number(WIDTH - 20.0)) y1=(number(bottom)) y2=(number(bottom))
                stroke="currentColor" {}
            @for value in ticks(low, high) {
                line x1=(number(x(value))) x2=(number(x(value))) y1=(number(bottom)) y2=(number(bottom + 4.0))
                    stroke="currentColor" {}
                text x=(number(x(value))) y=(number(bottom + 17.0)) text-anchor="middle" { (value) }
            }
            text x=(number(LEFT)) y=(number(bottom + 34.0)) {
                "filled: it suffices; open: it does not; grey: 95 %; dashed: stated (" (page.unit) ")"
            }
        }
    }
}

/// Round values within a range: 1, 2 and 5 times powers of ten.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = -6..9;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade)));
    all.filter(|value| (low..=high).contains(value)).collect()
}
