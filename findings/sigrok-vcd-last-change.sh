#!/usr/bin/env bash
# A change at the last timestamp of a VCD file is lost in libsigrok: samples are written up to that time, and none after
# it. One more timestamp without a change brings it back. pyvcd reads the change from both files.
# Seen with sigrok-cli 0.7.2-1+b1, libsigrok 0.5.2-4 of Debian 12, and pyvcd 0.5.1.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target python pyvcd==0.5.1
{ echo sigrok-cli=0.7.2-1+b1; echo libsigrok4=0.5.2-4
  apt-get install --print-uris -y --no-install-recommends sigrok-cli | awk -F"'" '/^.http/{print $2}' |
    sed 's#.*/##; s/_.*//' | grep -vx 'sigrok-cli\|libsigrok4'; } | sort -u |
  xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
sigrok() { LD_LIBRARY_PATH=$libraries root/usr/bin/sigrok-cli "$@"; }
printf '%s\n' '$timescale 1 ms $end' '$scope module m $end' '$var wire 1 ! bolt $end' '$upscope $end' \
  '$enddefinitions $end' '#0' '0!' '#4' '1!' >short.vcd
{ cat short.vcd; echo '#5'; } >long.vcd
for file in short long; do
  sigrok -I vcd -i $file.vcd -O bits 2>&1 | sed -n "s/^bolt:/$file: /p" | tee $file.out
  PYTHONPATH=python python3 -c "
from vcd.reader import TokenKind, tokenize
print('$file, pyvcd:', [t.data.value for t in tokenize(open('$file.vcd', 'rb')) if t.kind is TokenKind.CHANGE_SCALAR])" |
    tee -a $file.out
done
grep -qx 'short: 0000' short.out && grep -qx 'long: 00001' long.out
grep -qx "short, pyvcd: \['0', '1'\]" short.out && grep -qx "long, pyvcd: \['0', '1'\]" long.out
