//! How binding a clause is.

use super::named_enum;

named_enum! {
    /// How binding a clause is for whoever claims conformity with its text.
    Obligation {
        /// It holds for every lock.
        Mandatory = "mandatory",
        /// It holds for every lock that has what it is about.
        Conditional = "mandatory where it applies",
        /// It should be met.
        Recommended = "recommended",
        /// It belongs to a group of which some parts bind and some do not.
        Mixed = "in part mandatory",
    }
}
