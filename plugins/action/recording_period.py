# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import attempted
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import complete_arguments
from ansible_collections.recordings.disposal.plugins.plugin_utils._review_gate import GATE_OPTIONS, gate


class ActionModule(ActionBase):
    """Reads policy, holds, requests and reviews on the controller, then looks at a period on the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = complete_arguments(self._task.args, self._loader, check_mode=self._task.check_mode)
        arguments.setdefault("host", (task_vars or {}).get("inventory_hostname", "localhost"))
        result.update(attempted(lambda: self._act(arguments, task_vars)))
        return result

    def _act(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        # What goes with a key is judged under this policy, whether a plan was approved or not.
        _standing, warnings = gate(arguments, arguments.get("policy"), now=utc_now())
        given = {name: value for name, value in arguments.items() if name not in GATE_OPTIONS}
        found: dict[str, t.Any] = self._execute_module(module_args=given, task_vars=task_vars)
        found["warnings"] = [*found.get("warnings", []), *warnings]
        return found
