//! Keys, as PEM that other programs read as well (PKCS#8 and SubjectPublicKeyInfo, RFC 8410).

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};

use crate::evidence::hex;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is none.
    #[error("this is no Ed25519 {0} key in PEM")]
    Malformed(&'static str),
    /// A public key was given for a private one.
    #[error("this is a public key; a private one is needed to sign")]
    Public,
    /// The operating system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A private key. It is never shown, and is wiped when it is dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    /// A new key, from the operating system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(KeyError::Random)?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&secret)))
    }

    /// Reads a private key.
    ///
    /// # Errors
    /// The text is none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if PublicKey::from_pem(text).is_ok() {
            return Err(KeyError::Public);
        }
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(text);
        key.map(Self).map_err(|_| KeyError::Malformed("private"))
    }

    /// The key for its file.
    ///
    /// # Errors
    /// It can't be encoded, which never happens.
    pub fn to_pem(&self) -> Result<impl AsRef<[u8]>, KeyError> {
        // Without its public part, which OpenSSL does not read beside it.
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Malformed("private"))?;
        Ok(Pem(pem))
    }

    /// Its public part.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }
}

/// A private key as text, wiped when it is dropped.
struct Pem<T>(T);

impl<T: std::ops::Deref<Target = String>> AsRef<[u8]> for Pem<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PublicKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// The text is none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(text);
        key.map(Self).map_err(|_| KeyError::Malformed("public"))
    }

    /// The key for others.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Its id: the SHA-256 of how securesystemslib writes the key.
    pub fn id(&self) -> String {
        let public = hex(self.0.as_bytes());
        let text = format!(
            "{{\"keytype\":\"ed25519\",\"keyval\":{{\"public\":\"{public}\"}},\"scheme\":\"ed25519\"}}"
        );
        hex(&Sha256::digest(text.as_bytes()))
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}
