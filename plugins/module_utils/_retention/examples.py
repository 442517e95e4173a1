# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of a policy's rules, run as tests."""

from __future__ import annotations

import typing as t

from .._recordings.calendar import calendar_for, parse_instant
from .._recordings.fields import METADATA_FIELDS, typed
from .._recordings.sets import Member, RecordingSet
from .policy import Example, Policy, RetentionClass
from .verdict import Rules

__all__ = ["check_examples"]


def check_examples(policy: Policy) -> tuple[int, list[str]]:
    """How many examples there are, and a sentence for each that does not get its verdict."""
    failures = []
    count = 0
    for retention_class in policy.classes:
        for example in retention_class.examples:
            count += 1
            failure = _failure(policy, retention_class, example)
            if failure:
                failures.append(failure)
    return count, failures


def _failure(policy: Policy, retention_class: RetentionClass, example: Example) -> str | None:
    calendar = calendar_for(policy.time_zone)
    now = parse_instant(example.on, calendar)
    try:
        recording_set, fields = _recording(policy, example, now)
    except ValueError as error:
        return f"{example.path}.recording: {error}"
    decision = Rules(policy, (), (), now=now).decide(recording_set, fields, None)
    decided = decision.retention_class.name if decision.retention_class else None
    why = f" ({', '.join(decision.reasons)})" if decision.reasons else ""
    if decision.verdict != example.verdict:
        return (
            f"{example.path}: the verdict is {decision.verdict}{why}, the example says {example.verdict}; correct the rule or the example"
        )
    if decided is not None and decided != retention_class.name:
        return f"{example.path}: the class {decided} decides, not {retention_class.name}; correct the rule or move the example"
    return None


def _recording(policy: Policy, example: Example, now: int) -> tuple[RecordingSet, dict[str, t.Any]]:
    """A recording set as an example describes it; what it leaves out is not known.

    :raises ValueError: a field that rules cannot see.
    """
    calendar = calendar_for(policy.time_zone)
    given = dict(example.recording)
    metadata = given.pop("metadata", {})
    start = parse_instant(example.start, calendar)
    size = given.pop("size", 0)
    recording_set = RecordingSet("example", "", "example", [Member("example", "primary", 0, 0, size, start * 1_000_000_000, 1)], {})
    recording_set.metadata = metadata if isinstance(metadata, dict) else {}
    recording_set.start = start
    fields: dict[str, t.Any] = {"start_epoch": start, "size": size, "members": 1, "age_days": (now - start) // 86400}
    for name, value in given.items():
        if name in METADATA_FIELDS:
            fields[name] = typed(name, value)
        elif name in ("source", "layout", "name", "directory", "members"):
            fields[name] = value
        else:
            raise ValueError(f"{name} is not a field of a recording; allowed are metadata, size, {', '.join(sorted(METADATA_FIELDS))}")
    recording_set.end = start + int(fields.get("duration") or 0) if example.end is None else parse_instant(example.end, calendar)
    fields["end_epoch"] = recording_set.end
    return recording_set, fields
