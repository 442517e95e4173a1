# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate of a medium does not cover: sentences of the records, and what nobody has looked at."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._evidence.clock import is_time, parse_time
from ._language import load_language
from ._media_words import sentence
from ._statement import NOT_CHECKED

if t.TYPE_CHECKING:
    from ..module_utils._evidence.chain import Record
    from ._media_certificate import Certified
    from ._media_evidence import Linked
    from ._media_runs import Act

__all__ = ["unchecked"]

# A sentence of a statement on one of its hosts; what concerns this medium stands in its own record.
_OF_HOST = re.compile(r"\S+: .+ \(\d+ sets\)\.")
# Of copies we say it ourselves, as a plan of media names no roots.
_SAID = NOT_CHECKED[:1]
_Row = tuple[str, dict[str, t.Any]]


def unchecked(certified: Certified, *, signatures_verified: bool) -> list[dict[str, t.Any]]:
    """The sentences, most telling first; each of ours with its C(key) and C(values), by which it is said in other languages."""
    english = load_language("en")
    rows: list[dict[str, t.Any]] = []
    for key, values in _ours(certified, signatures_verified=signatures_verified):
        rows.append({"text": sentence(english, key, values), "key": key, "values": values})
    texts = [str(limit) for each in certified.counted for limit in each.act.proof.get("limits") or ()]
    # Of figures we say it ourselves, in each language.
    said = tuple(f"the figure {row['values']['figure']}, " for row in rows if row["key"] == "figure")
    texts = [text for text in texts if not text.startswith(said)]
    for each in certified.counted:
        predicate = each.act.statement.get("predicate", {})
        texts += [text for text in predicate.get("not_checked", ()) if text not in _SAID and not _OF_HOST.fullmatch(text)]
    return [*rows, *({"text": text, "key": None, "values": {}} for text in dict.fromkeys(texts))]


def _ours(certified: Certified, *, signatures_verified: bool) -> t.Iterator[_Row]:
    acts = [each.act for each in certified.counted]
    for act in acts:
        yield from _of_reading(act) if act.kind == "host" and act.destroyed else ()
        yield from _of_figures(act)
    if any(act.kind == "physical" for act in acts):
        yield "word_of_people", {}
    others = len(certified.found.acts) - sum(each.act.destroyed for each in certified.counted)
    if others:
        yield "other_acts", {"number": others}
    if certified.told:
        yield "told", {"fields": sorted(certified.told)}
    for each in certified.counted:
        yield from _of_times(each)
    yield "copies", {}
    yield "validator", {}
    yield "log", {}
    hosts = [act for act in acts if act.kind == "host"]
    if any(act.statement["predicate"]["complete"] is not True for act in hosts):
        yield "incomplete", {}
    if hosts and not signatures_verified:
        yield "statement", {}
    if any(act.statement["predicate"]["approvals"] for act in hosts):
        yield "approvals", {}
    if any(person["key"] for happened in certified.found.events for person in happened.record["persons"]):
        yield "custody", {}
    if _somebody_untrained(certified):
        yield "training", {}


def _somebody_untrained(certified: Certified) -> bool:
    """Whether somebody acted or signed of whom no training record is named."""
    for act in (each.act for each in certified.counted):
        if act.kind == "physical" and not act.proof.get("training"):
            return True
        if act.kind == "host" and any(not approval.get("training") for approval in act.statement["predicate"]["approvals"]):
            return True
    persons = [person for happened in certified.found.events for person in happened.record["persons"]]
    return any(person["key"] and not person.get("training") for person in persons)


def _of_times(linked: Linked) -> t.Iterator[_Row]:
    """That an event whose evidence an act is came before it, which one of two clocks or people got wrong."""
    event, ended = linked.event, linked.act.ended
    if event is not None and is_time(ended) and parse_time(event.record["time"]) < parse_time(ended):
        yield "order", {"to": event.to, "time": event.record["time"], "ended": ended}


def _of_reading(act: Act) -> t.Iterator[_Row]:
    """What of the medium was not read back."""
    verify, canaries = act.proof.get("verify") or {}, act.proof.get("canaries") or {}
    read, size = verify.get("read_bytes") or 0, verify.get("size_bytes") or 0
    seen, unread = (canaries.get("laid") or 0) - (canaries.get("unread") or 0), canaries.get("unread") or 0
    if verify.get("verdict") == "clean" and read:
        if read < size:
            yield "part_read", {"read_bytes": read, "size_bytes": size}
    elif seen > 0:
        yield "canaries_only", {"number": seen}
    else:
        yield "nothing_read", {"technique": act.technique}
    if verify.get("why"):
        yield "why", {"why": str(verify["why"])}
    if unread:
        yield "canaries", {"number": unread}


def _of_figures(act: Act) -> t.Iterator[_Row]:
    """The figures behind it that nobody has held against a document."""
    for step in _steps(act):
        if step.get("confidence") == "unverified":
            yield "technique", {"technique": act.technique, "level": str(step.get("level")), "source": str(step.get("source"))}
    for name, figure in sorted((act.proof.get("figures") or {}).items()):
        if figure["confidence"] == "unverified":
            yield "figure", {"figure": name, "value": str(figure["value"]), "edition": figure["edition"], "source": figure["source"]}


def _steps(act: Act) -> list[Record]:
    if act.kind == "physical":
        return [act.proof.get("technique") or {}]
    steps = act.row.get("steps")
    return [step for step in steps if step.get("technique") == act.technique] if isinstance(steps, list) else []
