# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import ROTATE_OPTIONS
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._rotating import sealed_journals_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers

_MOST_TOLD = 50
_TOLD = ("compressed", "removed", "freed")


class ActionModule(ActionBase):
    """Asks the host which journals are old, and names to it those of them that are sealed and safe here."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=ROTATE_OPTIONS)
        if not options["allowed_signers"] or not options["signer"]:
            return {
                **result,
                "changed": False,
                "skipped": True,
                "skip_reason": "no signer and allowed_signers, so nothing is known to be sealed",
            }
        result.update(attempted(lambda: self._act(options, task_vars)))
        # Before it failed over one journal it may have rotated others.
        result["changed"] = bool(result.get("compressed") or result.get("removed"))
        return result

    def _act(self, options: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        dest = located(options["dest"])
        signers = Signers(read_text(options["allowed_signers"], "the file of allowed signers"), options["signer"])
        told = self._ask(options, task_vars)
        candidates, unfinished, left = told.pop("candidates"), told.pop("unfinished"), told.pop("left")
        sealed, kept = sealed_journals_of(
            options["host"], candidates, dest=dest, ledger=located(options["ledger"] or os.path.join(dest, "ledger.jsonl")), signers=signers
        )
        if sealed or unfinished:
            told = self._ask(options, task_vars, sealed=sealed)
        warnings = [*told.get("warnings", ()), *(each["reason"] for each in kept[:_MOST_TOLD])]
        if left:
            warnings.append(f"{left} more journals are old enough than one call looks at; run again")
        return {**{name: told[name] for name in _TOLD}, "kept": [*told["kept"], *kept][:_MOST_TOLD], "warnings": warnings}

    def _ask(self, options: dict[str, t.Any], task_vars: dict[str, t.Any] | None, **more: t.Any) -> dict[str, t.Any]:
        arguments = {name: options[name] for name in ("host", "state_dir", "compress_after", "keep")}
        told: dict[str, t.Any] = self._execute_module(
            module_name="recordings.disposal.journal_rotate",
            module_args={**arguments, "controller_time": int(time.time()), **more},
            task_vars=task_vars,
        )
        if told.get("unreachable"):
            raise AnsibleConnectionFailure(str(told.get("msg")))
        if told.get("failed"):
            details = {name: told[name] for name in (*_TOLD, "kept", "warnings") if name in told}
            raise DisposalError(str(told.get("msg") or "the host gave no reason"), details=details)
        return told
