#!/usr/bin/env bash
# The release build in the emulated PC: two models certified over real GPIO, a lock that must fail, and
# kills.
#   test.sh FOLDER OUT      FOLDER as fetch.sh made it
set -euo pipefail
pc=$1; out=$2
here=$(dirname "$0")
files="target/release/lockrig target/release/examples/bench-lock target/release/examples/bench-kill $here/rigs"
echo "emulated PC: $(paste -sd, "$pc/versions" | sed 's/,/, /g')"
boot() { # NAME JOB
  bash "$here/boot.sh" "$pc" "$here/$2" "$out/$1" $files >"$out/$1.txt" 2>&1
}
ended() { # NAME PROCESS STATUS
  local status=0
  wait "$2" || status=$?
  [ "$status" = "$3" ] && return
  echo "FAILED in the emulated PC: $1 ended with $status instead of $3"; cat "$out/$1.txt"; exit 1
}
quick="--scenario reset-is-confirmed --scenario restart-erases-nothing --scenario reset-erases-everything \
--scenario short-hold-erases-nothing --scenario stated-hold-suffices --scenario reset-is-reported-to-the-hub"

MODEL=kwikset-powerbolt-2 SCENARIOS=$quick boot powerbolt job & first=$!
MODEL=kwikset-smartcode-914 SCENARIOS=$quick boot smartcode job & second=$!
ended powerbolt $first 0
# One supply of 6 V can't play a low battery: that case says so, and is inconclusive.
ended smartcode $second 3
for name in powerbolt smartcode; do
  run=$(echo "$out/$name"/2*)
  target/release/lockrig verify "$run" >/dev/null
  replayed=$(target/release/lockrig replay "$run")
  model=$(python3 "$here/../compare.py" model "$run")
  target/release/lockrig certify --model "$model" --out "$out/$name.simulated" >/dev/null
  compared=$(python3 "$here/../compare.py" verdicts "$run" "$out/$name.simulated"/2*)
  echo "emulated PC, $model: $compared; replay: $replayed"
done

ROUNDS=1 boot kills job-kills & first=$!
LOCK_DEFECT=residual-user MODEL=kwikset-powerbolt-2 SCENARIOS="--scenario reset-erases-everything" \
  boot defect job & second=$!
ended kills $first 0
ended defect $second 1
worst=$(grep -o 'worst *[0-9.]*' "$out/kills.txt" | awk '{print $2}' | sort -g | tail -1)
echo "emulated PC, killed in $(grep -c SIG "$out/kills.txt") ways: worst $worst ms; $(tail -1 "$out/kills.txt")"
echo "emulated PC, a lock that keeps a user: $(grep -m1 '^fail' "$out/defect.txt")"
