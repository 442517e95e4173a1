# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an erase goes: in steps, each on the medium before the next, with whatever the drive was told to do wrong."""

from __future__ import annotations

import os
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from .store import Drive

__all__ = ["NEVER", "STEPS", "Later", "Run", "Sequence"]

SECTOR = 512
STEPS = 50
# A drive that nothing was ever written to holds nothing, and says so.
NEVER: dict[str, t.Any] = {"state": "never", "progress": 65535, "action": "", "command": 0, "fresh": True, "passes": 0}


class Run(t.NamedTuple):
    """One erase that takes time.

    :arg kind: C(sanitize), C(format) or C(security); C(action) how: C(block), C(crypto), C(overwrite).
    :arg command: the word that the sanitize log tells.
    :arg ranges: bytes that it reaches, as offset and length.
    :arg pattern: of an overwrite, as hexadecimal digits; C(invert) it between passes.
    :arg unrestricted: should it fail, its failure may be left without another sanitize.
    :arg leaves: C(zeros), C(random) or C(pattern): what is read after it.
    :arg detail: for the drive's own use when it is over.
    """

    kind: str
    action: str
    command: int
    ranges: list[list[int]]
    pattern: str = "00000000"
    passes: int = 1
    invert: bool = False
    unrestricted: bool = False
    leaves: str = ""
    detail: int = 0

    def sector(self, number: int) -> bytes | None:
        """What each sector gets in a pass; C(None) for random bytes."""
        last = number + 1 == self.passes
        leaves = self.leaves or {"crypto": "random", "overwrite": "pattern"}.get(self.action, "zeros")
        if last and leaves == "zeros":
            return bytes(SECTOR)
        if self.action != "overwrite":
            return None if leaves == "random" else bytes(SECTOR)
        pattern = bytes.fromhex(self.pattern)
        if self.invert and number % 2:
            pattern = bytes(byte ^ 0xFF for byte in pattern)
        return (pattern * (SECTOR // len(pattern) + 1))[:SECTOR]


class Later(t.NamedTuple):
    """An answer that comes when a thread has ended: success, or what C(outcome) raises."""

    thread: threading.Thread
    outcome: t.Callable[[], None]


class Sequence:
    """An erase from where it stands to its end."""

    def __init__(self, drive: Drive, run: Run) -> None:
        self.drive, self.run = drive, run
        behaviour = drive.behaviour
        lies = behaviour.get("lie") or (run.kind != "sanitize" and behaviour.get("format_lie"))
        self.ranges = [] if lies else self._reached(behaviour.get("keep"))

    def _reached(self, keep: list[int] | None) -> list[tuple[int, int]]:
        """Begin and end of what is erased, less what was told to survive."""
        found = [(offset, offset + length) for offset, length in self.run.ranges]
        if keep:
            first = keep[0] if keep[0] >= 0 else self.drive.size + keep[0]
            last = first + keep[1]
            halves = [half for begin, end in found for half in ((begin, min(end, first)), (max(begin, last), end))]
            found = [(begin, end) for begin, end in halves if begin < end]
        return found

    def carry_out(self) -> None:
        first = self.drive.state["done"]
        started = time.monotonic()
        for step in range(first, STEPS):
            if not self._goes_on(step):
                return
            self._step(step)
            quick = self.drive.behaviour.get("quick")
            due = 0.0 if quick else started + self.drive.seconds * (step + 1 - first) / STEPS
            time.sleep(max(0.0, due - time.monotonic()))
            self.drive.advance(self.run, step + 1, self.run.passes * (step + 1) // STEPS if self.run.action == "overwrite" else 0)
        self.drive.end(self.run, "done")

    def _goes_on(self, step: int) -> bool:
        """Whether the next step is made; waits, or ends this process, where it was told to."""
        drive, per_cent = self.drive, step * 100 // STEPS
        while per_cent >= drive.behaviour.get("stall_at", 101):
            time.sleep(0.1)
        behaviour = drive.behaviour
        if not drive.state.get("cut"):
            if per_cent >= behaviour.get("vanish_at", 101):
                drive.unplug()
                drive.lose_power()
            if per_cent >= behaviour.get("power_loss_at", 101):
                drive.lose_power()
        if per_cent >= behaviour.get("fail_at", 101) and self.run.action == behaviour.get("fail_action", self.run.action):
            drive.end(self.run, "failed")
            return False
        return True

    def _step(self, step: int) -> None:
        """This step's share of all passes over all ranges."""
        sectors = sum(end - begin for begin, end in self.ranges) // SECTOR
        whole = sectors * self.run.passes
        place, stop = whole * step // STEPS, whole * (step + 1) // STEPS
        while place < stop:
            number, within = divmod(place, sectors)
            count = min(stop - place, sectors - within)
            content = self.run.sector(number)
            self._fill(within * SECTOR, count * SECTOR, content)
            place += count

    def _fill(self, place: int, length: int, sector: bytes | None) -> None:
        """Bytes of the ranges, counted as if they lay one behind the other."""
        for begin, end in self.ranges:
            if place < end - begin and length:
                part = min(length, end - begin - place)
                data = os.urandom(part) if sector is None else (sector * (part // SECTOR + 1))[:part]
                os.pwrite(self.drive.fd, data, begin + place)
                length, place = length - part, 0
            else:
                place = max(0, place - (end - begin))
