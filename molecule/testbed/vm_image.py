# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the virtual machine boots: Debian's kernel, a small initial RAM disk and a root disk, made once and kept in the test-bed's cache."""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import re
import shutil
import typing as t
from pathlib import Path

from machine import BedError, make_key, run
from rootfs import PACKAGES, cache_directory, ensure_rootfs

__all__ = ["Image", "ensure_image"]

HERE = Path(__file__).resolve().parent
VM_PACKAGES = (
    *PACKAGES,
    *("linux-image-amd64", "busybox-static", "kmod", "udev", "iproute2", "util-linux", "e2fsprogs", "fdisk", "parted"),
    *(
        "nvme-cli",
        "hdparm",
        "sg3-utils",
        "smartmontools",
        "mmc-utils",
        "mt-st",
        "cryptsetup-bin",
        "dmsetup",
        "lvm2",
        "mdadm",
        "multipath-tools",
    ),
)
# The initial RAM disk needs no more than it takes to mount the root disk; all else comes from there.
FIRST_MODULES = ("virtio_pci", "virtio_blk", "ext4", "virtio_net", "virtio_rng")
ROOT_MIB = 3072
# Raise it when the steps below change what ends up in the image.
RECIPE = 3


class Image(t.NamedTuple):
    """Files that belong together.

    :ivar host_key: the public half, as known_hosts wants it.
    """

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    @property
    def root(self) -> Path:
        return self.directory / "root.raw"

    @property
    def host_key(self) -> str:
        return " ".join((self.directory / "host_key.pub").read_text(encoding="ascii").split()[:2])


def ensure_image(log: t.Callable[[str], None]) -> Image:
    """The image; makes it where the cache has none.

    :raises BedError: it cannot be made.
    """
    tree = ensure_rootfs(log, VM_PACKAGES)
    scripts = [(HERE / name).read_bytes() for name in ("vm-init.sh", "vm-initrd.sh")]
    identity = b"\0".join([tree.name.encode(), str((RECIPE, FIRST_MODULES, ROOT_MIB)).encode(), *scripts])
    directory = cache_directory() / f"vm-{hashlib.sha256(identity).hexdigest()[:16]}"
    with open(cache_directory() / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            log(f"building the virtual machine's image in {directory}: once, half a minute")
            partial = directory.with_name(directory.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _build(tree, partial)
            partial.rename(directory)
    return Image(directory)


def _build(tree: Path, into: Path) -> None:
    version = next(iter(sorted(path.name for path in (tree / "lib" / "modules").iterdir())), "")
    if not version:
        raise BedError(f"the file tree {tree} has no kernel; remove it, and it is built anew")
    image = Image(into)
    image.kernel.write_bytes(_plain_kernel((tree / "boot" / f"vmlinuz-{version}").read_bytes()))
    run("depmod", "--basedir", str(tree), version)
    _make_initrd(tree, version, into)
    make_key(into / "host_key", "drives")
    shutil.copy(HERE / "vm-init.sh", tree / "vm-init")
    for name in ("host_key", "host_key.pub"):
        target = tree / "etc" / "ssh" / f"ssh_host_ed25519{name.removeprefix('host')}"
        shutil.copy(into / name, target)
        target.chmod(0o600)
    # With its journal: tests reset the machine while it writes.
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree), str(image.root), f"{ROOT_MIB}M")


def _plain_kernel(packed: bytes) -> bytes:
    """The kernel without its compression, which starts several seconds earlier under emulation; as it is where that cannot be had."""
    for start in (match.start() for match in re.finditer(rb"\xfd7zXZ\0", packed)):
        try:
            plain = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(packed[start:])
        except lzma.LZMAError:
            continue
        if plain.startswith(b"\x7fELF"):
            return plain
    for start in (match.start() for match in re.finditer(rb"\x5d\0\0", packed)):
        try:
            plain = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(packed[start:])
        except (lzma.LZMAError, EOFError):
            continue
        if plain.startswith(b"\x7fELF"):
            return plain
    return packed


def _make_initrd(tree: Path, version: str, into: Path) -> None:
    work = into / "initrd.d"
    for name in ("bin", "modules", "proc", "sys", "dev", "root"):
        (work / name).mkdir(parents=True)
    shutil.copy(tree / "bin" / "busybox", work / "bin" / "busybox")
    (work / "bin" / "sh").symlink_to("busybox")
    shutil.copy(HERE / "vm-initrd.sh", work / "init")
    wanted: list[str] = []
    for module in FIRST_MODULES:
        shown = run("modprobe", "--dirname", str(tree), "--set-version", version, "--show-depends", module)
        wanted += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod ")]
    for number, path in enumerate(dict.fromkeys(wanted)):
        shutil.copy(path, work / "modules" / f"{number:02d}-{Path(path).name}")
    run("sh", "-c", f"cd '{work}' && find . | cpio --quiet --create --format=newc > ../initrd")
    shutil.rmtree(work)
