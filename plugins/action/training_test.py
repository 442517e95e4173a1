# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import secrets
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.recordings.disposal.plugins.module_utils._document import plain
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.version import VERSION
from ansible_collections.recordings.disposal.plugins.modules.training_test import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_course import load_training
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_test import (
    Issuing,
    Person,
    check_person,
    draw,
    issue,
    mark,
    sheet,
)

_NEEDED = ("answers", "seed", "issuer", "signing_key", "training_dir", "training_signers_file")


class ActionModule(ActionBase):
    """Draws a test, or marks it and issues the record."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(DOCUMENTATION))
        result.update(attempted(lambda: self._act(plain(options))))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        course, bank = load_training(options["course"], options["bank"], self._loader)
        person = Person(*(options[name] for name in ("principal", "name", "role", "language")))
        check_person(person, course)
        if options["state"] == "drawn":
            seed = options["seed"] or secrets.token_hex(8)
            questions = sheet(draw(bank, person.role, seed), person.language)
            return {"changed": False, "seed": seed, "questions": questions, "pass_mark": bank.pass_mark}
        missing = [name for name in _NEEDED if options[name] is None]
        if missing:
            raise RefusedError(f"to mark a test {', '.join(missing)} must be given, so nothing was marked; give that too")
        check_mode = bool(self._task.check_mode)
        issuing = Issuing(
            issuer=options["issuer"],
            signing_key=located(options["signing_key"]),
            signers=read_text(options["training_signers_file"], "the file of those who may sign training records"),
            valid_for=options["valid_for"],
            directory=located(options["training_dir"]),
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=utc_now(),
            collection=VERSION,
        )
        return issue(person, mark(bank, person.role, options["seed"], options["answers"]), course, bank, issuing)
