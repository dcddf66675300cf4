#!/usr/bin/env bash
# Builds the sound image and each variant into images/, and the workload of the benchmark into ../benches/; notes in
# images/SOURCES what they were built from: `sha256sum -c images/SOURCES` compares it, and so does a test. It needs the
# target once: `rustup target add thumbv6m-none-eabi`; then no network.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"
target=thumbv6m-none-eabi
built=${CARGO_TARGET_DIR:-target}/$target/release
image() { # PROGRAM FILE [ARGUMENTS…]
  cargo build --quiet --release --offline --locked --target $target --bin "$1" "${@:3}"
  python3 elf2hex.py "$built/$1" "$2"
}
rm -f images/*
image workload ../benches/emulation.hex
for name in sound $(sed -n '/^\[features\]/,/^$/s/ = \[\]$//p' Cargo.toml); do
  features=()
  [ "$name" = sound ] || features=(--features "$name")
  image reference-lock "images/$name.hex" "${features[@]}"
done
{
  echo "# $(rustc --version)"
  sha256sum Cargo.lock Cargo.toml build.rs build.sh elf2hex.py link.x src/*.rs images/*.hex ../benches/*.hex
} >SOURCES
mv SOURCES images/
wc -c images/*.hex ../benches/*.hex
