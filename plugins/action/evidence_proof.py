# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.evidence_proof import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._found_sets import Asked, Recording, recording_key
from ansible_collections.recordings.disposal.plugins.plugin_utils._letter import Letter, check_letter
from ansible_collections.recordings.disposal.plugins.plugin_utils._prove import Proving, prove
from ansible_collections.recordings.disposal.plugins.plugin_utils._sealed_runs import Signers


class ActionModule(ActionBase):
    """Proves what became of one recording set."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        dest = located(options["dest"])
        return prove(
            Proving(
                dest=dest,
                asked=_asked(options, dest),
                signers=Signers(read_text(options["allowed_signers"], "the file of allowed signers"), options["signer"]),
                ledger=located(options["ledger"] or os.path.join(dest, "ledger.jsonl")),
                output=located(options["output"]) if options["output"] else "",
                with_statement=options["with_statement"],
                letter=_letter(options) if options["languages"] else None,
                languages=options["languages"],
                name_in_letter=options["name_in_letter"],
                not_destroyed=options["on_not_destroyed"] == "prove",
                executor=CheckExecutor() if check_mode else Executor(),
                check_mode=check_mode,
                collection=VERSION,
            )
        )


def _asked(options: dict[str, t.Any], dest: str) -> Asked:
    """:raises RefusedError: nobody could tell which set is meant; what was given is not repeated."""
    given = {name for name in ("source", "root", "recording", "file", "layout") if options[name]}
    run, host = options["run"] or "", options["host"] or ""
    if options["set"]:
        if given:
            raise RefusedError(f"set is given, and {', '.join(sorted(given))} too, so two sets may be meant; give either")
        return Asked(options["set"], None, run, host)
    if given not in ({"source", "root", "recording"}, {"source", "root", "file", "layout"}):
        raise RefusedError("which set is meant cannot be told; give set, or source and root with either recording, or file and layout")
    key = options["recording"] or recording_key(options["file"].strip("/"), options["layout"])
    path = located(options["identifiers_key_file"] or os.path.join(dest, "identifiers.key"))
    identifiers = read_text(path, "the key for identifiers").strip() if os.path.exists(path) else ""
    return Asked("", Recording(options["source"], options["root"].rstrip("/"), key.strip("/"), identifiers), run, host)


def _letter(options: dict[str, t.Any]) -> Letter:
    names = ("organisation", "contact", "supervisory_authority", "data_protection_officer", "case", "received")
    told = {name: (options[name] or "").strip() for name in names}
    return check_letter(Letter(**told, signer=options["signer"], question=options["question"], with_statement=options["with_statement"]))
