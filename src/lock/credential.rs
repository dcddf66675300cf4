//! Codes, by handle. The value of a secret is known only to the player that types it.

use std::sync::Arc;

/// A code: published (a default from a manual) or secret.
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
}

impl Credential {
    /// The secret called `handle`.
    pub fn secret(handle: impl Into<Arc<str>>, digits: u8) -> Self {
        Self::Secret { handle: handle.into(), digits }
    }

    /// How a person refers to it: never its value if it is secret.
    pub fn name(&self) -> String {
        match self {
            Self::Published(code) => format!("{code} (published)"),
            Self::Secret { handle, .. } => handle.to_string(),
        }
    }
}
