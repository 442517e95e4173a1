# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed from one policy to another, and which of it may destroy something that the former would still have kept.

What cannot be told to keep at least as long counts as sooner.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .._evidence.canonical import canonical
from .._recordings.periods import ROUNDINGS, Period, parse_period
from .._standards.schemes import DEFAULT_SCHEME

__all__ = ["Change", "keeps_as_long", "policy_changes"]

_DAY = 86400
# The fewest and the most days that so many months of a year may have.
_LEAST = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
_MOST = (0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337)
_ABOUT = ("id", "version", "owner", "review_by", "identifiers", "limits", "review")
# Of a class or floor: what it matches and from when it counts, which no comparison of periods sees.
_SCOPE = ("match", "where")
_DATES = ("layout", "custom", "metadata", "time_zone")
_NOTHING = "nothing"

Document = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Change:
    """One difference.

    :ivar subject: C(policy), or a part of it such as C(class service-calls).
    :ivar what: C(added), C(removed), or the key that differs.
    :ivar before: what stood there, as text; C(after) what stands there now.
    :ivar sooner: recordings may be destroyed that the former policy keeps, or keeps longer.
    """

    subject: str
    what: str
    before: str
    after: str
    sooner: bool

    def row(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def sentence(self) -> str:
        """The change in words, without what was before it decided upon."""
        if self.what == "added":
            return f"the {self.subject} is new ({self.after})"
        if self.what == "removed":
            return f"the {self.subject} is gone ({self.before})"
        return f"the {self.subject} has {self.what} {self.after}, and had {self.before}"


def keeps_as_long(now: Period, before: Period) -> bool:
    """Whether one period ends no sooner than the other, from whatever moment both start."""
    if now.months >= before.months and now.days >= before.days and now.seconds >= before.seconds:
        return True
    # Days that clocks change on are not of 24 hours: a day's grace where calendar and elapsed time are held against each other.
    margin = _DAY if now.seconds != before.seconds else 0
    return _seconds(now, _LEAST, 365) >= _seconds(before, _MOST, 366) + margin


def _seconds(period: Period, months: t.Sequence[int], year: int) -> int:
    years, rest = divmod(period.months, 12)
    return (years * year + months[rest] + period.days) * _DAY + period.seconds


def policy_changes(before: Document, after: Document) -> list[Change]:
    """Every difference between two valid policies in their plain form."""
    return [
        *(_plain("policy", key, before, after, sooner=False) for key in _ABOUT if before.get(key) != after.get(key)),
        *_zone(before, after),
        *_sources(before, after),
        *_classes(before, after),
        *_floors(before, after),
    ]


def _plain(subject: str, key: str, before: Document, after: Document, *, sooner: bool) -> Change:
    return Change(subject, key, _text(before.get(key)), _text(after.get(key)), sooner)


def _text(value: t.Any) -> str:
    if value is None:
        return _NOTHING
    return value if isinstance(value, str) else canonical(value).decode("utf-8", "replace")


def _named(document: Document, key: str) -> dict[str, Document]:
    """The elements of a list by name; what has none, or one that another has, by its place."""
    found: dict[str, Document] = {}
    for index, item in enumerate(document.get(key) or []):
        name = str(item.get("name", index))
        found[name if name not in found else f"{name} ({index})"] = item
    return found


def _zone(before: Document, after: Document) -> t.Iterator[Change]:
    if before["time_zone"] != after["time_zone"]:
        yield _plain("policy", "time_zone", before, after, sooner=True)


def _sources(before: Document, after: Document) -> t.Iterator[Change]:
    former, latter = _named(before, "sources"), _named(after, "sources")
    for name, item in latter.items():
        old = former.get(name)
        if old is None:
            yield Change(f"source {name}", "added", _NOTHING, f"roots {', '.join(item['roots'])}", True)
            continue
        more = [root for root in item["roots"] if root not in old["roots"]]
        if item["roots"] != old["roots"]:
            yield Change(f"source {name}", "roots", ", ".join(old["roots"]), ", ".join(item["roots"]), bool(more))
        for key in (*_DATES, "sentinel", "review"):
            if item.get(key) != old.get(key):
                yield _plain(f"source {name}", key, old, item, sooner=key in _DATES)
    for name, item in former.items():
        if name not in latter:
            yield Change(f"source {name}", "removed", f"roots {', '.join(item['roots'])}", _NOTHING, False)


def _classes(before: Document, after: Document) -> t.Iterator[Change]:
    former, latter = _named(before, "classes"), _named(after, "classes")
    methods = [{name: _method(item, whole) for name, item in _named(whole, "classes").items()} for whole in (before, after)]
    for name, item in latter.items():
        if name not in former:
            yield Change(f"class {name}", "added", _NOTHING, f"keep {item['keep']}", True)
        else:
            both = [other for other in latter if other in former and other != name and not _never_both(latter[other], item)]
            # Sets that match both were in conflict, and kept for that.
            settled = any(
                methods[0][other] != methods[0][name] and methods[1][other] == methods[1][name] and not _apart(latter[other], item)
                for other in both
            )
            yield from _class(f"class {name}", former[name], item, methods=(methods[0][name], methods[1][name]), settled=settled)
    for name, item in former.items():
        if name not in latter:
            # Sets that several classes match are kept by the longest of them, or for the conflict between them.
            shorter = any(
                not _start_as_late(other, item)
                or not _longer(other, item, "keep")
                or (methods[1][key] != methods[0][name] and not _never_both(other, item) and not _apart(other, item))
                for key, other in latter.items()
            )
            yield Change(f"class {name}", "removed", f"keep {item['keep']}", _NOTHING, shorter)


def _method(item: Document, whole: Document) -> dict[str, t.Any]:
    """How a class destroys, with what it takes from the policy."""
    own = {"scheme": DEFAULT_SCHEME, **item["disposal"]}
    own.setdefault("quarantine", whole.get("quarantine"))
    return own


def _never_both(one: Document, other: Document) -> bool:
    """Whether no set can match both classes, since they name other sources."""
    sources = [(item.get("match") or {}).get("source") for item in (one, other)]
    first, second = ({value} if isinstance(value, str) else set(value) if isinstance(value, list) else None for value in sources)
    return first is not None and second is not None and not first & second


def _apart(one: Document, other: Document) -> bool:
    """Whether the periods of two classes cannot end at one moment for the same set."""
    if one["start"].get("event") != other["start"].get("event"):
        return False
    for longer, shorter in ((one, other), (other, one)):
        periods = parse_period(longer["keep"]), parse_period(shorter["keep"])
        if _start_as_late(longer, shorter) and _seconds(periods[0], _LEAST, 365) > _seconds(periods[1], _MOST, 366) + _DAY:
            return True
    return False


def _class(
    subject: str, old: Document, new: Document, *, methods: tuple[dict[str, t.Any], dict[str, t.Any]], settled: bool
) -> t.Iterator[Change]:
    if new["keep"] != old["keep"]:
        yield _plain(subject, "keep", old, new, sooner=not _longer(new, old, "keep"))
    if new["start"] != old["start"]:
        yield _plain(subject, "start", old, new, sooner=not _start_as_late(new, old))
    for key in _SCOPE:
        if new.get(key) != old.get(key):
            yield _plain(subject, key, old, new, sooner=True)
    first, second = (method["quarantine"] for method in methods)
    if first != second:
        shorter = first is not None and (second is None or not keeps_as_long(parse_period(second), parse_period(first)))
        yield Change(subject, "quarantine", _text(first), _text(second), shorter or settled)
    written = [{key: value for key, value in item["disposal"].items() if key != "quarantine"} for item in (old, new)]
    if written[0] != written[1]:
        yield Change(subject, "disposal", _text(written[0]), _text(written[1]), settled)
    for key in ("destroy_within", "legal_basis", "limits", "encryption", "examples", "review"):
        if new.get(key) != old.get(key):
            yield _plain(subject, key, old, new, sooner=False)


def _floors(before: Document, after: Document) -> t.Iterator[Change]:
    former, latter = _named(before, "floors"), _named(after, "floors")
    for name in [name for name in former if former[name] == latter.get(name)]:
        del former[name], latter[name]
    # A floor without a name is the same one in another place, and one with another name protects the same.
    for name, item in list(former.items()):
        twin = next((other for other in latter if _nameless(latter[other]) == _nameless(item)), None)
        if twin is not None:
            if item.get("name") != latter[twin].get("name"):
                yield _plain(f"floor {name}", "name", item, latter[twin], sooner=False)
            del former[name], latter[twin]
    for name in itertools.chain(former, (name for name in latter if name not in former)):
        old, new, subject = former.get(name), latter.get(name), f"floor {name}"
        if old is None or new is None:
            what = "added" if old is None else "removed"
            texts = [_NOTHING if item is None else f"keep_at_least {item['keep_at_least']}" for item in (old, new)]
            yield Change(subject, what, texts[0], texts[1], new is None)
        else:
            yield from _floor(subject, old, new)


def _nameless(floor: Document) -> dict[str, t.Any]:
    return {key: value for key, value in floor.items() if key != "name"}


def _floor(subject: str, old: Document, new: Document) -> t.Iterator[Change]:
    if new["keep_at_least"] != old["keep_at_least"]:
        yield _plain(subject, "keep_at_least", old, new, sooner=not _longer(new, old, "keep_at_least"))
    for key in (*_SCOPE, "start"):
        if new.get(key) != old.get(key):
            yield _plain(subject, key, old, new, sooner=key != "start" or not _start_as_late(new, old))
    for key in ("legal_basis", "review"):
        if new.get(key) != old.get(key):
            yield _plain(subject, key, old, new, sooner=False)


def _longer(new: Document, old: Document, key: str) -> bool:
    return keeps_as_long(parse_period(new[key]), parse_period(old[key]))


def _start_as_late(new: Document, old: Document) -> bool:
    """Whether a period starts from the same event, rounded up at least as far."""
    first, second = (item.get("start") or {"event": "recording_start"} for item in (old, new))
    rounded = [ROUNDINGS.index(start.get("round", "none")) for start in (first, second)]
    return bool(first["event"] == second["event"] and rounded[1] >= rounded[0])
