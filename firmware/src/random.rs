//! Salts, new for each code that is stored.

use crate::clock;
use crate::digest::sha256;
use crate::factory;
use crate::registers::{RNG_START, RNG_VALRDY, RNG_VALUE};
use crate::secret::SALT_BYTES;

/// A byte takes 677 on average.
const LONGEST_US: u32 = 3000;

pub fn salt() -> [u8; SALT_BYTES] {
    from_generator().unwrap_or_else(from_timer)
}

fn from_generator() -> Option<[u8; SALT_BYTES]> {
    let mut salt = [0; SALT_BYTES];
    RNG_VALRDY.write(0);
    RNG_START.write(1);
    for byte in &mut salt {
        if !clock::comes_within(LONGEST_US, RNG_VALRDY) {
            return None;
        }
        RNG_VALRDY.write(0);
        *byte = RNG_VALUE.read() as u8;
    }
    Some(salt)
}

/// The microsecond in which somebody pressed a key, mixed with what is this lock's own.
fn from_timer() -> [u8; SALT_BYTES] {
    let mut seed = [0; 20];
    let parts = factory::device_salt().into_iter().chain(clock::micros().to_le_bytes());
    for (place, byte) in seed.iter_mut().zip(parts) {
        *place = byte;
    }
    let mut salt = [0; SALT_BYTES];
    for (place, byte) in salt.iter_mut().zip(sha256(&seed)) {
        *place = byte;
    }
    salt
}
