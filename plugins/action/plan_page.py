# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import FORMAT, check_approvals, read_manifest
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import TRAINING_OPTIONS
from ansible_collections.recordings.disposal.plugins.modules.plan_page import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._change_request import Approved
from ansible_collections.recordings.disposal.plugins.plugin_utils._evidence_files import read_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._plan_files import replace_pages
from ansible_collections.recordings.disposal.plugins.plugin_utils._signatures import read_signatures, signature_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import given_trainings


class ActionModule(ActionBase):
    """Makes the pages of a plan again, with the approvals that are there."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec={**argument_spec(DOCUMENTATION), **TRAINING_OPTIONS})
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        path = located(options["manifest"])
        data = read_bytes(path)
        manifest = read_manifest(data, formats=[FORMAT])
        signers = read_text(options["allowed_signers"], "the file of allowed signers") if options["allowed_signers"] else ""
        found = read_signatures(path, os.path.dirname(path))
        # Whether the plan has expired since is not what the page asks: who approved it stays on record.
        now = int(utc_now().timestamp())
        trainings = given_trainings(options)
        state = check_approvals(data, found.signatures, allowed_signers=signers, required=0, now=now, expiry=False, trainings=trainings)
        approvals = [
            {"principal": item.principal, "key": item.key, "time": _written(signature_name(path, item.principal))}
            for item in state.approvals
        ]
        problems = [*state.problems, *found.problems]
        pages, changed = replace_pages(
            manifest,
            os.path.dirname(path),
            language=options["language"],
            approved=Approved(approvals, problems),
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
        )
        return {"changed": changed, "approvals": approvals, "problems": problems, "missing": state.missing, "pages": pages}


def _written(path: str) -> str:
    """The time of a file, RFC 3339 UTC."""
    return time_text(dt.datetime.fromtimestamp(int(os.stat(path).st_mtime), dt.timezone.utc))
