//! What can become of a lock whose reset was cut short.

use super::named_enum;

named_enum! {
    /// What became of a lock whose power was cut in the midst of a reset.
    Aftermath {
        /// Everything is as it was before the reset.
        Unchanged = "unchanged",
        /// It is wholly reset.
        Reset = "reset",
        /// It is neither, or it opened, or it is dead.
        Neither = "neither",
    }
}
