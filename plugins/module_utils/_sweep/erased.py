# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set after its overwriting, its names still there: what is done to it until they are gone, and why it may be left."""

from __future__ import annotations

import typing as t

from .._erasure.attached import wipe_attributes
from .._erasure.names import remove
from .._erasure.targets import OpenTarget, TargetRefusedError
from .._errors import DisposalError
from .._executor import Executor
from .._retention.rows import Row

__all__ = ["Erased", "is_used", "joined", "require_as_left", "unlink", "why_left", "wipe"]


class Erased(t.NamedTuple):
    """What the overwriting of a set came to."""

    row: Row
    targets: list[OpenTarget]
    outcome: str
    reasons: list[str]
    proof: dict[str, t.Any]


def joined(item: Erased, earlier: t.Mapping[str, t.Any] | None) -> Erased:
    """A set with what an interrupted attempt had made of it: members that are gone already are no better than what was seen then."""
    if earlier is None:
        return item
    proof = {**item.proof, "before_interruption": earlier["proof"]}
    if item.outcome != "destroyed" or earlier["outcome"] == "destroyed":
        return item._replace(proof=proof)
    return item._replace(outcome=earlier["outcome"], reasons=earlier["reason"], proof=proof)


def require_as_left(item: Erased) -> int:
    """When the last of the files was changed in any way, in nanoseconds since 1970 UTC.

    :raises TargetRefusedError: somebody uses one of them.
    """
    return max(target.require_as_left().st_ctime_ns for target in item.targets)


def wipe(executor: Executor, item: Erased) -> None:
    """Wipe the attributes of a set's files.

    :raises DisposalError: somebody uses one of them, or an attribute is still there.
    """
    require_as_left(item)
    for target in item.targets:
        wipe_attributes(executor, target.fd)


def unlink(executor: Executor, item: Erased) -> None:
    """Remove the names of a set's files.

    :raises DisposalError: a name or a file is not what it was, or somebody uses one of them.
    """
    # Of all before the first is removed, so that a set stays whole.
    require_as_left(item)
    for target in item.targets:
        remove(executor, target)


def is_used(error: DisposalError) -> bool:
    return isinstance(error, TargetRefusedError) and error.kind == "used"


def why_left(error: DisposalError) -> str:
    """Why an overwritten set keeps its names, for the journal."""
    if is_used(error):
        return (
            "overwritten, but a process has one of its files open, or wrote to it afterwards, so they were left with what was written; "
            "find that process and look at the files"
        )
    return f"overwritten, but what names it could not be removed: {error.message}"
