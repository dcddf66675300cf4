//! `boards` and `wiring` of a rig file: from their shape to a [`Bench`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::trace::Channel;
use crate::unit::{self, Duration, Quantity, Voltage};
use crate::yaml::{Diagnostic, Diagnostics, Map, Place, Scalar, Source, Spanned};

use super::bench::{
    Actuator, Bench, Board, ConsolePort, ConsoleSource, Drive, Input, Line, Sensor, SerialPort,
};
use super::boards::{self, BoardSyntax};
use super::fit::{Mention, Subject};
use syntax::InputSyntax;
pub(super) use syntax::{LockSyntax, WireSyntax};

mod line;
mod probe;
mod syntax;

type Word = Spanned<Scalar>;

/// The UART on GPIO 14 and 15 of a Raspberry Pi, under the names that its system gives it.
const HEADER_UARTS: [&str; 2] = ["/dev/ttyAMA0", "/dev/serial0"];

/// Files from the nearest to the one that it is like.
pub(super) type Nearest<'a, T> = Vec<(&'a T, &'a Arc<Source>)>;

/// The parts of a rig file that describe a bench; each list from the nearest file on.
pub(super) struct BenchSyntax<'a> {
    pub place: Place,
    pub lock: Option<(&'a LockSyntax, &'a Arc<Source>)>,
    pub boards: Nearest<'a, Map<Spanned<BoardSyntax>>>,
    pub wiring: Nearest<'a, Map<Spanned<WireSyntax>>>,
    pub exclusive: Option<(&'a Vec<Vec<Word>>, &'a Arc<Source>)>,
    pub watchdog: Option<(&'a Word, &'a Arc<Source>)>,
}

/// Reads the bench, and what it says of its lock; everything that is wrong goes to `findings`.
pub(super) fn bench(syntax: &BenchSyntax<'_>, findings: &mut Diagnostics) -> Option<(Bench, Vec<Mention>)> {
    let Some((lock, source)) = syntax.lock else {
        let hint = "write `lock: {model: ID}`: the model that is mounted on the bench";
        findings.error_with_hint(&syntax.place, "field `lock` is missing", hint);
        return None;
    };
    let (boards, poll) = boards::read(&syntax.boards, findings);
    let model = Mention { place: Place::of(source, &lock.model), subject: Subject::Model };
    let mut reader = Reader {
        findings,
        mentions: vec![model],
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
            probe: None,
            exclusive: Vec::new(),
            watchdog: None,
        },
        declared: syntax.boards.iter().flat_map(|(map, _)| map.keys().map(String::as_str)).collect(),
        used: BTreeMap::new(),
        supply: None,
        rtt: None,
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
    reader.check_rtt();
    if let Some((groups, source)) = syntax.exclusive {
        reader.exclusive(groups, source);
    }
    if let Some((word, source)) = syntax.watchdog {
        reader.watchdog(word, source);
    }
    Some((reader.bench, reader.mentions))
}

struct Reader<'a> {
    findings: &'a mut Diagnostics,
    bench: Bench,
    mentions: Vec<Mention>,
    /// Boards that the files name, those that are no use included: what is wrong with them is said.
    declared: BTreeSet<&'a str>,
    /// What stands on each line, and where it says so.
    used: BTreeMap<Line, (String, Place)>,
    supply: Option<(Voltage, Place)>,
    /// Where it says that the console is read through the probe.
    rtt: Option<Place>,
}

impl Reader<'_> {
    fn wire(&mut self, name: &str, wire: &Spanned<WireSyntax>, source: &Arc<Source>) {
        let place = Place::of(source, wire);
        let Ok(channel) = name.parse::<Channel>() else {
            self.findings.unknown(&place, "channel", name, Channel::FORMS);
            return;
        };
        let wire = &wire.value;
        self.mentions.push(Mention { place: place.clone(), subject: Subject::Channel(channel.clone()) });
        let meant = wire.meant_for(&channel);
        for field in wire.stated().filter(|field| !meant.contains(field)) {
            let message = format!("`{field}` does not apply to `{channel}` as wired here");
            let hint = format!("it takes {}", meant.join(", "));
            self.findings.error_with_hint(&place.narrowed_to(field), message, hint);
        }
        if let Some(board) = &wire.through {
            return self.through(channel, board, source);
        }
        match &channel {
            Channel::Cover if wire.input.is_some() => self.contact(channel, wire, source, &place),
            Channel::Button(_) | Channel::PowerCell(_) | Channel::Cover | Channel::Strike => {
                self.switch(&channel, wire, source, &place)
            }
            Channel::Door if wire.relay.is_some() => self.switch(&channel, wire, source, &place),
            Channel::Power => self.power(wire, source, &place),
            Channel::Keypad => self.keypad(wire, source, &place),
            Channel::Light(_) => self.light(&channel, wire, source, &place),
            Channel::Beeper | Channel::Bolt | Channel::Door => self.contact(channel, wire, source, &place),
            Channel::Console => self.console(wire, source, &place),
            Channel::Memory => self.probe(wire, source),
            _ => {
                let hint = "let a program speak for it (`through: BOARD`); only buttons, power, keypad, cover, door, strike, lights, beeper, bolt, console and memory can be wired directly";
                self.findings.error_with_hint(&place, format!("`{channel}` can't be wired yet"), hint);
            }
        }
    }

    fn switch(&mut self, channel: &Channel, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        let words = match channel {
            Channel::Button(_) => ("pressed", "released"),
            Channel::PowerCell(_) => ("on", "off"),
            Channel::Strike => ("blocked", "clear"),
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
        let subject = Subject::Supply(volts);
        self.mentions.push(Mention { place: place.narrowed_to("supply"), subject });
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
                self.missing(
                    &place,
                    &Channel::Power,
                    "relay: BOARD/NUMBER`, or wire its cells: `power.cell.1",
                );
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
            self.missing(place, &Channel::Keypad, "rows: […]`, `columns: […]` and `layout: […]");
            return;
        };
        if rows.is_empty() || columns.is_empty() {
            self.missing(place, &Channel::Keypad, "rows: [BOARD/NUMBER, …]` and `columns: […]");
            return;
        }
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
            let message =
                format!("the numbers of rows differ: {} in the layout, {} wired", layout.len(), rows.len());
            self.findings.error(place, message);
        }
        for (row, word) in rows.iter().zip(layout) {
            let labels: Vec<&str> = word.value.0.split_whitespace().collect();
            if labels.len() != columns.len() {
                let message = format!(
                    "the numbers of columns differ: {} wired, {} in this row",
                    columns.len(),
                    labels.len()
                );
                let hint =
                    "separate the keys of a row with spaces, with `-` where there is none: `\"1 2 3\"`";
                self.findings.error_with_hint(&Place::of(source, word), message, hint);
            }
            for (column, label) in columns.iter().zip(labels).filter(|(_, label)| *label != "-") {
                let key = Subject::Key(label.into());
                self.mentions
                    .push(Mention { place: Place::of(source, word).narrowed_to(label), subject: key });
                let (Some(row), Some(column)) = (row, column) else { continue };
                if keys.insert(Arc::from(label), vec![*row, *column]).is_some() {
                    self.findings.error(&Place::of(source, word), format!("key `{label}` is wired twice"));
                }
            }
        }
        if layout.iter().all(|word| word.value.0.split_whitespace().all(|label| label == "-")) {
            self.findings.error(place, "the layout names no keys");
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
            let subject = Subject::Colour(channel.clone(), colour.as_str().into());
            self.mentions.push(Mention { place: Place::of(source, &input.input), subject });
            lines.extend(self.input(&name, input, source).map(|input| (Arc::from(colour.as_str()), input)));
        }
        let alike = |a: &Input, b: &Input| a.debounce == b.debounce && a.line.board == b.line.board;
        if let Some((_, first)) = lines.first()
            && !lines.iter().all(|(_, line)| alike(first, line))
        {
            let message = format!(
                "the colours of `{channel}` are on different boards or have different debounce times"
            );
            let hint = "the edges of one light must arrive in order: give its colours the same board and debounce time";
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
            Some(_) => self.findings.error(&place, format!("board `{name}` is not a program")),
            None => {
                let known: Vec<Arc<str>> = self.bench.boards.keys().cloned().collect();
                self.findings.unknown(&place, "board", name, known.iter().map(|name| &**name));
            }
        }
    }

    fn console(&mut self, wire: &WireSyntax, source: &Arc<Source>, place: &Place) {
        if let Some(word) = &wire.rtt {
            return self.rtt(word, source);
        }
        let Some(port) = &wire.port else {
            self.missing(place, &Channel::Console, "port: /dev/…` or `rtt: search");
            return;
        };
        let baud = match &wire.baud {
            None => Some(115_200),
            Some(word) => word.value.0.parse().ok().filter(|baud| (300..=4_000_000).contains(baud)),
        };
        match baud {
            Some(baud) => {
                let port = &port.value.0;
                if let Some((name, _)) =
                    self.bench.boards.iter().find(|(_, board)| board.port() == Some(port.as_str()))
                {
                    let message = format!("`{port}` is already the port of board `{name}`");
                    self.findings.error(&place.narrowed_to(port), message);
                }
                if HEADER_UARTS.contains(&port.as_str()) {
                    self.check_uart_pins();
                }
                let goes_with_power = match &wire.goes_with {
                    None => false,
                    Some(word) if word.value.0 == "power" => true,
                    Some(word) => {
                        self.findings.unknown(
                            &place.narrowed_to("goes_with"),
                            "word",
                            &word.value.0,
                            ["power"],
                        );
                        false
                    }
                };
                let port = SerialPort { port: port.clone(), baud };
                let port = ConsolePort { port, goes_with_power };
                self.bench.console = Some(ConsoleSource::Port(port));
            }
            None => self.findings.error_with_hint(place, "not a baud rate", "300 to 4000000"),
        }
    }

    /// A console on the header's UART has two of its pins.
    fn check_uart_pins(&mut self) {
        let is_header = |name| self.bench.boards.get(name).is_some_and(Board::is_header);
        let taken =
            self.used.iter().filter(|(line, _)| matches!(line.number, 14 | 15) && is_header(&line.board));
        for (line, (name, place)) in taken {
            let message = format!("pin {} belongs to the console's UART", line.number);
            let hint = format!("`{name}` needs another pin, or the console another port");
            self.findings.error_with_hint(place, message, hint);
        }
    }

    fn watchdog(&mut self, word: &Word, source: &Arc<Source>) {
        let path = &word.value.0;
        if !path.starts_with('/') {
            let hint = "write its device: `watchdog: /dev/watchdog`";
            let message = format!("`{path}` is not the path of a watchdog");
            self.findings.error_with_hint(&Place::of(source, word), message, hint);
        }
        self.bench.watchdog = Some(PathBuf::from(path));
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
                        self.findings.error(
                            &place,
                            format!("`{name}` is energised at rest, so it can't be in an `exclusive` group"),
                        );
                    }
                    Some(index) if outputs.contains(&index) => {
                        self.findings.error(&place, format!("`{name}` is listed twice"));
                    }
                    Some(index) => outputs.push(index),
                    None => {
                        let known = self.bench.outputs.iter().map(|output| output.name.as_str());
                        self.findings.unknown(&place, "output", name, known);
                    }
                }
            }
            match group.as_slice() {
                [] => self
                    .findings
                    .push(Diagnostic::error(Place::start_of(source), "an `exclusive` group is empty")),
                [alone] => {
                    let message = "an `exclusive` group needs at least two outputs";
                    self.findings.error(&Place::of(source, alone), message);
                }
                _ => {}
            }
            self.bench.exclusive.push(outputs);
        }
    }

    /// A duration with its bounds.
    fn within(
        &mut self,
        source: &Arc<Source>,
        word: &Word,
        least: Duration,
        most: Duration,
        refusal: &str,
    ) -> Option<Duration> {
        let duration: Duration = self.quantity(source, word)?;
        if duration < least || duration > most {
            let message = format!("{refusal} {duration}");
            let hint = match least {
                Duration::ZERO => format!("at most {most}"),
                _ => format!("more than zero, and at most {most}"),
            };
            self.findings.error_with_hint(&Place::of(source, word), message, hint);
        }
        Some(duration)
    }

    fn quantity<Q: Quantity>(&mut self, source: &Arc<Source>, word: &Word) -> Option<Q> {
        let place = Place::of(source, word);
        unit::parse(&word.value.0).map_err(|error| self.findings.error(&place, error.to_string())).ok()
    }

    fn missing(&mut self, place: &Place, channel: &(impl ToString + ?Sized), what: &str) {
        let message = format!("the wiring of `{}` is incomplete", channel.to_string());
        self.findings.error_with_hint(place, message, format!("write `{what}`"));
    }
}
