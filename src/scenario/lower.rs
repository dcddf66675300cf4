//! From the shape of files to their meaning: units are read and names looked up, and everything
//! that is wrong is reported at its place.

mod claim;
mod combine;
mod memory;
mod method;
mod model;
mod observation;
mod request;
mod sense;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lock::{Facts, Named};
use crate::unit::{self, Quantity};
use crate::yaml::{Diagnostics, IDENTIFIER, Map, Place, Source, Spanned, is_identifier};

use super::syntax::Word;

pub(super) use claim::scenario;
pub(super) use model::model;
pub(super) use request::{OPERATIONS, REQUEST_FIELDS, REQUESTS};
pub(super) use sense::{sizes, too_long};

/// Where names are looked up and findings go while one file is read.
pub(super) struct Reader<'a> {
    pub source: &'a Arc<Source>,
    pub findings: &'a mut Diagnostics,
    /// The model whose procedures are read; a scenario knows none.
    pub facts: Option<&'a Facts>,
    /// Parameters that a procedure may use.
    pub parameters: Vec<Arc<str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>, findings: &'a mut Diagnostics) -> Self {
        Self { source, findings, facts: None, parameters: Vec::new() }
    }

    pub(super) fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        Place::of(self.source, spanned)
    }

    /// Reads a quantity at its place.
    pub(super) fn quantity<Q: Quantity>(&mut self, word: &Word) -> Option<Q> {
        let place = self.place(word);
        self.quantity_at(&word.value.0, &place)
    }

    pub(super) fn quantity_at<Q: Quantity>(&mut self, text: &str, place: &Place) -> Option<Q> {
        unit::parse(text)
            .map_err(|error| self.findings.error(&place.narrowed_to(text), error.to_string()))
            .ok()
    }

    pub(super) fn optional<Q: Quantity>(&mut self, word: Option<&Word>) -> Option<Q> {
        word.and_then(|word| self.quantity(word))
    }

    /// Looks a word up in a closed vocabulary.
    pub(super) fn named<T: Named>(&mut self, kind: &str, text: &str, place: &Place) -> Option<T> {
        let found = T::from_word(text);
        if found.is_none() {
            self.findings.unknown(place, kind, text, T::words());
        }
        found
    }

    /// One of the few words that fit.
    pub(super) fn choice<T: Copy>(&mut self, kind: &str, word: &Word, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == word.value.0).map(|(_, value)| *value);
        if found.is_none() {
            let place = self.place(word);
            self.findings.unknown(&place, kind, &word.value.0, choices.iter().map(|(name, _)| *name));
        }
        found
    }

    /// An identifier that is safe as a file name and in a case id.
    pub(super) fn identifier(&mut self, kind: &str, word: &Word) -> Option<Arc<str>> {
        let text = &word.value.0;
        if is_identifier(text) {
            return Some(text.as_str().into());
        }
        let place = self.place(word);
        self.findings.error_with_hint(&place, format!("`{text}` is not a {kind} id"), IDENTIFIER);
        None
    }
}

/// A file and what it inherits through `like`, the file itself first.
pub(super) struct Lineage<'a, T>(pub Vec<(&'a T, &'a Arc<Source>)>);

impl<'a, T> Lineage<'a, T> {
    /// The nearest one that has a field.
    pub(super) fn nearest<F>(&self, field: impl Fn(&'a T) -> Option<F>) -> Option<(F, &'a Arc<Source>)> {
        self.0.iter().find_map(|(syntax, source)| Some((field(syntax)?, *source)))
    }

    /// A mapping with the entries of all, the nearest one winning.
    pub(super) fn merged<V>(
        &self,
        field: impl Fn(&'a T) -> &'a Map<V>,
    ) -> BTreeMap<&'a str, (&'a V, &'a Arc<Source>)> {
        let mut all = BTreeMap::new();
        for (syntax, source) in self.0.iter().rev() {
            all.extend(field(syntax).iter().map(|(key, value)| (key.as_str(), (value, *source))));
        }
        all
    }

    /// Names of the files, the own one first.
    pub(super) fn files(&self) -> Vec<String> {
        self.0.iter().map(|(_, source)| source.name.clone()).collect()
    }

    /// The file itself.
    pub(super) fn own_source(&self) -> Option<&'a Arc<Source>> {
        self.0.first().map(|(_, source)| *source)
    }
}
