//! Signatures of a run: an in-toto statement whose subjects are all of its files, in a DSSE envelope, by Ed25519.
//!
//! Deliberately absent: where keys are kept, which of them are trusted, and certificates: a laboratory hands out its
//! public key.

mod envelope;
mod key;
mod statement;

use std::path::Path;

use crate::evidence::Manifest;
use crate::unit::visible;

use envelope::{Envelope, MAX_ENVELOPE};
pub use key::{KeyError, PublicKey, SigningKey};
use statement::statement;

/// The file of a run folder that holds its signature.
pub const FILE: &str = "attestation.json";

/// Who signed a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// By its id.
    pub key: String,
    /// Whether that is one of the keys that were given, and its signature is right. Otherwise nobody knows.
    pub is_known: bool,
}

/// The envelope for a closed run, which was verified.
///
/// # Errors
/// `run.json` can't be read, as a text for people.
pub fn sign(folder: &Path, manifest: &Manifest, key: &SigningKey) -> Result<Vec<u8>, String> {
    let payload = statement(folder, manifest)?;
    Envelope::new(&payload, key).bytes()
}

/// What an envelope says of a run, with these keys.
///
/// # Errors
/// It is not what `sign` writes of this run, or the signature of a known key is wrong.
pub fn check(
    folder: &Path,
    manifest: &Manifest,
    bytes: &[u8],
    keys: &[PublicKey],
) -> Result<Vec<Signed>, String> {
    let wrong = |what: &str| format!("{FILE}: {what}");
    if bytes.len() > MAX_ENVELOPE {
        return Err(wrong("it is too large for a signature"));
    }
    let envelope = Envelope::read(bytes).map_err(|reason| wrong(&reason))?;
    let payload = envelope.payload().map_err(|reason| wrong(&reason))?;
    let expected = statement(folder, manifest)?;
    let mut signed = Vec::new();
    for signature in &envelope.signatures {
        let is_right = |key: &&PublicKey| signature.is_by(key, &payload);
        let known = keys.iter().find(|key| key.id() == signature.keyid);
        match (known, keys.iter().find(is_right)) {
            (Some(key), Some(by)) if key == by => {}
            (Some(_), _) => return Err(wrong("the signature is wrong: it or what was signed was altered")),
            (None, Some(_)) => return Err(wrong("it names another key than the one that signed it")),
            (None, None) => {}
        }
        signed.push(Signed { key: visible(&signature.keyid), is_known: known.is_some() });
    }
    if payload != expected {
        return Err(wrong(&statement::difference(&payload, &expected)));
    }
    Ok(signed)
}
