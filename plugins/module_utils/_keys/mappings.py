# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which names the kernel has a LUKS volume open, and closing them where nobody uses them."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .._media.guards import gather_use, require_free
from .._media.identity import Device
from .._media.tools import ask, failure, tell
from .erasable import Note

__all__ = ["Mapping", "below", "close_mappings", "mappings_of", "require_unused"]


class Mapping(t.NamedTuple):
    """One open volume.

    :ivar name: as C(dmsetup) has it.
    :ivar below: kernel names of all devices that it lies on.
    """

    name: str
    below: frozenset[str]


def _text(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="ascii", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def below(name: str, *, sys_root: str = "/sys") -> frozenset[str]:
    """Kernel names of all devices that one lies on, partitions as themselves."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        try:
            lower = os.listdir(os.path.join(sys_root, "class", "block", waiting.pop(), "slaves"))
        except OSError:
            continue
        waiting.extend(each for each in lower if each not in found)
        found.update(lower)
    return frozenset(found)


def mappings_of(uuid: str, *, sys_root: str = "/sys") -> list[Mapping]:
    """All names under which the kernel has the volume open, whatever device it lies on.

    :raises RefusedError: the kernel does not list its devices.
    """
    begins = tuple(f"CRYPT-LUKS{version}-{uuid.replace('-', '')}-" for version in (1, 2))
    block = os.path.join(sys_root, "block")
    try:
        names = sorted(os.listdir(block))
    except OSError as error:
        raise RefusedError(f"whether the volume is open cannot be seen in {block} ({error.strerror}), so nothing was done") from error
    return [
        Mapping(_text(block, name, "dm", "name"), below(name, sys_root=sys_root))
        for name in names
        if _text(block, name, "dm", "uuid").startswith(begins)
    ]


def require_unused(device: Device, uuid: str, *, close: bool, on_unseen: str, sys_root: str = "/sys", proc_root: str = "/proc") -> None:
    """Nothing, where the volume is closed, or may be closed, and nobody uses the device.

    :raises RefusedError: it is open, or something is in use.
    """
    found = mappings_of(uuid, sys_root=sys_root)
    names = ", ".join(each.name for each in found)
    elsewhere = [each for each in found if device.name not in each.below]
    if elsewhere:
        raise RefusedError(
            f"a volume with the UUID of that of {device.name} is open as {names} over another device, so nothing was done; "
            "close it, and see whether that is a copy of this one"
        )
    if found and not close:
        raise RefusedError(
            f"the volume of {device.name} is open as {names}, so nothing was done; stop what uses it and close it, or give close: true"
        )
    use = gather_use(device, sys_root=sys_root, proc_root=proc_root)
    if found:
        # Between a volume with integrity and its device lies a mapping that is closed with it.
        own = {name for each in found for name in (f"({each.name})", f"({each.name}_dif)")}
        use = dataclasses.replace(use, holders=tuple(each for each in use.holders if each.partition(" ")[2] not in own), exclusive="")
    require_free(use, on_unseen=on_unseen)
    for each in found:
        told = ask(["dmsetup", "info", "-c", "--noheadings", "-o", "open", each.name])
        if told.code != 0 or told.text.strip() != "0":
            why = failure(told) if told.code != 0 else f"{told.text.strip()} users have it open"
            raise RefusedError(
                f"the mapping {each.name} of {device.name} cannot be closed ({why}), so nothing was done; unmount and stop what uses it"
            )


def close_mappings(executor: Executor, device: Device, uuid: str, note: Note, *, sys_root: str = "/sys") -> None:
    """:raises DisposalError: one could not be closed."""
    for each in mappings_of(uuid, sys_root=sys_root):
        note("closing", {"mapping": each.name})
        told = tell(executor, ["cryptsetup", "close", each.name], "close an encrypted volume")
        if told.code != 0:
            raise DisposalError(
                f"the mapping {each.name} of {device.name} could not be closed ({failure(told)}); stop what uses it, and run again"
            )
