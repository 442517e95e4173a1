# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import time
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.approval import check_approvals
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import TRAINING_OPTIONS
from ansible_collections.recordings.disposal.plugins.modules.approval_info import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._evidence_files import read_bytes
from ansible_collections.recordings.disposal.plugins.plugin_utils._signatures import read_signatures
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import given_trainings


class ActionModule(ActionBase):
    """Judges the approvals of a manifest; reads only."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec={**argument_spec(DOCUMENTATION), **TRAINING_OPTIONS})
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        manifest = located(options["manifest"])
        directory = located(options["signatures_dir"]) if options["signatures_dir"] else os.path.dirname(manifest)
        signers = read_text(options["allowed_signers"], "the file of allowed signers") if options["allowed_signers"] else ""
        data = read_bytes(manifest)
        found = read_signatures(manifest, directory)
        state = check_approvals(
            data,
            found.signatures,
            allowed_signers=signers,
            required=options["required"],
            now=int(time.time()),
            trainings=given_trainings(options),
        )
        told = state.as_dict()
        return {
            "changed": False,
            **told,
            "problems": [*told["problems"], *found.problems],
            "sentence": state.sentence(),
        }
