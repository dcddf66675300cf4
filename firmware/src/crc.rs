//! CRC-32 (IEEE 802.3).

/// Of words, each as its four bytes in flash.
pub fn crc32(words: impl Iterator<Item = u32>) -> u32 {
    !words.fold(!0, |crc, word| {
        (0..32).fold(crc ^ word, |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}
