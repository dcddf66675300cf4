//! `boards` and `wiring` of a rig file: from their shape to a [`Bench`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::trace::Channel;
use crate::unit::{self, Duration, Quantity, Voltage};
use crate::yaml::{Diagnostics, Place, Scalar, Source, Spanned};

use super::bench::{
    Active, Actuator, Bench, Bias, Board, Contact, Drive, HEADER_CHIPS, Input, Line, Output, Sensor,
    SerialPort,
};
use super::boards::{self, BoardSyntax};

type Word = Spanned<Scalar>;
/// Files from the nearest to the one that it is like.
pub(super) type Nearest<'a, T> = Vec<(&'a T, &'a Arc<Source>)>;

/// The lock on the bench.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockSyntax {
    pub model: Word,
    serial: Option<Word>,
    #[serde(default)]
    simulated: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSyntax {
    relay: Option<Word>,
    contact: Option<Word>,
    safe: Option<Word>,
    max_on: Option<Word>,
    supply: Option<Word>,
    sense: Option<InputSyntax>,
    rows: Option<Vec<Word>>,
    columns: Option<Vec<Word>>,
    layout: Option<Vec<Word>>,
    input: Option<Word>,
    active: Option<Word>,
    bias: Option<Word>,
    debounce: Option<Word>,
    colours: Option<BTreeMap<String, InputSyntax>>,
    through: Option<Word>,
    port: Option<Word>,
    baud: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputSyntax {
    input: Word,
    active: Option<Word>,
    bias: Option<Word>,
    debounce: Option<Word>,
}

/// The parts of a rig file that describe a bench; each list from the nearest file on.
pub(super) struct BenchSyntax<'a> {
    pub place: Place,
    pub lock: Option<(&'a LockSyntax, &'a Arc<Source>)>,
    pub boards: Nearest<'a, BTreeMap<String, Spanned<BoardSyntax>>>,
    pub wiring: Nearest<'a, BTreeMap<String, Spanned<WireSyntax>>>,
    pub exclusive: Option<(&'a Vec<Vec<Word>>, &'a Arc<Source>)>,
    pub watchdog: Option<&'a Word>,
}

/// Reads the bench; everything that is wrong goes to `findings`.
pub(super) fn bench(syntax: &BenchSyntax<'_>, findings: &mut Diagnostics) -> Option<Bench> {
    let Some((lock, _)) = syntax.lock else {
        let hint = "write `lock: {model: ID}`: the model that is mounted on the bench";
        findings.error_with_hint(&syntax.place, "field `lock` is missing", hint);
        return None;
    };
    let (boards, poll) = boards::read(&syntax.boards, findings);
    let mut reader = Reader {
        findings,
        bench: Bench {
            model: lock.model.value.0.as_str().into(),
            serial: lock.serial.as_ref().map(|word| word.value.0.clone()),
            simulated: lock.simulated,
            boards,
            poll,
            outputs: Vec::new(),
            actuators: BTreeMap::new(),
            sensors: BTreeMap::new(),
            programs: BTreeMap::new(),
            console: None,
            exclusive: Vec::new(),
            watchdog: syntax.watchdog.map(|word| PathBuf::from(&word.value.0)),
        },
        declared: syntax.boards.iter().flat_map(|(map, _)| map.keys().map(String::as_str)).collect(),
        used: BTreeMap::new(),
        supply: None,
    };
    let mut wires: BTreeMap<&str, (&Spanned<WireSyntax>, &Arc<Source>)> = BTreeMap::new();
    for (map, source) in &syntax.wiring {
        for (name, wire) in *map {
            wires.entry(name).or_insert((wire, source));
        }
    }
    for (name, (wire, source)) in wires {
        reader.wire(name, wire, source);
    }
    reader.share_supply(&syntax.place);
    if let Some((groups, source)) = syntax.exclusive {
        reader.exclusive(groups, source);
    }
    Some(reader.bench)
}

struct Reader<'a> {
    findings: &'a mut Diagnostics,
    bench: Bench,
    /// Boards that the files name, those that are no use included: what is wrong with them is said.
    declared: BTreeSet<&'a str>,
    used: BTreeMap<Line, String>,
    supply: Option<(Voltage, Place)>,
}

impl Reader<'_> {
    fn wire(&mut self, name: &str, wire: &Spanned<WireSyntax>, source: &Arc<Source>) {
        let place = Place::of(source, wire);
        let Ok(channel) = name.parse::<Channel>() else {
            self.findings.unknown(&place, "channel", name, Channel::FORMS);
            return;
        };
        let wire = &wire.value;
        if let Some(board) = &wire.through {
            return self.through(channel, board, source);
        }
        match &channel {
            Channel::Button(_) | Channel::PowerCell(_) | Channel::Cover => {
                self.switch(&channel, wire, source, &place)
            }
            Channel::Door if wire.relay.is_some() => self.switch(&channel, wire, source, &place),
            Channel::Power => self.power(wire, source, &place),
            Channel::Keypad => self.keypad(wire, source, &place),
            Channel::Light(_) => self.light(&channel, wire, source, &place),
            Channel::Beeper | Channel::Bolt | Channel::Door => self.contact(channel, wire, source, &place),
            Channel::Console => self.console(wire, &place),
            _ => {
                let hint = "a program can speak for it: write `through: BOARD`; else wired are buttons, power, keypad, cover, door, lights, beeper, bolt and console";
                self.findings.error_with_hint(&place, format!("`{channel}` can't be wired yet"), hint);
            }
        }
    }

    fn switch(&mut self, channel: &Channel, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let words = match channel {
            Channel::Button(_) => ("pressed", "released"),
            Channel::PowerCell(_) => ("on", "off"),
            _ => ("closed", "open"),
        };
        let rests_closed = matches!(channel, Channel::PowerCell(_));
        let Some(relay) = &wire.relay else {
            self.missing(place, channel, "relay: BOARD/NUMBER");
            return;
        };
        let output = self.output(channel.to_string(), relay, words, rests_closed, wire, source, place);
        if let Some(output) = output {
            self.bench.actuators.insert(channel.clone(), Actuator::Switch { output });
        }
    }

    fn power(&mut self, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let Some(volts) = wire.supply.as_ref().and_then(|word| self.quantity::<Voltage>(source, word)) else {
            self.missing(place, &Channel::Power, "supply: 6.0 V");
            return;
        };
        self.supply = Some((volts, place.clone()));
        let Some(relay) = &wire.relay else { return };
        if let Some(output) = self.output("power".into(), relay, ("on", "off"), true, wire, source, place) {
            let supply = Actuator::Supply { volts, outputs: vec![output] };
            self.bench.actuators.insert(Channel::Power, supply);
        }
    }

    /// A supply without a relay of its own is cut by those of its cells.
    fn share_supply(&mut self, place: &Place) {
        let cells = self.bench.actuators.iter().filter_map(|(channel, actuator)| match (channel, actuator) {
            (Channel::PowerCell(_), Actuator::Switch { output }) => Some(*output),
            _ => None,
        });
        let outputs: Vec<usize> = cells.collect();
        match &self.supply {
            Some((_, place)) if outputs.is_empty() && !self.bench.actuators.contains_key(&Channel::Power) => {
                let place = place.clone();
                self.missing(&place, &Channel::Power, "relay: BOARD/NUMBER, or wire its cells");
            }
            Some((volts, _)) if !outputs.is_empty() => {
                let supply = Actuator::Supply { volts: *volts, outputs };
                self.bench.actuators.entry(Channel::Power).or_insert(supply);
            }
            None if !outputs.is_empty() => {
                self.missing(place, &Channel::Power, "supply: 6.0 V");
            }
            _ => {}
        }
    }

    fn keypad(&mut self, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let (Some(rows), Some(columns), Some(layout)) = (&wire.rows, &wire.columns, &wire.layout) else {
            self.missing(place, &Channel::Keypad, "rows, columns and layout");
            return;
        };
        let mut lines = |name: &str, words: &[Word]| -> Vec<Option<usize>> {
            let mut all = Vec::new();
            for (index, word) in words.iter().enumerate() {
                let name = format!("keypad {name} {}", index + 1);
                all.push(self.output(name, word, ("pressed", "released"), false, wire, source, place));
            }
            all
        };
        let (rows, columns) = (lines("row", rows), lines("column", columns));
        let mut keys = BTreeMap::new();
        if layout.len() != rows.len() {
            let message = format!("the layout has {} rows, and {} are wired", layout.len(), rows.len());
            self.findings.error(place, message);
        }
        for (row, word) in rows.iter().zip(layout) {
            let labels: Vec<&str> = word.value.0.split_whitespace().collect();
            if labels.len() != columns.len() {
                let message = format!("{} keys in a row of {} columns", labels.len(), columns.len());
                let hint = "write `-` where there is no key";
                self.findings.error_with_hint(&Place::of(source, word), message, hint);
            }
            for (column, label) in columns.iter().zip(labels).filter(|(_, label)| *label != "-") {
                let (Some(row), Some(column)) = (row, column) else { continue };
                if keys.insert(Arc::from(label), vec![*row, *column]).is_some() {
                    self.findings.error(&Place::of(source, word), format!("key `{label}` is wired twice"));
                }
            }
        }
        self.bench.actuators.insert(Channel::Keypad, Actuator::Keys { keys });
    }

    fn light(&mut self, channel: &Channel, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let Some(colours) = wire.colours.as_ref().filter(|colours| !colours.is_empty()) else {
            self.missing(place, channel, "colours: {red: {input: BOARD/NUMBER}}");
            return;
        };
        let mut lines = Vec::new();
        for (colour, input) in colours {
            let name = format!("{channel} {colour}");
            lines.extend(self.input(&name, input, source).map(|input| (Arc::from(colour.as_str()), input)));
        }
        let alike = |a: &Input, b: &Input| a.debounce == b.debounce && a.line.board == b.line.board;
        if let Some((_, first)) = lines.first()
            && !lines.iter().all(|(_, line)| alike(first, line))
        {
            let message = format!("the colours of `{channel}` differ in board or debounce");
            let hint = "edges of one light must come in their order: give all of them the same";
            self.findings.error_with_hint(place, message, hint);
        }
        self.bench.sensors.insert(channel.clone(), Sensor::Light(lines));
    }

    fn contact(&mut self, channel: Channel, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let Some(input) = &wire.input else {
            self.missing(place, &channel, "input: BOARD/NUMBER");
            return;
        };
        let syntax = InputSyntax {
            input: input.clone(),
            active: wire.active.clone(),
            bias: wire.bias.clone(),
            debounce: wire.debounce.clone(),
        };
        if let Some(input) = self.input(&channel.to_string(), &syntax, source) {
            self.bench.sensors.insert(channel, Sensor::Switch(input));
        }
    }

    fn through(&mut self, channel: Channel, word: &Word, source: &Arc<Source>) {
        let place = Place::of(source, word);
        let name = word.value.0.as_str();
        match self.bench.boards.get_key_value(name) {
            Some((board, Board::Program { .. })) if channel.is_observed() => {
                self.bench.programs.insert(channel, Arc::clone(board));
            }
            Some((_, Board::Program { .. })) => {
                let message = format!("`{channel}` is an output: only the guard may drive it");
                self.findings.error(&place, message);
            }
            Some(_) => self.findings.error(&place, format!("board `{name}` is no program")),
            None => {
                let known: Vec<Arc<str>> = self.bench.boards.keys().cloned().collect();
                self.findings.unknown(&place, "board", name, known.iter().map(|name| &**name));
            }
        }
    }

    fn console(&mut self, wire: &WireSyntax, place: &Place) {
        let Some(port) = &wire.port else {
            self.missing(place, &Channel::Console, "port: /dev/…");
            return;
        };
        let baud = match &wire.baud {
            None => Some(115_200),
            Some(word) => word.value.0.parse().ok().filter(|baud| (300..=4_000_000).contains(baud)),
        };
        match baud {
            Some(baud) => self.bench.console = Some(SerialPort { port: port.value.0.clone(), baud }),
            None => self.findings.error_with_hint(place, "not a baud rate", "300 to 4000000"),
        }
    }

    fn exclusive(&mut self, groups: &[Vec<Word>], source: &Arc<Source>) {
        for group in groups {
            let mut outputs = Vec::new();
            for word in group {
                let name = word.value.0.as_str();
                let found = self.bench.outputs.iter().position(|output| output.name == name);
                let place = Place::of(source, word);
                match found {
                    Some(index) if self.bench.outputs[index].rest == Drive::Energised => {
                        self.findings
                            .error(&place, format!("`{name}` rests with power: it excludes nothing"));
                    }
                    Some(index) => outputs.push(index),
                    None => {
                        let known = self.bench.outputs.iter().map(|output| output.name.as_str());
                        self.findings.unknown(&place, "output", name, known);
                    }
                }
            }
            self.bench.exclusive.push(outputs);
        }
    }

    /// An output whose safe state needs no power.
    #[expect(clippy::too_many_arguments, reason = "one output of a rig file has so many properties")]
    fn output(
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
            let message = format!("`{name}` would need power to be {is}: when power fails, it is not safe");
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
            let message = format!("`{name}` would be pressed whenever nobody is there");
            self.findings.error_with_hint(&Place::of(source, word), message, "write `safe: released`");
        }
        let rest = contact.map(|contact| if rests_closed { contact.drive(true) } else { Drive::Deenergised });
        let max_on = match wire.max_on.as_ref() {
            Some(word) if rest == Some(Drive::Energised) => {
                let message = format!("`{name}` rests with power: `max_on` means nothing for it");
                self.findings.error(&Place::of(source, word), message);
                None
            }
            Some(word) => self.quantity::<Duration>(source, word),
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
            let message = "a serial relay board or a servo has no active level";
            self.findings.error(&Place::of(source, word), message);
        }
        let output =
            Output { name, line: line?, active: active?, contact: contact?, rest: rest?, max_on, sense };
        if rest == Some(Drive::Deenergised) && output.max_on.is_none() {
            return None;
        }
        self.bench.outputs.push(output);
        Some(self.bench.outputs.len() - 1)
    }

    fn input(&mut self, name: &str, syntax: &InputSyntax, source: &Arc<Source>) -> Option<Input> {
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
            Some(word) => self.quantity(source, word),
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
            kind if is_header(kind) && number < 2 => {
                Some(format!("pin {number} is reserved for the identification of boards on top"))
            }
            kind if is_header(kind) && number > 27 => {
                Some(format!("a Raspberry Pi's header has no pin {number}"))
            }
            Board::Program { .. } => Some(format!("board `{board}` has no lines")),
            Board::Servo(_) if number > 0 => Some(format!("finger `{board}` has one line: `{board}/0`")),
            Board::Lcus(board) | Board::Numato(board) if board_lacks(kind, number, board.relays) => {
                Some(format!("the board has {} relays, and none has number {number}", board.relays))
            }
            _ => None,
        };
        let line = Line { board: Arc::clone(board), number };
        if let Some(problem) = problem {
            self.findings.error(&place, problem);
            return None;
        }
        if let Some(other) = self.used.get(&line) {
            let message = format!("line `{line}` is wired to `{other}` already");
            self.findings.error_with_hint(&place, message, format!("`{name}` needs a line of its own"));
            return None;
        }
        self.used.insert(line.clone(), name.to_owned());
        Some(line)
    }

    fn quantity<Q: Quantity>(&mut self, source: &Arc<Source>, word: &Word) -> Option<Q> {
        let place = Place::of(source, word);
        unit::parse(&word.value.0).map_err(|error| self.findings.error(&place, error.to_string())).ok()
    }

    fn missing(&mut self, place: &Place, channel: &(impl ToString + ?Sized), what: &str) {
        let message = format!("the wiring of `{}` is not complete", channel.to_string());
        self.findings.error_with_hint(place, message, format!("write `{what}`"));
    }
}

/// Whether a board is the header of a Raspberry Pi, through its registers or its kernel's chip.
fn is_header(kind: &Board) -> bool {
    match kind {
        Board::RaspberryPi {} => true,
        Board::Gpio { chip } => HEADER_CHIPS.contains(&chip.as_str()),
        _ => false,
    }
}

/// LCUS counts its relays from 1, Numato from 0.
fn board_lacks(kind: &Board, number: u32, relays: u32) -> bool {
    match kind {
        Board::Lcus(_) => number == 0 || number > relays,
        _ => number >= relays,
    }
}
