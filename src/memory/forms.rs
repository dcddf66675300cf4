//! How a code can lie in a memory, byte for byte. A salted digest is not here: it has no fixed form.

use sha2::{Digest as _, Sha256};

use super::Encoding;

/// A shorter form is in any memory.
pub(super) const SHORTEST: usize = 3;
/// So much of a digest is looked for: enough to tell it, and the rest may have been cut off or not been written.
pub(super) const DIGEST_BYTES: usize = 8;

/// A code in one encoding.
pub(super) struct Form {
    pub(super) secret: usize,
    pub(super) encoding: Encoding,
    pub(super) bytes: Vec<u8>,
}

impl Form {
    /// How many of its bytes tell it from others: of one byte again and again, which memories are filled with, one.
    pub(super) fn telling(&self) -> usize {
        let is_filling = self.bytes.iter().min() == self.bytes.iter().max();
        if is_filling { 1 } else { self.bytes.len() }
    }
}

/// Every form of a code.
pub(super) fn of(secret: usize, code: &str) -> Vec<Form> {
    if code.is_empty() {
        return Vec::new();
    }
    let digits = digits(code).unwrap_or_default();
    let number: Option<u64> = Some(code).filter(|_| !digits.is_empty()).and_then(|code| code.parse().ok());
    let [low_first, high_first] = number.map(bytes).unwrap_or_default();
    let forms = [
        (Encoding::Ascii, vec![code.as_bytes().to_vec()]),
        (Encoding::PackedHighFirst, packed(&digits, |[first, second]| first << 4 | second)),
        (Encoding::PackedLowFirst, packed(&digits, |[first, second]| second << 4 | first)),
        (Encoding::Digits, vec![digits]),
        (Encoding::LittleEndian, vec![low_first]),
        (Encoding::BigEndian, vec![high_first]),
        (Encoding::Digest, digests(code)),
    ];
    let each =
        forms.into_iter().flat_map(|(encoding, all)| all.into_iter().map(move |bytes| (encoding, bytes)));
    each.filter(|(_, bytes)| !bytes.is_empty())
        .map(|(encoding, bytes)| Form { secret, encoding, bytes })
        .collect()
}

/// The values of digits; none if anything else is there.
fn digits(code: &str) -> Option<Vec<u8>> {
    code.bytes().map(|byte| byte.is_ascii_digit().then(|| byte - b'0')).collect()
}

/// Two digits a byte. If their number is odd, a half of ones is put behind them, or a nought in front.
fn packed(digits: &[u8], pair: fn([u8; 2]) -> u8) -> Vec<Vec<u8>> {
    let pack = |digits: Vec<u8>| digits.as_chunks::<2>().0.iter().map(|two| pair(*two)).collect();
    if digits.len().is_multiple_of(2) {
        vec![pack(digits.to_vec())]
    } else {
        vec![pack([digits, &[0xf]].concat()), pack([&[0], digits].concat())]
    }
}

/// A number without the noughts that fill it up to a word: those say nothing, and so a word of any length is found.
fn bytes(number: u64) -> [Vec<u8>; 2] {
    let high_first: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [high_first.iter().rev().copied().collect(), high_first]
}

/// How its digest begins, in bytes and in both cases of hexadecimal.
fn digests(code: &str) -> Vec<Vec<u8>> {
    let start: Vec<u8> = Sha256::digest(code).into_iter().take(DIGEST_BYTES).collect();
    let lower: String = start.iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = lower.to_uppercase();
    vec![start, lower.into_bytes(), upper.into_bytes()]
}
