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
from .._media.detached import Detached
from .._media.firmware import RUNNING, VERIFYING, Command, Firmware, Status, refuse_running
from .._media.tools import Answer
from .bearing import Bearer, Remains
from .looking import Look
from .sanitized import Sanitized, SanitizeResult, judge_sanitize

__all__ = ["Course", "Earlier", "Note", "counts_already", "require_idle", "sanitize_medium"]

# The first looks come quickly, so that a short sanitize is seen in progress; then ever more rarely, up to the interval that was asked for.
_FIRST_LOOK = 0.02
# A link may come and go while a device is busy with itself; so many looks in vain are borne with.
_PATIENCE = 18
# Progress is told in steps of so many per cent.
_STEP = 5
# While a tool waits the journal is told so every so many seconds.
_TELL = 60.0
# In these states of a device its medium can perhaps not be written to.
_SHUT = ("failed", "armed", "locked")
_REUSED = (
    "the canaries were laid before an earlier attempt that failed, since the device could not be written to after it; which of them were gone "
    "already cannot be told"
)

Note = t.Callable[[str, t.Mapping[str, t.Any]], None]


@dataclass(frozen=True)
class Course:
    """How it is done.

    :arg poll: seconds between two looks at most.
    :arg timeout: after so many seconds this process stops watching, the device does not; C(None) for never.
    :arg on_unseen: C(refuse), or C(report) where processes that could not be looked at are named as a limit.
    :arg look: what is read afterwards besides the canaries; its C(every) is 0 for nothing.
    :arg directory: of the run, where a tool that waits for the device is found again; without it such a tool ends with this process.
    """

    poll: float = 10.0
    timeout: float | None = None
    on_unseen: str = "refuse"
    look: Look = Look(every=0)
    directory: str = ""


@dataclass(frozen=True)
class Earlier:
    """What journals tell of runs before this one.

    :arg issued: the command was sent, or was about to be, and counts still; C(accepted) as far as its answer is known.
    :arg laid: canaries that were laid, C(None) where that had not come to its end.
    :arg reused: these very canaries were laid by a run that ended before; they count where this one cannot lay them anew.
    :arg ours: a password that the device has was set by such a run.
    """

    before: Status | None = None
    seen: tuple[Status, ...] = ()
    laid: int | None = None
    issued: bool = False
    accepted: bool | None = None
    reused: int = 0
    ours: bool = False


def sanitize_medium(
    executor: Executor,
    firmware: Firmware,
    bearers: t.Sequence[Bearer],
    course: Course,
    *,
    note: Note,
    earlier: Earlier | None = None,
    recheck: t.Callable[[], str] = lambda: "",
) -> SanitizeResult:
    """Carry one technique out, or watch what an interrupted run has begun, and judge it.

    :arg bearers: all that the technique reaches, each with its canaries.
    :arg note: keeps a step on stable storage, before it is taken where it changes anything.
    :arg earlier: where its command was issued, it is watched and nothing is begun; whoever calls has made sure that it C(counts_already).
    :arg recheck: asked just before each command: why what is reached is not what was announced; empty where it is.
    :raises RefusedError: something speaks against it; the device was not touched.
    """
    return _Run(executor, firmware, bearers, course, note, earlier or Earlier(), recheck).go()


def require_idle(firmware: Firmware, names: str, *, ours: bool = False) -> Status:
    """What the device says before anything is done.

    :arg ours: a password that it has was set for an erase that was cut off.
    :raises RefusedError: something runs on the device, or it cannot be asked or told anything.
    """
    now = firmware.look()
    refuse_running(names, now)
    if now.state == "unknown":
        raise RefusedError(
            f"what {names} says of its sanitize state cannot be read ({now.told}), so nothing could be proven and nothing was done; "
            "look at the device and its tool"
        )
    if now.state == "frozen" or (now.state in ("locked", "armed") and not ours):
        told = {"frozen": "frozen", "locked": "locked with a password", "armed": "a password is set that nobody here has set"}
        raise RefusedError(
            f"{names} cannot be sanitized ({told[now.state]}), so nothing was done; free it (sleep and wake, or plug in anew), and run again"
        )
    return now


def counts_already(
    executor: Executor | None, firmware: Firmware, bearers: t.Sequence[Bearer], earlier: Earlier, *, directory: str = ""
) -> bool:
    """Whether the command that an interrupted run has issued counts, so that it must be watched and none be begun.

    Where every canary is there still and nothing runs, it did nothing.

    :arg executor: C(None) where nothing may be written, not even to have the kernel look at the device anew.
    """
    tool = Detached(directory) if directory else None
    if tool and tool.running:
        return True
    now = firmware.look()
    if now.state in (RUNNING, VERIFYING, "unknown", "failed"):
        return True
    if firmware.waits and now.state in ("armed", "locked"):
        # An erase that was cut off: the device waits for another one.
        return False
    answered = earlier.accepted is not None or bool(tool and tool.answer())
    if firmware.waits and not firmware.logged and not answered:
        # Its answer is lost, no log tells of it, and nothing runs: only another one can be proven.
        return False
    if executor is not None:
        firmware.settle(executor)
    counts = [(bearer.count, *bearer.count_left()) for bearer in bearers]
    return any(unread or left < count for count, left, unread in counts)


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
        recheck: t.Callable[[], str],
    ) -> None:
        self.executor, self.firmware, self.bearers, self.course = executor, firmware, bearers, course
        self.earlier, self._note, self._recheck = earlier, note, recheck
        self.seen = Sanitized(
            firmware.action,
            firmware.logged,
            earlier.before or Status("unknown"),
            accepted=earlier.accepted,
            seen=list(earlier.seen),
            waits=firmware.waits,
        )
        self.limits: list[str] = list(dict.fromkeys([*(bearer.limit for bearer in bearers), *firmware.limits]))
        self.remains: list[Remains] = []
        self.verification: dict[str, t.Any] = {}
        self._tool = Detached(course.directory) if course.directory and firmware.detaches else None
        self._deadline: float | None = None
        self._begun = self.earlier.issued

    def go(self) -> SanitizeResult:
        with contextlib.ExitStack() as held:
            if self.earlier.issued:
                self.seen.laid = self.earlier.laid or 0
                over = self._take_up()
            else:
                state = require_idle(self.firmware, self._names, ours=self.earlier.ours)
                for bearer in self.bearers:
                    self.limits.extend(bearer.require_free(self.course.on_unseen, failed=state.state == "failed"))
                for bearer in self.bearers:
                    held.enter_context(bearer.held(self.executor, failed=state.state == "failed"))
                over = self._begin(state)
            if over:
                self._follow()
        if not self.seen.running:
            if self.seen.after.state != "failed":
                self.firmware.settle(self.executor)
            self._look_back()
            self._amend()
        return self._judged()

    @property
    def _names(self) -> str:
        return ", ".join(bearer.name for bearer in self.bearers)

    def _begin(self, state: Status) -> bool:
        """Lay the canaries and give the commands; whether there is anything to follow by the device's log."""
        for command in self.firmware.exits() if state.state == "failed" and not self.firmware.objection() else ():
            answer = command.carry_out(self.executor)
            self._note("exited", {"what": command.what, "told": _words(answer)})
        self.seen.laid = self._lay(state)
        # Writing is what clears the sign that nothing was written.
        self.seen.before = replace(state, fresh=self.firmware.look().fresh)
        self.seen.seen.clear()
        self._note("before", {"status": self.seen.before.row(), "laid": self.seen.laid})
        commands = self.firmware.commands()
        for command in commands:
            self.seen.withheld = self._recheck() or self.firmware.objection()
            if self.seen.withheld:
                self._note("withheld", {"what": command.what, "told": self.seen.withheld})
                return True
            self._note("issuing", {"what": command.what})
            self._begun = True
            if command == commands[-1] and self._tool:
                problem = self._tool.start(self.executor, command.argv, command.what)
                if not problem and not self._awaited():
                    return False
                answer = Answer(None, b"", "", problem) if problem else self._tool.answer() or Answer(None, b"", "", "the tool was ended")
            else:
                answer = command.carry_out(self.executor)
            self._answered(command, answer, more=command != commands[-1])
            if self.seen.accepted is False:
                return True
        return True

    def _lay(self, state: Status) -> int:
        try:
            return sum(bearer.lay(self.executor) for bearer in self.bearers)
        except RefusedError as error:
            if state.state not in _SHUT:
                raise
            self.seen.unlaid = f"{error.message.partition(', so')[0]}: the device says that it is {state.state}"
        if self.earlier.reused:
            self.limits.append(_REUSED)
        return self.earlier.reused

    def _answered(self, command: Command, answer: Answer, *, more: bool) -> None:
        self.seen.accepted = self.firmware.accepted(command, answer)
        self.seen.told = _words(answer)
        told = {True: "accepted", False: "refused", None: "answered"}[self.seen.accepted]
        now = self.firmware.look()
        self.seen.seen.append(now)
        self._note(told, {"what": command.what, "told": self.seen.told, "status": now.row(), "more": more})

    def _take_up(self) -> bool:
        """Find the tool of the run before again, where it had one; whether there is anything to follow by the device's log."""
        if self._tool is None:
            return True
        if not self._awaited():
            return False
        answer = self._tool.answer()
        if answer is not None and self.earlier.accepted is None:
            self._answered(self.firmware.commands()[-1], answer, more=False)
        return True

    def _due(self) -> bool:
        """Whether watching is to end; it counts from the first look on."""
        if self.course.timeout is None:
            return False
        if self._deadline is None:
            self._deadline = time.monotonic() + self.course.timeout
        return time.monotonic() >= self._deadline

    def _awaited(self) -> bool:
        """Wait for a tool that returns when the device is done, or for as long as is wanted; whether it has ended."""
        pause, told = _FIRST_LOOK, time.monotonic()
        while self._tool and self._tool.running:
            if self._due():
                self.seen.after = Status(RUNNING, told="the tool waits for the device, which answers nothing meanwhile")
                self._note("left", {"waits": True})
                return False
            if time.monotonic() - told >= _TELL:
                told = time.monotonic()
                self._note("waiting", {})
            time.sleep(pause)
            pause = min(pause * 1.5, self.course.poll)
        return True

    def _follow(self) -> None:
        self._watch()
        if self.seen.after.state == VERIFYING:
            self._verify()
            self._watch()

    def _watch(self) -> None:
        """Look at the device's log until nothing runs any more, or for as long as is wanted."""
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
            if self._due():
                break
            time.sleep(pause)
            pause = min(pause * 1.5, self.course.poll)
        self._note("ended" if now.state != RUNNING else "left", {"status": now.row()})

    def _verify(self) -> None:
        """Look for the canaries where nothing hides what the medium holds, and leave that state; what cannot be read there is no residue."""
        unread = 0
        for bearer in self.bearers:
            try:
                remains = bearer.look_back(Look(every=0))
            except RefusedError:
                unread += bearer.count
                continue
            self.seen.shown += remains.left
            unread += remains.unread
        self.verification = {"left": self.seen.shown, "unread": unread}
        self._note("verified", dict(self.verification))
        for command in self.firmware.ends_verification() if not self.firmware.objection() else ():
            answer = command.carry_out(self.executor)
            self._note("verification_ended", {"what": command.what, "told": _words(answer)})

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
        if judge_sanitize(self.seen)[0] != "destroyed" and self._begun and not self.firmware.objection():
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
            percent=self.seen.after.percent if self.seen.running else None,
            fresh=self.seen.after.fresh,
            verification=self.verification or {"unavailable": self.firmware.no_verification or "the drive did not enter that state"},
            read={"bytes": sum(each.read_bytes for each in self.remains), "beginnings": sum(each.beginnings for each in self.remains)},
        )


def _words(answer: Answer) -> str:
    """What a tool said of its trouble; empty where it had none."""
    return " ".join((answer.errors or answer.problem).split())[:400]
