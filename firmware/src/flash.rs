//! Flash pages for data: read, erased, and written word by word.

use crate::registers::{NVMC_CONFIG, NVMC_READY, erase_data, read_data, write_data};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Only the variant `forgotten-table` uses it.
    Table = 0x3_EC00,
    SettingsA = 0x3_F000,
    SettingsB = 0x3_F400,
    Journal = 0x3_F800,
    Factory = 0x3_FC00,
}

pub const PAGE_WORDS: usize = 256;
pub const BLANK: u32 = u32::MAX;

const READ_ONLY: u32 = 0;
const WRITE: u32 = 1;
const ERASE: u32 = 2;
/// Far longer than an erase, which takes 23 ms at most.
const LOOKS: u32 = 100_000;

/// Address of each word.
fn addresses(page: Page) -> impl Iterator<Item = u32> {
    (0..PAGE_WORDS as u32).map(move |at| page as u32 + 4 * at)
}

pub fn words(page: Page) -> impl Iterator<Item = u32> {
    addresses(page).map(read_data)
}

pub fn is_blank(page: Page) -> bool {
    words(page).all(|word| word == BLANK)
}

/// Erases a page, unless it is blank.
pub fn erase(page: Page) {
    if is_blank(page) {
        return;
    }
    NVMC_CONFIG.write(ERASE);
    erase_data(page as u32);
    wait();
    NVMC_CONFIG.write(READ_ONLY);
}

/// Writes words one after the other, from a place in a page on; what is to stay blank is not touched.
pub fn write(page: Page, from: usize, words: impl Iterator<Item = u32>) {
    NVMC_CONFIG.write(WRITE);
    for (address, word) in addresses(page).skip(from).zip(words) {
        if word != BLANK {
            write_data(address, word);
            wait();
        }
    }
    NVMC_CONFIG.write(READ_ONLY);
}

/// Until the controller is done. On the chip the core stands still anyway.
fn wait() {
    for _ in 0..LOOKS {
        if NVMC_READY.read() != 0 {
            return;
        }
    }
}

/// The next so many bytes of what is read.
pub fn take_bytes<const COUNT: usize>(words: &mut impl Iterator<Item = u32>) -> [u8; COUNT] {
    let mut bytes = [0xFF; COUNT];
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *four = word.to_le_bytes();
    }
    bytes
}
