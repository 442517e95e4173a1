# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import LANGUAGES
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import PlanFiles, collection_version, place_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_manifest import build_manifest, manifest_bytes

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "results": {"type": "dict", "required": True},
    "author": {"type": "str", "required": True},
    "approvals_required": {"type": "int", "default": 2},
    "expires_in": {"type": "str", "default": "P7D"},
    "dest": {"type": "path", "default": "disposal"},
    "plan_id": {"type": "str"},
    "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
}
# A task's result stays below 64 KiB whatever the fleet.
_MOST_BYTES = 48 * 1024


class ActionModule(ActionBase):
    """Joins the results of C(retention_plan) into a manifest and writes it with its pages; all on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        try:
            placed = self._place(options)
        except DisposalError as error:
            raise AnsibleActionFail(error.message) from error
        manifest = placed.manifest
        result.update(
            changed=placed.changed,
            plan_id=manifest["plan_id"],
            manifest=told_manifest(manifest),
            manifest_path=placed.manifest_path,
            manifest_digest=digest(manifest_bytes(manifest)),
            pages=placed.pages,
            totals=manifest["totals"],
            blocked=manifest["blocked"],
        )
        if self._task.diff:
            names = {"before_header": placed.pages["markdown"], "after_header": placed.pages["markdown"]}
            result["diff"] = {"before": placed.before, "after": placed.after, **names}
        return result

    def _place(self, options: dict[str, t.Any]) -> PlanFiles:
        now = dt.datetime.now(dt.timezone.utc)
        check_mode = bool(self._task.check_mode)
        manifest = build_manifest(
            options["results"],
            author=options["author"],
            approvals_required=options["approvals_required"],
            expires_in=options["expires_in"],
            plan_id=options["plan_id"],
            collection=collection_version(),
            now=now,
        )
        return place_plan(
            manifest,
            dest=os.path.abspath(options["dest"]),
            language=options["language"],
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=now,
        )


def told_manifest(manifest: dict[str, t.Any]) -> dict[str, t.Any]:
    """The manifest as the result repeats it: whole, else without samples, else with each host's plan digest and due counts only."""
    if len(canonical(manifest)) <= _MOST_BYTES:
        return manifest
    hosts = manifest["hosts"].items()
    without_samples = {**manifest, "hosts": {host: {key: value for key, value in part.items() if key != "samples"} for host, part in hosts}}
    if len(canonical(without_samples)) <= _MOST_BYTES:
        return without_samples
    return {**manifest, "hosts": {host: {"plan": {"digest": part["plan"]["digest"]}, "due": part["verdicts"]["due"]} for host, part in hosts}}
