# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a review, which people sign: what of the policy changed since the last one, and what was found."""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t

from ..module_utils._document import Node, read_document
from ..module_utils._errors import EvidenceError, PolicyError
from ..module_utils._evidence.canonical import canonical, digest_of
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._retention.changes import Change
from ..module_utils._retention.reviewed import parse_date
from ._plan_manifest import author_of

__all__ = ["FORMAT", "NAMESPACE", "SEVERITIES", "new_record", "read_record", "record_bytes", "require_reviewer"]

FORMAT = "recordings.disposal/review/1"
NAMESPACE = "review@recordings.disposal"
SEVERITIES = ("severe", "warning", "notice")

_DIGEST = r"sha256:[0-9a-f]{64}"
_ID = r"\d{4}-\d\d-\d\d-[0-9a-f]{10}"
_POLICY = ("id", "version", "owner", "review_by", "digest")
_FINDING = ("code", "severity", "subject", "place")


def new_record(
    *,
    author: str,
    collection: str,
    now: dt.datetime,
    policy: t.Mapping[str, str],
    previous: t.Mapping[str, str] | None,
    changes: t.Sequence[Change],
    findings: t.Sequence[t.Mapping[str, str]],
    catalogue: t.Mapping[str, str],
    not_known: t.Sequence[str],
) -> dict[str, t.Any]:
    """A record that nobody has signed yet; the same review on the same day has the same id.

    :raises RefusedError: the author is no name.
    """
    decided = {
        "author": author_of(author, 0),
        "collection": collection,
        "policy": dict(policy),
        "changes": [change.row() for change in changes],
        "findings": [{name: finding[name] for name in _FINDING} for finding in findings],
        "catalogue": dict(catalogue),
        "not_known": list(not_known),
        **({"previous": dict(previous)} if previous else {}),
    }
    day = now.astimezone(dt.timezone.utc).strftime("%Y-%m-%d")
    return {"format": FORMAT, "id": f"{day}-{digest_of(decided)[7:17]}", "created": time_text(now), **decided}


def record_bytes(record: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of C(record.json), which are signed: canonical JSON and a newline."""
    return canonical(record) + b"\n"


def read_record(data: bytes) -> dict[str, t.Any]:
    """The record, closed: a field that is not known is refused, since a future version may mean something by it.

    :raises EvidenceError: it is none; the text follows its path.
    """
    try:
        record = json.loads(data)
        same = isinstance(record, dict) and record_bytes(record) == data
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"cannot be read ({error}); put it back from a copy") from error
    if not same:
        raise EvidenceError("is not canonical JSON and a newline, as the review wrote it; use the file itself, no edited copy")
    if record.get("format") != FORMAT:
        raise EvidenceError(f"has the format {str(record.get('format'))[:60]!r}, not {FORMAT}, which a future version may have")
    try:
        read_document(record, "it", _read)
    except PolicyError as error:
        raise EvidenceError(f"is no record of a review: {'; '.join(error.details['problems'][:3])}") from error
    return t.cast("dict[str, t.Any]", record)


def _read(node: Node) -> None:
    required = ("format", "id", "created", "author", "collection", "policy", "changes", "findings", "catalogue", "not_known")
    keys = node.mapping(required=required, optional=["previous"])
    for name in ("author", "collection"):
        if name in keys:
            keys[name].text()
    if "id" in keys:
        keys["id"].text(pattern=_ID, form="an id such as 2026-11-27-0123456789")
    if "created" in keys:
        keys["created"].parsed(parse_time, None)
    if "policy" in keys:
        _texts(keys["policy"], _POLICY)
    if "catalogue" in keys:
        _texts(keys["catalogue"], ("edition", "dated", "digest"))
    if "previous" in keys:
        _texts(keys["previous"], ("id", "digest", "policy_digest"))
    for item in keys["changes"].elements() if "changes" in keys else []:
        members = item.mapping(required=["subject", "what", "before", "after", "sooner"])
        for name, member in members.items():
            if name == "sooner":
                member.boolean()
            else:
                _any_text(member)
    for item in keys["findings"].elements() if "findings" in keys else []:
        for name, member in item.mapping(required=_FINDING).items():
            if name == "severity":
                member.text(allowed=SEVERITIES)
            else:
                _any_text(member)
    for item in keys["not_known"].elements() if "not_known" in keys else []:
        item.text()


def _texts(node: Node, names: t.Sequence[str]) -> None:
    for name, member in node.mapping(required=names).items():
        if name.endswith("digest"):
            member.text(pattern=_DIGEST, form="a digest such as sha256:0123...")
        elif name in ("review_by", "dated"):
            member.parsed(parse_date, "")
        else:
            member.text()


def _any_text(node: Node) -> None:
    if not isinstance(node.value, str):
        node.problem("is not a text")


def require_reviewer(principal: str, reviewers: t.Collection[str]) -> None:
    """That a principal may sign off reviews; where none are named, whoever the list of signers permits may.

    :raises EvidenceError: the principal may not.
    """
    if reviewers and not any(re.fullmatch(re.escape(name), principal, re.IGNORECASE) for name in reviewers):
        raise EvidenceError(
            f"{principal}: is not among those who may sign off reviews ({', '.join(sorted(reviewers))}); have one of them sign"
        )
