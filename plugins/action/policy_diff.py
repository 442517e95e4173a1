# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.policy_diff import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._policy_diff import build_policy_diff, read_limits
from ansible_collections.recordings.disposal.plugins.plugin_utils._policy_diff_page import policy_diff_pages
from ansible_collections.recordings.disposal.plugins.plugin_utils._preview import judged, place_pages


class ActionModule(ActionBase):
    """Joins the results of C(retention_compare), writes the pages, and holds the change against limits."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        document = build_policy_diff(options["results"], read_limits(options["limits"]), collection=VERSION)
        placed = place_pages(
            "policy_diff",
            policy_diff_pages(document, language=options["language"]),
            dest=located(options["dest"]),
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
        )
        told = {
            "changed": placed.changed,
            **{key: document[key] for key in ("complete", "effects", "totals")},
            "limits": sorted(document["limits"], key=lambda row: row["ok"])[:50],
            "exceeded": document["exceeded"][:50],
            "pages": placed.paths,
        }
        faults = [*document["exceeded"]] if options["on_limit"] == "fail" else []
        return judged(told, document, faults, on_incomplete=options["on_incomplete"], what="the comparison")
