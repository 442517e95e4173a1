# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.plugin_utils._drain import drain_arguments


class ActionModule(ActionBase):
    """Reads the register, policy, holds and requests on the controller, then has the host look at its media."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", ""))
        arguments = drain_arguments(self._task.args, self._loader, host=host, check_mode=self._task.check_mode)
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result
