# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.evidence_seal import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._formats import check_formats
from ansible_collections.recordings.disposal.plugins.plugin_utils._seal import Sealing, rehearse, seal_run
from ansible_collections.recordings.disposal.plugins.plugin_utils._time_stamp import check_authority


def _render(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any]) -> str:
    # Only here, so that sealing without certificates needs no templates.
    from ansible_collections.recordings.disposal.plugins.plugin_utils._certificate import render_certificate

    return render_certificate(statement, language=language, manifest=manifest)


def _render_pdf(statement: dict[str, t.Any], *, language: str, manifest: dict[str, t.Any], signature: bytes | None) -> bytes:
    from ansible_collections.recordings.disposal.plugins.plugin_utils._certificate import render_certificate_pdf

    return render_certificate_pdf(statement, language=language, manifest=manifest, signature=signature)


class ActionModule(ActionBase):
    """Builds, signs and records the statement of a run."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        manifest = located(options["manifest"])
        check_mode = bool(self._task.check_mode)
        signers = options["allowed_signers"]
        authority = located(options["timestamp_ca"]) if options["timestamp_ca"] else None
        if options["rehearse"]:
            allowed = read_text(signers, "the file of allowed signers") if signers else None
            key = located(options["signing_key"])
            told = rehearse(signing_key=key, signer=options["signer"], allowed_signers=allowed, now=time_text(utc_now()))
            check_authority(options["timestamp_url"], authority)
            check_formats(options["formats"])
            return {"changed": False, "key": told}
        result = seal_run(
            Sealing(
                run_directory=located(options["run"]),
                manifest=manifest,
                signatures_dir=located(options["signatures_dir"]) if options["signatures_dir"] else os.path.dirname(manifest),
                ledger=located(options["ledger"]),
                signing_key=located(options["signing_key"]),
                signer=options["signer"],
                allowed_signers=read_text(signers, "the file of allowed signers") if signers else None,
                languages=options["languages"],
                formats=options["formats"],
                render=_render,
                render_pdf=_render_pdf,
                executor=CheckExecutor() if check_mode else Executor(),
                check_mode=check_mode,
                now=time_text(utc_now()),
                collection=VERSION,
                timestamp_url=options["timestamp_url"],
                timestamp_ca=authority,
            )
        )
        failure = result.pop("failure", None)
        if failure:
            result.update(failed=True, msg=failure)
        if not self._task.diff:
            del result["diff"]
        return result
