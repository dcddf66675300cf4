#!/usr/bin/env bash
# Builds lockrig for a 64-bit Raspberry Pi, static, so for any release of its system; prints its path.
# Ends with status 3 if compiler or library can't be had.
#   build.sh [FOLDER]      where what it fetches is kept: target/for-a-pi
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=$(realpath -m "${1:-target/for-a-pi}")
target=aarch64-unknown-linux-gnu
bash tests/hardware/pi/fetch.sh "$folder" >&2 || exit 3
rustup target list --installed | grep -qx $target || rustup --quiet target add $target >&2 || exit 3
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$folder/aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=$folder/aarch64-linux-gnu-gcc
export AR_aarch64_unknown_linux_gnu=$folder/aarch64-linux-gnu-ar
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static"
cargo build --quiet --release --target $target --bins
echo "target/$target/release/lockrig"
