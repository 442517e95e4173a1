# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be due on a date, joined from plans that C(retention_plan) made with C(as_of), and the pages about it. Never a manifest."""

from __future__ import annotations

import json
import typing as t

from ..module_utils._errors import RefusedError
from ._language import load_language
from ._plan_manifest import RESULT, totals_of
from ._plan_page import render_plan_csv
from ._plan_view import plan_view
from ._preview import join_results
from ._render import html_page, markdown_page
from ._shapes import Optional

__all__ = ["FORMAT", "build_simulation", "simulation_pages"]

FORMAT = "recordings.disposal/simulation/1"


def build_simulation(results: t.Any, *, collection: str) -> dict[str, t.Any]:
    """The simulation over the results of C(retention_plan) with C(as_of), by inventory host.

    :raises RefusedError: a result that is none of that, or hosts with different policies or dates.
    """
    fleet = join_results(results, {**RESULT, "simulated": Optional(bool)}, "retention_plan with as_of")
    hosts = fleet.hosts
    first = next(iter(hosts.values()), None)
    for host, part in hosts.items():
        if not part.get("simulated"):
            raise RefusedError(f"the host {host} has a plan that simulates nothing, so it is none of these pages; plan there with as_of")
        for what, same in (
            ("policies", part["policy"] == first["policy"] if first else True),
            ("dates", not first or part["as_of"] == first["as_of"]),
        ):
            if not same:
                raise RefusedError(
                    f"the hosts {next(iter(hosts))} and {host} simulate different {what}, so nothing is told; simulate alike on all of them"
                )
    return {
        "format": FORMAT,
        "collection": collection,
        "complete": not fleet.unknown,
        "unknown_hosts": fleet.unknown,
        "unread": [],
        "as_of": first["as_of"] if first else None,
        "policy": first["policy"] if first else None,
        "totals": totals_of(hosts),
        "hosts": hosts,
    }


def simulation_pages(document: dict[str, t.Any], *, language: str) -> dict[str, str]:
    """The pages by kind; the same simulation gives the same pages.

    :raises RefusedError: another language.
    """
    blocked = [{"host": host, "sentence": sentence} for host, part in document["hosts"].items() for sentence in part["blocked"]]
    # What a plan's page is made of, under a name that no plan can have.
    shown = {**document, "plan_id": "", "blocked": blocked}
    spoken, view = load_language(language), {**plan_view(shown), "d": document, "exceeded": blocked}
    return {
        "html": html_page("simulation.html.j2", spoken, view),
        "markdown": markdown_page("simulation.md.j2", spoken, view),
        "csv": render_plan_csv(shown),
        "json": json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True) + "\n",
    }
