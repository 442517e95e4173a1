#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what the molecule test-bed needs on Debian 12 or 13, as root, from the package sources that apt is set up with.
# Run again it looks and goes: a second run takes a few milliseconds.
set -eu

# command:package; a command that is there already needs no package
needs="mmdebstrap:mmdebstrap ssh:openssh-client ssh-keygen:openssh-client mke2fs:e2fsprogs losetup:mount mount:mount
unshare:util-linux nsenter:util-linux pivot_root:util-linux ip:iproute2 foremost:foremost photorec:testdisk
age:age age-keygen:age softhsm2-util:softhsm2 faketime:faketime cryptsetup:cryptsetup-bin
mkfs.xfs:xfsprogs mkfs.btrfs:btrfs-progs fusermount3:fuse3 fscrypt:fscrypt
qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils cpio:cpio modprobe:kmod
chromium:chromium chromedriver:chromium-driver"

PATH="$PATH:/usr/sbin:/sbin"
missing=
for need in $needs; do
    command -v "${need%%:*}" >/dev/null 2>&1 || missing="$missing ${need##*:}"
done
# library or font:package, for the certificates that are PDF
known=$(ldconfig -p; ls /usr/share/fonts/truetype/dejavu 2>/dev/null || true)
for need in libpangoft2-1.0.so.0:libpangoft2-1.0-0 libharfbuzz-subset.so.0:libharfbuzz-subset0 DejaVuSansMono.ttf:fonts-dejavu-core; do
    case "$known" in *"${need%%:*}"*) ;; *) missing="$missing ${need##*:}" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "test-bed: needs the packages${missing}; run this script as root to install them" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "test-bed: this system has no apt-get; install what Debian calls${missing}" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of package names
set -- $missing
if ! apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1; then
    # The package lists may be missing or old.
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "$@" >/dev/null
fi
