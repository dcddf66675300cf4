//! Loading a YAML document, places in it, and diagnostics that show them.
//!
//! Deliberately absent: the file system (text comes in, values and diagnostics go out) and any
//! knowledge of what the documents mean.

mod diagnostic;
mod document;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, nearest};
pub use document::{At, MAX_DOCUMENT_BYTES, OneOrMany, Place, Scalar, Source, Spanned, load};
