# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last review of a policy that somebody signed off whose signature counts, with the policy as it was then."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, PolicyError, RefusedError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE, is_also
from ..module_utils._evidence.canonical import canonical, digest
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.sshsig import shared_lines, verify
from ..module_utils._retention.policy import load_policy
from ._evidence_files import read_bytes
from ._review_record import NAMESPACE, read_record, require_reviewer
from ._signatures import read_signatures

__all__ = ["POLICY", "RECORD", "SignOff", "Signers", "last_sign_off", "other_sign_off", "policy_bytes"]

RECORD = "record.json"
POLICY = "policy.json"


@dataclasses.dataclass(frozen=True)
class Signers:
    """Whose signatures count.

    :ivar allowed_signers: the text of the file.
    :ivar reviewers: principals who may sign off; whoever the file permits where it is empty.
    """

    allowed_signers: str
    reviewers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SignOff:
    """A review that is signed off.

    :ivar document: the policy, as it was reviewed.
    :ivar digest: of the record.
    :ivar signed_by: those whose signatures count.
    """

    record: dict[str, t.Any]
    document: dict[str, t.Any]
    digest: str
    signed_by: tuple[str, ...]

    @property
    def policy_digest(self) -> str:
        return str(self.record["policy"]["digest"])

    @property
    def review_by(self) -> str:
        return str(self.record["policy"]["review_by"])

    def told(self) -> dict[str, t.Any]:
        """As results repeat it."""
        kept = {name: self.record[name] for name in ("id", "created")}
        return {**kept, "digest": self.digest, "policy_digest": self.policy_digest, "signed_by": list(self.signed_by)}


def policy_bytes(document: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of C(policy.json), whose digest is the policy's."""
    return canonical(document)


def last_sign_off(directory: str, policy_id: str, signers: Signers, *, now: dt.datetime) -> tuple[SignOff | None, list[str]]:
    """The latest review of a policy that counts, and a sentence for each later one that does not.

    :raises RefusedError: the directory is missing.
    :raises EvidenceError: C(ssh-keygen) cannot be used.
    """
    problems = shared_lines(signers.allowed_signers)
    records = [item for item in _records(directory, problems) if item[1]["policy"]["id"] == policy_id]
    if shared_lines(signers.allowed_signers):
        return None, problems
    for path, record in records:
        try:
            return _signed(path, record, signers, now), problems
        except DisposalError as error:
            if error.details.get("fault") == "no_tool":
                raise
            problems.append(f"{path} does not count: {error.message}")
    return None, problems


def other_sign_off(
    directory: str, document: t.Mapping[str, t.Any], own: SignOff | None, signers: Signers, *, now: dt.datetime
) -> SignOff | None:
    """The latest review that counts of a policy with another id which had roots of this one: a policy is not a new one for its new name,
    and a root is not a new one for the policy that it was moved to.

    :arg document: the policy, in its plain form.
    :arg own: its own last review; the roots that were reviewed with it are its own.
    :raises RefusedError: the directory is missing.
    :raises EvidenceError: C(ssh-keygen) cannot be used.
    """
    roots = _roots(document) - (_roots(own.document) if own else set())
    for policy_id in dict.fromkeys(record["policy"]["id"] for _path, record in _records(directory, [])) if roots else ():
        if policy_id == document["id"]:
            continue
        found, _problems = last_sign_off(directory, policy_id, signers, now=now)
        if found is not None and any(_share_files(one, other) for one in roots for other in _roots(found.document)):
            return found
    return None


def _roots(document: t.Mapping[str, t.Any]) -> set[str]:
    return {root for source in document["sources"] for root in source["roots"]}


def _share_files(one: str, other: str) -> bool:
    """Whether two roots are the same, or one lies in the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _records(directory: str, problems: list[str]) -> list[tuple[str, dict[str, t.Any]]]:
    """All records with their paths, the latest first."""
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise RefusedError(
            f"the directory of reviews {directory} cannot be read ({error.strerror}), and a review must not be taken for none; "
            "review the policy first (docs/review.md), or correct the path"
        ) from error
    found = []
    for path in (os.path.join(directory, name, RECORD) for name in names):
        if not os.path.exists(path):
            continue
        try:
            found.append((path, read_record(read_bytes(path))))
        except EvidenceError as error:
            problems.append(f"{path} {error.message}")
    return sorted(found, key=lambda item: (parse_time(item[1]["created"]), item[1]["id"]), reverse=True)


def _signed(path: str, record: dict[str, t.Any], signers: Signers, now: dt.datetime) -> SignOff:
    """A record as a sign-off.

    :raises DisposalError: it does not count; the sentence says why.
    """
    data, created = read_bytes(path), parse_time(record["created"])
    if created > now + CLOCK_TOLERANCE:
        raise EvidenceError(f"it is of {record['created']}, which is later than now; set the clock right")
    document = _policy_beside(path, record)
    listed = read_signatures(path, os.path.dirname(path))
    good: dict[str, str] = {}
    problems = list(listed.problems)
    for item in listed.signatures:
        principal, signature = item["principal"], item["signature"].encode("utf-8", "surrogateescape")
        try:
            require_reviewer(principal, signers.reviewers)
            found = verify(data, signature, allowed_signers=signers.allowed_signers, principal=principal, namespace=NAMESPACE, at=created)
            _require_other(data, signature, record["author"], found.principal, signers, created)
            good[found.fingerprint] = principal
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            problems.append(error.message)
    if not good:
        raise EvidenceError("; ".join(problems) or "nobody has signed it")
    return SignOff(record, document, digest(data), tuple(sorted(set(good.values()))))


def _require_other(data: bytes, signature: bytes, author: str, principal: str, signers: Signers, at: dt.datetime) -> None:
    """That a signature is not the author's own.

    :raises EvidenceError: it is.
    """
    is_author = principal.casefold() == author.casefold()
    if is_author or is_also(data, signature, author, allowed_signers=signers.allowed_signers, now=at, namespace=NAMESPACE):
        raise EvidenceError(f"{principal} wrote the review, so the signature does not count; have somebody else sign it")


def _policy_beside(path: str, record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    beside = os.path.join(os.path.dirname(path), POLICY)
    data = read_bytes(beside)
    if digest(data) != record["policy"]["digest"]:
        raise EvidenceError(f"{beside} is not the policy that was reviewed ({record['policy']['digest']}); put it back from a copy")
    try:
        document = json.loads(data)
        load_policy(document)
    except PolicyError as error:
        raise EvidenceError(f"{beside} is not valid for this version of the collection: {error.message}") from error
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{beside} is no JSON ({error}), so no policy was reviewed; review it again") from error
    return t.cast("dict[str, t.Any]", document)
