#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Process 1 of the virtual machine: what the tests need of a system and no more, since systemd takes half a minute under emulation.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/sshd /run/lock /run/udev /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
hostname drives
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0

mkdir -p /root/.ssh
chmod 700 /root/.ssh
read -r line < /proc/cmdline
for word in $line; do
    case $word in
        testbed.key=*) echo "ssh-ed25519 ${word#testbed.key=}" > /root/.ssh/authorized_keys ;;
    esac
done

# Devices first: who can log in finds them all.
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add
udevadm settle --timeout=60
modprobe configfs
mount -t configfs configfs /sys/kernel/config
mount -t debugfs debugfs /sys/kernel/debug
/usr/sbin/sshd -o UseDNS=no -o PermitRootLogin=prohibit-password
echo "ready after $(cut -d' ' -f1 /proc/uptime) s" > /dev/console

# Orphans become its children; they are reaped by waiting.
while :; do
    sleep 3600 &
    wait
done
