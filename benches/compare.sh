#!/usr/bin/env bash
# This build beside that of commit 0c1f8fa, in one run: bytes of a full certification, as a folder and packed, time of
# certify, verify and replay (the best of five, taken in turns), peak memory, and with valgrind the instructions of certify. Valgrind's
# processor has no SHA instructions, as that of a Raspberry Pi 4.
#   benches/compare.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/target/compared; mkdir -p "$folder"
old=${OLD-}
if [ -z "$old" ]; then
  [ -d "$folder/old" ] || git worktree add --quiet --detach "$folder/old" 0c1f8fa
  cargo build --quiet --release --manifest-path "$folder/old/Cargo.toml" --target-dir "$folder/target"
  old=$folder/target/release/lockrig
fi
cargo build --quiet --release
new=$PWD/target/release/lockrig
# Each plays the library that it was built with, all of it: today's certify leaves out the models of whose codes nothing
# can be tested.
all="run $(find scenarios -maxdepth 1 -name '*.yaml' -printf '%f ' | sed 's/\.yaml//g')"
declare -A plays=([old]=certify [new]=$all)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
for build in old new; do "${!build}" ${plays[$build]} --quiet --out $build >/dev/null; done
python3 - "$old" "$new" "$all" <<'PY'
import glob, json, os, resource, subprocess, sys, time
builds = dict(zip(("old", "new"), sys.argv[1:]))
plays = {"old": ["certify"], "new": sys.argv[3].split()}
runs = {name: glob.glob(f"{name}/*")[0] for name in builds}
size = {name: sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(run) for file in files)
        for name, run in runs.items()}
cases = {name: sum(json.load(open(f"{run}/run.json"))["counts"].values()) for name, run in runs.items()}
commands = {
    "certify": lambda name: [builds[name], *plays[name], "--quiet", "--out", f"again-{name}-{time.monotonic_ns()}"],
    "verify": lambda name: [builds[name], "verify", runs[name]],
    "replay": lambda name: [builds[name], "replay", runs[name]],
}
print(f"cases              {cases['old']:>12} {cases['new']:>12}")
print(f"bytes              {size['old']:>12} {size['new']:>12}   1/{size['old'] / size['new']:.2f}")
subprocess.run([builds["new"], "pack", runs["new"], "--out", "packed.tar.zst"], check=True, stdout=subprocess.DEVNULL)
packed = os.path.getsize("packed.tar.zst")
print(f"bytes, packed      {size['old']:>12} {packed:>12}   1/{size['old'] / packed:.2f}")
for what, command in commands.items():
    best, memory = {}, {}
    for _ in range(5):
        for name in builds:
            begin = time.monotonic()
            child = subprocess.Popen(command(name), stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(child.pid, 0)
            assert status == 0, (what, name, status)
            best[name] = min(best.get(name, 1e9), time.monotonic() - begin)
            memory[name] = used.ru_maxrss / 1024
    print(f"{what:10} s       {best['old']:>12.2f} {best['new']:>12.2f}   {best['old'] / best['new']:.2f} times as fast")
    print(f"{what:10} MB      {memory['old']:>12.1f} {memory['new']:>12.1f}")
PY
command -v valgrind >/dev/null || { echo "SKIPPED instructions: there is no valgrind"; exit; }
for build in old new; do
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "${!build}" ${plays[$build]} --quiet --out counted-$build 2>&1 >/dev/null |
    sed -n 's/.*Collected : //p' >$build.count &
done
wait
python3 -c "
old, new = (int(open(f'{name}.count').read()) for name in ('old', 'new'))
print(f'instructions       {old:>12} {new:>12}   {new / old:.1%}')"
