# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as the change board reads it: HTML, Markdown for a merge request, CSV."""

from __future__ import annotations

import json
import typing as t

from ._change_request import Approved
from ._language import load_language
from ._plan_view import VERDICTS, plan_view
from ._render import csv_page, html_page, markdown_page

__all__ = ["render_plan_csv", "render_plan_html", "render_plan_json", "render_plan_markdown"]

REQUEST_FORMAT = "recordings.disposal/change-request/1"
_HEADER = (
    *("plan_id", "host", "class", "verdict", "sets", "files", "bytes"),
    *("legal_basis", "keep", "destroy_within", "technique", "scheme", "level", "quarantine"),
)


def render_plan_html(manifest: dict[str, t.Any], *, language: str = "en", approved: Approved | None = None) -> str:
    """One self-contained page; the same manifest gives the same page.

    :arg manifest: as it stands in manifest.json.
    :arg language: C(en) or C(pl).
    :arg approved: the approvals that are there; none where nobody looked for them.
    :raises RefusedError: another language.
    :raises DisposalError: the manifest lacks something.
    """
    return html_page("plan.html.j2", load_language(language), plan_view(manifest, approved))


def render_plan_markdown(manifest: dict[str, t.Any], *, language: str = "en", approved: Approved | None = None) -> str:
    """The same for a merge request, shorter.

    :raises RefusedError: another language.
    """
    return markdown_page("plan.md.j2", load_language(language), plan_view(manifest, approved))


def _csv_rows(manifest: t.Mapping[str, t.Any]) -> t.Iterator[tuple[t.Any, ...]]:
    for host, part in sorted(manifest["hosts"].items()):
        in_classes = {verdict: [0, 0, 0] for verdict in VERDICTS}
        for name, item in sorted(part["classes"].items()):
            method = item["method"]
            rule = [item["legal_basis"], item["keep"], item["destroy_within"]]
            rule += [method["technique"], method["scheme"], method["level"], method.get("quarantine") or ""]
            for verdict in VERDICTS:
                counts = _numbers(item["verdicts"].get(verdict))
                in_classes[verdict] = [one + other for one, other in zip(in_classes[verdict], counts)]
                if counts[0] or verdict == "due":
                    yield (manifest["plan_id"], host, name, verdict, *counts, *rule)
        for verdict in VERDICTS:
            # Sets that are held, in progress or unclassified belong to no class.
            rest = [one - other for one, other in zip(_numbers(part["verdicts"][verdict]), in_classes[verdict])]
            if any(rest):
                yield (manifest["plan_id"], host, "", verdict, *rest, "", "", "", "", "", "", "")


def _numbers(counts: t.Mapping[str, int] | None) -> list[int]:
    return [counts[name] for name in ("sets", "files", "bytes")] if counts else [0, 0, 0]


def render_plan_csv(manifest: dict[str, t.Any]) -> str:
    """One row per host, class and verdict, by RFC 4180; rows of nothing are left out, except that each class says what is due.

    Sets without a class have an empty one. Sizes are bytes, periods ISO 8601.
    """
    return csv_page(_HEADER, _csv_rows(manifest))


def render_plan_json(manifest: dict[str, t.Any], *, approved: Approved | None = None) -> str:
    """The plan as a request for change, for programs that keep such requests; details are in manifest.json, whose digest it names."""
    view = plan_view(manifest, approved)
    told = {
        "format": REQUEST_FORMAT,
        "plan_id": manifest["plan_id"],
        "manifest": view["digest"],
        "created": manifest["created"],
        "expires": manifest["expires"],
        "author": manifest["author"],
        "approvals_required": manifest["approvals_required"],
        "policy": manifest["policy"],
        "due": view["due"],
        "found": view["found"],
        "overdue": {key: view["overdue"][key] for key in ("sets", "bytes", "oldest")},
        "blocked": manifest["blocked"],
        "request": view["request"],
    }
    return json.dumps(told, ensure_ascii=True, indent=1, sort_keys=True) + "\n"
