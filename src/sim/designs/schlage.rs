//! Schlage: buttons inside and outside, the tailpiece, and the mortise lock with its N and S buttons.

use crate::sim::design::{Design, Entry, PLAIN, RESET, Reset, Trigger, beep, light, ms, s};
use crate::sim::recognizer::{Awaited, stage};

const ENROLL: Design = Design {
    buttons: &["enroll"],
    hub: true,
    resets: &[Reset {
        trigger: Trigger::Stages {
            stages: &[
                stage(Awaited::Down("enroll")),
                stage(Awaited::Elapsed(ms(100)))
                    .holding("enroll")
                    .cue(&[light("status", "amber", 1, 7_900, 0)]),
                stage(Awaited::Elapsed(ms(7_900))).holding("enroll"),
                stage(Awaited::Up("enroll")).within(s(30)),
            ],
            survives_power: false,
        },
        cue: &[light("status", "green", 3, 800, 400).after(300), beep(3, 800, 400).after(300)],
        ..RESET
    }],
    slots: 30,
    ..PLAIN
};

pub(super) const DESIGNS: &[Design] = &[
    Design {
        model: "schlage-be468zp",
        buttons: &["program"],
        covered: true,
        entry: Entry::Prefixed("schlage", 4),
        lock_key: "schlage",
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("program")),
                    stage(Awaited::Elapsed(s(7))).holding("program").cue(&[light("pcb", "red", 1, 400, 0)]),
                    stage(Awaited::Up("program")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: &[
                light("pcb", "red", 3, 300, 300).after(1_000),
                light("check", "green", 2, 400, 300).after(2_900),
            ],
            ..RESET
        }],
        slots: 30,
        ..PLAIN
    },
    Design { model: "schlage-jbe109", ..ENROLL },
    Design { model: "schlage-jfe109", ..ENROLL },
    Design {
        model: "schlage-spiral-button",
        buttons: &["spiral"],
        covered: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("spiral"))
                        .cue(&[light("status", "red", 7, 200, 800), beep(7, 200, 800)]),
                    stage(Awaited::Elapsed(s(7))).holding("spiral"),
                    stage(Awaited::Up("spiral")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: &[
                light("status", "white", 1, 500, 0).after(500),
                light("status", "red", 1, 500, 0).after(1_300),
                light("status", "amber", 1, 500, 0).after(2_200),
                light("status", "blue", 1, 500, 0).after(3_200),
            ],
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "schlage-be365",
        cells: 1,
        cells_needed: 1,
        buttons: &["button"],
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUpTapped(s(10))).cue(&[light("status", "green", 1, 1_000, 0)]),
                    stage(Awaited::Down("button")).within(s(20)),
                    stage(Awaited::Elapsed(s(3))).holding("button"),
                ],
                survives_power: false,
            },
            cue: &[light("status", "green", 1, 500, 0).after(200), beep(1, 300, 0).after(200)],
            ..RESET
        }],
        slots: 19,
        ..PLAIN
    },
    Design {
        model: "schlage-sense-be479",
        buttons: &["schlage"],
        app: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUp).holding("schlage"),
                    stage(Awaited::Up("schlage")).within(s(30)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "schlage-control",
        app: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUpAfter(s(10)))
                        .cue(&[beep(3, 200, 300), light("status", "red", 3, 200, 300)]),
                    // All of it within 10 s of the beeps.
                    stage(Awaited::Turned(360)).within(s(4)),
                    stage(Awaited::Turned(-360)).within(s(2)),
                    stage(Awaited::Turned(360)).within(s(2)),
                    stage(Awaited::Turned(-360)).within(s(2)),
                ],
                survives_power: false,
            },
            cue: &[light("status", "green", 1, 900, 0).after(500), beep(1, 900, 0).after(500)],
            app: false,
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "schlage-s-6500f",
        buttons: &["n", "s"],
        entry: Entry::Terminated("#"),
        entry_is_stated: false,
        hub: true,
        resets: &[Reset { trigger: Trigger::Service { buttons: ["n", "s"], key: "8" }, ..RESET }],
        slots: 10,
        ..PLAIN
    },
];
