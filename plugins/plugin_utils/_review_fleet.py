# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plans of a fleet tell a review: layouts that match nothing, roots that never yield, classes never matched.

A host that is not known is named, and never counted as one where there is nothing.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._retention.policy import Policy
from ._language import visible
from ._review_findings import Finding

__all__ = ["Fleet", "fleet_findings", "fleet_of"]

_STATES = ("unreachable", "failed", "skipped")


@dataclasses.dataclass(frozen=True)
class Fleet:
    """What is known of hosts.

    :ivar looks: by host, its parts of plans and results, each with its place.
    :ivar not_known: by host, why nothing is.
    """

    looks: t.Mapping[str, t.Sequence[tuple[str, t.Mapping[str, t.Any]]]]
    not_known: t.Mapping[str, str]


def fleet_of(manifests: t.Iterable[tuple[str, t.Mapping[str, t.Any]]], results: t.Mapping[str, t.Any], hosts: t.Iterable[str]) -> Fleet:
    """What manifests of plans, with their places, and results of C(retention_plan) tell.

    :arg hosts: all that there should be.
    """
    looks: dict[str, list[tuple[str, t.Mapping[str, t.Any]]]] = {}
    for place, manifest in manifests:
        for host, part in manifest["hosts"].items():
            looks.setdefault(host, []).append((place, part))
    failed: dict[str, str] = {}
    for host, result in results.items():
        state = next((state for state in _STATES if isinstance(result, t.Mapping) and result.get(state)), "")
        if isinstance(result, t.Mapping) and not state and isinstance(result.get("classes"), t.Mapping):
            looks.setdefault(host, []).append(("results", result))
        else:
            failed[host] = state or "no_result"
    expected = dict.fromkeys([*hosts, *failed])
    return Fleet(looks, {host: failed.get(host, "no_plan") for host in expected if host not in looks})


def fleet_findings(fleet: Fleet, policy: Policy, policy_place: str) -> list[Finding]:
    """What is found; a statement over all hosts is a notice only, and names the others, where not all are known."""
    found = [Finding(f"host_{why}", "warning", "host", host, "") for host, why in sorted(fleet.not_known.items())]
    partly = {"not_known": ", ".join(visible(host) for host in sorted(fleet.not_known))} if fleet.not_known else {}
    severity = "notice" if partly else "warning"
    if not fleet.looks:
        return found
    for name, sets in _classes(fleet, policy).items():
        values = {"hosts": str(len(fleet.looks)), **partly}
        if sets is None:
            found.append(Finding("class_unplanned", "notice", "class", name, f"{policy_place}: class {name}"))
        elif not sets:
            found.append(Finding("class_never_matched", severity, "class", name, f"{policy_place}: class {name}", values))
    return [*found, *_sources(fleet, policy_place, severity, partly)]


def _classes(fleet: Fleet, policy: Policy) -> dict[str, int | None]:
    """How many sets each class matched at most; none where no plan knows the class."""
    counts: dict[str, int | None] = {}
    for item in policy.classes:
        known = [
            part["classes"][item.name]["sets"] for look in fleet.looks.values() for _place, part in look if item.name in part["classes"]
        ]
        counts[item.name] = max(known) if known else None
    return counts


def _sources(fleet: Fleet, policy_place: str, severity: str, partly: t.Mapping[str, str]) -> t.Iterator[Finding]:
    layouts: dict[str, int] = {}
    roots: dict[tuple[str, str, str], int] = {}
    for host, look in fleet.looks.items():
        for _place, part in look:
            for source in part["sources"]:
                # A layout that a policy describes itself is its source's own.
                layout = source["layout"] if source["layout"] != "custom" else f"custom of source {source['name']}"
                layouts[layout] = max(layouts.get(layout, 0), source["sets"])
                for root, sets in _roots(source).items():
                    place = (layout, host, root)
                    roots[place] = max(roots.get(place, 0), sets)
    for layout, sets in layouts.items():
        if not sets:
            values = {"hosts": str(len(fleet.looks)), **partly}
            yield Finding("layout_matches_nothing", severity, "layout", layout, policy_place, values)
    for (layout, host, root), sets in roots.items():
        if layouts[layout] and not sets:
            yield Finding("root_never_yields", "warning", "root", root, policy_place, {"host": host})


def _roots(source: t.Mapping[str, t.Any]) -> dict[str, int]:
    """How many sets each root gave; where only their sum is known, nothing is said of a single one unless it is nothing."""
    known = source.get("sets_by_root")
    if isinstance(known, t.Mapping):
        return {str(root): int(sets) for root, sets in known.items()}
    return dict.fromkeys(source["roots"], source["sets"])
