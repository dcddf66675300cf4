//! SHA-256 (FIPS 180-4).

const BLOCK: usize = 64;

const START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const ROUNDS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state = START;
    let blocks = (message.len() + 8) / BLOCK + 1;
    let length_at = blocks * BLOCK - 8;
    let length = (8 * message.len() as u64).to_be_bytes();
    // The message, a one bit, noughts, and its length in bits.
    let mut padded = (0..).map(|at| match message.get(at) {
        Some(byte) => *byte,
        None if at == message.len() => 0x80,
        None => at.checked_sub(length_at).and_then(|at| length.get(at)).map_or(0, |byte| *byte),
    });
    for _ in 0..blocks {
        let mut words = [0; 16];
        for word in &mut words {
            *word = padded.by_ref().take(4).fold(0, |word, byte| word << 8 | u32::from(byte));
        }
        compress(&mut state, words);
    }
    let mut digest = [0; 32];
    for (four, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    digest
}

/// One block. Only the last sixteen words of the message schedule are kept, to save RAM.
fn compress(state: &mut [u32; 8], mut words: [u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (round, constant) in ROUNDS.iter().enumerate() {
        let word = words[round % 16];
        let choice = e & f ^ !e & g;
        let majority = a & b ^ a & c ^ b & c;
        let first = h
            .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
            .wrapping_add(choice)
            .wrapping_add(*constant)
            .wrapping_add(word);
        let second = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));

        // The word that comes sixteen rounds later takes its place.
        let near = words[(round + 1) % 16];
        let far = words[(round + 14) % 16];
        words[round % 16] = word
            .wrapping_add(near.rotate_right(7) ^ near.rotate_right(18) ^ near >> 3)
            .wrapping_add(words[(round + 9) % 16])
            .wrapping_add(far.rotate_right(17) ^ far.rotate_right(19) ^ far >> 10);
    }
    for (kept, added) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *kept = kept.wrapping_add(added);
    }
}
