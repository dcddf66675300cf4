//! What a person sees while a run is on.

use indicatif::{ProgressBar, ProgressStyle};

use crate::evidence::CaseEntry;
use crate::run::Event;
use crate::verdict::Verdict;

use super::Terminal;

/// A bar on a terminal, plain lines elsewhere.
pub(super) struct Progress<'a> {
    bar: Option<ProgressBar>,
    lines: bool,
    terminal: &'a Terminal,
}

impl<'a> Progress<'a> {
    pub(super) fn new(cases: usize, lines: bool, terminal: &'a Terminal) -> Self {
        let bar = terminal.is_interactive().then(|| {
            let bar = ProgressBar::new(cases as u64);
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} left {eta} {wide_msg}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, lines, terminal }
    }

    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { case } => {
                if let Some(bar) = &self.bar {
                    bar.set_message((*case).to_owned());
                }
            }
            Event::Finished(entry) => self.finished(entry),
        }
    }

    fn finished(&self, entry: &CaseEntry) {
        let verdict = entry.result.verdict;
        let is_problem = !matches!(verdict, Verdict::Pass | Verdict::NotApplicable);
        let line = || {
            let reason = if entry.result.reason.is_empty() {
                String::new()
            } else {
                format!("  {}", entry.result.reason)
            };
            format!("{} {}{reason}", self.terminal.verdict(verdict, 12), entry.case)
        };
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                if is_problem && self.lines {
                    bar.suspend(|| self.terminal.line(&line()));
                }
            }
            None if self.lines && verdict != Verdict::NotApplicable => self.terminal.line(&line()),
            None => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
