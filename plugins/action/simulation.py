# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.simulation import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located
from ansible_collections.recordings.disposal.plugins.plugin_utils._preview import judged, place_pages
from ansible_collections.recordings.disposal.plugins.plugin_utils._simulation import build_simulation, simulation_pages


class ActionModule(ActionBase):
    """Joins plans of a simulated date and writes the pages."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        document = build_simulation(options["results"], collection=VERSION)
        placed = place_pages(
            "simulation",
            simulation_pages(document, language=options["language"]),
            dest=located(options["dest"]),
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
        )
        told = {"changed": placed.changed, **{key: document[key] for key in ("complete", "as_of", "totals")}, "pages": placed.paths}
        return judged(told, document, [], on_incomplete=options["on_incomplete"], what="the simulation")
