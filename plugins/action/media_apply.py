# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._inputs import approval_arguments, hold_arguments
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan_page import rows_name
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_files import RegisterFile


class ActionModule(ActionBase):
    """Reads the manifest, its signatures, the host's rows and the holds on the controller, then has the module act."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        path = self._task.args.get("manifest_file")
        arguments = hold_arguments(approval_arguments(self._task.args), self._loader)
        arguments.setdefault("host", (task_vars or {}).get("inventory_hostname", "localhost"))
        if path and not arguments.get("plan"):
            rows = os.path.join(os.path.dirname(located(path)), rows_name(arguments["host"]))
            # A host that the manifest does not name has no rows, and is refused for that.
            arguments["plan"] = read_text(rows, "the plan's rows of this host") if os.path.exists(rows) else ""
        if arguments.get("register"):
            arguments["released"] = _released(located(arguments.pop("register")))
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result


def _released(path: str) -> list[str]:
    """The serials of the media that the register has as released now."""
    try:
        media = RegisterFile(path).register.media.values()
    except DisposalError as error:
        raise AnsibleActionFail(error.message) from error
    return [medium.serial for medium in media if medium.state == "released"]
