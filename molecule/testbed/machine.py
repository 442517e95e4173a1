# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the test-bed asks of the machine, and the guards: which processes, loop devices and addresses are its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import time
import typing as t
import zlib
from pathlib import Path

__all__ = ["BedError", "alive", "child_of", "free_network", "identity", "loops_of", "make_key", "own_image", "run", "wait_until"]

STOP_SECONDS = 20


class BedError(Exception):
    """The test-bed cannot do what it was asked; the message is one sentence for people."""


class Process(t.TypedDict):
    """A process by number and start time, so that a number given out again is not taken for it."""

    pid: int
    start: str


def run(*command: str, check: bool = True) -> str:
    """Run a tool and return what it printed.

    :raises BedError: it failed.
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise BedError(f"{shlex.join(command)} failed: {' '.join(done.stderr.split()) or f'exit status {done.returncode}'}")
    return done.stdout


def make_key(path: Path, comment: str) -> None:
    """An SSH key without a passphrase, C(path) and C(path).pub."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def wait_until(holds: t.Callable[[], bool], what: str, seconds: float = STOP_SECONDS) -> None:
    """Look until something holds.

    :raises BedError: it does not in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise BedError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third, the state, on; empty where there is no such process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    return []


def identity(pid: int) -> Process:
    """A process to be recognised later; one that has ended already is never alive."""
    fields = _stat(pid)
    return {"pid": pid, "start": fields[19] if fields else ""}


def alive(process: Process) -> bool:
    """Whether this very process still runs; one that only waits to be reaped does not."""
    fields = _stat(process["pid"])
    return bool(fields) and fields[0] not in "ZX" and fields[19] == process["start"]


def child_of(parent: int) -> int | None:
    """The first child of a process."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields and int(fields[1]) == parent:
                return int(name)
    return None


def loops_of(image: Path) -> list[str]:
    """Loop devices over an image, by the kernel's own list."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if backing.read_text(encoding="utf-8").rstrip("\n").removesuffix(" (deleted)") == str(image):
                found.append(backing.parents[1].name)
    return found


def own_image(path: Path, work: Path) -> Path:
    """An image that may be read or written: a regular file right in the work directory, not a link and no device of any kind.

    :raises BedError: it is anything else.
    """
    if path.is_symlink() or not path.is_file() or Path(os.path.realpath(path)).parent != Path(os.path.realpath(work)):
        raise BedError(f"{path} is not an image file in {work}; the test-bed touches no other file system and no device")
    return Path(os.path.realpath(path))


def free_network(seed: str) -> str:
    """Three octets of a network that this machine has no address in; from the range set aside for tests of network devices."""
    used = {
        ".".join(address["local"].split(".")[:3])
        for link in json.loads(run("ip", "-j", "-4", "address", "show") or "[]")
        for address in link.get("addr_info", [])
        if "local" in address
    }
    first = zlib.crc32(seed.encode())
    for step in range(256):
        network = f"198.18.{(first + step) % 256}"
        if network not in used and not list(Path("/sys/class/net").glob(f"rdt{network.split('.')[2]}-*")):
            return network
    raise BedError("every network of 198.18.0.0/16 is in use on this machine")
