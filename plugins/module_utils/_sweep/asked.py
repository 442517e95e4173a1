# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One technique on one medium as C(sanitize) was asked for it, and whether what it reaches is still what was looked at."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._erasure.schemes import STANDARD
from .._errors import RefusedError
from .._evidence.canonical import digest_of
from .._media.cartridge import Cartridge
from .._media.choosing import reaches_all_namespaces, running_on
from .._media.identity import Device, find_device, list_devices, namespaces_of, same_medium
from .._media.nvme_erase import count_namespaces, formats_all
from .subject import Subject

__all__ = ["Task", "reached_by", "recheck"]


class Task(t.NamedTuple):
    """One technique on one medium.

    :ivar device: that was named; C(reached) all that the technique reaches, it among them.
    :ivar reachable: the level that the technique reaches, by the words of C(standard).
    """

    device: Subject
    reached: tuple[Subject, ...]
    technique: str
    required: str
    reachable: str
    standard: str = STANDARD

    @property
    def method(self) -> dict[str, str]:
        return {"technique": self.technique, "level": self.required}

    @property
    def subject(self) -> dict[str, t.Any]:
        """What names the medium. Not its size: a device that is busy with a sanitize may show none."""
        return {"facts": {key: list(values) for key, values in sorted(self.device.facts.items())}}

    @property
    def set(self) -> str:
        return digest_of({"device": self.subject})

    @property
    def name(self) -> str:
        return digest_of({"kind": "sanitize", "subject": self.subject, "technique": self.technique})

    @property
    def names(self) -> list[str]:
        """Of all that it reaches, for a person."""
        return [device.name for device in self.reached] or [self.device.name]

    def told(self) -> dict[str, t.Any]:
        """What each record of it repeats."""
        return {"set": self.set, "class": None, "rule": "device", "bytes": sum(each.size for each in self.reached), "members": 1}


def reached_by(device: Subject, technique: str, *, all_namespaces: bool) -> tuple[Subject, ...]:
    """All that a technique reaches.

    :raises RefusedError: more than was named, or nobody can tell how much.
    """
    # Opal reverts a disk as well, which has no namespaces.
    if isinstance(device, Cartridge) or (technique.startswith("opal") and not device.name.startswith("nvme")):
        return (device,)
    if not reaches_all_namespaces(technique) and not (technique.startswith("nvme_format") and formats_all(device)):
        return (device,)
    others = [each if each.name != device.name else device for each in namespaces_of(device, list_devices())]
    count = count_namespaces(device)
    if count != len(others):
        told = f"it has {count}, and this host sees {len(others)}" if isinstance(count, int) else f"how many it has cannot be read: {count}"
        raise RefusedError(
            f"{technique} would reach all namespaces of the drive of {device.name} ({told}), so nothing was done; attach or delete the others, "
            "or name a technique for one namespace"
        )
    if len(others) > 1 and not all_namespaces:
        raise RefusedError(
            f"{technique} would reach all {len(others)} namespaces of the drive ({', '.join(each.name for each in others)}), and only {device.name} "
            "is named, so nothing was done; give all_namespaces: true if all are meant, or a technique for one namespace"
        )
    return tuple(_asked(each) for each in others)


def _asked(device: Device) -> Device:
    """The device with an identity by which it is found again."""
    if device.asked:
        return device
    wwn = device.facts.get("wwn", ())
    if not wwn:
        raise RefusedError(
            f"the namespace {device.name} of the same drive has no identity of its own, so it could not be found again and nothing was done; "
            "delete that namespace, or destroy the drive physically"
        )
    return find_device({"wwn": wwn[0]})


def _as_it_is_now(device: Device) -> Device:
    """What the identity names now; of one whose sanitize has failed with the size that it had, where it shows none."""
    if running_on(device).state != "failed":
        return find_device(device.asked)
    now = find_device({key: value for key, value in device.asked.items() if key != "size_bytes"}, sizeless=True)
    return now if now.size else replace(now, size=device.size)


def recheck(task: Task) -> str:
    """Why the technique would not reach what was announced any more; empty where it does. Which cartridge is in a drive its technique asks."""
    if isinstance(task.device, Cartridge):
        return ""
    try:
        for each in (device for device in task.reached if isinstance(device, Device)):
            now = _as_it_is_now(each)
            if not same_medium(now.identity, each.identity) or now.number != each.number or now.sequence != each.sequence:
                return f"{each.name} is no longer the device that was looked at"
        names = sorted(each.name for each in reached_by(task.device, task.technique, all_namespaces=True))
    except RefusedError as error:
        return error.message.partition(", so nothing")[0]
    return "" if names == sorted(task.names) else f"it would reach {', '.join(names)}, and {', '.join(task.names)} were looked at"
