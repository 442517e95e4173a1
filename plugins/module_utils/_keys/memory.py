# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a key may be left in this host: keyrings, environments, swap, hibernation image, core dumps. Reads only, and tells what it looked at."""

from __future__ import annotations

import os
import re
import typing as t

from .preconditions import Precondition

__all__ = ["look_in_memory", "worst"]

_ORDER = ("met", "unknown", "not_met")
# What a swap area's first page ends with where it holds a hibernation image, of the kernel's own and of userspace's ways.
_IMAGES = (b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")
_SIGNATURE_BYTES = 10
# Of a process's flags, as the kernel's PF_KTHREAD.
_KERNEL_THREAD = 0x00200000
_PAGES = (4096, 16384, 65536)
_DUMPS = ("/var/lib/systemd/coredump", "/var/crash", "/var/lib/apport/coredump")

Finding = tuple[str, str]


def worst(states: t.Iterable[str]) -> str:
    """The state of several that must all hold."""
    return max(states, key=_ORDER.index, default="met")


def look_in_memory(
    names: t.Sequence[str],
    programs: t.Sequence[str],
    *,
    secret: bytes | None = None,
    proc_root: str = "/proc",
    sys_root: str = "/sys",
    root: str = "/",
) -> Precondition:
    """C(not_in_memory).

    :arg names: by which the kernel's keyrings would know the key, each a part of a description.
    :arg programs: that have held the key, whose core dumps would have it.
    :arg secret: what opens it, looked for in the processes' environments; without it those cannot be told.
    """
    found = [
        _keyrings(names, proc_root),
        _environments(secret, proc_root),
        *_swaps(proc_root, sys_root, root),
        *_dumps(programs, proc_root, root),
    ]
    return Precondition("not_in_memory", worst(state for state, _told in found), tuple(told for _state, told in found))


def _read(*parts: str) -> bytes | None:
    try:
        with open(os.path.join(*parts), "rb") as handle:
            return handle.read()
    except OSError:
        return None


def _keyrings(names: t.Sequence[str], proc_root: str) -> Finding:
    text = _read(proc_root, "keys")
    if text is None:
        return "unknown", "the kernel's keyrings cannot be read (/proc/keys)"
    found = [name for name in names if name.encode() in text]
    if found:
        return "not_met", f"the kernel's keyrings hold a key named {found[0]}"
    return "met", "no key of it in the kernel's keyrings that /proc/keys shows"


def _environments(secret: bytes | None, proc_root: str) -> Finding:
    if not secret:
        return "unknown", "environments of processes were not searched, since what opens it is not known"
    unread = count = 0
    for name in os.listdir(proc_root):
        if not name.isdigit():
            continue
        text = _read(proc_root, name, "environ")
        if text is None:
            unread += _has_memory(proc_root, name)
            continue
        count += 1
        if secret in text:
            return "not_met", f"the environment of process {name} holds what opens it"
    if unread:
        return "unknown", f"the environments of {unread} processes cannot be read"
    return "met", f"not in the environments of {count} processes"


def _has_memory(proc_root: str, name: str) -> bool:
    """Whether a process has an environment at all: those of the kernel have none, nor has one that has ended meanwhile."""
    text = _read(proc_root, name, "stat")
    if text is None:
        return os.path.isdir(os.path.join(proc_root, name))
    fields = text.rpartition(b")")[2].split()
    return fields[0] not in (b"Z", b"X") and not int(fields[6]) & _KERNEL_THREAD


def _swaps(proc_root: str, sys_root: str, root: str) -> t.Iterator[Finding]:
    text = _read(proc_root, "swaps")
    if text is None:
        yield "unknown", "whether there is swap cannot be read (/proc/swaps)"
        return
    places = [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split()[0]) for line in text.decode().splitlines()[1:]]
    for place in places:
        name = os.path.basename(os.path.realpath(place))
        uuid = (_read(sys_root, "class", "block", name, "dm", "uuid") or b"").decode("ascii", "replace")
        if uuid.startswith("CRYPT-"):
            yield "met", f"the swap area {place} is encrypted"
        elif name.startswith("zram"):
            yield "met", f"the swap area {place} is in memory"
        else:
            yield "unknown", f"pages that held the key may be in the swap area {place}, which is not encrypted"
    if not places:
        yield "met", "no swap is in use"
    yield _image(sys_root, root)


def _image(sys_root: str, root: str) -> Finding:
    """Whether the place to resume from holds a hibernation image."""
    number = (_read(sys_root, "power", "resume") or b"0:0").decode("ascii", "replace").strip()
    if number in ("", "0:0"):
        return "met", "no device to resume from is set"
    name = os.path.basename(os.path.realpath(os.path.join(sys_root, "dev", "block", number)))
    # Of a swap file its first page on the device, counted in pages.
    offset = (_read(sys_root, "power", "resume_offset") or b"0").strip()
    pages = int(offset) + 1 if offset.isdigit() else 1
    try:
        with open(os.path.join(root, "dev", name), "rb") as handle:
            ends = [(handle.seek(pages * page - _SIGNATURE_BYTES), handle.read(_SIGNATURE_BYTES))[1] for page in _PAGES]
    except OSError as error:
        return "unknown", f"the device {name} to resume from cannot be read ({error.strerror})"
    if any(end in _IMAGES for end in ends):
        return "not_met", f"the device {name} to resume from holds a hibernation image"
    return "met", f"the device {name} to resume from holds no hibernation image"


def _dumps(programs: t.Sequence[str], proc_root: str, root: str) -> t.Iterator[Finding]:
    """Core dumps of programs that held the key, where systems keep them."""
    pattern = (_read(proc_root, "sys", "kernel", "core_pattern") or b"").decode("utf-8", "replace").strip()
    places = [*_DUMPS, *([os.path.dirname(pattern)] if pattern.startswith("/") else [])]
    looked = []
    for place in dict.fromkeys(places):
        directory = os.path.join(root, place.lstrip("/"))
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield "unknown", f"core dumps in {place} cannot be listed ({error.strerror})"
            continue
        looked.append(place)
        found = [name for name in names if any(program in name for program in programs)]
        if found:
            yield "unknown", f"{place} holds a core dump that may have the key ({found[0][:60]})"
    yield "met", f"no core dump of {', '.join(programs)} in {', '.join(looked) or 'the usual places, of which there is none'}"
