# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import time_text, utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.media_certificate import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._formats import check_formats
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_certify import certify_media
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_issue import Issuing
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_runs import Sealers
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_told import read_told
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book


class ActionModule(ActionBase):
    """Issues the certificates of media."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        executor = CheckExecutor() if check_mode else Executor()
        # Before anything is read: what cannot be written is refused whatever there is to certify.
        check_formats(options["formats"])
        signers = options["allowed_signers"]
        allowed = read_text(signers, "the file of allowed signers") if signers else None
        dest, now = located(options["dest"]), utc_now()
        told = read_told(options)
        book = Book(located(options["register"]), dest, executor=executor, check_mode=check_mode, now=now, collection=VERSION)
        issuing = Issuing(
            directory=os.path.join(dest, "certificates"),
            signing_key=located(options["signing_key"]),
            signer=options["signer"],
            organisation=str(options["organisation"] or "").strip(),
            allowed_signers=allowed,
            languages=options["languages"],
            formats=options["formats"],
            executor=executor,
            check_mode=check_mode,
            now=time_text(now),
        )
        sealers = Sealers(allowed, options["sealed_by"] or options["signer"])
        report = options["on_refusal"] == "report"
        return certify_media(book, dest, options["serials"], told, sealers, issuing, report=report)
