#!/usr/bin/env bash
# The build for a Raspberry Pi, on an emulated Raspberry Pi 3 B, whose pins are wired to a lock out here:
# one scenario in real time, and so not beside other work.
#   machine.sh FOLDER PROGRAM OUT      FOLDER as fetch.sh made it
set -euo pipefail
pi=$1; program=$2; out=$3
here=$(dirname "$0")
echo "Raspberry Pi: $(paste -sd, "$pi/versions" | sed 's/,/, /g')"

# A socket's path may not be long.
folder=$(mktemp -d)
LOCK_NOISE=1 nice -n -10 target/release/examples/bench-lock kwikset-powerbolt-2 "qtest:$folder/pins" \
  button.reset=5 power=!6 cover=12 keypad=16,20,21,7/8,25,24/1,2,3,4,5,6,7,8,9,lock,0,- \
  beeper=17 bolt=27 "sense=5>22" >/dev/null 2>&1 & lock=$!
# The lock ends with the emulator: that it is gone is no failure.
trap 'kill $lock 2>/dev/null || true; rm -r "$folder"' EXIT
until [ -S "$folder/pins" ]; do kill -0 $lock; done
status=0
bash "$here/boot.sh" "$pi" "$here/job" "$folder/pins" "$program" "$here/rigs" >"$out/pi.txt" 2>&1 || status=$?
if [ $status != 0 ]; then echo "FAILED on the emulated Raspberry Pi: status $status"; cat "$out/pi.txt"; exit 1; fi
echo "emulated $(head -1 "$out/pi.txt"): $(grep -m1 '^pass' "$out/pi.txt" | tr -s ' ')," \
  "$(grep '^attempt' "$out/pi.txt" | tail -1); $(tail -1 "$out/pi.txt")"
