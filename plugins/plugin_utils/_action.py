# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugins that do all their work on the controller; their module files hold documentation only."""

from __future__ import annotations

import os
import typing as t

import yaml
from ansible.plugins.action import ActionBase

from ..module_utils._errors import DisposalError, EvidenceError

__all__ = ["ControllerAction", "argument_spec", "located", "read_text"]

_KEPT = ("type", "required", "default", "elements", "choices")


def argument_spec(documentation: str) -> dict[str, dict[str, t.Any]]:
    """The argument spec that a module's documentation tells, so that it is told once."""
    options = yaml.safe_load(documentation)["options"]
    return {name: {key: option[key] for key in _KEPT if key in option} for name, option in options.items()}


def located(path: str) -> str:
    """An absolute path on the controller; a relative one counts from the working directory."""
    return os.path.abspath(os.path.expanduser(path))


def read_text(path: str, what: str) -> str:
    """The text of a file on the controller; bytes that are not UTF-8 survive.

    :raises EvidenceError: it cannot be read.
    """
    try:
        with open(located(path), encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError as error:
        raise EvidenceError(f"{what} {located(path)} cannot be read ({error.strerror}); correct the path") from error


class ControllerAction(ActionBase):
    """Checks the options against the documentation, calls C(act) and turns a C(DisposalError) into a failure."""

    TRANSFERS_FILES = False
    _requires_connection = False
    documentation: t.ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=argument_spec(self.documentation))
        try:
            result.update(self.act(options, check_mode=bool(self._task.check_mode)))
        except DisposalError as error:
            result.update(error.details, failed=True, changed=False, msg=error.message)
        return result

    def act(self, options: dict[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
        """The result's keys.

        :raises DisposalError: the task fails with its sentence.
        """
        raise NotImplementedError
