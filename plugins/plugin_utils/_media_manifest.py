# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a plan of media, which people sign, and the rows of each host, whose digest it names."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

from ..module_utils._document import plain
from ..module_utils._errors import RefusedError
from ..module_utils._evidence.approval import MEDIA_FORMAT
from ..module_utils._evidence.canonical import canonical, digest, digest_of
from ..module_utils._evidence.clock import time_text
from ..module_utils._media.serials import serial_key
from ._language import visible
from ._media_plan import Chosen, plan_medium
from ._media_policy import MediaPolicy
from ._plan_manifest import author_of, lifetime, plan_name
from ._register import Medium, Register
from ._shown_media import Array, Shown, arrays_of, shown_medium

__all__ = ["MediaPlan", "build_media_plan", "decided_media", "rows_bytes"]

# How many members an array may lose and still have every byte; raid1 all but one.
_SPARE = {"raid4": 1, "raid5": 1, "raid6": 2, "raid10": 1}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class MediaPlan:
    """A manifest with the rows that it names by their digest, by host."""

    manifest: dict[str, t.Any]
    rows: dict[str, list[dict[str, t.Any]]]


def rows_bytes(rows: t.Iterable[t.Mapping[str, t.Any]]) -> bytes:
    """The rows of a host: canonical JSON lines."""
    return b"".join(canonical(row) + b"\n" for row in rows)


def build_media_plan(
    register: Register,
    chosen: Chosen,
    results: t.Mapping[str, t.Any],
    policy: MediaPolicy,
    *,
    author: str,
    approvals_required: int,
    expires_in: str,
    collection: str,
    now: dt.datetime,
    plan_id: str | None = None,
    earlier: t.Mapping[str, t.Sequence[str]] | None = None,
) -> MediaPlan:
    """The plan of media that were chosen.

    :arg results: by host, what C(media_info) (C(info)) and C(media_drain) (C(drained)) returned there.
    :arg earlier: by set, digests of the records of earlier runs: the same plan once more would be taken for the one that has ended.
    :raises RefusedError: a host did not report, or an option is not valid.
    """
    results = plain(results)
    author = author_of(author, approvals_required)
    length = lifetime(expires_in)
    hosts = {host: _host(host, media, results, chosen.dead, register, policy, earlier or {}) for host, media in chosen.hosts.items()}
    total = sum(len(host.rows) for host in hosts.values())
    if total > policy.most:
        for host in hosts.values():
            # A host looks at its own part only.
            host.blocked.append(
                f"the plan has {total} media, and the policy allows {policy.most} in one; name fewer under serials, or have the limit raised"
            )
    parts = {name: host.part() for name, host in hosts.items()}
    decided_on = digest_of({"hosts": {name: part["plan"]["digest"] for name, part in parts.items()}, "policy": policy.about})
    due = _counts(row for host in hosts.values() for row in host.rows if row["steps"])
    manifest = {
        "format": MEDIA_FORMAT,
        "plan_id": plan_name(plan_id, decided_on, now),
        "created": time_text(now),
        "expires": time_text(now + length),
        "author": author,
        "approvals_required": int(approvals_required),
        "collection": collection,
        "policy": policy.about,
        "hosts": parts,
        "totals": {"hosts": len(hosts), "media": total, "due": due},
        "blocked": [{"host": name, "sentence": sentence} for name, host in hosts.items() for sentence in host.blocked],
    }
    return MediaPlan(manifest, {name: host.rows for name, host in hosts.items()})


@dataclasses.dataclass
class _Host:
    """A host's part of the plan, with why that may not be carried out."""

    rows: list[dict[str, t.Any]]
    blocked: list[str]
    holds: dict[str, t.Any]

    def part(self) -> dict[str, t.Any]:
        data = rows_bytes(self.rows)
        return {
            "plan": {"digest": digest(data), "rows": len(self.rows), "bytes": len(data)},
            "holds": self.holds,
            "classes": {},
            "verdicts": {"due": _counts(row for row in self.rows if row["steps"])},
            "physical": sum(row["physical"]["needed"] for row in self.rows),
            "blocked": self.blocked,
        }


def _host(
    host: str,
    media: t.Sequence[Medium],
    results: t.Mapping[str, t.Any],
    dead: t.Collection[str],
    register: Register,
    policy: MediaPolicy,
    earlier: t.Mapping[str, t.Sequence[str]],
) -> _Host:
    """:raises RefusedError: it cannot be planned."""
    if not host or host in (".", "..") or "/" in host or visible(host) != host:
        raise RefusedError(
            f"the host name {visible(host)} cannot be a file name, which evidence needs; give the host another inventory name"
        )
    alive = [medium for medium in media if serial_key(medium.serial) not in dead]
    info, drained = _reported(host, results.get(host)) if alive else ({}, {})
    rows: list[dict[str, t.Any]] = []
    blocked: list[str] = []
    for medium in sorted(media, key=lambda each: each.serial):
        shown = shown_medium(medium, info, drained) if medium in alive else None
        row, against = plan_medium(medium, shown, policy)
        rows.append({**row, "after": sorted(earlier.get(row["set"], ()))})
        blocked += [*against, *([] if medium in alive else _still_shown(medium, results))]
    blocked += _limits(host, media, rows, arrays_of(drained), register, policy)
    return _Host(rows, blocked, _holds(drained) if alive else {"generation": "", "active": 0})


def _still_shown(medium: Medium, results: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """That a medium which is said to be dead answers: what is on it can be looked at then, and has to be."""
    for host, parts in results.items():
        info = parts.get("info") if isinstance(parts, dict) else None
        if isinstance(info, dict) and isinstance(shown_medium(medium, info, {}), Shown):
            yield f"{medium.serial} is named under dead, and {host} shows it; leave it out there, so that what is on it is looked at"


def _reported(host: str, value: t.Any) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """What C(media_info) and C(media_drain) returned.

    :raises RefusedError: the host has not told its media, and what is on them.
    """
    found = []
    for name, module in (("info", "media_info"), ("drained", "media_drain")):
        result = value.get(name) if isinstance(value, dict) else None
        if not isinstance(result, dict) or result.get("failed") or result.get("unreachable") or not isinstance(result.get("media"), list):
            said = str(result.get("msg") or "") if isinstance(result, dict) else ""
            told = visible(" ".join(said.split()))[:300] or "it gave no result"
            raise RefusedError(
                f"the host {host} has no result of {module} ({told}), and what is not known cannot be planned; reach it, and plan again"
            )
        found.append(result)
    if not _DIGEST.fullmatch(_holds(found[1])["generation"]):
        raise RefusedError(
            f"the result of media_drain of the host {host} does not tell under which legal holds it looked, so they could not be compared later; "
            "give it as it was returned"
        )
    return found[0], found[1]


def _holds(drained: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    found = drained.get("holds")
    told = found if isinstance(found, dict) else {}
    active = told.get("active")
    return {
        "generation": str(told.get("generation") or ""),
        "active": active if isinstance(active, int) and not isinstance(active, bool) and active >= 0 else 0,
    }


def _limits(
    host: str,
    media: t.Sequence[Medium],
    rows: t.Sequence[t.Mapping[str, t.Any]],
    arrays: t.Iterable[Array],
    register: Register,
    policy: MediaPolicy,
) -> t.Iterator[str]:
    """What goes beyond how much may be destroyed of one host at once."""
    if len(media) > policy.most_of_host:
        yield (
            f"{len(media)} media of {host} are planned, and the policy allows {policy.most_of_host} of one host; "
            "name fewer under serials, or have the limit raised"
        )
    serves = any(medium.host == host and medium.state == "in_service" for medium in register.media.values())
    for array in arrays if serves else ():
        # A host may have a serial of its own for a medium, besides the one on the label.
        going = [
            row["serial"] for row in rows if {serial_key(row["serial"]), serial_key(row["identity"].get("serial", ""))} & array.serials
        ]
        spare = array.disks - 1 if array.level == "raid1" else _SPARE.get(array.level, 0)
        if going and len(going) + array.degraded > spare:
            yield (
                f"{', '.join(going)} would leave the array {array.name} of {host} ({array.level}, {array.degraded} missing) below its redundancy "
                "while the host is in service; release the whole host, or fewer media"
            )


def _counts(rows: t.Iterable[dict[str, t.Any]]) -> dict[str, int]:
    sizes = [row["size_bytes"] for row in rows]
    return {"sets": len(sizes), "files": 0, "bytes": sum(sizes)}


def decided_media(manifest: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a signature over this manifest decides upon."""
    return {
        key: manifest.get(key) for key in ("format", "plan_id", "author", "approvals_required", "collection", "policy", "hosts", "blocked")
    }
