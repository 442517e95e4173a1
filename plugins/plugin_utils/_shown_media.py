# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows of one registered medium, from what C(media_info) and C(media_drain) returned on it; what is not of their form does not count."""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

from ..module_utils._media.serials import serial_key
from ._register import Medium

__all__ = ["Array", "Shown", "arrays_of", "drain_of", "shown_medium"]

_NO_MEDIA = ("virtual", "loop", "memory", "volume", "tape")
_HELD_BY_ARRAY = re.compile(r"held by .*\bmd[_\d]")
_PROCESS = re.compile(r"process \d+(?: \((.*?)\))?")
_KNOWN = ("technique", "level", "standard", "source", "confidence")
_FILESYSTEM = {"device": str, "type": str, "uuid": str, "mounted": str, "files": int, "bytes": int, "inventory": str, "stacked": bool}
_NOT_LOOKED_AT = "media_drain has not looked at it"
_OTHER_FORM = "is not as this version of the collection writes it"


@dataclasses.dataclass(frozen=True)
class Array:
    """A running array.

    :ivar serials: of its members, as keys; C(belonging) also of what belongs to it and does not hold its data now.
    """

    name: str
    level: str
    disks: int
    degraded: int
    serials: frozenset[str]
    belonging: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Shown:
    """A medium as its host shows it.

    :ivar kind: empty where something else may answer in its place.
    :ivar identity: by which C(sanitize) finds it.
    :ivar size: what it holds, in bytes; C(sizes) what may count as that in a register.
    :ivar namespaces: how many an NVMe drive has.
    :ivar in_use: what has to end before it may be destroyed, one clause each.
    :ivar problems: why it can never be destroyed as it is, one sentence each.
    :ivar techniques: rows of C(media_info) by technique.
    :ivar drain: what C(media_drain) found, as C(drain_of) gives it.
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
    techniques: dict[str, dict[str, t.Any]]
    drain: dict[str, t.Any]


def shown_medium(medium: Medium, info: t.Mapping[str, t.Any], drained: t.Mapping[str, t.Any]) -> Shown | str:
    """The medium, or why its host does not show it.

    :arg info: the result of C(media_info); C(drained) of C(media_drain).
    """
    key, serial = serial_key(medium.serial), medium.serial
    rows = [row for row in info.get("media") or [] if isinstance(row, dict)]
    drain = drain_of(serial, drained)
    cartridge = next((row for row in rows if key in _keys(_part(_part(row, "tape"), "cartridge").get("serial"))), None)
    if cartridge is not None:
        return _tape(cartridge, drain)
    found = [row for row in rows if row.get("kind") not in _NO_MEDIA and key in _keys(row.get("serial"))]
    if found:
        return _drive(found, drain, arrays_of(drained))
    behind = next((row for row in rows if isinstance(row.get("behind"), list) and key in _behind(row["behind"])), None)
    if behind is not None:
        return (
            f"{serial} is behind {_text(behind.get('name'))}, a volume of a RAID controller, where nothing but physical destruction reaches it; "
            "show its drives to the host one by one (HBA mode), or take them out and name it under dead"
        )
    if medium.kind == "tape":
        return f"{serial} is in no tape drive of its host; load it and look again, or name it under dead where no drive takes it any more"
    return f"{serial} is not shown by its host; reconcile the register, or name it under dead where it cannot be reached any more"


def arrays_of(drained: t.Mapping[str, t.Any]) -> list[Array]:
    """The running arrays of a host, by the result of C(media_drain)."""
    return [
        Array(
            *(_text(row.get("name")), _text(row.get("level")), _number(row.get("disks")), _number(row.get("degraded"))),
            frozenset(_keys(row.get("members"))),
            frozenset(_keys(row.get("members")) | _keys(row.get("others"))),
        )
        for row in drained.get("arrays") or []
        if isinstance(row, dict)
    ]


def drain_of(serial: str, drained: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What C(media_drain) found on a medium, as the plan repeats it; of the known form whatever a host returned."""
    rows = [row for row in drained.get("media") or [] if isinstance(row, dict)]
    row = next((row for row in rows if serial_key(_text(row.get("serial"))) == serial_key(serial)), None)
    told: dict[str, t.Any] = {"drained": "unknown", "reasons": [_NOT_LOOKED_AT], "limits": [], "filesystems": [], "verdicts": {}}
    backup = {"copied": "unknown", "where": []}
    if row is None:
        return {**told, "outside": 0, "copied": 0, "backup": backup}
    reasons, filesystems = _texts(row.get("reasons")), row.get("filesystems")
    fitting = isinstance(filesystems, list) and all(map(_is_filesystem, filesystems))
    state = row.get("drained")
    if not fitting or state not in ("yes", "no", "unknown"):
        state, reasons = "no" if state == "no" else "unknown", [*reasons, f"what media_drain told of it {_OTHER_FORM}"]
    verdicts, copied = _part(row, "verdicts"), _part(row, "backup")
    if copied.get("copied") in ("yes", "no"):
        backup = {"copied": copied["copied"], "where": _texts(copied.get("where"))}
    return {
        "drained": state,
        "reasons": reasons,
        "limits": _texts(row.get("limits")),
        "filesystems": [{name: each[name] for name in _FILESYSTEM} for each in filesystems or []] if fitting else [],
        "verdicts": {name: _number(count) for name, count in verdicts.items() if isinstance(name, str)},
        **{name: _number(row.get(name)) for name in ("outside", "copied")},
        "backup": backup,
    }


def _is_filesystem(value: t.Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in _FILESYSTEM.items())


def _part(row: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: t.Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: t.Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str) and text.strip()]


def _number(value: t.Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _keys(value: t.Any) -> set[str]:
    return {serial_key(text) for text in _texts(value)}


def _behind(drives: t.Sequence[t.Any]) -> set[str]:
    return {key for drive in drives if isinstance(drive, dict) for key in _keys(drive.get("serial"))}


def _techniques(row: t.Mapping[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """What the host says of each technique; one that is not told whole counts as not possible."""
    found: dict[str, dict[str, t.Any]] = {}
    for each in row.get("techniques") or []:
        if not isinstance(each, dict) or not _text(each.get("technique")):
            continue
        told: dict[str, t.Any] = {name: _text(each.get(name)) for name in _KNOWN}
        told["possible"] = each.get("possible") is True and all(told.values())
        told["why"] = _text(each.get("why")) or ("" if told["possible"] else f"what media_info told of it {_OTHER_FORM}")
        seconds = each.get("estimated_seconds")
        told["estimated_seconds"] = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds >= 0 else None
        found[told["technique"]] = told
    return found


def _in_use(rows: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    """What has to end, without the numbers of processes: the plan stays the same while they come and go."""
    clauses = (clause for row in rows for clause in _texts(row.get("in_use_because")))
    return tuple(dict.fromkeys(_PROCESS.sub(lambda found: found[1] or "a process", clause) for clause in clauses))


def _tape(row: t.Mapping[str, t.Any], drain: dict[str, t.Any]) -> Shown:
    cartridge = row["tape"]["cartridge"]
    size = _number(cartridge.get("capacity_bytes"))
    return Shown(
        kind="tape",
        make=_text(cartridge.get("manufacturer")),
        model="",
        bay="",
        identity={"cartridge": _texts(cartridge["serial"])[0]},
        size=size,
        sizes=(size,) if size else (),
        namespaces=0,
        system=False,
        in_use=_in_use([row]),
        problems=(),
        techniques=_techniques(row),
        drain=drain,
    )


def _drive(found: t.Sequence[dict[str, t.Any]], drain: dict[str, t.Any], arrays: t.Iterable[Array]) -> Shown:
    row = found[0]
    serial, wwns = _texts(row.get("serial"))[0], _texts(row.get("wwn"))
    own, native = _number(row.get("size_bytes")), _number(_part(row, "hidden_capacity").get("native_bytes"))
    namespaces, in_use = len(_texts(row.get("namespaces"))), _in_use(found)
    identity: dict[str, t.Any] = {"serial": serial, "size_bytes": own}
    problems = [*_of_arrays(serial, in_use, arrays), *_of_system(found)]
    if len(found) > 1:
        if _are_namespaces(found, namespaces):
            # Which of them is named does not matter: all of them go.
            identity["wwn"] = wwns[0]
        else:
            names = ", ".join(_text(each.get("name")) for each in found)
            problems.append(f"its serial is shown by {names}, so nobody knows which is meant; leave one path, or look at the labels")
    # One namespace of several says nothing of the drive.
    sizes = (native,) if namespaces > 1 else (own, native)
    vendor = _text(row.get("vendor"))
    return Shown(
        kind="" if row.get("bridge") or row.get("kind") == "unknown" else _text(row.get("kind")),
        # So the kernel calls every ATA disk.
        make="" if vendor == "ATA" else vendor,
        model=_text(row.get("model")),
        bay=_text(row.get("bay")),
        identity={key: value for key, value in identity.items() if value},
        size=(native or own) if namespaces > 1 else own,
        sizes=tuple(dict.fromkeys(each for each in sizes if each)),
        namespaces=namespaces,
        system=any(each.get("system") is True for each in found),
        in_use=in_use,
        problems=tuple(problems),
        techniques=_techniques(row),
        drain=drain,
    )


def _are_namespaces(found: t.Sequence[t.Mapping[str, t.Any]], namespaces: int) -> bool:
    """Whether they are the namespaces of one NVMe drive, each with a name of its own, and not paths to one."""
    wwns = [set(_texts(each.get("wwn"))) for each in found]
    return namespaces == len(found) and all(wwns) and not any(one & other for one, other in itertools.combinations(wwns, 2))


def _of_system(found: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    """That nobody can tell whether the system runs from it."""
    for row in found:
        if not isinstance(row.get("system"), bool):
            why = _text(_part(row, "system").get("unavailable")) or f"what media_info told of it {_OTHER_FORM}"
            yield f"whether the system runs from it cannot be told ({why}); see to that, and look again"


def _of_arrays(serial: str, in_use: t.Iterable[str], arrays: t.Iterable[Array]) -> t.Iterator[str]:
    """That it belongs to an array that runs; how many of that may go at once is the plan's limit."""
    names = [array.name for array in arrays if serial_key(serial) in array.belonging]
    if names:
        yield f"it belongs to the running array {', '.join(names)}; take it out of the array (mdadm --fail, --remove), or stop the array, first"
    elif any(_HELD_BY_ARRAY.search(clause) for clause in in_use):
        yield "it belongs to a running array; take it out of the array, or stop the array, first"
