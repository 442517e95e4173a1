# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approved plan: the manifest that people signed, and the host's plan file that it names."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from .._errors import EvidenceError, RefusedError
from .._evidence.approval import Approval, require_approval
from .._evidence.canonical import digest
from .._recordings.calendar import calendar_for, parse_instant
from .._retention.rows import PlanFile, plan_path
from .inputs import Inputs

__all__ = ["ApprovedPlan", "approved_plan", "read_manifest", "stale_reasons"]

MANIFEST_FORMAT = "recordings.disposal/manifest/1"


@dataclasses.dataclass(frozen=True)
class ApprovedPlan:
    """A manifest with the approvals that count, and this host's part of it."""

    manifest: dict[str, t.Any]
    digest: str
    part: dict[str, t.Any]
    host: str
    approvals: tuple[Approval, ...]

    @property
    def plan_digest(self) -> str:
        return str(self.part["plan"]["digest"])

    @property
    def run(self) -> str:
        """16 hexadecimal digits, the same for the same plan under the same manifest."""
        return digest(f"{self.plan_digest}\n{self.digest}\n{self.host}".encode()).partition(":")[2][:16]

    def open(self, state_dir: str) -> PlanFile:
        return PlanFile(plan_path(state_dir, self.plan_digest), self.plan_digest)


def read_manifest(text: str, host: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The manifest and this host's part of it.

    :raises EvidenceError: it is not a manifest, or does not name the host.
    """
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise EvidenceError("the manifest is not JSON, so nothing was done; plan again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != MANIFEST_FORMAT:
        raise EvidenceError(f"the manifest is not of the form {MANIFEST_FORMAT}, so nothing was done; plan again with this version")
    part = manifest.get("hosts", {}).get(host)
    if part is None:
        raise EvidenceError(f"the manifest {manifest.get('plan_id')} does not name the host {host}, so nothing was done there; plan again")
    return manifest, part


def approved_plan(params: t.Mapping[str, t.Any], *, now: int) -> ApprovedPlan:
    """Check that enough of the right persons signed exactly this manifest.

    :raises RefusedError: approvals are missing; the sentence says which.
    """
    text = params["manifest"]
    manifest, part = read_manifest(text, params["host"])
    data = text.encode("utf-8")
    approvals = require_approval(
        data,
        params["signatures"] or [],
        allowed_signers=params["allowed_signers"] or "",
        required=params["approvals_required"],
        now=now,
    )
    return ApprovedPlan(manifest, digest(data), part, params["host"], tuple(approvals))


def stale_reasons(plan: ApprovedPlan, inputs: Inputs) -> list[str]:
    """Why an approved plan may no longer be applied as it is."""
    reasons = []
    expires = parse_instant(plan.manifest["expires"], calendar_for("UTC"))
    if inputs.now >= expires:
        reasons.append(f"it expired at {plan.manifest['expires']}")
    if plan.manifest["policy"]["digest"] != inputs.policy.digest:
        reasons.append(
            f"it was made under version {plan.manifest['policy']['version']} of the policy, now it is {inputs.policy.version}, with other contents"
        )
    return reasons


def sources_of(plan: PlanFile) -> list[str]:
    """Names of the sources that a plan covers."""
    return [source["name"] for source in plan.header["sources"]]


def refuse_blocked(plan: ApprovedPlan) -> None:
    """Refuse a plan that was beyond a limit when it was made.

    :raises RefusedError: it was.
    """
    blocked = plan.part.get("blocked") or []
    if blocked:
        raise RefusedError(f"the plan is beyond a limit, so nothing was done: {'; '.join(blocked)}")


def journal_path(state_dir: str, run: str) -> str:
    """Where a run's journal lies on the host."""
    return os.path.join(state_dir, "runs", run, "journal.jsonl")
