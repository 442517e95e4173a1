# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of two policies as people read it: HTML, Markdown for a merge request, CSV, and JSON for programs."""

from __future__ import annotations

import json
import typing as t

from ..module_utils._retention.transitions import EFFECTS
from ._language import load_language
from ._render import csv_page, html_page, markdown_page

__all__ = ["policy_diff_pages"]

_SAMPLES = 20
_HEADER = (
    *("record", "host", "effect", "from_verdict", "from_class", "from_rule", "to_verdict", "to_class", "to_rule"),
    *("sets", "files", "bytes", "note"),
)


def policy_diff_pages(document: dict[str, t.Any], *, language: str) -> dict[str, str]:
    """The pages by kind; the same comparison gives the same pages.

    :raises RefusedError: another language.
    """
    spoken, view = load_language(language), _view(document)
    return {
        "html": html_page("policy_diff.html.j2", spoken, view),
        "markdown": markdown_page("policy_diff.md.j2", spoken, view),
        "csv": csv_page(_HEADER, _csv_rows(document)),
        "json": json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True) + "\n",
    }


def _view(document: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    rows = document["transitions"]
    return {
        "d": document,
        "known": any(part["roots"]["looked_at"] for part in document["hosts"].values()),
        "groups": [
            {"effect": effect, **document["effects"][effect], "rows": [row for row in rows if row["effect"] == effect]}
            for effect in EFFECTS
        ],
        "more": document["more_transitions"],
        "samples": [
            {
                "effect": row["effect"],
                "to": row["to"],
                "rows": row["samples"][:_SAMPLES],
                "more": row["sets"] - len(row["samples"][:_SAMPLES]),
            }
            for row in rows
            if row["samples"]
        ],
        "hosts": [{"name": name, **part} for name, part in document["hosts"].items()],
        "newly": document["effects"]["newly_destroyed"],
        "no_longer": document["effects"]["no_longer_destroyed"],
        "classes": [{"name": name, **row} for name, row in document["classes"].items()],
    }


def _csv_rows(document: t.Mapping[str, t.Any]) -> t.Iterator[tuple[t.Any, ...]]:
    for row in document["transitions"]:
        sides = [row[side][key] or "" for side in ("from", "to") for key in ("verdict", "class", "rule")]
        yield ("transition", "", row["effect"], *sides, row["sets"], row["files"], row["bytes"], "")
    for effect, counts in sorted(document["more_transitions"].items()):
        yield ("more_transitions", "", effect, "", "", "", "", "", "", counts["sets"], counts["files"], counts["bytes"], "")
    for host, part in document["hosts"].items():
        # What is not known has no counts, not even 0.
        for effect in EFFECTS if part["roots"]["looked_at"] else ():
            counts = part["effects"][effect]
            yield ("host", host, effect, "", "", "", "", "", "", counts["sets"], counts["files"], counts["bytes"], "")
    for item in document["unknown_hosts"]:
        yield ("unknown_host", item["host"], *[""] * 10, item["why"])
    for item in document["unread"]:
        yield ("unread_root", item["host"], *[""] * 10, f"{item['root']}: {item['why']}")
