#!/usr/bin/env bash
# The release build in the emulated PC: two models certified over real GPIO, a lock that must fail, the
# registers of a Raspberry Pi, bad benches, and kills.
#   test.sh FOLDER OUT      FOLDER as fetch.sh made it
set -euo pipefail
pc=$1; out=$2
here=$(dirname "$0")
echo "emulated PC: $(paste -sd, "$pc/versions" | sed 's/,/, /g')"
cc -shared -fPIC -O1 -o "$out/registers.so" "$here/../pi/registers.c"
programs=target/release/examples
files="target/release/lockrig $programs/bench-lock $programs/bench-kill $programs/bench-edges $out/registers.so $here/rigs $here/../pi/rigs"

boot() { # NAME STATUS JOB
  local status=0
  bash "$here/boot.sh" "$pc" "$here/$3" "$out/$1" $files >"$out/$1.txt" 2>&1 || status=$?
  [ "$status" = "$2" ] && return
  echo "FAILED in the emulated PC: $1 ended with $status instead of $2"; cat "$out/$1.txt"; return 1
}
agree() { # NAME: the bench's evidence and the simulated rig's
  local run model replayed compared
  run=$(echo "$out/$1"/2*)
  target/release/lockrig verify "$run" >/dev/null
  replayed=$(target/release/lockrig replay "$run")
  model=$(python3 "$here/../compare.py" model "$run")
  target/release/lockrig certify --model "$model" --out "$out/$1.simulated" >/dev/null
  compared=$(python3 "$here/../compare.py" verdicts "$run" "$out/$1.simulated"/2*)
  echo "emulated PC, $model: $compared; replay: $replayed"
}
quick="--scenario reset-is-confirmed --scenario restart-erases-nothing --scenario reset-erases-everything \
--scenario short-hold-erases-nothing --scenario stated-hold-suffices --scenario reset-is-reported-to-the-hub"

# Two machines at a time, one for each processor.
smartcode() {
  # One supply of 6 V can't play a low battery: that case says so, and is inconclusive.
  MODEL=kwikset-smartcode-914 SCENARIOS=$quick boot smartcode 3 job
  agree smartcode
  boot bad 0 job-bad
  echo "emulated PC, bad benches: $(grep -c '^refused' "$out/bad.txt") refused with their reasons"
  ROUNDS=1 boot kills 0 job-kills
  worst=$(grep -o 'worst *[0-9.]*' "$out/kills.txt" | awk '{print $2}' | sort -g | tail -1)
  if awk "BEGIN { exit !($worst > 300) }"; then
    echo "FAILED in the emulated PC: an output was on for $worst ms after a kill, and 300 are allowed"; return 1
  fi
  echo "emulated PC, killed in $(grep -c SIG "$out/kills.txt") ways: worst $worst ms; $(tail -1 "$out/kills.txt")"
}
others() {
  MODEL=kwikset-powerbolt-2 SCENARIOS=$quick boot powerbolt 0 job
  agree powerbolt
  LOCK_DEFECT=residual-user MODEL=kwikset-powerbolt-2 SCENARIOS="--scenario reset-erases-everything" \
    boot defect 1 job
  echo "emulated PC, a lock that keeps a user: $(grep -m1 '^fail' "$out/defect.txt")"
  # A machine that is reset does not tell its status.
  boot watchdog 99 job-watchdog
  tail -3 "$out/watchdog.txt" | tr '\n' ' ' | grep -q "both were killed.*softdog: Initiating system reboot" ||
    { echo "FAILED in the emulated PC: no reset by the watchdog"; cat "$out/watchdog.txt"; return 1; }
  echo "emulated PC, watchdog: $(grep -c 'goes on' "$out/watchdog.txt") single deaths leave the machine alone," \
    "and both at once reset it"
  boot edges 0 job-edges
  echo "emulated PC, edges: $(paste -sd';' "$out/edges.txt")"
  boot registers 0 ../pi/job-registers
  echo "Raspberry Pi's registers: $(grep -c ': [03], ' "$out/registers.txt") commands as expected," \
    "faulty relays among them; $(tail -1 "$out/registers.txt")"
}
smartcode & one=$!
others & other=$!
status=0
for lane in $one $other; do wait $lane || status=1; done
exit $status
