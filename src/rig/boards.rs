//! `boards` of a rig file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::unit::{self, Duration};
use crate::yaml::{Diagnostic, Diagnostics, Map, Place, Scalar, Source, Spanned};

use super::bench::{Board, RelayBoard, Servo};
use super::command;
use super::wiring::Nearest;

type Word = Spanned<Scalar>;
type Field = fn(&BoardSyntax) -> Option<&Word>;
/// Makes a board from its device.
type Make = fn(&mut Reader<'_>, String) -> Option<Board>;

/// Levels that are read more often would keep a processor busy; less often, they miss a blink.
const MIN_POLL: Duration = Duration::microseconds(200);
const MAX_POLL: Duration = Duration::milliseconds(20);

/// What servos take: 1 to 2 ms is usual, and some turn farther.
const MIN_PULSE: Duration = Duration::microseconds(500);
const MAX_PULSE: Duration = Duration::microseconds(2_500);

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardSyntax {
    gpio: Option<Word>,
    raspberry_pi: Option<Word>,
    lcus: Option<Word>,
    numato: Option<Word>,
    relays: Option<Word>,
    recorder: Option<Word>,
    servo: Option<Word>,
    released: Option<Word>,
    pressed: Option<Word>,
    without_pulse: Option<Word>,
    program: Option<Vec<Word>>,
    poll: Option<Word>,
}

impl BoardSyntax {
    /// The fields that are stated.
    fn stated(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("gpio", self.gpio.is_some()),
            ("raspberry_pi", self.raspberry_pi.is_some()),
            ("lcus", self.lcus.is_some()),
            ("numato", self.numato.is_some()),
            ("relays", self.relays.is_some()),
            ("recorder", self.recorder.is_some()),
            ("servo", self.servo.is_some()),
            ("released", self.released.is_some()),
            ("pressed", self.pressed.is_some()),
            ("without_pulse", self.without_pulse.is_some()),
            ("program", self.program.is_some()),
            ("poll", self.poll.is_some()),
        ];
        all.into_iter().filter(|(_, is_stated)| *is_stated).map(|(name, _)| name)
    }
}

/// Of each board the nearest file that says something says it.
pub(super) fn read(
    maps: &Nearest<'_, Map<Spanned<BoardSyntax>>>,
    findings: &mut Diagnostics,
) -> (BTreeMap<Arc<str>, Board>, BTreeMap<Arc<str>, Duration>) {
    let mut boards: BTreeMap<Arc<str>, Board> = BTreeMap::new();
    let (mut polls, mut by_order) = (BTreeMap::new(), Vec::new());
    let names: BTreeSet<&String> = maps.iter().flat_map(|(map, _)| map.keys()).collect();
    for name in names {
        let all = maps.iter().filter_map(|(map, source)| Some((map.get(name)?, *source)));
        let all: Nearest<'_, Spanned<BoardSyntax>> = all.collect();
        let Some((first, source)) = all.first() else { continue };
        let place = Place::of(source, first);
        let mut reader = Reader { name, place: &place, all: &all, findings };
        let board = reader.board();
        if let Some(poll) = reader.poll() {
            polls.insert(name.as_str().into(), poll);
        }
        let Some(board) = board else { continue };
        if let Some((same, _)) = boards.iter().find(|(_, other)| other.is_same_device(&board)) {
            let message = format!("board `{name}` is the same device as `{same}`");
            findings.error_with_hint(
                &place,
                message,
                "name it once: otherwise a line could be wired twice unnoticed",
            );
        } else {
            if let Some(port) = board.port().filter(|port| is_by_order(port)) {
                by_order.push((place, port.to_owned()));
            }
            boards.insert(name.as_str().into(), board);
        }
    }
    if by_order.len() > 1 {
        for (place, port) in by_order {
            let message = format!("which board is `{port}` depends on the order in which they are found");
            let hint = "name it as in /dev/serial/by-id, or in /dev/serial/by-path if both have the same name there; \
                        `lockrig list ports` shows them";
            findings.push(Diagnostic::warning(place.narrowed_to(&port), message).hint(hint));
        }
    }
    (boards, polls)
}

/// Whether the kernel numbers a port as it finds it: after a restart it may be another board's.
fn is_by_order(port: &str) -> bool {
    let number = ["/dev/ttyUSB", "/dev/ttyACM"].iter().find_map(|kind| port.strip_prefix(kind));
    number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// One board, in every file that says something of it.
struct Reader<'a> {
    name: &'a str,
    place: &'a Place,
    all: &'a Nearest<'a, Spanned<BoardSyntax>>,
    findings: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn nearest(&self, field: Field) -> Option<(&'a Word, &'a Arc<Source>)> {
        self.all.iter().find_map(|(board, source)| Some((field(&board.value)?, *source)))
    }

    fn board(&mut self) -> Option<Board> {
        let kinds: [(Field, &[&str], Make); 6] = [
            (|board| board.gpio.as_ref(), &["gpio", "poll"], |_, chip| Some(Board::Gpio { chip })),
            (
                |board| board.raspberry_pi.as_ref(),
                &["raspberry_pi", "poll"],
                |reader, pins| reader.pins(&pins),
            ),
            (
                |board| board.lcus.as_ref(),
                &["lcus", "relays"],
                |reader, port| reader.relays(port).map(Board::Lcus),
            ),
            (
                |board| board.numato.as_ref(),
                &["numato", "relays"],
                |reader, port| reader.relays(port).map(Board::Numato),
            ),
            (
                |board| board.servo.as_ref(),
                &["servo", "released", "pressed", "without_pulse"],
                |reader, _| reader.servo().map(Board::Servo),
            ),
            (
                |board| board.recorder.as_ref(),
                &["recorder"],
                |_, file| Some(Board::Recorder { file: file.into() }),
            ),
        ];
        let stated =
            kinds.into_iter().filter_map(|(field, meant, make)| Some((self.nearest(field)?.0, meant, make)));
        let stated: Vec<(&Word, &[&str], Make)> = stated.collect();
        let mut programs =
            self.all.iter().filter_map(|(board, source)| Some((board.value.program.as_ref()?, *source)));
        let program = programs.next();
        match (stated.as_slice(), program) {
            ([(value, meant, make)], None) => {
                self.refuse_all_but(meant);
                make(self, value.value.0.clone())
            }
            ([], Some((words, source))) => {
                self.refuse_all_but(&["program"]);
                let words: Vec<String> = words.iter().map(|word| word.value.0.clone()).collect();
                let command = command::located(&words, &source.name);
                if command.is_empty() {
                    return self.missing("which program to run", "program: [COMMAND]");
                }
                Some(Board::Program { command })
            }
            _ => {
                let message = format!("board `{}` must be of exactly one kind", self.name);
                let hint = "`gpio: CHIP`, `raspberry_pi: pins`, `lcus: PORT`, `numato: PORT`, `servo: CHANNEL`, `program: [COMMAND]` or `recorder: FILE`";
                self.findings.error_with_hint(self.place, message, hint);
                None
            }
        }
    }

    /// Fields of another kind of board mean nothing for this one.
    fn refuse_all_but(&mut self, meant: &[&str]) {
        for (board, source) in self.all {
            for field in board.value.stated().filter(|field| !meant.contains(field)) {
                let message = format!("`{field}` does not apply to board `{}`", self.name);
                let place = Place::of(source, board).narrowed_to(field);
                self.findings.error_with_hint(&place, message, format!("it takes {}", meant.join(", ")));
            }
        }
    }

    fn pins(&mut self, pins: &str) -> Option<Board> {
        if pins != "pins" {
            return self.missing("that it means the pins of the Raspberry Pi", "raspberry_pi: pins");
        }
        Some(Board::RaspberryPi {})
    }

    fn relays(&mut self, port: String) -> Option<RelayBoard> {
        let Some((word, source)) = self.nearest(|board| board.relays.as_ref()) else {
            return self.missing("how many relays it has", "relays: 4");
        };
        let relays = word.value.0.parse().ok().filter(|n| (1..=36).contains(n));
        if relays.is_none() {
            let hint = "write how many relays the board has, 1 to 36";
            self.findings.error_with_hint(&Place::of(source, word), "not a valid number of relays", hint);
        }
        Some(RelayBoard { port, relays: relays? })
    }

    /// A finger that a spring lifts when there is no pulse: any other would stay pressed when the
    /// power fails.
    fn servo(&mut self) -> Option<Servo> {
        let (word, source) = self.nearest(|board| board.servo.as_ref())?;
        let text = &word.value.0;
        let channel = text.strip_prefix("pwmchip").and_then(|text| text.split_once('/'));
        let channel = channel.and_then(|(chip, channel)| Some((chip.parse().ok()?, channel.parse().ok()?)));
        if channel.is_none() {
            let hint = "write the PWM chip and its channel: `servo: pwmchip0/0`";
            self.findings.error_with_hint(
                &Place::of(source, word),
                format!("`{text}` is not a PWM channel"),
                hint,
            );
        }
        match self.nearest(|board| board.without_pulse.as_ref()) {
            Some((word, _)) if word.value.0 == "released" => {}
            Some((word, source)) => {
                let message = format!("finger `{}` would not let go when power fails", self.name);
                let hint = "use a spring-return finger, and write `without_pulse: released`";
                self.findings.error_with_hint(&Place::of(source, word), message, hint);
            }
            None => self.missing("what it does when power fails", "without_pulse: released").unwrap_or(()),
        }
        let released = self.pulse(|board| board.released.as_ref(), "released: 1.1 ms");
        let pressed = self.pulse(|board| board.pressed.as_ref(), "pressed: 1.9 ms");
        let ((chip, channel), released, pressed) = (channel?, released?, pressed?);
        if released == pressed {
            let message = format!("finger `{}` would not move: both pulses are {pressed}", self.name);
            self.findings.error(self.place, message);
        }
        Some(Servo { chip, channel, released, pressed })
    }

    fn pulse(&mut self, field: Field, example: &str) -> Option<Duration> {
        let Some((word, source)) = self.nearest(field) else {
            return self.missing("how long its pulses are", example);
        };
        self.duration(word, source, MIN_PULSE, MAX_PULSE, "no servo takes a pulse of")
    }

    fn poll(&mut self) -> Option<Duration> {
        let (word, source) = self.nearest(|board| board.poll.as_ref())?;
        self.duration(word, source, MIN_POLL, MAX_POLL, "levels can't be polled every")
    }

    fn duration(
        &mut self,
        word: &Word,
        source: &Arc<Source>,
        least: Duration,
        most: Duration,
        refusal: &str,
    ) -> Option<Duration> {
        let place = Place::of(source, word);
        let duration: Duration = match unit::parse(&word.value.0) {
            Ok(duration) => duration,
            Err(error) => {
                self.findings.error(&place, error.to_string());
                return None;
            }
        };
        if duration < least || duration > most {
            let hint = format!("between {least} and {most}");
            self.findings.error_with_hint(&place, format!("{refusal} {duration}"), hint);
        }
        Some(duration)
    }

    fn missing<T>(&mut self, what: &str, example: &str) -> Option<T> {
        let message = format!("board `{}` does not say {what}", self.name);
        self.findings.error_with_hint(self.place, message, format!("write `{example}`"));
        None
    }
}
