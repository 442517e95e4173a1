# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register of media: one entry for each medium, by serial, whatever kind of file it is kept in."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..module_utils._document import Node, read_document
from ..module_utils._media.kinds import KINDS as SEEN_KINDS
from ..module_utils._media.serials import serial_key
from ..module_utils._standards.levels import LEVELS

__all__ = [
    "CARRIED",
    "COLUMNS",
    "FIRST",
    "IN_HOST",
    "KINDS",
    "REQUIRED",
    "STATES",
    "Change",
    "Medium",
    "Register",
    "Row",
    "contradiction",
    "read_register",
]

STATES = ("in_service", "released", "sanitized", "verified", "in_custody", "destroyed", "reused")
FIRST = STATES[0]
# States in which a host is expected to show the medium, unless it is one that is seen only while it is in a drive.
IN_HOST = STATES[:4]
CARRIED = ("tape", "optical")
# What a host makes of media, or cannot tell, is no medium that could be carried to a shredder.
KINDS = tuple(kind for kind in SEEN_KINDS if kind not in ("virtual", "volume", "loop", "memory", "unknown"))
REQUIRED = ("serial", "kind", "required_level", "state")
COLUMNS = (
    *("serial", "kind", "make", "model", "asset_number", "host", "bay", "size_bytes"),
    *("classification", "required_level", "encryption", "state", "custody"),
)
_LONGEST = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Medium:
    """An entry; what the register leaves blank is an empty text.

    :ivar host: where it is, or was last.
    :ivar custody: where it is while it is in custody.
    """

    serial: str
    kind: str
    required_level: str
    state: str
    make: str = ""
    model: str = ""
    asset_number: str = ""
    host: str = ""
    bay: str = ""
    size_bytes: str = ""
    classification: str = ""
    encryption: str = ""
    custody: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An entry as it stands in the file: its C(place) there, and the text of each column."""

    place: str
    texts: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What a medium's state and custody become; C(serial) as the register writes it."""

    serial: str
    state: str
    custody: str


@dataclasses.dataclass(frozen=True, slots=True)
class Register:
    """Every medium by its plain serial, in the order of the file; C(name) is the file's."""

    name: str
    media: dict[str, Medium]

    def states(self) -> dict[str, int]:
        """How many media are in each state."""
        counts = collections.Counter(medium.state for medium in self.media.values())
        return {state: counts[state] for state in STATES}


def read_register(name: str, rows: t.Iterable[Row]) -> Register:
    """The register.

    :raises PolicyError: with every fault, each naming the row, the serial and what to do.
    """

    def read(document: Node) -> Register:
        media: dict[str, Medium] = {}
        places: dict[str, str] = {}
        for row in rows:
            medium = _medium(row, document.problems)
            plain = serial_key(medium.serial)
            if not plain:
                continue
            if plain in media:
                same = (
                    "the same serial"
                    if media[plain].serial == medium.serial
                    else f"the same serial but for case or spaces, {medium.serial!r}"
                )
                document.problems.append(
                    f"{places[plain]} and {row.place} have {same} ({media[plain].serial}); look at both labels, and keep one entry for each medium"
                )
                continue
            media[plain], places[plain] = medium, row.place
        return Register(name, media)

    return read_document(None, f"the register {name}", read)


def _medium(row: Row, problems: list[str]) -> Medium:
    """One entry; of a faulty one at least the serial, so that those that stand twice are told all the same."""
    given = {key: text.strip() for key, text in row.texts.items() if text.strip()}
    serial = given.get("serial", "")
    if not serial:
        problems.append(
            f"{row.place}: the serial is blank, so nobody can tell which medium it is; read it off the label, or take the entry out"
        )
        given["serial"] = "?"
    shown = serial if serial.isprintable() else ascii(serial)[1:-1]
    node = Node(given, f"{row.place} ({shown})" if serial else row.place, problems)
    found = node.mapping(required=REQUIRED, optional=[name for name in COLUMNS if name not in REQUIRED])
    allowed = {"kind": KINDS, "required_level": LEVELS, "state": STATES}
    texts = {key: child.text(allowed=allowed.get(key, ())) for key, child in found.items()}
    for key, child in found.items():
        if len(texts[key]) > _LONGEST or not texts[key].isprintable():
            child.problem(f"is longer than {_LONGEST} characters or holds some that cannot be printed; correct it")
        elif key == "size_bytes" and not (texts[key].isascii() and texts[key].isdigit() and int(texts[key])):
            child.problem("is not a whole number of bytes; write it as media_info tells it, or leave it out")
    if not serial.isascii():
        problems.append(
            f"{node.path}: the serial holds a letter that is not ASCII, as no label has it, and may look like another; write it as on the label"
        )
    if texts.get("state") in IN_HOST and texts.get("kind") not in CARRIED and "host" not in texts:
        problems.append(f"{node.path}: it is {texts['state']} and no host is named, so nobody would miss it; name the host that it is in")
    if texts.get("custody") and texts.get("state") not in ("in_custody", None):
        node.child("custody", texts["custody"]).problem(f"is told of a medium that is {texts['state']}; only one in_custody has a custody")
    return Medium(**{"kind": "", "required_level": "", "state": "", **texts, "serial": serial})


def contradiction(medium: Medium, row: t.Mapping[str, t.Any]) -> str:
    """What the facts that people told of physical work say otherwise than the register, as a clause; empty where nothing.

    A serial alone is soon mistaken, and which particles are small enough depends on the kind.

    :arg row: with C(kind), and C(asset) where it was told.
    """
    if row.get("kind") != medium.kind:
        return f"its result is that of a medium of the kind {row.get('kind')}, and the register has it as {medium.kind}"
    asset = str(row.get("asset") or "")
    if asset and medium.asset_number and serial_key(asset) != serial_key(medium.asset_number):
        return f"its result has the asset number {asset}, and the register {medium.asset_number}"
    return ""
