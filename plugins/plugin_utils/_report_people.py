# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training and review in figures: how many people may do what, and how policies stand to their last review. Nobody is named."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._evidence.clock import parse_time
from ..module_utils._evidence.training import ROLES, Trainings
from ._review_record import SEVERITIES
from ._review_signed import Signers, last_sign_off

__all__ = ["Reviews", "policy_facts", "training_facts"]

_SOON = dt.timedelta(days=30)


@dataclasses.dataclass(frozen=True)
class Reviews:
    """Where reviews lie, and whose signatures over them count."""

    directory: str
    signers: Signers


def training_facts(trainings: Trainings, now: dt.datetime) -> dict[str, t.Any]:
    """By role, how many persons a record counts for today, of how many it ends soon, ended, or does not count.

    :raises EvidenceError: C(ssh-keygen) cannot be used.
    """
    roles: list[dict[str, t.Any]] = []
    soon: list[dict[str, str]] = []
    for role in ROLES:
        row: dict[str, t.Any] = {"role": role, "valid": 0, "expiring": 0, "expired": 0, "not_counted": 0, "until": None}
        for person in sorted({record.principal for record in trainings.records if record.role == role}):
            try:
                (record,) = trainings.counted(person, [role], [now])
            except RefusedError:
                row["expired" if _ended(trainings, person, role, now) else "not_counted"] += 1
                continue
            until = parse_time(record["until"])
            row["valid"] += 1
            row["until"] = max(row["until"] or record["until"], record["until"], key=parse_time)
            if until - now <= _SOON:
                row["expiring"] += 1
                soon.append({**record, "role": role})
        roles.append(row)
    soon.sort(key=lambda record: (parse_time(record["until"]), record["record"]))
    return {"roles": roles, "soon": soon, "unreadable": len(trainings.problems)}


def _ended(trainings: Trainings, person: str, role: str, now: dt.datetime) -> bool:
    """Whether a person has a good record whose time is over."""
    own = [record for record in trainings.records if (record.principal, record.role) == (person, role)]
    return any(parse_time(record.valid_until) <= now and not trainings.fault(record) for record in own)


def policy_facts(
    policies: t.Iterable[t.Mapping[str, t.Any]], reviews: Reviews | None, now: dt.datetime
) -> tuple[list[dict[str, t.Any]], list[str]]:
    """The policies, each with its last review where reviews were given, and a sentence for each review that does not count.

    :arg policies: of each host that planned, as manifests have them; those of most hosts come first.
    :raises RefusedError: the directory of reviews is missing.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for policy in policies:
        known = found.setdefault(policy["digest"], {**policy, "hosts": 0, "review": None})
        known["hosts"] += 1
    problems: list[str] = []
    for row in found.values():
        if reviews is not None:
            row["review"] = _last_review(row, reviews, now, problems)
        row["overdue"] = row["review_by"] < f"{now:%Y-%m-%d}"
    return sorted(found.values(), key=lambda row: (-row["hosts"], row["id"], row["digest"])), list(dict.fromkeys(problems))


def _last_review(row: dict[str, t.Any], reviews: Reviews, now: dt.datetime, problems: list[str]) -> dict[str, t.Any]:
    """The last review of a policy that is signed off, empty where none is; the earlier of the two dates counts for the next one."""
    signed, faults = last_sign_off(reviews.directory, row["id"], reviews.signers, now=now)
    problems.extend(faults)
    if signed is None:
        return {}
    row["review_by"] = min(row["review_by"], signed.review_by)
    severities = collections.Counter(finding["severity"] for finding in signed.record["findings"])
    return {
        "created": signed.record["created"],
        "digest": signed.digest,
        "signers": len(signed.signed_by),
        "findings": [(severity, severities[severity]) for severity in SEVERITIES if severities[severity]],
        "same": signed.policy_digest == row["digest"],
    }
