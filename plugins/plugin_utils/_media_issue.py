# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issue certificates of media: signed, with their pages; the one that a newer one replaces is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.clock import is_time, parse_time
from ..module_utils._evidence.sshsig import check_principal, fits, read_signature, verify
from ..module_utils._executor import Executor
from ._evidence_files import read_bytes
from ._formats import FORMATS
from ._language import LANGUAGES
from ._media_certificate import FORMAT
from ._media_certificate_page import render_media_certificate, render_media_certificate_pdf
from ._media_records import record_name
from ._sshsign import sign
from ._statement import NAMESPACE

__all__ = ["Issued", "Issuing", "issue_certificates"]

# What a certificate has besides what its evidence gives.
_OF_ISSUE = ("issued", "issued_by", "supersedes")


@dataclasses.dataclass(frozen=True, slots=True)
class Issuing:
    """What issuing needs.

    :ivar directory: of the certificates.
    :ivar allowed_signers: the file's text; C(None) where signatures are not held against it.
    :ivar formats: of the pages, among C(FORMATS).
    :ivar now: the time to write, RFC 3339 UTC.
    """

    directory: str
    signing_key: str
    signer: str
    organisation: str
    allowed_signers: str | None
    languages: t.Sequence[str]
    formats: t.Sequence[str]
    executor: Executor
    check_mode: bool
    now: str


@dataclasses.dataclass(slots=True)
class Issued:
    """A certificate and its files.

    :ivar certificate: as it is in the file C(path).
    :ivar signature: C(None) in check mode where it would be signed; C(key) its fingerprint.
    :ivar superseded: where the one that it replaces is kept; C(None) where it replaces none.
    :ivar writes: files that are not so yet, in the order in which they have to be written; C(good) those that are.
    """

    certificate: dict[str, t.Any]
    path: str
    signature: bytes | None = None
    key: str | None = None
    superseded: str | None = None
    writes: list[tuple[str, bytes]] = dataclasses.field(default_factory=list)
    good: set[str] = dataclasses.field(default_factory=set)
    changed: bool = False

    @property
    def data(self) -> bytes:
        """What is signed."""
        return canonical(self.certificate) + b"\n"

    @property
    def digest(self) -> str:
        return digest(self.data)


def issue_certificates(built: t.Iterable[dict[str, t.Any]], issuing: Issuing) -> list[Issued]:
    """Issue them; those that lie there already, over the same evidence, stay as they are.

    All are signed and rendered before the first is written.

    :raises EvidenceError: one that lies there was changed, or the signer may not sign.
    :raises DisposalError: the key cannot sign, or a file cannot be written.
    """
    check_principal(issuing.signer)
    made = [_made(certificate, issuing) for certificate in built]
    if issuing.check_mode or not any(each.changed for each in made):
        return made
    try:
        issuing.executor.makedirs(issuing.directory)
        for each in made:
            _write(each, issuing.executor)
    except OSError as error:
        what = f"{error.filename or issuing.directory} cannot be written ({error.strerror}), so not every certificate was issued"
        raise DisposalError(f"{what}; make room or repair that, and run again") from error
    return made


def _made(built: dict[str, t.Any], issuing: Issuing) -> Issued:
    path = os.path.join(issuing.directory, f"{record_name(built['set'])}.json")
    data, old = _there(path)
    by = {"principal": issuing.signer, "organisation": issuing.organisation}
    if old is not None and {key: value for key, value in old.items() if key not in _OF_ISSUE} == built and old["issued_by"] == by:
        issued = Issued(old, path)
    else:
        issued = Issued({**built, "issued": issuing.now, "issued_by": by, "supersedes": digest(data) if data else None}, path, changed=True)
        if data:
            issued.superseded = os.path.join(issuing.directory, f"{record_name(built['set'])}.{digest(data)[7:19]}.json")
    _sign(issued, issuing)
    if issued.signature is not None:
        for language in issuing.languages:
            for form in issuing.formats:
                _want(issued, _page_path(path, language, form), _page(issued, issued.signature, language, form))
    return issued


def _page_path(path: str, language: str, form: str) -> str:
    return f"{path.removesuffix('.json')}.{language}.{form}"


def _page(issued: Issued, signature: bytes, language: str, form: str) -> bytes:
    key = issued.key or ""
    if form == "pdf":
        return render_media_certificate_pdf(issued.certificate, language=language, key=key, signature=signature)
    return render_media_certificate(issued.certificate, language=language, key=key).encode("utf-8")


def _there(path: str) -> tuple[bytes | None, dict[str, t.Any] | None]:
    """The certificate that lies there, and its bytes.

    :raises EvidenceError: it is none, or was changed since it was signed.
    """
    if not os.path.exists(path):
        return None, None
    data = read_bytes(path)
    try:
        old = json.loads(data)
        good = isinstance(old, dict) and old.get("format") == FORMAT and is_time(old.get("issued")) and set(_OF_ISSUE) <= set(old)
        good = good and canonical(old) + b"\n" == data
    except (ValueError, RecursionError):
        good = False
    # A signature that is missing was cut off; one that does not fit shows that one of the two is not what was issued.
    if good and os.path.exists(f"{path}.sig"):
        with contextlib.suppress(EvidenceError):
            good = fits(data, read_bytes(f"{path}.sig"), namespace=NAMESPACE)
    if not good:
        raise EvidenceError(f"{path} is not the certificate that was issued, so it or its signature was changed; put both back from a copy")
    return data, old


def _sign(issued: Issued, issuing: Issuing) -> None:
    """Its signature, the one there if it is good; none in check mode, which signs nothing."""
    data, path = issued.data, f"{issued.path}.sig"
    if not issued.changed and os.path.exists(path):
        with contextlib.suppress(EvidenceError):
            signature = read_bytes(path)
            if read_signature(signature).armor == signature:
                issued.signature, issued.key = signature, _verified(data, signature, issued, issuing)
                return
    issued.changed = True
    if issuing.check_mode:
        return
    signature = sign(data, key=issuing.signing_key, namespace=NAMESPACE)
    issued.signature, issued.key = signature, _verified(data, signature, issued, issuing)
    _want(issued, issued.path, data)
    _want(issued, path, signature)


def _verified(data: bytes, signature: bytes, issued: Issued, issuing: Issuing) -> str:
    if issuing.allowed_signers is None:
        if not fits(data, signature, namespace=NAMESPACE):
            raise EvidenceError(f"{issued.path}.sig does not fit the certificate; issue it again")
        return read_signature(signature).key
    return verify(
        data,
        signature,
        allowed_signers=issuing.allowed_signers,
        principal=issuing.signer,
        namespace=NAMESPACE,
        at=parse_time(issued.certificate["issued"]),
    ).fingerprint


def _want(issued: Issued, path: str, data: bytes) -> None:
    """Note a file to be written, unless it is so already."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        if file.read() == data:
            issued.good.add(path)
            return
    issued.changed = True
    issued.writes.append((path, data))


def _write(issued: Issued, executor: Executor) -> None:
    if issued.superseded is not None:
        _keep(issued.path, issued.superseded, executor)
    if any(path == f"{issued.path}.sig" for path, _data in issued.writes):
        _take_away(issued, executor)
    for path, data in issued.writes:
        executor.replace_file(path, [data])


def _keep(path: str, kept: str, executor: Executor) -> None:
    """Keep the certificate that is replaced, with its signature."""
    for end in ("", ".sig"):
        if os.path.exists(path + end) and not os.path.exists(kept + end):
            executor.link(path + end, kept + end)


def _take_away(issued: Issued, executor: Executor) -> None:
    """Take away the signature that a new one replaces, and the pages that show another certificate or key."""
    pages = [_page_path(issued.path, language, form) for language in LANGUAGES for form in FORMATS]
    # The signature goes first: one beside another certificate would look as if that had been changed.
    for path in (f"{issued.path}.sig", *pages):
        if path not in issued.good and os.path.exists(path):
            executor.unlink(path)
    executor.sync_directory(os.path.dirname(issued.path))
