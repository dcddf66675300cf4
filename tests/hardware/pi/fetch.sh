#!/usr/bin/env bash
# Fetches a cross linker and an emulator of arm64 programs by their Debian names into FOLDER;
# installs nothing.
#   fetch.sh FOLDER
set -euo pipefail
folder=$(realpath -m "$1")
[ -e "$folder/ready" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,host}
cd "$folder/debs"
apt-get -q -o APT::Sandbox::User=root download gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu \
  libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross libc6-arm64-cross libc6-dev-arm64-cross \
  qemu-user-static >/dev/null
for deb in *.deb; do
  case $deb in
  qemu-user-static*) dpkg --fsys-tarfile "$deb" | tar -C "$folder/host" -x ./usr/bin/qemu-aarch64-static ;;
  *) dpkg -x "$deb" "$folder/host" ;;
  esac
done
# The linker needs libraries of its own, and nothing else is to see them.
cat >"$folder/aarch64-linux-gnu-gcc" <<'SH'
#!/bin/sh
host=$(dirname "$(readlink -f "$0")")/host/usr
LD_LIBRARY_PATH=$host/lib/x86_64-linux-gnu exec "$host/bin/aarch64-linux-gnu-gcc-12" "$@"
SH
chmod +x "$folder/aarch64-linux-gnu-gcc"
ls | sed -n 's/%3a/:/g; s/^\(qemu-user-static\|gcc-12-aarch64-linux-gnu\)_\([^_]*\)_.*/\1 \2/p' >"$folder/versions"
rm -r "$folder/debs"
touch "$folder/ready"
