# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approved plan: the manifest that people signed, and the host's plan file that it names."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._errors import EvidenceError, RefusedError
from .._evidence.approval import FORMAT, Approval, manifest_digest, read_manifest, require_approval
from .._evidence.canonical import digest
from .._evidence.chain import ChainReader
from .._evidence.clock import parse_time
from .._evidence.journal import JournalState
from .._evidence.rotated import JOURNAL, journal_opened, journal_stands, refuse_rotated
from .._evidence.training import trainings_of
from .._retention.rows import PlanFile, plan_path
from .inputs import Inputs

__all__ = ["HostPlan", "approvals_of", "host_plan", "journal_path", "read_state", "refuse_blocked", "sources_of", "stale_reasons"]


@dataclasses.dataclass(frozen=True)
class HostPlan:
    """A manifest, and this host's part of it."""

    manifest: dict[str, t.Any]
    digest: str
    part: dict[str, t.Any]
    host: str

    @property
    def plan_digest(self) -> str:
        return str(self.part["plan"]["digest"])

    @property
    def run(self) -> str:
        """16 hexadecimal digits, the same for the same plan under the same manifest."""
        return digest(f"{self.plan_digest}\n{self.digest}\n{self.host}".encode()).partition(":")[2][:16]

    def open(self, state_dir: str) -> PlanFile:
        """The plan file that the manifest names.

        :raises EvidenceError: it is missing, or not that file.
        :raises RefusedError: it says what would be due on another date.
        """
        file = PlanFile(plan_path(state_dir, self.plan_digest), self.plan_digest)
        simulated = file.header.get("simulated")
        if simulated is not None or self.part.get("simulated"):
            file.close()
            raise RefusedError(
                f"the plan {self.manifest['plan_id']} simulates {simulated or 'a date'} (it was made with as_of), so nothing was done; "
                "such a plan can never be carried out, whoever signed it; plan without as_of and have that approved"
            )
        return file


def host_plan(params: t.Mapping[str, t.Any], *, form: str = FORMAT) -> HostPlan:
    """The manifest that was given, and this host's part of it.

    :arg form: the format of the plans that the caller carries out.
    :raises EvidenceError: it is not a manifest, or does not name the host.
    """
    data = params["manifest"].encode("utf-8", "surrogateescape")
    manifest = read_manifest(data, formats=[form])
    part = manifest["hosts"].get(params["host"])
    if part is None:
        raise EvidenceError(
            f"the manifest {manifest['plan_id']} does not name the host {params['host']}, so nothing was done there; plan again"
        )
    return HostPlan(manifest, manifest_digest(data), part, params["host"])


def approvals_of(params: t.Mapping[str, t.Any], *, at: int) -> list[Approval]:
    """Who signed exactly this manifest, as of C(at), seconds since 1970 UTC; that it has not expired is judged with the delta.

    :raises RefusedError: approvals are missing; the sentence says which.
    """
    return require_approval(
        params["manifest"].encode("utf-8", "surrogateescape"),
        params["signatures"] or [],
        allowed_signers=params["allowed_signers"] or "",
        required=params["approvals_required"],
        now=at,
        expiry=False,
        trainings=trainings_of(params),
    )


def stale_reasons(plan: HostPlan, inputs: Inputs) -> list[str]:
    """Why an approved plan may no longer be applied as it is."""
    reasons = []
    if inputs.now >= parse_time(plan.manifest["expires"]).timestamp():
        reasons.append(f"it expired at {plan.manifest['expires']}")
    if plan.manifest["policy"]["digest"] != inputs.policy.digest:
        reasons.append(
            f"it was made under version {plan.manifest['policy']['version']} of the policy, "
            f"and the policy has other contents now (version {inputs.policy.version})"
        )
    return reasons


def sources_of(plan: PlanFile) -> list[str]:
    """Names of the sources that a plan covers."""
    return [source["name"] for source in plan.header["sources"]]


def refuse_blocked(plan: HostPlan) -> None:
    """Refuse a plan that was beyond a limit when it was made.

    :raises RefusedError: it was.
    """
    blocked = plan.part.get("blocked") or []
    if blocked:
        raise RefusedError(f"the plan is beyond a limit, so nothing was done: {'; '.join(blocked)}")


def journal_path(state_dir: str, run: str) -> str:
    """Where a run's journal lies on the host."""
    return os.path.join(state_dir, "runs", run, JOURNAL)


def read_state(path: str) -> tuple[JournalState, str, int] | None:
    """A journal's state, head and length, read only; none where there is no journal yet.

    :raises EvidenceError: it was changed.
    :raises RefusedError: it was taken off this host after it was sealed.
    """
    if not journal_stands(path):
        refuse_rotated(path)
        return None
    state = JournalState(path)
    file, name = journal_opened(path)
    with file:
        reader = ChainReader(file, name, allow_torn=True)
        for record in reader:
            state.apply(record)
    return state, reader.head, reader.count
