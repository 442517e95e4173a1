# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.modules.evidence_store import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_expire import Expiring, expire_evidence
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_keep import read_keep
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_options import open_store
from ansible_collections.recordings.disposal.plugins.plugin_utils._store_put import Storing, store_evidence


class ActionModule(ActionBase):
    """Puts sealed evidence into a store, or says what in it has expired."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        keep = read_keep(options["keep"])
        store = open_store(options["store"], CheckExecutor() if check_mode else Executor())
        if options["state"] == "expired":
            return expire_evidence(Expiring(store, keep, options["holds"], options["remove"], utc_now(), check_mode))
        missing = [name for name in ("allowed_signers", "signer") if not options[name]]
        if missing:
            raise RefusedError(f"{' and '.join(missing)} must be given to store evidence, which is verified first, so nothing was done")
        if options["remove"] or options["holds"]:
            raise RefusedError("remove and holds belong to the state expired, so nothing was done; correct the task")
        allowed = read_text(options["allowed_signers"], "the file of allowed signers")
        result = store_evidence(Storing(located(options["source"]), store, keep, allowed, options["signer"], utc_now(), check_mode))
        failure = result.pop("failure", None)
        if failure:
            result.update(failed=True, msg=failure)
        return result
