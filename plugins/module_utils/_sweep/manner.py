# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How something is overwritten, where neither plan nor scheme says: read back, rate, threads, what is refused."""

from __future__ import annotations

import dataclasses
import typing as t

from .._erasure.files import THREADS
from .._erasure.pace import Pace
from .._errors import RefusedError
from .._retention.limits import parse_bytes

__all__ = ["Manner", "manner_of"]


@dataclasses.dataclass(frozen=True)
class Manner:
    """How sets are overwritten, where the plan does not say.

    :ivar verify: what is read back; as the scheme says where none.
    :ivar share: of a sample, in thousandths.
    :ivar on_ineffective: C(fail) or C(report), see C(overwrite_batch).
    :ivar remove: the names go with the bytes.
    :ivar shared: files that other processes have open are overwritten too.
    :ivar unprotect: the flags immutable and append-only are taken off.
    :ivar pace: see C(overwrite_batch).
    """

    verify: str | None = None
    share: int = 1000
    on_ineffective: str = "fail"
    threads: int = THREADS
    remove: bool = True
    shared: bool = False
    unprotect: bool = False
    pace: t.Callable[[int], None] | None = None


def manner_of(params: t.Mapping[str, t.Any]) -> Manner:
    """How the task wants files to be overwritten.

    :raises RefusedError: an option that makes no sense.
    """
    for name, least, most in (("sample_share", 1, 100), ("threads", 1, 64)):
        if not least <= params[name] <= most:
            raise RefusedError(f"{name} is {params[name]}, not from {least} to {most}, so nothing was done; correct it")
    pace = None
    if params["max_rate"] is not None:
        try:
            pace = Pace(parse_bytes(params["max_rate"]))
        except ValueError as error:
            raise RefusedError(f"max_rate: {params['max_rate']!r} {error}, so nothing was done; correct it") from error
    return Manner(
        verify=params["verify"],
        share=params["sample_share"] * 10,
        on_ineffective=params["on_ineffective"],
        threads=params["threads"],
        remove=params["remove"],
        shared=params["open_files"] == "overwrite",
        unprotect=params["protected"] == "overwrite",
        pace=pace,
    )
