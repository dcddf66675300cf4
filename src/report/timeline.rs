//! A case's trace drawn as SVG: one lane a channel.

use maud::{Markup, html};

use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::Instant;

const WIDTH: f64 = 860.0;
const LABEL: f64 = 120.0;
const LANE: f64 = 26.0;

/// Draws a trace of `length`.
pub(super) fn draw(trace: &Timeline, length: Instant) -> Markup {
    let lanes: Vec<(&Channel, &[Edge])> = trace.channels().collect();
    let height = LANE * lanes.len() as f64 + 24.0;
    let total = Instant::since(length, Instant::START).as_seconds_f64().max(0.001);
    let x =
        |at: Instant| LABEL + (WIDTH - LABEL) * (at.since(Instant::START).as_seconds_f64() / total).min(1.0);
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
            aria-label=(format!("timeline of {} channels over {length}", lanes.len())) {
            @for (index, (channel, edges)) in lanes.iter().enumerate() {
                @let top = LANE * index as f64;
                text x="0" y=(top + 16.0) class="lane" { (channel) }
                line x1=(LABEL) x2=(WIDTH) y1=(top + 20.0) y2=(top + 20.0) class="base" {}
                @for span in spans(channel, edges, length) {
                    @let left = x(span.begin);
                    rect x=(format!("{left:.1}")) y=(top + 6.0) height="14"
                        width=(format!("{:.1}", (x(span.end) - left).max(1.5)))
                        class={ "mark " (span.class) } { title { (span.text) } }
                }
            }
            text x=(LABEL) y=(height - 6.0) class="axis" { "0 s" }
            text x=(WIDTH) y=(height - 6.0) class="axis end" { (length) }
        }
    }
}

struct Span {
    begin: Instant,
    end: Instant,
    class: String,
    text: String,
}

/// Stretches in which a channel is away from rest, and points at which something was said.
fn spans(channel: &Channel, edges: &[Edge], length: Instant) -> Vec<Span> {
    let mut spans = Vec::new();
    // Every case begins with the bolt thrown, the supply on and the cells in.
    let begins_on = matches!(channel, Channel::Bolt | Channel::Power | Channel::PowerCell(_));
    if let (true, Some(first)) = (begins_on, edges.first()) {
        let class = if *channel == Channel::Power { "power" } else { "on" };
        let text = "from the start".to_owned();
        spans.push(Span { begin: Instant::START, end: first.at, class: class.to_owned(), text });
    }
    for (index, edge) in edges.iter().enumerate() {
        let until = edges.get(index + 1).map_or(length, |next| next.at);
        let (class, text, lasts) = match &edge.value {
            Value::Switch(true) => ("on", "on".to_owned(), true),
            Value::Light(Some(colour)) => (colour_class(colour), colour.to_string(), true),
            Value::Voltage(volts) if volts.as_millionths() > 0 => ("power", volts.to_string(), true),
            Value::Keys(keys) if !keys.is_empty() => ("on", "key".to_owned(), true),
            Value::Switch(false) | Value::Light(None) | Value::Voltage(_) | Value::Keys(_) => continue,
            other => ("said", serde_json::to_string(other).unwrap_or_default(), false),
        };
        let end = if lasts { until } else { edge.at };
        spans.push(Span {
            begin: edge.at,
            end,
            class: class.to_owned(),
            text: format!("{} at {}", text, edge.at),
        });
    }
    spans
}

fn colour_class(colour: &str) -> &'static str {
    match colour {
        "red" => "red",
        "green" => "green",
        "amber" | "orange" | "yellow" => "amber",
        "blue" => "blue",
        _ => "on",
    }
}
