//! What is drawn in the conformity report: the timeline of a case, and a code for a camera.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::evidence::CaseEntry;
use crate::trace::Timeline;
use crate::unit::{Instant, visible};
use crate::verdict::Verdict;

use super::super::timeline::{Stretch, Window, decisive, stretches, ticks};
use super::face::Style;
use super::sheet::{AMBER, BLACK, FAINT, Ink, LINE, Mark, RED, SOFT, Sheet, WIDTH};

const LANE: f32 = 11.0;
const LABEL: f32 = 78.0;
const SIZE: f32 = 6.8;
/// More lanes than these have no room; the page has them all.
const MAX_LANES: usize = 14;
/// More bars than these of one lane can't be told apart.
const MAX_BARS: usize = 400;
/// Edge of one dark square of the code.
const SQUARE: f32 = 2.1;
/// Light squares around the code, as its standard asks.
const QUIET: f32 = 4.0;

/// The stretch of a case that decided.
pub(super) fn timeline(sheet: &mut Sheet, entry: &CaseEntry, trace: &Timeline) {
    let whole = Window { begin: Instant::START, end: Instant::from_nanoseconds(entry.length_ns) };
    let (what, window) = decisive(entry).unwrap_or_else(|| ("The whole case".to_owned(), whole));
    let lanes = trace.channels().map(|(channel, edges)| (channel, stretches(channel, edges, window)));
    let lanes: Vec<(String, Vec<Stretch>)> = lanes
        .filter(|(_, stretches)| !stretches.is_empty())
        .map(|(channel, stretches)| (visible(&channel.to_string()), stretches))
        .collect();
    // What has no room is said.
    let more = lanes.len().saturating_sub(MAX_LANES);
    let crowded = lanes.iter().take(MAX_LANES).any(|(_, stretches)| stretches.len() > MAX_BARS);
    let count = lanes.len().min(MAX_LANES);
    let drawn = LANE * count as f32;
    let height = 13.0 + drawn + 14.0;
    sheet.need(height);
    let mut heading = format!("{}: {}", entry.result.verdict.word().replace('_', " "), entry.case);
    if more > 0 {
        heading.push_str(&format!(" ({more} more channels in report.html)"));
    }
    if crowded {
        heading.push_str(" (too many changes to draw them all)");
    }
    let heading = sheet.fitted(&heading, Style::Bold, 7.8, WIDTH);
    let described = format!(
        "{heading}. {}, from {} to {}: what {} channels showed.",
        visible(&what),
        window.begin,
        window.end,
        count
    );
    let labels: Vec<String> = lanes
        .iter()
        .take(MAX_LANES)
        .map(|(name, _)| sheet.fitted(name, Style::Regular, SIZE, LABEL - 6.0))
        .collect();
    sheet.figure(height, described, |(left, top)| {
        let x = |share: f64| left + LABEL + (WIDTH - LABEL) * share as f32;
        let mut marks = vec![text(left, top + 8.0, 7.8, Style::Bold, BLACK, heading)];
        let top = top + 13.0;
        for part in
            entry.result.parts.iter().filter(|part| part.end > window.begin && part.begin < window.end)
        {
            let ink = match part.verdict {
                Verdict::Fail | Verdict::Error => Ink(0xf3, 0xd6, 0xd4),
                Verdict::Inconclusive | Verdict::Aborted => Ink(0xf6, 0xea, 0xd2),
                Verdict::Pass | Verdict::NotApplicable => FAINT,
            };
            let (from, to) = (x(window.share(part.begin)), x(window.share(part.end)));
            marks.push(Mark::Box { x: from, y: top, width: (to - from - 0.6).max(0.6), height: drawn, ink });
        }
        for (index, ((_, stretches), label)) in lanes.iter().zip(labels).enumerate() {
            let y = top + LANE * index as f32;
            marks.push(text(left, y + 8.0, SIZE, Style::Regular, SOFT, label));
            marks.push(Mark::Box {
                x: x(0.0),
                y: y + LANE - 1.5,
                width: WIDTH - LABEL,
                height: 0.4,
                ink: LINE,
            });
            for stretch in stretches.iter().take(MAX_BARS) {
                let (from, to) = (x(window.share(stretch.begin)), x(window.share(stretch.end)));
                let ink = look(stretch.look);
                marks.push(Mark::Box {
                    x: from,
                    y: y + 2.0,
                    width: (to - from).max(0.9),
                    height: LANE - 4.5,
                    ink,
                });
            }
        }
        // The last label would stand beyond the edge.
        for (share, label) in ticks(window).into_iter().filter(|(share, _)| *share < 0.955) {
            marks.push(Mark::Box { x: x(share), y: top, width: 0.3, height: drawn + 2.0, ink: LINE });
            marks.push(text(x(share) + 1.5, top + drawn + 8.0, SIZE, Style::Regular, SOFT, label));
        }
        marks
    });
}

fn text(x: f32, y: f32, size: f32, style: Style, ink: Ink, text: String) -> Mark {
    Mark::Text { x, y, size, style, ink, text }
}

fn look(look: &str) -> Ink {
    match look {
        "red" => RED,
        "green" => Ink(0x1e, 0x8e, 0x3e),
        "amber" => AMBER,
        "blue" => Ink(0x1a, 0x73, 0xe8),
        "power" => Ink(0xb4, 0xbb, 0xc5),
        "said" => Ink(0x6b, 0x2f, 0xa0),
        _ => SOFT,
    }
}

/// A code that a camera reads.
pub(super) fn code(sheet: &mut Sheet, words: &str) {
    let Ok(code) = QrCode::encode_text(words, QrCodeEcc::Medium) else { return };
    let side = code.size() as f32 * SQUARE + 2.0 * QUIET * SQUARE;
    sheet.figure(side, format!("a code for a camera that reads: {words}"), |(left, top)| {
        let mut marks = Vec::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let length = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
                if length > 0 {
                    marks.push(Mark::Box {
                        x: left + (QUIET + x as f32) * SQUARE,
                        y: top + (QUIET + y as f32) * SQUARE,
                        width: length as f32 * SQUARE,
                        height: SQUARE,
                        ink: BLACK,
                    });
                }
                x += i32::try_from(length.max(1)).unwrap_or(1);
            }
        }
        marks
    });
}
