# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast as people read it: HTML, Markdown, CSV, and JSON for programs."""

from __future__ import annotations

import json
import typing as t

from ._language import load_language
from ._render import csv_page, html_page, markdown_page

__all__ = ["forecast_pages"]

_HEADER = (
    "record",
    "host",
    "class",
    "week",
    "sets",
    "bytes",
    "size",
    "free",
    "bytes_per_day",
    "full_without_destruction",
    "full_with_destruction",
    "note",
)
_SOONEST = 25


def forecast_pages(document: dict[str, t.Any], *, language: str) -> dict[str, str]:
    """The pages by kind; the same forecast gives the same pages.

    :raises RefusedError: another language.
    """
    spoken, view = load_language(language), _view(document)
    return {
        "html": html_page("forecast.html.j2", spoken, view),
        "markdown": markdown_page("forecast.md.j2", spoken, view),
        "csv": csv_page(_HEADER, _csv_rows(document)),
        "json": json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True) + "\n",
    }


def _soon(item: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """What fills up first comes first, then what is not known."""
    full = item["full"]["with_destruction"]
    order = {"date": "0", "unknown": "1"}.get(full["state"], "2")
    return order + (full["date"] or ""), item["host"]


def _view(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    filesystems = sorted(document["filesystems"], key=_soon)
    most = max((row["bytes"] for row in document["weeks"]), default=0) or 1
    within = {unit: sum(row[unit] for row in document["weeks"]) for unit in ("sets", "bytes", "freed")}
    return {
        "d": document,
        "known": any(part["roots"]["looked_at"] for part in document["hosts"].values()),
        "weeks": [{**row, "part": row["bytes"] * 100 // most} for row in document["weeks"]],
        "within": within,
        "filesystems": filesystems[:_SOONEST],
        "more_filesystems": max(len(filesystems) - _SOONEST, 0),
        "filling": [item for item in filesystems if item["full"]["with_destruction"]["state"] == "date"],
        "unknown_full": sum(item["full"]["with_destruction"]["state"] == "unknown" for item in filesystems),
        "apart": [{"verdict": verdict, **counts} for verdict, counts in document["apart"].items()],
    }


def _csv_rows(document: t.Mapping[str, t.Any]) -> t.Iterator[tuple[t.Any, ...]]:
    blank = [""] * 6
    for host, part in document["hosts"].items():
        if not part["roots"]["looked_at"]:
            # What is not known has no counts, not even 0.
            continue
        for name, item in part["classes"].items():
            for kind in ("due", "overdue", "later"):
                yield (kind, host, name, "", item[kind]["sets"], item[kind]["bytes"], *blank)
            for week, counts in item["weeks"].items():
                yield ("week", host, name, week, *counts, *blank)
        if part.get("other_classes"):
            for week, counts in part["other_classes"]["weeks"].items():
                yield ("week", host, "", week, *counts, *blank[:-1], "other classes")
        for verdict, counts in part["apart"].items():
            yield (verdict, host, "", "", counts["sets"], counts["bytes"], *blank)
    for item in document["filesystems"]:
        full = [item["full"][key]["date"] or item["full"][key]["state"] for key in ("without_destruction", "with_destruction")]
        rate = item["intake"]["bytes_per_day"]
        facts = (item["size"], item["free"], "unknown" if rate is None else rate, *full)
        yield ("filesystem", item["host"], "", "", "", item["recordings"], *facts, " ".join(item["roots"]))
    for item in document["unknown_hosts"]:
        yield ("unknown_host", item["host"], *[""] * 9, item["why"])
    for item in document["unread"]:
        yield ("unread_root", item["host"], *[""] * 9, f"{item['root']}: {item['why']}")
