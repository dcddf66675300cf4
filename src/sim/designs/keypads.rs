//! Keys typed after a button: registration codes, service codes, the maker's proof.

use crate::sim::design::{Design, Entry, PLAIN, RESET, Reset, Trigger, beep, s, say};
use crate::sim::recognizer::{Awaited, stage};

const REGISTER: Trigger = Trigger::Stages {
    stages: &[
        stage(Awaited::Entered),
        stage(Awaited::Down("register")).within(s(30)),
        stage(Awaited::Key('9')).within(s(10)),
        stage(Awaited::Key('#')).within(s(10)),
        stage(Awaited::Key('9')).within(s(10)),
        stage(Awaited::Key('#')).within(s(10)).cue(&[say("Ding dong dang").after(800)]),
        stage(Awaited::Down("register")).within(s(30)),
    ],
    survives_power: false,
};

const REGISTERED: Design =
    Design { buttons: &["register"], entry: Entry::Terminated("#"), lock_key: "*", hub: true, ..PLAIN };

/// REG 1, then * 8 0.
const REG1: Design = Design {
    buttons: &["reg1"],
    hub: true,
    resets: &[Reset {
        trigger: Trigger::Stages {
            stages: &[
                stage(Awaited::Down("reg1")),
                stage(Awaited::Key('*')).within(s(10)),
                stage(Awaited::Key('8')).within(s(10)),
                stage(Awaited::Key('0')).within(s(10)),
            ],
            survives_power: false,
        },
        ..RESET
    }],
    ..PLAIN
};

pub(super) const DESIGNS: &[Design] = &[
    Design {
        model: "gateman-a200",
        resets: &[Reset { trigger: REGISTER, codes: false, ..RESET }],
        ..REGISTERED
    },
    Design { model: "yale-ydm3109", resets: &[Reset { trigger: REGISTER, ..RESET }], ..REGISTERED },
    Design { model: "yale-ydm4109plus", resets: &[Reset { trigger: REGISTER, ..RESET }], ..REGISTERED },
    Design { model: "hyundai-hdl-5200sk", ..REG1 },
    Design { model: "hyundai-hdl-7300sk", ..REG1 },
    Design { model: "hyundai-hdl-7390sk", ..REG1 },
    Design {
        model: "commax-cdl-107u",
        buttons: &["r"],
        hub: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("r")),
                    stage(Awaited::Elapsed(s(9))).holding("r"),
                    stage(Awaited::Up("r")).within(s(30)),
                    stage(Awaited::Down("r")).within(s(20)),
                    stage(Awaited::Key('1')).within(s(10)),
                    stage(Awaited::Key('2')).within(s(10)),
                    stage(Awaited::Key('3')).within(s(10)),
                    stage(Awaited::Key('6')).within(s(10)),
                    stage(Awaited::Key('5')).within(s(10)),
                    stage(Awaited::Key('4')).within(s(10)),
                    stage(Awaited::Key('7')).within(s(10)),
                ],
                survives_power: false,
            },
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "ttlock-oem",
        buttons: &["reset"],
        entry: Entry::Terminated("#"),
        lock_key: "#",
        app: true,
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::Down("reset")),
                    stage(Awaited::Elapsed(s(5)))
                        .holding("reset")
                        .cue(&[say("Please enter the initialization code")]),
                    stage(Awaited::Up("reset")).within(s(30)),
                    stage(Awaited::Key('0')).within(s(10)),
                    stage(Awaited::Key('0')).within(s(10)),
                    stage(Awaited::Key('0')).within(s(10)),
                    stage(Awaited::Key('#')).within(s(10)),
                ],
                survives_power: false,
            },
            cue: &[say("Succeeded").after(500)],
            ..RESET
        }],
        ..PLAIN
    },
    Design {
        model: "samsung-shs-p717",
        buttons: &["reg"],
        default_codes: &["1234"],
        resets: &[Reset {
            trigger: Trigger::Stages {
                stages: &[
                    stage(Awaited::DoorOpened),
                    stage(Awaited::Down("reg")).within(s(300)),
                    stage(Awaited::Elapsed(s(5))).holding("reg"),
                    stage(Awaited::Up("reg")).within(s(30)),
                    stage(Awaited::Key('4')).within(s(10)),
                    stage(Awaited::Key('5')).within(s(10)),
                    stage(Awaited::Key('6')).within(s(10)),
                    stage(Awaited::Key('0')).within(s(10)),
                    stage(Awaited::Key('8')).within(s(10)),
                    stage(Awaited::Key('5')).within(s(10)),
                    stage(Awaited::Key('2')).within(s(10)),
                    stage(Awaited::Key('5')).within(s(10)),
                    stage(Awaited::Key('8')).within(s(10)),
                    stage(Awaited::Key('0')).within(s(10)),
                    stage(Awaited::Key('*')).within(s(10)),
                ],
                survives_power: false,
            },
            cue: &[say("la la la").after(500)],
            ..RESET
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
            ..RESET
        }],
        ..PLAIN
    },
];
