#!/usr/bin/env bash
# Fetches vcd2fst, fst2vcd and sigrok-cli by their Debian names into FOLDER, with what they need beside them; installs
# nothing.
#   fetch.sh FOLDER      afterwards FOLDER/vcd2fst, FOLDER/fst2vcd and FOLDER/sigrok-cli start them
set -euo pipefail
folder=$(realpath -m "$1")
here=$(dirname "$(realpath "$0")")
# What another version of this script fetched is fetched again.
cmp -s "$here/fetch.sh" "$folder/ready" && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,root}
command -v apt-get >/dev/null || { echo "no apt-get to fetch readers of waveforms with"; exit 1; }
cd "$folder/debs"
{
  # Of GTKWave only the converters are wanted, and not the window system.
  printf '%s\n' gtkwave libjudydebian1 sigrok-cli
  apt-get install --print-uris -y --no-install-recommends sigrok-cli 2>/dev/null |
    awk -F"'" '/^.http/{print $2}' | sed 's#.*/##; s/_.*//'
} | sort -u | xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null
for deb in *.deb; do dpkg -x "$deb" "$folder/root"; done
ls | sed -n 's/^\(gtkwave\|sigrok-cli\|libsigrok4\)_\([^_]*\)_.*/\1 \2/p' | tee "$folder/versions"
libraries=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
for tool in vcd2fst fst2vcd sigrok-cli; do
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/root/usr/bin/%s "$@"\n' "$libraries" "$folder" $tool >"$folder/$tool"
  chmod +x "$folder/$tool"
done
"$folder/sigrok-cli" --version >/dev/null
cd "$folder"
rm -r debs
cp "$here/fetch.sh" ready
