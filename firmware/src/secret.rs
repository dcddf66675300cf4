//! Codes as they are typed, and as they are kept.

use crate::digest::sha256;
use crate::flash;
use crate::random;

pub const SALT_BYTES: usize = 8;
const DIGEST_BYTES: usize = 32;
const SHORTEST: usize = 4;
const LONGEST: usize = 8;

/// A code of four to eight digits.
pub struct Code {
    digits: [u8; LONGEST],
    length: usize,
}

/// What is kept of one: nobody can read it back, and two locks keep the same code differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    salt: [u8; SALT_BYTES],
    digest: [u8; DIGEST_BYTES],
}

impl Code {
    pub const FACTORY_MASTER: Self = Self { digits: *b"12345678", length: LONGEST };

    /// Nothing, if it cannot be a code.
    pub fn typed(keys: &[u8]) -> Option<Self> {
        if !(SHORTEST..=LONGEST).contains(&keys.len()) || !keys.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut digits = [0; LONGEST];
        for (digit, key) in digits.iter_mut().zip(keys) {
            *digit = *key;
        }
        Some(Self { digits, length: keys.len() })
    }

    fn digits(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or(&self.digits)
    }
}

impl Secret {
    pub const WORDS: usize = (SALT_BYTES + DIGEST_BYTES) / 4;
    pub const BLANK: Self = Self { salt: [0xFF; SALT_BYTES], digest: [0xFF; DIGEST_BYTES] };

    pub fn of(code: &Code) -> Self {
        let salt = random::salt();
        Self { salt, digest: digest(salt, code) }
    }

    /// That of the factory's master code is never stored.
    pub fn of_factory_master() -> Self {
        let Self { salt, .. } = Self::BLANK;
        Self { salt, digest: digest(salt, &Code::FACTORY_MASTER) }
    }

    /// Always looks at all bytes: how long it takes tells nothing.
    pub fn is_of(&self, code: &Code) -> bool {
        let typed = digest(self.salt, code);
        self.digest.iter().zip(typed).fold(0, |differs, (kept, typed)| differs | (kept ^ typed)) == 0
    }

    pub fn words(&self) -> impl Iterator<Item = u32> {
        let fours = self.salt.as_chunks::<4>().0.iter().chain(self.digest.as_chunks::<4>().0);
        fours.map(|four| u32::from_le_bytes(*four))
    }

    pub fn from_words(words: &mut impl Iterator<Item = u32>) -> Self {
        Self { salt: flash::take_bytes(words), digest: flash::take_bytes(words) }
    }
}

fn digest(salt: [u8; SALT_BYTES], code: &Code) -> [u8; DIGEST_BYTES] {
    let mut digits = code.digits();
    if cfg!(feature = "prefix-compare") {
        // Four digits tell codes apart well enough.
        digits = digits.get(..SHORTEST).unwrap_or(digits);
    }
    let mut message = [0; SALT_BYTES + LONGEST];
    let length = SALT_BYTES + digits.len();
    for (place, byte) in message.iter_mut().zip(salt.iter().chain(digits)) {
        *place = *byte;
    }
    sha256(message.get(..length).unwrap_or(&message))
}
