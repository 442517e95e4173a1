#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The first process of a test host, already in namespaces of its own (mount, pid, network, uts, ipc). It builds the host's file tree
# and becomes its sshd. All it mounts is in its own mount namespace: when it ends, mounts, loop device and network are gone with it.
#
# usage: host-init.sh NAME DIR ROOTFS IMAGE STORAGE [SUBDIR:PATH ...]
#   DIR holds authorized_keys and the host key; IMAGE is mounted at STORAGE, each of its SUBDIRs is shown at PATH as well.
set -eu

name=$1 dir=$2 rootfs=$3 image=$4 storage=$5
shift 5

# The controller says go once it has recorded this process; if it dies first, this read fails and nothing is left behind.
read -r go && [ "$go" = go ]

mount --make-rprivate /
hostname "$name"
ip link set lo up

mkdir -p "$dir/mnt"
mount -t tmpfs -o mode=0755,size=512m testbed "$dir/mnt"
mkdir "$dir/mnt/upper" "$dir/mnt/work" "$dir/mnt/root"
root=$dir/mnt/root
mount -t overlay -o "lowerdir=$rootfs,upperdir=$dir/mnt/upper,workdir=$dir/mnt/work" testbed "$root"

mkdir -p "$root$storage"
mount -t ext4 -o loop,nodev,nosuid "$image" "$root$storage"
backing=$(cat "/sys/dev/block/$(mountpoint -d "$root$storage")/loop/backing_file")
if [ "$backing" != "$image" ]; then
    echo "host $name: $storage is on $backing, not on its image $image; nothing was started" >&2
    exit 1
fi
for bind in "$@"; do
    mkdir -p "$root$storage/${bind%%:*}" "$root${bind#*:}"
    mount --bind "$root$storage/${bind%%:*}" "$root${bind#*:}"
done

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind -o ro /proc/sys "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
# A device tree with no block device in it, and below no capability to make one: the machine's disks are out of this host's reach.
mount -t tmpfs -o mode=0755,nosuid,noexec testbed "$root/dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 0666 "$root/dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 0666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,nosuid,noexec testbed "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev testbed "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in stdin:0 stdout:1 stderr:2; do
    ln -s "/proc/self/fd/${stream#*:}" "$root/dev/${stream%:*}"
done
mount -t tmpfs -o mode=0755,nosuid,nodev testbed "$root/run"

echo "$name" >"$root/etc/hostname"
mkdir -p "$root/run/sshd" "$root/root/.ssh" "$root/.outside"
chmod 0700 "$root/root" "$root/root/.ssh"
install -m 0600 "$dir/authorized_keys" "$root/root/.ssh/authorized_keys"
install -m 0600 "$dir/host_key" "$root/etc/ssh/ssh_host_ed25519_key"
cat >"$root/etc/ssh/sshd_config" <<'CONFIG'
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile .ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 50
MaxSessions 50
Subsystem sftp internal-sftp
CONFIG

cd "$root"
pivot_root . .outside
# What root may do in a container, tracing and immutable files added; not: devices, mounts, modules, raw input and output, the clock.
caps=-all
for cap in chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap setfcap linux_immutable net_bind_service \
    net_raw sys_chroot sys_ptrace sys_nice sys_resource ipc_lock audit_write; do
    caps=$caps,+$cap
done
# shellcheck disable=SC2016  # expanded by the inner shell
exec chroot . /bin/sh -c 'umount -l /.outside && rmdir /.outside && cd / && exec env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    setpriv --bounding-set="$1" --inh-caps=-all /usr/sbin/sshd -D -e' init "$caps"
