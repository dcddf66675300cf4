//! Secrets: put in on the way to the lock, taken out on the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

use crate::rig::{Fault, maker_proof};
use crate::trace::{Argument, Channel, Keystroke, MAX_TEXT_BYTES, Request, Value};

/// Secrets that are looked for: those of a case first, then those of the cases before it.
const MAX_REMEMBERED: usize = 64;
/// A number with so many digits of a secret tells it.
const TELLING: usize = 6;
/// No text that is shorter was cut: it is the bound of a serial number, and others are longer.
const SHORTEST_CUT: usize = 80;

/// The secrets of one case, by handle; none by default.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    values: Vec<(Arc<str>, String)>,
    /// So many of them are this case's; the others were those of the cases before.
    own: usize,
    /// How each of them can be written, once somebody asks.
    forms: OnceLock<Vec<Vec<String>>>,
}

impl Vault {
    /// The secrets of a simulated case: drawn from the run's seed, so that a run can be repeated;
    /// the maker's proof is drawn from the seed that the device was greeted with.
    pub fn simulated(secrets: &BTreeSet<(Arc<str>, u8)>, run_seed: u64, case_seed: u64) -> Self {
        let mut values = codes(secrets, run_seed);
        for (handle, value) in &mut values {
            if &**handle == "proof" {
                *value = maker_proof(case_seed);
            }
        }
        Self { own: values.len(), values, forms: OnceLock::new() }
    }

    /// The secrets of a case on a real lock: drawn by the operating system, for each case anew.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn drawn(secrets: &BTreeSet<(Arc<str>, u8)>) -> Result<Self, Fault> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|error| Fault(format!("the operating system gave no random numbers: {error}")))?;
        let values = codes(secrets, u64::from_le_bytes(seed));
        Ok(Self { own: values.len(), values, forms: OnceLock::new() })
    }

    /// Takes over the secrets of the case before this one, and those that it remembers: a device may still say them.
    /// The newest come first, and the oldest are forgotten.
    pub fn remember(&mut self, earlier: &Self) {
        for entry in &earlier.values {
            if !self.values.iter().any(|(_, value)| *value == entry.1) {
                let name = entry.0.trim_start_matches("earlier ");
                self.values.push((format!("earlier {name}").into(), entry.1.clone()));
            }
        }
        // A lock may say what it heard a few cases ago; with all of a long run, half of all numbers
        // would be secrets.
        self.values.truncate(MAX_REMEMBERED.max(self.own));
        self.forms = OnceLock::new();
    }

    /// Every secret, for a test that searches for them.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(_, value)| value.as_str())
    }

    fn value(&self, handle: &str) -> &str {
        self.values.iter().find(|(known, _)| &**known == handle).map_or("", |(_, value)| value)
    }

    /// A value as the lock gets it.
    pub fn reveal(&self, value: &Value) -> Value {
        match value {
            Value::Keys(keys) => Value::Keys(keys.iter().map(|key| self.reveal_key(key)).collect()),
            Value::Request(request) => Value::Request(Request {
                arguments: request
                    .arguments
                    .iter()
                    .map(|(name, argument)| match argument {
                        Argument::Secret(handle) => {
                            (Arc::clone(name), Argument::Text(self.value(&handle.0).into()))
                        }
                        plain => (Arc::clone(name), plain.clone()),
                    })
                    .collect(),
                ..request.clone()
            }),
            plain => plain.clone(),
        }
    }

    fn reveal_key(&self, key: &Keystroke) -> Keystroke {
        match key {
            Keystroke::Key(_) => key.clone(),
            Keystroke::Secret { handle, position, altered } => {
                let digit = self.value(&handle.0).as_bytes().get(usize::from(*position)).copied();
                let digit = digit.map_or(0, |byte| byte.wrapping_sub(b'0'));
                let digit = if *altered { (digit + 1) % 10 } else { digit };
                Keystroke::Key(char::from(b'0' + digit % 10).to_string().into())
            }
        }
    }

    /// A text without secrets, if it had any: as they are typed, with spaces or marks between their digits, in
    /// hexadecimal or base64, and cut off before an ellipsis or at the end of a text that may have been cut.
    pub fn redact(&self, text: &str) -> Option<String> {
        // No form of a digit does without these.
        if !text.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase()) {
            return None;
        }
        let forms = self.forms.get_or_init(|| self.values.iter().map(|(_, value)| forms(value)).collect());
        let mut clean = text.to_owned();
        for ((handle, value), forms) in self.values.iter().zip(forms) {
            let word = format!("‹{handle}›");
            for form in forms {
                if clean.contains(form) {
                    clean = clean.replace(form, &word);
                }
            }
            while let Some((begin, end)) = spread(&clean, value) {
                clean.replace_range(begin..end, &word);
            }
            let mut ends: Vec<usize> = clean.match_indices('…').map(|(at, _)| at).collect();
            ends.extend((text.chars().count() >= SHORTEST_CUT).then_some(clean.len()));
            for end in ends.into_iter().rev() {
                if let Some(length) = cut(value, |part| clean[..end].ends_with(&value[..part])) {
                    clean.replace_range(end - length..end, &word);
                }
            }
        }
        (clean != text).then_some(clean)
    }

    /// A text without the digits that end a secret whose other digits came in the texts before it.
    fn redact_after(&self, text: &str, heard: &mut String) -> Option<String> {
        let places = self.digits(text);
        let before = heard.len();
        heard.extend(places.iter().filter_map(|at| text[*at..].chars().next()));
        let ends_here =
            |value: &str| heard.rfind(value).is_some_and(|at| at < before && at + value.len() > before);
        let found = self.values.iter().find(|(_, value)| !value.is_empty() && ends_here(value));
        let clean = found.map(|(handle, _)| {
            let mut clean = text.to_owned();
            let word = format!("‹{handle}›");
            places.iter().rev().for_each(|at| clean.replace_range(*at..at + 1, &word));
            clean
        });
        let longest = self.values.iter().map(|(_, value)| value.len()).max().unwrap_or_default();
        heard.drain(..heard.len().saturating_sub(longest.saturating_sub(1)));
        clean
    }

    /// Where a text has digits; the names of secrets that were taken out have some, too.
    fn digits(&self, text: &str) -> Vec<usize> {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at + c.len_utf8()..];
            let name = rest.split_once('›').filter(|_| c == '‹').map(|(name, _)| name);
            at += match name.filter(|name| self.values.iter().any(|(handle, _)| **handle == **name)) {
                Some(name) => c.len_utf8() + name.len(),
                None => c.len_utf8(),
            };
            if c.is_ascii_digit() {
                places.push(at - 1);
            }
        }
        places
    }

    /// A line of standard error without secrets. A long one comes in pieces.
    pub fn redact_line(&self, line: &str, overheard: &mut Overheard) -> String {
        let mut clean = self.redact(line).unwrap_or_else(|| line.to_owned());
        if std::mem::replace(&mut overheard.is_cut, line.len() >= MAX_TEXT_BYTES) {
            for (handle, value) in &self.values {
                if let Some(length) = cut(value, |part| clean.starts_with(&value[value.len() - part..])) {
                    clean.replace_range(..length, &format!("‹{handle}›"));
                }
            }
        }
        self.redact_after(&clean, overheard.digits.entry(String::new()).or_default()).unwrap_or(clean)
    }

    /// The secrets of this case that stand in a text in plain digits, between other characters than digits.
    fn told(&self, text: &str) -> impl Iterator<Item = &Arc<str>> {
        let stands = |value: &str| {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            text.match_indices(value).any(|(at, _)| {
                !digit(text[..at].chars().next_back()) && !digit(text[at + value.len()..].chars().next())
            })
        };
        self.values[..self.own]
            .iter()
            .filter(move |(_, value)| !value.is_empty() && stands(value))
            .map(|(handle, _)| handle)
    }

    /// Takes secrets out of what a lock said, and names those that it said in plain digits.
    ///
    /// # Errors
    /// A number or a name spells a secret: it can't be recorded.
    pub fn conceal(
        &self,
        channel: &Channel,
        value: &mut Value,
        overheard: &mut Overheard,
    ) -> Result<Vec<Arc<str>>, Fault> {
        let mut told: Vec<Arc<str>> = Vec::new();
        let spells = |text: &str| self.values.iter().any(|(_, value)| text.contains(value.as_str()));
        let named = matches!(value, Value::Light(Some(colour)) if self.redact(colour).is_some());
        // An address of few digits has a code of few by chance.
        let tells = |text: &str| {
            self.values.iter().any(|(_, value)| value.len() >= TELLING && text.contains(value.as_str()))
        };
        let found = match value {
            Value::Response(response) => response.found.iter().flatten().any(|found| {
                spells(&found.encoding) || tells(&found.address.to_string()) || tells(&found.code.to_string())
            }),
            _ => false,
        };
        if named || found || spells(&channel.to_string()) {
            return Err(Fault("the device put a secret into a name".into()));
        }
        value.map_texts(|text| {
            let heard = overheard.digits.entry(channel.to_string()).or_default();
            let clean = self.redact(text);
            if clean.is_some() {
                told.extend(self.told(text).cloned());
            }
            let rest = self.redact_after(clean.as_deref().unwrap_or(text), heard);
            rest.or(clean)
        });
        let numbers = match value {
            Value::Response(response) => {
                format!("{:?} {:?}", response.users, response.codes)
            }
            Value::Voltage(volts) => volts.to_string(),
            Value::Current(amperes) => amperes.to_string(),
            Value::Angle(degrees) => degrees.to_string(),
            _ => return Ok(told),
        };
        if spells(&numbers) {
            return Err(Fault("the device put a secret into a number".into()));
        }
        Ok(told)
    }
}

/// What the channels of a case said last, for secrets that are spread over several texts.
#[derive(Clone, Debug, Default)]
pub struct Overheard {
    /// The last digits.
    digits: BTreeMap<String, String>,
    /// The last line of standard error goes on in the next.
    is_cut: bool,
}

/// How a secret can be written.
fn forms(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![value.to_owned(), hex.to_uppercase(), hex];
    for before in 0..3 {
        // The characters that these bytes alone decide, wherever in a longer text they begin.
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(value.bytes()).collect();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        forms.extend(STANDARD_NO_PAD.encode(&bytes).get(first..end).map(str::to_owned));
    }
    forms
}

/// Where a secret stands with spaces or marks between its digits.
fn spread(text: &str, value: &str) -> Option<(usize, usize)> {
    let begins = text.char_indices().filter(|(_, c)| value.starts_with(*c));
    begins.map(|(begin, _)| begin).find_map(|begin| {
        let mut wanted = value.chars().peekable();
        for (at, c) in text[begin..].char_indices() {
            match wanted.peek() {
                Some(next) if c == *next => drop(wanted.next()),
                Some(_) if c.is_alphanumeric() => return None,
                Some(_) => {}
                None => return Some((begin, begin + at)),
            }
        }
        wanted.peek().is_none().then_some((begin, text.len()))
    })
}

/// How many digits of a secret a text was cut off in: three of them and half of it, or it says too little.
fn cut(value: &str, is_there: impl Fn(usize) -> bool) -> Option<usize> {
    let least = value.len().div_ceil(2).max(3);
    (least..value.len()).rev().find(|length| is_there(*length))
}

/// A code for each handle. Two of one case differ in at least two digits: else the old code that must be
/// refused could be the new one, or a wrong one be right.
fn codes(secrets: &BTreeSet<(Arc<str>, u8)>, seed: u64) -> Vec<(Arc<str>, String)> {
    let mut values: Vec<(Arc<str>, String)> = Vec::new();
    for (handle, digits) in secrets {
        let mut drawn = (0_u32..).map(|attempt| (attempt, code(seed, handle, *digits, attempt)));
        let found = drawn.find(|(attempt, code)| {
            // Of short codes there are not many that differ so much.
            let least = if *attempt < 10_000 { 2 } else { 1 };
            is_fit(code) && values.iter().all(|(_, other)| distance(code, other) >= least)
        });
        values.push((Arc::clone(handle), found.map(|(_, code)| code).unwrap_or_default()));
    }
    values
}

fn code(seed: u64, handle: &str, digits: u8, attempt: u32) -> String {
    let hash = Sha256::digest(format!("lockrig code {seed} {handle} {digits} {attempt}"));
    hash.iter().take(usize::from(digits)).map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// No manual prints it and it is easy to tell from a time: it does not count up or down, has no run of
/// zeros, none at the end, and more than two different digits.
fn is_fit(code: &str) -> bool {
    let digits = code.as_bytes();
    let different: BTreeSet<&u8> = digits.iter().collect();
    let counts = |step: i16| digits.windows(2).all(|two| i16::from(two[1]) - i16::from(two[0]) == step);
    !code.ends_with('0') && !code.contains("00") && different.len() > 2 && !counts(1) && !counts(-1)
}

/// In how many places two codes differ.
fn distance(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
    one.len().max(other.len()) - same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_codes_are_remembered_and_the_first_forgotten() {
        let secrets: BTreeSet<(Arc<str>, u8)> = [("user.1".into(), 8)].into();
        let mut earlier = Vault::simulated(&BTreeSet::new(), 0, 0);
        let mut codes = Vec::new();
        for seed in 0..200 {
            let mut vault = Vault::simulated(&secrets, seed, 0);
            codes.push(vault.value("user.1").to_owned());
            vault.remember(&earlier);
            earlier = vault;
        }
        let is_found = |code: &String| earlier.redact(code).is_some();
        assert!(codes[200 - MAX_REMEMBERED..].iter().all(is_found));
        assert!(!codes[..200 - MAX_REMEMBERED].iter().any(is_found));
        assert_eq!(earlier.redact(&codes[150]).as_deref(), Some("‹earlier user.1›"));
    }

    #[test]
    fn no_two_codes_of_a_case_are_alike() {
        for seed in 0..200 {
            let secrets: BTreeSet<(Arc<str>, u8)> =
                (0..20).map(|number| (format!("user.{number}").into(), 4)).collect();
            let vault = Vault::simulated(&secrets, seed, 0);
            let codes: Vec<&str> = vault.values().collect();
            for (index, code) in codes.iter().enumerate() {
                assert!(is_fit(code), "{code}");
                assert!(codes[..index].iter().all(|other| distance(code, other) >= 2), "{codes:?}");
            }
        }
    }
}
