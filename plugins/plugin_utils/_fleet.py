# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media that hosts show, from what C(media_info) returned on each."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._media.serials import serial_key

__all__ = ["Fleet", "Seen", "look_over"]

# What a host makes itself, or gets from a hypervisor, is no medium that the register could have.
_NO_MEDIA = ("virtual", "loop", "memory")


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A medium that a host shows; what it does not tell is empty.

    :ivar serials: every serial that it tells, the first one for people.
    :ivar sizes: what may count as its size, in bytes.
    """

    host: str
    name: str
    serials: tuple[str, ...]
    kind: str = ""
    make: str = ""
    model: str = ""
    bay: str = ""
    sizes: tuple[int, ...] = ()
    wwns: frozenset[str] = frozenset()

    @property
    def plain(self) -> frozenset[str]:
        return frozenset(map(serial_key, self.serials))

    def entry(self) -> dict[str, str]:
        """What the register would say of it, as far as it tells."""
        told = {"serial": self.serials[0], "kind": self.kind, "make": self.make, "model": self.model, "host": self.host, "bay": self.bay}
        told["size_bytes"] = str(self.sizes[0]) if self.sizes else ""
        return {key: text for key, text in told.items() if text}


@dataclasses.dataclass(slots=True)
class Fleet:
    """What all hosts show.

    :ivar counts: media by host, of each that reported.
    :ivar silent: why a host did not report, by host.
    :ivar unnamed: by host, a sentence for each drive that cannot be named, behind which any medium could be.
    :ivar twice: by host, a sentence for each serial that several of its drives have.
    """

    media: list[Seen] = dataclasses.field(default_factory=list)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    silent: dict[str, str] = dataclasses.field(default_factory=dict)
    unnamed: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    twice: list[tuple[Seen, Seen]] = dataclasses.field(default_factory=list)


def look_over(results: t.Mapping[str, t.Any], hosts: t.Iterable[str]) -> Fleet:
    """What the hosts show; one without a result that tells its media is silent."""
    fleet = Fleet()
    for host in sorted(hosts):
        result = results.get(host)
        rows = _rows(result)
        if rows is None:
            fleet.silent[host] = _why_silent(result)
            continue
        seen: list[Seen] = []
        for row in rows:
            found, fault = _seen(host, row)
            seen.extend(found)
            if fault:
                fleet.unnamed.setdefault(host, []).append(fault)
        joined = _joined(seen, fleet.twice)
        fleet.counts[host] = len(joined)
        fleet.media.extend(joined)
    return fleet


def _rows(result: t.Any) -> list[dict[str, t.Any]] | None:
    """The rows of a result that tells all media of its host."""
    if not isinstance(result, dict) or result.get("failed") or result.get("unreachable"):
        return None
    rows = result.get("media")
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _why_silent(result: t.Any) -> str:
    if not isinstance(result, dict) or not result:
        return "it was not asked"
    said = str(result.get("msg") or "").strip()
    return " ".join(said.split())[:200] or "its result tells no media"


def _text(value: t.Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: t.Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else ()


def _texts(value: t.Any) -> tuple[str, ...]:
    return tuple(text for text in map(_text, value if isinstance(value, list) else [value]) if text)


def _part(row: t.Mapping[str, t.Any], key: str) -> dict[str, t.Any]:
    found = row.get(key)
    return found if isinstance(found, dict) else {}


def _seen(host: str, row: t.Mapping[str, t.Any]) -> tuple[list[Seen], str]:
    """The media that a row tells of, and why they may be more."""
    kind, name = _text(row.get("kind")), _text(row.get("name")) or "a drive"
    if kind in _NO_MEDIA or row.get("transport") == "virtio" or kind == "optical":
        return [], ""
    if kind == "tape":
        return _cartridge(host, name, _part(row, "tape"))
    if kind == "volume":
        behind = row.get("behind")
        if not isinstance(behind, list):
            return [], f"{name} is a volume of a RAID controller that does not tell its drives; show them one by one, or read their labels"
        made = [_drive(host, name, each, "") for each in behind if isinstance(each, dict)]
        nameless = sum(not seen.serials for seen in made)
        return [
            seen for seen in made if seen.serials
        ], f"{nameless} drives behind {name} tell no serial; read their labels" if nameless else ""
    # A bridge may answer in its place, so what it is stays open.
    seen = _drive(host, name, row, "" if row.get("bridge") or kind == "unknown" else kind)
    return ([seen], "") if seen.serials else ([], f"{name} tells no serial; read its label")


def _cartridge(host: str, name: str, tape: t.Mapping[str, t.Any]) -> tuple[list[Seen], str]:
    """The tape in a drive; the drive itself is no medium."""
    cartridge = _part(tape, "cartridge")
    serials = _texts(cartridge.get("serial"))
    if serials:
        sizes = _number(cartridge.get("capacity_bytes"))
        return [Seen(host, name, serials, "tape", make=_text(cartridge.get("manufacturer")), sizes=sizes)], ""
    return [], f"the tape in {name} tells no serial; read its label" if tape.get("loaded") is True else ""


def _drive(host: str, name: str, row: t.Mapping[str, t.Any], kind: str) -> Seen:
    own, native = _number(row.get("size_bytes")), _number(_part(row, "hidden_capacity").get("native_bytes"))
    namespaces = row.get("namespaces")
    # One namespace of several says nothing of the drive.
    sizes = native if isinstance(namespaces, list) and len(namespaces) > 1 else (*own, *native)
    return Seen(
        host,
        name,
        _texts(row.get("serial")),
        kind,
        make=_text(row.get("vendor")),
        model=_text(row.get("model")),
        bay=_text(row.get("bay")),
        sizes=tuple(dict.fromkeys(sizes)),
        wwns=frozenset(_texts(row.get("wwn"))),
    )


def _joined(seen: t.Sequence[Seen], twice: list[tuple[Seen, Seen]]) -> list[Seen]:
    """One for each medium of a host: paths and namespaces of a drive show it several times, and have its serial; so may another drive."""
    media: list[Seen] = []
    for each in seen:
        same = next((other for other in media if other.plain & each.plain), None)
        if same is None:
            media.append(each)
        elif not _one_drive(same, each):
            twice.append((same, each))
    return media


def _one_drive(one: Seen, other: Seen) -> bool:
    """Whether two that have a serial in common are one drive: namespaces of one NVMe drive, else paths to what has one WWN."""
    if one.kind == other.kind == "nvme":
        return (_controller(one), one.make, one.model) == (_controller(other), other.make, other.model)
    # What is behind a volume has the volume's name, and may tell no WWN.
    return bool(one.wwns & other.wwns) if one.wwns and other.wwns else one.name == other.name


def _controller(seen: Seen) -> str:
    """nvme0 of nvme0n1."""
    return seen.name.removeprefix("nvme").partition("n")[0]
