#!/usr/bin/env bash
# Boots an emulated Raspberry Pi 3 B, runs JOB (a shell script) in it, prints what it says, and exits
# with its status. Whoever plays the board finds its pins on the socket (QEMU's qtest protocol).
#   boot.sh FOLDER JOB SOCKET PROGRAM FOLDER…
# Time runs as outside: the board's program lives there. So both go first, where that is permitted.
set -euo pipefail
folder=$(realpath "$1"); job=$(realpath "$2"); socket=$(realpath -m "$3"); program=$(realpath "$4"); shift 4
tree=$(mktemp -d); trap 'rm -rf "$tree" "$tree.initramfs"' EXIT
mkdir -p "$tree"/{bin,proc,sys,dev,tmp,bench}
install -m755 "$folder/pi/bin/busybox" "$tree/bin/busybox"; ln -s busybox "$tree/bin/sh"
install -m755 "$program" "$tree/bin/lockrig"
{ echo "date -s @$(date +%s) >/dev/null"; cat "$job"; } >"$tree/job"
for more in "$@"; do cp -r "$more" "$tree/bench/"; done
cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev; $b mount -t tmpfs t /tmp
export PATH=/bin HOME=/tmp NO_COLOR=1 TERM=dumb
$b --install -s /bin 2>/dev/null
# The machine's random numbers begin once somebody reads them: nothing else in there is random.
head -c 1 /dev/random >/dev/null
echo; echo PI-START; cat /proc/device-tree/model; echo
/bin/sh /job; echo "PI-EXIT=$?"
while :; do sleep 1000; done
INIT
chmod +x "$tree/init"
cpio=$(command -v cpio || echo "$folder/host/bin/cpio")
(cd "$tree" && find . | "$cpio" -o -H newc --quiet -R 0:0) >"$tree.initramfs"
coproc PI { exec nice -n -10 timeout "${PI_TIMEOUT:-1500}" "$folder/qemu-system-aarch64" -M raspi3b -accel tcg,thread=single \
  -kernel "$(echo "$folder"/pi/boot/vmlinuz*)" -dtb "$(find "$folder/pi" -name bcm2837-rpi-3-b.dtb | head -1)" \
  -initrd "$tree.initramfs" -append "console=ttyS1 iomem=relaxed panic=-1 quiet" \
  -display none -no-reboot -serial null -serial stdio -monitor none \
  -qtest "unix:$socket" -qtest-log /dev/null </dev/null 2>/dev/null; }
emulator=$PI_PID
status=99
# The machine can't be switched off from within: its last words end it.
while IFS= read -r line <&"${PI[0]}"; do
  line=${line%$'\r'}
  case $line in
  *PI-START*) said=1 ;;
  *PI-EXIT=*) status=${line##*PI-EXIT=}; break ;;
  *) [ -z "${said-}" ] || printf '%s\n' "$line" ;;
  esac
done
kill "$emulator" 2>/dev/null || true
exit "$status"
