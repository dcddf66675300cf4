#!/usr/bin/env bash
# What `sigrok-cli -O vcd` writes, also with `-o FILE`, is no VCD file as it stands: before the header it says
# `META samplerate: …`. pyvcd stops there; without that line, it reads the file.
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
printf '%s\n' '$timescale 1 ms $end' '$scope module m $end' '$var wire 1 ! bolt $end' '$upscope $end' \
  '$enddefinitions $end' '#0' '0!' '#4' '1!' '#8' >in.vcd
LD_LIBRARY_PATH=$libraries root/usr/bin/sigrok-cli -I vcd -i in.vcd -O vcd -o out.vcd
head -2 out.vcd
[ "$(head -1 out.vcd)" = 'META samplerate: 1000' ]
tail -n +2 out.vcd >without.vcd
changes() {
  PYTHONPATH=python python3 -c "
from vcd.reader import TokenKind, tokenize
print([t.data.value for t in tokenize(open('$1', 'rb')) if t.kind is TokenKind.CHANGE_SCALAR])"
}
if changes out.vcd 2>error; then exit 1; fi
tail -1 error
grep -q 'VCDParseError: 1:1: confused: M' error
[ "$(changes without.vcd)" = "['0', '1']" ]
