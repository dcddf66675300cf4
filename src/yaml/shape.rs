//! Schemas that say what words a file may have, so that an editor marks what `check` would.
//!
//! The schema of a file's syntax knows its fields, and that some are a word. What word is said here, by the name of the
//! syntax and the field.

use schemars::Schema;
use serde_json::{Map, Value as Json, json};

use crate::unit::Quantity;

/// What stands in a field.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Wherever a word may stand, one like this.
    Word(Json),
    /// A mapping with these keys, and words as given by the second, if it is given.
    Keys(Json, Option<Json>),
    /// This, whatever the syntax takes.
    Only(Json),
}

/// A word that is a quantity with its unit.
pub fn quantity<Q: Quantity>() -> Json {
    json!({"type": "string", "pattern": format!("^{}$", pattern::<Q>())})
}

/// The same, or one of these words.
pub fn quantity_or<Q: Quantity>(words: &[&str]) -> Json {
    json!({"type": "string", "pattern": format!("^({}|{})$", pattern::<Q>(), words.join("|"))})
}

/// A quantity with its tolerance.
pub fn tolerance<Q: Quantity>() -> Json {
    json!({"type": "string", "pattern": format!("^{}±.+$", pattern::<Q>())})
}

/// A number with a unit of the quantity, as a regular expression.
pub fn pattern<Q: Quantity>() -> String {
    let units: Vec<&str> = Q::UNITS.iter().map(|(unit, _)| *unit).collect();
    format!("\\s*[+-]?[0-9]+(\\.[0-9]+)?\\s*({})\\s*", units.join("|"))
}

/// One of these words.
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Json {
    json!({"enum": words.into_iter().collect::<Vec<_>>()})
}

/// An id, as [`super::is_identifier`] has it.
pub fn identifier() -> Json {
    json!({"type": "string", "pattern": "^[a-z][a-z0-9-]{1,59}$"})
}

/// A whole number within limits, in quotes or not.
pub fn count(least: u64, most: u64) -> Json {
    json!({"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, like("^[0-9]+$")]})
}

/// A text that a pattern describes.
pub fn like(pattern: &str) -> Json {
    json!({"type": "string", "pattern": pattern})
}

/// Puts in what stands in the fields of a schema: of a named part, or of the file itself if that has no name.
///
/// # Errors
/// Names a field that the schema does not have.
pub fn refine(schema: Schema, fields: &[(&str, &str, Shape)]) -> Result<Schema, String> {
    let mut schema = schema.to_value();
    for (part, field, shape) in fields {
        let property = property(&mut schema, part, field);
        let property = property.ok_or_else(|| format!("{part} has no field {field}"))?;
        match shape {
            Shape::Word(word) => put(property, word),
            Shape::Keys(keys, words) => {
                if let Some(words) = words {
                    put(property, words);
                }
                if let Some(map) = property.as_object_mut() {
                    map.insert("propertyNames".into(), keys.clone());
                }
            }
            Shape::Only(only) => *property = only.clone(),
        }
    }
    Schema::try_from(schema).map_err(|error| error.to_string())
}

fn property<'a>(schema: &'a mut Json, part: &str, field: &str) -> Option<&'a mut Json> {
    let part = if part.is_empty() { schema } else { schema.get_mut("$defs")?.get_mut(part)? };
    let part = if part.get("else").is_some() { part.get_mut("else")? } else { part };
    part.get_mut("properties")?.get_mut(field)
}

/// Puts a word in place of every scalar; where nothing may stand, it still may.
fn put(schema: &mut Json, word: &Json) {
    let kinds = schema.get("type").and_then(Json::as_array);
    if kinds.is_some_and(|kinds| kinds.contains(&json!("number"))) {
        let may_be_none = kinds.is_some_and(|kinds| kinds.contains(&json!("null")));
        *schema = if may_be_none { json!({"anyOf": [word, {"type": "null"}]}) } else { word.clone() };
        return;
    }
    if let Some(map) = schema.as_object_mut() {
        for key in ["items", "additionalProperties"] {
            map.get_mut(key).into_iter().for_each(|inner| put(inner, word));
        }
        let several = map.get_mut("anyOf").and_then(Json::as_array_mut);
        several.into_iter().flatten().for_each(|inner| put(inner, word));
    }
}

/// An enum whose values are a word, or a mapping with one key, as an editor understands it: alternatives would be marked
/// as a whole.
pub fn untangle(schema: &mut Schema, part: &str) {
    let Some(part) = schema.get_mut("$defs").and_then(|parts| parts.get_mut(part)) else { return };
    let mut words = Json::Null;
    let mut fields = Map::new();
    for one in part.get("oneOf").and_then(Json::as_array).into_iter().flatten() {
        match one.get("properties").and_then(Json::as_object) {
            Some(own) => fields.extend(own.clone()),
            None => words = one.get("enum").cloned().unwrap_or_default(),
        }
    }
    *part = json!({
        "description": part.get("description"),
        "if": {"type": "string"},
        "then": {"enum": words},
        "else": {"type": "object", "properties": fields, "additionalProperties": false,
                 "minProperties": 1, "maxProperties": 1},
    });
}

/// A file says these fields, and the others unless it is `like` another one.
pub fn require(schema: &mut Schema, always: Json, unless_alike: &[&str]) {
    schema.insert(
        "allOf".into(),
        json!([
            always,
            {"if": {"required": ["like"]}, "else": {"required": unless_alike}},
        ]),
    );
}
