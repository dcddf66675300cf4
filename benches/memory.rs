//! Searching a memory of 1 MiB for 50 codes in every encoding (5 ms, if 8 KiB of it changed).

use std::hint::black_box;
use std::time::Duration as Wall;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lockrig::lock::{Region, SaltedDigest};
use lockrig::memory::{Image, Search, digest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const BYTES: usize = 1 << 20;
const CHANGED: usize = 8 << 10;
const CODES: usize = 50;

/// A program, as far as a search can tell, and blank flash behind it; then the same with something new in the
/// flash, in as many pieces.
fn images(pieces: usize) -> (Image, Image) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut before = Image { start: 0x0800_0000, bytes: vec![0xff; BYTES] };
    for word in before.bytes.chunks_mut(4).take(BYTES / 8) {
        // Instructions are less even than random bytes.
        let halves = random.next_u32() & 0x47ff_21ff;
        word.copy_from_slice(&halves.to_le_bytes());
    }
    let mut after = before.clone();
    for piece in after.bytes.chunks_mut(BYTES / 2 / pieces).skip(pieces) {
        random.fill_bytes(&mut piece[..CHANGED / pieces]);
    }
    (before, after)
}

fn search(criterion: &mut Criterion) {
    let codes: Vec<String> = (0..CODES).map(|number| (48_213_907 + 912_673 * number).to_string()).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let new = || Search::new(&codes, Some(SaltedDigest { salt_bytes: 8 }));
    let search = new();
    let mut group = criterion.benchmark_group("search of 1 MiB for 50 codes");
    group.bench_function("preparation alone", |bencher| bencher.iter(new));
    group.throughput(Throughput::Bytes(BYTES as u64));
    for pieces in [1, 8, 256] {
        let (before, after) = images(pieces);
        group.bench_function(format!("8 KiB changed, pieces: {pieces}"), |bencher| {
            bencher.iter(|| search.find(black_box(&after), Some(&before)));
        });
    }
    let (before, after) = images(8);
    group.bench_function("nothing changed", |bencher| {
        bencher.iter(|| search.find(black_box(&before), Some(&before)));
    });
    group.bench_function("nothing known of before", |bencher| {
        bencher.iter(|| search.find(black_box(&after), None));
    });
    group.bench_function("what is left out", |bencher| {
        bencher.iter(|| search.left_out(black_box(&after), Some(&before)));
    });
    let region = Region { name: "all".into(), from: after.start, to: after.start + BYTES as u32 };
    group.bench_function("digest", |bencher| bencher.iter(|| digest(black_box(&after), &region)));
}

criterion_group! {
    name = all;
    config = Criterion::default().measurement_time(Wall::from_secs(4)).sample_size(20);
    targets = search
}
criterion_main!(all);
