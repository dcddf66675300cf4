#!/usr/bin/env bash
# Builds the sound image and each variant into images/, and notes in images/SOURCES what they were built from:
# `sha256sum -c images/SOURCES` compares it, and so does a test. It needs the target once:
# `rustup target add thumbv6m-none-eabi`; then no network.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"
target=thumbv6m-none-eabi
elf=${CARGO_TARGET_DIR:-target}/$target/release/reference-lock
rm -f images/*
for name in sound $(sed -n '/^\[features\]/,/^$/s/ = \[\]$//p' Cargo.toml); do
  features=()
  [ "$name" = sound ] || features=(--features "$name")
  cargo build --quiet --release --offline --locked --target $target "${features[@]}"
  python3 elf2hex.py "$elf" "images/$name.hex"
done
{
  echo "# $(rustc --version)"
  sha256sum Cargo.lock Cargo.toml build.rs build.sh elf2hex.py link.x src/*.rs images/*.hex
} >SOURCES
mv SOURCES images/
wc -c images/*.hex
