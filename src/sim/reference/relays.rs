//! A relay board that presses, feeds and blocks the reference lock: one of the LCUS kind, which takes `A0 NUMBER STATE
//! SUM` and never answers. Deliberately absent: how long a relay takes to move, and that its contacts bounce.

use std::collections::BTreeSet;

use crate::trace::{Channel, Keystroke, Value};
use crate::unit::Voltage;

use super::{KEYS, NOMINAL};

/// How a command begins.
const START: u8 = 0xA0;
/// What is on which relay.
const BUTTON: u8 = 1;
const FIRST_KEY: u8 = 2;
const SUPPLY: u8 = 14;
const STRIKE: u8 = 15;

/// A relay board; the supply's relay is energised at first, and no other.
#[derive(Clone, Debug)]
pub struct Relays {
    /// The beginning of a command.
    begun: Vec<u8>,
    energised: BTreeSet<u8>,
}

impl Default for Relays {
    fn default() -> Self {
        Self { begun: Vec::new(), energised: BTreeSet::from([SUPPLY]) }
    }
}

impl Relays {
    /// How many relays it has; the last one switches nothing.
    pub const COUNT: u8 = 16;

    /// A byte came in: what it changes, if it ends a command that changes something.
    pub fn hear(&mut self, byte: u8) -> Option<(Channel, Value)> {
        self.begun.push(byte);
        if let [start, number, state, sum] = *self.begun.as_slice() {
            let is_command = state <= 1 && sum == start.wrapping_add(number).wrapping_add(state);
            if is_command {
                self.begun.clear();
                return self.switch(number, state == 1);
            }
            // It was none: another may have begun within it.
            self.begun.remove(0);
        }
        let begins = self.begun.iter().position(|byte| *byte == START).unwrap_or(self.begun.len());
        self.begun.drain(..begins);
        None
    }

    fn switch(&mut self, number: u8, is_on: bool) -> Option<(Channel, Value)> {
        let has_changed = if is_on { self.energised.insert(number) } else { self.energised.remove(&number) };
        let is_key = |number: u8| (FIRST_KEY..SUPPLY).contains(&number);
        match number {
            _ if !has_changed => None,
            BUTTON => Some((Channel::Button("reset".into()), Value::Switch(is_on))),
            SUPPLY => {
                let volts = if is_on { NOMINAL } else { Voltage::from_millionths(0) };
                Some((Channel::Power, Value::Voltage(volts)))
            }
            STRIKE => Some((Channel::Strike, Value::Switch(is_on))),
            number if is_key(number) => Some((Channel::Keypad, Value::Keys(self.keys()))),
            _ => None,
        }
    }

    /// Keys whose relays are energised.
    fn keys(&self) -> Vec<Keystroke> {
        let labels = KEYS.into_iter().flatten().zip(FIRST_KEY..SUPPLY);
        let held = labels.filter(|(_, number)| self.energised.contains(number));
        held.map(|(label, _)| Keystroke::Key(label.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(relays: &mut Relays, bytes: &[u8]) -> Vec<(Channel, Value)> {
        bytes.iter().filter_map(|byte| relays.hear(*byte)).collect()
    }

    #[test]
    fn a_command_changes_what_is_on_its_relay() {
        let mut relays = Relays::default();
        let button = |is_down| (Channel::Button("reset".into()), Value::Switch(is_down));
        assert_eq!(heard(&mut relays, &[0xA0, 1, 1, 0xA2]), [button(true)]);
        assert_eq!(heard(&mut relays, &[0xA0, 1, 1, 0xA2]), []);
        assert_eq!(heard(&mut relays, &[0xA0, 1, 0, 0xA1]), [button(false)]);
        let keys = |labels: &[&str]| {
            let keys = labels.iter().map(|label| Keystroke::Key((*label).into()));
            (Channel::Keypad, Value::Keys(keys.collect()))
        };
        assert_eq!(heard(&mut relays, &[0xA0, 2, 1, 0xA3]), [keys(&["1"])]);
        assert_eq!(heard(&mut relays, &[0xA0, 13, 1, 0xAE]), [keys(&["1", "#"])]);
        assert_eq!(heard(&mut relays, &[0xA0, 2, 0, 0xA2]), [keys(&["#"])]);
        let power = |volts| (Channel::Power, Value::Voltage(Voltage::from_millionths(volts)));
        assert_eq!(heard(&mut relays, &[0xA0, 14, 1, 0xAF]), [], "it has power from the start");
        assert_eq!(heard(&mut relays, &[0xA0, 14, 0, 0xAE]), [power(0)]);
        assert_eq!(heard(&mut relays, &[0xA0, 14, 1, 0xAF]), [power(6_000_000)]);
        assert_eq!(heard(&mut relays, &[0xA0, 15, 1, 0xB0]), [(Channel::Strike, Value::Switch(true))]);
        assert_eq!(heard(&mut relays, &[0xA0, 16, 1, 0xB1, 0xA0, 0, 1, 0xA1, 0xA0, 200, 1, 0x69]), []);
    }

    #[test]
    fn what_is_no_command_is_passed_over() {
        let mut relays = Relays::default();
        let button = (Channel::Button("reset".into()), Value::Switch(true));
        for noise in [&[0][..], &[0xA0], &[0xA0, 0xA0], &[0xA0, 1, 2, 0xA3], &[0xA0, 1, 1, 0xA3], &[7; 99]] {
            let mut bytes = noise.to_vec();
            bytes.extend([0xA0, 1, 1, 0xA2]);
            assert_eq!(heard(&mut relays, &bytes), std::slice::from_ref(&button), "{noise:x?}");
            relays = Relays::default();
        }
    }
}
