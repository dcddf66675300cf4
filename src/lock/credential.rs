//! What opens a lock: codes by handle, whose value is known only to the player that types it, and tokens by name.

use std::sync::Arc;

use super::{Asset, named_enum};

named_enum! {
    /// What opens a lock and is presented to its reader. The rig knows it only by its name.
    Token {
        /// A card, fob or tag.
        Card = "card",
        /// A finger, as the lock has learned it.
        Finger = "finger",
    }
}

impl Token {
    /// What a lock stores of it.
    pub const fn asset(self) -> Asset {
        match self {
            Self::Card => Asset::Cards,
            Self::Finger => Asset::Fingers,
        }
    }

    /// The operation that has the lock learn one.
    pub const fn added_by(self) -> &'static str {
        match self {
            Self::Card => "add_card",
            Self::Finger => "add_finger",
        }
    }

    /// The operation that opens with one.
    pub const fn used_by(self) -> &'static str {
        match self {
            Self::Card => "use_card",
            Self::Finger => "use_finger",
        }
    }

    /// What people call several.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Card => "cards",
            Self::Finger => "fingers",
        }
    }
}

named_enum! {
    /// How a code that must open nothing differs from one that does.
    Near {
        /// The last digit is left out.
        LastMissing = "last_digit_missing",
        /// The first digit is left out.
        FirstMissing = "first_digit_missing",
        /// A digit follows it.
        ExtraAfter = "extra_digit_after",
        /// A digit precedes it.
        ExtraBefore = "extra_digit_before",
        /// One digit is another, at each place in turn.
        OneWrong = "one_digit_wrong",
    }
}

/// A code, published (a default from a manual) or secret; or a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// Printed in a manual for every unit of the model; not a secret.
    Published(Arc<str>),
    /// Drawn for this run.
    Secret {
        /// Its name: `user.1`, `master`, `wrong.2`.
        handle: Arc<str>,
        /// How many digits it has.
        digits: u8,
    },
    /// A secret typed otherwise than it is.
    Altered {
        /// The name of the secret.
        handle: Arc<str>,
        /// How many digits that has.
        digits: u8,
        /// What is different.
        near: Near,
        /// The place of the digit that is another one, from 0.
        place: u8,
    },
    /// A card or a finger.
    Token {
        /// Which of the two.
        kind: Token,
        /// Its name: `card.1`, `finger.new`.
        name: Arc<str>,
    },
}

impl Credential {
    /// The secret called `handle`.
    pub fn secret(handle: impl Into<Arc<str>>, digits: u8) -> Self {
        Self::Secret { handle: handle.into(), digits }
    }

    /// The codes that are nearly this one: one for each place where a digit can be wrong, else one. There are none of
    /// what is printed or presented.
    pub fn nearly(&self, near: Near) -> Vec<Self> {
        let Self::Secret { handle, digits } = self else { return Vec::new() };
        let places = if near == Near::OneWrong { *digits } else { 1 };
        let altered = |place| Self::Altered { handle: Arc::clone(handle), digits: *digits, near, place };
        (0..places).map(altered).collect()
    }

    /// The token of a kind that is called `word`: a number, or what it is for.
    pub fn token(kind: Token, word: &str) -> Self {
        Self::Token { kind, name: format!("{kind}.{word}").into() }
    }

    /// Which token it is, if it is no code.
    pub fn kind(&self) -> Option<Token> {
        match self {
            Self::Published(_) | Self::Secret { .. } | Self::Altered { .. } => None,
            Self::Token { kind, .. } => Some(*kind),
        }
    }

    /// How a person refers to it: never its value if it is secret.
    pub fn name(&self) -> String {
        match self {
            Self::Published(code) => format!("{code} (published)"),
            Self::Secret { handle, .. } => handle.to_string(),
            Self::Altered { handle, near, place, .. } => match near {
                Near::LastMissing => format!("{handle} without its last digit"),
                Near::FirstMissing => format!("{handle} without its first digit"),
                Near::ExtraAfter => format!("{handle} with an extra digit after it"),
                Near::ExtraBefore => format!("{handle} with an extra digit before it"),
                Near::OneWrong => format!("{handle} with digit {} wrong", place + 1),
            },
            Self::Token { name, .. } => name.to_string(),
        }
    }

    /// The same within a sentence, with what it is.
    pub fn described(&self) -> String {
        match self {
            Self::Published(_) | Self::Secret { .. } | Self::Altered { .. } => {
                format!("code {}", self.name())
            }
            Self::Token { .. } => self.name(),
        }
    }
}
