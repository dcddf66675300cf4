//! Searching an image of a lock's memory for codes that should be gone, however a firmware may have kept them.
//!
//! # Chance
//!
//! A form of n bytes stands somewhere in m random bytes with a probability of m / 256ⁿ, and m is what changed,
//! because nothing that was there before is a hit. For 50 codes and 8 KiB of new random bytes (salts, digests,
//! keys) that makes 6 false hits of each form of two bytes, 0.02 of three, 0.0001 of four, and none, to speak of, of
//! five. A search grants 0.0001 to all forms together, the longest first; what this is not enough for it leaves out,
//! and [`Search::left_out`] says so:
//!
//! - Forms of four bytes: codes of four digits in ASCII or a byte each, of eight digits packed or as a number. With
//!   10 codes and 8 KiB, or 50 codes and 2 KiB, they count everywhere. With 50 codes of eight digits and 8 KiB they
//!   make 0.0004, and count only outside of random bytes: 0.00001 is left, if those are in pieces of a few hundred.
//! - Forms of three bytes: codes of six digits packed or as a number. They count where few codes are looked for in
//!   a few hundred bytes that changed.
//! - Forms of two bytes: `4821` packed or as a number. They never count, and neither does one byte again and again.
//! - If it is not known what was there before, all of the image is new: in 1 MiB five bytes are enough, and four
//!   are not.
//!
//! Numbers in text are not random: each one of four digits that changed is one of 50 codes with a probability of
//! 0.5 %. Where a log is kept in RAM, longer codes have to be drawn.
//!
//! Deliberately absent: reading a memory, which is a probe's; parts of codes; codes in base64, in two bytes a
//! character, reversed, or enciphered; digests in another order of bytes than SHA-256 has; what it means that a
//! code was found.

mod changes;
mod forms;
mod question;
mod randomness;
mod salted;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use sha2::{Digest as _, Sha256};

use crate::lock::{Named as _, Region, SaltedDigest, named_enum};

use changes::Changes;
use forms::{Form, SHORTEST};
pub use question::{Question, Refusal, digested, searched};
use salted::Salted;

/// How often anything may be found by chance in a search, in the unit of [`by_chance`]: once in ten thousand.
const FALSE_ALARMS: u128 = ONCE / 10_000;
/// Forms of so many bytes say enough outside of random bytes.
const ENOUGH_OUTSIDE: usize = 4;
/// So many places of a code in one encoding are named; a memory that is full of it has as many as it has bytes.
const MAX_PLACES: u8 = 64;

/// A part of a memory, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Address of the first byte.
    pub start: u32,
    /// The bytes; any beyond the last address are ignored.
    pub bytes: Vec<u8>,
}

named_enum! {
    /// A way to keep a code.
    Encoding {
        /// Digits in ASCII, as in text.
        Ascii = "ascii",
        /// One byte a digit, 0 to 9.
        Digits = "digits",
        /// Two digits a byte, the first in its upper half.
        PackedHighFirst = "packed-high-first",
        /// Two digits a byte, the first in its lower half.
        PackedLowFirst = "packed-low-first",
        /// A number, its lowest byte first.
        LittleEndian = "little-endian",
        /// A number, its highest byte first.
        BigEndian = "big-endian",
        /// SHA-256 of the digits in ASCII, or the beginning of it, in bytes or in hexadecimal text.
        Digest = "digest",
        /// SHA-256 of a salt and the digits in ASCII, right behind the salt.
        SaltedDigest = "salted-digest",
    }
}

/// A code that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Which, as an index into the codes of the search.
    pub secret: usize,
    /// How it was kept.
    pub encoding: Encoding,
    /// Where it begins: a number at its first byte that is not only padding, a salted digest behind its salt.
    pub address: u32,
}

named_enum! {
    /// Where a search does not look for something.
    Unsearched {
        /// At any address.
        Everywhere = "everywhere",
        /// Between bytes that look random.
        AmongRandom = "among-random",
        /// At addresses that are no multiple of four.
        Unaligned = "unaligned",
    }
}

/// What a search did not look for, so that nobody takes it for absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Which code, as an index into the codes of the search.
    pub secret: usize,
    /// Which way to keep it.
    pub encoding: Encoding,
    /// Where it may be all the same.
    pub place: Unsearched,
}

/// Codes to search for, in every encoding.
pub struct Search {
    codes: usize,
    /// What is looked for as it is.
    forms: Vec<Form>,
    /// Finds them by their index; none if it could not be built.
    finder: Option<AhoCorasick>,
    /// The shortest form of each code in each encoding.
    shortest: BTreeMap<(usize, Encoding), usize>,
    /// What is found by trying.
    salted: Option<Salted>,
}

/// Where forms of a length count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everywhere,
    OutsideOfRandom,
    Nowhere,
}

impl Search {
    /// A search for codes of digits, and for digests with a salt if the lock keeps such. What is no code of digits
    /// is searched for as text and in digests.
    pub fn new(codes: &[&str], salted: Option<SaltedDigest>) -> Self {
        let mut shortest = BTreeMap::new();
        let mut forms: Vec<Form> = Vec::new();
        for form in codes.iter().enumerate().flat_map(|(secret, code)| forms::of(secret, code)) {
            let length = form.telling();
            let known = shortest.entry((form.secret, form.encoding)).or_insert(length);
            *known = length.min(*known);
            let mut of_this_code = forms.iter().rev().take_while(|other| other.secret == form.secret);
            if length >= SHORTEST && of_this_code.all(|other| other.bytes != form.bytes) {
                forms.push(form);
            }
        }
        // The prefilter and a DFA take longer to build than they save.
        let mut builder = AhoCorasick::builder();
        builder.kind(Some(AhoCorasickKind::ContiguousNFA)).prefilter(false);
        let finder = builder.build(forms.iter().map(|form| &form.bytes)).ok();
        let salted = salted.map(|kept| Salted::new(codes, usize::from(kept.salt_bytes)));
        Self { codes: codes.len(), forms, finder, shortest, salted }
    }

    /// Where codes stand in `image` that did not stand there in `before`, by code, encoding and address; 64 places
    /// of each at most.
    ///
    /// `before` is best the same part of the memory, read when no code was in it yet. Without one, or with one that
    /// does not cover all of `image`, more is left out.
    pub fn find(&self, image: &Image, before: Option<&Image>) -> Vec<Hit> {
        let changes = Changes::between(image, before);
        let mut hits = self.forms_in(&changes);
        if let Some(salted) = &self.salted {
            hits.extend(salted.find(&changes));
        }
        hits.sort_unstable();
        hits
    }

    /// What [`Self::find`] does not look for in these images, by code and encoding.
    pub fn left_out(&self, image: &Image, before: Option<&Image>) -> Vec<LeftOut> {
        let changes = Changes::between(image, before);
        let scopes = self.scopes(&changes);
        let salted = match &self.salted {
            Some(salted) => salted.step(&changes).left_out(),
            None => Some(Unsearched::Everywhere),
        };
        let is_code = |secret| self.shortest.contains_key(&(secret, Encoding::Ascii));
        let of = |secret, encoding| match encoding {
            Encoding::SaltedDigest if is_code(secret) => salted,
            Encoding::SaltedDigest => Some(Unsearched::Everywhere),
            Encoding::Ascii
            | Encoding::Digits
            | Encoding::PackedHighFirst
            | Encoding::PackedLowFirst
            | Encoding::LittleEndian
            | Encoding::BigEndian
            | Encoding::Digest => {
                let length = self.shortest.get(&(secret, encoding));
                length
                    .and_then(|length| scopes.get(length))
                    .map_or(Some(Unsearched::Everywhere), |s| s.left_out())
            }
        };
        let each = (0..self.codes)
            .flat_map(|secret| Encoding::WORDS.iter().map(move |(_, encoding)| (secret, *encoding)));
        each.filter_map(|(secret, encoding)| {
            of(secret, encoding).map(|place| LeftOut { secret, encoding, place })
        })
        .collect()
    }

    /// Where forms count, by their length.
    fn scopes(&self, changes: &Changes<'_>) -> BTreeMap<usize, Scope> {
        let mut counts: BTreeMap<usize, u128> = BTreeMap::new();
        if self.finder.is_some() {
            self.forms.iter().for_each(|form| *counts.entry(form.bytes.len()).or_default() += 1);
        }
        let mut expected = 0;
        let scope = |(length, count): (usize, u128)| {
            expected += by_chance(count * changes.windows(length), length);
            let scope = if expected <= FALSE_ALARMS {
                Scope::Everywhere
            } else if length >= ENOUGH_OUTSIDE && changes.are_all_known() {
                Scope::OutsideOfRandom
            } else {
                Scope::Nowhere
            };
            (length, scope)
        };
        counts.into_iter().rev().map(scope).collect()
    }

    fn forms_in(&self, changes: &Changes<'_>) -> Vec<Hit> {
        let Some(finder) = &self.finder else { return Vec::new() };
        let scopes = self.scopes(changes);
        let longest = scopes.last_key_value().map_or(0, |(length, _)| *length);
        let mut places = BTreeMap::new();
        let mut hits = Vec::new();
        for part in changes.with_surroundings(longest) {
            for found in finder.find_overlapping_iter(changes.bytes(&part)) {
                let Some(form) = self.forms.get(found.pattern().as_usize()) else { continue };
                let place = part.start + found.start()..part.start + found.end();
                let counts = scopes.get(&form.bytes.len()).is_some_and(|s| s.counts(changes, &place));
                let Some(address) = changes.address(place.start).filter(|_| counts) else { continue };
                let seen = places.entry((form.secret, form.encoding)).or_insert(0);
                if *seen < MAX_PLACES {
                    *seen += 1;
                    hits.push(Hit { secret: form.secret, encoding: form.encoding, address });
                }
            }
        }
        hits
    }
}

impl Scope {
    fn left_out(self) -> Option<Unsearched> {
        match self {
            Self::Everywhere => None,
            Self::OutsideOfRandom => Some(Unsearched::AmongRandom),
            Self::Nowhere => Some(Unsearched::Everywhere),
        }
    }

    /// Whether a form that stands there is a hit.
    fn counts(self, changes: &Changes<'_>, place: &Range<usize>) -> bool {
        match self {
            Self::Everywhere => changes.are_in(place),
            Self::OutsideOfRandom => changes.are_in(place) && !changes.is_among_random(place),
            Self::Nowhere => false,
        }
    }
}

/// One false alarm in a search, in the unit of [`by_chance`].
const ONCE: u128 = 1 << 64;

/// How often one of so many pairs of form and place is alike in random bytes.
fn by_chance(pairs: u128, bytes: usize) -> u128 {
    let bits = u32::try_from(8 * bytes).unwrap_or(u32::MAX);
    // Pairs times ONCE would not fit.
    pairs.saturating_mul(ONCE.checked_shr(bits).unwrap_or(0))
}

/// What was left out in a few words, for people; nothing, if nothing was.
fn in_words(left_out: &[LeftOut]) -> Option<String> {
    let kinds: BTreeSet<(Encoding, Unsearched)> =
        left_out.iter().map(|one| (one.encoding, one.place)).collect();
    let words: Vec<String> =
        kinds.iter().map(|(encoding, place)| format!("{} ({})", encoding.word(), place.word())).collect();
    (!words.is_empty()).then(|| format!("not looked for: {}", words.join(", ")))
}

/// The SHA-256 of a region in hexadecimal, if all of it is in the image and it has any byte.
pub fn digest(image: &Image, region: &Region) -> Option<String> {
    let index = |address: u32| usize::try_from(address.checked_sub(image.start)?).ok();
    let bytes = image.bytes.get(index(region.from)?..index(region.to)?).filter(|bytes| !bytes.is_empty())?;
    Some(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
