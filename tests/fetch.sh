#!/usr/bin/env bash
# Fetches programs by their Debian names into FOLDER, with what they need beside them; installs nothing.
#   fetch.sh FOLDER "PROGRAM…" PACKAGE…      afterwards FOLDER/PROGRAM starts each
# A package with `+` behind its name comes with all that it depends on; others come alone.
set -euo pipefail
folder=$(realpath -m "$1"); programs=$2
# What another version of this script fetched, or other packages, is fetched again.
said="$(sha256sum <"$0") $*"
[ "$(cat "$folder/ready" 2>/dev/null)" = "$said" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,root}
command -v apt-get >/dev/null || { echo "no apt-get to fetch $programs with"; exit 1; }
cd "$folder/debs"
{
  for package in "${@:3}"; do
    echo "${package%+}"
    [ "$package" = "${package%+}" ] || apt-get install --print-uris -y --no-install-recommends "${package%+}" 2>/dev/null |
      awk -F"'" '/^.http/{print $2}' | sed 's#.*/##; s/_.*//'
  done
} | sort -u | xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null
for deb in *.deb; do dpkg -x "$deb" "$folder/root"; done
ls | sed -n 's/^\([^_]*\)_\([^_]*\)_.*/\1 \2/p' >"$folder/versions"
libraries=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
for program in $programs; do
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/root/usr/bin/%s "$@"\n' "$libraries" "$folder" "$program" >"$folder/$program"
  chmod +x "$folder/$program"
done
cd "$folder"
rm -r debs
echo "$said" >ready
