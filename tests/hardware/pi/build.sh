#!/usr/bin/env bash
# Builds lockrig for a 64-bit Raspberry Pi, static, so for any release of its system; prints its path.
#   build.sh FOLDER      as fetch.sh made it
set -euo pipefail
folder=$(realpath "$1")
target=aarch64-unknown-linux-gnu
rustup target list --installed | grep -qx $target || rustup --quiet target add $target >&2
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$folder/aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static"
cargo build --quiet --release --target $target --bins
echo "target/$target/release/lockrig"
