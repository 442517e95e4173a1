# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A review as people read it: HTML, Markdown for a merge request, JSON for machines."""

from __future__ import annotations

import typing as t

from ..module_utils._evidence.canonical import canonical, digest
from ._language import Language, load_language
from ._render import html_page, markdown_page
from ._review_findings import Finding
from ._review_gate import Standing
from ._review_record import SEVERITIES, record_bytes

__all__ = ["PAGES", "counted", "review_pages", "sorted_findings", "told_finding"]

PAGES = {"html": "review.html", "markdown": "review.md", "json": "review.json"}
REPORT = "recordings.disposal/review-report/1"


def sorted_findings(findings: t.Iterable[Finding]) -> list[Finding]:
    """Each once, the severe ones first."""
    return sorted(
        {(item.code, item.kind, item.name, item.place): item for item in findings}.values(),
        key=lambda item: (SEVERITIES.index(item.severity), item.code, item.kind, item.name, item.place),
    )


def counted(findings: t.Iterable[Finding]) -> dict[str, int]:
    """How many of each severity."""
    listed = [item.severity for item in findings]
    return {severity: listed.count(severity) for severity in SEVERITIES}


def told_finding(item: Finding, language: Language) -> dict[str, str]:
    """A finding in words."""
    values = {name: value or language.word("words.not_recorded") for name, value in item.values.items()}
    reason = language.word(f"review.findings.{item.code}.reason").format(**values)
    if item.values.get("not_known"):
        reason = f"{reason} {language.word('review.partly').format(hosts=item.values['not_known'])}"
    action = language.word(f"review.findings.{item.code}.action").format(**values)
    return {**item.row(), "kind": item.kind, "name": item.name, "reason": reason, "action": action}


def review_pages(
    record: t.Mapping[str, t.Any], findings: t.Sequence[Finding], standing: Standing | None, not_looked: t.Sequence[str], language: str
) -> dict[str, bytes]:
    """The pages by the names of their files."""
    words = load_language(language)
    told = standing.told() if standing else None
    changes = sorted(record["changes"], key=lambda change: not change["sooner"])
    view = {
        "r": record,
        "digest": digest(record_bytes(record)),
        "counts": counted(findings),
        "findings": [told_finding(item, words) for item in findings],
        "standing": told,
        "changes": changes,
        "not_looked": list(not_looked),
    }
    report = {
        **{name: record[name] for name in ("id", "created", "author", "collection", "policy", "catalogue", "changes", "not_known")},
        "format": REPORT,
        "record": view["digest"],
        "standing": told,
        "findings": [{**told_finding(item, load_language("en")), "values": dict(item.values)} for item in findings],
    }
    return {
        PAGES["html"]: html_page("review.html.j2", words, view).encode("utf-8"),
        PAGES["markdown"]: markdown_page("review.md.j2", words, view).encode("utf-8"),
        PAGES["json"]: canonical(report) + b"\n",
    }
