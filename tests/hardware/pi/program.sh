#!/usr/bin/env bash
# The build for a Raspberry Pi as a program: it must do what the build for this machine does.
#   program.sh FOLDER PROGRAM OUT      FOLDER as fetch.sh made it
set -euo pipefail
pi=$1; program=$2; out=$3
emulated="$pi/host/usr/bin/qemu-aarch64-static $program"
$emulated check >/dev/null
$emulated certify --quiet --out "$out/pi" >/dev/null
target/release/lockrig certify --quiet --out "$out/here" >/dev/null
cmp "$out/pi"/2*/results.json "$out/here"/2*/results.json
echo "Raspberry Pi build: $($emulated --version); check; a simulated certification, byte for byte as here"
