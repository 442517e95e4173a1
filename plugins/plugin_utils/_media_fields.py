# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field that the forms ask for, with its value and where it is from, or that it was not told."""

from __future__ import annotations

import typing as t

from ..module_utils._standards.forms import FIELDS, FORMS, TYPE_OF_LEVEL, FormField, method_of
from ._media_told import Person
from ._media_words import tool_words

if t.TYPE_CHECKING:
    from ._media_certificate import Certified

__all__ = ["form_fields"]

# A value and who told it: the register, its log, the plan, a record, or people for this certificate.
_Value = tuple[t.Any, str]
_REUSES = ("internal_reuse", "external_reuse")
# What to do about a field that has no value and needs one.
_HOW = {
    "manufacturer": "enter its make in the register",
    "model": "enter its model in the register",
    "source": "tell it as source under media, or name its host in the register",
    "status": "tell it as operational under media",
    "tool": "its record is not complete, so find out what wrote it",
}


def form_fields(certified: Certified, faults: list[str]) -> list[dict[str, t.Any]]:
    """The rows of the table of forms with their values; what is missing or cannot be goes to C(faults)."""
    values = {
        **_of_medium(certified),
        **_of_act(certified),
        **_of_end(certified, faults),
        **_of_person("performer", certified.performer, (certified.decisive.act.ended, "record"), certified),
        **_of_person("validator", certified.validator, (_validated(certified), "log"), certified),
    }
    return [_row(field, *values[field.id], certified, faults) for field in FIELDS]


def _row(field: FormField, value: t.Any, told_by: str, certified: Certified, faults: list[str]) -> dict[str, t.Any]:
    if value in ("", [], None):
        state = "by_hand" if field.id.endswith("_signature") else "not_told"
        if state == "not_told" and not field.optional:
            forms = " and ".join(FORMS[form].short for form in field.asked)
            faults.append(f"{field.id} is not told, and {forms} asks for it; {_how(field, certified)}")
        value, told_by = None, ""
    else:
        state = "unknown" if value == "unknown" else "told"
        if field.values and value not in field.values:
            faults.append(f"{field.id} is {value!r}, which is none of {', '.join(field.values)}; correct it")
    return {"id": field.id, "section": field.section, "forms": list(field.asked), "value": value, "state": state, "from": told_by}


def _how(field: FormField, certified: Certified) -> str:
    people = {"performing": certified.performer, "validation": certified.validator}
    if field.section in people:
        return f"complete {people[field.section].principal} under people"
    return _HOW.get(field.id, "tell it under media")


def _first(*values: _Value) -> _Value:
    return next(((value, told_by) for value, told_by in values if value), ("", ""))


def _of_medium(certified: Certified) -> dict[str, _Value]:
    medium, told = certified.found.medium, certified.told
    plan = certified.on_host.act.row if certified.on_host else {}
    facts = certified.decisive.act.row if certified.decisive.act.kind == "physical" else {}
    backup = (plan.get("drain") or {}).get("backup") or {}
    places = [str(place) for place in backup.get("where") or ()]
    host, bay = (plan.get("host"), plan.get("bay")) if plan else (_last_host(certified), medium.bay)
    place = ", ".join(str(part) for part in (host, bay) if part)
    return {
        "manufacturer": _first((medium.make, "register"), (plan.get("make"), "plan"), (facts.get("make"), "record")),
        "model": _first((medium.model, "register"), (plan.get("model"), "plan"), (facts.get("model"), "record")),
        "serial": (medium.serial, "register"),
        "property_number": _first((medium.asset_number, "register"), (plan.get("asset_number"), "plan"), (facts.get("asset"), "record")),
        "media_type": (medium.kind, "register"),
        "source": _first((told.get("source"), "people"), (place, "plan" if plan else "register")),
        "classification": _first((medium.classification, "register"), (plan.get("classification"), "plan")),
        "backed_up": _first((told.get("backed_up"), "people"), (backup.get("copied"), "plan"), ("unknown", "")),
        "backup_location": _first(([told["backup_location"]] if "backup_location" in told else [], "people"), (places, "plan")),
    }


def _last_host(certified: Certified) -> str:
    hosts = [event.record["host"] for event in certified.found.events if event.record["host"]]
    return certified.found.medium.host or (hosts[-1] if hosts else "")


def _of_act(certified: Certified) -> dict[str, _Value]:
    act = certified.decisive.act
    return {
        "method_type": (TYPE_OF_LEVEL.get(act.achieved, ""), "record"),
        "method": (method_of(act.technique), "record"),
        "method_details": (act.technique, "record"),
        "tool": (_tools(certified), "record"),
        "verification": (_verification(certified), "record"),
        "status": _status(certified),
    }


def _tools(certified: Certified) -> list[str]:
    """What did it, with versions where it has any."""
    act = certified.decisive.act
    if act.kind == "physical":
        # Machines have no versions; the journal keeps no other than our own.
        return [act.row[name] for name in ("machine", "process", "facility") if act.row.get(name)][:1]
    tools = [tool_words(tool) for tool in act.proof.get("tools") or ()]
    return list(dict.fromkeys([*tools, f"recordings.disposal {act.opening['collection']}"]))


def _verification(certified: Certified) -> str:
    """The box of what was read back: all of it, a sample, or something else, such as canaries or measured particles."""
    verify = certified.decisive.act.proof.get("verify") or {}
    read, size = verify.get("read_bytes") or 0, verify.get("size_bytes") or 0
    if verify.get("verdict") != "clean" or not read:
        return "other"
    if size and read >= size:
        return "full"
    return "quick_sampling" if verify.get("sample") else "other"


def _status(certified: Certified) -> _Value:
    if certified.destroyed_physically:
        return "damaged", "record"
    operational = certified.decisive.act.proof.get("operational")
    seen = {True: "operational", False: "damaged"}.get(operational, "") if isinstance(operational, bool) else ""
    return _first((certified.told.get("status"), "people"), (seen, "record"))


def _of_end(certified: Certified, faults: list[str]) -> dict[str, _Value]:
    told = certified.told
    plan = certified.on_host.act.row if certified.on_host else {}
    planned = plan.get("destination") or ""
    if certified.destroyed_physically:
        technique = [each.act.technique for each in certified.counted if each.act.kind == "physical"][-1]
        if told.get("destination") in _REUSES:
            faults.append(f"destination is told as {told['destination']}, and {technique} leaves nothing to reuse; correct it under media")
        if told.get("status") == "operational":
            faults.append(f"it is told to be operational, and no medium works after {technique}; correct it under media")
        # What was planned for it if it could be reused holds no more.
        planned = "" if planned in _REUSES else planned
    return {
        "classification_after": _first((told.get("classification_after"), "people"), (plan.get("classification_after"), "plan")),
        "notes": (told.get("notes", ""), "people"),
        "destination": _first((told.get("destination"), "people"), (planned, "plan")),
    }


def _validated(certified: Certified) -> str:
    """When the register's log has the result accepted."""
    happened = certified.decisive.verified or certified.decisive.event
    return str(happened.record["time"]) if happened else ""


def _of_person(role: str, person: Person, date: _Value, certified: Certified) -> dict[str, _Value]:
    texts = {name: (getattr(person, name), "people") for name in ("name", "title", "organisation", "location", "contact")}
    signed = certified.keys.get(person.principal.casefold(), [])
    return {f"{role}_{name}": value for name, value in {**texts, "date": date, "signature": (signed, "log")}.items()}
