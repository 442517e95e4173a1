# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on the fleet as people read it: one page, which needs no network and no script."""

from __future__ import annotations

import datetime as dt
import typing as t

from ._language import load_language
from ._plan_view import VERDICTS
from ._render import html_page
from ._report_chart import columns, shares
from ._report_evidence import Done, Run
from ._report_figures import OUTCOMES
from ._report_plans import Plans

__all__ = ["Facts", "gaps_of", "render_report"]

# Months that the chart shows; earlier ones are one sentence.
_MONTHS = 24
# Hosts up to which all sites are open when the page opens.
_OPEN = 40

Facts = dict[str, t.Any]


def gaps_of(figures: Facts, plans: Plans, done: Done | None) -> list[dict[str, t.Any]]:
    """What the figures do not know: a kind and the names of hosts, plans or runs."""
    found = [{"kind": kind, "names": figures["states"][kind]} for kind in ("unreachable", "failed", "no_plan", "old")]
    found.append({"kind": "plans", "names": plans.not_read})
    if done is not None:
        found += [{"kind": "broken", "names": done.broken}, {"kind": "unsealed", "names": done.unsealed}]
        found.append({"kind": "incomplete", "names": [run.name for run in done.runs if not run.complete]})
    gaps = [gap for gap in found if gap["names"]]
    return gaps if done is not None else [*gaps, {"kind": "evidence", "names": []}]


def render_report(facts: Facts, *, language: str) -> str:
    """The page; the same facts give the same page.

    :arg facts: C(as_of), C(collection), C(figures), C(gaps), C(runs), C(forecast), C(media), C(training), C(policies), C(reviews_given).
    :arg language: C(en) or C(pl).
    :raises RefusedError: another language.
    """
    figures = facts["figures"]
    view = {**figures, **{key: facts[key] for key in ("collection", "gaps", "forecast", "media", "training", "policies", "reviews_given")}}
    return html_page(
        "report.html.j2",
        load_language(language),
        {
            **view,
            "as_of": f"{facts['as_of']:%Y-%m-%d}",
            "most_open": _OPEN,
            "verdict_names": VERDICTS,
            "verdict_bar": _verdict_bar(figures),
            "site_bars": _site_bars(figures["sites"]),
            **_months(facts["runs"], facts["as_of"]),
            "media_done": _media_done(facts["runs"]),
        },
    )


def _verdict_bar(figures: Facts) -> list[dict[str, t.Any]]:
    sets = [figures["verdicts"][name]["sets"] for name in VERDICTS]
    return shares(sets, sum(sets)) if any(sets) else []


def _site_bars(sites: t.Sequence[Facts]) -> list[Facts]:
    known = [row for row in sites if row["counts"]]
    most = max((row["counts"]["due"] for row in known), default=0)
    if not most:
        return []
    return [
        {
            "name": row["name"],
            "due": row["counts"]["due"],
            "overdue": row["counts"]["overdue"],
            "parts": shares([row["counts"]["overdue"], row["counts"]["due"] - row["counts"]["overdue"]], most),
        }
        for row in known
    ]


def _sum_of(run: Run, outcome: str) -> int:
    return sum(host["bytes"]["destroyed"] if outcome == "freed" else host["counts"][outcome] for host in run.hosts.values())


def _months(runs: t.Sequence[Run] | None, as_of: dt.datetime) -> Facts:
    """What was done by month, from the first one that anything was done in until now."""
    empty: Facts = {"months": None, "months_chart": None, "months_labels": [], "months_most": None, "earlier_months": 0, "earlier_freed": 0}
    if runs is None:
        return empty
    own = [run for run in runs if not run.media]
    if not own:
        return {**empty, "months": []}
    rows: dict[str, Facts] = {month: _month(month) for month in _months_between(own[0].created[:7], as_of)}
    for run in own:
        row = rows.setdefault(run.created[:7], _month(run.created[:7]))
        row["runs"] += 1
        for outcome in OUTCOMES:
            row[outcome] += _sum_of(run, outcome)
    every = [rows[month] for month in sorted(rows)]
    shown, earlier = every[-_MONTHS:], every[:-_MONTHS]
    freed = [row["freed"] for row in shown]
    return {
        "months": shown,
        "months_chart": columns([[size] for size in freed], base=1024, labels=6),
        "months_labels": [row["month"] for row in shown],
        # The first of several.
        "months_most": shown[freed.index(max(freed))],
        "earlier_months": len(earlier),
        "earlier_freed": sum(row["freed"] for row in earlier),
    }


def _month(name: str) -> Facts:
    return {"month": name, "runs": 0, **dict.fromkeys(OUTCOMES, 0)}


def _months_between(first: str, last: dt.datetime) -> list[str]:
    year, month = int(first[:4]), int(first[5:7])
    count = (last.year - year) * 12 + last.month - month + 1
    return [f"{year + (month - 1 + index) // 12:04}-{(month - 1 + index) % 12 + 1:02}" for index in range(max(count, 1))]


def _media_done(runs: t.Sequence[Run] | None) -> Facts | None:
    own = [run for run in runs or () if run.media]
    if not own:
        return None
    return {"runs": len(own), **{outcome: sum(_sum_of(run, outcome) for run in own) for outcome in OUTCOMES[:3]}}
