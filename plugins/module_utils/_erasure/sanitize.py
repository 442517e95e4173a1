# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sanitize a medium by its own firmware: canaries first, then the command, then its log, then what is left of the canaries."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, replace

from .._errors import RefusedError
from .._executor import Executor
from .._media.firmware import RUNNING, Firmware, Status, refuse_running
from .._media.guards import gather_use, require_free
from .._media.identity import Device, find_device, same_medium
from .._media.tools import Answer
from .canary import BLOCK, Canaries
from .filesystem import FilesystemProbe
from .looking import Look, Seen, look_at_device
from .opened import drop_buffers, open_device
from .sanitized import Sanitized, SanitizeResult, judge_sanitize
from .workers import Buffers

__all__ = ["LIMIT_FIRMWARE", "Course", "Earlier", "Note", "sanitize_medium"]

LIMIT_FIRMWARE = "what became of spare, remapped and hidden blocks is the device's own word: they cannot be read from outside"

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

    @classmethod
    def of(cls, steps: t.Sequence[t.Mapping[str, t.Any]]) -> Earlier:
        """What a journal's steps, each with its C(step) and what it C(told), had come to."""
        before: Status | None = None
        laid: int | None = None
        accepted: bool | None = None
        seen: list[Status] = []
        issued = False
        for step in steps:
            told = step["told"]
            if step["step"] == "before":
                before, laid, seen, issued, accepted = Status.of(told["status"]), told["laid"], [], False, None
            elif step["step"] == "issuing":
                issued, accepted = True, None
            elif step["step"] in ("accepted", "refused"):
                accepted = step["step"] == "accepted"
            if step["step"] != "before" and "status" in told:
                seen.append(Status.of(told["status"]))
        return cls(before, tuple(seen), laid, issued, accepted)


def sanitize_medium(
    executor: Executor,
    firmware: Firmware,
    devices: t.Sequence[tuple[Device, Canaries]],
    course: Course,
    *,
    note: Note,
    earlier: Earlier | None = None,
) -> SanitizeResult:
    """Carry one technique out, or take an interrupted one up, and judge it.

    :arg devices: all that the technique reaches, each with its canaries.
    :arg note: keeps a step on stable storage, before it is taken where it changes anything.
    :raises RefusedError: something speaks against it; the device was not touched.
    """
    return _Run(executor, firmware, devices, course, note, earlier or Earlier()).go()


class _Run:
    """One sanitize on its way."""

    def __init__(
        self,
        executor: Executor,
        firmware: Firmware,
        devices: t.Sequence[tuple[Device, Canaries]],
        course: Course,
        note: Note,
        earlier: Earlier,
    ) -> None:
        self.executor, self.firmware, self.devices, self.course = executor, firmware, devices, course
        self.earlier, self._note = earlier, note
        self.seen = Sanitized(
            firmware.action, firmware.logged, earlier.before or Status("unknown"), accepted=earlier.accepted, seen=list(earlier.seen)
        )
        self.limits: list[str] = [LIMIT_FIRMWARE, *firmware.limits]
        self.looked: list[Seen] = []

    def go(self) -> SanitizeResult:
        handles: list[int] = []
        try:
            if self._counts_already():
                self.seen.laid = self.earlier.laid or 0
            else:
                state = self._require_idle()
                self._require_free()
                handles.extend(open_device(self.executor, device) for device, _canaries in self.devices)
                self._begin(handles, state)
            self._follow()
        finally:
            for fd in handles:
                os.close(fd)
        if not self.seen.running:
            if self.seen.after.state != "failed":
                self.firmware.settle(self.executor)
            self._look_back()
            self._amend()
        return self._judged()

    def _require_free(self) -> None:
        for device, _canaries in self.devices:
            use = gather_use(device)
            require_free(use, on_unseen=self.course.on_unseen)
            # Such as that a virtual machine's disk is not the medium.
            self.limits.extend(FilesystemProbe().assess_device(device.major, device.minor).limits)
            self.limits.extend(f"whether {process} had {device.name} open could not be determined" for process in use.unseen[:3])

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
        return ", ".join(device.name for device, _canaries in self.devices)

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
        self.firmware.settle(self.executor)
        left, unread = self._count_canaries()
        return unread > 0 or left < sum(len(canaries.places()) for _device, canaries in self.devices)

    def _begin(self, handles: t.Sequence[int], state: Status) -> None:
        if self.firmware.waits and state.state in ("armed", "locked"):
            self.seen.laid = self.earlier.laid or 0
        else:
            self._lay(handles)
            # Writing is what clears the sign that nothing was written.
            self.seen.before = replace(state, fresh=self.firmware.look().fresh)
        self.seen.seen.clear()
        self._note("before", {"status": self.seen.before.row(), "laid": self.seen.laid})
        for command in self.firmware.commands():
            self._note("issuing", {"what": command.what})
            answer = command.carry_out(self.executor)
            self.seen.accepted = self.firmware.accepted(command, answer)
            self.seen.told = _words(answer)
            told = {True: "accepted", False: "refused", None: "answered"}[self.seen.accepted]
            now = self.firmware.look()
            self.seen.seen.append(now)
            self._note(told, {"what": command.what, "told": self.seen.told, "status": now.row()})
            if self.seen.accepted is False:
                return

    def _lay(self, handles: t.Sequence[int]) -> None:
        """Write the canaries and read them back, past the page cache and the device's own cache.

        :raises RefusedError: they did not stay, so that nothing could be proven.
        """
        buffers = Buffers()
        for fd, (device, canaries) in zip(handles, self.devices):
            if BLOCK % device.logical:
                raise RefusedError(
                    f"{device.name} has sectors of {device.logical} bytes, larger than a canary, so nothing was done; overwrite it"
                )
            places = canaries.places()
            try:
                for place in places:
                    buffers.data[:BLOCK] = canaries.content(place)
                    if self.executor.pwrite(fd, buffers.data[:BLOCK], place) != BLOCK:
                        raise OSError(5, "a canary was written in part")
                self.executor.fsync(fd)
                drop_buffers(self.executor, fd)
                stayed = sum(canaries.content(place) == bytes(_read(fd, place, buffers)) for place in places)
            except OSError as error:
                raise RefusedError(
                    f"canaries cannot be written to {device.name} ({error.strerror}), so nothing could be proven and it was not sanitized; "
                    "destroy the medium physically, or look at its connection"
                ) from error
            if stayed != len(places):
                raise RefusedError(
                    f"{len(places) - stayed} of {len(places)} canaries did not stay on {device.name}, so nothing could be proven and it was not "
                    "sanitized; destroy the medium physically"
                )
            self.seen.laid += len(places)

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

    def _count_canaries(self) -> tuple[int, int]:
        left = unread = 0
        for device, canaries in self.devices:
            found = look_at_device(device, replace(self.course.look, every=0, canaries=canaries))
            left += len(found.canaries_left)
            unread += found.canaries_unread
        return left, unread

    def _look_back(self) -> None:
        """Look for canaries, and at the rest as far as was asked for, on what the identity names now."""
        for device, canaries in self.devices:
            try:
                found = find_device(device.asked)
                if not same_medium(found.identity, device.identity):
                    raise RefusedError(f"{found.name} is another medium now")
                seen = look_at_device(found, replace(self.course.look, canaries=canaries))
            except RefusedError as error:
                self.seen.lost = f"the medium cannot be looked at any more ({error.message})"
                return
            self.looked.append(seen)
            self.seen.left += len(seen.canaries_left)
            self.seen.unread += seen.canaries_unread
            if seen.beginnings_count:
                offset, kind = seen.beginnings[0]
                self.seen.residue = (
                    f"{seen.beginnings_count} known beginnings are found on {found.name}, the first is {kind} at offset {offset}"
                )
            if seen.unread.bad_bytes:
                self.seen.unlooked = f"{seen.unread.bad_bytes} bytes of {found.name} could not be read ({seen.unread.told()})"
            self.limits.extend(limit for limit in seen.limits if limit not in self.limits)
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
        read = sum(each.read_bytes for each in self.looked)
        return SanitizeResult(
            outcome,
            reason,
            self.seen.running,
            self.seen.transition,
            {"laid": self.seen.laid, "left": self.seen.left, "unread": self.seen.unread},
            tuple(self.limits),
            read={"bytes": read, "beginnings": sum(each.beginnings_count for each in self.looked)},
        )


def _words(answer: Answer) -> str:
    """What a tool said of its trouble; empty where it had none."""
    return " ".join((answer.errors or answer.problem).split())[:400]


def _read(fd: int, place: int, buffers: Buffers) -> memoryview:
    return buffers.data[: os.preadv(fd, [buffers.data[:BLOCK]], place)]
