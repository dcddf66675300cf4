//! What a person sees while a run is on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::evidence::{CaseEntry, SceneReader};
use crate::report::{Key, excerpt, key};
use crate::run::Event;
use crate::unit::visible;
use crate::verdict::Verdict;

use super::Terminal;

/// More problems than these are shown without a drawing.
const MAX_DRAWN: usize = 3;

/// What belongs to a case stands behind its verdict.
const INDENT: usize = 13;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing: a program reads the answer.
    Nothing,
    /// What did not pass, and the end.
    Little,
    /// What did not pass, with the decisive stretch drawn.
    Usual,
    /// Every case that was played, in place of the matrix: there are few, of one scenario.
    Cases,
    /// Every case that was played.
    All,
}

/// A bar on a terminal, plain lines elsewhere.
pub(super) struct Progress<'a> {
    bar: Option<ProgressBar>,
    said: Said,
    /// Where what a case showed is read back.
    folder: PathBuf,
    drawn: Cell<usize>,
    /// Findings of which a case was said.
    known: RefCell<BTreeSet<Key>>,
    terminal: &'a Terminal,
}

impl<'a> Progress<'a> {
    pub(super) fn new(cases: usize, said: Said, folder: &Path, terminal: &'a Terminal) -> Self {
        let has_bar = terminal.is_interactive() && said != Said::Nothing && said != Said::Little;
        let bar = has_bar.then(|| {
            let bar = ProgressBar::new(cases as u64);
            let style = ProgressStyle::with_template(
                "{bar:30} {pos}/{len}  {elapsed} elapsed, {eta} left  {wide_msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            said,
            folder: folder.to_owned(),
            drawn: Cell::new(0),
            known: RefCell::default(),
            terminal,
        }
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
        let is_said = match self.said {
            Said::Nothing => false,
            // One defect shows in many cases: the first of each finding is said now, and their number at the end.
            Said::Usual => is_problem && self.known.borrow_mut().insert(key(entry)),
            Said::Little => is_problem,
            Said::Cases | Said::All => verdict != Verdict::NotApplicable,
        };
        let mut lines = Vec::new();
        if is_said {
            let separator = if entry.result.reason.is_empty() { "" } else { "  " };
            let verdict = self.terminal.verdict(verdict, 12);
            let line = format!("{verdict} {}{separator}{}", entry.case, visible(&entry.result.reason));
            lines.extend(self.terminal.wrapped(&line, INDENT));
        }
        if is_said && is_problem && self.said != Said::Little {
            lines.extend(self.drawing(entry));
        }
        let print = || lines.iter().for_each(|line| self.terminal.line(line));
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                bar.suspend(print);
            }
            None => print(),
        }
    }

    /// The decisive stretch of the first few problems.
    fn drawing(&self, entry: &CaseEntry) -> Vec<String> {
        if self.drawn.get() >= MAX_DRAWN {
            return Vec::new();
        }
        self.drawn.set(self.drawn.get() + 1);
        // A view that can't be made takes nothing from the run.
        let scene = SceneReader::open(&self.folder).and_then(|scenes| scenes.read(&entry.case));
        let Ok(Some(scene)) = scene else { return Vec::new() };
        let lines = excerpt(entry, &scene, self.terminal.columns().saturating_sub(INDENT));
        lines.into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect()
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
