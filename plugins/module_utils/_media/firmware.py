# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every firmware technique is to the engine: a state that can be looked at, commands that begin it, and what they leave behind."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass

from .._errors import RefusedError
from .._executor import Executor
from .tools import Answer, tell

__all__ = ["RUNNING", "VERIFYING", "Command", "Firmware", "Status", "failure_mode", "refuse_running", "watched"]

RUNNING = "in_progress"
VERIFYING = "verifying"


@dataclass(frozen=True)
class Status:
    """What the device says of its last or present sanitize, whoever began it.

    :arg state: C(never) (none has succeeded), C(done), C(in_progress), C(failed), C(frozen), C(armed) (a password is set for the erase),
        C(locked), C(verifying) (done, and its media can be read as they are until that is ended), C(idle) where the device tells only
        that nothing runs, or C(unknown) where it cannot be read.
    :arg progress: from 0 to 65535 while one is in progress.
    :arg action: which one it was, as the technique's own log names it; empty where the log does not tell.
    :arg fresh: nothing was written since the last success; C(None) where the log does not tell.
    :arg told: the device's or the tool's words, for a person.
    """

    state: str
    progress: int | None = None
    action: str = ""
    fresh: bool | None = None
    told: str = ""

    @property
    def percent(self) -> int | None:
        return None if self.progress is None else self.progress * 100 // 65535

    def row(self) -> dict[str, t.Any]:
        """As plain data, for a journal."""
        return {"state": self.state, "progress": self.progress, "action": self.action, "fresh": self.fresh, "told": self.told[:400]}

    @classmethod
    def of(cls, row: t.Mapping[str, t.Any]) -> Status:
        """What C(row) gave."""
        return cls(row["state"], row["progress"], row["action"], row["fresh"], row["told"])


class Command(t.NamedTuple):
    """One command to a tool, or to the kernel.

    :arg what: it does, for a person and for check mode.
    :arg seconds: it may take, C(None) for as long as it takes.
    :arg call: is made in place of a tool, where there is one.
    """

    argv: tuple[str, ...]
    what: str
    seconds: float | None = 120.0
    call: t.Callable[[Executor], Answer] | None = None

    def carry_out(self, executor: Executor) -> Answer:
        return self.call(executor) if self.call is not None else tell(executor, self.argv, self.what, seconds=self.seconds)


class Firmware(abc.ABC):
    """One technique on one device.

    :ivar technique: its name.
    :ivar action: as its log names it.
    :ivar logged: the device itself tells of its progress or end, so that this command's transition can be seen.
    :ivar limits: what it does not reach, one sentence each.
    :ivar waits: the command returns when it is over, so nothing can be asked meanwhile.
    :ivar detaches: of a technique that waits, the last command may be left to itself and found again.
    :ivar no_verification: why the device cannot be looked at in a media verification state; empty where it is had to enter one.
    """

    technique: str
    action: str
    logged: bool
    waits: bool
    detaches: bool = False
    limits: tuple[str, ...] = ()
    no_verification: str = "only an NVMe Sanitize has such a state"

    @abc.abstractmethod
    def look(self) -> Status:
        """What the device says now; never raises."""

    @abc.abstractmethod
    def commands(self) -> list[Command]:
        """What begins it, in order; each is sent only after the one before it was accepted."""

    @abc.abstractmethod
    def accepted(self, command: Command, answer: Answer) -> bool | None:
        """Whether the device took a command; C(None) where its answer does not tell."""

    def objection(self) -> str:
        """Asked just before each command: why it must not be sent any more; empty where nothing speaks against it."""
        return ""

    def exits(self) -> list[Command]:
        """What leads out of the mode that a failed sanitize leaves, where that is allowed without another sanitize."""
        return []

    def ends_verification(self) -> list[Command]:
        """What leads out of the media verification state."""
        return []

    def amends(self) -> list[Command]:
        """After a failure, what gives the device back the state that it had before."""
        return []

    def settle(self, executor: Executor) -> None:  # noqa: B027 - most techniques need nothing here
        """Once it is over, have the kernel look at the device anew where it needs that."""

    def residue(self) -> str:
        """What the technique left behind that it should not have; empty where nothing."""
        return ""


def refuse_running(names: str, status: Status) -> None:
    """:raises RefusedError: something runs on the devices that no journal of this host knows."""
    if status.state == VERIFYING:
        raise RefusedError(
            f"{names} is in the media verification state of a sanitize that the journal of this host does not know, so nothing was done; "
            "find out who began it, have it ended (nvme sanitize --sanact=5), and run again"
        )
    if status.state == RUNNING:
        raise RefusedError(
            f"a sanitize is in progress on {names} ({status.percent if status.percent is not None else 'an unknown number of'} %) that the journal "
            "of this host does not know, so nothing was done; wait for its end, find out who began it, and run again"
        )


def failure_mode(name: str, status: Status) -> str:
    """What a sanitize that failed has left behind; empty where it did not."""
    if status.state != "failed":
        return ""
    return (
        f"{name} is in the failure mode of its sanitize and refuses reads and writes until one succeeds; run it again, name a fallback that the "
        "drive offers, or destroy it physically"
    )


def watched(before: Status, seen: t.Sequence[Status], after: Status, action: str) -> str:
    """How this command's transition was seen; empty where it was not. A log that says success proves nothing by itself.

    :arg before: what the device said before the command.
    :arg seen: what it said since then, in order.
    :arg action: that was asked for.
    """
    others = {status.action for status in (*seen, after) if status.action} - {action}
    if after.state not in ("done", "idle") or others:
        return ""
    if any(status.state == RUNNING for status in seen):
        return "in progress, then done"
    if any(status.state == "armed" for status in (before, *seen)):
        return "the password that the erase needs was set, then gone"
    if after.state != "done":
        return ""
    if before.state in ("never", "idle", "failed"):
        return f"{before.state}, then done"
    if before.action and before.action != after.action:
        return f"{before.action}, then {after.action}"
    if before.fresh is False and after.fresh:
        return "data written since the last sanitize, then none"
    return ""
