# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work orders on their way back: what was ordered, and what a row of results must agree with."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t

from .._errors import EvidenceError
from .._evidence.canonical import canonical, digest, digest_of
from .._evidence.clock import is_time, parse_time
from .._standards.levels import LEVELS, satisfies
from .._standards.physical import PHYSICAL
from .findings import Findings
from .serials import serial_key

__all__ = ["FORMAT", "MEDIUM", "ORDERABLE", "ORDER_LEVELS", "PREFILLED", "Ordered", "order_bytes", "order_id", "prefilled", "read_order"]

FORMAT = "recordings.disposal/work-order/1"
ORDERABLE = tuple(name for name, technique in PHYSICAL.items() if technique.level != LEVELS[0])
ORDER_LEVELS = ("purge", "destroy")
# What an order says of a medium.
MEDIUM = ("serial", "kind", "make", "model", "asset_number", "host", "bay", "classification", "required_level", "state", "why")
# What the form says of a medium before people write into it.
PREFILLED = ("serial", "kind", "technique", "make", "model", "asset")
_TEXTS = ("format", "id", "created", "issued_by", "technique", "level", "facility", "plan_id")
_KEYS = {*_TEXTS, "protection_class", "due", "media"}
# How things stood when the order was made; not what was ordered.
_CIRCUMSTANCES = ("state", "why")


def order_bytes(order: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of C(order.json)."""
    return canonical(order) + b"\n"


def order_id(order: t.Mapping[str, t.Any]) -> str:
    """The day and what is ordered, so that the same order made again on the same day is the same one, and a changed one shows."""
    told = {key: value for key, value in order.items() if key not in ("id", "created")}
    told["media"] = [{key: value for key, value in medium.items() if key not in _CIRCUMSTANCES} for medium in order["media"]]
    return f"WO-{order['created'][:10]}-{digest_of(told).removeprefix('sha256:')[:10]}"


def prefilled(medium: t.Mapping[str, str], technique: str) -> dict[str, str]:
    """What the form says of a medium of the order."""
    return {name: technique if name == "technique" else medium["asset_number" if name == "asset" else name] for name in PREFILLED}


@dataclasses.dataclass(frozen=True)
class Ordered:
    """A work order that results belong to.

    :ivar media: what the form says of each medium, by C(serial_key), in the order of the form.
    """

    id: str
    digest: str
    created: dt.datetime
    technique: str
    level: str
    protection_class: int | None
    media: t.Mapping[str, t.Mapping[str, str]]

    @property
    def serials(self) -> list[str]:
        return [medium["serial"] for medium in self.media.values()]

    def named(self) -> dict[str, str]:
        """What the evidence keeps of it."""
        return {"id": self.id, "digest": self.digest}

    def is_blank(self, value: t.Any) -> bool:
        """Whether a row is one of the form into which nobody has written anything yet."""
        if not isinstance(value, dict) or serial_key(str(value.get("serial", ""))) not in self.media:
            return False
        return {name for name, fact in value.items() if fact is not None and str(fact).strip()} <= set(PREFILLED)

    def judge(self, found: Findings, moment: dt.datetime | None) -> None:
        """Hold a row against what was ordered for its medium."""
        serial = found.nodes.get("serial")
        medium = self.media.get(serial_key(str(serial.value))) if serial is not None else None
        if medium is None:
            return
        for name in ("kind", "make", "model", "asset"):
            node = found.nodes.get(name)
            if node is not None and medium[name] and _plain(str(node.value)) != _plain(medium[name]):
                node.problem(f"is not what the work order has for this medium ({medium[name]!r}); find out which medium this was")
        if found.technique in PHYSICAL and found.technique != self.technique:
            self._judge_other(found)
        if moment is not None and moment < self.created:
            found.limits.append("by its date it was done before its work order was made")

    def _judge_other(self, found: Findings) -> None:
        reached = PHYSICAL[found.technique].level
        if satisfies(reached, self.level):
            found.limits.append(f"it was done by {found.technique}, and the work order asks for {self.technique}")
            return
        found.nodes["technique"].problem(
            f"is not what was ordered ({self.technique}), and reaches {reached} where the work order asks for {self.level}; "
            "have it done as ordered, or by a technique that reaches as much"
        )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def read_order(data: bytes, name: str) -> Ordered:
    """The order, whose bytes must be those that were written.

    :arg name: by which a fault names it.
    :raises EvidenceError: they are not.
    """
    try:
        order = json.loads(data)
        same = order_bytes(order) == data
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{name} cannot be read as JSON ({error}); use the file that media_order wrote") from error
    if not isinstance(order, dict) or not same:
        raise EvidenceError(f"{name} is not canonical JSON and a newline, as media_order wrote it; use the file itself, no edited copy")
    if order.get("format") != FORMAT:
        raise EvidenceError(f"{name} has the format {order.get('format')!r}, not {FORMAT}; use the version of the collection that made it")
    if not _is_whole(order):
        raise EvidenceError(f"{name} lacks what a work order has, or has something else in its place; use the file that media_order wrote")
    if order["id"] != order_id(order):
        raise EvidenceError(
            f"{name} does not order what its id {order['id'][:80]!r} stands for, so it was changed after it was made; compare it with a copy"
        )
    media = {serial_key(medium["serial"]): prefilled(medium, order["technique"]) for medium in order["media"]}
    told = {key: order[key] for key in ("id", "technique", "level", "protection_class")}
    return Ordered(**told, digest=digest(data), created=parse_time(order["created"]), media=media)


def _is_whole(order: t.Mapping[str, t.Any]) -> bool:
    if set(order) != _KEYS or not all(isinstance(order[key], str) for key in _TEXTS):
        return False
    number, media = order["protection_class"], order["media"]
    if isinstance(number, bool) or number not in (None, 1, 2, 3) or not isinstance(order["due"], (str, type(None))):
        return False
    if order["technique"] not in ORDERABLE or order["level"] not in ORDER_LEVELS or not is_time(order["created"]):
        return False
    if not isinstance(media, list) or not media or not all(isinstance(medium, dict) and set(medium) == set(MEDIUM) for medium in media):
        return False
    keys = {serial_key(medium["serial"]) for medium in media if all(isinstance(text, str) for text in medium.values())}
    return "" not in keys and len(keys) == len(media)
