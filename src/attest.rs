//! Signatures of a run: an in-toto statement whose subjects are all of its files, in a DSSE envelope, by Ed25519.
//!
//! Deliberately absent: where keys are kept, which of them are trusted, and certificates: a laboratory hands out its
//! public key.

mod envelope;
mod key;
mod stamp;
mod statement;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::evidence::{Manifest, read_regular};
use crate::unit::visible;
use crate::verdict::Verdict;

use envelope::{Envelope, MAX_ENVELOPE};
pub use key::{KeyError, PublicKey, SigningKey};
pub use stamp::{Authorities, Stamp, Trust};
use statement::statement;

/// One is enough; a few more renew it.
const MAX_STAMPS: usize = 16;

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

/// The envelope for a closed run, which was verified, and what it comes to.
///
/// # Errors
/// `run.json` can't be read, as a text for people.
pub fn sign(
    folder: &Path,
    manifest: &Manifest,
    outcome: Verdict,
    key: &SigningKey,
) -> Result<Vec<u8>, String> {
    let payload = statement(folder, manifest, outcome)?;
    Envelope::new(&payload, key).bytes()
}

/// The envelope of a run, if it has one.
///
/// # Errors
/// It can't be read, or is no file of its size.
pub fn read(folder: &Path) -> Result<Option<Vec<u8>>, String> {
    let path = folder.join(FILE);
    if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    read_regular(&path, MAX_ENVELOPE).map(Some).map_err(|error| error.to_string())
}

/// The request for a time stamp of an envelope's signature: a file for a time-stamping authority (RFC 3161).
///
/// # Errors
/// The envelope is none, as a text for people.
pub fn stamp_request(envelope: &[u8]) -> Result<Vec<u8>, String> {
    stamp::request(&Envelope::read(envelope)?.stamped()?)
}

/// The envelope with a time stamp from an authority's answer.
///
/// # Errors
/// The answer has no stamp of this signature, as a text for people.
pub fn stamped(envelope: &[u8], response: &[u8]) -> Result<(Vec<u8>, Stamp), String> {
    let mut envelope = Envelope::read(envelope)?;
    let token = stamp::token(response)?;
    let tokens = envelope.tokens()?;
    if tokens.contains(&token) {
        return Err("this time stamp is attached already".to_owned());
    }
    if tokens.len() >= MAX_STAMPS {
        return Err(format!("the signature has {MAX_STAMPS} time stamps, and needs no more"));
    }
    let stamp = stamp::check(&token, &envelope.stamped()?, &Authorities::default())?;
    envelope.stamp(&token);
    Ok((envelope.bytes()?, stamp))
}

/// The time stamps of an envelope's signature, checked as far as the authorities allow.
///
/// # Errors
/// One is of another signature, or can't be read.
pub fn stamps(envelope: &[u8], authorities: &Authorities) -> Result<Vec<Stamp>, String> {
    let wrong = |what: String| format!("{FILE}: {what}");
    let envelope = Envelope::read(envelope).map_err(wrong)?;
    let signature = envelope.stamped().map_err(wrong)?;
    let tokens = envelope.tokens().map_err(wrong)?;
    tokens.iter().map(|token| stamp::check(token, &signature, authorities).map_err(wrong)).collect()
}

/// What an envelope says of a run, which comes to `outcome`, with these keys.
///
/// # Errors
/// It is not what `sign` writes of this run, or the signature of a known key is wrong.
pub fn check(
    folder: &Path,
    manifest: &Manifest,
    outcome: Verdict,
    bytes: &[u8],
    keys: &[PublicKey],
) -> Result<Vec<Signed>, String> {
    let wrong = |what: &str| format!("{FILE}: {what}");
    let envelope = Envelope::read(bytes).map_err(|reason| wrong(&reason))?;
    let payload = envelope.payload().map_err(|reason| wrong(&reason))?;
    let expected = statement(folder, manifest, outcome)?;
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
