#!/usr/bin/env bash
# Fetches Chromium by its Debian name into FOLDER, with what it needs beside it; installs nothing.
#   fetch.sh FOLDER      afterwards FOLDER/chromium starts it
set -euo pipefail
folder=$(realpath -m "$1")
here=$(dirname "$(realpath "$0")")
# What another version of this script fetched is fetched again.
cmp -s "$here/fetch.sh" "$folder/ready" && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,root}
command -v apt-get >/dev/null || { echo "no apt-get to fetch chromium with"; exit 1; }
cd "$folder/debs"
wanted=(chromium fonts-dejavu-core)
{
  printf '%s\n' "${wanted[@]}"
  apt-get install --print-uris -y --no-install-recommends "${wanted[@]}" 2>/dev/null |
    awk -F"'" '/^.http/{print $2}' | sed 's#.*/##; s/_.*//'
} | sort -u | xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null
for deb in *.deb; do dpkg -x "$deb" "$folder/root"; done
cat >"$folder/fonts.conf" <<FONTS
<?xml version="1.0"?>
<fontconfig><dir>$folder/root/usr/share/fonts</dir><cachedir>$folder/fontcache</cachedir></fontconfig>
FONTS
# Some libraries stand in folders of their own.
libraries=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
cat >"$folder/chromium" <<START
#!/bin/sh
export FONTCONFIG_FILE=$folder/fonts.conf LD_LIBRARY_PATH=$libraries
exec $folder/root/usr/lib/chromium/chromium "\$@"
START
chmod +x "$folder/chromium"
"$folder/chromium" --version
cd "$folder"
rm -r debs
cp "$here/fetch.sh" ready
