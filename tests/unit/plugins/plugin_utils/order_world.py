# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of work orders share: a register whose media have been moved, orders written by tasks, and forms that people fill in."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import pathlib
import re
import typing as t

import zxingcpp

from ansible_collections.recordings.disposal.plugins.action.media_order import ActionModule
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import read_event
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import World, write_register

__all__ = ["FILLED", "Floor", "filled", "made_order", "scanned"]

_ROAD = ("released", "sanitized", "verified", "in_custody")
_ROADS = {**{state: _ROAD[: index + 1] for index, state in enumerate(_ROAD)}, "in_service": ()}
_ROADS |= {state: (*_ROAD, state) for state in ("destroyed", "reused")}
# What people write into the form of an order to shred.
FILLED = {
    **{"place": "Warsaw, room 0.14", "operator": "Anna Nowak", "second_person": "Jan Kowalski", "machine": "shredder S-1"},
    **{"particle": "9.5 mm2", "samples": "20"},
}


class Floor(World):
    """A register with its log, orders beside it, and a machine that waits."""

    def __init__(self, path: pathlib.Path, *entries: dict[str, str], name: str = "register.yml") -> None:
        super().__init__(path)
        self.register = write_register(path / name, entries)
        self.dest = path / "disposal"
        self.orders = self.dest / "orders"
        self._numbers = itertools.count()

    def walk(self, serials: t.Sequence[str], state: str) -> None:
        """Bring media from service to a state, by events as the register asks for them."""
        self.walk_on(serials, *_ROADS[state])

    def walk_on(self, serials: t.Sequence[str], *states: str) -> None:
        for to in states:
            number = next(self._numbers)
            given = {"time": f"2020-11-20T{number // 60:02}:{number % 60:02}:00Z", "reason": "so it was"}
            given["evidence"] = [self.attached("result.json", "{}")]  # type: ignore[assignment]
            name = f"event-{number}.json"
            path = self.bag(name, serials, **given) if to == "in_custody" else self.event(name, serials, to=to, **given)
            self.book().move(read_event(path, allowed_signers=self.signers.read_text(encoding="ascii"), now=utc_now()))

    def book(self) -> Book:
        return Book(str(self.register), str(self.dest), executor=Executor(), check_mode=False, now=utc_now(), collection="0.1.0")

    def task(self, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The result of C(media_order); an option that is C(None) is left out."""
        given = {"register": str(self.register), "dest": str(self.dest), "technique": "shred", "issued_by": "operations@example.com"}
        given |= options
        result = run_action(ActionModule, "media_order", {k: v for k, v in given.items() if v is not None}, check_mode=check_mode)
        assert len(json.dumps(result)) < 1 << 16
        return result

    def ordered(self, **options: t.Any) -> dict[str, t.Any]:
        result = self.task(**options)
        assert not result.get("failed"), result["msg"]
        return result

    def refused(self, words: str, **options: t.Any) -> dict[str, t.Any]:
        """A task that fails, says so in one line and writes nothing, in check mode and not."""
        before = self.snapshot()
        told = [self.task(check_mode=check_mode, **options) for check_mode in (True, False)]
        assert self.snapshot() == before
        for result in told:
            assert result.get("failed") and not result["changed"], result
            assert words in result["msg"] and "\n" not in result["msg"], result["msg"]
        return told[1]

    def snapshot(self) -> dict[str, str]:
        found = (path for path in sorted(self.path.rglob("*")) if path.is_file())
        return {str(path): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in found}


def filled(text: str, facts: t.Mapping[str, t.Mapping[str, str]], *, now: str) -> str:
    """The form as it comes back: C(facts) by serial, or by row number, written into its blank cells."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    for number, row in enumerate(rows, 1):
        own = facts.get(row["serial"], facts.get(str(number)))
        writer.writerow(row if own is None else {**row, "date": now, **own})
    return made.getvalue()


def made_order(*media: t.Mapping[str, str], **changes: t.Any) -> dict[str, t.Any]:
    """An order as it stands in C(order.json), whatever stands in it."""
    row = {"serial": "S1", "kind": "hdd", "make": "Seagate", "model": "ST4000", "asset_number": "IT-1", "host": "rec1", "bay": "Slot 01"}
    row |= {"classification": "confidential", "required_level": "destroy", "state": "released"}
    row |= {"why": "It left service and was not sanitized."}
    order = {"format": "recordings.disposal/work-order/1", "id": "WO-2026-11-27-0123456789", "created": "2026-11-27T10:00:00Z"}
    order |= {"issued_by": "operations@example.com", "technique": "shred", "level": "destroy", "facility": "hall 3", "plan_id": "P-1"}
    return {**order, "protection_class": 3, "due": "2026-12-31", "media": [{**row, **medium} for medium in media or [{}]], **changes}


def scanned(page: str) -> list[str]:
    """What a scanner reads of each QR code of a page, which is drawn as the page's SVG says."""
    return [
        _read_code(int(size), path)
        for size, path in re.findall(r'<svg viewBox="0 0 (\d+) \1" class="qr">.*? stroke="#000" d="([^"]+)"', page)
    ]


def _read_code(size: int, path: str) -> str:
    scale = 4
    image = bytearray(b"\xff" * (size * scale) ** 2)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]+)", path):
        first, *rest = (float(number) for number in numbers.split())
        if command == "M":
            x, y = first, rest[0]
        elif command == "m":
            x, y = x + first, y + rest[0]
        else:
            for line in range(int(y) * scale, int(y + 1) * scale):
                start = line * size * scale + int(x) * scale
                image[start : start + int(first) * scale] = bytes(int(first) * scale)
            x += first
    found = zxingcpp.read_barcodes(memoryview(image).cast("B", shape=[size * scale, size * scale]))
    return str(found[0].text) if len(found) == 1 else ""
