//! Digests with a salt: each place where one may be is tried with each code.

use sha2::block_api::compress256;

use super::changes::Changes;
use super::forms::DIGEST_BYTES;
use super::randomness::looks_random;
use super::{Encoding, Hit, MAX_PLACES, Unsearched};

const BLOCK: usize = 64;
/// The length of a message, in bits, ends its last block.
const LENGTH_BYTES: usize = 8;
/// Looking at every address may take so many hashes, some milliseconds.
const MAX_HASHES: usize = 100_000;
/// So many bytes of a digest's beginning are new, and different from each other; see `looks_random`.
const BEGINNING_DIFFERENT: usize = 5;
/// So many bytes has a digest, and so many of them are different.
const WHOLE_BYTES: usize = 32;
const WHOLE_DIFFERENT: usize = 22;

/// What SHA-256 begins with (FIPS 180-4).
const START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// Codes whose digests have a salt of one length.
pub(super) struct Salted {
    salt_bytes: usize,
    /// The index of each code, and what is hashed of it once a salt is put in front.
    messages: Vec<(usize, Vec<[u8; BLOCK]>)>,
}

/// Which addresses are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Byte,
    Word,
}

impl Step {
    pub(super) fn left_out(self) -> Option<Unsearched> {
        match self {
            Self::Byte => None,
            Self::Word => Some(Unsearched::Unaligned),
        }
    }
}

impl Salted {
    pub(super) fn new(codes: &[&str], salt_bytes: usize) -> Self {
        let codes = codes.iter().enumerate().filter(|(_, code)| !code.is_empty());
        let messages = codes.map(|(secret, code)| (secret, message(salt_bytes, code.as_bytes()))).collect();
        Self { salt_bytes, messages }
    }

    /// Every address, unless that takes too long.
    pub(super) fn step(&self, changes: &Changes<'_>) -> Step {
        let most = MAX_HASHES / self.messages.len().max(1);
        let are_few = self.places(changes, Step::Byte).take(most + 1).count() <= most;
        if are_few { Step::Byte } else { Step::Word }
    }

    pub(super) fn find(&self, changes: &Changes<'_>) -> Vec<Hit> {
        let mut messages: Vec<_> = self.messages.iter().map(|(_, message)| message.clone()).collect();
        let mut seen = vec![0; messages.len()];
        let mut hits = Vec::new();
        for place in self.places(changes, self.step(changes)) {
            let (salt, kept) = (place - self.salt_bytes..place, place..place + DIGEST_BYTES);
            let Some(kept) = changes.bytes(&kept).first_chunk().map(|kept| u64::from_be_bytes(*kept)) else {
                continue;
            };
            // All salts first: a processor waits for bytes that it has just written.
            messages.iter_mut().for_each(|message| put(message, changes.bytes(&salt)));
            for ((message, (secret, _)), seen) in messages.iter().zip(&self.messages).zip(&mut seen) {
                if beginning(message) == kept
                    && *seen < MAX_PLACES
                    && let Some(address) = changes.address(place)
                {
                    *seen += 1;
                    hits.push(Hit { secret: *secret, encoding: Encoding::SaltedDigest, address });
                }
            }
        }
        hits
    }

    /// Where a digest may begin.
    fn places<'a>(&'a self, changes: &'a Changes<'_>, step: Step) -> impl Iterator<Item = usize> + 'a {
        let all = changes.with_surroundings(DIGEST_BYTES).into_iter().flatten();
        all.filter(move |place| {
            let is_tried = match step {
                Step::Byte => true,
                Step::Word => changes.address(*place).is_some_and(|address| address.is_multiple_of(4)),
            };
            is_tried && *place >= self.salt_bytes && may_begin(changes, *place)
        })
    }
}

/// Whether what begins there looks like a digest that is new. If it is not known what was there before, all of it
/// must: of a program, nearly any eight bytes do.
fn may_begin(changes: &Changes<'_>, place: usize) -> bool {
    if changes.are_all_known() {
        let beginning = place..place + DIGEST_BYTES;
        changes.count_in(&beginning) >= BEGINNING_DIFFERENT
            && looks_random(changes.bytes(&beginning), BEGINNING_DIFFERENT)
    } else {
        let whole = place..place + WHOLE_BYTES;
        changes.are_in(&whole) && looks_random(changes.bytes(&whole), WHOLE_DIFFERENT)
    }
}

/// A message with room for a salt in front, padded to blocks as FIPS 180-4 has it.
fn message(salt_bytes: usize, code: &[u8]) -> Vec<[u8; BLOCK]> {
    let length = salt_bytes + code.len();
    let mut bytes = [&vec![0; salt_bytes], code, &[0x80]].concat();
    bytes.resize((length + 1 + LENGTH_BYTES).next_multiple_of(BLOCK) - LENGTH_BYTES, 0);
    bytes.extend((8 * length as u64).to_be_bytes());
    bytes.as_chunks().0.to_vec()
}

/// Puts a salt into its place in front of a message.
fn put(message: &mut [[u8; BLOCK]], salt: &[u8]) {
    if let Some(room) = message.as_flattened_mut().get_mut(..salt.len()) {
        room.copy_from_slice(salt);
    }
}

/// How the digest of a message begins, its first byte highest.
fn beginning(message: &[[u8; BLOCK]]) -> u64 {
    let mut state = START;
    compress256(&mut state, message);
    let [first, second, ..] = state;
    u64::from(first) << 32 | u64::from(second)
}
