# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan of media as the change board reads it: HTML, Markdown for a merge request, CSV; and the rows of each host, which it names."""

from __future__ import annotations

import typing as t

from ..module_utils._evidence.approval import MEDIA_FORMAT
from ..module_utils._evidence.canonical import digest
from ._language import load_language
from ._media_manifest import MediaPlan, decided_media, rows_bytes
from ._plan_files import PlanForm
from ._plan_manifest import manifest_bytes
from ._render import csv_page, html_page, markdown_page

__all__ = ["media_form", "rows_name"]

_ABOUT = ("serial", "kind", "make", "model", "asset_number", "classification", "encryption", "required_level", "bay", "size_bytes")
_HEADER = (
    *("plan_id", "host", *_ABOUT, "level", "techniques", "estimated_seconds", "physical", "why", "on_failure"),
    *("destination", "drained", "to_free", "open"),
)


def rows_name(host: str) -> str:
    """Where the rows of a host lie in the plan's directory."""
    return f"media/{host}.jsonl"


def media_form(plan: MediaPlan) -> PlanForm:
    """A plan of media with its pages, all of which the manifest and its rows give."""

    def pages(manifest: dict[str, t.Any], language: str) -> dict[str, str]:
        words, view = load_language(language), _view(manifest, plan.rows)
        return {
            "html": html_page("media_plan.html.j2", words, view),
            "markdown": markdown_page("media_plan.md.j2", words, view),
            "csv": csv_page(_HEADER, _csv_rows(manifest, plan.rows)),
            **{rows_name(host): rows_bytes(rows).decode("utf-8") for host, rows in plan.rows.items()},
        }

    return PlanForm(MEDIA_FORMAT, decided_media, pages)


def _view(manifest: dict[str, t.Any], rows: t.Mapping[str, t.Sequence[dict[str, t.Any]]]) -> dict[str, t.Any]:
    media = [row for host in sorted(rows) for row in rows[host]]
    hosts_of: dict[str, list[str]] = {}
    for item in manifest["blocked"]:
        hosts_of.setdefault(item["sentence"], []).append(item["host"])
    return {
        "m": manifest,
        "media": media,
        "physical": [row for row in media if row["physical"]["needed"]],
        "due": manifest["totals"]["due"],
        "due_hosts": len({row["host"] for row in media if row["steps"]}),
        # A limit of the whole plan speaks against each of its hosts.
        "blocked": [{"host": ", ".join(hosts), "sentence": sentence} for sentence, hosts in hosts_of.items()],
        "blocked_hosts": len({item["host"] for item in manifest["blocked"]}),
        "digest": digest(manifest_bytes(manifest)),
    }


def _csv_rows(manifest: t.Mapping[str, t.Any], rows: t.Mapping[str, t.Sequence[dict[str, t.Any]]]) -> t.Iterator[tuple[t.Any, ...]]:
    for host in sorted(rows):
        for row in rows[host]:
            seconds = [step["estimated_seconds"] for step in row["steps"][:1]]
            yield (
                *(manifest["plan_id"], host, *(row[name] for name in _ABOUT), row["level"]),
                *(" ".join(step["technique"] for step in row["steps"]), seconds[0] if seconds and seconds[0] is not None else ""),
                *(row["physical"]["technique"] if row["physical"]["needed"] else "", row["physical"]["why"], row["on_failure"]),
                *(row["destination"], row["drain"]["drained"], "; ".join(row["to_free"]), " ".join(row["risk"])),
            )
