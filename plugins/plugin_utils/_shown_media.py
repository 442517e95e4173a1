# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows of one registered medium, from what C(media_info) and C(media_drain) returned on it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..module_utils._media.serials import serial_key

__all__ = ["Shown", "shown_medium"]

_NO_MEDIA = ("virtual", "loop", "memory", "volume")
_HELD_BY_ARRAY = re.compile(r"held by .*\bmd\d")
_DRAIN = ("drained", "reasons", "limits", "filesystems", "verdicts", "outside", "copied", "backup")


@dataclasses.dataclass(frozen=True)
class Shown:
    """A medium as its host shows it.

    :ivar kind: empty where something else may answer in its place.
    :ivar identity: by which C(sanitize) finds it.
    :ivar sizes: what may count as its size, in bytes; C(size) is what it shows.
    :ivar namespaces: how many an NVMe drive has.
    :ivar in_use: what has to end before it may be destroyed, one clause each.
    :ivar problems: why it can never be destroyed as it is, one sentence each.
    :ivar techniques: rows of C(media_info).
    :ivar drain: its row of C(media_drain); empty where there is none.
    """

    kind: str
    make: str
    model: str
    bay: str
    identity: dict[str, t.Any]
    size: int
    sizes: tuple[int, ...]
    namespaces: int
    system: bool
    in_use: tuple[str, ...]
    problems: tuple[str, ...]
    techniques: tuple[dict[str, t.Any], ...]
    drain: dict[str, t.Any]

    def able(self) -> dict[str, dict[str, t.Any]]:
        """What its host says of each technique, by its name."""
        return {str(row["technique"]): row for row in self.techniques}

    def drain_told(self) -> dict[str, t.Any]:
        """What the plan repeats of the look at what is on it."""
        told = {key: self.drain[key] for key in _DRAIN if key in self.drain}
        return {"drained": "unknown", "reasons": [], "limits": [], "filesystems": [], "verdicts": {}, **told}


def shown_medium(serial: str, info: t.Mapping[str, t.Any], drained: t.Mapping[str, t.Any]) -> Shown | str:
    """The medium, or why its host does not show it.

    :arg info: the result of C(media_info); C(drained) of C(media_drain).
    """
    key = serial_key(serial)
    rows = [row for row in info.get("media") or [] if isinstance(row, dict)]
    cartridge = next((row for row in rows if key in _keys((_part(row, "tape").get("cartridge") or {}).get("serial"))), None)
    drain: dict[str, t.Any] = next((row for row in drained.get("media") or [] if serial_key(str(row.get("serial"))) == key), {})
    if cartridge is not None:
        return _tape(cartridge, drain)
    found = [row for row in rows if row.get("kind") not in _NO_MEDIA and row.get("kind") != "tape" and key in _keys(row.get("serial"))]
    if not found:
        return f"{serial} is not shown by its host; reconcile the register, or name it under dead where it cannot be reached any more"
    return _drive(found, drain, drained)


def _keys(value: t.Any) -> set[str]:
    return {serial_key(text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str) and text.strip()}


def _part(row: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: t.Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _techniques(row: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], ...]:
    return tuple(each for each in row.get("techniques") or [] if isinstance(each, dict) and "technique" in each)


def _tape(row: t.Mapping[str, t.Any], drain: dict[str, t.Any]) -> Shown:
    cartridge = row["tape"]["cartridge"]
    serial = cartridge["serial"] if isinstance(cartridge["serial"], str) else cartridge["serial"][0]
    size = cartridge.get("capacity_bytes")
    return Shown(
        kind="tape",
        make=_text(cartridge.get("manufacturer")),
        model="",
        bay=_text(row.get("bay")),
        identity={"cartridge": serial},
        size=size if isinstance(size, int) else 0,
        sizes=(size,) if isinstance(size, int) else (),
        namespaces=0,
        system=False,
        in_use=tuple(row.get("in_use_because") or ()),
        problems=(),
        techniques=_techniques(row),
        drain=drain,
    )


def _texts(value: t.Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str) and text]


def _number(value: t.Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _drive(found: t.Sequence[dict[str, t.Any]], drain: dict[str, t.Any], drained: t.Mapping[str, t.Any]) -> Shown:
    row = found[0]
    namespaces = _texts(row.get("namespaces"))
    names = [str(each.get("name")) for each in found]
    native = _number(_part(row, "hidden_capacity").get("native_bytes"))
    size = _number(row.get("size_bytes"))
    serial = _texts(row.get("serial"))[0]
    identity: dict[str, t.Any] = {"serial": serial, "size_bytes": size}
    wwns = _texts(row.get("wwn"))
    in_use = tuple(dict.fromkeys(clause for each in found for clause in each.get("in_use_because") or ()))
    problems = [*_of_arrays(serial, in_use, drained)]
    if len(found) > 1:
        if len(namespaces) < len(found):
            problems.append(
                f"its serial is shown by {', '.join(names)}, so nobody knows which is meant; leave one path, or look at the labels"
            )
        elif wwns:
            # Which of its namespaces is named does not matter: all of them go.
            identity["wwn"] = wwns[0]
    return Shown(
        kind="" if row.get("bridge") or row.get("kind") == "unknown" else _text(row.get("kind")),
        make=_text(row.get("vendor")),
        model=_text(row.get("model")),
        bay=_text(row.get("bay")),
        identity={key: value for key, value in identity.items() if value},
        size=size,
        sizes=tuple(dict.fromkeys(each for each in (size, native) if each)),
        namespaces=len(namespaces),
        system=any(bool(each.get("system")) for each in found),
        in_use=in_use,
        problems=tuple(problems),
        techniques=_techniques(row),
        drain=drain,
    )


def _of_arrays(serial: str, in_use: t.Iterable[str], drained: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """That it belongs to an array that runs; how many of that may go at once is the plan's limit."""
    names = [str(array["name"]) for array in drained.get("arrays") or [] if serial_key(serial) in _keys(array.get("members"))]
    if names:
        yield f"it is a member of the running array {', '.join(names)}; take it out of the array (mdadm --fail, --remove), or stop the array, first"
    elif any(_HELD_BY_ARRAY.search(clause) for clause in in_use):
        yield "it is a member of a running array; take it out of the array, or stop the array, first"
