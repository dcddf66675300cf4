#!/usr/bin/env bash
# QEMU's BBC micro:bit holds zeros wherever the image of its firmware says nothing; the flash of an nRF51822 that was
# erased holds ones, and so does QEMU's own once a page was erased. So a firmware that takes all ones for a free place finds
# none there: every slot of its flash looks written. Load an image of the whole flash.
# Seen with QEMU 7.2 of Debian 12.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
{ echo qemu-system-arm
  apt-get install --print-uris -y --no-install-recommends qemu-system-arm | awk -F"'" '/^.http/{print $2}' |
    sed 's#.*/##; s/_.*//'; } | sort -u | xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
qemu() { LD_LIBRARY_PATH=$libraries root/usr/bin/qemu-system-arm -L root/usr/share/qemu "$@"; }
qemu --version | head -1
qemu --version | grep -q 'version 7\.2'
# The stack, where it starts, and there a jump to itself.
printf '%s\n' :080000000010002009000000BF :02000800FEE711 :00000001FF >image.hex
# A word of the image, one behind it, and that again after its page was erased through the controller of the flash.
printf '%s\n' 'readl 0' 'readl 0x8000' 'writel 0x4001e504 2' 'writel 0x4001e508 0x8000' 'readl 0x8000' |
  timeout 60 bash -c 'cat; sleep 5' | qemu -M microbit -nodefaults -display none -S -device loader,file=image.hex \
  -qtest stdio -qtest-log /dev/null >said 2>error & asked=$!
until [ "$(grep -c '^OK' said 2>/dev/null)" = 5 ]; do kill -0 $asked; sleep 0.1; done
kill $asked 2>/dev/null || true
grep -o '0x.*' said | tee words
[ "$(paste -sd' ' words)" = '0x0000000020001000 0x0000000000000000 0x00000000ffffffff' ]
