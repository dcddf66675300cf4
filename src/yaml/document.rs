//! A document's source, places in it, and decoding through serde.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

use super::diagnostic::{Diagnostic, did_you_mean};

/// Larger documents are refused unread: no model or scenario comes near it.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// One file's name, as diagnostics print it, and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Path as the user knows it, with forward slashes.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Takes a file's bytes as text.
    ///
    /// # Errors
    /// Too large, or not UTF-8 (the place is the first offending byte).
    pub fn new(name: &str, bytes: Vec<u8>) -> Result<Arc<Self>, Diagnostic> {
        // Editors of some systems put a byte order mark before the text.
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(text) => text.to_vec(),
            None => bytes,
        };
        let empty = |text: String| Arc::new(Self { name: name.to_owned(), text });
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let place = Place::start_of(&empty(String::new()));
            return Err(Diagnostic::error(place, format!("the file is too large: {} bytes", bytes.len()))
                .hint(format!("the limit is {MAX_DOCUMENT_BYTES} bytes")));
        }
        String::from_utf8(bytes).map(empty).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Diagnostic::error(Place { source: empty(text), offset: valid, length: 1 }, "not UTF-8 text")
                .hint("save the file as UTF-8")
        })
    }
}

/// A stretch of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) source: Arc<Source>,
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Place {
    /// The first character of `source`.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), offset: 0, length: 0 }
    }

    /// Where `spanned` stands in `source`.
    pub fn of<T>(source: &Arc<Source>, spanned: &Spanned<T>) -> Self {
        Self::from_location(source, spanned.referenced)
    }

    fn at_line(source: &Arc<Source>, line: usize, column: usize) -> Self {
        let start: usize = source.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = source.text.get(start..).unwrap_or_default();
        let skip: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        Self { source: Arc::clone(source), offset: (start + skip).min(source.text.len()), length: 0 }
    }

    fn from_location(source: &Arc<Source>, location: serde_yaml::Location) -> Self {
        let span = location.span();
        let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let offset = number(span.byte_offset()).min(source.text.len());
        let length = number(span.byte_len()).min(source.text.len() - offset);
        Self { source: Arc::clone(source), offset, length }
    }

    /// The first occurrence of `text` from here on, if it is near; else this place.
    #[must_use]
    pub fn narrowed_to(&self, text: &str) -> Self {
        const NEAR: usize = 600;
        let rest = self.source.text.get(self.offset..).unwrap_or_default();
        match rest.find(text).filter(|found| *found < NEAR && !text.is_empty()) {
            Some(found) => Self { offset: self.offset + found, length: text.len(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The line that it is on is longer than a terminal could show.
    pub(super) fn is_on_long_line(&self) -> bool {
        const LONG: usize = 400;
        let start = self.before().rfind('\n').map_or(0, |index| index + 1);
        let rest = self.source.text.get(start..).unwrap_or_default();
        rest.find('\n').unwrap_or(rest.len()) > LONG
    }

    /// Name of the file.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        self.source.text.get(self.offset..self.offset + self.length).unwrap_or_default()
    }

    /// The whole document with this stretch replaced.
    pub fn replaced_by(&self, text: &str) -> String {
        let (before, rest) =
            self.source.text.split_at_checked(self.offset).unwrap_or((&self.source.text, ""));
        [before, text, rest.get(self.length..).unwrap_or_default()].concat()
    }

    fn before(&self) -> &str {
        let mut end = self.offset.min(self.source.text.len());
        while !self.source.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.source.text[..end]
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

/// A value and where in its document it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    referenced: serde_yaml::Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serde_yaml::Spanned { value, referenced, .. } = serde_yaml::Spanned::deserialize(deserializer)?;
        Ok(Self { value, referenced })
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl<T> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Scalar>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

/// Decodes the one document in `source`. Where a word of `renamed` (old, new) stands and the new one is known, the
/// diagnostic carries the fix.
///
/// # Errors
/// The first thing wrong with the document's shape.
pub fn load<T: DeserializeOwned>(
    source: &Arc<Source>,
    renamed: &[(&str, &'static str)],
) -> Result<T, Diagnostic> {
    if source.text.trim().is_empty() {
        return Err(is_empty(source));
    }
    serde_yaml::from_str_with_options(&source.text, options())
        .map_err(|error| explain(source, &error, renamed))
}

/// Decodes every document in `source`, of which there is at least one; `---` stands between two.
///
/// # Errors
/// The first thing wrong with the shape of any of them.
pub fn load_all<T: DeserializeOwned>(
    source: &Arc<Source>,
    renamed: &[(&str, &'static str)],
) -> Result<Vec<T>, Diagnostic> {
    // The library skips documents with nothing in them; one that stands alone must say what is missing.
    if !source.text.lines().any(|line| line.starts_with("---")) {
        return load(source, renamed).map(|one| vec![one]);
    }
    let all: Vec<T> = serde_yaml::from_multiple_with_options(&source.text, options())
        .map_err(|error| explain(source, &error, renamed))?;
    if all.is_empty() { Err(is_empty(source)) } else { Ok(all) }
}

fn is_empty(source: &Arc<Source>) -> Diagnostic {
    Diagnostic::error(Place::start_of(source), "the file is empty")
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        with_snippet: false,
        strict_booleans: true,
        // Codes and keys are text.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        budget: serde_yaml::budget! {
            max_events: 100_000,
            max_nodes: 100_000,
            max_depth: 64,
            max_aliases: 1_000,
        },
    }
}

fn explain(source: &Arc<Source>, error: &serde_yaml::Error, renamed: &[(&str, &'static str)]) -> Diagnostic {
    use serde_yaml::Error as E;
    let error = error.without_snippet();
    let place = error
        .location()
        .map_or_else(|| Place::start_of(source), |location| Place::from_location(source, location));
    let named = |kind: &str, found: &str, expected: &[&'static str]| {
        let unknown = Diagnostic::error(place.clone(), format!("unknown {kind} `{found}`"));
        let is_known = |(old, new): &&(&str, &'static str)| *old == found && expected.contains(new);
        match renamed.iter().find(is_known) {
            Some((_, new)) if place.text() == found => unknown.fix(new),
            Some((_, new)) => unknown.hint(format!("did you mean `{new}`?")),
            None => unknown.hint(did_you_mean(found, expected.iter().copied())),
        }
    };
    match error {
        E::SerdeUnknownField { field, expected, .. } => named("field", field, expected),
        E::SerdeUnknownVariant { variant, expected, .. } => named("word", variant, expected),
        E::SerdeMissingField { field, .. } => Diagnostic::error(place, format!("field `{field}` is missing")),
        E::SerdeInvalidType { unexpected, expected, .. }
        | E::SerdeInvalidValue { unexpected, expected, .. } => Diagnostic::error(
            place,
            format!("found {}, expected {expected}", unexpected.replace("unit value", "nothing")),
        ),
        E::DuplicateMappingKey { key, .. } => {
            let name = key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"));
            Diagnostic::error(place, format!("key{name} is defined twice"))
        }
        E::MultipleDocuments { .. } => Diagnostic::error(place, "a second document begins here")
            .hint("a file holds one document; remove the `---`"),
        E::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            Diagnostic::error(place, "a step does only one thing").hint("begin the second one with `- `")
        }
        other => plain(source, place, &other.to_string()),
    }
}

/// A finding of the YAML reader itself, in our words and at the place that its text names.
fn plain(source: &Arc<Source>, place: Place, text: &str) -> Diagnostic {
    let text = text.lines().next().unwrap_or_default();
    let (message, place) = match text.rsplit_once(" at line ") {
        Some((message, rest)) => {
            let mut numbers =
                rest.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<usize>().ok());
            let found = (numbers.next(), numbers.next());
            let place = match found {
                (Some(line), Some(column)) if place.offset == 0 => Place::at_line(source, line, column),
                _ => place,
            };
            (message, place)
        }
        None => (text, place),
    };
    let hint = match message {
        m if m.contains("tab") => "indent with spaces",
        m if m.contains("budget breached") => "the document is too large or refers to itself too often",
        m if m.contains("expected mapping") => "write `name: value` lines here, or `{name: value}`",
        m if m.contains("expected sequence") => "write a list here: lines that begin with `- `",
        m if m.contains("expected string scalar") => "write a single word or text here",
        m if m.contains("boolean") => "write `true` or `false`",
        m if m.contains("invalid u") || m.contains("invalid i") => "write a small whole number",
        _ => "",
    };
    let message = message.replace("expected mapping start", "expected a mapping of names to values");
    Diagnostic::error(place, message).hint(hint)
}

/// Any scalar as it was written: `12 s`, `off`, `4821`, `true`.
///
/// Names and quantities are read as text so that a bare number or YAML's idea of a boolean gets
/// an explanation instead of a silent conversion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, a text or a quantity with its unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }
}

/// A mapping of names to values. Two keys that read the same as text are refused: the last would win in silence.
#[derive(Clone, Debug)]
pub struct Map<V>(BTreeMap<String, V>);

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Deref for Map<V> {
    type Target = BTreeMap<String, V>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, V> IntoIterator for &'a Map<V> {
    type Item = (&'a String, &'a V);
    type IntoIter = std::collections::btree_map::Iter<'a, String, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
            type Value = Map<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of names to values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some(Scalar(key)) = map.next_key()? {
                    if all.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("key `{key}` is defined twice")));
                    }
                    all.insert(key, map.next_value()?);
                }
                Ok(Map(all))
            }
        }

        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Map<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Map".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, V>::json_schema(generator)
    }
}

/// A single item, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de> + From<Scalar>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + From<Scalar>> Visitor<'de> for ListVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one item or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany(vec![T::from(Scalar(text.to_owned()))]))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(OneOrMany(list))
            }
        }

        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        scalar.0
    }
}
