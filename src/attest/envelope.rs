//! The envelope: what was signed, and by whom (DSSE 1.0.2). There is one form of it, so that nothing in it can be altered
//! unnoticed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::MAX_STAMPS;
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
    /// Time stamps of the first signature. DSSE leaves room for what others need not know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub timestamps: Vec<String>,
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
            timestamps: Vec::new(),
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
        if envelope.timestamps.len() > MAX_STAMPS {
            return Err(format!("it has {} time stamps", envelope.timestamps.len()));
        }
        if envelope.bytes()? != bytes {
            return Err("it is not in canonical JSON, in which lockrig writes it".to_owned());
        }
        Ok(envelope)
    }

    /// The signature that is stamped.
    pub(super) fn stamped(&self) -> Result<Vec<u8>, String> {
        let first = self.signatures.first().ok_or("it has no signature")?;
        STANDARD.decode(&first.sig).map_err(|error| format!("its signature is no base64: {error}"))
    }

    /// Its time stamps, as they are encoded.
    pub(super) fn tokens(&self) -> Result<Vec<Vec<u8>>, String> {
        let decoded = |text: &String| STANDARD.decode(text);
        let all: Result<_, _> = self.timestamps.iter().map(decoded).collect();
        all.map_err(|error| format!("a time stamp is no base64: {error}"))
    }

    pub(super) fn stamp(&mut self, token: &[u8]) {
        self.timestamps.push(STANDARD.encode(token));
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
