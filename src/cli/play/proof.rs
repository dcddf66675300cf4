//! `--prove`: as many passes in a row as a reliability needs.

use std::str::FromStr;

use crate::evidence::Counts;
use crate::report::{Summary, overall};
use crate::statistics;
use crate::unit::{counted, visible};
use crate::verdict::Verdict;

use super::Terminal;

/// More repetitions of a case are no run any more.
const MOST: u64 = 100_000;

/// What is to be proved of each case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct Proof {
    reliability: f64,
    confidence: f64,
    /// So many times each case is played.
    pub runs: u32,
}

impl FromStr for Proof {
    type Err = String;

    /// `reliability=0.99 confidence=0.95`, in any order, also as `99%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (mut reliability, mut confidence) = (None, None);
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let form = "write \"reliability=0.99 confidence=0.95\"";
            let (name, number) = word.split_once('=').ok_or(form)?;
            let share = match number.strip_suffix('%') {
                Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
                None => number.parse::<f64>(),
            };
            let share = share.map_err(|_| format!("`{number}` is no number; {form}"))?;
            if !(share > 0.0 && share < 1.0) {
                return Err(format!(
                    "no number of passes proves a {name} of {number}: it must be above 0 and below 1"
                ));
            }
            match name {
                "reliability" => reliability = Some(share),
                "confidence" => confidence = Some(share),
                _ => return Err(format!("`{name}` is neither reliability nor confidence; {form}")),
            }
        }
        let (Some(reliability), Some(confidence)) = (reliability, confidence) else {
            return Err("both a reliability and a confidence are needed".to_owned());
        };
        let runs = statistics::success_run(reliability, confidence);
        match runs.filter(|runs| *runs <= MOST).and_then(|runs| u32::try_from(runs).ok()) {
            // A single one would be no repetition.
            Some(runs) => Ok(Self { reliability, confidence, runs: runs.max(2) }),
            None => Err(format!("that takes more than {MOST} passes of each case")),
        }
    }
}

impl Proof {
    /// Cases of a run that are proved, and those that are not.
    pub(super) fn of<'a>(&self, summary: &'a Summary) -> (usize, Vec<&'a str>) {
        let is_played = |counts: &Counts| counts.total() > counts.of(Verdict::NotApplicable);
        let all = summary.repeated.iter().filter(|(_, counts)| is_played(counts));
        let is_proved = |counts: &Counts| {
            counts.of(Verdict::Pass) >= u64::from(self.runs) && overall(counts) == Verdict::Pass
        };
        let (proved, others): (Vec<_>, Vec<_>) = all.partition(|(_, counts)| is_proved(counts));
        (proved.len(), others.into_iter().map(|(case, _)| case.as_str()).collect())
    }

    pub(super) fn tell(&self, summary: &Summary, terminal: &Terminal) {
        let (proved, others) = self.of(summary);
        let what = format!(
            "a reliability of at least {} with a confidence of {}",
            shown_share(self.reliability),
            shown_share(self.confidence)
        );
        if proved > 0 {
            terminal.text(
                &format!(
                    "proved for {}: {what} ({} passes each, and nothing else)",
                    counted(proved as u64, "case"),
                    self.runs
                ),
                2,
            );
        }
        for case in others.iter().take(20) {
            terminal.text(&format!("not proved: {}: {what}", visible(case)), 2);
        }
        if others.len() > 20 {
            terminal.line(&format!("… nor for {} more", others.len() - 20));
        }
        if proved == 0 && others.is_empty() {
            terminal.line(&format!("nothing is proved of {what}: no case was played"));
        }
    }
}

/// `99 %`.
fn shown_share(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}
