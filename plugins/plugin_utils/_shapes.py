# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller takes over from a host's result: the parts that a shape names, of the kinds that it names, and nothing else."""

from __future__ import annotations

import typing as t

from ..module_utils._errors import RefusedError
from ._language import visible

__all__ = ["COUNTS", "DIGEST", "Each", "Optional", "failure_of", "refuse_host_name", "selected"]

DIGEST = r"sha256:[0-9a-f]{64}"
COUNTS: dict[str, t.Any] = {"sets": int, "files": int, "bytes": int}
_CALLED = {str: "a text", int: "a whole number from 0 up", bool: "true or false", dict: "a mapping", list: "a list"}
_NOTHING_DONE = {"failed": "failed", "unreachable": "could not be reached", "skipped": "was skipped"}


class Each:
    """A mapping with free keys, or a list: every value has this shape."""

    def __init__(self, shape: t.Any, kind: type) -> None:
        self.shape = shape
        self.kind = kind


class Optional:
    """A value that may be nothing or missing."""

    def __init__(self, shape: t.Any) -> None:
        self.shape = shape


def selected(value: t.Any, shape: t.Any, where: str, then: str) -> t.Any:
    """The known parts of a value.

    :arg where: the value's place, in words.
    :arg then: what follows from a fault, and what to do about it.
    :raises RefusedError: a part is missing or of another kind.
    """
    if isinstance(shape, Optional):
        return None if value is None else selected(value, shape.shape, where, then)
    if isinstance(shape, dict):
        _require(value, dict, where, then)
        return {
            key: selected(value.get(key), inner, f"{where}.{key}", then)
            for key, inner in shape.items()
            if key in value or not isinstance(inner, Optional)
        }
    if isinstance(shape, Each):
        _require(value, shape.kind, where, then)
        if shape.kind is dict:
            return {str(key): selected(item, shape.shape, f"{where}.{key}", then) for key, item in value.items()}
        return [selected(item, shape.shape, f"{where}[{index}]", then) for index, item in enumerate(value)]
    _require(value, shape, where, then)
    return value


def _require(value: t.Any, kind: type, where: str, then: str) -> None:
    # A boolean counts as a whole number to Python, and not to us.
    fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    if not fits or (isinstance(value, int) and value < 0):
        what = "is missing" if value is None else f"is {visible(repr(value))[:60]}, not {_CALLED[kind]}"
        raise RefusedError(f"the result of {where} {what}, {then}")


def refuse_host_name(host: str) -> None:
    """Refuse an inventory name that no file can have.

    :raises RefusedError: it cannot be a file name.
    """
    if not host or host in (".", "..") or "/" in host or visible(host) != host:
        raise RefusedError(
            f"the host name {visible(host)} cannot be a file name, which evidence needs; give the host another inventory name"
        )


def failure_of(value: t.Any) -> str | None:
    """Why a host has no result, in words that follow its name; none where it has one."""
    if not isinstance(value, dict) or not value:
        return "gave no result"
    for state, what in _NOTHING_DONE.items():
        if value.get(state):
            return f"{what}: {visible(str(value.get('msg') or 'it gave no reason'))[:300]}"
    return None
