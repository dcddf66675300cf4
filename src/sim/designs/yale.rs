//! Yale's Z-Wave locks: a reset button and the batteries, or configuration parameter 15.

use crate::sim::design::{Design, Entry, PLAIN, RESET, Reset, Trigger, ms, s, say};
use crate::sim::recognizer::{Awaited, stage};

const PARAMETER_15: Reset = Reset { trigger: Trigger::Hub, ..RESET };

const REFITTED: Reset = Reset {
    trigger: Trigger::Stages {
        stages: &[
            stage(Awaited::PowerUp).holding("reset"),
            // The boot is part of the stated 3 s.
            stage(Awaited::Elapsed(ms(2_700))).holding("reset"),
            stage(Awaited::Up("reset")).within(s(30)),
        ],
        survives_power: false,
    },
    ..RESET
};

const HELD_DARK: Reset = Reset {
    trigger: Trigger::Stages {
        stages: &[
            stage(Awaited::PowerUpHeld(s(3))).holding("reset"),
            stage(Awaited::Up("reset")).within(s(30)),
        ],
        survives_power: false,
    },
    ..RESET
};

const ONE_CELL: Reset = Reset {
    trigger: Trigger::Stages {
        stages: &[
            stage(Awaited::Down("reset")),
            stage(Awaited::Elapsed(s(3))).holding("reset"),
            stage(Awaited::AnyCellOut).holding("reset"),
            stage(Awaited::AnyCellIn).holding("reset"),
            stage(Awaited::Up("reset")).within(s(30)),
        ],
        survives_power: true,
    },
    cue: &[say("Welcome to Yale").after(6_000)],
    ..RESET
};

const FOURTH_CELL: Reset = Reset {
    trigger: Trigger::Stages {
        stages: &[
            stage(Awaited::CellOut(4)),
            stage(Awaited::Down("reset")),
            stage(Awaited::Elapsed(s(3))).holding("reset"),
            stage(Awaited::CellIn(4)).holding("reset"),
            stage(Awaited::Elapsed(s(3))).holding("reset"),
            stage(Awaited::Up("reset")).within(s(30)),
        ],
        survives_power: true,
    },
    ..RESET
};

const TOUCH: Design = Design {
    buttons: &["reset"],
    entry: Entry::Terminated("gear"),
    lock_key: "gear",
    lockout: Some((5, s(60))),
    hub: true,
    ..PLAIN
};

const REFIT: Design = Design { covered: true, resets: &[REFITTED], ..TOUCH };

const PATIO: Design =
    Design { cells_needed: 3, covered: true, resets: &[FOURTH_CELL, PARAMETER_15], ..TOUCH };

pub(super) const DESIGNS: &[Design] = &[
    Design { model: "yale-yrd226-zw3", ..REFIT },
    Design { model: "yale-yrd256-zw3", ..REFIT },
    Design { model: "yale-yrd216-zw3", ..REFIT },
    Design { model: "yale-yrc226-zw3", ..REFIT },
    Design { model: "yale-yrc256-zw3", ..REFIT },
    Design { model: "yale-nf-yrd612-zw3", ..REFIT },
    Design { model: "yale-yrd622-zw3", ..REFIT },
    Design { model: "yale-yrd652-zw3", ..REFIT },
    Design { model: "yale-yrd450-zw3", entry_is_stated: false, ..REFIT },
    Design { model: "yale-yrl256", resets: &[REFITTED, PARAMETER_15], ..REFIT },
    Design { model: "yale-yrd156", resets: &[HELD_DARK, PARAMETER_15], ..REFIT },
    Design { model: "yale-nextouch", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-ntb612-zw2", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-ntb622-zw2", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-ntm612-zw2", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-yrd136", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-yrd216-zw2", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-yrd416", resets: &[ONE_CELL, PARAMETER_15], ..TOUCH },
    Design { model: "yale-yrd410-zw3", resets: &[ONE_CELL], ..TOUCH },
    Design { model: "yale-yrd420-zw3", resets: &[ONE_CELL], ..TOUCH },
    Design { model: "yale-yrd430-zw3", resets: &[ONE_CELL], ..TOUCH },
    Design { model: "yale-yrm276", ..PATIO },
    Design { model: "yale-yrm476", ..PATIO },
    Design {
        model: "yale-keypad-module",
        entry: Entry::Terminated("#"),
        lock_key: "*",
        hub: true,
        resets: &[Reset { trigger: Trigger::MenuLines(&["4", "0"]), ..RESET }],
        ..PLAIN
    },
    Design {
        model: "yale-ydm3109a",
        buttons: &["reset"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUpAfter(s(5))).holding("reset"),
                    stage(Awaited::Elapsed(ms(4_700))).holding("reset"),
                    stage(Awaited::Up("reset")).within(s(30)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
];
