//! Facts about locks: models, methods, factors, credentials and requirements. Pure data and rules.
//!
//! Deliberately absent: how a method is performed (that is the language's), YAML, and every
//! simulated behaviour.

mod aftermath;
mod credential;
mod factor;
mod facts;
mod memory;
mod obligation;

pub use self::memory::{DebugPort, MemoryMap, Region, SaltedDigest};
pub use aftermath::Aftermath;
pub use credential::{Credential, Near, Token};
pub use factor::{Level, Levels, Network, Ownership, Power, Role};
pub use facts::{
    Asset, Defaults, Fact, Facts, Lockout, Masking, Method, PadFacts, PowerFacts, Radio, ReadyFacts,
    SourceDocument, SourceKind,
};
pub use obligation::Obligation;

/// Names in this order, so that a message can list them.
pub trait Named: Sized + Copy + 'static {
    /// Every value with the word that a file uses for it.
    const WORDS: &'static [(&'static str, Self)];

    /// The value that `word` names.
    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
    }

    /// All words.
    fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().map(|(name, _)| *name)
    }
}

/// Defines an enum whose values have one word each, in files, records and messages alike.
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $variant_doc:literal])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[doc = $variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $crate::lock::Named for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }

        impl $name {
            /// What it is, in a sentence.
            pub fn described(self) -> &'static str {
                match self { $(Self::$variant => concat!($($variant_doc),*).trim_start()),+ }
            }

            /// The word for it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use named_enum;
