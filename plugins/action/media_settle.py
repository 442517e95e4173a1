# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import TRAINING_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.media_settle import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._settle import Settling, settle_destruction, settle_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import given_trainings


class ActionModule(ActionBase):
    """Takes the sealed evidence of a run over media, or recorded physical work, into the register."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec={**argument_spec(DOCUMENTATION), **TRAINING_OPTIONS})
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        settling = Settling(
            dest=located(options["dest"]),
            register=located(options["register"]),
            person=options["person"] or "",
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=utc_now(),
            collection=VERSION,
        )
        if (options["plan_id"] is None) == (options["destroyed"] is None):
            raise RefusedError("media_settle needs either plan_id or destroyed; give one of them")
        if options["destroyed"] is not None:
            return settle_destruction(settling, options["destroyed"])
        missing = [name for name in ("person", "signer", "allowed_signers") if not options[name]]
        if missing:
            raise RefusedError(f"plan_id needs {', '.join(missing)} besides; give that")
        signers = read_text(options["allowed_signers"], "the file of allowed signers")
        return settle_run(
            settling, options["plan_id"], allowed_signers=signers, signer=options["signer"], trainings=given_trainings(options)
        )
