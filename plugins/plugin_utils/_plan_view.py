# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages about a plan show, worked out from its manifest: sums over hosts, orders, shortened lists."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._recordings.periods import parse_period
from ._change_request import Approved, request_view

__all__ = ["VERDICTS", "class_rows", "plan_view"]

VERDICTS = ("due", "retained", "held", "unclassified", "conflict", "in_progress")
_COUNTED = ("sets", "files", "bytes")
# Pages stay readable for a fleet: past these numbers they say how many more there are, and the manifest has them all.
_LIMIT_ROWS = 60
_LIMIT_HOSTS = 8
_SAMPLES = {"due": 15}
_OTHER_SAMPLES = 5
_BYTES_PER_SECOND = 100 * 2**20


def _sum(counts: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, int]:
    total = dict.fromkeys(_COUNTED, 0)
    for count in counts:
        for name in _COUNTED:
            total[name] += count[name]
    return total


def _least(moments: t.Iterable[str | None]) -> str | None:
    return min((moment for moment in moments if moment), default=None)


def class_rows(hosts: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Each class with its sums over all hosts, in the order of the size that goes."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for part in hosts.values():
        for name, item in part["classes"].items():
            found.setdefault(name, []).append(item)
    rows = [_class_row(name, items) for name, items in found.items()]
    return sorted(rows, key=lambda row: (-row["due"]["bytes"], -row["due"]["sets"], row["name"]))


def _class_row(name: str, items: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    first = items[0]
    nothing = dict.fromkeys(_COUNTED, 0)
    return {
        "name": name,
        "rule": f"class:{name}",
        "legal_basis": first["legal_basis"],
        "keep": first["keep"],
        "destroy_within": first["destroy_within"],
        "method": first["method"],
        "quarantine": first["method"].get("quarantine"),
        "due": _sum(item["verdicts"].get("due", nothing) for item in items),
        "kept": sum(counts["sets"] for item in items for verdict, counts in item["verdicts"].items() if verdict != "due"),
        "overdue": {unit: sum(item["overdue"][unit] for item in items) for unit in ("sets", "bytes")},
        "next_due": _least(item["next_due"] for item in items),
    }


def _host_row(name: str, part: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        "name": name,
        "as_of": part["as_of"],
        "sources": part["sources"],
        "found": part["totals"],
        "due": part["verdicts"]["due"],
        "kept": part["totals"]["sets"] - part["verdicts"]["due"]["sets"],
        "overdue": part["overdue"],
        "plan": part["plan"],
        "holds": part["holds"]["active"],
        "limits": len(part["limits"]),
        "exceeded": sum(not limit["ok"] for limit in part["limits"]),
    }


def _kept(hosts: t.Mapping[str, t.Any], verdicts: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    rows = []
    for verdict in VERDICTS[1:]:
        reasons: dict[str, int] = {}
        for part in hosts.values():
            for reason, count in part["reasons"].get(verdict, {}).items():
                reasons[reason] = reasons.get(reason, 0) + count
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        rows.append({"verdict": verdict, "counts": verdicts[verdict], "reasons": ordered[:25], "more": max(len(ordered) - 25, 0)})
    return rows


def _limits(hosts: t.Mapping[str, t.Any]) -> tuple[list[dict[str, t.Any]], int]:
    """Limits that hosts share in one row, exceeded ones first, and how many kept ones are left out."""
    grouped: dict[tuple[bool, str, str, str], list[tuple[str, str]]] = {}
    for host, part in hosts.items():
        for limit in part["limits"]:
            grouped.setdefault((limit["ok"], limit["scope"], limit["name"], limit["limit"]), []).append((host, limit["actual"]))
    rows: list[dict[str, t.Any]] = []
    left_out = 0
    for (ok, scope, name, limit), found in sorted(grouped.items()):
        if ok and len(rows) >= _LIMIT_ROWS:
            left_out += len(found)
            continue
        # The hosts that are nearest to the limit are the ones to look at.
        nearest = sorted(found, key=lambda item: (-_magnitude(item[1]), item[0]))
        shown = nearest[:_LIMIT_HOSTS] if ok else nearest
        kind, _colon, subject = scope.partition(":")
        row = {"ok": ok, "scope": scope, "kind": kind, "subject": subject, "name": name, "limit": limit}
        rows.append({**row, "found": shown, "more": len(found) - len(shown)})
    return rows, left_out


def _magnitude(text: str) -> float:
    """The size of a measured value such as 4.2%, 1200, 3 days or 412.6 GiB, to compare it with others of its kind."""
    match = re.match(r"(\d+(?:\.\d+)?)\s*(.?)", text)
    if match is None:
        return 0.0
    unit = match[2] if text.endswith("iB") else ""
    return float(match[1]) * float(1024 ** ("BKMGTPE".find(unit) if unit else 0))


def _samples(hosts: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """A few samples of each verdict, taken from the hosts in turn."""
    rows: list[dict[str, t.Any]] = []
    for verdict in VERDICTS:
        queues = [(host, part["samples"].get(verdict, [])) for host, part in hosts.items()]
        turns = max((len(items) for _host, items in queues), default=0)
        mixed = [(host, items[turn]) for turn in range(turns) for host, items in queues if turn < len(items)]
        most = _SAMPLES.get(verdict, _OTHER_SAMPLES)
        told = {"verdict": verdict, "order": VERDICTS.index(verdict)}
        rows.extend({**sample, **told, "host": host} for host, sample in mixed[:most])
    return rows


def _length(text: str) -> tuple[float, str]:
    """About how many days a period lasts, to put periods in order."""
    try:
        period = parse_period(text)
    except ValueError:
        return 0.0, text
    return period.months * 30.4 + period.days + period.seconds / 86400, text


def _passed_over(hosts: t.Mapping[str, t.Any]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in hosts.values():
        for source in part["sources"]:
            for kind, count in source["passed_over"].items():
                total[kind] = total.get(kind, 0) + count
    return {kind: count for kind, count in sorted(total.items()) if count}


def _most_work(hosts: list[dict[str, t.Any]]) -> dict[str, t.Any] | None:
    most = max(hosts, key=lambda row: (row["due"]["bytes"], row["name"]), default=None)
    if most is None or not most["due"]["bytes"]:
        return None
    return {"name": most["name"], "bytes": most["due"]["bytes"], "seconds": most["due"]["bytes"] * 2 // _BYTES_PER_SECOND}


def plan_view(manifest: t.Mapping[str, t.Any], approved: Approved | None = None) -> dict[str, t.Any]:
    """Everything that the page templates need.

    :arg manifest: as it stands in manifest.json.
    :arg approved: the approvals; none where nobody looked for them.
    """
    hosts = dict(sorted(manifest["hosts"].items()))
    totals = manifest["totals"]
    classes = class_rows(hosts)
    host_rows = [_host_row(name, part) for name, part in hosts.items()]
    due = [row for row in classes if row["due"]["sets"]]
    direct, aside = [row for row in due if not row["quarantine"]], [row for row in due if row["quarantine"]]
    limits, limits_left_out = _limits(hosts)
    overdue_hosts = [row for row in host_rows if row["overdue"]["sets"]]
    verdicts = totals["verdicts"]
    return {
        "m": manifest,
        "request": request_view(manifest, due, approved),
        "digest": digest(canonical(manifest) + b"\n"),
        "due": totals["due"],
        "found": {name: totals[name] for name in _COUNTED},
        "stays": {name: totals[name] - totals["due"][name] for name in _COUNTED},
        "verdicts": [{"name": name, **verdicts[name]} for name in VERDICTS],
        "unclear": _sum(verdicts[name] for name in ("unclassified", "conflict")),
        "held": verdicts["held"],
        "unclassified": verdicts["unclassified"]["sets"],
        "classes": classes,
        "due_classes": due,
        "direct": _sum(row["due"] for row in direct),
        "aside": aside,
        "aside_sets": sum(row["due"]["sets"] for row in aside),
        "windows": sorted({row["destroy_within"] for row in due}, key=_length),
        "schemes": list(dict.fromkeys(row["method"]["scheme"] for row in due or classes)),
        "hosts": host_rows,
        "kept": _kept(hosts, verdicts),
        "overdue": {
            "sets": sum(row["overdue"]["sets"] for row in overdue_hosts),
            "bytes": sum(row["overdue"]["bytes"] for row in overdue_hosts),
            "oldest": _least(row["overdue"]["oldest_destroy_by"] for row in overdue_hosts),
            "hosts": overdue_hosts,
        },
        "blocked": manifest["blocked"],
        "blocked_hosts": len({item["host"] for item in manifest["blocked"]}),
        "limits": limits,
        "limits_left_out": limits_left_out,
        "limits_total": sum(row["limits"] for row in host_rows),
        "limits_exceeded": sum(row["exceeded"] for row in host_rows),
        "passed_over": _passed_over(hosts),
        "samples": _samples(hosts),
        "samples_most": _SAMPLES["due"],
        "most_work": _most_work(host_rows),
    }
