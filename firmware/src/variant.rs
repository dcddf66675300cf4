//! Which lock this is: the sound one, or one with a known defect.

const VARIANTS: [(bool, &str); 10] = [
    (cfg!(feature = "partial-wipe"), "partial-wipe"),
    (cfg!(feature = "flag-only-wipe"), "flag-only-wipe"),
    (cfg!(feature = "short-threshold"), "short-threshold"),
    (cfg!(feature = "non-atomic-erase"), "non-atomic-erase"),
    (cfg!(feature = "lockout-in-ram"), "lockout-in-ram"),
    (cfg!(feature = "prefix-compare"), "prefix-compare"),
    (cfg!(feature = "confirm-early"), "confirm-early"),
    (cfg!(feature = "remnant-in-spare"), "remnant-in-spare"),
    (cfg!(feature = "old-page-at-low-voltage"), "old-page-at-low-voltage"),
    (cfg!(feature = "forgotten-table"), "forgotten-table"),
];

pub const NAME: &str = name();

const fn name() -> &'static str {
    let mut name = "sound";
    let mut found = 0;
    let mut at = 0;
    while at < VARIANTS.len() {
        let (is_built, called) = VARIANTS[at];
        if is_built {
            name = called;
            found += 1;
        }
        at += 1;
    }
    assert!(found <= 1, "one defect at a time: the console could not name two");
    name
}
