# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed policy would do to a fleet, joined from what C(retention_compare) told on each host, and held against limits."""

from __future__ import annotations

import dataclasses
import fractions
import re
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._errors import RefusedError
from ..module_utils._retention.limits import parse_bytes, people_bytes
from ..module_utils._retention.transitions import EFFECTS, NEWLY, NO_LONGER
from ._preview import join_results
from ._shapes import COUNTS, Each, Optional

__all__ = ["FORMAT", "build_policy_diff", "read_limits"]

FORMAT = "recordings.disposal/policy-diff/1"
_SIDES = ("present", "changed")
_POLICY = {"id": str, "version": str, "owner": str, "review_by": str, "digest": str}
_SIDE = {"verdict": str, "class": Optional(str), "rule": Optional(str)}
_SAMPLE = {"set": str, "bytes": int, "keep_until_before": Optional(str), "keep_until_after": Optional(str)}
_RESULT: dict[str, t.Any] = {
    "as_of": str,
    "simulated": Optional(bool),
    "policies": dict.fromkeys(_SIDES, _POLICY),
    "holds": {"generation": str, "active": int},
    "complete": bool,
    "roots": {"looked_at": int, "unread": int},
    "unread": Each({"root": str, "why": str}, list),
    "regrouped": Each(str, list),
    "totals": dict.fromkeys(_SIDES, COUNTS),
    "verdicts": dict.fromkeys(_SIDES, Each(COUNTS, dict)),
    "classes": Each(dict.fromkeys((*_SIDES, NEWLY, NO_LONGER), int), dict),
    "effects": dict.fromkeys(EFFECTS, COUNTS),
    "transitions": Each({"effect": str, "from": _SIDE, "to": _SIDE, **COUNTS, "samples": Each(_SAMPLE, list)}, list),
    "more_transitions": Each(COUNTS, dict),
}


@dataclasses.dataclass(frozen=True)
class Limit:
    """The most sets, bytes and share to which something may happen; none where there is no limit."""

    sets: int | None = None
    bytes: int | None = None
    share: str | None = None


def _share(value: t.Any) -> str:
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,3}))?%", value) if isinstance(value, str) else None
    if match is None or fractions.Fraction(value[:-1]) > 100:
        raise ValueError("is not a share such as 0% or 2.5%")
    return str(value)


def _bytes(value: t.Any) -> int:
    return 0 if str(value) == "0" else parse_bytes(value)


def _limit(node: Node) -> Limit:
    given: dict[str, t.Any] = {}
    if node.value == {}:
        node.problem("names no limit; give sets, bytes or share, or leave the key out")
    for name, item in node.mapping(optional=["sets", "bytes", "share"]).items():
        if name == "sets":
            given[name] = item.integer()
        else:
            given[name] = item.parsed(_bytes, 0) if name == "bytes" else item.parsed(_share, "0%")
    return Limit(**given)


def read_limits(document: t.Any) -> dict[str, Limit]:
    """The limits by effect, C(newly_destroyed) and C(no_longer_destroyed).

    :raises PolicyError: with every fault.
    """

    def read(node: Node) -> dict[str, Limit]:
        return {name: _limit(item) for name, item in node.mapping(optional=[NEWLY, NO_LONGER]).items()}

    return read_document(plain(document or {}), "the option limits", read)


def _added(counts: t.Iterable[t.Mapping[str, int]]) -> dict[str, int]:
    listed = list(counts)
    return {unit: sum(count[unit] for count in listed) for unit in COUNTS}


def _same(hosts: t.Mapping[str, t.Any], key: t.Callable[[t.Any], t.Any], what: str) -> t.Any:
    """What all hosts were compared under.

    :raises RefusedError: they differ.
    """
    first, *others = hosts
    for host in others:
        if key(hosts[host]) != key(hosts[first]):
            raise RefusedError(
                f"the hosts {first} and {host} were compared under different {what}, so nothing is told; compare all of them alike"
            )
    return key(hosts[first])


def build_policy_diff(results: t.Any, limits: t.Mapping[str, Limit], *, collection: str) -> dict[str, t.Any]:
    """The comparison over the results of C(retention_compare), by inventory host.

    :raises RefusedError: a result that is none of that module's, or hosts that were compared under different policies.
    """
    fleet = join_results(results, _RESULT, "retention_compare")
    hosts = fleet.hosts
    document: dict[str, t.Any] = {
        "format": FORMAT,
        "collection": collection,
        "complete": not fleet.unknown and all(part["complete"] for part in hosts.values()),
        "unknown_hosts": fleet.unknown,
        "unread": [{"host": host, **item} for host, part in hosts.items() for item in part["unread"]],
        "regrouped": [{"host": host, "root": root} for host, part in hosts.items() for root in part["regrouped"]],
        "policies": None,
        "simulated": None,
    }
    if hosts:
        document["policies"] = _same(hosts, lambda part: part["policies"], "policies")
        if _same(hosts, lambda part: bool(part.get("simulated")), "clocks"):
            document["simulated"] = _same(hosts, lambda part: part["as_of"], "dates")
    document["hosts"] = {host: _host(part) for host, part in hosts.items()}
    document["totals"] = {side: _added(part["totals"][side] for part in hosts.values()) for side in _SIDES}
    document["effects"] = {effect: _added(part["effects"][effect] for part in hosts.values()) for effect in EFFECTS}
    document["classes"] = _classes(hosts)
    document["transitions"], document["more_transitions"] = _transitions(hosts)
    document["limits"] = list(_limits(document, limits))
    document["exceeded"] = [item.pop("sentence") for item in document["limits"] if not item["ok"]]
    for item in document["limits"]:
        item.pop("sentence", None)
    return document


def _host(part: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    kept = ("as_of", "complete", "roots", "holds", "totals", "effects", "verdicts")
    return {key: part[key] for key in kept}


def _classes(hosts: t.Mapping[str, t.Any]) -> dict[str, dict[str, int]]:
    """How many sets each class has, and of how many it changes the end: by the class they leave or come to."""
    found: dict[str, dict[str, int]] = {}
    for part in hosts.values():
        for name, sides in part["classes"].items():
            row = found.setdefault(name, dict.fromkeys(sides, 0))
            for key, count in sides.items():
                row[key] += count
    return dict(sorted(found.items()))


def _transitions(hosts: t.Mapping[str, t.Any]) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    """Transitions over all hosts, the largest of each effect first, with samples from the hosts in turn; and what hosts told in sum only."""
    found: dict[tuple[t.Any, ...], dict[str, t.Any]] = {}
    more: dict[str, dict[str, int]] = {}
    for host, part in hosts.items():
        for row in part["transitions"]:
            sides = [tuple(row[side].get(key) for key in _SIDE) for side in ("from", "to")]
            mine = found.setdefault((row["effect"], *sides), {**row, **dict.fromkeys(COUNTS, 0), "hosts": 0, "samples": []})
            mine["hosts"] += 1
            for unit in COUNTS:
                mine[unit] += row[unit]
            mine["samples"].append([{"host": host, **sample} for sample in row["samples"]])
        for effect, counts in part["more_transitions"].items():
            more[effect] = _added([counts, more.get(effect, dict.fromkeys(COUNTS, 0))])
    rows = sorted(
        found.values(), key=lambda row: (EFFECTS.index(row["effect"]), -row["bytes"], -row["sets"], str(row["from"]), str(row["to"]))
    )
    for row in rows:
        row["samples"] = _in_turn(row["samples"])
    return rows, more


def _in_turn(queues: t.Sequence[t.Sequence[dict[str, t.Any]]]) -> list[dict[str, t.Any]]:
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]


_WORDS = {NEWLY: "would newly be destroyed", NO_LONGER: "would no longer be destroyed"}


def _limits(document: t.Mapping[str, t.Any], limits: t.Mapping[str, Limit]) -> t.Iterator[dict[str, t.Any]]:
    """Every limit that was given, with what was found."""
    for effect, limit in limits.items():
        counts = document["effects"][effect]
        told = {"effect": effect}
        if limit.sets is not None:
            yield {
                **told,
                **{
                    "name": "sets",
                    "scope": "fleet",
                    "limit": str(limit.sets),
                    "actual": str(counts["sets"]),
                    "ok": counts["sets"] <= limit.sets,
                },
                "sentence": f"{counts['sets']} sets {_WORDS[effect]}, more than the limit of {limit.sets}",
            }
        if limit.bytes is not None:
            most, actual = people_bytes(limit.bytes), people_bytes(counts["bytes"])
            if most == actual:
                # Rounded, both would read alike.
                most, actual = f"{limit.bytes} B", f"{counts['bytes']} B"
            yield {
                **told,
                **{"name": "bytes", "scope": "fleet", "limit": most, "actual": actual, "ok": counts["bytes"] <= limit.bytes},
                "sentence": f"{actual} {_WORDS[effect]}, more than the limit of {most}",
            }
        if limit.share is not None:
            side = "changed" if effect == NEWLY else "present"
            scopes = {"fleet": (counts["sets"], document["totals"][side]["sets"])}
            scopes |= {f"class:{name}": (row[effect], row[side]) for name, row in document["classes"].items() if row[effect]}
            for scope, (sets, whole) in scopes.items():
                yield {**told, **_share_state(effect, scope, sets, whole, limit.share)}


def _share_state(effect: str, scope: str, sets: int, whole: int, limit: str) -> dict[str, t.Any]:
    part = fractions.Fraction(sets * 100, whole) if whole else fractions.Fraction(0)
    most = fractions.Fraction(limit[:-1])
    # What is a little more than the limit must not read like it.
    places = next((places for places in range(1, 7) if part <= most or fractions.Fraction(f"{float(part):.{places}f}") > most), 7)
    actual = f"{float(part):.{places}f}%"
    where = "" if scope == "fleet" else f" of {scope}"
    return {
        **{"name": "share", "scope": scope, "limit": limit, "actual": actual, "ok": part <= most},
        "sentence": f"{sets} of {whole} sets{where} {_WORDS[effect]}, {actual}, more than the limit share of {limit}",
    }
