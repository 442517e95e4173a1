# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's exceptions: one base class, few children.

The text of each is one sentence for a person: what, where, why, what to do.
"""

from __future__ import annotations

import typing as t

__all__ = ["DisposalError", "EvidenceError", "PolicyError", "RefusedError", "first_of"]


class DisposalError(Exception):
    """Base class; caught once in each module's C(main()).

    :arg message: one sentence for a person.
    :arg details: plain data that the module may return beside the message.
    """

    def __init__(self, message: str, *, details: t.Mapping[str, t.Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, t.Any] = dict(details or {})


class RefusedError(DisposalError):
    """A guard said no before anything was touched."""


class PolicyError(DisposalError):
    """A policy, hold or request document is not valid; C(details["problems"]) lists every fault."""


class EvidenceError(DisposalError):
    """A journal, statement, signature or plan is not what it should be."""


def first_of(faults: t.Sequence[str]) -> str:
    """The first three faults, and how many more there are, to end a sentence."""
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
    return "; ".join(faults[:3]) + more
