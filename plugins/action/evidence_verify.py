# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import first_of
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.modules.evidence_verify import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._verify import verify_run


class ActionModule(ActionBase):
    """Verifies the evidence of a run; reads only."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        report = verify_run(
            located(options["run"]),
            allowed_signers=read_text(options["allowed_signers"], "the file of allowed signers"),
            signer=options["signer"],
            ledger=located(options["ledger"]) if options["ledger"] else None,
            now=utc_now(),
            known_head=located(options["known_head"]) if options["known_head"] else None,
            timestamp_ca=located(options["timestamp_ca"]) if options["timestamp_ca"] else None,
        )
        predicate = (report.statement or {}).get("predicate", {})
        result = {
            "changed": False,
            "valid": report.valid,
            "complete": report.valid and predicate.get("complete") is True,
            "checks": report.checks,
            "problems": report.problems,
            "not_checked": report.not_checked,
            "consistency": report.consistency,
        }
        if not report.valid:
            result.update(failed=True, msg=f"the evidence is not valid: {first_of(report.problems)}")
        return result
