# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seal a run: statement, signature, line in the ledger, certificates."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError
from ..module_utils._evidence.approval import read_manifest
from ..module_utils._evidence.canonical import digest
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.sshsig import check_principal, fits, read_signature, verify
from ..module_utils._executor import Executor
from ._evidence_files import MANIFEST, SIGNATURE, STATEMENT, kept_statements, read_bytes, read_statement, sealed_journals
from ._formats import FORMATS
from ._head_seal import HeadSealer
from ._language import LANGUAGES
from ._ledger import Entry, Ledger, read_ledger
from ._ledger_head import LedgerHead
from ._signatures import read_signatures, signature_name
from ._sshsign import sign
from ._statement import NAMESPACE, Evidence, build_statement, gather_evidence, statement_bytes
from ._time_stamp import check_authority

__all__ = ["Sealing", "certificate_name", "certificate_pages", "rehearse", "seal_run"]

Render = t.Callable[..., str]
RenderPdf = t.Callable[..., bytes]


@dataclasses.dataclass(slots=True)
class Sealing:
    """What sealing needs; paths on the controller.

    :ivar render: gives a certificate's text for a statement, C(language) and C(manifest).
    :ivar render_pdf: gives its PDF, for the C(signature) besides.
    :ivar formats: of the certificates, among C(FORMATS).
    :ivar now: the time to write, RFC 3339 UTC.
    :ivar timestamp_url: of the authority that stamps the ledger's head, and C(timestamp_ca) the file of its CA.
    """

    run_directory: str
    manifest: str
    signatures_dir: str
    ledger: str
    signing_key: str
    signer: str
    allowed_signers: str | None
    languages: t.Sequence[str]
    render: Render
    render_pdf: RenderPdf
    executor: Executor
    check_mode: bool
    now: str
    collection: str
    formats: t.Sequence[str] = ("html",)
    timestamp_url: str | None = None
    timestamp_ca: str | None = None


def certificate_name(language: str, form: str) -> str:
    return f"certificate.{language}.{form}"


def certificate_pages(
    statement: dict[str, t.Any],
    *,
    manifest: dict[str, t.Any],
    signature: bytes | None,
    languages: t.Iterable[str],
    formats: t.Container[str],
    render: Render,
    render_pdf: RenderPdf,
) -> dict[str, bytes]:
    """A statement's certificates by the name of their file; the rest as in C(Sealing)."""
    pages = {}
    for language in languages:
        told: dict[str, t.Any] = {"language": language, "manifest": manifest}
        if "html" in formats:
            pages[certificate_name(language, "html")] = render(statement, **told).encode("utf-8")
        if "pdf" in formats:
            pages[certificate_name(language, "pdf")] = render_pdf(statement, **told, signature=signature)
    return pages


def rehearse(*, signing_key: str, signer: str, allowed_signers: str | None, now: str) -> str:
    """Sign a text that says nothing, to know before anything is destroyed that the evidence can be signed; returns the key's fingerprint.

    :raises DisposalError: the key cannot sign.
    :raises EvidenceError: the signer is not allowed, or the key has expired.
    """
    check_principal(signer)
    data = b"rehearsal\n"
    signature = sign(data, key=signing_key, namespace=NAMESPACE)
    if allowed_signers is None:
        return read_signature(signature).key
    try:
        return verify(
            data, signature, allowed_signers=allowed_signers, principal=signer, namespace=NAMESPACE, at=parse_time(now)
        ).fingerprint
    except EvidenceError as error:
        raise EvidenceError(f"the evidence could not be sealed by {signer}, so nothing was done: {error.message}") from error


def seal_run(sealing: Sealing) -> dict[str, t.Any]:
    """Seal a run, or find it sealed already; returns plain data for the task's result.

    Its C(failure) tells why the ledger's head, otherwise safe, could not be time-stamped.

    :raises EvidenceError: the journals are not evidence of this run, or earlier evidence was changed.
    :raises DisposalError: the key cannot sign, or a file cannot be written.
    """
    check_principal(sealing.signer)
    check_authority(sealing.timestamp_url, sealing.timestamp_ca)
    if not os.path.isdir(sealing.run_directory):
        raise EvidenceError(f"{sealing.run_directory} is not a directory; fetch the journals of the run there first")
    try:
        return _Sealer(sealing).seal()
    except OSError as error:
        what = f"{error.filename or sealing.run_directory} cannot be written ({error.strerror})"
        raise DisposalError(f"{what}, so the run is not sealed; make room or repair that, and seal again") from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """The run's lines of the ledger, the statement that is there, whether the last of the lines names it, and those set aside."""

    own: list[Entry]
    data: bytes | None
    listed: bool
    older: list[bytes]


class _Sealer:
    def __init__(self, sealing: Sealing) -> None:
        self.told = sealing
        self.manifest_bytes = read_bytes(sealing.manifest)
        self.manifest = read_manifest(self.manifest_bytes)
        self.changed = False
        self.head = HeadSealer(
            ledger=sealing.ledger,
            signing_key=sealing.signing_key,
            signer=sealing.signer,
            allowed_signers=sealing.allowed_signers,
            executor=sealing.executor,
            check_mode=sealing.check_mode,
            now=sealing.now,
            timestamp_url=sealing.timestamp_url,
            timestamp_ca=sealing.timestamp_ca,
        )

    def path(self, name: str) -> str:
        return os.path.join(self.told.run_directory, name)

    def seal(self) -> dict[str, t.Any]:
        with contextlib.ExitStack() as stack:
            if self.told.check_mode:
                ledger = None
                entries = read_ledger(self.told.ledger, allow_torn=True) if os.path.exists(self.told.ledger) else []
            else:
                ledger = stack.enter_context(Ledger(self.told.ledger, executor=self.told.executor))
                entries = ledger.entries
            head = entries[-1].digest if entries else None
            head_there = self.head.there(entries)
            found = self._found([entry for entry in entries if entry.run == self.manifest["plan_id"]])
            evidence = self._gather(found)
            statement = self._same(evidence, found, head)
            fresh = statement is None
            if fresh or head_there is None or head_there.size < len(entries):
                self.head.require_clock(entries, head_there)
            if statement is None:
                statement = build_statement(
                    evidence, self.manifest, self.manifest_bytes, created=self.told.now, previous=head, collection=self.told.collection
                )
            data = statement_bytes(statement)
            # Signed and verified before anything is written: a key that may not sign leaves all as it was.
            signature, key = self._signature(data, statement, fresh=fresh)
            certificates = self._certificates(statement, signature)
            superseded = self._set_aside(found, made=certificates) if fresh else None
            self._write(STATEMENT, data)
            if signature is not None:
                self._write(SIGNATURE, signature)
            self._copy_plan(statement)
            self._append(ledger, found, data, statement)
            for name, page in certificates.items():
                self._write(name, page)
            # Last, since it may fail when all else is safe.
            stamped = self._seal_head(entries, head_there, data)
            paths = [self.path(name) for name in certificates]
            return {**self._result(statement, found, superseded, key, paths, entries), **stamped}

    def _append(self, ledger: Ledger | None, found: _Found, data: bytes, statement: t.Mapping[str, t.Any]) -> None:
        if found.own and found.own[-1].statement == digest(data):
            return
        self.changed = True
        if ledger is not None:
            ledger.append(run=statement["predicate"]["run"], statement=digest(data), time=statement["predicate"]["created"])

    def _seal_head(self, entries: t.Sequence[Entry], there: LedgerHead | None, data: bytes) -> dict[str, t.Any]:
        """The ledger's head and its time stamp, for the result; neither in check mode where the ledger would get a line first."""
        told: dict[str, t.Any] = {"ledger_head": None, "time_stamp": None}
        if any(entry.statement == digest(data) for entry in entries):
            told["ledger_head"] = self.head.seal(entries, there)
            try:
                told["time_stamp"] = self.head.stamp()
            except EvidenceError as error:
                told["failure"] = error.message
            self.changed = self.changed or self.head.changed
        return told

    def _found(self, own: list[Entry]) -> _Found:
        """What lies in the run's directory.

        :raises EvidenceError: the statement that the ledger names last for this run is not there.
        """
        path = self.path(STATEMENT)
        data = read_bytes(path) if os.path.exists(path) else None
        kept = kept_statements(self.told.run_directory)
        listed = bool(own) and data is not None and digest(data) == own[-1].statement
        if own and not listed and own[-1].seq not in kept:
            line = own[-1].seq + 1
            raise EvidenceError(f"{path} is not the statement that line {line} of the ledger names; put that one back from a copy")
        older = [read_bytes(kept[entry.seq]) for entry in own if entry.seq in kept]
        return _Found(own, data, listed, older)

    def _gather(self, found: _Found) -> Evidence:
        listed = [*found.older, *([found.data] if found.data is not None and found.listed else [])]
        sealed = sealed_journals(read_statement(data, "an earlier statement") for data in listed)
        return gather_evidence(self.told.run_directory, self.manifest, self.manifest_bytes, checkpoints=sealed)

    def _same(self, evidence: Evidence, found: _Found, head: str | None) -> dict[str, t.Any] | None:
        """The statement that is there, if it is over the very same journals."""
        if found.data is None:
            return None
        try:
            statement = read_statement(found.data, STATEMENT)
        except EvidenceError:
            return None
        # One that the ledger does not name was cut off before its line; it can still get it while nothing came between.
        usable = found.listed or statement["predicate"].get("previous") == head
        return statement if usable and statement.get("subject") == evidence.subject else None

    def _set_aside(self, found: _Found, *, made: t.Container[str]) -> str | None:
        """Keep a statement that a new one replaces; its signature goes first, so that no crash parts them.

        Certificates that are not made anew go, since they show the older one.
        """
        if found.data is None:
            return None
        number = str(found.own[-1].seq) if found.listed else f"unlisted-{digest(found.data)[7:19]}"
        kept = self.path(f"statement-{number}.json")
        if not self.told.check_mode:
            for name in (certificate_name(language, form) for language in LANGUAGES for form in FORMATS):
                if name not in made and os.path.exists(self.path(name)):
                    self.told.executor.unlink(self.path(name))
            if os.path.exists(self.path(SIGNATURE)):
                self.told.executor.rename(self.path(SIGNATURE), kept + ".sig")
            self.told.executor.rename(self.path(STATEMENT), kept)
            self.told.executor.sync_directory(self.told.run_directory)
        return kept

    def _write(self, name: str, data: bytes) -> None:
        """Write a file below the run's directory unless it is so already."""
        path = self.path(name)
        try:
            with open(path, "rb") as file:
                if file.read() == data:
                    return
        except FileNotFoundError:
            pass
        self.changed = True
        if not self.told.check_mode:
            self.told.executor.replace_file(path, [data])

    def _signature(self, data: bytes, statement: t.Mapping[str, t.Any], *, fresh: bool) -> tuple[bytes | None, str | None]:
        """A verified signature and its key's fingerprint, those there if they are good; neither in check mode, which signs nothing."""
        path = self.path(SIGNATURE)
        if not fresh and os.path.exists(path):
            with contextlib.suppress(EvidenceError):
                signature = read_bytes(path)
                if read_signature(signature).armor == signature:
                    return signature, self._verified(data, signature, statement)
        self.changed = True
        if self.told.check_mode:
            return None, None
        signature = sign(data, key=self.told.signing_key, namespace=NAMESPACE)
        return signature, self._verified(data, signature, statement)

    def _verified(self, data: bytes, signature: bytes, statement: t.Mapping[str, t.Any]) -> str:
        if self.told.allowed_signers is None:
            if not fits(data, signature, namespace=NAMESPACE):
                raise EvidenceError(f"{self.path(SIGNATURE)} does not fit the statement; seal again")
            return read_signature(signature).key
        return verify(
            data,
            signature,
            allowed_signers=self.told.allowed_signers,
            principal=self.told.signer,
            namespace=NAMESPACE,
            at=parse_time(statement["predicate"]["created"]),
        ).fingerprint

    def _copy_plan(self, statement: t.Mapping[str, t.Any]) -> None:
        """Manifest and approvals beside the evidence, so that the directory can be verified alone."""
        self._write(MANIFEST, self.manifest_bytes)
        approvers = {approval["principal"] for approval in statement["predicate"]["approvals"]}
        for item in read_signatures(self.told.manifest, self.told.signatures_dir).signatures:
            if item["principal"] in approvers:
                text = item["signature"].encode("utf-8", "surrogateescape")
                with contextlib.suppress(EvidenceError):
                    text = read_signature(text).armor
                self._write(signature_name(MANIFEST, item["principal"]), text)

    def _certificates(self, statement: dict[str, t.Any], signature: bytes | None) -> dict[str, bytes]:
        """The certificates by name, made before anything is written, since one that cannot be made must not leave a run half sealed."""
        return certificate_pages(
            statement,
            manifest=self.manifest,
            signature=signature,
            languages=self.told.languages,
            formats=self.told.formats,
            render=self.told.render,
            render_pdf=self.told.render_pdf,
        )

    def _result(
        self,
        statement: t.Mapping[str, t.Any],
        found: _Found,
        superseded: str | None,
        key: str | None,
        certificates: list[str],
        entries: t.Sequence[Entry],
    ) -> dict[str, t.Any]:
        predicate = statement["predicate"]
        data = statement_bytes(statement)
        place = [entry for entry in entries if entry.statement == digest(data)]
        names = ("run", "created", "complete", "problems", "missing_hosts", "totals", "merkle_root", "tree_size", "not_checked")
        return {
            "changed": self.changed,
            "statement": {"path": self.path(STATEMENT), "digest": digest(data), "signature": self.path(SIGNATURE), "key": key},
            "superseded": superseded,
            "ledger": {
                "path": self.told.ledger,
                "seq": place[-1].seq if place else None,
                "head": entries[-1].digest if entries else None,
            },
            "certificates": certificates,
            **{name: predicate[name] for name in names},
            "diff": {
                "before_header": self.path(STATEMENT),
                "after_header": self.path(STATEMENT),
                "before": _shown(json.loads(found.data)) if found.data and found.listed else "",
                "after": _shown(statement),
            },
        }


def _shown(statement: t.Mapping[str, t.Any]) -> str:
    """A statement for a diff, without what is as long as the fleet."""
    predicate = {key: value for key, value in statement["predicate"].items() if key not in ("policy", "not_checked")}
    return json.dumps(predicate, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
