//! Locks without anything to press: their app resets them.

use crate::sim::design::{Design, PLAIN, RESET, Reset, Trigger};

pub(super) const DESIGNS: &[Design] = &[
    Design { model: "yale-linus", app: true, resets: &[Reset { trigger: Trigger::App, ..RESET }], ..PLAIN },
    Design {
        model: "nuki-smart-lock",
        app: true,
        resets: &[Reset { trigger: Trigger::App, ..RESET }],
        ..PLAIN
    },
    Design {
        model: "august-smart-lock",
        app: true,
        resets: &[Reset { trigger: Trigger::App, ..RESET }],
        ..PLAIN
    },
    Design {
        model: "august-asl-03",
        app: true,
        hub: true,
        resets: &[Reset { trigger: Trigger::AppLeavesHub, app: false, codes: false, ..RESET }],
        ..PLAIN
    },
];
