# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a recording set: pure, from its fields, the rules and the time."""

from __future__ import annotations

import operator
import typing as t

from .._recordings.calendar import Calendar, calendar_for, parse_instant
from .._recordings.periods import Period, parse_period, round_up
from .._recordings.sets import RecordingSet
from .holds import ErasureRequest, Hold
from .policy import Floor, Method, Policy, RetentionClass, Start

__all__ = ["Decision", "Rules"]


class Decision:
    """What is concluded about a set; instants are seconds since 1970 UTC."""

    __slots__ = ("destroy_by", "keep_until", "reasons", "retention_class", "rule", "start", "verdict")

    def __init__(
        self,
        verdict: str,
        reasons: list[str],
        retention_class: RetentionClass | None = None,
        rule: str | None = None,
        start: int | None = None,
        keep_until: int | None = None,
        destroy_by: int | None = None,
    ) -> None:
        self.verdict = verdict
        self.reasons = reasons
        self.retention_class = retention_class
        self.rule = rule
        self.start = start
        self.keep_until = keep_until
        self.destroy_by = destroy_by

    @property
    def method(self) -> Method | None:
        return self.retention_class.method if self.retention_class else None


Term = tuple[int, int, int, RetentionClass]


class _Unknown(Exception):
    """Why a set cannot be classified."""


class Rules:
    """Everything that decides: the policy, the active holds and the erasure requests, at one point in time.

    :arg now: seconds since 1970 UTC.
    """

    def __init__(self, policy: Policy, holds: t.Iterable[Hold], requests: t.Iterable[ErasureRequest], *, now: int) -> None:
        self.policy = policy
        self.now = now
        self.calendar: Calendar = calendar_for(policy.time_zone)
        self.holds = tuple(hold for hold in holds if hold.active(now))
        self.requests = tuple(request for request in requests if request.received <= now)
        self.computed_fields = self._named_fields()
        self._days: dict[str, dict[int, tuple[int, int]]] = {}

    def use_holds(self, holds: t.Iterable[Hold]) -> None:
        """Take other holds from now on."""
        self.holds = tuple(hold for hold in holds if hold.active(self.now))
        self.computed_fields = self._named_fields()

    def _named_fields(self) -> tuple[str, ...]:
        rules: list[RetentionClass | Floor | Hold | ErasureRequest] = [
            *self.policy.classes,
            *self.policy.floors,
            *self.holds,
            *self.requests,
        ]
        return tuple(sorted({name for rule in rules for name in rule.condition.computed}))

    def held(self, fields: t.Mapping[str, t.Any], metadata: t.Mapping[str, t.Any]) -> list[str]:
        """The holds on a set, each as a reason."""
        reasons = []
        for hold in self.holds:
            value, unknown = hold.condition.holds(fields, metadata)
            if value is not False:
                reasons.append(f"hold:{hold.id}" if value else f"hold:{hold.id} cannot be excluded, {unknown}")
        return reasons

    def decide(self, recording_set: RecordingSet, fields: t.Mapping[str, t.Any], in_progress: str | None) -> Decision:
        """The verdict; anything not known keeps the set."""
        if in_progress is not None:
            return Decision("in_progress", [in_progress], start=recording_set.start)
        if recording_set.faults:
            return Decision("unclassified", list(dict.fromkeys(recording_set.faults)), start=recording_set.start)
        holds = self.held(fields, recording_set.metadata) if self.holds else None
        if holds:
            return Decision("held", holds, start=recording_set.start)
        try:
            return self._classified(recording_set, fields)
        except _Unknown as error:
            return Decision("unclassified", [str(error)], start=recording_set.start)
        except (ValueError, OverflowError) as error:
            return Decision("unclassified", [f"date: {error}"], start=recording_set.start)

    def _classified(self, recording_set: RecordingSet, fields: t.Mapping[str, t.Any]) -> Decision:
        terms: list[Term] = []
        for retention_class in self.policy.classes:
            value, unknown = retention_class.condition.holds(fields, recording_set.metadata)
            if value is None:
                raise _Unknown(f"{retention_class.rule}: {unknown}")
            if value:
                start = recording_set.start if retention_class.start.event == "recording_start" else None
                if start is None:
                    start = self._event(recording_set, retention_class.start, retention_class.rule)
                terms.append((*self._term(retention_class, start), start, retention_class))
        if not terms:
            raise _Unknown("no class matches")
        keep_until, destroy_by, start, retention_class = max(terms, key=operator.itemgetter(0)) if len(terms) > 1 else terms[0]
        decision = Decision("due", [], retention_class, retention_class.rule, start, keep_until, destroy_by)
        if len(terms) > 1:
            self._find_conflict(decision, terms)
        request = self._requested(recording_set, fields) if self.requests else None
        if request is not None:
            decision.rule = f"request:{request.id}"
            # A request shortens a period, it gives no time to a set that is due already.
            decision.keep_until, decision.destroy_by = min(request.received, keep_until), min(request.due, destroy_by)
        if self.policy.floors:
            self._raise_to_floors(decision, recording_set, fields)
        if decision.verdict == "due" and self.now < t.cast(int, decision.keep_until):
            decision.verdict = "retained"
        return decision

    def _event(self, recording_set: RecordingSet, start: Start, rule: str) -> int:
        if start.event == "recording_start":
            moment = recording_set.start
        elif start.event == "call_end":
            moment = recording_set.end
        elif start.event == "modified":
            moment = -(-max(member.mtime_ns for member in recording_set.members) // 1_000_000_000)
        else:
            value: t.Any = {"metadata": recording_set.metadata}
            for part in start.event.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            moment = None if value is None else parse_instant(value, self.calendar, day_ends=True)
        if moment is None:
            raise _Unknown(f"{rule}: {start.event} is not known")
        return moment

    def _term(self, retention_class: RetentionClass, start: int) -> tuple[int, int]:
        """Keep until, destroy by; whole days are memoised, since many sets share them."""
        rounded = retention_class.start.rounding != "none"
        if retention_class.keep.seconds or retention_class.within.seconds:
            keep_until = self._after(start, retention_class.keep, retention_class.start.rounding)
            return keep_until, retention_class.within.after(keep_until, self.calendar)
        days = self._days.setdefault(retention_class.name, {})
        day, second = self.calendar.local(start)
        if rounded:
            second = 0
        try:
            keep_day, destroy_day = days[day]
        except KeyError:
            keep_day = retention_class.keep.day_after(round_up(day, retention_class.start.rounding) if rounded else day)
            destroy_day = retention_class.within.day_after(keep_day)
            days[day] = keep_day, destroy_day
        return self.calendar.epoch(keep_day, second), self.calendar.epoch(destroy_day, second)

    def _after(self, start: int, period: Period, rounding: str) -> int:
        """The end of a period that starts at a rounded instant."""
        if rounding != "none":
            start = self.calendar.epoch(round_up(self.calendar.local(start)[0], rounding), 0)
        return period.after(start, self.calendar)

    def _requested(self, recording_set: RecordingSet, fields: t.Mapping[str, t.Any]) -> ErasureRequest | None:
        start = t.cast(int, recording_set.start)
        return next(
            (item for item in self.requests if start <= item.covers and item.condition.holds(fields, recording_set.metadata)[0]),
            None,
        )

    def _find_conflict(self, decision: Decision, terms: list[Term]) -> None:
        """Classes of which none is the later one, and which ask for different methods."""
        winner = t.cast(RetentionClass, decision.retention_class)
        for keep_until, _destroy_by, _start, other in terms:
            if other is not winner and keep_until == decision.keep_until and other.method != winner.method:
                decision.reasons.append(f"class:{winner.name} and class:{other.name} ask for different methods")
        if decision.reasons:
            decision.verdict = "conflict"

    def _raise_to_floors(self, decision: Decision, recording_set: RecordingSet, fields: t.Mapping[str, t.Any]) -> None:
        for floor in self.policy.floors:
            value, unknown = floor.condition.holds(fields, recording_set.metadata)
            if value is None:
                raise _Unknown(f"floor:{floor.name}: {unknown}")
            if not value:
                continue
            until = self.floor_until(floor, recording_set)
            if until > t.cast(int, decision.keep_until):
                decision.keep_until = until
                decision.destroy_by = max(t.cast(int, decision.destroy_by), until)
                decision.reasons.append(f"floor:{floor.name}")

    def quarantined_until(self, method: Method, entered: int) -> int:
        """Until when a set that was moved aside at C(entered) can be restored."""
        return entered if method.quarantine is None else parse_period(method.quarantine).after(entered, self.calendar)

    def floor_until(self, floor: Floor, recording_set: RecordingSet) -> int:
        """Until when a floor keeps a set that it matches."""
        return self._after(self._event(recording_set, floor.start, f"floor:{floor.name}"), floor.keep, floor.start.rounding)
