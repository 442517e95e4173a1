# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.doc_fragments._review import ModuleDocFragment as GateFragment
from ansible_collections.recordings.disposal.plugins.doc_fragments._reviewed import ModuleDocFragment as ReviewedFragment
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted
from ansible_collections.recordings.disposal.plugins.plugin_utils._review import judged, look, told_review


class ActionModule(ActionBase):
    """Reviews a policy and what it rests on, and writes nothing."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        spec = argument_spec(GateFragment.DOCUMENTATION, ReviewedFragment.DOCUMENTATION)
        _checked, options = self.validate_argument_spec(argument_spec=spec)
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        review = look(options, self._loader, now=utc_now())
        return judged({"changed": False, **told_review(review)}, review, options["fail_on"])
