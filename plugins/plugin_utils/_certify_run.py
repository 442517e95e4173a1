# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a run that was sealed before, made anew: in other languages or formats, or elsewhere."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import typing as t

from ..module_utils._errors import EvidenceError, first_of
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._evidence.canonical import digest
from ..module_utils._executor import Executor
from ._certificate import render_certificate, render_certificate_pdf
from ._evidence_files import MANIFEST, SIGNATURE, keep_files, read_bytes
from ._formats import check_formats
from ._seal import certificate_pages
from ._statement import statement_bytes
from ._verify import verify_run

__all__ = ["Certifying", "certify_run"]


@dataclasses.dataclass(frozen=True, slots=True)
class Certifying:
    """What is asked; paths on the controller.

    :ivar run_directory: as it was sealed.
    :ivar allowed_signers: the text of that file, and C(signer) the name of who signs evidence in it.
    :ivar output: the directory that the certificates go to.
    """

    run_directory: str
    allowed_signers: str
    signer: str
    ledger: str | None
    output: str
    languages: t.Sequence[str]
    formats: t.Sequence[str]
    now: dt.datetime
    executor: Executor
    check_mode: bool


def certify_run(asked: Certifying) -> dict[str, t.Any]:
    """Verify the evidence, and write what it proves as certificates; returns plain data for the task's result.

    :raises EvidenceError: the evidence is not valid; no certificate is written then.
    :raises DisposalError: the formats cannot be made on this controller, or a file cannot be written.
    """
    check_formats(asked.formats)
    report = verify_run(asked.run_directory, allowed_signers=asked.allowed_signers, signer=asked.signer, ledger=asked.ledger, now=asked.now)
    if not report.valid or report.statement is None:
        raise EvidenceError(
            f"no certificate was made, because the evidence in {asked.run_directory} is not valid: {first_of(report.problems)}",
            details={"problems": report.problems},
        )
    pages = certificate_pages(
        report.statement,
        manifest=read_manifest(read_bytes(os.path.join(asked.run_directory, MANIFEST))),
        signature=read_bytes(os.path.join(asked.run_directory, SIGNATURE)),
        languages=asked.languages,
        formats=asked.formats,
        render=render_certificate,
        render_pdf=render_certificate_pdf,
    )
    lost = "the certificates are not complete; make room or correct the path, and run the same again"
    changed = keep_files(asked.output, pages, executor=asked.executor, check_mode=asked.check_mode, lost=lost)
    return {
        "changed": changed,
        "certificates": [os.path.join(asked.output, name) for name in pages],
        "statement": digest(statement_bytes(report.statement)),
        "complete": report.statement["predicate"]["complete"],
        "not_checked": report.not_checked,
    }
