# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the report on the fleet from what lies on the controller."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.training import Trainings
from ..module_utils._executor import Executor
from ._evidence_files import keep_files
from ._language import visible
from ._plan_manifest import lifetime
from ._register_book import Book
from ._report_evidence import gather_runs
from ._report_figures import Fleet, figures_of
from ._report_forecast import forecast_facts
from ._report_media import media_facts
from ._report_page import Facts, gaps_of, render_report
from ._report_people import Reviews, policy_facts, training_facts
from ._report_plans import gather_plans
from ._sealed_runs import Signers

__all__ = ["Reporting", "make_report"]

# What a task's result repeats; the page has all of it.
_MOST = 50
_LONGEST = 300


@dataclasses.dataclass(frozen=True)
class Reporting:
    """What a report is made from.

    :ivar hosts: of the fleet; none where whatever has a plan or evidence belongs to it.
    :ivar sites: site by host.
    :ivar results: what C(retention_plan) returned just now, by host.
    :ivar signers: who signs evidence; none where evidence is not to be looked at.
    :ivar book: the register of media, none where it was not given.
    :ivar forecast: path of a C(forecast.json), empty where there is none.
    :ivar trainings: the training records, C(reviews) where reviews are; none where they were not given.
    :ivar old_after: an ISO 8601 period; plans that are older are named.
    """

    dest: str
    output: str
    hosts: t.Sequence[str] | None
    sites: t.Mapping[str, str]
    results: t.Mapping[str, t.Any]
    signers: Signers | None
    ledger: str
    book: Book | None
    forecast: str
    trainings: Trainings | None
    reviews: Reviews | None
    old_after: str
    languages: t.Sequence[str]
    executor: Executor
    check_mode: bool
    now: dt.datetime
    collection: str


def make_report(asked: Reporting) -> dict[str, t.Any]:
    """Write the pages; what a task returns.

    :raises DisposalError: something that was given cannot be used.
    """
    _check(asked)
    if not os.path.isdir(asked.dest):
        raise RefusedError(
            f"the state directory {asked.dest} is not there, and a fleet without one is not a fleet without recordings; correct dest"
        )
    oldest = asked.now - lifetime(asked.old_after, "old_after")
    plans = gather_plans(asked.dest, asked.results)
    done = gather_runs(asked.dest, ledger=asked.ledger, signers=asked.signers, now=asked.now) if asked.signers else None
    recordings = None if done is None else [run for run in done.runs if not run.media]
    fleet = Fleet(None if asked.hosts is None else tuple(asked.hosts), asked.sites, plans, recordings, oldest)
    figures = figures_of(fleet)
    policies, unsigned = policy_facts((row["part"]["policy"] for row in figures["hosts"] if row["part"]), asked.reviews, asked.now)
    facts: Facts = {
        "as_of": asked.now,
        "collection": asked.collection,
        "figures": figures,
        "gaps": gaps_of(figures, plans, done),
        "runs": None if done is None else done.runs,
        "forecast": forecast_facts(asked.forecast) if asked.forecast else None,
        "media": media_facts(asked.book, asked.sites) if asked.book else None,
        "training": training_facts(asked.trainings, asked.now) if asked.trainings else None,
        "policies": policies,
        "reviews_given": asked.reviews is not None,
    }
    faults = [*plans.told, *(done.told if done else ()), *(asked.trainings.problems if asked.trainings else ()), *unsigned]
    return _written(asked, facts, faults)


def _check(asked: Reporting) -> None:
    strange = sorted({*asked.sites} - {*asked.hosts}) if asked.hosts is not None else []
    if strange:
        raise RefusedError(
            f"sites names {', '.join(map(visible, strange[:5]))}, which {'is' if len(strange) == 1 else 'are'} not among hosts, so there is no report; "
            "add them to hosts, or take them out"
        )


def _written(asked: Reporting, facts: Facts, faults: t.Sequence[str]) -> dict[str, t.Any]:
    pages = {f"fleet.{language}.html": render_report(facts, language=language).encode("utf-8") for language in asked.languages}
    lost = "there is no report; make room or give another output, and report again"
    changed = keep_files(asked.output, pages, executor=asked.executor, check_mode=asked.check_mode, lost=lost)
    figures = facts["figures"]
    given = {"evidence": facts["runs"], "forecast": facts["forecast"], "register": facts["media"], "training": facts["training"]}
    return {
        "changed": changed,
        "whole": not facts["gaps"],
        "totals": {**(figures["total"]["counts"] or {}), **(figures["total"]["done"] or {})},
        "hosts": {
            **{state: len(names) for state, names in figures["states"].items()},
            "not_counted": [row["name"] for row in figures["hosts"] if row["counts"] is None and row["state"] != "gone"][:_MOST],
        },
        "gaps": [{"kind": gap["kind"], "count": len(gap["names"]), "names": gap["names"][:_MOST]} for gap in facts["gaps"]],
        "faults": [fault[:_LONGEST] for fault in faults[:_MOST]],
        "not_given": [*(name for name, value in given.items() if value is None), *([] if facts["reviews_given"] else ["reviews"])],
        "pages": {
            language: {"path": os.path.join(asked.output, name), "digest": digest(data)}
            for language, (name, data) in zip(asked.languages, pages.items(), strict=True)
        },
    }
