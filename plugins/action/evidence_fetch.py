# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules.evidence_fetch import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._fetch import Fetching, fetch_journal


class ActionModule(ActionBase):
    """Asks the host for the journal part by part, and checks the whole before it takes its place."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(
            argument_spec=argument_spec(DOCUMENTATION), required_together=[["head", "records"], ["offset", "size"]]
        )

        def ask(**more: t.Any) -> dict[str, t.Any]:
            arguments = {"src": options["src"], "dest": options["dest"], **more}
            told: dict[str, t.Any] = self._execute_module(
                module_name="recordings.disposal.evidence_fetch", module_args=arguments, task_vars=task_vars
            )
            if told.get("unreachable"):
                raise AnsibleConnectionFailure(str(told.get("msg")))
            if told.get("failed"):
                raise DisposalError(str(told.get("msg") or "the host gave no reason"))
            return told

        check_mode = bool(self._task.check_mode)
        fetching = Fetching(
            dest=located(options["dest"]),
            ask=ask,
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            host=options["host"],
            head=options["head"],
            records=options["records"],
        )
        result.update(attempted(lambda: fetch_journal(fetching)))
        return result
