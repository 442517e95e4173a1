# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import secrets
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.evidence_sample import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._sample import Sampling, sample
from ansible_collections.recordings.disposal.plugins.plugin_utils._sampling import check_confidence, check_seed, share_of
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers


class ActionModule(ActionBase):
    """Draws a sample of the evidence, and looks at it."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        executor = CheckExecutor() if check_mode else Executor()
        dest, now = located(options["dest"]), utc_now()
        if options["size"] is not None and options["size"] < 1:
            raise RefusedError(f"the size {options['size']} is none; draw at least one, or leave it to tolerable and confidence")
        book = None
        if options["register"]:
            book = Book(located(options["register"]), dest, executor=executor, check_mode=check_mode, now=now, collection=VERSION)
        result = sample(
            Sampling(
                dest=dest,
                runs=options["runs"] or [],
                ways=options["ways"],
                ledger=located(options["ledger"] or os.path.join(dest, "ledger.jsonl")),
                signers=Signers(read_text(options["allowed_signers"], "the file of allowed signers"), options["signer"]),
                book=book,
                plan_files=[located(path) for path in options["plan_files"] or []],
                seed=check_seed(options["seed"] or secrets.token_hex(8)),
                size=options["size"] or 0,
                confidence=check_confidence(options["confidence"]),
                tolerable=share_of(options["tolerable"]),
                output=located(options["output"]) if options["output"] else "",
                executor=executor,
                check_mode=check_mode,
                now=now,
            )
        )
        if not result["valid"] and options["on_fault"] == "fail":
            faults = [*result["broken"], *(f"{fault['way']} {fault['item']}: {fault['fault']}" for fault in result["faults"])]
            more = f" (and more, see {result['report']['table']})" if len(faults) > 3 else ""
            result.update(failed=True, msg=f"the sample with the seed {result['seed']} has faults: {'; '.join(faults[:3])}{more}")
        return result
