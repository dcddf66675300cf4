//! What is asked of whom, operations and the codes that they are done with.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lock::{Asset, Named, Near, Role, Token};
use crate::scenario::ast::{Action, Claim, Reply, Term, UserCodes};
use crate::scenario::syntax::{AttemptSyntax, DoSyntax, Word, WordOr};
use crate::unit::Duration;
use crate::yaml::{Map, Place};

use super::Reader;

/// How long a request waits for its answer if the step does not say.
const ANSWER_WITHIN: Duration = Duration::seconds(10);

/// Operations that a model may describe, with their parameters.
pub(in crate::scenario) const OPERATIONS: &[(&str, &[&str])] = &[
    ("enter", &["code"]),
    ("lock", &[]),
    ("unlock", &[]),
    ("clear", &[]),
    ("add_code", &["code", "slot", "master"]),
    ("add_card", &["card", "slot", "master"]),
    ("use_card", &["card"]),
    ("add_finger", &["finger", "slot", "master"]),
    ("use_finger", &["finger"]),
    ("set_master", &["code", "master"]),
    ("try_master", &["code"]),
    ("pair_app", &["role", "master"]),
    ("pair_hub", &["master"]),
    ("handing", &[]),
    ("calibrate", &[]),
    ("initiate", &["role"]),
    ("set_mode", &["mode", "master"]),
    ("set_code_length", &["digits", "master"]),
];

/// Operations of the lockstep protocol that app, hub and cloud take.
pub(in crate::scenario) const REQUEST_FIELDS: &[&str] = &[
    "app",
    "hub",
    "cloud",
    "memory",
    "reader",
    "expect",
    "within",
    "slot",
    "code",
    "role",
    "proof",
    "ownership",
    "network",
    "credential",
    "parameter",
    "value",
    "until",
    "schedule",
];

/// Requests of the lockstep protocol.
pub(in crate::scenario) const REQUESTS: &[&str] = &[
    "pair",
    "unpair",
    "status",
    "add_code",
    "remove_code",
    "set_master",
    "set_parameter",
    "factory_reset",
    "remote_reset",
    "leave",
];

impl Reader<'_> {
    pub(super) fn ask(&mut self, words: &Map<Word>, place: &Place) -> Option<Action> {
        let mut target = None;
        let (mut expect, mut within) = (Reply::Done, ANSWER_WITHIN);
        let mut arguments = Vec::new();
        for (name, word) in words {
            match name.as_str() {
                "app" | "hub" | "cloud" | "memory" | "reader" => {
                    let op_place = self.place(word);
                    let known: &[&str] = if name == "reader" { &["present"] } else { REQUESTS };
                    if name != "memory" && !known.contains(&word.value.0.as_str()) {
                        self.findings.unknown(&op_place, "request", &word.value.0, known.iter().copied());
                        continue;
                    }
                    if target.is_some() {
                        self.findings.error(
                            &op_place,
                            "a request goes to only one of `app`, `hub`, `cloud`, `memory` and `reader`",
                        );
                    }
                    target = Some((name.parse().ok()?, Arc::from(word.value.0.as_str())));
                }
                "expect" => {
                    expect = self.choice(
                        "answer",
                        word,
                        &[
                            ("ok", Reply::Done),
                            ("refused", Reply::Refused),
                            ("any", Reply::Any),
                            ("paired", Reply::Paired),
                            ("unpaired", Reply::Unpaired),
                        ],
                    )?;
                }
                "within" => within = self.quantity(word)?,
                "slot" | "code" | "role" | "proof" | "ownership" | "network" | "credential" | "parameter"
                | "value" | "until" | "schedule" => {
                    let text = word.value.0.as_str();
                    let term = match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
                        Some(parameter) => Term::Parameter(self.parameter(parameter, place)?),
                        None => {
                            self.named_credential(name, text, word)?;
                            Term::Word(text.into())
                        }
                    };
                    arguments.push((Arc::from(name.as_str()), term));
                }
                other => {
                    let word_place = self.place(word);
                    self.findings.unknown(
                        &word_place,
                        "request field",
                        other,
                        REQUEST_FIELDS.iter().copied(),
                    );
                }
            }
        }
        let Some((channel, op)) = target else {
            self.findings.error_with_hint(
                place,
                "who should be asked?",
                "write `ask: {app: status}`, or `hub:`, `cloud:`",
            );
            return None;
        };
        Some(Action::Ask { channel, op, arguments, expect, within })
    }

    pub(super) fn operation(&mut self, operation: &WordOr<DoSyntax>, place: &Place) -> Option<Action> {
        let empty = Map::default();
        let (name, with) = match operation {
            WordOr::Word(name) => (name.as_str(), &empty),
            WordOr::Full(full) => (full.operation.value.0.as_str(), &full.with),
        };
        let Some((_, parameters)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
            self.findings.unknown(place, "operation", name, OPERATIONS.iter().map(|(known, _)| *known));
            return None;
        };
        let mut values = BTreeMap::new();
        for (parameter, word) in with {
            let (place, value) = (self.place(word), word.value.0.as_str());
            let is_known = match parameter.as_str() {
                known if !parameters.contains(&known) => {
                    let kind = format!("parameter of `{name}`");
                    self.findings.unknown(&place, &kind, known, parameters.iter().copied());
                    false
                }
                "code" | "master" => self.code(value, &place).is_some(),
                "slot" if value.parse::<u8>().is_err() => {
                    self.findings.error(&place, format!("`{value}` is not a slot from 0 to 255"));
                    false
                }
                "card" | "finger" => self.token(parameter, value, &place).is_some(),
                "digits" if !value.parse::<u8>().is_ok_and(|digits| (1..=20).contains(&digits)) => {
                    self.findings.error(&place, format!("`{value}` is not a number of digits from 1 to 20"));
                    false
                }
                "role" => self.named::<Role>("role", value, &place).is_some(),
                _ => true,
            };
            if is_known {
                values.insert(Arc::from(parameter.as_str()), Arc::from(value));
            }
        }
        if values.len() < with.len() {
            return None;
        }
        Some(Action::Do { operation: name.into(), with: values })
    }

    /// In a scenario a request names codes, cards and fingers as every other step does; a model has none to name.
    fn named_credential(&mut self, field: &str, text: &str, word: &Word) -> Option<()> {
        let place = self.place(word);
        match field {
            "code" if self.facts.is_none() => self.code(text, &place),
            "credential" => {
                let kind = text.split_once('.').map_or(text, |(kind, _)| kind);
                self.token(kind, text, &place)
            }
            _ => Some(()),
        }
    }

    /// A card or a finger by its name in a scenario.
    fn token(&mut self, kind: &str, name: &str, place: &Place) -> Option<()> {
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.'));
        let is_known = Token::from_word(kind).is_some() && number.is_some_and(is_number);
        if !is_known {
            let kind = if Token::from_word(kind).is_some() { kind } else { "card" };
            self.findings.unknown(place, kind, name, [format!("{kind}.1").as_str()]);
        }
        is_known.then_some(())
    }

    /// A code by its name in a scenario, or as a manual prints it.
    fn code(&mut self, code: &str, place: &Place) -> Option<()> {
        let numbered = ["user.", "extra.", "slot."];
        let is_user = numbered.iter().any(|kind| code.strip_prefix(kind).is_some_and(is_number));
        let is_published = (3..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
        let words = ["wrong", "default", "master", "zeros", "ones", "empty"];
        if !is_user && !is_published && !words.contains(&code) {
            let known = ["user.1", "extra.1", "slot.1"].into_iter().chain(words);
            self.findings.unknown(place, "code", code, known);
            return None;
        }
        Some(())
    }

    pub(super) fn assets(&mut self, word: &Word) -> Option<std::collections::BTreeSet<Asset>> {
        let stored = [
            Asset::UserCodes,
            Asset::Cards,
            Asset::Fingers,
            Asset::MasterCode,
            Asset::AppPairing,
            Asset::HubPairing,
        ];
        if word.value.0 == "all" {
            return Some(stored.into_iter().collect());
        }
        let place = self.place(word);
        let named = word.value.0.split(',').map(str::trim);
        named.map(|name| self.named::<Asset>("asset", name, &place)).collect()
    }

    pub(super) fn provision(&mut self, words: &Map<Word>, place: &Place) -> Option<Claim> {
        let mut user_codes = UserCodes::Count(0);
        let (mut app, mut hub, mut master) = (false, false, false);
        let (mut cards, mut fingers) = (None, None);
        for (name, word) in words {
            match name.as_str() {
                "user_codes" if word.value.0 == "across_slots" => user_codes = UserCodes::AcrossSlots,
                "user_codes" => user_codes = UserCodes::Count(self.some_of_them(word)),
                "cards" => cards = Some(self.some_of_them(word)),
                "fingers" => fingers = Some(self.some_of_them(word)),
                "app" => app = self.choice("binding", word, &[("paired", true), ("unpaired", false)])?,
                "hub" => hub = self.choice("binding", word, &[("paired", true), ("unpaired", false)])?,
                "master" => {
                    master = self.choice("master code state", word, &[("set", true), ("unset", false)])?
                }
                other => {
                    let known = ["user_codes", "cards", "fingers", "app", "hub", "master"];
                    self.findings.unknown(place, "item to provision", other, known);
                    return None;
                }
            }
        }
        Some(Claim::Provision { user_codes, cards, fingers, app, hub, master })
    }

    fn some_of_them(&mut self, word: &Word) -> u8 {
        let number = word.value.0.parse().ok().filter(|number| *number <= 50);
        if number.is_none() {
            let place = self.place(word);
            self.findings.error(&place, format!("`{}` is not a count from 0 to 50", word.value.0));
        }
        number.unwrap_or(0)
    }

    pub(super) fn attempt(&mut self, attempt: &AttemptSyntax, place: &Place) -> Option<Claim> {
        let code: Arc<str> = match (&attempt.code, &attempt.card, &attempt.finger) {
            (Some(word), None, None) => {
                let at = self.place(word);
                self.code(&word.value.0, &at)?;
                word.value.0.as_str().into()
            }
            (None, Some(word), None) => self.numbered_token(Token::Card, word)?,
            (None, None, Some(word)) => self.numbered_token(Token::Finger, word)?,
            _ => {
                self.findings.error(place, "`attempt` takes exactly one of `code`, `card` and `finger`");
                return None;
            }
        };
        let accepted = self.choice("outcome", &attempt.expect, &[("accepted", true), ("refused", false)])?;
        let altered = match &attempt.altered {
            Some(word) => {
                let at = self.place(word);
                let near = self.named::<Near>("alteration of a code", &word.value.0, &at)?;
                let is_secret =
                    ["user.", "extra."].iter().any(|kind| code.starts_with(kind)) || &*code == "master";
                if !is_secret {
                    let hint = "alter a code of the owner's: `user.1`, `extra.1` or `master`";
                    let message = format!("`{code}` is nobody's code, so nothing is near it");
                    self.findings.error_with_hint(&at, message, hint);
                    return None;
                }
                Some(near)
            }
            None => None,
        };
        Some(Claim::Attempt { code, altered, accepted })
    }

    fn numbered_token(&mut self, kind: Token, word: &Word) -> Option<Arc<str>> {
        let name = format!("{kind}.{}", word.value.0);
        let place = self.place(word);
        if !is_number(&word.value.0) {
            let message = format!("`{}` is not the number of a {kind}, from 1 to 50", word.value.0);
            self.findings.error(&place, message);
            return None;
        }
        Some(name.into())
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<u8>().is_ok_and(|number| (1..=50).contains(&number) && number.to_string() == text)
}
