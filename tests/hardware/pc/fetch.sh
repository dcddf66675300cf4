#!/usr/bin/env bash
# Fetches an emulator and a kernel with gpio-sim by their Debian names into FOLDER; installs nothing.
#   fetch.sh FOLDER
set -euo pipefail
folder=$(realpath -m "$1")
here=$(dirname "$(realpath "$0")")
# What another version of this script fetched is fetched again.
cmp -s "$here/fetch.sh" "$folder/ready" && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{debs,unpacked,kernel,apt/{parts,lists/partial,archives/partial}}
# Debian's own source of this machine, with the suite whose kernel has gpio-sim.
awk 'NF==0{exit}1' /etc/apt/sources.list.d/debian.sources |
  sed 's/^Suites:.*/Suites: trixie-backports/' >"$folder/apt/parts/backports.sources"
backports=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$folder/apt/parts"
  -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt" -o APT::Sandbox::User=root)
apt-get -q "${backports[@]}" update >/dev/null
kernel=$(apt-cache "${backports[@]}" depends linux-image-amd64 |
  awk '/Depends: linux-image-/{sub("linux-image-","",$2);print $2;exit}')
cd "$folder/debs"
apt-get -q "${backports[@]}" download "linux-binary-$kernel" "linux-modules-$kernel" >/dev/null
apt-get install --print-uris -y --no-install-recommends qemu-system-x86 busybox-static cpio 2>/dev/null |
  awk -F"'" '/^.http/{print $2}' | sed 's#.*/##; s/_.*//' | sort -u |
  xargs apt-get -q -o APT::Sandbox::User=root download >/dev/null
for deb in *.deb; do
  case $deb in
  linux-*) dpkg --fsys-tarfile "$deb" | tar -C "$folder/kernel" -x --wildcards --no-anchored \
    'vmlinuz*' '*/gpio-sim.ko*' '*/configfs.ko*' '*/softdog.ko*' '*/watchdog/watchdog.ko*' 2>/dev/null || true ;;
  *) dpkg -x "$deb" "$folder/unpacked" ;;
  esac
done
python3 "$here/unpack_kernel.py" "$(find "$folder/kernel" -name 'vmlinuz*' | head -1)" "$folder/vmlinux"
ls | sed -n 's/%3a/:/g; s/^\(qemu-system-x86\|linux-binary[^_]*\|busybox-static\)_\([^_]*\)_.*/\1 \2/p' >"$folder/versions"
rm -r "$folder/debs"
cp "$here/fetch.sh" "$folder/ready"
