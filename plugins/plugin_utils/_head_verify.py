# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the ledger's head: its signature, its lines, that the ledger only grew since a head that somebody kept, and its time stamps."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE
from ..module_utils._evidence.clock import parse_time, time_text
from ._evidence_files import read_bytes
from ._ledger import Entry, read_ledger
from ._ledger_head import LedgerHead, head_path, kept_heads, proof_between, require_extension, verified_head
from ._time_stamp import verify_stamp

__all__ = ["HeadChecks", "verify_head"]

_REVOKED = "Whether the certificate of the time-stamp authority was revoked."


@dataclasses.dataclass(slots=True)
class HeadChecks:
    """What is to be checked, the text of C(allowed_signers), paths; and what came of it.

    :ivar consistency: the proof that leads from the known head to the ledger's own; none where there is none.
    """

    ledger: str
    allowed_signers: str
    signer: str
    now: dt.datetime
    known_head: str | None = None
    timestamp_ca: str | None = None
    checks: list[str] = dataclasses.field(default_factory=list)
    not_checked: list[str] = dataclasses.field(default_factory=list)
    consistency: dict[str, t.Any] | None = None


def verify_head(told: HeadChecks) -> t.Iterator[EvidenceError]:
    """Make every check that can be made; gives the error of each that failed.

    :raises EvidenceError: a tool is missing.
    """
    try:
        entries = read_ledger(told.ledger)
    except EvidenceError:
        # Who looked for the statement in the ledger has said so.
        return
    path = head_path(told.ledger)
    head: LedgerHead | None = None
    try:
        head = _head(told, path, entries)
    except EvidenceError as error:
        yield _unless_no_tool(error)
    yield from _each(lambda: _stamp(told, path, head))
    for size, kept in sorted(kept_heads(told.ledger).items()):
        yield from _each(functools.partial(_kept, told, kept, size, entries))
    if told.known_head is not None:
        yield from _each(lambda: _known(told, str(told.known_head), head, entries))


def _unless_no_tool(error: EvidenceError) -> EvidenceError:
    if error.details.get("fault") == "no_tool":
        raise error
    return error


def _each(check: t.Callable[[], None]) -> t.Iterator[EvidenceError]:
    try:
        check()
    except EvidenceError as error:
        yield _unless_no_tool(error)


def _head(told: HeadChecks, path: str, entries: t.Sequence[Entry]) -> LedgerHead:
    if not os.path.lexists(path):
        raise EvidenceError(
            f"{path} is missing, so lines may be missing at the ledger's end; put it back from a copy, or seal again if that was cut off"
        )
    head, found = verified_head(path, allowed_signers=told.allowed_signers, signer=told.signer)
    if parse_time(head.time) > told.now + CLOCK_TOLERANCE:
        raise EvidenceError(f"{path} says it was made on {head.time}, and it is {time_text(told.now)} here; look at the clocks")
    require_extension(entries, head, os.path.basename(path))
    if head.size < len(entries):
        raise EvidenceError(
            f"{path} is over {head.size} lines and the ledger has {len(entries)}, so sealing was cut off, or somebody else added lines; seal again"
        )
    told.checks.append(f"The ledger's head over all its {head.size} lines is signed by {found.principal} with key {found.fingerprint}.")
    return head


def _stamp(told: HeadChecks, path: str, head: LedgerHead | None) -> None:
    """The time stamp beside a head."""
    name = f"{path}.tsr"
    if told.timestamp_ca is None:
        what = "timestamp_ca was not given" if os.path.lexists(name) else "there is none, so nobody else attests the times"
        told.not_checked.append(f"The time stamp of {os.path.basename(path)}: {what}.")
        return
    if not os.path.lexists(name):
        raise EvidenceError(
            f"{name} is missing, and timestamp_ca was given to check it; put it back from a copy, or seal again with timestamp_url"
        )
    try:
        moment = verify_stamp(read_bytes(path), read_bytes(name), ca_file=told.timestamp_ca)
    except EvidenceError as error:
        _unless_no_tool(error)
        raise EvidenceError(
            f"{name} {error.message}; compare it and {os.path.basename(path)} with copies, and see that timestamp_ca is right"
        ) from error
    if head is not None and moment < parse_time(head.time) - CLOCK_TOLERANCE:
        raise EvidenceError(f"{name} is of {time_text(moment)}, and the head says it was made later, at {head.time}; look at the clocks")
    told.checks.append(f"{os.path.basename(path)} existed on {time_text(moment)}, as its time stamp attests.")
    if _REVOKED not in told.not_checked:
        told.not_checked.append(_REVOKED)


def _kept(told: HeadChecks, path: str, size: int, entries: t.Sequence[Entry]) -> None:
    """An older head that is kept for its time stamp."""
    head, _found = verified_head(path, allowed_signers=told.allowed_signers, signer=told.signer)
    if head.size != size:
        raise EvidenceError(f"{path} is a head over {head.size} lines, not {size}; put the right one back from a copy")
    require_extension(entries, head, os.path.basename(path))
    if told.timestamp_ca is not None:
        _stamp(told, path, head)


def _known(told: HeadChecks, path: str, head: LedgerHead | None, entries: t.Sequence[Entry]) -> None:
    """A head that somebody kept elsewhere."""
    known, _found = verified_head(path, allowed_signers=told.allowed_signers, signer=told.signer)
    if head is None:
        require_extension(entries, known, path)
        told.not_checked.append(f"The proof from {path} to the ledger's head, which is not good itself; the ledger's lines lead from it.")
        return
    proof = proof_between(entries, known, head, path)
    told.consistency = {
        "from": {"size": known.size, "merkle_root": known.root, "time": known.time},
        "to": {"size": head.size, "merkle_root": head.root, "time": head.time},
        "path": proof,
    }
    told.checks.append(
        f"The ledger of {head.size} lines is an extension of that of {known.size} lines which {path} is over ({len(proof)} hashes prove it)."
    )
    if told.timestamp_ca is not None and os.path.lexists(f"{path}.tsr"):
        _stamp(told, path, known)
