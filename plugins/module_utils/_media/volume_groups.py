# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which volumes of the LVM group that a device belongs to are not active, so that what is in them is not seen."""

from __future__ import annotations

import glob
import json
import os

from .private_mounts import UnseenError
from .tools import Answer, ask, failure

__all__ = ["inactive_volumes", "parse_report"]

_JSON = ("--readonly", "--reportformat", "json")


def parse_report(answer: Answer, kind: str) -> list[dict[str, str]]:
    """The rows of a report of C(lvm), C(kind) being C(pv) or C(lv).

    :raises UnseenError: it is none.
    """
    if answer.code != 0:
        raise UnseenError(f"its volume group cannot be asked for ({failure(answer)}); install lvm2, or repair the group")
    try:
        rows = [row for report in json.loads(answer.text)["report"] for row in report.get(kind, [])]
        return [{str(key): str(value) for key, value in row.items()} for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnseenError("what lvm tells of its volume group is not understood; report it") from error


def inactive_volumes(path: str, *, sys_root: str = "/sys") -> list[str]:
    """The names of the volumes that are not active, of the group that has the device at a path. Reads only, and takes no lock.

    :raises UnseenError: that cannot be told.
    """
    groups = {row.get("vg_uuid", "") for row in parse_report(ask(["pvs", *_JSON, "-o", "vg_uuid", path]), "pv")} - {""}
    if len(groups) != 1:
        raise UnseenError("lvm knows no volume group that it belongs to; repair the group, or take the label off with pvremove")
    (group,) = groups
    told = ["-o", "lv_name,lv_uuid,segtype", "--select", f"vg_uuid={group}"]
    rows = parse_report(ask(["lvs", *_JSON, *told]), "lv")
    active = _active(sys_root)
    plain = group.replace("-", "")
    # What is in a pool is in its volumes, each of which has a row of its own.
    wanted = {row["lv_name"]: f"LVM-{plain}{row['lv_uuid'].replace('-', '')}" for row in rows if not row["segtype"].endswith("-pool")}
    return sorted(name for name, uuid in wanted.items() if uuid not in active)


def _active(sys_root: str) -> set[str]:
    found = set()
    for path in glob.glob(os.path.join(sys_root, "block", "dm-*", "dm", "uuid")):
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                found.add(handle.read().strip())
        except OSError:
            continue
    return found
