# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is trained for what: valid, about to expire, expired or missing, as data, tables and reminders."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ..module_utils._document import Node, plain, read_document
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._evidence.training import ROLES, TrainingRecord, Trainings, same_name
from ._language import load_language
from ._render import csv_page, html_page

__all__ = ["STATES", "Row", "read_people", "reminders", "roster", "roster_csv", "roster_html"]

STATES = ("valid", "expiring", "expired", "missing")
_TEMPLATE = "roster.html.j2"
_COLUMNS = ("principal", "name", "role", "state", "valid_until", "issuer", "record")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One person in one role; what comes of a record is empty where there is none."""

    principal: str
    name: str
    role: str
    state: str
    valid_from: str = ""
    valid_until: str = ""
    issuer: str = ""
    record: str = ""

    def told(self) -> dict[str, str]:
        return dataclasses.asdict(self)


def read_people(value: t.Any, name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who should be trained: by principal the name, perhaps empty, and the roles.

    :raises PolicyError: a role is not known, or a person stands there twice.
    """
    return read_document(plain(value) or [], name, _people, private=True)


def _people(node: Node) -> dict[str, tuple[str, tuple[str, ...]]]:
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for item in node.elements():
        parts = item.mapping(required=("principal", "roles"), optional=("name",))
        principal = parts["principal"].text() if "principal" in parts else ""
        if principal in found:
            parts["principal"].problem("stands there twice; name each person once, with all roles")
        roles: list[str] = []
        if "roles" in parts:
            parts["roles"].private = False
            roles = parts["roles"].texts(allowed=ROLES)
        found[principal] = (parts["name"].text() if "name" in parts else "", tuple(dict.fromkeys(roles)))
    return found


def roster(
    trainings: Trainings, people: t.Mapping[str, tuple[str, tuple[str, ...]]], *, now: dt.datetime, soon: dt.datetime
) -> tuple[list[Row], list[str]]:
    """A row for each person and role that is known or asked for, and a sentence for each record that does not count.

    :arg soon: who is valid no longer than until then is expiring.
    """
    problems = list(trainings.problems)
    by_place: dict[tuple[str, str], list[TrainingRecord]] = {}
    newest: dict[str, TrainingRecord] = {}
    for record in trainings.records:
        fault = trainings.fault(record)
        if fault:
            problems.append(f"{record.principal} as {record.role}: {record.file}: {fault}; it does not count")
            continue
        by_place.setdefault((record.principal, record.role), []).append(record)
        last = newest.get(record.principal)
        if last is None or parse_time(record.issued) >= parse_time(last.issued):
            newest[record.principal] = record
    asked = {(principal, role) for principal, (_name, roles) in people.items() for role in roles}
    rows = []
    for principal, role in sorted({*asked, *by_place}, key=lambda place: (place[0].casefold(), ROLES.index(place[1]))):
        name = people.get(principal, ("", ()))[0] or (newest[principal].name if principal in newest else "")
        own = by_place.get((principal, role), [])
        other = [record for record in own if not same_name(record.name, name)]
        problems += [f"{principal} as {role}: {record.file} was issued to another name than {name}; it does not count" for record in other]
        rows.append(_row(principal, name, role, [record for record in own if record not in other], now, soon))
    return rows, problems


def _row(principal: str, name: str, role: str, own: t.Sequence[TrainingRecord], now: dt.datetime, soon: dt.datetime) -> Row:
    begun = [record for record in own if parse_time(record.valid_from) <= now]
    if not begun:
        return Row(principal, name, role, "missing")
    last = max(begun, key=lambda record: parse_time(record.valid_until))
    end = parse_time(last.valid_until)
    state = "expired" if end <= now else "expiring" if end <= soon else "valid"
    return Row(principal, name, role, state, last.valid_from, last.valid_until, last.issuer, last.digest)


def roster_csv(rows: t.Iterable[Row]) -> str:
    return csv_page(_COLUMNS, ([getattr(row, name) for name in _COLUMNS] for row in rows))


def roster_html(rows: t.Sequence[Row], problems: t.Sequence[str], *, language: str, now: dt.datetime) -> str:
    """A self-contained page.

    :raises RefusedError: another language.
    """
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    context = {"rows": rows, "problems": list(problems), "counts": counts, "now": time_text(now), "states": STATES}
    return html_page(_TEMPLATE, load_language(language), context)


def reminders(rows: t.Iterable[Row], *, language: str) -> list[dict[str, str]]:
    """A letter for each person and role that is not simply valid, to be mailed by whatever mails.

    :raises RefusedError: another language.
    """
    words = load_language(language)
    done = []
    for row in rows:
        if row.state == "valid":
            continue
        role = words.table("training.roles")[row.role]
        values = {"name": row.name or row.principal, "role": role, "until": words.day(row.valid_until) if row.valid_until else ""}
        done.append(
            {
                "to": row.principal,
                "role": row.role,
                "state": row.state,
                "subject": words.word(f"training.reminder.{row.state}_subject").format(**values),
                "body": words.word(f"training.reminder.{row.state}").format(**values),
            }
        )
    return done
