# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a plan of media, which people sign, and the rows of each host, whose digest it names."""

from __future__ import annotations

import dataclasses
import datetime as dt
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
from ._shown_media import shown_medium

__all__ = ["MediaPlan", "build_media_plan", "decided_media", "rows_bytes"]

# How many members an array may lose and still have every byte.
_SPARE = {"raid1": None, "raid4": 1, "raid5": 1, "raid6": 2, "raid10": 1}


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
    failed: t.Mapping[str, t.Sequence[str]] | None = None,
) -> MediaPlan:
    """The plan of media that were chosen.

    :arg results: by host, what C(media_info) (C(info)) and C(media_drain) (C(drained)) returned there.
    :arg failed: by set, digests of the records of earlier runs that have not destroyed it: the same plan once more would be taken for
        the one that has ended.
    :raises RefusedError: a host did not report, or an option is not valid.
    """
    results = plain(results)
    author = author_of(author, approvals_required)
    length = lifetime(expires_in)
    rows: dict[str, list[dict[str, t.Any]]] = {}
    hosts: dict[str, dict[str, t.Any]] = {}
    for host, media in chosen.hosts.items():
        alive = [medium for medium in media if serial_key(medium.serial) not in chosen.dead]
        told = _reported(host, results.get(host)) if alive else {"info": {}, "drained": {}}
        rows[host], blocked = _rows(media, alive, told, policy)
        for row in rows[host]:
            row["after"] = sorted((failed or {}).get(row["set"], ()))
        blocked += _limits(host, media, alive, told, register, policy)
        hosts[host] = _part(rows[host], blocked, told["drained"].get("holds") or {"generation": "", "active": 0})
    blocked_rows = [{"host": host, "sentence": sentence} for host, part in hosts.items() for sentence in part["blocked"]]
    total = sum(map(len, rows.values()))
    if total > policy.most:
        sentence = (
            f"the plan has {total} media, and the policy allows {policy.most} in one; name fewer under serials, or have the limit raised"
        )
        blocked_rows.append({"host": next(iter(hosts)), "sentence": sentence})
        next(iter(hosts.values()))["blocked"].append(sentence)
    decided_on = digest_of({"hosts": {host: part["plan"]["digest"] for host, part in hosts.items()}, "policy": policy.about})
    manifest = {
        "format": MEDIA_FORMAT,
        "plan_id": plan_name(plan_id, decided_on, now),
        "created": time_text(now),
        "expires": time_text(now + length),
        "author": author,
        "approvals_required": int(approvals_required),
        "collection": collection,
        "policy": policy.about,
        "hosts": hosts,
        "totals": {"hosts": len(hosts), "media": total, "due": _counts(row for each in rows.values() for row in each if row["steps"])},
        "blocked": blocked_rows,
    }
    return MediaPlan(manifest, rows)


def _reported(host: str, value: t.Any) -> dict[str, t.Any]:
    """:raises RefusedError: the host has not told its media, and what is on them."""
    if not host or host in (".", "..") or "/" in host or visible(host) != host:
        raise RefusedError(
            f"the host name {visible(host)} cannot be a file name, which evidence needs; give the host another inventory name"
        )
    parts = value if isinstance(value, dict) else {}
    for name, module in (("info", "media_info"), ("drained", "media_drain")):
        result = parts.get(name)
        if not isinstance(result, dict) or result.get("failed") or result.get("unreachable") or not isinstance(result.get("media"), list):
            said = str(result.get("msg") or "") if isinstance(result, dict) else ""
            told = visible(" ".join(said.split()))[:300] or "it gave no result"
            raise RefusedError(
                f"the host {host} has no result of {module} ({told}), and what is not known cannot be planned; reach it, and plan again"
            )
    return parts


def _rows(
    media: t.Sequence[Medium], alive: t.Sequence[Medium], told: t.Mapping[str, t.Any], policy: MediaPolicy
) -> tuple[list[dict[str, t.Any]], list[str]]:
    rows, blocked = [], []
    for medium in sorted(media, key=lambda each: each.serial):
        shown = shown_medium(medium.serial, told["info"], told["drained"]) if medium in alive else None
        if isinstance(shown, str):
            blocked.append(shown)
            shown = None
        row, against = plan_medium(medium, shown, policy)
        rows.append(row)
        blocked.extend(against)
    return rows, blocked


def _limits(
    host: str,
    media: t.Sequence[Medium],
    alive: t.Sequence[Medium],
    told: t.Mapping[str, t.Any],
    register: Register,
    policy: MediaPolicy,
) -> list[str]:
    """What goes beyond how much may be destroyed of one host at once."""
    found = []
    if len(media) > policy.most_of_host:
        found.append(
            f"{len(media)} media of {host} are planned, and the policy allows {policy.most_of_host} of one host; "
            "name fewer under serials, or have the limit raised"
        )
    planned = {serial_key(medium.serial) for medium in media}
    left = [
        medium.serial
        for key, medium in register.media.items()
        if medium.host == host and medium.state == "in_service" and key not in planned
    ]
    for array in told["drained"].get("arrays") or []:
        members = {serial_key(str(serial)) for serial in array.get("members") or []}
        going = [medium.serial for medium in alive if serial_key(medium.serial) in members]
        spare = _SPARE.get(str(array.get("level")), 0)
        spare = int(array.get("disks") or 1) - 1 if spare is None else spare
        if going and left and len(going) + int(array.get("degraded") or 0) > spare:
            found.append(
                f"{', '.join(going)} would leave the array {array.get('name')} of {host} ({array.get('level')}, {array.get('degraded') or 0} missing) "
                f"below its redundancy while the host is in service; release the whole host, or fewer media"
            )
    return found


def _part(rows: t.Sequence[dict[str, t.Any]], blocked: list[str], holds: t.Any) -> dict[str, t.Any]:
    data = rows_bytes(rows)
    return {
        "plan": {"digest": digest(data), "rows": len(rows), "bytes": len(data)},
        "holds": holds,
        "classes": {},
        "verdicts": {"due": _counts(row for row in rows if row["steps"])},
        "physical": sum(row["physical"]["needed"] for row in rows),
        "blocked": blocked,
    }


def _counts(rows: t.Iterable[dict[str, t.Any]]) -> dict[str, int]:
    sizes = [row["size_bytes"] for row in rows]
    return {"sets": len(sizes), "files": 0, "bytes": sum(sizes)}


def decided_media(manifest: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a signature over this manifest decides upon."""
    return {
        key: manifest.get(key) for key in ("format", "plan_id", "author", "approvals_required", "collection", "policy", "hosts", "blocked")
    }
