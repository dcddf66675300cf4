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
        let value = |handle: &str, digits: u8| match handle {
            "proof" => maker_proof(case_seed),
            _ => code(run_seed, handle, digits),
        };
        let values = secrets.iter().map(|(handle, digits)| (Arc::clone(handle), value(handle, *digits)));
        Self { values: values.collect() }
    }

    /// The secrets of a case on a real lock: drawn by the operating system, for each case anew.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn drawn(secrets: &BTreeSet<(Arc<str>, u8)>) -> Result<Self, Fault> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| Fault(format!("no random numbers: {error}")))?;
        let seed = u64::from_le_bytes(seed);
        let value = |(handle, digits): &(Arc<str>, u8)| (Arc::clone(handle), code(seed, handle, *digits));
        Ok(Self { values: secrets.iter().map(value).collect() })
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

/// A code that no manual prints and that is easy to tell from a time: no run of zeros, none at
/// the end, more than two different digits.
fn code(seed: u64, handle: &str, digits: u8) -> String {
    for attempt in 0_u32.. {
        let hash = Sha256::digest(format!("lockrig code {seed} {handle} {digits} {attempt}"));
        let code: String =
            hash.iter().take(usize::from(digits)).map(|byte| char::from(b'0' + byte % 10)).collect();
        let different: BTreeSet<char> = code.chars().collect();
        if !code.ends_with('0') && !code.contains("00") && different.len() > 2 {
            return code;
        }
    }
    String::new()
}
