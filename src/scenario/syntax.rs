//! The shape of model and scenario files, as serde reads them; meaning comes later.

mod step;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};

use crate::yaml::{Map, OneOrMany, Scalar, Spanned};

pub(super) use step::*;

/// Words of earlier versions and what took their place, wherever that one is known.
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("do", "steps"),
    ("let_go", "interrupted_for"),
    ("mark", "kind"),
    ("of", "channels"),
    ("of", "event"),
    ("then_hold", "second_hold"),
    ("with", "parameters"),
];

/// A scalar with its place.
pub(super) type Word = Spanned<Scalar>;

/// A list of steps.
pub(super) type Steps = Vec<Spanned<StepSyntax>>;

/// A single word, or a mapping with the details.
#[derive(Clone, Debug)]
pub(super) enum WordOr<T> {
    Word(String),
    Full(T),
}

/// A word (`unknown`, `unsupported`), a list, or a mapping.
#[derive(Clone, Debug)]
pub(super) enum WordListOr<L, T> {
    Word(String),
    List(Vec<L>),
    Full(T),
}

struct AnyShape<L, T>(PhantomData<(L, T)>);

impl<'de, L: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for AnyShape<L, T> {
    type Value = WordListOr<L, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, a list or a mapping")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(WordListOr::Word(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(WordListOr::Word(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(WordListOr::Word(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(WordListOr::Word(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(WordListOr::Word(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(WordListOr::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(WordListOr::Full)
    }
}

impl<'de, L: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for WordListOr<L, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyShape(PhantomData))
    }
}

impl<L: JsonSchema, T: JsonSchema> JsonSchema for WordListOr<L, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WordListOr".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<Scalar>();
        let (item, full) = (generator.subschema_for::<L>(), generator.subschema_for::<T>());
        json_schema!({"anyOf": [word, {"type": "array", "items": item}, full]})
    }
}

impl<T: JsonSchema> JsonSchema for WordOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WordOr".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (word, full) = (generator.subschema_for::<Scalar>(), generator.subschema_for::<T>());
        json_schema!({"anyOf": [word, full]})
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordListOr::<de::IgnoredAny, T>::deserialize(deserializer)? {
            WordListOr::Word(word) => Ok(Self::Word(word)),
            WordListOr::Full(full) => Ok(Self::Full(full)),
            WordListOr::List(_) => Err(de::Error::custom("a list is not expected here")),
        }
    }
}

/// A model, or a family that models share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelSyntax {
    pub model: Option<Word>,
    pub family: Option<Word>,
    pub like: Option<Word>,
    pub maker: Option<String>,
    pub variant: Option<String>,
    pub source: Option<SourceSyntax>,
    #[serde(default)]
    pub controls: Map<Spanned<WordOr<PowerSyntax>>>,
    #[serde(default)]
    pub indicators: Map<Spanned<WordListOr<String, Empty>>>,
    pub radio: Option<Spanned<OneOrMany<String>>>,
    pub codes: Option<CodesSyntax>,
    pub keypad: Option<PadSyntax>,
    pub ready: Option<ReadySyntax>,
    pub relocks_after: Option<Word>,
    pub defaults: Option<DefaultsSyntax>,
    pub lockout: Option<Spanned<WordOr<LockoutSyntax>>>,
    pub memory: Option<Spanned<MemorySyntax>>,
    pub baseline: Option<Word>,
    pub keeps: Option<Vec<Word>>,
    pub opens_for_any_code: Option<bool>,
    #[serde(default)]
    pub methods: Map<Spanned<WordOr<MethodSyntax>>>,
    #[serde(default)]
    pub operations: Map<Spanned<WordListOr<Spanned<StepSyntax>, OperationSyntax>>>,
}

/// `{}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceSyntax {
    pub title: String,
    pub document: String,
    pub kind: Word,
    #[serde(default)]
    pub conflicts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PowerSyntax {
    pub cells: u8,
    pub nominal: Word,
    pub low: Word,
}

/// What the keypad does with keys that are no code.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PadSyntax {
    pub forgets_after: Option<Word>,
    pub deaf_after_wrong_code: Option<Word>,
}

/// How long the lock takes nothing after it was started.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadySyntax {
    pub after_power: Option<Word>,
    pub after_short_press: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodesSyntax {
    pub digits: Spanned<u8>,
    pub shortest: Option<Spanned<u8>>,
    pub longest: Option<Spanned<u8>>,
    pub slots: Option<Spanned<u16>>,
    pub masking: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultsSyntax {
    pub user_codes: Spanned<OneOrMany<String>>,
    pub master: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LockoutSyntax {
    pub attempts: u8,
    #[serde(rename = "for")]
    pub duration: Word,
    pub within: Option<Word>,
}

/// Where a firmware keeps what, as its maker documents it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemorySyntax {
    pub chip: Word,
    pub debug_port: Word,
    pub regions: Map<Spanned<RegionSyntax>>,
    pub salt: Option<Spanned<u8>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionSyntax {
    pub from: Word,
    pub to: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MethodSyntax {
    pub starts: Option<Word>,
    #[serde(default)]
    pub needs: Map<Spanned<OneOrMany<String>>>,
    #[serde(default)]
    pub decisive: DecisiveSyntax,
    pub erases: Option<Spanned<WordListOr<Word, Empty>>>,
    pub keeps: Option<Vec<Word>>,
    pub procedure: Steps,
    pub confirmed_by: Spanned<WordListOr<Spanned<StepSyntax>, Empty>>,
    #[serde(default)]
    pub afterwards: Vec<Word>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisiveSyntax {
    pub hold: Option<Spanned<IntervalSyntax>>,
    pub second_hold: Option<Spanned<IntervalSyntax>>,
    pub gap: Option<Spanned<IntervalSyntax>>,
    pub presses: Option<Spanned<u32>>,
    pub keys: Option<Spanned<u32>>,
    pub rotation: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IntervalSyntax {
    pub from: Word,
    pub to: Word,
    pub at_least: Option<Word>,
    pub at_most: Option<Word>,
    pub tolerance: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationSyntax {
    #[serde(default)]
    pub parameters: Vec<String>,
    pub procedure: Steps,
    pub accepted_by: Option<Spanned<StepSyntax>>,
}

/// A scenario.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioSyntax {
    pub scenario: Option<Word>,
    pub like: Option<Word>,
    pub title: Option<String>,
    #[serde(default)]
    pub clauses: Vec<Word>,
    pub methods: Option<Spanned<OneOrMany<String>>>,
    #[serde(default)]
    pub given: Map<Spanned<OneOrMany<String>>>,
    pub cover: Option<Word>,
    pub exclude: Option<Vec<Spanned<Map<OneOrMany<String>>>>>,
    pub arrange: Option<Steps>,
    pub but: Option<Spanned<ButSyntax>>,
    pub act: Option<Steps>,
    pub expect: Option<Steps>,
    pub time_limit: Option<Word>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ButSyntax {
    pub hold: Option<Word>,
    pub second_hold: Option<Word>,
    pub interrupted_for: Option<Word>,
    pub bounces: Option<u32>,
    pub gap: Option<Word>,
    pub presses: Option<i32>,
    pub wrong_key: Option<Word>,
    pub missing_keys: Option<u32>,
    pub missing_buttons: Option<u32>,
    pub pause: Option<Word>,
    pub dropout: Option<Word>,
    pub proof: Option<Word>,
    pub bolt: Option<Word>,
    pub rotation: Option<Word>,
    pub without: Option<Word>,
    pub cut_power_at: Option<Word>,
    pub cut_to: Option<Word>,
    pub cut_from: Option<Word>,
}
