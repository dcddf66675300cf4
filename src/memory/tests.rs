//! Codes that are planted are found, and nothing else is.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

const SALTED: Option<SaltedDigest> = Some(SaltedDigest { salt_bytes: 8 });
const START: u32 = 0x2000_0000;

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

fn image(start: u32, bytes: &[u8]) -> Image {
    Image { start, bytes: bytes.to_vec() }
}

/// What was before, and the same with something else at a place.
fn pair(before: Vec<u8>, place: usize, planted: &[u8]) -> (Image, Image) {
    let mut after = before.clone();
    after[place..place + planted.len()].copy_from_slice(planted);
    (image(START, &before), image(START, &after))
}

/// Different codes that no text of the tests has.
fn codes(count: u64, digits: usize) -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(digits as u64);
    let mut codes: Vec<String> = Vec::new();
    while (codes.len() as u64) < count {
        let code: String =
            (0..digits).map(|_| char::from(b'1' + u8::try_from(random.next_u64() % 9).unwrap())).collect();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

fn search(codes: &[String]) -> Search {
    Search::new(&codes.iter().map(String::as_str).collect::<Vec<_>>(), SALTED)
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(code: &str) -> u64 {
    code.parse().unwrap()
}

/// A code as a firmware may write it, in one of two ways, and where in it the hit is; not made as in `forms`.
fn planted(code: &str, encoding: Encoding, other: bool) -> (Vec<u8>, usize) {
    let padded = match (code.len() % 2, other) {
        (0, _) => code.to_owned(),
        (_, false) => format!("{code}f"),
        (_, true) => format!("0{code}"),
    };
    let is_short = number(code) <= u64::from(u32::MAX) && !other;
    let low_first = number(code).to_le_bytes()[..if is_short { 4 } else { 8 }].to_vec();
    match encoding {
        Encoding::Ascii => (code.as_bytes().to_vec(), 0),
        Encoding::Digits => {
            (code.chars().map(|c| u8::try_from(c.to_digit(10).unwrap()).unwrap()).collect(), 0)
        }
        Encoding::PackedHighFirst => (unhex(&padded), 0),
        Encoding::PackedLowFirst => (unhex(&padded).iter().map(|byte| byte.rotate_left(4)).collect(), 0),
        Encoding::LittleEndian => (low_first, 0),
        Encoding::BigEndian => {
            let high_first: Vec<u8> = low_first.into_iter().rev().collect();
            let padding = high_first.iter().position(|byte| *byte != 0).unwrap();
            (high_first, padding)
        }
        Encoding::Digest if other => (hex(&Sha256::digest(code)).to_uppercase().into_bytes(), 0),
        Encoding::Digest => (Sha256::digest(code).to_vec(), 0),
        Encoding::SaltedDigest => {
            let salt = random(number(code), 8);
            let digest = Sha256::digest([&salt, code.as_bytes()].concat());
            ([salt, digest.to_vec()].concat(), 8)
        }
    }
}

fn is_left_out(search: &Search, image: &Image, before: Option<&Image>, encoding: Encoding) -> bool {
    search.left_out(image, before).iter().any(|left| left.secret == 1 && left.encoding == encoding)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_code_is_found_in_every_encoding_that_is_not_left_out(
        code in "[1-9][0-9]{3,11}",
        (encoding, other) in (prop::sample::select(Encoding::WORDS), any::<bool>()),
        (seed, place) in (any::<u64>(), 0_usize..4_000),
        (is_blank, is_known) in any::<(bool, bool)>(),
    ) {
        let encoding = encoding.1;
        let (planted, offset) = planted(&code, encoding, other);
        let old = if is_blank { vec![0xff; 4_096] } else { random(seed, 4_096) };
        let (before, after) = pair(old, place.min(4_096 - planted.len()), &planted);
        let known = is_known.then_some(&before);
        let search = Search::new(&["570931842617", &code], SALTED);
        let address = START + u32::try_from(place.min(4_096 - planted.len()) + offset).unwrap();
        let hits = search.find(&after, known);
        // Two encodings of a code can be the same bytes, and a number the end of another.
        let found = hits.iter().any(|hit| hit.secret == 1 && hit.address == address);
        prop_assert_eq!(found, !is_left_out(&search, &after, known, encoding), "{:?}", hits);
        // In all of a random image four bytes can be there by chance, once in a million times.
        let near = hits.iter().all(|hit| hit.secret == 1 && hit.address.abs_diff(address) < 8);
        prop_assert!(near || !is_blank && !is_known, "{:?}", hits);
        prop_assert_eq!(search.find(&after, Some(&after)), []);
    }

    #[test]
    fn no_image_is_too_strange(
        codes in prop::collection::vec("[0-9a-z]{0,20}", 0..4),
        salt_bytes in any::<u8>(),
        (start, bytes) in (any::<u32>(), prop::collection::vec(any::<u8>(), 0..300)),
        (old_start, old_bytes) in (any::<u32>(), prop::collection::vec(any::<u8>(), 0..300)),
        near in prop::option::of(-300_i32..300),
        (from, to) in any::<(u32, u32)>(),
    ) {
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let search = Search::new(&codes, Some(SaltedDigest { salt_bytes }));
        let old_start = near.map_or(old_start, |near| start.saturating_add_signed(near));
        let (after, before) = (image(start, &bytes), image(old_start, &old_bytes));
        for known in [None, Some(&before)] {
            for hit in search.find(&after, known) {
                prop_assert!(hit.secret < codes.len() && hit.address >= start);
            }
            search.left_out(&after, known);
        }
        digest(&after, &Region { name: "any".into(), from, to });
    }
}

/// Fifty codes of any length, and 8 KiB that changed, in one piece or in records of a salt and a digest.
#[test]
fn nothing_is_found_in_random_bytes() {
    let searches: Vec<Search> = [4, 6, 7, 8, 10].map(|digits| search(&codes(50, digits))).into();
    for seed in 0..30 {
        let old = vec![0xff; 1 << 15];
        let new = random(seed, 1 << 13);
        let (before, whole) = pair(old.clone(), 4_321, &new);
        let mut records = image(START, &old);
        for (record, new) in records.bytes.chunks_mut(48).zip(new.chunks(40)) {
            record[..new.len()].copy_from_slice(new);
        }
        for search in &searches {
            assert_eq!(search.find(&whole, Some(&before)), [], "seed {seed}");
            assert_eq!(search.find(&records, Some(&before)), [], "seed {seed}");
        }
    }
}

/// Without a snapshot of before, a program and its tables are no hits either.
#[test]
fn nothing_is_found_in_a_memory_of_which_nothing_is_known() {
    let search = search(&codes(5, 8));
    for seed in 0..5 {
        assert_eq!(search.find(&image(0, &random(seed, 1 << 16)), None), [], "seed {seed}");
    }
}

#[test]
fn what_was_there_before_is_no_hit() {
    let text = b"code 48213907, 48213907";
    let (blank, after) = pair(vec![0xff; 200], 100, text);
    let search = Search::new(&["48213907"], SALTED);
    let at = |known: Option<&Image>| -> Vec<u32> {
        search.find(&after, known).iter().map(|hit| hit.address - START).collect()
    };
    assert_eq!(at(None), [105, 115]);
    assert_eq!(at(Some(&blank)), [105, 115]);
    assert!(at(Some(&after)).is_empty());
    // One byte of it suffices.
    let mut other = after.clone();
    other.bytes[108] = b'9';
    assert_eq!(at(Some(&other)), [105]);
    // What was elsewhere was not there.
    assert_eq!(at(Some(&image(START + 1, &after.bytes))), [105, 115]);
    // Of a part nothing is known.
    assert_eq!(at(Some(&image(START, &after.bytes[..110]))), [105, 115]);
    assert_eq!(at(Some(&image(START, &after.bytes[..113]))), [115]);
    assert_eq!(at(Some(&image(START + 110, &after.bytes[110..]))), [105]);
    assert_eq!(at(Some(&image(0, &[]))), [105, 115]);
    // Something else changed shortly before it.
    let mut other = blank.clone();
    other.bytes[84..92].copy_from_slice(b"noises..");
    assert_eq!(at(Some(&other)), [105, 115]);
}

/// As `firmware/src/settings.rs` and `secret.rs` have it: header, master, and slots of a word, a salt and a digest.
#[test]
fn the_reference_lock_keeps_codes_as_salted_digests() {
    let codes = codes(10, 8);
    let secret = |code: &String| planted(code, Encoding::SaltedDigest, false).0;
    let mut page = [b"LCK1".to_vec(), vec![7, 0, 0, 0], random(1, 4), vec![0xff; 40]].concat();
    for code in &codes {
        page.extend([vec![1, 0, 0, 0], secret(code)].concat());
    }
    let (before, after) = pair(vec![0xff; 0x1000], 0x400, &page);
    let hits = search(&codes).find(&after, Some(&before));
    let address = |slot: usize| START + 0x400 + 52 + u32::try_from(44 * slot).unwrap() + 12;
    let expected = |slot| Hit { secret: slot, encoding: Encoding::SaltedDigest, address: address(slot) };
    assert_eq!(hits, (0..10).map(expected).collect::<Vec<_>>());
    assert_eq!(search(&codes).find(&after, None), hits);
    // Power failed while a digest was written.
    let (_, cut) = pair(vec![0xff; 0x1000], 0x400, &page[..52 + 12 + 8]);
    assert_eq!(search(&codes).find(&cut, Some(&before)), hits[..1]);
}

#[test]
fn salts_of_any_length_are_tried() {
    for salt_bytes in [0, 1, 16, 47, 48, 55, 56, 64, 200, 255] {
        let salt = random(3, usize::from(salt_bytes));
        let digest = Sha256::digest([&salt, "4821".as_bytes()].concat()).to_vec();
        let (before, after) = pair(vec![0; 600], 21, &[salt, digest].concat());
        let search = Search::new(&["3907", "4821"], Some(SaltedDigest { salt_bytes }));
        let hits = search.find(&after, Some(&before));
        assert!(hits.iter().any(|hit| hit.address == START + 21 + u32::from(salt_bytes)), "{salt_bytes}");
        assert!(hits.iter().all(|hit| hit.secret == 1));
    }
}

#[test]
fn a_salted_digest_is_new_if_the_digest_is() {
    let after = image(START, &[planted("48213907", Encoding::SaltedDigest, false).0, vec![0xff; 8]].concat());
    let search = Search::new(&["48213907"], SALTED);
    let hit = Hit { secret: 0, encoding: Encoding::SaltedDigest, address: START + 8 };
    let find = |known: Option<&Image>| search.find(&after, known);
    assert_eq!(find(None), [hit]);
    assert_eq!(find(Some(&image(START, &[0; 48]))), [hit]);
    // Only of the salt, or only of the digest, is known that it was there.
    assert_eq!(find(Some(&image(START, &after.bytes[..8]))), [hit]);
    assert_eq!(find(Some(&image(START + 8, &after.bytes[8..]))), []);
}

#[test]
fn places_of_many_changes_are_tried_at_aligned_addresses() {
    let codes = codes(50, 8);
    let search = search(&codes);
    for (place, is_found) in [(0x800, true), (0x801, false)] {
        let (before, mut after) = pair(vec![0xff; 1 << 14], 0x400, &random(9, 1 << 13));
        let (planted, _) = planted(&codes[7], Encoding::SaltedDigest, false);
        after.bytes[place..place + 40].copy_from_slice(&planted);
        assert_eq!(search.find(&after, Some(&before)).len(), usize::from(is_found));
        let left = LeftOut { secret: 7, encoding: Encoding::SaltedDigest, place: Unsearched::Unaligned };
        assert!(search.left_out(&after, Some(&before)).contains(&left));
    }
}

/// What is left out of a search for so many codes, if so many random bytes changed.
fn left_out(codes: &[String], changed: usize, is_known: bool) -> Vec<(Encoding, Unsearched)> {
    let (before, after) = pair(vec![0xff; 1 << 20], 0x400, &random(5, changed));
    let left = search(codes).left_out(&after, Some(&before).filter(|_| is_known));
    assert!(left.iter().all(|left| left.secret < codes.len()));
    left.iter().filter(|left| left.secret == 0).map(|left| (left.encoding, left.place)).collect()
}

#[test]
fn what_is_not_looked_for_is_said() {
    use Encoding::{Ascii, BigEndian, Digits, LittleEndian, PackedHighFirst, PackedLowFirst};
    let everywhere =
        |all: &[Encoding]| all.iter().map(|each| (*each, Unsearched::Everywhere)).collect::<Vec<_>>();
    let numbers = [PackedHighFirst, PackedLowFirst, LittleEndian, BigEndian];
    for (count, digits, changed, expected) in [
        (10, 4, 800, everywhere(&numbers)),
        (10, 6, 800, everywhere(&numbers)),
        (10, 8, 800, vec![]),
        (1, 4, 200, everywhere(&numbers)),
        (1, 6, 200, vec![]),
        (10, 12, 800, vec![]),
    ] {
        assert_eq!(left_out(&codes(count, digits), changed, true), expected, "{count} of {digits}");
    }
    // What the longer forms take away is missing to the shorter ones.
    let long = codes(500, 8).into_iter().filter(|code| code.as_str() > "2").take(375);
    let mixed: Vec<String> = codes(1, 6).into_iter().chain(long).collect();
    assert_eq!(left_out(&mixed, 200, true), everywhere(&numbers));
    // Without an image of before.
    let unaligned = (Encoding::SaltedDigest, Unsearched::Unaligned);
    let all = [&[Ascii, Digits][..], &numbers].concat();
    assert_eq!(left_out(&codes(10, 4), 1 << 18, false), [everywhere(&all), vec![unaligned]].concat());
    assert_eq!(left_out(&codes(10, 8), 1 << 18, false), [everywhere(&numbers), vec![unaligned]].concat());
    // Many codes and many changes.
    let mut expected: Vec<_> = numbers.iter().map(|each| (*each, Unsearched::AmongRandom)).collect();
    expected.push(unaligned);
    assert_eq!(left_out(&codes(50, 8), 1 << 13, true), expected);
    // No salt is known, or a code is none.
    let blank = image(0, &[0xff; 64]);
    let said: Vec<String> = Search::new(&["48213907"], None)
        .left_out(&blank, Some(&blank))
        .iter()
        .map(|left| format!("{} {} {}", left.secret, left.encoding, left.place))
        .collect();
    assert_eq!(said, ["0 salted-digest everywhere"]);
    assert_eq!(Search::new(&[""], SALTED).left_out(&blank, None).len(), Encoding::WORDS.len());
    assert_eq!(Search::new(&["fob 7"], SALTED).left_out(&blank, Some(&blank)).len(), 5);
    // A byte again and again is in any memory.
    let said = Search::new(&["1111"], SALTED).left_out(&blank, Some(&blank));
    assert_eq!(said.iter().map(|left| left.encoding).take(2).collect::<Vec<_>>(), [Ascii, Digits]);
    assert_eq!(Search::new(&[], SALTED).left_out(&blank, None), []);
}

#[test]
fn a_short_form_counts_outside_of_random_bytes_however_much_changed() {
    let codes = codes(50, 8);
    let packed = planted(&codes[3], Encoding::PackedHighFirst, false).0;
    let (before, mut after) = pair(vec![0xff; 1 << 15], 0x400, &random(4, 1 << 13));
    after.bytes[0x1000..0x1004].copy_from_slice(&packed);
    assert_eq!(search(&codes).find(&after, Some(&before)), []);
    // Between random bytes and blank ones.
    after.bytes[0x2400..0x2404].copy_from_slice(&packed);
    after.bytes[0x4000..0x4004].copy_from_slice(&packed);
    let hits = search(&codes).find(&after, Some(&before));
    let addresses: Vec<u32> = hits.iter().map(|hit| hit.address - START).collect();
    assert_eq!(addresses, [0x2400, 0x4000]);
    // A list of codes between random bytes.
    let list: Vec<u8> =
        codes.iter().flat_map(|code| planted(code, Encoding::PackedLowFirst, false).0).collect();
    after.bytes[0x1400..0x1400 + list.len()].copy_from_slice(&list);
    assert_eq!(search(&codes).find(&after, Some(&before)).len(), hits.len() + codes.len());
}

#[test]
fn codes_that_overlap_are_all_found() {
    let (before, after) = pair(vec![0; 64], 10, b"148210148");
    let hits = Search::new(&["4821", "148210", "1014", "4821"], None).find(&after, Some(&before));
    let found: Vec<(usize, u32)> = hits.iter().map(|hit| (hit.secret, hit.address - START)).collect();
    assert_eq!(found, [(0, 11), (1, 10), (2, 14), (3, 11)]);
}

#[test]
fn a_memory_that_is_full_of_a_code_has_an_end() {
    let salted = planted("48213907", Encoding::SaltedDigest, false).0;
    let full = [b"48213907".repeat(10_000), salted.repeat(500)].concat();
    let hits = Search::new(&["48213907"], SALTED).find(&image(u32::MAX - 0xfff, &full), None);
    assert_eq!(hits.len(), usize::from(MAX_PLACES));
    assert!(hits.iter().all(|hit| hit.address >= u32::MAX - 0xfff));
    let hits =
        Search::new(&["48213907"], SALTED).find(&image(0, &full), Some(&image(0, &vec![0; full.len()])));
    assert_eq!(hits.len(), 2 * usize::from(MAX_PLACES));
}

#[test]
fn a_region_has_a_digest_if_all_of_it_was_read() {
    let image = image(0x1000, b"...abc");
    let of = |from, to| digest(&image, &Region { name: "settings".into(), from, to });
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(of(0x1003, 0x1006).as_deref(), Some(abc));
    assert!(of(0x1000, 0x1006).is_some());
    for (from, to) in [(0x1003, 0x1007), (0xfff, 0x1001), (0x1003, 0x1003), (0x1004, 0x1003), (0, u32::MAX)] {
        assert_eq!(of(from, to), None, "{from:x} to {to:x}");
    }
}
