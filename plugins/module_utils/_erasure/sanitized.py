# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sanitize by the medium's own firmware came to, judged from what was seen."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._media.firmware import RUNNING, VERIFYING, Status, watched

__all__ = ["SanitizeResult", "Sanitized", "judge_sanitize"]


@dataclass(frozen=True)
class SanitizeResult:
    """What came of one sanitize.

    :arg reason: one sentence; C(None) exactly where the outcome is C(destroyed).
    :arg running: it goes on in the device, or may; nothing else may be begun there.
    :arg transition: how this command's own transition was seen; empty where it was not.
    :arg percent: of the way that it has come, while it runs and where the device tells.
    :arg fresh: at its end the device said that nothing was written since; C(None) where its log does not tell.
    :arg verification: what was seen in the device's media verification state, or why nothing.
    """

    outcome: str
    reason: str | None
    running: bool
    transition: str
    canaries: t.Mapping[str, int]
    limits: tuple[str, ...]
    read: t.Mapping[str, t.Any] = field(default_factory=dict)
    percent: int | None = None
    fresh: bool | None = None
    verification: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass
class Sanitized:
    """All that was seen of one sanitize.

    :ivar logged: the device tells of its progress or end itself; without that only what is read back counts.
    :ivar accepted: whether the device took the command; C(None) where its answer does not tell.
    :ivar before: what it said before; C(seen) since then, in order; C(after) at last.
    :ivar laid: canaries that were there before; C(left) those of which something is left, C(unread) those that could not be read.
    :ivar unlaid: why none could be laid by this run.
    :ivar withheld: why the command was not given to the device.
    :ivar waits: the tool returns when it is over, so once it has nothing can be running.
    :ivar shown: canaries of which something was left in the device's media verification state.
    :ivar residue: what a look at the rest of the medium found; C(unlooked) why it could not be looked at.
    :ivar leftover: what the technique itself left behind.
    :ivar lost: why the medium cannot be looked at any more, or is another one.
    """

    action: str
    logged: bool
    before: Status
    accepted: bool | None = None
    told: str = ""
    seen: list[Status] = field(default_factory=list)
    after: Status = Status("unknown")
    laid: int = 0
    left: int = 0
    unread: int = 0
    unlaid: str = ""
    withheld: str = ""
    waits: bool = False
    shown: int = 0
    residue: str = ""
    unlooked: str = ""
    leftover: str = ""
    lost: str = ""

    @property
    def running(self) -> bool:
        """Whether it goes on, or may."""
        if self.withheld:
            return False
        return self.after.state in (RUNNING, VERIFYING) or (self.after.state == "unknown" and (self.logged or not self.waits))

    @property
    def transition(self) -> str:
        return watched(self.before, self.seen, self.after, self.action)


def judge_sanitize(seen: Sanitized) -> tuple[str, str | None]:
    """The outcome and, unless it is C(destroyed), the reason.

    C(destroyed) only where the device took the command, its log shows this command's own way to its end where it keeps one, and no canary
    is left. What speaks against it weighs more than what is not known.
    """
    if seen.withheld:
        return "not_destroyed", f"it was not begun, since {seen.withheld}; but for {seen.laid} canaries nothing was written"
    if not seen.lost and seen.after.state == RUNNING:
        return "unknown", "it is still in progress; run the same task again, which watches it to its end"
    said = f" ({seen.told})" if seen.told else ""
    for problem in (
        f"{seen.left} of {seen.laid} canaries are still there, whatever the device says{said}" if seen.left else "",
        f"{seen.shown} of {seen.laid} canaries are still on the medium, as its media verification state shows" if seen.shown else "",
        seen.residue,
        f"the device says that it failed ({seen.after.told or 'no reason is given'})" if seen.after.state == "failed" else "",
        f"the device refused it ({seen.told or 'no reason is given'})" if seen.accepted is False else "",
    ):
        if problem:
            return "not_destroyed", problem
    for problem in (
        seen.lost,
        _nothing_laid(seen) if not seen.laid else "",
        f"{seen.unread} of {seen.laid} canaries could not be read{f' ({seen.unlooked})' if seen.unlooked else ''}" if seen.unread else "",
        "the device is still in its media verification state" if seen.after.state == VERIFYING else "",
        f"the device's log cannot be read ({seen.after.told})" if seen.after.state == "unknown" else "",
        "the device's log does not show that this command ran: what it says now it said before"
        if seen.logged and not seen.transition
        else "",
        f"whether the device took the command is not known ({seen.told or 'the tool did not come to its end'})" if not _taken(seen) else "",
        seen.unlooked,
        seen.leftover,
    ):
        if problem:
            return "unknown", problem
    return "destroyed", None


def _nothing_laid(seen: Sanitized) -> str:
    told = "no canaries could be laid before, so nothing shows that it did anything"
    return f"{told} ({seen.unlaid}); run the task again, which lays them once the device can be written to" if seen.unlaid else told


def _taken(seen: Sanitized) -> bool:
    """The device said so, or its log shows it."""
    return bool(seen.accepted) or bool(seen.logged and seen.transition)
