//! Keys of a keypad: digits and function keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::trace::Keystroke;

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
