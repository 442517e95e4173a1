# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a request for change: what people say of it, checked, and what the plan itself tells, worked out."""

from __future__ import annotations

import math
import re
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._errors import RefusedError
from ..module_utils._recordings.calendar import calendar_for, parse_instant, rfc3339
from ._language import visible

__all__ = ["TEXTS", "Approved", "read_change", "request_view", "waves_of"]

TEXTS = ("number", "reason", "effect_of_not_doing", "impact", "implementer", "risk")
_LONGEST = 4000
_MOST_TESTS = 50


class Approved(t.NamedTuple):
    """The approvals that were there when a page was made: C(principal), C(key) and C(time), and a sentence for each signature that does not count."""

    approvals: list[dict[str, str]]
    problems: list[str]


def _text(node: Node) -> str:
    text = node.text().strip()
    if len(text) > _LONGEST:
        node.problem(f"is longer than {_LONGEST} characters; put the details where they can be linked to")
    return text


def _instant(value: t.Any) -> str:
    text = str(value)
    if "T" not in text and " " not in text:
        raise ValueError("has no time of day; write it as 2026-12-01T20:00:00+01:00")
    return str(rfc3339(parse_instant(text, calendar_for("UTC"))))


def read_change(document: t.Any, *, expires: str) -> dict[str, t.Any]:
    """What people say of a change, as the manifest keeps it.

    :arg expires: when the plan does, RFC 3339 UTC.
    :raises PolicyError: with every fault of it.
    :raises RefusedError: its schedule cannot be kept.
    """

    def read(node: Node) -> dict[str, t.Any]:
        keys = node.mapping(optional=[*TEXTS, "start", "end", "tests"])
        found: dict[str, t.Any] = {name: _text(keys[name]) for name in TEXTS if name in keys}
        found |= {name: keys[name].parsed(_instant, "") for name in ("start", "end") if name in keys}
        if "tests" in keys:
            tests = [keys["tests"]] if isinstance(keys["tests"].value, str) else keys["tests"].elements(at_least=1)
            if len(tests) > _MOST_TESTS:
                keys["tests"].problem(f"has more than {_MOST_TESTS} elements")
            found["tests"] = [_text(item) for item in tests[:_MOST_TESTS]]
        return found

    change = read_document(plain(document), "the option change", read)
    start, end = change.get("start"), change.get("end")
    if start and end and end <= start:
        raise RefusedError(f"change.end ({end}) is not after change.start ({start}); correct the schedule")
    for name, moment in (("start", start), ("end", end)):
        if moment and moment > expires:
            raise RefusedError(
                f"change.{name} ({moment}) is after the plan expires ({expires}), so it could not be carried out then; "
                "choose an earlier time, or a longer expires_in"
            )
    return change


def waves_of(serial: t.Any, hosts: t.Sequence[str]) -> list[list[str]]:
    """The hosts in the waves that a play takes with C(serial): numbers of hosts or shares of all of them, of which the last one repeats.

    :arg hosts: in the order of the play.
    :raises RefusedError: C(serial) is not like that.
    """
    given = [str(plain(item)).strip() for item in (serial if isinstance(serial, (list, tuple)) else [serial])]
    sizes = []
    for item in given:
        match = re.fullmatch(r"(\d{1,6})(%?)", item)
        if match is None or not int(match[1]):
            raise RefusedError(
                f"serial: {visible(item)[:40]!r} is neither a number of hosts nor a share such as 25%; give what the sweep has"
            )
        # As Ansible reckons it: rounded down, and never less than one host.
        sizes.append(max(math.floor(len(hosts) * int(match[1]) / 100), 1) if match[2] else int(match[1]))
    if not sizes:
        raise RefusedError("serial names no wave; give what the sweep has, or leave it out")
    waves: list[list[str]] = []
    left = list(hosts)
    while left:
        size = sizes[min(len(waves), len(sizes) - 1)]
        waves.append(left[:size])
        left = left[size:]
    return waves


def _items(hosts: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The configuration items: the hosts that lose something, with their roots."""
    return [
        {"host": host, "roots": [root for source in part["sources"] for root in source["roots"]]}
        for host, part in hosts.items()
        if part["verdicts"]["due"]["sets"]
    ]


def _wave_rows(manifest: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    hosts = manifest["hosts"]
    rows = []
    for number, names in enumerate(manifest.get("waves", []), start=1):
        due = [hosts[name]["verdicts"]["due"] for name in names if name in hosts]
        counts = {unit: sum(count[unit] for count in due) for unit in ("sets", "bytes")}
        rows.append({"number": number, "hosts": names, **counts})
    return rows


def request_view(
    manifest: t.Mapping[str, t.Any], due_classes: t.Sequence[t.Mapping[str, t.Any]], approved: Approved | None
) -> dict[str, t.Any]:
    """What the section on the request for change shows; nothing that the plan tells is taken from what people wrote.

    :arg due_classes: rows of the classes with sets due.
    :arg approved: the approvals; none where nobody looked for them.
    """
    change = manifest.get("change", {})
    return {
        "given": {name: change.get(name) for name in (*TEXTS, "start", "end")},
        "tests": change.get("tests", []),
        "items": _items(manifest["hosts"]),
        "at_once": [row["name"] for row in due_classes if not row["quarantine"]],
        "aside": [{"name": row["name"], "period": row["quarantine"]} for row in due_classes if row["quarantine"]],
        "by_key": [row["name"] for row in due_classes if row["method"]["technique"] == "crypto_erase"],
        "waves": _wave_rows(manifest),
        "looked": approved is not None,
        "approvals": approved.approvals if approved else [],
        "problems": approved.problems if approved else [],
    }
