# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which journals of a host are sealed, and safe on the controller, so that the host may rotate its own."""

from __future__ import annotations

import hashlib
import os
import typing as t

from ..module_utils._errors import EvidenceError
from ._evidence_files import STATEMENT, read_bytes, read_statement
from ._ledger import Entry, read_ledger
from ._ledger_head import head_path, require_extension, verified_head
from ._sealed_runs import Signers, open_sealed, run_names

__all__ = ["sealed_journals_of"]

_CHUNK = 1 << 18


class _UnfitError(Exception):
    """Why a journal that a statement names may not be rotated, as the end of a sentence on it."""


def sealed_journals_of(
    host: str, runs: t.Sequence[str], *, dest: str, ledger: str, signers: Signers
) -> tuple[list[dict[str, t.Any]], list[dict[str, str]]]:
    """Of these runs of a host, what the host must know of those that are sealed, and why each other one is kept.

    A statement counts whose signature is good and that the ledger, which its signed head confirms, names last for its run, and a journal that
    the statement calls ended and whose copy here has the bytes that it names.

    :raises EvidenceError: the ledger was changed.
    """
    if not os.path.isdir(os.path.join(dest, "runs")) or not os.path.exists(ledger):
        return [], [_kept(run, "is sealed by no statement here; seal the run first") for run in runs]
    entries = read_ledger(ledger, allow_torn=True)
    wanted, sealed, kept = set(runs), dict[str, dict[str, t.Any]](), dict[str, dict[str, str]]()
    for plan in run_names(dest):
        run = _named(dest, plan, host)
        if run not in wanted or run in sealed:
            continue
        try:
            sealed[run] = _sealed(dest, plan, host, ledger=entries, signers=signers)
        except EvidenceError as error:
            kept[run] = _kept(run, f"is not known to be sealed: {error.message}")
        except _UnfitError as error:
            kept[run] = _kept(run, str(error))
    fault = _fault_of_head(ledger, entries, signers) if sealed else None
    if fault is not None:
        kept.update({run: _kept(run, f"is not known to be sealed: {fault}") for run in sealed})
        sealed = {}
    for run in runs:
        if run not in sealed:
            kept.setdefault(run, _kept(run, "is sealed by no statement here; seal the run first"))
    return list(sealed.values()), [kept[run] for run in sorted(kept.keys() - sealed.keys())]


def _fault_of_head(ledger: str, entries: t.Sequence[Entry], signers: Signers) -> str | None:
    """Why the ledger's signed head does not confirm it; none where it does."""
    path = head_path(ledger)
    try:
        head, _found = verified_head(path, allowed_signers=signers.allowed_signers, signer=signers.signer)
        require_extension(entries, head, os.path.basename(path))
    except EvidenceError as error:
        if error.details.get("fault") == "no_tool":
            raise
        return error.message
    return None


def _kept(run: str, why: str) -> dict[str, str]:
    return {"run": run, "reason": f"the journal of the run {run} {why}"}


def _named(dest: str, plan: str, host: str) -> str | None:
    """The host's own name of a run, as its statement says before anything of it is verified; none where there is none."""
    path = os.path.join(dest, "runs", plan, STATEMENT)
    try:
        return str(read_statement(read_bytes(path), path)["predicate"]["hosts"][host]["run"])
    except (EvidenceError, KeyError, TypeError):
        return None


def _sealed(dest: str, plan: str, host: str, *, ledger: t.Sequence[Entry], signers: Signers) -> dict[str, t.Any]:
    run = open_sealed(dest, plan, ledger=ledger, signers=signers)
    told = run.statement["predicate"]["hosts"][host]
    journal = run.leaves(host).journal
    manifest = next(f"sha256:{item['digest']['sha256']}" for item in run.statement["subject"] if item["name"] == "manifest.json")
    if told["closed"] is not True:
        raise _UnfitError(f"was sealed before its run had ended ({plan}); run the same play again, and seal it")
    if _digest(run.journal_path(host)) != journal:
        raise _UnfitError(
            f"has a copy on the controller, {run.journal_path(host)}, which is not the one that {STATEMENT} names; put that back from a store, "
            "or look who changed it"
        )
    return {
        "run": told["run"],
        "plan": plan,
        "host": host,
        "manifest": manifest,
        "journal": journal,
        "records": told["records"],
        "head": told["head"],
        "statement": run.digest,
    }


def _digest(path: str) -> str:
    total = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                total.update(chunk)
    except OSError as error:
        raise EvidenceError(f"the copy {path} cannot be read ({error.strerror}); put it back from a store, or fetch it again") from error
    return f"sha256:{total.hexdigest()}"
