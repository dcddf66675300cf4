#!/usr/bin/env bash
# Fetches a cross compiler, both emulators and a Raspberry Pi kernel by their Debian names into
# FOLDER; installs nothing.
#   fetch.sh FOLDER
set -euo pipefail
folder=$(realpath -m "$1")
here=$(dirname "$(realpath "$0")")
# What another version of this script fetched is fetched again.
cmp -s "$here/fetch.sh" "$folder/ready" && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,host,pi,apt/{parts,lists/partial,archives/partial}}
cp /etc/apt/sources.list.d/debian.sources "$folder/apt/parts/"
cat >"$folder/apt/conf" <<CONF
Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "$folder/apt/parts";
Dir::State::lists "$folder/apt/lists"; Dir::Cache "$folder/apt";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$folder/apt/conf"
apt-get -q update >/dev/null
cd "$folder/debs"
kernel=$(apt-cache depends linux-image-arm64:arm64 | sed -n 's/.*Depends: //p' | head -1)
apt-get -q download gcc-12-aarch64-linux-gnu cpp-12-aarch64-linux-gnu libisl23 libmpc3 libmpfr6 libgmp10 \
  binutils-aarch64-linux-gnu libgcc-12-dev-arm64-cross \
  libgcc-s1-arm64-cross libc6-arm64-cross libc6-dev-arm64-cross qemu-user-static \
  busybox-static:arm64 "$kernel" >/dev/null
apt-get install --print-uris -y --no-install-recommends qemu-system-arm cpio 2>/dev/null |
  awk -F"'" '/^.http/{print $2}' | sed 's#.*/##; s/_.*//' | sort -u | xargs apt-get -q download >/dev/null
for deb in *.deb; do
  case $deb in
  linux-image*) dpkg --fsys-tarfile "$deb" |
    tar -C "$folder/pi" -x --wildcards './boot/vmlinuz*' '*/bcm2837-rpi-3-b.dtb' ;;
  *_arm64.deb) dpkg -x "$deb" "$folder/pi" ;;
  qemu-user-static*) dpkg --fsys-tarfile "$deb" | tar -C "$folder/host" -x ./usr/bin/qemu-aarch64-static ;;
  *) dpkg -x "$deb" "$folder/host" ;;
  esac
done
# These need libraries of their own, and nothing else is to see them.
for tool in gcc ar; do
  cat >"$folder/aarch64-linux-gnu-$tool" <<'SH'
#!/bin/sh
host=$(dirname "$(readlink -f "$0")")/host/usr
tool=$host/bin/$(basename "$0")
[ -e "$tool" ] || tool=$tool-12
LD_LIBRARY_PATH=$host/lib/x86_64-linux-gnu exec "$tool" "$@"
SH
  chmod +x "$folder/aarch64-linux-gnu-$tool"
done
for machine in arm aarch64; do
  cat >"$folder/qemu-system-$machine" <<'SH'
#!/bin/sh
host=$(dirname "$(readlink -f "$0")")/host
export LD_LIBRARY_PATH=$host/usr/lib/x86_64-linux-gnu:$host/lib/x86_64-linux-gnu
exec "$host/usr/bin/$(basename "$0")" -L "$host/usr/share/qemu" "$@"
SH
  chmod +x "$folder/qemu-system-$machine"
done
ls | sed -n 's/%3a/:/g; s/^\(qemu-system-arm\|qemu-user-static\|linux-image[^_]*\|gcc-12-aarch64-linux-gnu\)_\([^_]*\)_.*/\1 \2/p' >"$folder/versions"
rm -r "$folder/debs"
cp "$here/fetch.sh" "$folder/ready"
