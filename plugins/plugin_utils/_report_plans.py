# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The latest plan of each host, from the manifests on the controller and from what hosts have just returned."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._evidence.approval import FORMAT, MEDIA_FORMAT, read_manifest
from ..module_utils._evidence.clock import parse_time
from ._evidence_files import MANIFEST, read_bytes
from ._plan_manifest import checked_result, totals_of

__all__ = ["HostPlan", "Plans", "gather_plans"]


@dataclasses.dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host found when it planned.

    :ivar plan_id: empty where no manifest has it yet.
    :ivar part: of a host in a manifest.
    """

    plan_id: str
    part: dict[str, t.Any]

    @property
    def order(self) -> tuple[t.Any, ...]:
        return parse_time(self.part["as_of"]), bool(self.plan_id), self.plan_id


@dataclasses.dataclass(slots=True)
class Plans:
    """The plans of a fleet.

    :ivar hosts: the latest of each host that has one.
    :ivar unreachable: hosts that were asked just now and did not answer; C(failed) those that could not plan.
    :ivar not_read: names of directories below C(plans) whose manifest cannot be believed.
    :ivar told: a sentence for each of these, for whoever runs the task.
    """

    hosts: dict[str, HostPlan] = dataclasses.field(default_factory=dict)
    unreachable: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)
    not_read: list[str] = dataclasses.field(default_factory=list)
    told: list[str] = dataclasses.field(default_factory=list)

    def take(self, host: str, plan: HostPlan) -> None:
        known = self.hosts.get(host)
        if known is None or known.order < plan.order:
            self.hosts[host] = plan


def gather_plans(dest: str, results: t.Mapping[str, t.Any]) -> Plans:
    """The plans.

    :arg dest: the state directory on the controller.
    :arg results: what C(retention_plan) returned just now, by host; may be of some hosts only.
    """
    plans = Plans()
    for name in _names(os.path.join(dest, "plans")):
        path = os.path.join(dest, "plans", name, MANIFEST)
        try:
            _take_manifest(plans, name, read_manifest(read_bytes(path)))
        except (DisposalError, KeyError, TypeError, ValueError, AttributeError) as error:
            plans.not_read.append(name)
            plans.told.append(f"{path}: {error.message if isinstance(error, DisposalError) else f'lacks {error}'}")
    for host, result in sorted(results.items()):
        _take_result(plans, host, result)
    return plans


def _names(directory: str) -> list[str]:
    """Of plans that have a manifest; none where nothing was ever planned."""
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [name for name in names if os.path.exists(os.path.join(directory, name, MANIFEST))]


def _take_manifest(plans: Plans, name: str, manifest: dict[str, t.Any]) -> None:
    if manifest["format"] == MEDIA_FORMAT:
        return
    if manifest["format"] != FORMAT or manifest["plan_id"] != name:
        raise EvidenceError("is not the manifest of the plan that its directory is named for; put it back from a copy")
    # A manifest counts as a whole or not at all.
    found = {host: HostPlan(name, checked_result(host, part)) for host, part in manifest["hosts"].items()}
    if manifest["totals"] != totals_of({host: plan.part for host, plan in found.items()}):
        raise EvidenceError("has totals that are not the sums of its hosts, so one of the two was changed; put it back from a copy")
    for host, plan in found.items():
        plans.take(host, plan)


def _take_result(plans: Plans, host: str, result: t.Any) -> None:
    if isinstance(result, dict) and result.get("unreachable"):
        plans.unreachable.append(host)
        return
    try:
        plans.take(host, HostPlan("", checked_result(host, result)))
    except DisposalError as error:
        plans.failed.append(host)
        plans.told.append(error.message)
    except ValueError as error:
        plans.failed.append(host)
        plans.told.append(f"the result of the host {host} cannot be read ({json.dumps(str(error))[:200]}); plan on it again")
