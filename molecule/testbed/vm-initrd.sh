#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The initial RAM disk: loads what it takes to see the root disk, and goes there.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t sysfs sysfs /sys
for module in /modules/*; do
    /bin/busybox insmod "$module"
done
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 200 ]; do
    /bin/busybox usleep 50000
    tries=$((tries + 1))
done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root || exec /bin/busybox sh
for directory in proc sys dev; do
    /bin/busybox mount --move /$directory /root/$directory
done
exec /bin/busybox switch_root /root /vm-init
