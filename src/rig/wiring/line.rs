//! Outputs and inputs: what stands on one line of a board.

use std::sync::Arc;

use crate::rig::bench::{Active, Bias, Board, Contact, Drive, Input, Line, Output};
use crate::unit::Duration;
use crate::yaml::{Place, Source};

use super::syntax::{InputSyntax, WireSyntax};
use super::{Reader, Word};

/// No wait of a case is longer, so nothing has to be away from rest for longer.
const LONGEST_ON: Duration = Duration::seconds(24 * 3600);
/// What is debounced for longer is not seen.
const LONGEST_DEBOUNCE: Duration = Duration::seconds(1);

impl Reader<'_> {
    /// An output whose safe state needs no power.
    #[expect(clippy::too_many_arguments, reason = "one output of a rig file has so many properties")]
    pub(super) fn output(
        &mut self,
        name: String,
        relay: &Word,
        (closed, open): (&str, &str),
        rests_closed: bool,
        wire: &WireSyntax,
        source: &Arc<Source>,
        place: &Place,
    ) -> Option<usize> {
        let line = self.line(&name, relay, source);
        let active = self.active(wire.active.as_ref(), source);
        let contact = match wire.contact.as_ref() {
            Some(word) => match word.value.0.as_str() {
                "normally_open" => Some(Contact::NormallyOpen),
                "normally_closed" => Some(Contact::NormallyClosed),
                other => {
                    let known = ["normally_open", "normally_closed"];
                    self.findings.unknown(&Place::of(source, word), "contact", other, known);
                    None
                }
            },
            None => {
                self.missing(place, &name, "contact: normally_open");
                None
            }
        };
        let safe = match wire.safe.as_ref() {
            Some(word) if word.value.0 == closed => Some((true, word)),
            Some(word) if word.value.0 == open => Some((false, word)),
            Some(word) => {
                self.findings.unknown(&Place::of(source, word), "state", &word.value.0, [closed, open]);
                None
            }
            None => {
                self.missing(place, &name, &format!("safe: {open}"));
                None
            }
        };
        if let (Some(contact), Some((safe, word))) = (contact, safe)
            && contact.drive(safe) == Drive::Energised
        {
            let (is, other) = if safe { (closed, "normally closed") } else { (open, "normally open") };
            let message =
                format!("`{name}` would need power to be {is}, so it would not be safe in a power failure");
            self.findings.error_with_hint(
                &Place::of(source, word),
                message,
                format!("wire it to a {other} contact"),
            );
        }
        // Only a supply rests otherwise than safe.
        if let (Some((true, word)), false) = (safe, rests_closed)
            && closed == "pressed"
        {
            let message = format!("`{name}` would be pressed whenever nothing drives it");
            self.findings.error_with_hint(&Place::of(source, word), message, "write `safe: released`");
        }
        let rest = contact.map(|contact| if rests_closed { contact.drive(true) } else { Drive::Deenergised });
        let max_on = match wire.max_on.as_ref() {
            Some(word) if rest == Some(Drive::Energised) => {
                let message = format!("`{name}` is energised at rest, so `max_on` does not apply to it");
                self.findings.error(&Place::of(source, word), message);
                None
            }
            Some(word) => {
                self.within(source, word, Duration::nanoseconds(1), LONGEST_ON, "an output can't be on for")
            }
            None if rest == Some(Drive::Energised) => None,
            None => {
                self.missing(place, &name, "max_on: 60 s");
                None
            }
        };
        let sense = match &wire.sense {
            Some(sense) => self.input(&format!("sense of {name}"), sense, source),
            None => None,
        };
        let board = line.as_ref().and_then(|line| self.bench.boards.get(&line.board));
        let has_no_level = matches!(board, Some(Board::Lcus(_) | Board::Numato(_) | Board::Servo(_)));
        if let (Some(word), true, Some(Active::Low)) = (wire.active.as_ref(), has_no_level, active) {
            let message = "a serial relay board or a servo can't be active low";
            self.findings.error(&Place::of(source, word), message);
        }
        if rests_closed && matches!(board, Some(Board::Servo(_))) {
            self.findings.error(place, format!("a servo finger only presses: it can't switch `{name}`"));
        }
        let output =
            Output { name, line: line?, active: active?, contact: contact?, rest: rest?, max_on, sense };
        if rest == Some(Drive::Deenergised) && output.max_on.is_none() {
            return None;
        }
        self.bench.outputs.push(output);
        Some(self.bench.outputs.len() - 1)
    }

    pub(super) fn input(&mut self, name: &str, syntax: &InputSyntax, source: &Arc<Source>) -> Option<Input> {
        let line = self.line(name, &syntax.input, source);
        let active = self.active(syntax.active.as_ref(), source);
        let bias = match syntax.bias.as_ref() {
            None => Some(Bias::None),
            Some(word) => match word.value.0.as_str() {
                "pull_up" => Some(Bias::PullUp),
                "pull_down" => Some(Bias::PullDown),
                other => {
                    let known = ["pull_up", "pull_down"];
                    self.findings.unknown(&Place::of(source, word), "bias", other, known);
                    None
                }
            },
        };
        let debounce = match syntax.debounce.as_ref() {
            None => Some(Duration::ZERO),
            Some(word) => {
                self.within(source, word, Duration::ZERO, LONGEST_DEBOUNCE, "an input can't be debounced for")
            }
        };
        let line = line?;
        if matches!(
            self.bench.boards.get(&line.board),
            Some(
                Board::Lcus(_)
                    | Board::Numato(_)
                    | Board::Servo(_)
                    | Board::Recorder { .. }
                    | Board::Program { .. }
            )
        ) {
            let message = format!("board `{}` has no inputs", line.board);
            self.findings.error(&Place::of(source, &syntax.input), message);
            return None;
        }
        Some(Input { line, active: active?, bias: bias?, debounce: debounce? })
    }

    fn active(&mut self, word: Option<&Word>, source: &Arc<Source>) -> Option<Active> {
        match word.map(|word| (word, word.value.0.as_str())) {
            None | Some((_, "high")) => Some(Active::High),
            Some((_, "low")) => Some(Active::Low),
            Some((word, other)) => {
                self.findings.unknown(&Place::of(source, word), "level", other, ["high", "low"]);
                None
            }
        }
    }

    /// `BOARD/NUMBER`, which nothing else uses.
    fn line(&mut self, name: &str, word: &Word, source: &Arc<Source>) -> Option<Line> {
        let place = Place::of(source, word);
        let text = word.value.0.as_str();
        let parsed = text.rsplit_once('/').and_then(|(board, number)| Some((board, number.parse().ok()?)));
        let Some((board, number)) = parsed else {
            let hint = "write the board's name and the number on it: `pins/17`";
            self.findings.error_with_hint(&place, format!("`{text}` is not a line"), hint);
            return None;
        };
        let Some((board, kind)) = self.bench.boards.get_key_value(board) else {
            if self.declared.contains(board) {
                return None;
            }
            let known: Vec<Arc<str>> = self.bench.boards.keys().cloned().collect();
            self.findings.unknown(&place, "board", board, known.iter().map(|name| &**name));
            return None;
        };
        let problem = match kind {
            kind if kind.is_header() && number < 2 => {
                Some(format!("pin {number} is reserved for identifying add-on boards (HATs)"))
            }
            kind if kind.is_header() && number > 27 => {
                Some(format!("a Raspberry Pi's header has no pin {number}"))
            }
            Board::Program { .. } => Some(format!("board `{board}` has no lines")),
            Board::Servo(_) if number > 0 => Some(format!("finger `{board}` has one line: `{board}/0`")),
            Board::Lcus(board) | Board::Numato(board) if board_lacks(kind, number, board.relays) => {
                Some(format!("the board has no relay {number}; it has {} in all", board.relays))
            }
            _ => None,
        };
        let line = Line { board: Arc::clone(board), number };
        if let Some(problem) = problem {
            self.findings.error(&place, problem);
            return None;
        }
        if let Some((other, _)) = self.used.get(&line) {
            let message = format!("line `{line}` is already wired to `{other}`");
            self.findings.error_with_hint(&place, message, format!("`{name}` needs a line of its own"));
            return None;
        }
        self.used.insert(line.clone(), (name.to_owned(), place));
        Some(line)
    }
}

/// LCUS counts its relays from 1, Numato from 0.
fn board_lacks(kind: &Board, number: u32, relays: u32) -> bool {
    match kind {
        Board::Lcus(_) => number == 0 || number > relays,
        _ => number >= relays,
    }
}
