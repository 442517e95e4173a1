# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register against what the hosts show: whatever differs is named, and what was not looked at is not said to be missing."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..module_utils._media.serials import serial_key
from ._fleet import Fleet, Seen
from ._register import CARRIED, IN_HOST, Medium, Register

__all__ = ["FINDINGS", "FORMAT", "Finding", "reconcile"]

FORMAT = "recordings.disposal/reconciliation/1"
# Unknown, missing, twice, swapped and contradicted is a medium; unseen one of a host that did not tell; silent and unnamed is a host.
FINDINGS = ("unknown", "missing", "twice", "swapped", "contradicted", "unseen", "silent", "unnamed")


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs.

    :ivar serial: the medium, as the register writes it where it has it; empty where it is a host.
    :ivar hosts: every host that it concerns: where it is registered, and where it was found.
    :ivar told: one sentence.
    :ivar entry: what the register would say of an unknown drive, as far as it tells.
    """

    finding: str
    serial: str
    hosts: tuple[str, ...]
    told: str
    entry: dict[str, str] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        row: dict[str, t.Any] = {"finding": self.finding, "serial": self.serial, "hosts": list(self.hosts), "told": self.told}
        return {**row, "entry": self.entry} if self.entry else row


def reconcile(register: Register, fleet: Fleet) -> dict[str, t.Any]:
    """The report of a reconciliation, as plain data; the same of the same register and fleet."""
    findings = [*_hosts(fleet), *_twice_in_a_host(register, fleet)]
    by_serial: dict[str, list[Seen]] = collections.defaultdict(list)
    for seen in fleet.media:
        for plain in seen.plain:
            by_serial[plain].append(seen)
    found: set[str] = set()
    for seen in fleet.media:
        entries = [register.media[plain] for plain in sorted(seen.plain) if plain in register.media]
        found.update(serial_key(entry.serial) for entry in entries)
        others = {other.host for plain in seen.plain for other in by_serial[plain]}
        if len(others) > 1:
            if seen.host == min(others):
                findings.append(_on_several_hosts(seen, entries, sorted(others)))
        elif len(entries) == 1:
            findings.extend(_compared(seen, entries[0]))
        elif entries:
            names = ", ".join(entry.serial for entry in entries)
            told = f"{seen.name} of {seen.host} tells the serials of several entries ({names}); look at its label and correct the register"
            findings.append(Finding("contradicted", entries[0].serial, (seen.host,), told))
        else:
            told = f"{seen.name} of {seen.host} ({' '.join(filter(None, (seen.kind, seen.make, seen.model)))}) is not in the register; enter it"
            findings.append(Finding("unknown", seen.serials[0], (seen.host,), told, seen.entry()))
    absent = [medium for plain, medium in register.media.items() if plain not in found and medium.state in IN_HOST]
    carried = [medium.serial for medium in absent if medium.kind in CARRIED]
    findings += [_absent(medium, fleet) for medium in absent if medium.kind not in CARRIED and _asked(medium, fleet)]
    findings.sort(key=lambda finding: (FINDINGS.index(finding.finding), finding.hosts, finding.serial, finding.told))
    return {
        "format": FORMAT,
        "hosts": fleet.counts,
        "silent": fleet.silent,
        "registered": _registered(register, fleet),
        "not_looked_for": sorted(carried),
        "counts": {name: sum(finding.finding == name for finding in findings) for name in FINDINGS},
        "findings": [finding.as_dict() for finding in findings],
    }


def _registered(register: Register, fleet: Fleet) -> dict[str, list[str]]:
    """The serials that are registered in each host that was asked."""
    found: dict[str, list[str]] = {}
    for medium in register.media.values():
        if _asked(medium, fleet):
            found.setdefault(medium.host, []).append(medium.serial)
    return {host: sorted(serials) for host, serials in sorted(found.items())}


def _asked(medium: Medium, fleet: Fleet) -> bool:
    return medium.host in fleet.counts or medium.host in fleet.silent


def _hosts(fleet: Fleet) -> t.Iterator[Finding]:
    for host, why in fleet.silent.items():
        yield Finding("silent", "", (host,), f"{host} did not report its media ({why}); reach it and reconcile again")
    for host, sentences in fleet.unnamed.items():
        for sentence in sentences:
            yield Finding("unnamed", "", (host,), f"{host}: {sentence}")


def _twice_in_a_host(register: Register, fleet: Fleet) -> t.Iterator[Finding]:
    for one, other in fleet.twice:
        plain = sorted(one.plain & other.plain)[0]
        serial = register.media[plain].serial if plain in register.media else one.serials[0]
        told = f"{one.name} and {other.name} of {one.host} have the one serial {serial} and are different drives; read their labels"
        yield Finding("twice", serial, (one.host,), told)


def _on_several_hosts(seen: Seen, entries: t.Sequence[Medium], hosts: t.Sequence[str]) -> Finding:
    serial = entries[0].serial if entries else seen.serials[0]
    told = f"the serial is found on {' and '.join(hosts)}; look whether they share the drive, and whose label has it"
    return Finding("twice", serial, tuple(dict.fromkeys([*hosts, *(entry.host for entry in entries if entry.host)])), told)


def _compared(seen: Seen, entry: Medium) -> t.Iterator[Finding]:
    """What the register says otherwise of a medium that was found."""
    hosts = tuple(sorted({seen.host, *filter(None, [entry.host])}))
    if entry.state not in IN_HOST:
        told = f"it is {entry.state} in the register and {seen.name} of {seen.host} has its serial; find out which medium that is"
        yield Finding("contradicted", entry.serial, hosts, told)
    elif entry.host != seen.host:
        told = f"it is registered in {entry.host or 'no host'} and found in {seen.host} ({seen.name}); correct the register, or put it back"
        yield Finding("swapped", entry.serial, hosts, told)
    elif entry.bay and seen.bay and " ".join(entry.bay.split()).casefold() != " ".join(seen.bay.split()).casefold():
        told = f"it is registered in bay {entry.bay} of {entry.host} and found in bay {seen.bay}; correct the register, or put it back"
        yield Finding("swapped", entry.serial, hosts, told)
    differs = list(_contradictions(seen, entry))
    if differs:
        told = f"{'; '.join(differs)}; look at the label of {seen.name} of {seen.host}, and correct the register"
        yield Finding("contradicted", entry.serial, hosts, told)


def _contradictions(seen: Seen, entry: Medium) -> t.Iterator[str]:
    if seen.kind not in ("", entry.kind):
        yield f"its kind is {entry.kind} in the register and {seen.kind} by its own account"
    if entry.model and seen.model and not _same_model(entry, seen):
        yield f"its model is {entry.model!r} in the register and {seen.model!r} by its own account"
    if entry.size_bytes and seen.sizes and int(entry.size_bytes) not in seen.sizes:
        yield f"its size is {entry.size_bytes} in the register and {seen.sizes[0]} by its own account"


def _same_model(entry: Medium, seen: Seen) -> bool:
    """Whether one tells no more than the other: tools cut models short, and write the maker before them or not."""

    def signs(*texts: str) -> str:
        return re.sub(r"[\W_]", "", "".join(texts)).casefold()

    mine, theirs = signs(entry.model), signs(seen.model)
    return mine in signs(seen.make, seen.model) or theirs in signs(entry.make, entry.model) or not mine or not theirs


def _absent(medium: Medium, fleet: Fleet) -> Finding:
    host = (medium.host,)
    if medium.host in fleet.silent:
        return Finding("unseen", medium.serial, host, f"{medium.host} did not report, so nobody knows whether it is there")
    if medium.host in fleet.unnamed:
        told = f"{medium.host} does not show it, and has drives that cannot be named; read their labels"
        return Finding("unseen", medium.serial, host, told)
    told = f"it is {medium.state} in {medium.host} by the register, and {medium.host} does not have it; look for it at once"
    return Finding("missing", medium.serial, host, told)
