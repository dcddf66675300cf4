#!/usr/bin/env bash
# Boots the emulated PC, runs JOB (a shell script) in it, prints what it says, leaves what it put
# into /result in RESULT, and exits with its status.
#   boot.sh FOLDER JOB RESULT FILE…      files are found in /bin (programs) or /bench (others)
# The emulator counts instructions as time and skips idle time: what takes a minute in there takes
# as long out here as its work needs, and nothing in there depends on how busy this machine is.
set -euo pipefail
folder=$(realpath "$1"); job=$(realpath "$2"); result=$(realpath -m "$3"); shift 3
here=$(dirname "$(realpath "$0")")
tree=$(mktemp -d); chmod 755 "$tree"; trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,proc,sys,dev,tmp,modules,bench}
install -m755 "$folder/unpacked/bin/busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
install -m755 "$here/init" "$tree/init"
{ for name in MODEL SCENARIOS ROUNDS LOCK_DEFECT; do printf "%s='%s'\n" $name "${!name-}"; done; cat "$job"; } >"$tree/job"
for file in "$@"; do
  if [ -d "$file" ]; then cp -r "$file" "$tree/bench/"; continue; fi
  if ! head -c4 "$file" | grep -q ELF; then cp "$file" "$tree/bench/"; continue; fi
  install -m755 -s "$file" "$tree/bin/$(basename "$file")"
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$tree$(dirname "$library")"; cp -Lu "$library" "$tree$library"
  done
done
for module in configfs gpio-sim watchdog softdog; do
  file=$(find "$folder/kernel" -name "$module.ko*" | head -1); [ -n "$file" ] || continue
  case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"$tree/modules/$module.ko"
done
cpio=$(command -v cpio || echo "$folder/unpacked/bin/cpio")
(cd "$tree" && find . | "$cpio" -o -H newc --quiet) >"$tree.initramfs"
trap 'rm -rf "$tree" "$tree.initramfs"' EXIT
library="$folder/unpacked/usr/lib/x86_64-linux-gnu"
mkdir -p "$result"
LD_LIBRARY_PATH="$library:$folder/unpacked/lib/x86_64-linux-gnu" QEMU_MODULE_DIR="$library/qemu" \
  timeout "${PC_TIMEOUT:-3600}" "$folder/unpacked/usr/bin/qemu-system-x86_64" \
  -L "$folder/unpacked/usr/share/qemu" -L "$folder/unpacked/usr/share/seabios" \
  -M q35 -accel tcg -icount shift=2,sleep=off -cpu max -smp 1 -m "${PC_MEMORY:-256}" \
  -nodefaults -no-user-config -nographic -no-reboot -serial stdio -serial "file:$result/result.tar" \
  -kernel "$folder/vmlinux" -initrd "$tree.initramfs" \
  -append "console=ttyS0 panic=-1 reboot=t quiet" </dev/null |
  sed -u 's/\r//g' >"$result/serial.log" || true
sed -n '/PC-START/,/PC-EXIT/p' "$result/serial.log" | sed '1d;/^PC-EXIT/d'
[ -s "$result/result.tar" ] && tar -C "$result" -mxf "$result/result.tar" && rm "$result/result.tar"
exit "$(sed -n 's/^PC-EXIT=//p' "$result/serial.log" | tail -1 | grep . || echo 99)"
