#!/usr/bin/env bash
# RFC 3161 lets an authority put a fraction of a second into genTime, and asks clients to cope with it. RustCrypto's x509-tsp
# 0.1.0 does not: the very same TSTInfo that it reads with a whole second is refused with `.5` behind it, because the
# GeneralizedTime of der 0.7 has fifteen characters and no more. openssl writes such times if `clock_precision_digits` is set.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo init --quiet --name fraction --vcs none .
cargo add --quiet x509-tsp@=0.1.0 der@=0.7.10
cat >src/main.rs <<'RUST'
use der::Decode;
use x509_tsp::TstInfo;

/// DER of a sequence, or another type, around bytes.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
}

fn info(time: &str) -> Vec<u8> {
    let sha256 = tlv(0x30, &[tlv(0x06, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]), vec![5, 0]].concat());
    let imprint = tlv(0x30, &[sha256, tlv(0x04, &[0; 32])].concat());
    let parts = [tlv(2, &[1]), tlv(6, &[0x2a, 3, 4, 1]), imprint, tlv(2, &[7]), tlv(0x18, time.as_bytes())];
    tlv(0x30, &parts.concat())
}

fn main() {
    for time in ["20261129150000Z", "20261129150000.5Z"] {
        match TstInfo::from_der(&info(time)) {
            Ok(read) => println!("{time}: read, {}", read.gen_time.to_date_time()),
            Err(error) => println!("{time}: {error}"),
        }
    }
}
RUST
cargo run --quiet >seen
cat seen
grep -q '^20261129150000Z: read, 2026-11-29T15:00:00Z$' seen
grep -q '^20261129150000.5Z: .*GeneralizedTime' seen
