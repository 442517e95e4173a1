# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import comparison_arguments


class ActionModule(ActionBase):
    """Reads both policies, holds and requests on the controller, then compares on the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = comparison_arguments(self._task.args, self._loader)
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result
