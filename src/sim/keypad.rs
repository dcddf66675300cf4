//! Keys and what they make up: lines, menus and the codes of a reset.

mod codes;
mod penalty;

use crate::trace::{Channel, Value};
use crate::unit::{Duration, Instant};

use super::defect::Defect;
use super::design::{Entry, Handing, Reset, Trigger, s};
use super::lock::SimulatedLock;
use super::memory::Source;
use super::mutation::Rule;
use super::recognizer::Act;

/// A menu closes by itself after so long.
const MENU_OPEN: Duration = s(10);
/// What was typed is forgotten after a pause of this length.
const FORGET: Duration = s(10);

/// What was typed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Keypad {
    typed: String,
    last_key: Instant,
    entry_begun: bool,
    /// Lines since the master code, and until when more are taken.
    menu: Option<(Vec<String>, Instant)>,
    /// The service mode of a reset: the line before, and whether the master code was typed.
    service: Option<Service>,
}

#[derive(Clone, Debug)]
struct Service {
    reset: usize,
    line_before: Option<String>,
    is_open: bool,
}

impl Keypad {
    pub(super) fn open_service(&mut self, reset: Option<usize>) {
        self.service = reset.map(|reset| Service { reset, line_before: None, is_open: false });
    }
}

impl SimulatedLock {
    pub(super) fn key(&mut self, label: &str) {
        self.note_pause();
        let is_kept = self.has(Defect::HalfTypedKept);
        let is_old = self.now.since(self.keypad.last_key) > self.forgets_after(FORGET) && !is_kept;
        if self.rules.decides(Rule::ForgetTyped, is_old) {
            if !self.keypad.typed.is_empty() {
                self.proof_mode = None;
            }
            self.keypad.typed.clear();
            self.keypad.entry_begun = false;
            self.keypad.service.take_if(|service| service.is_open);
        }
        self.keypad.last_key = self.now;
        self.forget_late_sequences();
        let in_sequence = self.is_in_sequence();
        if let Some(key) = label.chars().next().filter(|_| label.len() == 1) {
            self.act(Act::Key(key));
        }
        if in_sequence {
            return;
        }
        if let Some(service) = self.keypad.service.take() {
            return self.service_key(label, service);
        }
        if let Some(reset) = self.proof_mode {
            return self.proof_key(label, reset);
        }
        match self.design.entry {
            Entry::None => {}
            Entry::Terminated(end) if label == end => {
                let line = std::mem::take(&mut self.keypad.typed);
                let takes_nothing = self.has(Defect::EmptyEntryOpens) && self.bolt_thrown;
                if line.is_empty() && !takes_nothing {
                    self.lock_by_key(label);
                } else {
                    self.line(&line);
                }
            }
            Entry::Prefixed(start, _) if label == start => {
                self.keypad.typed.clear();
                self.keypad.entry_begun = self.bolt_thrown;
                self.lock_by_key(label);
            }
            Entry::Prefixed(_, digits) => {
                self.keypad.typed.push_str(label);
                let digits = self.rules.counts(Rule::EntryLength, digits as u64);
                let is_begun = self.rules.decides(Rule::EntryBegun, self.keypad.entry_begun);
                if is_begun && self.keypad.typed.len() as u64 == digits {
                    let line = std::mem::take(&mut self.keypad.typed);
                    self.keypad.entry_begun = false;
                    self.line(&line);
                }
            }
            Entry::Terminated(_) if label == self.design.lock_key => self.lock_by_key(label),
            Entry::Terminated(_) => {
                // A keypad that is flooded keeps its last keys only.
                if self.keypad.typed.len() < 32 {
                    self.keypad.typed.push_str(label);
                }
                self.last_line_without_its_end();
            }
        }
    }

    /// A careless lock does not wait for the key that ends the last line of a menu.
    fn last_line_without_its_end(&mut self) {
        let Some((lines, _)) = &self.keypad.menu else { return };
        if !self.has(Defect::IncompleteCodeResets) {
            return;
        }
        let typed = lines.iter().chain(std::iter::once(&self.keypad.typed)).map(String::as_str);
        let is_last = |reset: &Reset| match reset.trigger {
            Trigger::MenuLines(wanted) => typed.clone().eq(wanted.iter().copied()),
            _ => false,
        };
        let reset = self.design.resets.iter().position(is_last);
        if let Some(index) = reset {
            self.keypad.menu = None;
            self.keypad.typed.clear();
            self.reset(index);
        }
    }

    fn lock_by_key(&mut self, label: &str) {
        let is_wanted = label == self.design.lock_key && !self.bolt_thrown && self.knows_hand();
        if is_wanted && self.rules.does(Rule::ThrowBolt) {
            self.move_bolt(true);
        }
    }

    fn knows_hand(&self) -> bool {
        self.rules.decides(Rule::HandKnown, self.memory.handed)
    }

    /// A key of the service mode.
    fn service_key(&mut self, label: &str, mut service: Service) {
        let Trigger::Service { key, .. } = self.design.resets[service.reset].trigger else { return };
        if service.is_open {
            // Whatever else is typed closes the mode.
            if self.rules.decides(Rule::ServiceKey, label == key) {
                self.reset(service.reset);
            }
            return;
        }
        let is_end = matches!(self.design.entry, Entry::Terminated(end) if end == label);
        if !is_end {
            self.keypad.typed.push_str(label);
            self.keypad.service = Some(service);
            return;
        }
        let line = std::mem::take(&mut self.keypad.typed);
        match &self.memory.master {
            Some(master) => {
                service.is_open = self.rules.decides(Rule::ServiceMaster, *master == line)
                    || self.has(Defect::WrongCodeResets);
                if service.is_open && self.has(Defect::IncompleteCodeResets) {
                    return self.reset(service.reset);
                }
            }
            None if service.line_before.as_ref() == Some(&line) => {
                self.set_master(line);
                return;
            }
            None => service.line_before = Some(line),
        }
        self.keypad.service = Some(service);
    }

    fn proof_key(&mut self, label: &str, reset: usize) {
        self.keypad.typed.push_str(label);
        let forgiven = usize::from(self.has(Defect::IncompleteCodeResets));
        let length = self.rules.counts(Rule::ProofLength, self.proof.len() as u64);
        if (self.keypad.typed.len() + forgiven) as u64 >= length {
            let is_spent = self.rules.decides(Rule::ProofSpent, self.memory.proof_used)
                && !self.has(Defect::UsedProofResets);
            let unread = usize::from(self.has(Defect::LastKeyUnread));
            let read = self.keypad.typed.len().saturating_sub(unread);
            let is_proof = self.keypad.typed.get(..read).is_some_and(|typed| self.proof.starts_with(typed));
            let is_proof = self.rules.decides(Rule::ProofMatches, is_proof) && !is_spent;
            let right = is_proof || self.has(Defect::WrongCodeResets);
            self.keypad.typed.clear();
            if self.rules.does(Rule::ProofEnds) {
                self.proof_mode = None;
            }
            if right {
                self.memory.proof_used = true;
                self.reset(reset);
            }
        }
    }

    /// A line that was typed, without its end.
    fn line(&mut self, line: &str) {
        if self.has(Defect::ConsolePrintsLines) {
            self.put(Channel::Console, Value::Text(line.into()));
        }
        if self.is_locked_out(line) {
            return;
        }
        if let Some((mut lines, until)) = self.keypad.menu.take()
            && (self.rules.decides(Rule::MenuInTime, self.now <= until) || self.has(Defect::HalfTypedKept))
        {
            lines.push(line.to_owned());
            return self.menu(lines);
        }
        let has_menu = self.design.keypad_programming
            || self.design.resets.iter().any(|reset| matches!(reset.trigger, Trigger::MenuLines(_)));
        let careless = self.has(Defect::WrongCodeResets) && !self.opens_for(line);
        if has_menu && (self.rules.decides(Rule::MenuMaster, self.master() == Some(line)) || careless) {
            self.memory.wrong_codes = 0;
            self.keypad.menu = Some((Vec::new(), self.now + MENU_OPEN));
        } else if self.opens_for(line) {
            if self.memory.wrong_codes > 0 && self.rules.does(Rule::GoodCodeClears) {
                self.memory.wrong_codes = 0;
            }
            if self.knows_hand() && self.rules.does(Rule::OpenBolt) {
                self.move_bolt(false);
            }
            self.note_opened(line);
        } else {
            self.wrong_code();
        }
    }

    /// A code opened the lock; a faulty one has something to say or to fetch.
    fn note_opened(&mut self, line: &str) {
        if self.has(Defect::HubHearsCode) && self.memory.hub {
            self.put(Channel::Hub, Value::Notify(format!("opened with {line}").into()));
        }
        if self.has(Defect::BackWhenCodeUsed) {
            self.bring_back();
        }
    }

    /// Lines after the master code.
    fn menu(&mut self, lines: Vec<String>) {
        for (index, reset) in self.design.resets.iter().enumerate() {
            if let Trigger::MenuLines(wanted) = reset.trigger
                && self
                    .rules
                    .decides(Rule::MenuLines, lines.iter().map(String::as_str).eq(wanted.iter().copied()))
            {
                return self.reset(index);
            }
        }
        if let Some(Handing::MenuLine(wanted)) = self.design.handing
            && lines.len() == 1
            && self.rules.decides(Rule::MenuHandLine, lines[0] == wanted)
        {
            return self.teach_hand();
        }
        if self.design.keypad_programming
            && let [function, code] = lines.as_slice()
            && function == "1"
        {
            let slot = self.memory.codes.keys().next_back().map_or(1, |last| last + 1);
            if (4..=10).contains(&code.len()) && !(self.has(Defect::SetupRefused) && self.memory.was_reset) {
                self.add_code(slot, code, Source::Keypad);
                if self.has(Defect::MenuEntryOpens) {
                    self.move_bolt(false);
                }
            }
            return;
        }
        if lines.len() < 3 {
            self.keypad.menu = Some((lines, self.now + MENU_OPEN));
        }
    }

    /// A valid code that stands in the buffer when a button is pressed counts as entered.
    pub(super) fn entered_before(&mut self, _button: &str) {
        if self.keypad.typed.is_empty() || !self.running {
            return;
        }
        let line = std::mem::take(&mut self.keypad.typed);
        let is_valid = self.rules.decides(Rule::CodeEntered, self.opens_for(&line));
        if is_valid || self.has(Defect::WrongCodeResets) {
            self.act(Act::Entered);
        }
    }
}
