//! The factory page: written once in production, and never again. That of the sample on lockrig's bench is in
//! link.x.

use crate::flash::{self, Page};

/// Serial number (16 bytes of text) and device salt (16 bytes), in words.
const SERIAL_WORDS: usize = 4;
const SALT_BYTES: usize = 16;

/// Differs from lock to lock.
pub fn device_salt() -> [u8; SALT_BYTES] {
    flash::take_bytes(&mut flash::words(Page::Factory).skip(SERIAL_WORDS))
}
