# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recording servers report of all that is encrypted with one period's key, before that key is destroyed."""

from __future__ import annotations

import time
import typing as t

from .._errors import RefusedError
from .._evidence.clock import parse_time
from .preconditions import Precondition

__all__ = ["FORMAT", "Reports"]

FORMAT = "recordings.disposal/period-report/1"
# Longer ago a hold may have come that the report does not know, in seconds.
MAX_AGE = 3600
_COUNTS = ("sets", "kept", "plain", "undecided", "others", "unread", "bytes")
_MOST_SAMPLES = 64


class Reports:
    """One of each host.

    :arg given: as the hosts gave them.
    :arg hosts: that must have given one.
    """

    def __init__(self, given: t.Sequence[t.Mapping[str, t.Any]], hosts: t.Sequence[str]) -> None:
        self._given, self._hosts = list(given), list(hosts)
        for each in self._given:
            _checked(each)

    @property
    def sets(self) -> int:
        return sum(each["sets"] for each in self._given)

    @property
    def bytes(self) -> int:
        return sum(each["bytes"] for each in self._given)

    @property
    def samples(self) -> list[str]:
        """Headers of some of the files, in base64."""
        return [sample for each in self._given for sample in each["samples"]][:_MOST_SAMPLES]

    def rows(self) -> list[dict[str, t.Any]]:
        """As the journal keeps them: counts, no paths."""
        return [{name: each[name] for name in ("host", "time", *_COUNTS)} for each in self._given]

    def require(self, class_name: str, period: str, fingerprint: str) -> None:
        """:raises RefusedError: a host is missing, a report is another one's or too old, or something must be kept that goes with this key."""
        names = [each["host"] for each in self._given]
        missing = sorted(set(self._hosts) - set(names))
        if missing or not self._hosts:
            told = f"{', '.join(missing[:5])} did not report" if missing else "no host is named"
            raise RefusedError(
                f"the key of {class_name} {period} was not touched because {told}, so what is encrypted with it is not known; have every host report"
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise RefusedError(f"the host {twice} reported twice, so nothing was done; have each host report once")
        for each in self._given:
            if (each["class"], each["period"], each["recipient"]) != (class_name, period, fingerprint):
                raise RefusedError(
                    f"the report of {each['host']} is about {each['class']} {each['period']} ({each['recipient']}) and not about this key, "
                    "so nothing was done; have the host report about this one"
                )
            age = int(time.time()) - int(parse_time(each["time"]).timestamp())
            if not -300 <= age <= MAX_AGE:
                raise RefusedError(
                    f"the report of {each['host']} is {age} seconds old, and holds may have come since, so nothing was done; have it report again"
                )
            if each["kept"]:
                raise RefusedError(
                    f"{each['kept']} recordings on {each['host']} must be kept and go with the key of {class_name} {period}, so nothing was done; "
                    "have them re-wrapped to another key first"
                )
            if each["unread"]:
                raise RefusedError(
                    f"{each['unread']} files on {each['host']} could not be looked at and may have to be kept, so nothing was done; see to them"
                )

    def first_write(self) -> Precondition:
        """Whether anything of the period lies there in the clear still."""
        plain = [f"{each['plain']} recordings on {each['host']}" for each in self._given if each["plain"]]
        if plain:
            return Precondition("encrypted_from_first_write", "not_met", (f"{', '.join(plain)} lie there in the clear",))
        told = "every recording was written in the clear first, overwritten and read back after it was encrypted; what the medium keeps besides is not seen"
        undecided = [f"{each['undecided']} recordings on {each['host']}" for each in self._given if each["undecided"]]
        seen = f"no recording that is known to be of the class and period lies in the clear on {hosts_of(len(self._given))}"
        if undecided:
            seen = f"{', '.join(undecided)} lie there in the clear and may be of the class and period, which nothing decides"
        return Precondition("encrypted_from_first_write", "unknown", (seen, told))

    def no_other_key(self) -> Precondition:
        """Whether anybody but this key's holder could decrypt a recording."""
        others = [f"{each['others']} on {each['host']}" for each in self._given if each["others"]]
        if others:
            return Precondition("no_other_key", "not_met", (f"recordings that have another recipient besides: {', '.join(others)}",))
        told = f"each of {self.sets} recordings has one recipient, which is this key by its label; {len(self.samples)} of them were opened with it"
        return Precondition("no_other_key", "met", (told,))


def hosts_of(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _checked(report: t.Mapping[str, t.Any]) -> None:
    """:raises RefusedError: it is no report."""
    texts = all(isinstance(report.get(name), str) for name in ("format", "host", "class", "period", "recipient", "time"))
    counts = all(isinstance(report.get(name), int) and not isinstance(report[name], bool) and report[name] >= 0 for name in _COUNTS)
    samples = isinstance(report.get("samples"), list) and all(isinstance(each, str) for each in report["samples"])
    if not (texts and counts and samples) or report["format"] != FORMAT:
        raise RefusedError(
            "a report is not of the form that recording_period gives, so nothing was done; pass the hosts' results as they are"
        )
