//! Standard output and error: colours only on a terminal, control bytes never.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use crate::unit::is_harmful;
use crate::verdict::Verdict;

/// Where a person or a program reads.
pub(super) struct Terminal {
    color: bool,
    interactive: bool,
    lost: Cell<bool>,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            color: io::stdout().is_terminal() && !plain && !dumb,
            interactive: io::stderr().is_terminal() && !dumb,
            lost: Cell::new(false),
        }
    }

    pub(super) fn has_color(&self) -> bool {
        self.color
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
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => self.lost.set(true),
            _ => {}
        }
    }

    /// The answer, written piece by piece.
    pub(super) fn output(&self) -> impl Write + '_ {
        Output(self)
    }

    /// Text that was laid out elsewhere and may hold colours.
    pub(super) fn styled(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Whether some of the answer could not be written.
    pub(super) fn has_lost_output(&self) -> bool {
        self.lost.get()
    }

    /// Something beside the answer.
    pub(super) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", visible(text));
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
            self.note(&format!("  hint: {hint}"));
        }
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
