# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules.evidence_certificate import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._certify_run import Certifying, certify_run


class ActionModule(ActionBase):
    """Makes the certificates of a sealed run anew."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        run = located(options["run"])
        check_mode = bool(self._task.check_mode)
        return certify_run(
            Certifying(
                run_directory=run,
                allowed_signers=read_text(options["allowed_signers"], "the file of allowed signers"),
                signer=options["signer"],
                ledger=located(options["ledger"]) if options["ledger"] else None,
                output=located(options["output"]) if options["output"] else run,
                languages=options["languages"],
                formats=options["formats"],
                now=utc_now(),
                executor=CheckExecutor() if check_mode else Executor(),
                check_mode=check_mode,
            )
        )
