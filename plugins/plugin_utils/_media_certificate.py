# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a medium as plain data, made from evidence that was checked; it claims nothing that no record says."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._media.serials import medium_set, serial_key
from ..module_utils._standards.forms import FORMS
from ..module_utils._standards.levels import LEVELS, satisfies
from ._media_evidence import Found, Happened, Linked
from ._media_fields import form_fields
from ._media_told import Person, Told, same_name
from ._media_unchecked import unchecked
from ._register import Medium, contradiction

__all__ = ["FORMAT", "STATES", "Certified", "build_certificate"]

FORMAT = "recordings.disposal/media-certificate/1"
# In which states of the register a medium has one.
STATES = ("verified", "in_custody", "destroyed", "reused")
_MOST_EVIDENCE = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Certified:
    """A medium that may have a certificate.

    :ivar decisive: the act that reached the required level; C(counted) all that the log links, in their order.
    :ivar keys: by principal, the keys that signed something of the medium, with what each signed.
    """

    found: Found
    decisive: Linked
    counted: tuple[Linked, ...]
    required: str
    performer: Person
    validator: Person
    told: dict[str, str]
    keys: dict[str, list[dict[str, str]]]

    @property
    def on_host(self) -> Linked | None:
        """The last counted act of a host, whose plan tells where the medium was."""
        return next((each for each in reversed(self.counted) if each.act.kind == "host"), None)

    @property
    def destroyed_physically(self) -> bool:
        """Whether people did something to it that no medium serves after."""
        return any(each.act.kind == "physical" and each.act.destroyed for each in self.counted)


def build_certificate(found: Found, told: Told, *, collection: str, signatures_verified: bool) -> dict[str, t.Any]:
    """The certificate, without when and by whom it is issued.

    :arg signatures_verified: whether the signatures of the runs' statements were.
    :raises RefusedError: there may be none; C(details["problems"]) has a sentence for each reason.
    """
    faults: list[str] = []
    counted = tuple(each for each in found.acts if each.counts)
    required = max((found.medium.required_level, *_planned_levels(counted)), key=LEVELS.index)
    decisive = _decisive(found, required, faults)
    performer, validator = _persons(decisive, told, faults)
    if faults or decisive is None or performer is None or validator is None:
        raise _refusal(faults)
    people_told, keys = told.media.get(serial_key(found.medium.serial), {}), _keys(found, counted)
    certified = Certified(found, decisive, counted, required, performer, validator, people_told, keys)
    fields = form_fields(certified, faults)
    shared = set.intersection(*({each["key"] for each in keys.get(who.principal.casefold(), ())} for who in (performer, validator)))
    faults += [f"the key {key} has signed for {performer.principal} and {validator.principal}, so they may be one person" for key in shared]
    if faults:
        raise _refusal(faults)
    level = decisive.act.record["level"]
    on_host = certified.on_host
    return {
        "format": FORMAT,
        "collection": collection,
        "serial": found.medium.serial,
        "set": medium_set(found.medium.serial),
        "state": found.medium.state,
        "outcome": decisive.act.record["outcome"],
        "level": {"required": required, "achieved": decisive.act.achieved, "standard": level["standard"]},
        "forms": {name: {"edition": form.edition, "part": form.part} for name, form in FORMS.items()},
        "fields": fields,
        "persons": {
            role: {"principal": person.principal, "keys": certified.keys.get(person.principal.casefold(), [])}
            for role, person in (("performer", performer), ("validator", validator))
        },
        "acts": [_act(each, decisive) for each in found.acts],
        "figures": _figures(counted),
        "not_checked": unchecked(certified, signatures_verified=signatures_verified),
        "plan": _plan(on_host) if on_host else None,
        "custody": [_event(happened, {each.act.digest for each in found.acts}) for happened in found.events],
        "evidence": _files(found.acts),
    }


def _refusal(faults: list[str]) -> RefusedError:
    return RefusedError("; ".join(faults), details={"problems": faults})


def _planned_levels(counted: t.Iterable[Linked]) -> t.Iterator[str]:
    """What the plans that were carried out require; the register may have come to ask for less since."""
    for each in counted:
        level = each.act.row.get("required_level") if each.act.kind == "host" else None
        if level in LEVELS:
            yield str(level)


def _decisive(found: Found, required: str, faults: list[str]) -> Linked | None:
    """The act that reached the highest level, the last of several; why there is none goes to C(faults)."""
    state = found.medium.state
    if state not in STATES:
        faults.append(
            f"it is {state} in the register, and only what is verified, in_custody, destroyed or reused has a certificate; record what comes first"
        )
        return None
    short = [(each, _shortfall(each, required, found.medium)) for each in found.acts]
    good = [each for each, why in short if not why]
    if not good:
        why = [why for _each, why in short if why]
        if not why:
            why = ["no record below the state directory says what was done to it; carry out a plan, or have it destroyed by a work order"]
        faults.extend([*why, *found.unread])
        return None
    decisive = max(good, key=lambda each: LEVELS.index(each.act.achieved))
    last = [each for each in good if each.act.achieved == decisive.act.achieved][-1]
    row = last.act.row.get("physical") if last.act.kind == "host" else None
    if isinstance(row, dict) and row.get("needed") is True:
        faults.append(
            f"its plan {last.act.run} has it destroyed physically as well ({row.get('technique')}), and nothing says that it was; have it done by a work order"
        )
    return last


def _shortfall(linked: Linked, required: str, medium: Medium) -> str:
    """Why an act does not carry a certificate; empty where it does."""
    act = linked.act
    file = next(iter(act.files))
    if not act.destroyed:
        reasons = "; ".join(map(str, act.record["reason"])) or "no reason is told"
        return f"it was not destroyed by {act.technique} ({act.record['outcome']}: {reasons}); have it shredded by a work order"
    if not satisfies(act.achieved, required):
        level = f"{act.technique} reached {act.achieved} and {required} is required"
        return f"{level}; have it destroyed by a work order"
    if linked.event is None:
        return (
            f"{file}, which says that it was destroyed by {act.technique}, is not among the evidence of its events in the register's log, which alone "
            "counts; record the event that it is the evidence of"
        )
    if linked.withdrawn:
        return f"it was released again after {file} was recorded, so that proves nothing any more; sanitize it once more, or have it shredded by a work order"
    if act.kind == "host":
        return _shortfall_on_host(linked, file)
    other = contradiction(medium, act.row)
    return f"{other} ({file}); find out which medium that was, and have it destroyed by a work order" if other else ""


def _shortfall_on_host(linked: Linked, file: str) -> str:
    """Why what a host tells as destroyed does not carry a certificate."""
    act = linked.act
    verdict = (act.proof.get("verify") or {}).get("verdict")
    if verdict not in ("clean", "not_done"):
        return f"{file} says destroyed, and of what was read back {verdict!r}; find out which of the two is right, and have it shredded by a work order"
    if serial_key(str(act.proof.get("serial"))) != serial_key(act.row["serial"]):
        return f"{file} tells the serial {act.proof.get('serial')!r} of what was destroyed; find out which medium that was"
    if act.technique not in [step.get("technique") for step in act.row.get("steps") or ()]:
        return f"{file} says that it was destroyed by {act.technique}, which its plan does not name; have it shredded by a work order"
    if linked.verified is None:
        return f"it was never verified by the register's log after {file}; record that, or have it shredded by a work order"
    return ""


def _persons(decisive: Linked | None, told: Told, faults: list[str]) -> tuple[Person | None, Person | None]:
    """Who performed and who validated, two different people."""
    validator = told.person(told.validated_by)
    if validator is None:
        faults.append(
            f"{told.validated_by or 'nobody'}, who is named under validated_by, is not among the people; describe that person there"
        )
    performer = _performer(decisive, told, faults) if decisive else None
    if performer is None or validator is None:
        return performer, validator
    if performer.principal.casefold() == validator.principal.casefold():
        faults.append(f"{validator.principal} has performed it and cannot validate it too; name another person under validated_by")
    elif same_name(performer.name, validator.name):
        who = f"{performer.principal} and {validator.principal} have one name, so they may be one person"
        faults.append(f"{who}; name another person under validated_by")
    return performer, validator


def _performer(decisive: Linked, told: Told, faults: list[str]) -> Person | None:
    """Of physical work the operator whom its record names; of a host's work whom its record or the task names."""
    if decisive.act.kind == "physical":
        named = told.named(str(decisive.act.row.get("operator", "")))
        if len(named) != 1:
            why = "is nobody of the people" if not named else "is the name of several people"
            faults.append(f"the operator whom {next(iter(decisive.act.files))} names {why}; describe the person under that very name")
            return None
        return named[0]
    recorded = decisive.act.proof.get("implementer") or decisive.act.opening.get("implementer") or ""
    if recorded and told.performed_by and str(recorded).casefold() != told.performed_by.casefold():
        faults.append(f"its record says that {recorded} carried it out, and performed_by says {told.performed_by}; correct that")
        return None
    principal = str(recorded or told.performed_by)
    found = told.person(principal) if principal else None
    if not principal:
        faults.append("its record does not say who carried it out; name the person under performed_by")
    elif found is None:
        faults.append(f"{principal}, who carried it out, is not among the people; describe that person there")
    return found


def _keys(found: Found, counted: t.Sequence[Linked]) -> dict[str, list[dict[str, str]]]:
    """What people have signed of the medium: events of custody, and the plan."""
    keys: dict[str, list[dict[str, str]]] = {}
    for happened in found.events:
        for person in happened.record["persons"]:
            if person["key"]:
                keys.setdefault(person["principal"].casefold(), []).append(
                    {"key": person["key"], "what": "custody", "over": happened.record["event"]}
                )
    for each in counted:
        for approval in each.act.statement.get("predicate", {}).get("approvals", ()):
            signed = {"key": approval["key"], "what": "plan", "over": each.act.statement["predicate"]["manifest"]}
            keys.setdefault(approval["principal"].casefold(), []).append(signed)
    return keys


def _act(linked: Linked, decisive: Linked) -> dict[str, t.Any]:
    act = linked.act
    told: dict[str, t.Any] = {
        **{"kind": act.kind, "run": act.run, "technique": act.technique, "scheme": act.record["scheme"], "outcome": act.record["outcome"]},
        **{"level": act.record["level"], "reason": act.record["reason"], "begun": act.proof.get("begun"), "ended": act.ended},
        **{"record": act.digest, "linked_by": linked.event.record["event"] if linked.event else None, "counts": linked.counts},
        **{"decisive": linked is decisive, "collection": act.opening["collection"], "limits": list(act.proof.get("limits", ()))},
    }
    if act.kind == "physical":
        extra = {key: act.proof[key] for key in ("particles", "order", "training") if act.proof.get(key)}
        return {**told, "facts": act.row, **extra}
    kept = ("identity", "tried", "canaries", "transition", "verify", "tools")
    return {**told, "host": act.host, **{key: act.proof.get(key) for key in kept}}


def _figures(counted: t.Iterable[Linked]) -> list[dict[str, t.Any]]:
    """The figures that acts were judged by, each with its edition, source and confidence."""
    found: dict[str, dict[str, t.Any]] = {}
    for each in counted:
        act = each.act
        steps = act.row.get("steps") if act.kind == "host" else [{**(act.proof.get("technique") or {}), "technique": act.technique}]
        for step in steps if isinstance(steps, list) else []:
            if step.get("technique") == act.technique:
                row = {"technique": act.technique, "value": step.get("level"), "edition": step.get("standard")}
                found[act.technique] = {**row, "source": step.get("source"), "confidence": step.get("confidence")}
        for name, figure in (act.proof.get("figures") or {}).items():
            found[name] = {"figure": name, **figure}
    return [found[name] for name in sorted(found)]


def _plan(on_host: Linked) -> dict[str, t.Any]:
    act = on_host.act
    manifest, predicate = act.manifest, act.statement["predicate"]
    return {
        "id": act.run,
        "host": act.host,
        "bay": act.row.get("bay") or "",
        "digest": act.opening["plan"],
        "manifest": predicate["manifest"],
        "author": manifest["author"],
        "created": manifest["created"],
        "expires": manifest["expires"],
        "policy": {key: manifest["policy"].get(key, "") for key in ("id", "version", "owner", "digest")},
        "approvals_required": manifest["approvals_required"],
        "approvals": [
            {key: approval[key] for key in ("principal", "key", "namespace", "training") if key in approval}
            for approval in predicate["approvals"]
        ],
        "sealed": predicate["created"],
        "merkle_root": predicate["merkle_root"],
        "risk": list(act.row.get("risk") or ()),
    }


def _event(happened: Happened, own: t.Container[str]) -> dict[str, t.Any]:
    """A transition; of an event that moved many media, the evidence of this one, and how much there was in all."""
    kept = ("time", "from", "to", "host", "custody", "place", "reason", "persons", "photos", "event")
    evidence = happened.record["evidence"]
    told = {"evidence": [each for each in evidence if each in own or len(evidence) <= _MOST_EVIDENCE], "evidence_count": len(evidence)}
    return {**{key: happened.record[key] for key in kept}, **told, "line": happened.line, "digest": happened.digest}


def _files(acts: t.Iterable[Linked]) -> list[dict[str, str]]:
    files = {name: known for each in acts for name, known in each.act.files.items()}
    return [{"file": name, "digest": files[name]} for name in sorted(files)]
