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

__all__ = ["Manner", "manner_of", "pace_of", "require_counts", "size_of"]


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
    :ivar skips_fail: what is not destroyed is a failure, whatever the reason: nobody decides over it anew as a plan does.
    """

    verify: str | None = None
    share: int = 1000
    on_ineffective: str = "fail"
    threads: int = THREADS
    remove: bool = True
    shared: bool = False
    unprotect: bool = False
    pace: t.Callable[[int], None] | None = None
    skips_fail: bool = False

    @property
    def proves(self) -> bool:
        """Whether nothing less was asked for than C(destroyed) needs."""
        return self.verify not in ("none", "sample") and self.on_ineffective == "fail" and not self.shared


def size_of(name: str, text: str) -> int:
    """The bytes that an option gives.

    :raises RefusedError: it is no size.
    """
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise RefusedError(f"{name}: {text!r} {error}, so nothing was done; correct it") from error


def pace_of(max_rate: str | None) -> Pace | None:
    """What keeps reads and writes together below a rate.

    :raises RefusedError: it is no size.
    """
    return None if max_rate is None else Pace(size_of("max_rate", max_rate))


def require_counts(params: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: a share or a number of threads that makes no sense."""
    for name, least, most in (("sample_share", 1, 100), ("threads", 1, 64)):
        if not least <= params[name] <= most:
            raise RefusedError(f"{name} is {params[name]}, not from {least} to {most}, so nothing was done; correct it")


def manner_of(params: t.Mapping[str, t.Any]) -> Manner:
    """How the task wants files to be overwritten.

    :raises RefusedError: an option that makes no sense.
    """
    require_counts(params)
    return Manner(
        verify=params["verify"],
        share=params["sample_share"] * 10,
        on_ineffective=params["on_ineffective"],
        threads=params["threads"],
        remove=params["remove"],
        shared=params["open_files"] == "overwrite",
        unprotect=params["protected"] == "overwrite",
        pace=pace_of(params["max_rate"]),
        skips_fail=True,
    )
