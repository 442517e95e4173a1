# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins share that do all their work on the controller; their module files hold documentation only."""

from __future__ import annotations

import os
import typing as t

import yaml

from ..module_utils._errors import DisposalError, EvidenceError

__all__ = ["argument_spec", "attempted", "located", "read_text"]

_KEPT = ("type", "required", "default", "elements", "choices")


def argument_spec(*documentation: str) -> dict[str, dict[str, t.Any]]:
    """The argument spec that a module's documentation, and the fragments that it names, tell, so that it is told once."""
    options = {name: option for text in documentation for name, option in yaml.safe_load(text)["options"].items()}
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


def attempted(act: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """What C(act) returns for the task's result, or the failure that its C(DisposalError) tells."""
    try:
        return act()
    except DisposalError as error:
        return {**error.details, "failed": True, "changed": False, "msg": error.message}
