//! Loading a YAML document, places in it, and diagnostics that show them.
//!
//! Deliberately absent: the file system (text comes in, values and diagnostics go out) and any
//! knowledge of what the documents mean.

mod diagnostic;
mod document;
pub mod shape;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, nearest};
pub use document::{At, MAX_DOCUMENT_BYTES, Map, OneOrMany, Place, Scalar, Source, Spanned, load, load_all};

/// What an identifier is made of.
pub const IDENTIFIER: &str = "2 to 60 lowercase letters, digits and hyphens, starting with a letter";

/// Whether a text can be an id: safe as a file name and in a case id, and read as text by every reader of YAML.
pub fn is_identifier(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(safe)
        && (2..=60).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !matches!(text, "null" | "true" | "false" | "yes" | "no" | "on" | "off")
}
