# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sanitize a medium by its own firmware: canaries first, then the command, then its log, then what is left of the canaries."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, replace

from .._errors import RefusedError
from .._executor import Executor
from .._media.firmware import RUNNING, Firmware, Status, refuse_running
from .._media.tools import Answer
from .bearing import Bearer, Remains
from .looking import Look
from .sanitized import Sanitized, SanitizeResult, judge_sanitize

__all__ = ["Course", "Earlier", "Note", "sanitize_medium"]

# The first looks come quickly, so that a short sanitize is seen in progress; then ever more rarely, up to the interval that was asked for.
_FIRST_LOOK = 0.02
# A link may come and go while a device is busy with itself; so many looks in vain are borne with.
_PATIENCE = 18
# Progress is told in steps of so many per cent.
_STEP = 5

Note = t.Callable[[str, t.Mapping[str, t.Any]], None]


@dataclass(frozen=True)
class Course:
    """How it is done.

    :arg poll: seconds between two looks at most.
    :arg timeout: after so many seconds this process stops watching, the device does not; C(None) for never.
    :arg on_unseen: C(refuse), or C(report) where processes that could not be looked at are named as a limit.
    :arg look: what is read afterwards besides the canaries; its C(every) is 0 for nothing.
    """

    poll: float = 10.0
    timeout: float | None = None
    on_unseen: str = "refuse"
    look: Look = Look(every=0)


@dataclass(frozen=True)
class Earlier:
    """What the journal tells of an interrupted run.

    :arg issued: the command was sent, or was about to be; C(accepted) as far as its answer is known.
    :arg laid: canaries that were laid, C(None) where that had not come to its end.
    """

    before: Status | None = None
    seen: tuple[Status, ...] = ()
    laid: int | None = None
    issued: bool = False
    accepted: bool | None = None


def sanitize_medium(
    executor: Executor,
    firmware: Firmware,
    bearers: t.Sequence[Bearer],
    course: Course,
    *,
    note: Note,
    earlier: Earlier | None = None,
) -> SanitizeResult:
    """Carry one technique out, or take an interrupted one up, and judge it.

    :arg bearers: all that the technique reaches, each with its canaries.
    :arg note: keeps a step on stable storage, before it is taken where it changes anything.
    :raises RefusedError: something speaks against it; the device was not touched.
    """
    return _Run(executor, firmware, bearers, course, note, earlier or Earlier()).go()


class _Run:
    """One sanitize on its way."""

    def __init__(
        self,
        executor: Executor,
        firmware: Firmware,
        bearers: t.Sequence[Bearer],
        course: Course,
        note: Note,
        earlier: Earlier,
    ) -> None:
        self.executor, self.firmware, self.bearers, self.course = executor, firmware, bearers, course
        self.earlier, self._note = earlier, note
        self.seen = Sanitized(
            firmware.action, firmware.logged, earlier.before or Status("unknown"), accepted=earlier.accepted, seen=list(earlier.seen)
        )
        self.limits: list[str] = list(dict.fromkeys([*(bearer.limit for bearer in bearers), *firmware.limits]))
        self.remains: list[Remains] = []

    def go(self) -> SanitizeResult:
        with contextlib.ExitStack() as held:
            if self._counts_already():
                self.seen.laid = self.earlier.laid or 0
            else:
                state = self._require_idle()
                for bearer in self.bearers:
                    self.limits.extend(bearer.require_free(self.course.on_unseen))
                for bearer in self.bearers:
                    held.enter_context(bearer.held(self.executor))
                self._begin(state)
            self._follow()
        if not self.seen.running:
            if self.seen.after.state != "failed":
                self.firmware.settle(self.executor)
            self._look_back()
            self._amend()
        return self._judged()

    def _require_idle(self) -> Status:
        """What the device says before anything is done.

        :raises RefusedError: something runs on the device, or it cannot be asked or told anything.
        """
        now = self.firmware.look()
        refuse_running(self._names, now)
        if now.state == "unknown":
            raise RefusedError(
                f"what {self._names} says of its sanitize state cannot be read ({now.told}), so nothing could be proven and nothing was done; "
                "look at the device and its tool"
            )
        ours = self.earlier.issued and self.firmware.waits
        if now.state == "frozen" or (now.state in ("locked", "armed") and not ours):
            told = {"frozen": "frozen", "locked": "locked with a password", "armed": "a password is set that nobody here has set"}
            raise RefusedError(
                f"{self._names} cannot be sanitized ({told[now.state]}), so nothing was done; free it (sleep and wake, or plug in anew), and run again"
            )
        return now

    @property
    def _names(self) -> str:
        return ", ".join(bearer.name for bearer in self.bearers)

    def _counts_already(self) -> bool:
        """Whether the command of an earlier run counts; where every canary is there still and nothing runs, it did nothing."""
        if not self.earlier.issued:
            return False
        now = self.firmware.look()
        if now.state in (RUNNING, "unknown", "failed"):
            return True
        if self.firmware.waits and now.state in ("armed", "locked"):
            # An erase that was cut off: the device waits for another one.
            return False
        if self.firmware.waits and not self.firmware.logged and self.earlier.accepted is None:
            # Its answer is lost, no log tells of it, and nothing runs: only another one can be proven.
            return False
        self.firmware.settle(self.executor)
        counts = [(bearer.count, *bearer.count_left()) for bearer in self.bearers]
        return any(unread or left < count for count, left, unread in counts)

    def _begin(self, state: Status) -> None:
        if self.firmware.waits and state.state in ("armed", "locked"):
            self.seen.laid = self.earlier.laid or 0
        else:
            self.seen.laid = sum(bearer.lay(self.executor) for bearer in self.bearers)
            # Writing is what clears the sign that nothing was written.
            self.seen.before = replace(state, fresh=self.firmware.look().fresh)
        self.seen.seen.clear()
        self._note("before", {"status": self.seen.before.row(), "laid": self.seen.laid})
        commands = self.firmware.commands()
        for command in commands:
            self.seen.told = self.firmware.objection()
            if self.seen.told:
                self.seen.accepted = False
                self._note("refused", {"what": command.what, "told": self.seen.told})
                return
            self._note("issuing", {"what": command.what})
            answer = command.carry_out(self.executor)
            self.seen.accepted = self.firmware.accepted(command, answer)
            self.seen.told = _words(answer)
            told = {True: "accepted", False: "refused", None: "answered"}[self.seen.accepted]
            now = self.firmware.look()
            self.seen.seen.append(now)
            self._note(told, {"what": command.what, "told": self.seen.told, "status": now.row(), "more": command != commands[-1]})
            if self.seen.accepted is False:
                return

    def _follow(self) -> None:
        """Look at the device's log until nothing runs any more, or for as long as is wanted."""
        deadline = None if self.course.timeout is None else time.monotonic() + self.course.timeout
        patience = _PATIENCE * self.course.poll
        pause, told, blind = _FIRST_LOOK, -_STEP, time.monotonic() + patience
        while True:
            now = self.firmware.look()
            self.seen.after = now
            if now.state == RUNNING:
                blind = time.monotonic() + patience
                percent = now.percent or 0
                if percent >= told + _STEP or percent < told:
                    told = percent
                    self.seen.seen.append(now)
                    self._note("in_progress", {"status": now.row()})
            elif now.state != "unknown" or time.monotonic() >= blind:
                break
            if deadline is not None and time.monotonic() >= deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, self.course.poll)
        self._note("ended" if now.state != RUNNING else "left", {"status": now.row()})

    def _look_back(self) -> None:
        """Look for canaries, and at the rest as far as was asked for, on what the identity names now."""
        for bearer in self.bearers:
            try:
                remains = bearer.look_back(self.course.look)
            except RefusedError as error:
                self.seen.lost = f"the medium cannot be looked at any more ({error.message})"
                return
            self.remains.append(remains)
            self.seen.left += remains.left
            self.seen.unread += remains.unread
            self.seen.residue = remains.residue or self.seen.residue
            self.seen.unlooked = remains.unlooked or self.seen.unlooked
            self.limits.extend(limit for limit in remains.limits if limit not in self.limits)
        self._note("looked", {"laid": self.seen.laid, "left": self.seen.left, "unread": self.seen.unread})

    def _amend(self) -> None:
        """Give a device on which it failed back the state that it had, such as without a password."""
        if judge_sanitize(self.seen)[0] != "destroyed":
            for command in self.firmware.amends():
                answer = command.carry_out(self.executor)
                self._note("amended", {"what": command.what, "told": _words(answer)})
        self.seen.leftover = self.firmware.residue()

    def _judged(self) -> SanitizeResult:
        outcome, reason = judge_sanitize(self.seen)
        if reason and self.seen.leftover and self.seen.leftover != reason:
            reason = f"{reason}; {self.seen.leftover}"
        return SanitizeResult(
            outcome,
            reason,
            self.seen.running,
            self.seen.transition,
            {"laid": self.seen.laid, "left": self.seen.left, "unread": self.seen.unread},
            tuple(self.limits),
            read={"bytes": sum(each.read_bytes for each in self.remains), "beginnings": sum(each.beginnings for each in self.remains)},
        )


def _words(answer: Answer) -> str:
    """What a tool said of its trouble; empty where it had none."""
    return " ".join((answer.errors or answer.problem).split())[:400]
