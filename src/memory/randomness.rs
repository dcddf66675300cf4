//! Whether bytes look random, as those of a digest do.

/// Whether so many bytes are different. At least 5 of 8 random bytes are, but for 1 in 2,500,000 times; at least 14
/// of 16, but for 1 in 128 times; at least 22 of 32, but for 1 in 14,000,000 times.
pub(super) fn looks_random(bytes: &[u8], different: usize) -> bool {
    let mut seen = [0_u64; 4];
    for byte in bytes {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|some| some.count_ones() as usize).sum::<usize>() >= different
}

/// Whether all bytes but one at most have two halves of 0 to 9: digits however they are kept, packed ones included.
/// Of 16 random bytes that is so 1 in 130,000 times.
pub(super) fn are_digits(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte >> 4 > 9 || **byte & 15 > 9).count() <= 1
}
