# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules.identifiers_key import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._identifiers import Destroying, destroy_key
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import load_documents


class ActionModule(ActionBase):
    """Looks who still needs the key, then has it overwritten where it lies, on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        path = located(options["path"])
        check_mode = bool(self._task.check_mode)

        def overwrite(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
            done: dict[str, t.Any] = self._execute_module(
                module_name="recordings.disposal.overwrite", module_args=arguments, task_vars=task_vars
            )
            return done

        def act() -> dict[str, t.Any]:
            if self._connection.transport != "local":
                raise RefusedError(
                    "the key lies on the controller, and this task would have another host's file overwritten; run it on localhost with connection: local"
                )
            return destroy_key(
                Destroying(
                    path=path,
                    state_dir=located(options["state_dir"]) if options["state_dir"] else os.path.dirname(path),
                    holds=load_documents(options["holds_dir"], self._loader, "hold"),
                    requests=load_documents(options["requests_dir"], self._loader, "erasure request"),
                    on_ineffective=options["on_ineffective"],
                    overwrite=overwrite,
                    executor=CheckExecutor() if check_mode else Executor(),
                    check_mode=check_mode,
                    now=utc_now(),
                )
            )

        result.update(attempted(act))
        return result
