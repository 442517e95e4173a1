# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for media of the register: all that may have one, or none at all."""

from __future__ import annotations

import typing as t

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._media.serials import serial_key
from ._media_certificate import build_certificate
from ._media_evidence import Evidence
from ._media_issue import Issued, Issuing, issue_certificates
from ._media_runs import Sealers
from ._media_told import Told
from ._register import Medium
from ._register_book import Book

__all__ = ["certify_media"]

_MOST = 100
_MOST_IN_A_SENTENCE = 20
_MOST_LETTERS = 300
_READY = ("verified", "destroyed", "reused")


def certify_media(
    book: Book, dest: str, serials: t.Sequence[str] | None, told: Told, sealers: Sealers, issuing: Issuing, *, report: bool
) -> dict[str, t.Any]:
    """The task's result.

    :arg report: issue what can be issued although others are refused.
    :raises RefusedError: a medium may have no certificate, and nothing was written; every one is named.
    :raises EvidenceError: log, statement or certificate was changed, or the signer may not sign.
    """
    if book.pending:
        names = ", ".join(change.serial for change in book.pending[:_MOST_IN_A_SENTENCE])
        raise RefusedError(
            f"the register {book.file.path} does not show the last event of {names} yet; run the task of media_register that was cut off again"
        )
    refused: dict[str, list[str]] = {}
    media = _chosen(book, serials, refused)
    for key, serial in told.serials.items():
        if key not in book.register.media:
            refused.setdefault(serial, []).append("is told of under media and is not in the register; correct the serial")
    evidence = Evidence(dest, book.log, sealers)
    built = []
    for medium in media:
        try:
            verified = sealers.allowed_signers is not None
            built.append(build_certificate(evidence.of(medium), told, collection=book.collection, signatures_verified=verified))
        except (EvidenceError, RefusedError) as error:
            if error.details.get("fault") == "no_tool":
                raise
            refused.setdefault(medium.serial, []).extend(error.details.get("problems") or [error.message])
    if refused and not report:
        raise RefusedError(f"no certificate was issued: {_few(refused)}", details=_refusals(refused))
    return {**_result(issue_certificates(built, issuing)), "directory": issuing.directory, **_refusals(refused)}


def _chosen(book: Book, serials: t.Sequence[str] | None, refused: dict[str, list[str]]) -> list[Medium]:
    """The media that certificates are asked for, by default all that have come so far."""
    media = book.register.media
    if not serials:
        return [medium for key, medium in media.items() if medium.state in _READY or _waits(book, key, medium)]
    found: dict[str, Medium] = {}
    for serial in serials:
        key = serial_key(serial)
        if not key:
            refused.setdefault("a blank serial", []).append("names no medium; read it off the label")
        elif key not in media:
            refused.setdefault(serial, []).append("is not in the register; correct the serial, or enter the medium first")
        elif key in found:
            refused.setdefault(serial, []).append("stands under serials twice; name each medium once")
        else:
            found[key] = media[key]
    return list(found.values())


def _waits(book: Book, key: str, medium: Medium) -> bool:
    """Whether it is in custody and was verified before."""
    return medium.state == "in_custody" and key in book.log.media and book.log.media[key].verified


def _few(refused: t.Mapping[str, t.Sequence[str]]) -> str:
    named = [f"{serial}: {'; '.join(reasons)}" for serial, reasons in list(refused.items())[:_MOST_IN_A_SENTENCE]]
    rest = f" (and {len(refused) - _MOST_IN_A_SENTENCE} more)" if len(refused) > _MOST_IN_A_SENTENCE else ""
    # A few media with many reasons each must not make the sentence endless.
    return "; ".join(text if len(text) <= 2 * _MOST_LETTERS else f"{text[: 2 * _MOST_LETTERS]}..." for text in named) + rest


def _refusals(refused: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    rows = [{"serial": serial, "reasons": _shortened(reasons)} for serial, reasons in list(refused.items())[:_MOST]]
    return {"refused": rows, "refused_count": len(refused)}


def _shortened(reasons: t.Sequence[str]) -> list[str]:
    """As much of the reasons as a result of a hundred media has room for."""
    kept: list[str] = []
    left = _MOST_LETTERS
    for reason in reasons:
        if left <= 0:
            return [*kept, f"and {len(reasons) - len(kept)} more"]
        kept.append(reason if len(reason) <= left else f"{reason[:left]}...")
        left -= len(reason)
    return kept


def _result(issued: t.Sequence[Issued]) -> dict[str, t.Any]:
    rows = []
    for each in issued[:_MOST]:
        certificate = each.certificate
        told = {"serial": certificate["serial"], "path": each.path, "digest": each.digest, "achieved": certificate["level"]["achieved"]}
        rows.append({**told, "issued": certificate["issued"], "changed": each.changed, "superseded": each.superseded, "key": each.key})
    return {
        "changed": any(each.changed for each in issued),
        "counts": {"issued": len(issued), "changed": sum(each.changed for each in issued)},
        "certificates": rows,
    }
