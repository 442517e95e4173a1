# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity that an ATA disk hides (HPA, DCO, AMAC): asked read-only with hdparm, and judged, and restored where that is asked for."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .._errors import RefusedError
from .._executor import Executor
from .identity import Device, parse_udev
from .scsi_node import rescan
from .tools import Answer, ask, failure, tell

__all__ = ["Hidden", "ask_hidden", "judge_hidden", "parse_dco", "parse_identify", "parse_max_sectors", "restore_capacity"]


@dataclass(frozen=True)
class Hidden:
    """What is known of hidden capacity.

    :arg state: C(not_applicable), C(none), C(hidden), C(unknown) where an ATA disk does not tell, C(unasked) where nothing can be asked.
    :arg told: one clause for a person.
    :arg native: sectors that a maximum address hides or shows, C(configured) those that a configuration overlay leaves or takes; 0 where
        the disk has no such thing.
    :arg real: sectors that the disk has with all that it hides, 0 where that is not known.
    """

    state: str
    told: str
    native: int = 0
    configured: int = 0
    real: int = 0


def parse_max_sectors(text: str) -> tuple[int, int] | None:
    """The visible and the native number of sectors that C(hdparm -N) tells; C(None) where it tells none that can be trusted.

    It ends with success also where a bridge made the numbers up ("seems invalid"), so only its words count.
    """
    found = re.search(r"^\s*max sectors\s+= (\d+)/(\d+), (?:HPA is|ACCESSIBLE MAX ADDRESS) (enabled|disabled)\s*$", text, re.MULTILINE)
    if found is None:
        return None
    visible, native = int(found[1]), int(found[2])
    return (visible, native) if 1 < visible <= native and (visible == native) == (found[3] == "disabled") else None


def parse_dco(text: str) -> int | None:
    """The real number of sectors that C(hdparm --dco-identify) tells; C(None) where it tells none or its checksum is wrong."""
    found = re.search(r"^\s*Real max sectors: (\d+)\s*$", text, re.MULTILINE)
    return int(found[1]) if found and int(found[1]) > 1 and "DCO Checksum verified." in text else None


def parse_identify(text: str) -> tuple[int, ...] | None:
    """The 256 words of C(hdparm --Istdout); C(None) where there are not as many."""
    lines = re.findall(r"^\s*((?:[0-9a-f]{4}\s+){7}[0-9a-f]{4})\s*$", text, re.MULTILINE)
    words = tuple(int(word, 16) for line in lines for word in line.split())
    return words if len(words) == 256 else None


def _features(words: t.Sequence[int]) -> tuple[bool, bool]:
    """Whether the disk can hide capacity by a maximum address (HPA, AMAC), and by DCO: words 82, 83 and 119 of IDENTIFY DEVICE."""
    valid = words[83] >> 14 == 1
    further = words[119] >> 14 == 1
    maximum = bool(valid and words[82] & 1 << 10) or bool(further and words[119] & 1 << 8)
    return maximum or not valid, bool(words[83] & 1 << 11) or not valid


def judge_hidden(sectors: int, identify: str, maximum: str, dco: str) -> Hidden:
    """The decision over what hdparm printed for one disk.

    :arg sectors: what the kernel shows, in the disk's logical sectors.
    :arg identify: of C(hdparm --Istdout); C(maximum) of C(-N), C(dco) of C(--dco-identify).
    """
    words = parse_identify(identify)
    if words is None:
        return Hidden("unknown", "whether the disk hides capacity (HPA, DCO, AMAC) cannot be read from it")
    has_maximum, has_dco = _features(words)
    real, native, configured = sectors, 0, 0
    if has_maximum:
        read = parse_max_sectors(maximum)
        if read is None:
            return Hidden("unknown", "whether the disk hides capacity behind a maximum address (HPA, AMAC) cannot be read from it")
        native = read[1]
        real = max(real, native)
    by = "a maximum address (HPA or AMAC)"
    if has_dco:
        told = parse_dco(dco)
        if told is None:
            return Hidden("unknown", "whether the disk hides capacity by a configuration overlay (DCO) cannot be read from it")
        by = "a configuration overlay (DCO)" if told > real else by
        configured = told
        real = max(real, told)
    if real > sectors:
        return Hidden("hidden", f"the disk hides {real - sectors} of its {real} sectors behind {by}", native, configured, real)
    return Hidden("none", "the disk hides no capacity (HPA, DCO, AMAC)", real=real)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def ask_hidden(device: Device, *, sys_root: str = "/sys", run_root: str = "/run") -> Hidden:
    """Ask one device; only commands that read are sent, and only to an ATA disk."""
    if device.partition:
        return Hidden("not_applicable", "a partition: what its disk hides is not part of it")
    directory = os.path.realpath(os.path.join(sys_root, "class", "block", device.name))
    udev = parse_udev(_read(os.path.join(run_root, "udev", "data", f"b{device.major}:{device.minor}")))
    attributes = os.path.join(directory, "device")
    ata = _read(os.path.join(attributes, "vendor")) == "ATA" or os.path.exists(os.path.join(attributes, "vpd_pg89")) or "ID_ATA" in udev
    if not ata and "/usb" in directory:
        return Hidden("unasked", "behind a USB bridge: hidden capacity (HPA, DCO) of a disk in it cannot be asked")
    if not ata:
        return Hidden("not_applicable", "not an ATA disk: there is no HPA, DCO or AMAC")
    if not device.size:
        return Hidden("unknown", "whether the disk hides capacity (HPA, DCO, AMAC) cannot be told while it shows no size")
    identify, maximum, dco = (ask(["hdparm", option, device.path]).text for option in ("--Istdout", "-N", "--dco-identify"))
    return judge_hidden(device.size // device.logical, identify, maximum, dco)


def restore_capacity(executor: Executor, device: Device, hidden: Hidden) -> None:
    """Make all of a disk visible for good: the maximum address first, then the configuration, then the maximum address that this leaves.

    :raises RefusedError: the disk hides something still.
    """
    sure, answers = "--yes-i-know-what-i-am-doing", list[Answer]()
    sectors = device.size // device.logical
    if hidden.native > sectors:
        answers.append(
            tell(executor, ["hdparm", sure, "-N", f"p{hidden.native}", device.path], "show the sectors behind a maximum address")
        )
    if hidden.configured > max(sectors, hidden.native):
        answers.append(tell(executor, ["hdparm", sure, "--dco-restore", device.path], "take off a configuration overlay"))
        answers.append(tell(executor, ["hdparm", sure, "-N", f"p{hidden.configured}", device.path], "show the sectors that it had hidden"))
    rescan(executor, device, whatever=True)
    identify, maximum, dco = (ask(["hdparm", option, device.path]).text for option in ("--Istdout", "-N", "--dco-identify"))
    now = judge_hidden(sectors, identify, maximum, dco)
    shown = parse_max_sectors(maximum)
    if shown is None or shown[0] < max(hidden.native, hidden.configured):
        said = "; ".join(failure(answer) for answer in answers if answer.code != 0 or answer.errors.strip())
        raise RefusedError(
            f"{device.name} still hides capacity ({now.told}{f'; hdparm said: {said}' if said else ''}), so nothing was destroyed; "
            "switch the disk off and on, since it takes such a command only once, and run again"
        )
