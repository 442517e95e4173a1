# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import complete_arguments


class ActionModule(ActionBase):
    """Reads policy, holds and requests on the controller, then looks ahead on the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        # It names no set, so a key that is missing need not be made.
        arguments = complete_arguments(self._task.args, self._loader, check_mode=True)
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result
