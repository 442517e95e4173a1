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
from ansible_collections.recordings.disposal.plugins.modules.media_register import DOCUMENTATION
from ansible_collections.recordings.disposal.plugins.plugin_utils._action import argument_spec, attempted, located, read_text
from ansible_collections.recordings.disposal.plugins.plugin_utils._custody import Event, given_event, read_event
from ansible_collections.recordings.disposal.plugins.plugin_utils._register_book import Book
from ansible_collections.recordings.disposal.plugins.plugin_utils._training_files import given_trainings

# The options that each state takes beside the register's own.
_TAKEN = {
    "checked": (),
    "moved": ("event", "event_file", "allowed_signers"),
    "reconciled": ("results", "hosts"),
    "closed": ("hosts", "serials", "reasons", "allowed_signers"),
}
_GIVEN = {option for options in _TAKEN.values() for option in options}


class ActionModule(ActionBase):
    """Keeps the register of media and its log."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec={**argument_spec(DOCUMENTATION), **TRAINING_OPTIONS})
        result.update(attempted(lambda: self._act(options)))
        return result

    def _act(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        options = plain(options)
        state = options["state"]
        surplus = sorted(name for name in _GIVEN if options[name] and name not in _TAKEN[state])
        if surplus:
            raise RefusedError(f"state {state} does not take {', '.join(surplus)}; leave that out, or correct the state")
        check_mode = bool(self._task.check_mode)
        self._now = utc_now()
        signers = options["allowed_signers"]
        self._trainings = given_trainings(options)
        self._signers = read_text(signers, "the file of allowed signers") if signers else ""
        book = Book(
            located(options["register"]),
            located(options["dest"]),
            executor=CheckExecutor() if check_mode else Executor(),
            check_mode=check_mode,
            now=self._now,
            collection=VERSION,
        )
        if state == "checked":
            return book.check()
        if state == "moved":
            return book.move(self._event(options))
        if state == "reconciled":
            result = book.reconcile(options["results"] or {}, options["hosts"] or [])
            return {**result, "failed": True} if "msg" in result and options["on_finding"] == "fail" else result
        excuses = [self._read(path, excuse=True) for path in options["reasons"] or []]
        return book.close(hosts=options["hosts"] or [], serials=options["serials"] or [], excuses=excuses)

    def _event(self, options: dict[str, t.Any]) -> Event:
        if bool(options["event"]) == bool(options["event_file"]):
            raise RefusedError("state moved needs either event or event_file; give one of them")
        if options["event"]:
            return given_event(options["event"], now=self._now)
        return self._read(options["event_file"])

    def _read(self, path: str, *, excuse: bool = False) -> Event:
        return read_event(located(path), allowed_signers=self._signers, now=self._now, excuse=excuse, trainings=self._trainings)
