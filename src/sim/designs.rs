//! The simulated models. Triggers are from the makers' manuals as the table of sources in
//! `docs/models.md` cites them; what no source states (lockout of some models, rhythm of lights)
//! is a choice of this file, and no model file may rely on it.

use super::design::{Design, Entry, Handing, PLAIN, Reset, Trigger, beep, light, ms, s, say};
use super::recognizer::{Awaited, stage};

/// Ids of all simulated models.
pub fn models() -> impl Iterator<Item = &'static str> {
    DESIGNS.iter().map(|design| design.model)
}

pub(super) fn design(model: &str) -> Option<&'static Design> {
    DESIGNS.iter().find(|design| design.model == model)
}

const YALE_HUB_RESET: Reset = Reset { trigger: Trigger::Hub, cue: &[], codes: true };

static DESIGNS: &[Design] = &[
    Design {
        model: "schlage-be468zp",
        buttons: &["program"],
        covered: true,
        entry: Entry::Prefixed("schlage", 8),
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
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "schlage-jbe109",
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
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "kwikset-smartcode-914",
        buttons: &["program"],
        entry: Entry::Terminated("lock"),
        lock_key: "lock",
        lockout: Some((5, s(60))),
        hub: true,
        handing: Some(Handing::Stages(&[
            stage(Awaited::PowerUp).holding("program"),
            stage(Awaited::Up("program")).within(s(5)),
            stage(Awaited::Down("program")).within(s(30)),
        ])),
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUp).holding("program"),
                    stage(Awaited::Elapsed(s(30)))
                        .holding("program")
                        .cue(&[beep(1, 300, 0), light("status", "red", 1, 600, 0)]),
                    stage(Awaited::Up("program")).within(s(20)),
                    stage(Awaited::Down("program")).within(s(20)),
                ],
                survives_power: false,
            },
            cue: &[light("status", "green", 1, 800, 0).after(400), beep(2, 200, 200).after(400)],
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "kwikset-powerbolt-2",
        buttons: &["reset"],
        covered: true,
        entry: Entry::Terminated("lock"),
        lock_key: "lock",
        default_codes: &["1234"],
        default_master: Some("0000"),
        lockout: Some((5, s(45))),
        handing: Some(Handing::MenuLine("0")),
        keypad_programming: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("reset")),
                    stage(Awaited::Elapsed(s(5))).holding("reset"),
                    stage(Awaited::Up("reset")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: &[beep(3, 700, 400).after(200)],
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "yale-yrm276",
        cells_needed: 3,
        buttons: &["reset"],
        covered: true,
        entry: Entry::Terminated("gear"),
        lock_key: "gear",
        lockout: Some((5, s(60))),
        hub: true,
        resets: &[
            Reset {
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
                cue: &[],
                codes: true,
            },
            YALE_HUB_RESET,
        ],
        ..PLAIN
    },
    Design {
        model: "yale-nextouch",
        buttons: &["reset"],
        entry: Entry::Terminated("gear"),
        lock_key: "gear",
        lockout: Some((5, s(60))),
        hub: true,
        resets: &[
            Reset {
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
                codes: true,
            },
            YALE_HUB_RESET,
        ],
        ..PLAIN
    },
    Design {
        model: "yale-linus",
        app: true,
        resets: &[Reset { trigger: Trigger::App { needs_network: true }, cue: &[], codes: true }],
        ..PLAIN
    },
    Design {
        model: "ultraloq-u-bolt-pro",
        buttons: &["needle"],
        entry: Entry::Terminated("#"),
        lock_key: "#",
        app: true,
        open_when_fresh: true,
        armed_by_app: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Armed),
                    stage(Awaited::Down("needle")).within(s(300)),
                    stage(Awaited::Elapsed(s(3))).holding("needle"),
                    stage(Awaited::Up("needle")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: &[beep(1, 900, 0).after(200), beep(2, 200, 200).after(1_400)],
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "gateman-a200",
        buttons: &["register"],
        entry: Entry::Terminated("#"),
        lock_key: "*",
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Entered),
                    stage(Awaited::Down("register")).within(s(30)),
                    stage(Awaited::Key('9')).within(s(20)),
                    stage(Awaited::Key('#')).within(s(20)),
                    stage(Awaited::Key('9')).within(s(20)),
                    stage(Awaited::Key('#')).within(s(20)).cue(&[say("Ding dong dang").after(800)]),
                    stage(Awaited::Down("register")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: &[],
            codes: false,
        }],
        ..PLAIN
    },
    Design {
        model: "yale-keypad-module",
        entry: Entry::Terminated("#"),
        lock_key: "*",
        hub: true,
        resets: &[Reset { trigger: Trigger::MenuLines(&["4", "0"]), cue: &[], codes: true }],
        ..PLAIN
    },
    Design {
        model: "keymitt-smart-lock",
        app: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUp).cue(&[light("status", "red", 3, 300, 300)]),
                    stage(Awaited::Turned(180)).within(s(10)),
                    stage(Awaited::Turned(-180)).within(s(10)),
                ],
                survives_power: false,
            },
            cue: &[light("status", "blue", 3, 400, 400).after(3_000)],
            codes: true,
        }],
        ..PLAIN
    },
    Design {
        model: "tuya-fingercrystal",
        buttons: &["set"],
        entry: Entry::Terminated("#"),
        lock_key: "*",
        app: true,
        resets: &[Reset {
            trigger: Trigger::Proof { button: "set", cue: &[beep(1, 400, 0).after(500)] },
            cue: &[],
            codes: true,
        }],
        ..PLAIN
    },
];
