//! A button of one's own at each maker: held, pressed again and again, or held while a battery goes in.

use crate::sim::design::{Cue, Design, Entry, PLAIN, RESET, Reset, Trigger, beep, light, ms, s, say};
use crate::sim::recognizer::{Awaited, Stage, stage};

const LATCHED: Stage = stage(Awaited::Turned(90)).within(ms(600));
const BACK: Stage = stage(Awaited::Turned(-90)).within(ms(600));

const SWITCHED: Stage = stage(Awaited::Down("switch")).within(s(2));

/// R for more than 5 s, until three long beeps.
const R_BUTTON: Design = Design {
    buttons: &["r"],
    hub: true,
    resets: &[Reset {
        trigger: Trigger::Stages {
            stages: &[
                stage(Awaited::Down("r")),
                stage(Awaited::Elapsed(s(5))).holding("r").cue(&[beep(3, 700, 400).after(200)]),
                stage(Awaited::Up("r")).within(s(30)),
            ],
            survives_power: false,
        },
        ..RESET
    }],
    ..PLAIN
};

const NEEDLE_CUE: Cue = &[beep(1, 900, 0).after(200), beep(2, 200, 200).after(1_400)];

pub(super) const DESIGNS: &[Design] = &[
    Design {
        model: "danalock-v2",
        cells: 0,
        cells_needed: 0,
        minimum_millivolts: 2_000,
        buttons: &["user"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("user")).cue(&[beep(10, 200, 800)]),
                    stage(Awaited::Elapsed(ms(9_300))).holding("user"),
                    stage(Awaited::Up("user")).within(s(30)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "danalock-v3",
        buttons: &["switch"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("switch")),
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                    SWITCHED,
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "philips-ddl240x",
        buttons: &["reset"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUp).holding("reset"),
                    stage(Awaited::Elapsed(s(3))).holding("reset"),
                ],
                survives_power: false,
            },
            cue: &[say("Restored to factory settings").after(200)],
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "fu-hsing-gb05dbf",
        buttons: &["set"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::PowerUp).holding("set"),
                    stage(Awaited::Elapsed(s(2))).holding("set").cue(&[beep(1, 900, 0)]),
                    stage(Awaited::Elapsed(ms(900))).holding("set"),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design { model: "tong-lung-pl2s0s10", ..R_BUTTON },
    Design { model: "delaney-zw300", ..R_BUTTON },
    Design {
        model: "isurpass-ilock15",
        buttons: &["reset"],
        hub: true,
        default_master: Some("123456"),
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("reset")),
                    stage(Awaited::Elapsed(s(7))).holding("reset").cue(&[beep(1, 150, 0)]),
                    stage(Awaited::Up("reset")).within(s(30)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "lockly-pgd728f",
        buttons: &["reset"],
        app: true,
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("reset")),
                    stage(Awaited::Elapsed(s(3))).holding("reset"),
                    stage(Awaited::Up("reset")).within(s(30)),
                ],
                survives_power: false,
            },
            without_app: true,
            ..RESET
        }],
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
                    stage(Awaited::Elapsed(s(10))).holding("needle"),
                    stage(Awaited::Up("needle")).within(s(30)),
                ],
                survives_power: false,
            },
            cue: NEEDLE_CUE,
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "ultraloq-u-bolt-pro-zwave",
        buttons: &["needle"],
        entry: Entry::Terminated("#"),
        lock_key: "#",
        hub: true,
        open_when_fresh: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("needle")),
                    stage(Awaited::Elapsed(s(3))).holding("needle").cue(NEEDLE_CUE),
                    stage(Awaited::Up("needle")).within(s(30)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "connect-internal-fingerprint",
        buttons: &["sensor"],
        app: true,
        resets: &[
            Reset {
                trigger: Trigger::Stages {
                    stages: &[
                        stage(Awaited::Turned(90)),
                        BACK,
                        LATCHED,
                        BACK,
                        LATCHED,
                        BACK,
                        LATCHED,
                        BACK,
                        LATCHED,
                        BACK.cue(&[light("status", "blue", 1, 5_000, 0).after(200)]),
                        stage(Awaited::Down("sensor")).within(s(10)),
                    ],
                    survives_power: false,
                },
                cue: &[beep(1, 900, 0).after(300)],
                ..RESET
            },
            Reset { trigger: Trigger::App, ..RESET },
        ],
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
            ..RESET
        }],
        ..PLAIN
    },
];
