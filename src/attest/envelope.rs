//! The envelope: what was signed, and by whom (DSSE 1.0.2). There is one form of it, so that nothing in it can be altered
//! unnoticed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::key::{PublicKey, SigningKey};

/// What is signed is an in-toto statement.
const PAYLOAD: &str = "application/vnd.in-toto+json";
/// A run has far fewer files than a larger one would name.
pub(super) const MAX_ENVELOPE: u64 = 64 << 20;
/// More have never signed a run.
const MAX_SIGNATURES: usize = 100;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    pub signatures: Vec<Signature>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    pub keyid: String,
    sig: String,
}

impl Signature {
    pub(super) fn is_by(&self, key: &PublicKey, payload: &[u8]) -> bool {
        STANDARD.decode(&self.sig).is_ok_and(|signature| key.has_signed(&authenticated(payload), &signature))
    }
}

impl Envelope {
    pub(super) fn new(payload: &[u8], key: &SigningKey) -> Self {
        let sig = STANDARD.encode(key.sign(&authenticated(payload)));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD.to_owned(),
            signatures: vec![Signature { keyid: key.public().id(), sig }],
        }
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        serde_json_canonicalizer::to_vec(self).map_err(|error| error.to_string())
    }

    /// Reads an envelope in its one form.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let envelope: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no signature: {error}"))?;
        if envelope.payload_type != PAYLOAD {
            return Err(format!("it signs something else than `{PAYLOAD}`"));
        }
        if envelope.signatures.is_empty() || envelope.signatures.len() > MAX_SIGNATURES {
            return Err(format!("it has {} signatures", envelope.signatures.len()));
        }
        if envelope.bytes()? != bytes {
            return Err("it is not in canonical JSON, in which lockrig writes it".to_owned());
        }
        Ok(envelope)
    }

    pub(super) fn payload(&self) -> Result<Vec<u8>, String> {
        STANDARD.decode(&self.payload).map_err(|error| format!("its payload is no base64: {error}"))
    }
}

/// What is signed in the end (DSSE: pre-authentication encoding).
fn authenticated(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD} {} ", PAYLOAD.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
