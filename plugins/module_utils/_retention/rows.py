# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan rows and the plan file: the explicit list of what a plan destroys and of what it found but keeps for a reason."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import hmac
import json
import json.encoder
import os
import typing as t

from .._errors import EvidenceError
from .._evidence.canonical import canonical, text_bytes
from .._recordings.calendar import rfc3339
from .._recordings.sets import Member, RecordingSet
from .policy import Method, Policy
from .verdict import Decision

__all__ = ["FORMAT", "Identifiers", "PlanFile", "Row", "encode_row", "header", "plan_path", "row_fingerprint"]

FORMAT = "recordings.disposal/plan/1"
_ROW_LIMIT = 1 << 20
_quoted = json.encoder.encode_basestring


class Identifiers:
    """Ids of sets: keyed hashes under C(key), or plain names where the policy says so on purpose."""

    def __init__(self, *, kind: str, key: str) -> None:
        self.kind = kind
        self._key = key.encode()

    def of(self, source: str, root: str, key: str) -> str:
        """32 hexadecimal digits (HMAC-SHA256, cut to 128 bits), or C(source:root/key)."""
        if self.kind == "plain":
            return f"{source}:{root}/{key}"
        message = f"{source}\0{root}\0{key}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, message, "sha256").hex()[:32]


def header(policy: Policy, *, holds: str, requests: str, after: str | None, simulated: str | None = None) -> dict[str, t.Any]:
    """The plan file's first line; it names no time, so that the same state gives the same plan.

    :arg after: the latest run that left due sets behind, none where none did.
    :arg simulated: the date that the verdicts are as of, where that is not now; such a plan is never carried out.
    """
    return {
        **({} if simulated is None else {"simulated": simulated}),
        "format": FORMAT,
        "identifiers": policy.identifiers,
        "policy": policy.digest,
        "policy_id": policy.id,
        "policy_version": policy.version,
        "holds": holds,
        "requests": requests,
        "after": after,
        "sources": [{"name": source.name, "layout": source.layout.name, "roots": list(source.roots)} for source in policy.sources],
    }


def _instant(epoch: int | None) -> str:
    return "null" if epoch is None else f'"{rfc3339(epoch)}"'


@functools.lru_cache(maxsize=256)
def _method_text(method: Method) -> str:
    return canonical(method.row()).decode()


def encode_row(identifier: str, source: str, root: str, recording_set: RecordingSet, decision: Decision) -> bytes:
    """A row as canonical JSON, built by hand since a plan may have millions of them; a test holds it against the encoder."""
    members = ",".join(
        f'{{"dev":{m.dev},"ino":{m.ino},"mtime_ns":{m.mtime_ns},"nlink":{m.nlink},"path":{_quoted(m.path)},"size":{m.size}}}'
        for m in recording_set.members
    )
    retention_class = decision.retention_class
    reasons = ",".join(map(_quoted, decision.reasons))
    text = (
        f'{{"class":{_quoted(retention_class.name) if retention_class else "null"},'
        f'"destroy_by":{_instant(decision.destroy_by)},"keep_until":{_instant(decision.keep_until)},"members":[{members}],'
        f'"method":{_method_text(retention_class.method) if retention_class else "null"},"reason":[{reasons}],"root":{_quoted(root)},'
        f'"rule":{_quoted(decision.rule) if decision.rule else "null"},"set":{_quoted(identifier)},"source":{_quoted(source)},'
        f'"start":{_instant(decision.start)},"verdict":"{decision.verdict}"}}\n'
    )
    return text_bytes(text)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row read back; instants stay RFC 3339 text."""

    set: str
    source: str
    root: str
    members: tuple[Member, ...]
    retention_class: str | None
    rule: str | None
    start: str | None
    keep_until: str | None
    destroy_by: str | None
    verdict: str
    reasons: tuple[str, ...]
    method: dict[str, str]
    fingerprint: bytes

    @property
    def size(self) -> int:
        """Bytes over all members."""
        return sum(member.size for member in self.members)


def row_fingerprint(line: bytes) -> bytes:
    """A short digest of a row, to tell whether a set is just as planned."""
    return hashlib.sha256(line.rstrip(b"\n")).digest()[:16]


def _row(document: t.Any, line: bytes) -> Row:
    members = tuple(
        Member(item["path"], "", item["dev"], item["ino"], item["size"], item["mtime_ns"], item["nlink"]) for item in document["members"]
    )
    return Row(
        set=document["set"],
        source=document["source"],
        root=document["root"],
        members=members,
        retention_class=document["class"],
        rule=document["rule"],
        start=document["start"],
        keep_until=document["keep_until"],
        destroy_by=document["destroy_by"],
        verdict=document["verdict"],
        reasons=tuple(document["reason"]),
        method=document["method"] or {},
        fingerprint=row_fingerprint(line),
    )


class PlanFile:
    """A plan file on the host, believed only if its bytes have the digest that was approved.

    :raises EvidenceError: missing, changed, not a plan.
    """

    def __init__(self, path: str, digest: str) -> None:
        self.path = path
        self.digest = digest
        found = hashlib.sha256()
        try:
            # The descriptor stays open, so that the bytes that were checked are the bytes that are read.
            self._handle = open(path, "rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise EvidenceError(f"the plan {path} cannot be read ({error.strerror}); plan again") from error
        for chunk in iter(lambda: self._handle.read(1 << 20), b""):
            found.update(chunk)
        if f"sha256:{found.hexdigest()}" != digest:
            raise EvidenceError(
                f"the plan {path} is not the one that was approved (its digest is sha256:{found.hexdigest()}, approved was {digest}), "
                "so nothing was done; plan again and have it approved"
            )
        self._handle.seek(0)
        self.header = self._line(self._handle.readline(_ROW_LIMIT))
        if not isinstance(self.header, dict) or self.header.get("format") != FORMAT:
            raise EvidenceError(f"the plan {path} is not of the form {FORMAT}; plan again with this version of the collection")
        self._start = self._handle.tell()

    def _line(self, line: bytes) -> t.Any:
        try:
            return json.loads(line)
        except ValueError as error:
            raise EvidenceError(f"the plan {self.path} has a line that is not JSON; plan again") from error

    def rows(self) -> t.Iterator[Row]:
        """Every row, streaming."""
        self._handle.seek(self._start)
        position = self._start
        for line in iter(self._handle.readline, b""):
            yield _row(self._line(line), line)
            position += len(line)
            self._handle.seek(position)

    def due(self) -> t.Iterator[Row]:
        """The rows that are destroyed."""
        return (row for row in self.rows() if row.verdict == "due")

    def close(self) -> None:
        self._handle.close()


def plan_path(state_dir: str, digest: str) -> str:
    """Where a plan lies on the host: its name is its digest."""
    return os.path.join(state_dir, "plans", digest.partition(":")[2] + ".jsonl")
