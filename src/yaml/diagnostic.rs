//! What is wrong with a document, where, and what would be right.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::document::Place;
use crate::unit::is_harmful;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// The file can be used, but not for all that it says.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What would be right.
    pub hint: Option<String>,
    /// What to write at the place instead, where that is certain.
    pub fix: Option<&'static str>,
}

impl Diagnostic {
    /// An error at `place`.
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place, hint: None, fix: None }
    }

    /// A warning at `place`.
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// With the word that takes the place of this one.
    #[must_use]
    pub fn fix(self, word: &'static str) -> Self {
        let hint = format!("did you mean `{word}`? `lockrig check --fix` rewrites it");
        Self { fix: Some(word), ..self.hint(hint) }
    }

    /// With a hint; an empty one is none.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self
    }
}

/// All findings of a load, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Findings beyond [`MAX_FINDINGS`], which are only counted.
    more: usize,
}

/// Nobody reads more at once, and a hostile file can make them without end.
const MAX_FINDINGS: usize = 100;

impl Diagnostics {
    /// Adds a finding, unless it is already there (a shared file is checked once for each heir).
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() >= MAX_FINDINGS {
            self.more += 1;
        } else if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Adds an error.
    pub fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.push(Diagnostic::error(place.clone(), message));
    }

    /// Adds an error with a hint.
    pub fn error_with_hint(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Diagnostic::error(place.clone(), message).hint(hint));
    }

    /// Adds an error about an unknown name, with the known ones as a hint.
    pub fn unknown<'a>(
        &mut self,
        place: &Place,
        kind: &str,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let place = place.narrowed_to(found);
        self.error_with_hint(&place, format!("unknown {kind} `{found}`"), did_you_mean(found, known));
    }

    /// Takes over the findings of another load.
    pub fn extend(&mut self, other: Self) {
        self.more += other.more;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Keeps the findings that are of interest.
    pub fn retain(&mut self, of_interest: impl Fn(&Diagnostic) -> bool) {
        self.list.retain(of_interest);
    }

    /// Whether the files can't be used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// All findings by file, then place.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut list: Vec<_> = self.list.iter().collect();
        list.sort_by(|a, b| (a.place.file(), a.place.offset).cmp(&(b.place.file(), b.place.offset)));
        list
    }

    /// All findings as text with snippets, in so many columns.
    pub fn render(&self, color: bool, columns: usize) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(columns);
        let mut text = String::new();
        for diagnostic in self.sorted() {
            // Writing to a string can't fail; a formatter that gives up loses one snippet only.
            if handler.render_report(&mut text, &Rendered::new(diagnostic)).is_err() {
                text.push_str(&diagnostic.message);
            }
            text.push('\n');
        }
        if self.more > 0 {
            text.push_str(&format!("… and {} more\n", self.more));
        }
        text
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        let mut all = Self::default();
        iter.into_iter().for_each(|d| all.push(d));
        all
    }
}

/// The known name that `found` most likely means.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| {
            *distance <= (name.len() + 1) / 3 && *distance < name.len().min(found.len())
        })
        .min()
        .map(|(_, name)| name)
}

/// A hint from the known names: the nearest one, or all of them if they are few.
pub(super) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = nearest(found, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    match known.len() {
        0 => "none are known here".to_owned(),
        1..=40 => format!("known here: {}", known.join(", ")),
        more => format!("known here: {}, … ({more} in all)", known[..40].join(", ")),
    }
}

/// A diagnostic with its source, as miette draws it.
struct Rendered<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<String>,
}

impl<'a> Rendered<'a> {
    fn new(diagnostic: &'a Diagnostic) -> Self {
        let place = &diagnostic.place;
        let name = place.file().to_owned();
        // A line without end would bury what is wrong with it: its place is said in words.
        let text = if place.is_on_long_line() { String::new() } else { visible(&place.source.text) };
        Self { diagnostic, source: NamedSource::new(visible(&name), text) }
    }
}

/// Control characters would act on the terminal; each is replaced by as many bytes.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let (shown, count) = match c {
                '\n' | '\t' => (c, 1),
                '\r' => (' ', 1),
                _ if is_harmful(c) => ('?', c.len_utf8()),
                _ => (c, 1),
            };
            std::iter::repeat_n(shown, count)
        })
        .collect()
}

impl fmt::Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.diagnostic.message))?;
        let place = &self.diagnostic.place;
        match place.is_on_long_line() {
            true => write!(f, " ({}:{}:{})", visible(place.file()), place.line(), place.column()),
            false => Ok(()),
        }
    }
}

impl std::error::Error for Rendered<'_> {}

impl miette::Diagnostic for Rendered<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.hint.as_ref().map(|hint| Box::new(visible(hint)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.diagnostic.place.is_on_long_line()).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Place { offset, length, .. } = self.diagnostic.place;
        if self.diagnostic.place.is_on_long_line() {
            return None;
        }
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), offset, length))))
    }
}
