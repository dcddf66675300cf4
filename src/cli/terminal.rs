//! Standard output and error: colours only on a terminal, control bytes never.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::unit::is_harmful;
use crate::verdict::Verdict;
use crate::yaml::Diagnostics;

use super::exit::Exit;

/// Nothing is laid out for less.
const NARROWEST: usize = 40;
/// What a person reads is not wider.
const WIDEST: usize = 100;

/// Why a command does nothing, and what would help.
pub(super) type Refusal = (String, Option<String>);

/// Where a person or a program reads.
pub(super) struct Terminal {
    color: bool,
    interactive: bool,
    columns: usize,
    lost: AtomicBool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            color: io::stdout().is_terminal() && !plain && !dumb,
            interactive: io::stderr().is_terminal() && !dumb,
            columns: columns(),
            lost: AtomicBool::new(false),
        }
    }

    /// How wide it is.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether a progress bar makes sense.
    pub(super) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// A line of the answer.
    pub(super) fn line(&self, text: &str) {
        self.bytes(format!("{}\n", visible(text)).as_bytes());
    }

    /// The answer as bytes for a program.
    pub(super) fn bytes(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            // A reader that went away (`| head`) has what it wanted.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.lost.store(true, Ordering::Relaxed)
            }
            _ => {}
        }
    }

    /// The answer, written piece by piece.
    pub(super) fn output(&self) -> impl Write + '_ {
        Output(self)
    }

    /// A sentence of the answer, in as many lines as it takes; those after the first are indented.
    pub(super) fn text(&self, text: &str, indent: usize) {
        self.wrapped(text, indent).iter().for_each(|line| self.line(line));
    }

    /// The lines that a sentence takes.
    pub(super) fn wrapped(&self, text: &str, indent: usize) -> Vec<String> {
        wrapped(&visible(text), self.columns, indent)
    }

    /// What is wrong with files, as the answer.
    pub(super) fn findings(&self, findings: &Diagnostics) {
        self.bytes(findings.render(self.color, self.columns.min(WIDEST)).as_bytes());
    }

    /// What is wrong with files that are needed for something else.
    pub(super) fn complaints(&self, findings: &Diagnostics) {
        let text = findings.render(self.color && self.interactive, self.columns.min(WIDEST));
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Whether some of the answer could not be written.
    pub(super) fn has_lost_output(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Something beside the answer.
    pub(super) fn note(&self, text: &str) {
        self.aside(text, 2);
    }

    fn aside(&self, text: &str, indent: usize) {
        let mut out = io::stderr().lock();
        self.wrapped(text, indent).iter().for_each(|line| drop(writeln!(out, "{line}")));
    }

    /// What is weaker than it could be.
    pub(super) fn warning(&self, text: &str) {
        self.note(&format!("warning: {text}"));
    }

    /// What went wrong, and what would help.
    pub(super) fn error(&self, text: &str, hint: Option<&str>) {
        self.note(&format!("error: {text}"));
        if let Some(hint) = hint {
            self.note("");
            self.aside(&format!("  hint: {hint}"), 8);
        }
    }

    /// Why a command does nothing.
    pub(super) fn refused(&self, (message, hint): Refusal) -> Exit {
        self.error(&message, hint.as_deref());
        Exit::Usage
    }

    /// A verdict's word, padded to `width`, in its colour.
    pub(super) fn verdict(&self, verdict: Verdict, width: usize) -> String {
        let word = match verdict {
            Verdict::NotApplicable => "n/a",
            other => other.word(),
        };
        self.paint(verdict, &format!("{word:<width$}"))
    }

    /// Text in the colour of a verdict.
    pub(super) fn paint(&self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Fail => "1;31",
            Verdict::Inconclusive | Verdict::Aborted => "33",
            Verdict::Error => "35",
            Verdict::NotApplicable => "2",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

struct Output<'a>(&'a Terminal);

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How wide the terminal is; what goes to a file or a program is as wide as it has to be, unless COLUMNS says otherwise.
fn columns() -> usize {
    let terminal =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    let own = terminal.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    own.or_else(said).unwrap_or(usize::MAX).max(NARROWEST)
}

/// Text in lines of so many columns, those after the first indented. A word is never broken: it may be a path.
fn wrapped(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut current, mut length, mut is_blank) = (String::new(), 0, true);
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end().chars().count();
        if length + bare > columns && !is_blank {
            lines.push(current.trim_end().to_owned());
            (current, length, is_blank) = (" ".repeat(indent), indent, true);
        }
        current.push_str(word);
        length += word.chars().count();
        is_blank &= bare == 0;
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// A path or word as a shell takes it.
pub(super) fn typed(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=~+,@%".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Takes out what a lock may have put in to act on the terminal; our own colours stay.
fn visible(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = ["\u{1b}[0m", "\u{1b}[32m", "\u{1b}[1;31m", "\u{1b}[33m", "\u{1b}[35m", "\u{1b}[2m"]
            .into_iter()
            .find(|code| rest.starts_with(code));
        if let Some(code) = colour {
            clean.push_str(code);
            rest = &rest[code.len()..];
            continue;
        }
        clean.push(if is_harmful(c) { '\u{fffd}' } else { c });
        rest = &rest[c.len_utf8()..];
    }
    clean
}
