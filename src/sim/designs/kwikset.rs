//! Kwikset, Weiser and Baldwin: the Program button while power comes on, configuration parameter 40, and
//! the Powerbolt 2.

use crate::sim::design::{Design, Entry, Handing, PLAIN, RESET, Reset, Trigger, beep, light, s};
use crate::sim::recognizer::{Awaited, Stage, stage};

/// Held from power on until it beeps after 30 s, then released and pressed once more.
const HELD_AND_PRESSED: Trigger = Trigger::Stages {
    stages: &[
        HELD[0],
        HELD[1],
        stage(Awaited::Up("program")).within(s(20)),
        stage(Awaited::Down("program")).within(s(20)),
    ],
    survives_power: false,
};

const HELD: [Stage; 2] = [
    stage(Awaited::PowerUp).holding("program"),
    stage(Awaited::Elapsed(s(30)))
        .holding("program")
        .cue(&[beep(1, 300, 0), light("status", "red", 1, 600, 0)]),
];

const HANDING: Handing = Handing::Stages(&[
    stage(Awaited::PowerUp).holding("program"),
    stage(Awaited::Up("program")).within(s(5)),
    stage(Awaited::Down("program")).within(s(30)),
]);

const PARAMETER_40: Reset = Reset { trigger: Trigger::Hub, ..RESET };

const BEEPS: Reset = Reset {
    trigger: HELD_AND_PRESSED,
    cue: &[light("status", "green", 1, 800, 0).after(400), beep(2, 200, 200).after(400)],
    ..RESET
};

const FLASHES: Reset = Reset {
    trigger: HELD_AND_PRESSED,
    cue: &[light("status", "green", 3, 250, 850).after(400), light("status", "red", 3, 250, 850).after(950)],
    ..RESET
};

const SMARTCODE: Design = Design {
    buttons: &["program"],
    entry: Entry::Terminated("lock"),
    lock_key: "lock",
    lockout: Some((5, s(60))),
    lockout_is_stated: false,
    hub: true,
    handing: Some(HANDING),
    resets: &[BEEPS, PARAMETER_40],
    slots: 30,
    ..PLAIN
};

const fn flashing(model: &'static str) -> Design {
    Design { model, resets: &[FLASHES, PARAMETER_40], ..SMARTCODE }
}

pub(super) const DESIGNS: &[Design] = &[
    Design { model: "kwikset-smartcode-914", ..SMARTCODE },
    Design { model: "kwikset-smartcode-916", ..SMARTCODE },
    Design { model: "kwikset-halo", hub: false, app: true, resets: &[BEEPS], ..SMARTCODE },
    flashing("kwikset-smartcode-888"),
    flashing("weiser-ged2350"),
    flashing("baldwin-8225"),
    flashing("baldwin-8252"),
    Design {
        model: "kwikset-hc620",
        resets: &[
            Reset {
                trigger: Trigger::Stages {
                    stages: &[HELD[0], HELD[1], stage(Awaited::Up("program")).within(s(20))],
                    survives_power: false,
                },
                ..RESET
            },
            PARAMETER_40,
        ],
        ..SMARTCODE
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
            ..RESET
        }],
        ..PLAIN
    },
];
