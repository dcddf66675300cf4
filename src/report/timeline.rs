//! A case's trace drawn as SVG: one lane a channel, with the judged parts behind it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use maud::{Markup, html};

use crate::evidence::CaseEntry;
use crate::trace::{Channel, Edge, Timeline, Value};
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

const WIDTH: f64 = 900.0;
const LABEL: f64 = 120.0;
const LANE: f64 = 24.0;
/// A cut-out shows so much before and after what it is about.
const AROUND: Duration = Duration::seconds(2);
/// About so many marks on the axis.
const TICKS: f64 = 8.0;

/// What is drawn of a trace.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub begin: Instant,
    pub end: Instant,
}

impl Window {
    pub(super) fn length(self) -> Duration {
        self.end.since(self.begin)
    }

    fn seconds(self) -> f64 {
        self.length().as_seconds_f64().max(0.001)
    }

    /// Where a moment lies in it, from 0 to 1.
    pub(super) fn share(self, at: Instant) -> f64 {
        at.max(self.begin).min(self.end).since(self.begin).as_seconds_f64() / self.seconds()
    }

    fn x(self, at: Instant) -> f64 {
        LABEL + (WIDTH - LABEL) * self.share(at)
    }
}

/// Draws what happened within a window; parts that were judged are marked behind it.
pub(super) fn draw(trace: &Timeline, entry: &CaseEntry, window: Window) -> Markup {
    let lanes: Vec<(&Channel, BTreeMap<String, String>)> = trace
        .channels()
        .map(|(channel, edges)| (channel, paths(channel, edges, window)))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    let height = LANE * lanes.len() as f64;
    let label = format!("timeline of {} channels from {} to {}", lanes.len(), window.begin, window.end);
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {}", height + 22.0)) role="img" aria-label=(label) {
            @for part in entry.result.parts.iter().filter(|part| part.end > window.begin && part.begin < window.end) {
                @let left = window.x(part.begin);
                rect x=(Tenths(left)) y="0" height=(height)
                    width=(Tenths((window.x(part.end) - left).max(1.0)))
                    class={ "band " @if part.verdict != Verdict::Pass { (part.verdict.word()) } } {
                    title { (part.name) ": " (part.verdict.word()) }
                }
            }
            @for (index, (channel, paths)) in lanes.iter().enumerate() {
                @let top = LANE * index as f64;
                text x="0" y=(top + 16.0) class="lane" { (channel) }
                line x1=(LABEL) x2=(WIDTH) y1=(top + 19.0) y2=(top + 19.0) class="base" {}
                g transform=(format!("translate(0 {})", top + 5.0)) {
                    @for (class, path) in paths { path d=(path) class={ "mark " (class) } {} }
                }
            }
            @for (share, text) in ticks(window) {
                @let x = LABEL + (WIDTH - LABEL) * share;
                line x1=(Tenths(x)) x2=(Tenths(x)) y1="0" y2=(height) class="tick" {}
                text x=(Tenths(x)) y=(height + 15.0) class="axis" { (text) }
            }
        }
    }
}

/// A place in the drawing, to a tenth: there are very many of them.
#[derive(Clone, Copy)]
struct Tenths(f64);

impl fmt::Display for Tenths {
    #[expect(clippy::cast_possible_truncation, reason = "a drawing is some hundred wide")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

/// Marks of the axis at round numbers of seconds, each with its share of the window.
pub(super) fn ticks(window: Window) -> Vec<(f64, String)> {
    let raw = window.seconds() / TICKS;
    let decade = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * decade).find(|step| *step >= raw).unwrap_or(raw);
    let begin = window.begin.since(Instant::START).as_seconds_f64();
    let first = (begin / step).ceil();
    let digits = usize::from(step < 1.0) + usize::from(step < 0.1) + usize::from(step < 0.01);
    (0..)
        .map(|n| (first + f64::from(n)) * step)
        .take_while(|at| *at <= begin + window.seconds())
        .map(|at| ((at - begin) / window.seconds(), format!("{at:.digits$} s")))
        .collect()
}

/// For each look of a lane one path through all of its stretches.
fn paths(channel: &Channel, edges: &[Edge], window: Window) -> BTreeMap<String, String> {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    for stretch in stretches(channel, edges, window) {
        let left = window.x(stretch.begin);
        let width = (window.x(stretch.end) - left).max(1.2);
        let path = paths.entry(stretch.look.to_owned()).or_default();
        let (left, width) = (Tenths(left), Tenths(width));
        // Writing to a string can't fail.
        let _ = write!(path, "M{left} 0h{width}v13h-{width}z");
    }
    paths
}

/// A time for which a channel is away from rest, or a point at which something was said.
pub(super) struct Stretch {
    /// `on`, `power`, `said`, or a colour.
    pub look: &'static str,
    pub begin: Instant,
    pub end: Instant,
}

/// Those of a channel that are seen in a window.
pub(super) fn stretches(channel: &Channel, edges: &[Edge], window: Window) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    // Every case begins with the bolt thrown, the supply on and the cells in.
    let begins_on = channel.traits().begins_on;
    if let (true, Some(first)) = (begins_on, edges.first()) {
        let look = if *channel == Channel::Power { "power" } else { "on" };
        stretches.push(Stretch { look, begin: Instant::START, end: first.at });
    }
    for (index, edge) in edges.iter().enumerate() {
        let until = edges.get(index + 1).map_or(window.end, |next| next.at);
        let (look, end) = match &edge.value {
            Value::Switch(true) => ("on", until),
            Value::Light(Some(colour)) => (colour_class(colour), until),
            Value::Voltage(volts) if volts.as_millionths() > 0 => ("power", until),
            Value::Keys(keys) if !keys.is_empty() => ("on", until),
            Value::Switch(false) | Value::Light(None) | Value::Voltage(_) | Value::Keys(_) => continue,
            _ => ("said", edge.at),
        };
        stretches.push(Stretch { look, begin: edge.at, end });
    }
    stretches.retain(|stretch| stretch.end >= window.begin && stretch.begin <= window.end);
    stretches
}

/// The stretch of a case that decided: of one that passed, the act and its confirmation.
pub(super) fn decisive(entry: &CaseEntry) -> Option<(String, Window)> {
    let parts = &entry.result.parts;
    let worst =
        parts.iter().find(|part| part.verdict == entry.result.verdict && part.verdict != Verdict::Pass);
    let part = worst.or_else(|| parts.iter().find(|part| part.name == "act"))?;
    let after = parts.iter().find(|other| worst.is_none() && other.begin >= part.end);
    let end = after.map_or(part.end, |after| after.end);
    let window = Window {
        begin: Instant::from_nanoseconds(part.begin.as_nanoseconds().saturating_sub(AROUND.as_nanoseconds())),
        end: (end + AROUND).min(Instant::from_nanoseconds(entry.length_ns)),
    };
    let title = match worst {
        Some(part) => format!("Decisive part: {}", part.name),
        None => "The act and what followed".to_owned(),
    };
    Some((title, window))
}

fn colour_class(colour: &str) -> &'static str {
    match colour {
        "red" => "red",
        "green" => "green",
        "amber" | "orange" | "yellow" => "amber",
        "blue" => "blue",
        "white" => "white",
        _ => "on",
    }
}
