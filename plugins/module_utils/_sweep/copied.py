# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of the copies and the plaintext of a set: told by the journal, and looked at again."""

from __future__ import annotations

import os

from .._erasure.marks import Mark
from .._erasure.targets import OpenTarget
from .._erasure.workers import Buffers
from .._errors import DisposalError
from .._evidence.journal import Pending
from .._keys.encrypting import Made, digest_of_plain

__all__ = ["STEP", "collision", "last_copies", "marks_of", "refuse_collision", "stands_as", "unchanged"]

STEP = "copied"


def collision() -> DisposalError:
    """What is said where something stands at the name of a copy."""
    return DisposalError(
        "something stands at the name of its encrypted copy, and is never replaced; look at it, and take it away if it is spoilt"
    )


def stands_as(dir_fd: int, name: str, identity: tuple[int, int]) -> bool:
    """Whether a file is still the one at its name."""
    try:
        facts = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except OSError:
        return False
    return (facts.st_dev, facts.st_ino) == identity


def refuse_collision(dir_fd: int, name: str) -> None:
    """:raises DisposalError: something stands at the name."""
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DisposalError(f"the name of its encrypted copy cannot be looked at ({error.strerror}); repair it and run again") from error
    raise collision()


def last_copies(pending: Pending | None) -> list[Made]:
    """What the journal tells of the copies that were made last."""
    steps = [record for record in pending.steps if record["step"] == STEP] if pending is not None else []
    return [Made.of(row) for row in steps[-1]["told"]["copies"]] if steps else []


def marks_of(pending: Pending, place: int) -> list[Mark]:
    """The marks that a run has announced for one of a set's files."""
    return [Mark.of(mark) for record in pending.intents for mark in record["marks"] if mark["member"] == place]


def unchanged(target: OpenTarget, digest: str, buffers: Buffers) -> bool:
    """Whether a plaintext is still what its copy decrypts to; one that is open elsewhere is not known to be."""
    try:
        return digest_of_plain(target, buffers) == digest
    except DisposalError:
        return False
