# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a manifest is approved: n of m people, each with a key of their own, none of them its author, and not expired.

Judged alike on the controller before a run and on every host at its start.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import typing as t

from .._errors import EvidenceError, RefusedError
from .canonical import canonical, digest
from .clock import parse_time, time_text
from .sshsig import Verified, shared_lines, verify
from .training import Trainings

__all__ = [
    "CLOCK_TOLERANCE",
    "FORMAT",
    "MEDIA_FORMAT",
    "NAMESPACE",
    "Approval",
    "ApprovalState",
    "check_approvals",
    "is_also",
    "manifest_digest",
    "read_manifest",
    "require_approval",
]

FORMAT = "recordings.disposal/manifest/1"
# Of a plan of media that leave service.
MEDIA_FORMAT = "recordings.disposal/media-manifest/1"
NAMESPACE = "plan@recordings.disposal"
MOST_SIGNATURES = 64
CLOCK_TOLERANCE = dt.timedelta(minutes=5)

_TEXTS = ("plan_id", "created", "expires", "author", "collection")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Approval:
    """A signature that counts.

    :ivar key: the fingerprint.
    :ivar training: the records by which the signer is trained; none where nobody looked.
    """

    principal: str
    key: str
    namespace: str = NAMESPACE
    training: list[dict[str, str]] | None = None

    def as_dict(self) -> dict[str, t.Any]:
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def told(self) -> dict[str, t.Any]:
        """What a journal keeps of it."""
        return {name: value for name, value in self.as_dict().items() if name != "namespace"}


@dataclasses.dataclass(frozen=True)
class ApprovalState:
    """The state of a manifest's approval.

    :ivar approved: enough approvals count, and the manifest is valid now.
    :ivar required: how many are needed, the stricter of manifest and caller.
    :ivar approvals: those that count, by principal.
    :ivar problems: one sentence for each signature that does not count, and for a manifest that is not valid now.
    :ivar missing: how many more are needed.
    """

    approved: bool
    required: int
    approvals: list[Approval]
    problems: list[str]
    missing: int

    def as_dict(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "approvals": [approval.as_dict() for approval in self.approvals]}

    def sentence(self) -> str:
        """What is missing, in one sentence."""
        people = ", ".join(approval.principal for approval in self.approvals)
        count = len(self.approvals)
        needed = f"{self.required} approval{'' if self.required == 1 else 's'} needed"
        counted = f"{count} count{'s' if count == 1 else ''} ({people})" if count else "none counts"
        return "; ".join([f"{needed}, {counted}", *self.problems])


def manifest_digest(manifest_bytes: bytes) -> str:
    """The digest that journals and statements name: of the file as it is, its last newline included."""
    return digest(manifest_bytes)


def read_manifest(manifest_bytes: bytes, *, formats: t.Sequence[str] = (FORMAT, MEDIA_FORMAT)) -> dict[str, t.Any]:
    """The manifest, whose bytes must be canonical JSON and a newline.

    :arg formats: those that the caller can carry out, or judge.
    :raises EvidenceError: it is not, or lacks what every manifest has.
    """
    try:
        manifest = json.loads(manifest_bytes)
        same = canonical(manifest) + b"\n" == manifest_bytes
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"the manifest cannot be read ({error}); make a new plan") from error
    if not isinstance(manifest, dict) or not same:
        raise EvidenceError("the manifest is not canonical JSON and a newline, as the plan wrote it; use the file itself, no edited copy")
    form = manifest.get("format")
    if form not in formats:
        raise EvidenceError(
            f"the manifest has the format {form!r}, not {' or '.join(formats)}; "
            "use what carries out such plans, in the version of the collection that made it"
        )
    faults = [name for name in _TEXTS if not isinstance(manifest.get(name), str) or not manifest[name].strip()]
    needed = manifest.get("approvals_required")
    if isinstance(needed, bool) or not isinstance(needed, int) or needed < 0:
        faults.append("approvals_required")
    policy = manifest.get("policy")
    if not isinstance(policy, dict) or not _DIGEST.fullmatch(str(policy.get("digest"))):
        faults.append("policy")
    hosts = manifest.get("hosts")
    if not isinstance(hosts, dict) or not all(isinstance(host, dict) and isinstance(host.get("plan"), dict) for host in hosts.values()):
        faults.append("hosts")
    if faults:
        raise EvidenceError(f"the manifest lacks or spoils {', '.join(faults)}; make a new plan")
    for name in ("created", "expires"):
        try:
            parse_time(manifest[name])
        except ValueError as error:
            raise EvidenceError(f"the manifest's {name} cannot be read ({error}); make a new plan") from error
    return manifest


def _not_now(manifest: t.Mapping[str, t.Any], now: dt.datetime) -> list[str]:
    if now >= parse_time(manifest["expires"]):
        return [f"the plan expired on {manifest['expires']} and it is {time_text(now)}; make a new plan and have it signed"]
    if now < parse_time(manifest["created"]) - CLOCK_TOLERANCE:
        return [f"the plan was made on {manifest['created']} and the clock here says {time_text(now)}; set the clock right"]
    return []


class _People:
    """Groups of principals and keys that belong together: whoever shares a key, or has several, is one person."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        parent = self._parent.setdefault(name, name)
        while parent != name:
            name, parent = parent, self._parent[parent]
        return name

    def join(self, one: str, other: str) -> None:
        self._parent[self.find(one)] = self.find(other)


def _person(principal: str) -> str:
    return "principal " + principal.casefold()


def is_also(data: bytes, signature: bytes, principal: str, *, allowed_signers: str, now: dt.datetime, namespace: str = NAMESPACE) -> bool:
    """Whether C(allowed_signers) lists the signature's key for C(principal) too, valid or not."""
    try:
        verify(data, signature, allowed_signers=allowed_signers, principal=principal, namespace=namespace, at=now)
    except EvidenceError as error:
        return error.details.get("fault") in ("expired", "not_yet_valid", "key_namespace")
    return True


def _entry(item: object) -> tuple[str, bytes]:
    if not isinstance(item, dict) or not isinstance(item.get("principal"), str) or not isinstance(item.get("signature"), str):
        raise EvidenceError("a signature is not a mapping with the texts principal and signature; hand on what approval_info returned")
    return item["principal"], item["signature"].encode("utf-8", "surrogateescape")


def check_approvals(
    manifest_bytes: bytes,
    signatures: t.Sequence[t.Mapping[str, str]],
    *,
    allowed_signers: str,
    required: int,
    now: int,
    expiry: bool = True,
    trainings: Trainings | None = None,
) -> ApprovalState:
    """Judge the signatures of a manifest; C(allowed_signers) is the file's text, C(required) cannot lower what the manifest asks for.

    Two signatures count as two only if neither their principals nor their keys are the same; the author's name or key never counts.
    None counts while a line of C(allowed_signers) lets one key sign as several people.
    C(now) is in seconds since 1970 UTC: keys and the manifest must be valid then. A caller that judges the manifest's own dates itself,
    such as one that finishes an interrupted run, turns C(expiry) off; keys are judged all the same.
    With C(trainings) only those count who were trained as approvers when the manifest was made, which no signature over it can be before, and are now.

    :raises EvidenceError: the manifest is none, or C(ssh-keygen) cannot be used.
    """
    manifest = read_manifest(manifest_bytes)
    needed = max(required, manifest["approvals_required"])
    moment = dt.datetime.fromtimestamp(now, dt.timezone.utc)
    problems = _not_now(manifest, moment) if expiry else []
    valid = not problems
    if len(signatures) > MOST_SIGNATURES:
        raise EvidenceError(f"{len(signatures)} signatures are more than {MOST_SIGNATURES}; leave only those that are meant")
    shared = shared_lines(allowed_signers)
    if shared:
        return ApprovalState(valid and not needed, needed, [], problems + shared, needed)
    author = manifest["author"]
    people = _People()
    good: list[Verified] = []
    trained: dict[Verified, list[dict[str, str]]] = {}
    for principal, signature in sorted(map(_entry, signatures)):
        try:
            found = verify(manifest_bytes, signature, allowed_signers=allowed_signers, principal=principal, namespace=NAMESPACE, at=moment)
        except EvidenceError as error:
            if error.details.get("fault") == "no_tool":
                raise
            problems.append(error.message)
            continue
        people.join(_person(principal), "key " + found.fingerprint)
        if is_also(manifest_bytes, signature, author, allowed_signers=allowed_signers, now=moment):
            people.join(_person(author), "key " + found.fingerprint)
        try:
            if trainings is not None:
                when = (parse_time(manifest["created"]), moment)
                trained[found] = trainings.counted(principal, ("approver",), when, key=found.fingerprint)
            good.append(found)
        except RefusedError as error:
            problems.append(error.message)
    counted, more = _count(good, people, author)
    approvals = [dataclasses.replace(each, training=trained.get(Verified(each.principal, each.key))) for each in counted]
    missing = max(0, needed - len(approvals))
    return ApprovalState(valid and not missing, needed, approvals, problems + more, missing)


def _count(good: t.Sequence[Verified], people: _People, author: str) -> tuple[list[Approval], list[str]]:
    """One approval for each person but the author, and a sentence for each that does not count."""
    approvals: list[Approval] = []
    problems: list[str] = []
    counted: dict[str, str] = {}
    for found in good:
        person = people.find(_person(found.principal))
        if found.principal.casefold() == author.casefold():
            problems.append(f"{found.principal} is the plan's author, who does not count")
        elif person == people.find(_person(author)):
            same = f"the key {found.fingerprint} is also that of the plan's author {author}"
            problems.append(f"{found.principal}: {same}, so it does not count")
        elif person not in counted:
            counted[person] = found.principal
            approvals.append(Approval(found.principal, found.fingerprint))
        elif counted[person].casefold() == found.principal.casefold():
            problems.append(f"{found.principal} signed more than once, which counts once")
        else:
            problems.append(f"{found.principal} signed with a key that {counted[person]} uses too, which counts once")
    return approvals, problems


def require_approval(
    manifest_bytes: bytes,
    signatures: t.Sequence[t.Mapping[str, str]],
    *,
    allowed_signers: str,
    required: int,
    now: int,
    expiry: bool = True,
    trainings: Trainings | None = None,
) -> list[Approval]:
    """The approvals of an approved manifest.

    :raises RefusedError: it is not approved; the sentence says what is missing, C(details["approval"]) holds the state.
    :raises EvidenceError: as C(check_approvals).
    """
    state = check_approvals(
        manifest_bytes, signatures, allowed_signers=allowed_signers, required=required, now=now, expiry=expiry, trainings=trainings
    )
    if not state.approved:
        raise RefusedError(f"the plan is not approved, nothing was done: {state.sentence()}", details={"approval": state.as_dict()})
    return state.approvals
