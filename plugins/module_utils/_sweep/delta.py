# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has changed on a host since its plan was made."""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import RefusedError
from .._retention.rows import PlanFile, row_fingerprint
from .inputs import Inputs

__all__ = ["Delta", "find_delta"]

UNCHANGED = ""
CHANGED = "changed since the plan"
ABSENT = "vanished or no longer due since the plan"


class Delta:
    """The plan's due sets against a fresh pass over the host.

    C(state) gives for each planned set C("") while it is just as planned, else the reason why it is skipped.
    C(classes) counts planned due sets and bytes by class, C(members) their files.
    """

    def __init__(self) -> None:
        self.state: dict[str, str] = {}
        self.classes: dict[str, list[int]] = {}
        self.due = [0, 0]
        self.members = 0
        self.newly_due = 0

    def summary(self) -> dict[str, t.Any]:
        """Counts by reason, for people."""
        reasons: dict[str, int] = {}
        for reason in self.state.values():
            reasons[reason or "as planned"] = reasons.get(reason or "as planned", 0) + 1
        return {"planned": len(self.state), "as_planned": reasons.pop("as planned", 0), "skipped": reasons, "newly_due": self.newly_due}

    def sentence(self) -> str:
        """The same in words."""
        told = self.summary()
        parts = [f"{told['as_planned']} of {told['planned']} sets are as planned"]
        parts += [f"{count} {reason}" for reason, count in sorted(told["skipped"].items())]
        if told["newly_due"]:
            parts.append(f"{told['newly_due']} are due that the plan does not name")
        return ", ".join(parts)


def find_delta(plan: PlanFile, inputs: Inputs, *, resumed: bool = False) -> tuple[Delta, t.Any]:
    """A fresh pass over the host, held against the plan; with the fresh pass's tally.

    :raises RefusedError: a root is missing, empty, unmounted, a link.
    """
    delta = Delta()
    planned: dict[str, bytes] = {}
    devices: dict[str, int] = {}
    for row in plan.due():
        planned[row.set] = row.fingerprint
        devices.setdefault(row.root, row.members[0].dev)
        delta.state[row.set] = ABSENT
        delta.members += len(row.members)
        counts = delta.classes.setdefault(row.retention_class or "", [0, 0])
        for into in (counts, delta.due):
            into[0] += 1
            into[1] += row.size

    _refuse_other_devices(devices)

    def compare(rows: bytes) -> None:
        for line in rows.splitlines():
            found = json.loads(line)
            name, verdict = found["set"], found["verdict"]
            if name not in planned:
                delta.newly_due += verdict == "due"
            elif verdict != "due":
                delta.state[name] = f"{verdict} since the plan: {', '.join(found['reason'])}"
            else:
                same = row_fingerprint(line) == planned[name]
                delta.state[name] = UNCHANGED if same else CHANGED

    planner = inputs.planner()
    try:
        tally = planner.plan(_lines(compare), may_be_empty=resumed)
    finally:
        planner.close()
    return delta, tally


def _refuse_other_devices(devices: t.Mapping[str, int]) -> None:
    """Refuse a root that is not on the device that it was planned on: unmounted, its sets would look gone.

    :raises RefusedError: naming it.
    """
    for root, device in devices.items():
        try:
            found = os.stat(root, follow_symlinks=False).st_dev
        except OSError:
            # The pass tells why a root cannot be opened; a quarantine directory may have been emptied and removed.
            continue
        if found != device:
            raise RefusedError(f"the root {root} is on another device than when it was planned; mount it as it was, or plan again")


def _lines(take: t.Callable[[bytes], None]) -> t.Callable[[bytes], None]:
    """Rows may come in chunks that end within a row."""
    rest = bytearray()

    def emit(chunk: bytes) -> None:
        rest.extend(chunk)
        end = rest.rfind(b"\n") + 1
        if end:
            take(bytes(rest[:end]))
            del rest[:end]

    return emit
