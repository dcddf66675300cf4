//! `boards` of a rig file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::unit::{self, Duration};
use crate::yaml::{Diagnostics, Place, Scalar, Source, Spanned};

use super::bench::{Board, RelayBoard};
use super::wiring::Nearest;

type Word = Spanned<Scalar>;
type Field = fn(&BoardSyntax) -> Option<&Word>;
/// Makes a board from its device and its number of relays.
type Make = fn(String, u32) -> Board;

/// Levels that are read more often would keep a processor busy; less often, they miss a blink.
const MIN_POLL: Duration = Duration::microseconds(200);
const MAX_POLL: Duration = Duration::milliseconds(20);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoardSyntax {
    gpio: Option<Word>,
    raspberry_pi: Option<Word>,
    lcus: Option<Word>,
    numato: Option<Word>,
    relays: Option<Word>,
    recorder: Option<Word>,
    program: Option<Vec<Word>>,
    poll: Option<Word>,
}

/// Of each board the nearest file that says something says it.
pub(super) fn read(
    maps: &Nearest<'_, BTreeMap<String, Spanned<BoardSyntax>>>,
    findings: &mut Diagnostics,
) -> (BTreeMap<Arc<str>, Board>, BTreeMap<Arc<str>, Duration>) {
    let (mut boards, mut polls) = (BTreeMap::new(), BTreeMap::new());
    let names: std::collections::BTreeSet<&String> = maps.iter().flat_map(|(map, _)| map.keys()).collect();
    for name in names {
        let all: Vec<(&Spanned<BoardSyntax>, &Arc<Source>)> =
            maps.iter().filter_map(|(map, source)| Some((map.get(name)?, *source))).collect();
        let Some((first, source)) = all.first() else { continue };
        let place = Place::of(source, first);
        let nearest =
            |field: Field| all.iter().find_map(|(board, source)| Some((field(&board.value)?, *source)));
        let relays = nearest(|board| board.relays.as_ref());
        let kinds: [(Field, Make); 5] = [
            (|board| board.gpio.as_ref(), |chip, _| Board::Gpio { chip }),
            (|board| board.raspberry_pi.as_ref(), |_, _| Board::RaspberryPi {}),
            (|board| board.lcus.as_ref(), |port, relays| Board::Lcus(RelayBoard { port, relays })),
            (|board| board.numato.as_ref(), |port, relays| Board::Numato(RelayBoard { port, relays })),
            (|board| board.recorder.as_ref(), |file, _| Board::Recorder { file: file.into() }),
        ];
        let stated = kinds.into_iter().filter_map(|(field, make)| Some((nearest(field)?, make)));
        let stated: Vec<_> = stated.map(|((word, _), make)| (word.value.0.clone(), make)).collect();
        let count = relays.and_then(|(word, source)| {
            let count = word.value.0.parse().ok().filter(|n| (1..=36).contains(n));
            if count.is_none() {
                let hint = "write how many relays the board has, 1 to 36";
                findings.error_with_hint(&Place::of(source, word), "not a number of relays", hint);
            }
            count
        });
        let program = all.iter().find_map(|(board, _)| board.value.program.as_ref());
        if let (Some(words), true) = (program, stated.is_empty()) {
            let command = words.iter().map(|word| word.value.0.clone()).collect();
            boards.insert(name.as_str().into(), Board::Program { command });
            continue;
        }
        let [(value, make)] = stated.as_slice() else {
            let hint = "`gpio: CHIP`, `raspberry_pi: pins`, `lcus: PORT`, `numato: PORT`, `program: [COMMAND]` or `recorder: FILE`";
            findings.error_with_hint(&place, format!("board `{name}` needs exactly one kind"), hint);
            continue;
        };
        let board = make(value.clone(), count.unwrap_or(0));
        let is_serial = matches!(board, Board::Lcus(_) | Board::Numato(_));
        if is_serial && relays.is_none() {
            let hint = "write `relays: 4`";
            findings.error_with_hint(
                &place,
                format!("board `{name}` does not say how many relays it has"),
                hint,
            );
        } else if let Some((same, _)) = boards.iter().find(|(_, other)| **other == board) {
            let message = format!("board `{name}` is the same device as `{same}`");
            findings.error_with_hint(&place, message, "its lines would be wired twice unseen");
        } else {
            boards.insert(name.as_str().into(), board);
        }
        if let Some((word, source)) = nearest(|board| board.poll.as_ref())
            && let Some(poll) = quantity(source, word, findings)
        {
            if poll < MIN_POLL || poll > MAX_POLL {
                let message = format!("levels can't be read every {poll}");
                let hint = format!("between {MIN_POLL} and {MAX_POLL}");
                findings.error_with_hint(&Place::of(source, word), message, hint);
            }
            polls.insert(name.as_str().into(), poll);
        }
    }
    (boards, polls)
}

fn quantity(source: &Arc<Source>, word: &Word, findings: &mut Diagnostics) -> Option<Duration> {
    let place = Place::of(source, word);
    unit::parse(&word.value.0).map_err(|error| findings.error(&place, error.to_string())).ok()
}
