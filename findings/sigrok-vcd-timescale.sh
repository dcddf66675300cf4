#!/usr/bin/env bash
# A VCD file may have a timescale of 10 s or 100 s (IEEE 1364-2005, 18.2.3.7). libsigrok turns the unit into a sample rate
# in whole hertz: with 1 s that is 1, with 10 s it is 0, and all times are lost, though the samples are read and the
# program ends with 0.
# Seen with sigrok-cli 0.7.2-1+b1, libsigrok 0.5.2-4 of Debian 12.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
{ echo sigrok-cli=0.7.2-1+b1; echo libsigrok4=0.5.2-4
  apt-get install --print-uris -y --no-install-recommends sigrok-cli | awk -F"'" '/^.http/{print $2}' |
    sed 's#.*/##; s/_.*//' | grep -vx 'sigrok-cli\|libsigrok4'; } | sort -u |
  xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
sigrok() { LD_LIBRARY_PATH=$libraries root/usr/bin/sigrok-cli "$@"; }
for unit in 1 10; do
  printf '%s\n' "\$timescale $unit s \$end" '$scope module m $end' '$var wire 1 ! a $end' '$upscope $end' \
    '$enddefinitions $end' '#0' '0!' '#2' '1!' '#4' '0!' '#6' >$unit.vcd
  sigrok -I vcd -i $unit.vcd -O bits >$unit.out 2>&1
done
cat 1.out 10.out
grep -qx 'META samplerate: 1' 1.out && grep -q '^a:001100' 1.out
grep -q 'Inexact rounding of samplerate, 1 / 10 to 0 Hz' 10.out
grep -qx 'META samplerate: 0' 10.out && grep -q '^a:001100' 10.out
