//! Secrets: put in on the way to the lock, taken out on the way back.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::rig::{Fault, maker_proof};
use crate::trace::{Argument, Channel, Keystroke, Request, Value};

/// Secrets that are looked for: those of a case first, then those of the cases before it.
const MAX_REMEMBERED: usize = 64;

/// The secrets of one case, by handle.
#[derive(Clone, Debug)]
pub struct Vault {
    values: Vec<(Arc<str>, String)>,
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
        Self { values }
    }

    /// The secrets of a case on a real lock: drawn by the operating system, for each case anew.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn drawn(secrets: &BTreeSet<(Arc<str>, u8)>) -> Result<Self, Fault> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|error| Fault(format!("the operating system gave no random numbers: {error}")))?;
        Ok(Self { values: codes(secrets, u64::from_le_bytes(seed)) })
    }

    /// Takes over the secrets of earlier cases: a device may still say them.
    pub fn remember(&mut self, earlier: &Self) {
        for entry in &earlier.values {
            if !self.values.iter().any(|(_, value)| *value == entry.1) {
                self.values.push((format!("earlier {}", entry.0).into(), entry.1.clone()));
            }
        }
        // A lock may say what it heard a few cases ago; with all of a long run, half of all numbers
        // would be secrets.
        self.values.truncate(MAX_REMEMBERED);
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

    /// A text without secrets, if it had any.
    pub fn redact(&self, text: &str) -> Option<String> {
        if !self.values.iter().any(|(_, value)| text.contains(value.as_str())) {
            return None;
        }
        let redact =
            |text: String, (handle, value): &(Arc<str>, String)| text.replace(value, &format!("‹{handle}›"));
        Some(self.values.iter().fold(text.to_owned(), redact))
    }

    /// Takes secrets out of what a lock said.
    ///
    /// # Errors
    /// A number or a name spells a secret: it can't be recorded.
    pub fn conceal(&self, channel: &Channel, value: &mut Value) -> Result<(), Fault> {
        let named = matches!(value, Value::Light(Some(colour)) if self.redact(colour).is_some());
        if named || self.redact(&channel.to_string()).is_some() {
            return Err(Fault("the device put a secret into a name".into()));
        }
        value.map_texts(|text| self.redact(text));
        let numbers = match value {
            Value::Response(response) => {
                format!("{:?} {:?}", response.users, response.codes)
            }
            Value::Voltage(volts) => volts.to_string(),
            Value::Current(amperes) => amperes.to_string(),
            Value::Angle(degrees) => degrees.to_string(),
            _ => return Ok(()),
        };
        if self.redact(&numbers).is_some() {
            return Err(Fault("the device put a secret into a number".into()));
        }
        Ok(())
    }
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
