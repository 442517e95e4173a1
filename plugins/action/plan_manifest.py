# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.doc_fragments._review import ModuleDocFragment as ReviewFragment
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._retention.policy import load_policy
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.plan_manifest import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import document_arguments
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import REQUEST, place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import build_manifest, manifest_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_gate import gate

# A task's result stays below 64 KiB whatever the fleet.
_MOST_BYTES = 48 * 1024


class ActionModule(ActionBase):
    """Joins the results of C(retention_plan) into a manifest and writes it with its pages."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION, ReviewFragment.DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        now = utc_now()
        check_mode = bool(self._task.check_mode)
        told = {name: options[name] for name in ("author", "approvals_required", "expires_in", "plan_id", "change", "serial")}
        built = build_manifest(options["results"], collection=VERSION, now=now, **told)
        reviewed = self._review(options, built["policy"]["digest"], now)
        placed = place_plan(
            built,
            dest=located(options["dest"]),
            language=options["language"],
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=now,
        )
        manifest = placed.manifest
        result = {
            "changed": placed.changed,
            "plan_id": manifest["plan_id"],
            "manifest": told_manifest(manifest),
            "manifest_path": placed.manifest_path,
            "manifest_digest": digest(manifest_bytes(manifest)),
            "pages": {**placed.pages, "json": os.path.join(placed.directory, REQUEST)},
            "totals": manifest["totals"],
            "blocked": manifest["blocked"],
            **reviewed,
        }
        if self._task.diff:
            page = placed.pages["markdown"]
            result["diff"] = {"before": placed.before, "after": placed.after, "before_header": page, "after_header": page}
        return result

    def _review(self, options: dict[str, t.Any], planned_under: str, now: dt.datetime) -> dict[str, t.Any]:
        """How the policy stands to its last review, for the result; nothing where none is asked for."""
        if options["reviews_dir"] and not (options["policy"] or options["policy_file"]):
            raise RefusedError(
                "reviews_dir is given without the policy, so nobody could tell what changed since the review; give policy_file too"
            )
        policy = None
        if options["policy"] or options["policy_file"]:
            policy = document_arguments({name: options[name] for name in ("policy", "policy_file")}, self._loader)["policy"]
            given = load_policy(policy).digest
            if given != planned_under:
                raise RefusedError(
                    f"the policy that is given ({given[:19]}...) is not the one that the hosts planned under; plan again with it"
                )
        standing, warnings = gate(options, policy, now=now)
        return {} if standing is None else {"review": standing.told(), "warnings": warnings}


def told_manifest(manifest: dict[str, t.Any]) -> dict[str, t.Any]:
    """The manifest as the result repeats it: whole, else without samples, else with each host's plan digest and due counts only."""
    if len(canonical(manifest)) <= _MOST_BYTES:
        return manifest
    hosts = manifest["hosts"].items()
    shorter = {host: {key: value for key, value in part.items() if key != "samples"} for host, part in hosts}
    if len(canonical({**manifest, "hosts": shorter})) > _MOST_BYTES:
        shorter = {host: {"plan": {"digest": part["plan"]["digest"]}, "due": part["verdicts"]["due"]} for host, part in hosts}
    return {**manifest, "hosts": shorter}
