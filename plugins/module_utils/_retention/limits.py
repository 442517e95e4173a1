# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: on by default, and they stop the run, they never shorten it."""

from __future__ import annotations

import dataclasses
import fractions
import re
import typing as t

from .._document import Node
from .._recordings.calendar import rfc3339
from .._recordings.periods import positive_period

__all__ = ["LimitState", "Limits", "check_limits", "limits_from_node", "parse_bytes", "people_bytes", "skew_problem"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_PERIOD_LIMITS = ("clock_skew", "clock_witness")


@dataclasses.dataclass(frozen=True)
class Limits:
    """C(share) of each class's sets on a host; C(sets) and C(bytes) per host and run; C(due_rate) times the most of earlier runs;
    C(clock_skew) in seconds between controller and host; C(clock_witness) in seconds since the newest recording."""

    share: str = "10%"
    sets: int = 200_000
    bytes: int = 2 * 2**40
    due_rate: int = 5
    clock_skew: int = 120
    clock_witness: int = 31 * 86400


class LimitState(t.NamedTuple):
    """A limit and what it was measured against, as people read it."""

    name: str
    scope: str
    limit: str
    actual: str
    ok: bool
    sentence: str

    def row(self) -> dict[str, t.Any]:
        return {"name": self.name, "scope": self.scope, "limit": self.limit, "actual": self.actual, "ok": self.ok}


def _share(value: t.Any) -> str:
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,3}))?%", value) if isinstance(value, str) else None
    if match is None or not 0 < fractions.Fraction(value[:-1]) <= 100:
        raise ValueError("is not a share such as 10% (more than 0%, at most 100%)")
    return str(value)


def parse_bytes(value: t.Any) -> int:
    """Bytes from a size such as 2TiB or 500GB.

    :raises ValueError: it is none, or 0.
    """
    match = re.fullmatch(r"(\d{1,15})\s*([A-Za-z]*)", str(value)) if not isinstance(value, (bool, float)) else None
    if match is None or match[2].upper() not in _UNITS or not int(match[1]):
        raise ValueError("is not a size such as 2TiB or 500GB")
    return int(match[1]) * _UNITS[match[2].upper()]


def _seconds(value: t.Any) -> int:
    period = positive_period(value)
    if period.months:
        raise ValueError("is not a period of days, hours, minutes and seconds")
    return period.days * 86400 + period.seconds


def limits_from_node(node: Node | None, *, only: t.Sequence[str] = ()) -> Limits:
    """Read C(limits); a key that is left out keeps its default, none can be switched off."""
    names = only or [field.name for field in dataclasses.fields(Limits)]
    given: dict[str, t.Any] = {}
    for name, item in node.mapping(optional=names).items() if node else ():
        if name == "share":
            given[name] = item.parsed(_share, "0%")
        elif name == "bytes":
            given[name] = item.parsed(parse_bytes, 1)
        elif name in _PERIOD_LIMITS:
            given[name] = item.parsed(_seconds, 1)
        else:
            given[name] = item.integer(minimum=1)
    return Limits(**given)


def people_bytes(count: int) -> str:
    """Bytes in people's units."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def _share_state(scope: str, due: int, total: int, limit: str) -> LimitState:
    part = fractions.Fraction(due * 100, total) if total else fractions.Fraction(0)
    actual = f"{float(part):.1f}%"
    sentence = (
        f"{due} of {total} sets of {scope} are due, {actual}, more than the limit share {limit}; "
        "have the plan looked at, and raise limits.share (of the policy or of the class) if it is right"
    )
    return LimitState("share", scope, limit, actual, part <= fractions.Fraction(limit[:-1]), sentence)


def check_limits(
    limits: Limits,
    *,
    totals: tuple[int, int],
    classes: t.Mapping[str, tuple[int, int, str | None]],
    newest: t.Mapping[str, int | None],
    history: t.Sequence[int],
    now: int,
) -> list[LimitState]:
    """Every limit with its state.

    :arg totals: sets due and bytes due on the host.
    :arg classes: by class its sets, its due sets and its own share or none.
    :arg newest: by source the newest change of any recording, seconds since 1970.
    :arg history: due sets of earlier runs, oldest first.
    """
    due, size = totals
    states = [
        _share_state(f"class:{name}", class_due, members, own or limits.share)
        for name, (members, class_due, own) in classes.items()
        if class_due
    ]
    states.append(
        LimitState(
            "sets", "host", str(limits.sets), str(due), due <= limits.sets, f"{due} sets are due, more than the limit sets {limits.sets}"
        )
    )
    states.append(
        LimitState(
            "bytes",
            "host",
            people_bytes(limits.bytes),
            people_bytes(size),
            size <= limits.bytes,
            f"{people_bytes(size)} are due, more than the limit bytes {people_bytes(limits.bytes)}",
        )
    )
    if len(history) >= 3:
        most = max(history[-10:])
        allowed = max(most, 1) * limits.due_rate
        states.append(
            LimitState(
                "due_rate",
                "host",
                f"{limits.due_rate} x {most}",
                str(due),
                due <= allowed,
                f"{due} sets are due, but the last runs had {most} at most: more than {limits.due_rate} times as many; "
                "look for a clock or policy that jumped, and raise limits.due_rate if it is right",
            )
        )
    states.extend(_witness(limits, source, moment, now) for source, moment in newest.items() if due and moment is not None)
    return states


def _witness(limits: Limits, source: str, newest: int, now: int) -> LimitState:
    days = limits.clock_witness // 86400
    return LimitState(
        "clock_witness",
        f"source:{source}",
        f"{days} days",
        f"{max(now - newest, 0) // 86400} days",
        now - newest <= limits.clock_witness,
        f"the newest recording of source {source} is of {rfc3339(newest)}, "
        f"more than {days} days before this host's clock ({rfc3339(now)}); "
        "check the clock, or raise limits.clock_witness for an archive that no longer grows",
    )


def skew_problem(limits: Limits, *, now: int, controller_now: int | None) -> str | None:
    """Why the host's clock is not to be believed; none where it is."""
    if controller_now is None or abs(now - controller_now) <= limits.clock_skew:
        return None
    return (
        f"this host's clock ({rfc3339(now)}) and the controller's ({rfc3339(controller_now)}) are {abs(now - controller_now)} seconds "
        f"apart, more than the limit clock_skew of {limits.clock_skew}; set the clocks and run again"
    )
