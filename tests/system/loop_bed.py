# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real filesystems on loop devices over files of the test's own directory.

Nothing but a loop device that this module attached to such a file is ever formatted, mounted or detached.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._erasure.erasure_world import Tree

__all__ = ["Bed", "Mounted", "need", "not_run", "reaped", "run"]

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
HERE = pathlib.Path(__file__).resolve().parent


def not_run(why: str) -> t.NoReturn:
    """Say that a test could not run; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"not run: {why}", pytrace=False)
    pytest.skip(f"not run: {why}")


def run(*command: str) -> str:
    done = subprocess.run(command, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def need(*tools: str) -> None:
    """Not run without root and these tools."""
    if os.geteuid() != 0:
        not_run("loop devices and mounts need root")
    for tool in tools:
        if shutil.which(tool, path=PATH) is None:
            not_run(f"the tool {tool} is not installed")


# Attached loop devices outlive a process that is killed; this one does not hear of the kill, only of the end of its input.
_REAPER = """
cat > /dev/null
losetup --noheadings --list --output NAME,BACK-FILE | while read -r device file; do
  case "$file" in "$0"/*) umount --all-targets "$device"; losetup --detach "$device" ;; esac
done
"""


@contextlib.contextmanager
def reaped(directory: pathlib.Path) -> t.Iterator[None]:
    """Loop devices over files below a directory are detached also where this process is killed."""
    environment = {**os.environ, "PATH": PATH}
    with subprocess.Popen(
        ["sh", "-c", _REAPER, str(directory)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, env=environment
    ):
        yield


def _unmount(point: pathlib.Path) -> None:
    """Also where a failed test still has something open: a loop device left behind would be worse."""
    subprocess.run(["umount", str(point)], env={**os.environ, "PATH": PATH}, stderr=subprocess.DEVNULL, check=False)
    if os.path.ismount(point):
        run("umount", "--lazy", str(point))


def _disk(device: str) -> str:
    """The loop device of a partition, or itself."""
    return re.sub(r"^(/dev/loop\d+)p\d+$", r"\1", device)


class Mounted(t.NamedTuple):
    """A mounted filesystem, its loop device and its image."""

    path: pathlib.Path
    device: str
    image: pathlib.Path


class Bed:
    """Images, loop devices and mounts, undone in the opposite order."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory.resolve()
        self._undo = contextlib.ExitStack()
        self._devices: dict[str, pathlib.Path] = {}
        self._mounts: dict[pathlib.Path, contextlib.ExitStack] = {}
        self._count = 0

    def close(self) -> None:
        self._undo.close()

    def new(self, kind: str) -> pathlib.Path:
        self._count += 1
        return self.directory / f"{kind}{self._count}"

    def make_image(self, mebibytes: int, *, inside: pathlib.Path | None = None) -> pathlib.Path:
        path = (inside or self.directory) / f"image{self._count}"
        self._count += 1
        with path.open("wb") as handle:
            handle.truncate(mebibytes << 20)
        return path

    def fill_image(self, content: bytes, *, inside: pathlib.Path | None = None) -> pathlib.Path:
        """An image with content, of any size."""
        path = self.make_image(0, inside=inside)
        path.write_bytes(content)
        return path

    def image_of(self, device: str) -> pathlib.Path:
        """The file under a loop device of this test."""
        self._guard(device)
        return self._devices[device]

    def _guard(self, device: str) -> None:
        """Refuse anything but a loop device that was attached here, to a file below this directory."""
        image = self._devices.get(device)
        assert image is not None and re.fullmatch(r"/dev/loop\d+", device), f"{device} is not a loop device of this test"
        told = pathlib.Path(f"/sys/block/{device[5:]}/loop/backing_file").read_text().rstrip("\n")
        assert told == str(image) and self.directory in image.parents, f"{device} lies over {told}, not over {image}"

    def attach(
        self, image: pathlib.Path, *, direct_io: bool = False, sector_size: int = 512, read_only: bool = False, partitions: bool = False
    ) -> str:
        need("losetup")
        image = image.resolve()
        assert self.directory in image.parents
        flags = {"--direct-io=on": direct_io, "--read-only": read_only, "--partscan": partitions}
        options = [flag for flag, wanted in flags.items() if wanted]
        device = run("losetup", "--find", "--show", f"--sector-size={sector_size}", *options, str(image)).strip()
        self._devices[device] = image
        self._undo.callback(self.detach, device)
        self._guard(device)
        return device

    def detach(self, device: str) -> None:
        if device not in self._devices:
            return
        self._guard(device)
        # The kernel keeps the flag with the number, for whoever gets that next.
        run("blockdev", "--setrw", device)
        run("losetup", "--detach", device)
        del self._devices[device]

    def swap(self, device: str, *, kib: int) -> None:
        """Swap to the beginning of a loop device of this test, which the kernel may write to from then on."""
        self._guard(device)
        need("mkswap", "swapon", "swapoff")
        run("mkswap", device, str(kib))
        run("swapon", device)
        self._undo.callback(run, "swapoff", device)

    def add_partitions(self, device: str) -> None:
        """Partitions from the table on a loop device, also where the kernel does not look for them itself."""
        self._guard(device)
        need("partx")
        if not os.path.exists(f"{device}p1"):
            run("partx", "--add", device)

    def set_read_only(self, device: str) -> None:
        """Until the end of the test; the kernel would keep it for the next file on this loop device."""
        self._guard(device)
        self._undo.callback(run, "blockdev", "--setrw", device)
        run("blockdev", "--setro", device)

    def make_filesystem(self, device: str, kind: str, *options: str) -> None:
        self._guard(_disk(device))
        need(f"mkfs.{kind}")
        force = {"btrfs": ["-f"], "xfs": ["-f"]}.get(kind, ["-F"])
        quiet = [] if kind == "xfs" else ["-q"]
        run(f"mkfs.{kind}", *force, *quiet, *options, device)

    def mount(self, source: str, kind: str, options: str = "") -> pathlib.Path:
        if source.startswith("/dev/"):
            self._guard(_disk(source))
        point = self.new("mount")
        point.mkdir()
        run("mount", "-t", kind, *(["-o", options] if options else []), source, str(point))
        self._mounts[point] = self._undo.enter_context(contextlib.ExitStack())
        self._mounts[point].callback(_unmount, point)
        return point

    def tree(self, root: pathlib.Path, executor: Executor | None = None) -> Tree:
        """A root with recordings, closed before its filesystem is unmounted."""
        tree = Tree(root, executor)
        mount = next((undo for point, undo in reversed(self._mounts.items()) if point in root.parents), self._undo)
        mount.callback(tree.close)
        return tree

    def holds(self, point: pathlib.Path) -> bool:
        """Whether something is mounted there by this bed."""
        return point in self._mounts

    def unmount(self, point: pathlib.Path) -> None:
        self._mounts.pop(point).close()
        assert not os.path.ismount(point)

    def serve(self, *, backing: pathlib.Path | None = None) -> tuple[pathlib.Path, pathlib.Path]:
        """A FUSE filesystem that can lie: its backing directory and its mount point."""
        need("fusermount3")
        if importlib.util.find_spec("mfusepy") is None or not os.path.exists("/dev/fuse"):
            not_run("the lying medium needs /dev/fuse, libfuse3 and the Python package mfusepy")
        backing = backing or self.new("backing")
        backing.mkdir(exist_ok=True)
        point = self.new("fuse")
        point.mkdir()
        server = subprocess.Popen([sys.executable, str(HERE / "lying_medium.py"), str(backing), str(point)], stderr=subprocess.PIPE)

        def stop() -> None:
            _unmount(point)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

        self._mounts[point] = self._undo.enter_context(contextlib.ExitStack())
        self._mounts[point].callback(stop)
        deadline = time.monotonic() + 30
        while not os.path.ismount(point):
            assert server.poll() is None and time.monotonic() < deadline, (
                server.stderr and server.poll() is not None and server.stderr.read()
            )
            time.sleep(0.02)
        return backing, point

    def filesystem(
        self, kind: str, *make: str, mount: str = "", mebibytes: int = 0, sector_size: int = 512, direct_io: bool = False
    ) -> Mounted:
        image = self.make_image(mebibytes or {"xfs": 320, "btrfs": 128}.get(kind, 160))
        device = self.attach(image, sector_size=sector_size, direct_io=direct_io)
        self.make_filesystem(device, kind, *make)
        return Mounted(self.mount(device, kind, mount), device, image)
