//! Keys of a keypad: digits and function keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Credential, Near};
use crate::trace::{Handle, Keystroke};

use super::context::Excluded;

fn is_digit(label: &str) -> bool {
    matches!(label.as_bytes(), [b'0'..=b'9'])
}

/// Another key of the same kind: a digit for a digit, a function key for a function key.
pub(super) fn another(stroke: &Keystroke, keys: &BTreeSet<Arc<str>>) -> Result<Keystroke, Excluded> {
    match stroke {
        Keystroke::Secret { handle, position, altered } => {
            Ok(Keystroke::Secret { handle: handle.clone(), position: *position, altered: !altered })
        }
        Keystroke::Key(label) => {
            let is_other = |key: &&Arc<str>| *key != label && is_digit(key) == is_digit(label);
            // The next one of the pad, so that a digit's neighbour is tried.
            let mut others = keys.iter().filter(is_other);
            let next = others.clone().find(|key| *key > label).or_else(|| others.next());
            let kind = if is_digit(label) { "digit" } else { "function key" };
            next.map(|key| Keystroke::Key(Arc::clone(key)))
                .ok_or_else(|| Excluded::Model(format!("`{label}` is the only {kind} on the keypad")))
        }
    }
}

/// The keys that type a code.
pub(super) fn keystrokes(credential: &Credential) -> Vec<Keystroke> {
    match credential {
        Credential::Published(code) => {
            code.chars().map(|c| Keystroke::Key(Arc::from(c.to_string()))).collect()
        }
        Credential::Secret { handle, digits } => {
            let handle = Handle(Arc::clone(handle));
            let stroke = |position| Keystroke::Secret { handle: handle.clone(), position, altered: false };
            (0..*digits).map(stroke).collect()
        }
        Credential::Altered { handle, digits, near, place } => {
            let handle = Handle(Arc::clone(handle));
            let stroke = |position: u8| {
                let altered = *near == Near::OneWrong && position == *place;
                Keystroke::Secret { handle: handle.clone(), position, altered }
            };
            // The digit too many is one that the keypad certainly has.
            match near {
                Near::LastMissing => (0..digits.saturating_sub(1)).map(stroke).collect(),
                Near::FirstMissing => (1..*digits).map(stroke).collect(),
                Near::ExtraAfter => (0..*digits).chain([0]).map(stroke).collect(),
                Near::ExtraBefore => std::iter::once(0).chain(0..*digits).map(stroke).collect(),
                Near::OneWrong => (0..*digits).map(stroke).collect(),
            }
        }
        // It is presented, and no key stands for it: `check` refuses a procedure that types one.
        Credential::Token { .. } => Vec::new(),
    }
}
