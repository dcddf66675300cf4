//! The decisive stretch of a case drawn in plain text, for a terminal.

use crate::evidence::{CaseEntry, Scene};
use crate::trace::{Channel, Edge};
use crate::unit::Instant;

use super::timeline::{Window, decisive, stretches};

/// Characters of the drawing itself: at most, and at least.
const WIDEST: usize = 64;
const NARROWEST: usize = 24;
/// Characters before it.
const LABEL: usize = 16;

/// Lines that show what decided: a lane a channel, `#` while it is on or pressed, the first letter of
/// a light's colour, `!` where something was said. In so many columns, if that is possible.
pub fn excerpt(entry: &CaseEntry, scene: &Scene, columns: usize) -> Vec<String> {
    let width = columns.saturating_sub(LABEL).clamp(NARROWEST, WIDEST);
    let Some((title, window)) = decisive(entry) else { return Vec::new() };
    let lanes = scene.trace.channels().filter_map(|(channel, edges)| lane(channel, edges, window, width));
    let (begin, end) = (window.begin.to_string(), window.end.to_string());
    let gap = width.saturating_sub(begin.chars().count() + end.chars().count());
    let mut lines = vec![title];
    lines.extend(lanes);
    lines.push(format!("{:LABEL$}{begin}{:gap$}{end}", "", ""));
    lines
}

/// One channel, unless it does nothing in the window.
fn lane(channel: &Channel, edges: &[Edge], window: Window, width: usize) -> Option<String> {
    let mut marks = vec!['.'; width];
    for stretch in stretches(channel, edges, window) {
        let mark = match stretch.look {
            "on" | "power" => '#',
            "said" => '!',
            colour => colour.chars().next().unwrap_or('#'),
        };
        let (first, last) = (column(stretch.begin, window, width), column(stretch.end, window, width));
        marks[first..=last.max(first)].fill(mark);
    }
    let is_still = marks.iter().all(|mark| *mark == marks[0]);
    (!is_still).then(|| format!("{:<LABEL$}{}", channel.to_string(), marks.iter().collect::<String>()))
}

fn column(at: Instant, window: Window, width: usize) -> usize {
    let at = at.max(window.begin).min(window.end);
    let share = at.since(window.begin).as_nanoseconds() as u128 * (width as u128 - 1)
        / u128::from(window.length().as_nanoseconds().max(1));
    usize::try_from(share).map_or(width - 1, |column| column.min(width - 1))
}
