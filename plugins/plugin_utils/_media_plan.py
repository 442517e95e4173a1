# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each medium that leaves service: decided from the register, the policy, and what its host shows of it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._media.choosing import AUTO, TECHNIQUES, reaches_all_namespaces
from ..module_utils._media.serials import medium_set, serial_key
from ..module_utils._standards.levels import LEVELS, satisfies
from ..module_utils._standards.physical import PHYSICAL
from ._language import visible
from ._media_policy import NOTHING, OVERWRITE, MediaPolicy, MediaRule
from ._register import Medium, Register
from ._shown_media import Shown, drain_of

__all__ = ["Chosen", "choose_media", "plan_medium"]

_OWN_ENCRYPTION = ("nvme_sanitize_crypto", "ata_sanitize_crypto", "scsi_sanitize_crypto", "nvme_format_crypto")
# Firmware first, in the order of sanitize; what it cannot, an overwrite may.
_ORDER = (*TECHNIQUES, OVERWRITE)
# How the names of techniques begin that a kind of medium could have.
_SPOKEN = {
    **dict.fromkeys(("hdd", "sata_ssd", "smr", "hybrid"), "ata_"),
    **dict.fromkeys(("sas_hdd", "sas_ssd"), "scsi_"),
    **dict.fromkeys(("emmc", "sd"), "mmc_"),
    **{"nvme": "nvme_", "tape": "tape_"},
}


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Media that are to leave service, by host; C(dead) are the keys of those that no host can reach any more."""

    hosts: dict[str, list[Medium]]
    dead: frozenset[str]


def choose_media(register: Register, *, serials: t.Sequence[str], dead: t.Sequence[str], hosts: t.Collection[str] = ()) -> Chosen:
    """The media of a plan: those that are named, else all that are released, of which there may be none; and those that are dead.

    :arg dead: may name some of C(serials) too.
    :arg hosts: only media of these, where any is named; what is dead may be registered in a host that is no more.
    :raises RefusedError: one cannot be planned; every one is named.
    """
    faults: list[str] = []
    named, gone = _named(register, serials, faults), _named(register, dead, faults)
    released = {key: medium for key, medium in register.media.items() if medium.state == "released"}
    chosen: dict[str, list[Medium]] = {}
    for key, medium in {**(named if serials else released), **gone}.items():
        asked = key in named or key in gone
        if not medium.host:
            # One that nobody asked for is of no host of theirs.
            if asked or not hosts:
                faults.append(
                    f"{medium.serial} has no host in the register; name the one that it is in, or was in, since plans are made by host"
                )
        elif not hosts or medium.host in hosts or key in gone:
            chosen.setdefault(medium.host, []).append(medium)
        elif asked:
            faults.append(f"{medium.serial} is registered in {medium.host}, which is none of the hosts of this plan; plan on that host too")
    if faults:
        faults = list(dict.fromkeys(faults))
        rest = f" (and {len(faults) - 10} more)" if len(faults) > 10 else ""
        raise RefusedError(f"there is no plan: {'; '.join(faults[:10])}{rest}", details={"problems": faults[:100]})
    return Chosen({host: chosen[host] for host in sorted(chosen)}, frozenset(gone))


def _named(register: Register, serials: t.Sequence[str], faults: list[str]) -> dict[str, Medium]:
    """Released media by key; what is wrong with a serial goes to C(faults)."""
    found: dict[str, Medium] = {}
    for serial in serials:
        key = serial_key(serial)
        medium = register.media.get(key)
        if not key:
            faults.append("a serial is blank; name the medium")
        elif medium is None:
            faults.append(f"{visible(serial)} is not in the register; correct the serial, or enter the medium and release it first")
        elif medium.state != "released":
            faults.append(f"{medium.serial} is {medium.state}, and only what is released is planned; record what comes first")
        elif key in found:
            faults.append(f"{medium.serial} is named twice; name each medium once")
        else:
            found[key] = medium
    return found


def plan_medium(medium: Medium, shown: Shown | str | None, policy: MediaPolicy) -> tuple[dict[str, t.Any], list[str]]:
    """The plan's row of a medium, and why it may not be carried out, one sentence each.

    :arg shown: what its host shows of it, or why it does not; C(None) where it is dead, and goes to the shredder as it is.
    """
    rule = policy.rule(medium.kind)
    target = "clear" if medium.required_level == "none" else medium.required_level
    if isinstance(shown, Shown):
        way = _way(rule, shown, target)
        blocked = [f"{medium.serial}: {sentence}" for sentence in [*_against(medium, shown, policy), *_impossible(rule, shown, way)]]
    else:
        way = _Way((), "", "not_shown" if shown else "dead")
        blocked, shown = [shown] if shown else [], None
    needed = target == LEVELS[-1] or not way.steps
    if needed and not satisfies(PHYSICAL[rule.physical].level, medium.required_level):
        blocked.append(
            f"{medium.serial}: {rule.physical}, which the policy names, reaches {PHYSICAL[rule.physical].level} and "
            f"{medium.required_level} is required; name a technique that reaches it"
        )
    row: dict[str, t.Any] = {
        **_about(medium, shown),
        "level": way.level,
        "steps": [_step(shown.techniques[name]) for name in way.steps] if shown else [],
        "verify": rule.verify if medium.kind != "tape" else "canaries",
        "sample_share": rule.sample_share,
        "canaries": rule.canaries,
        "all_namespaces": shown is not None and shown.namespaces > 1,
        "physical": {
            "needed": needed,
            "technique": rule.physical,
            "why": "" if not needed else way.why or "required",
            "because": _because(medium.kind, shown) if shown and way.why == "no_technique" else [],
        },
        "on_failure": rule.physical,
        "destination": rule.destination,
        "classification_after": rule.classification_after,
        "drain": shown.drain if shown else drain_of(medium.serial, {}),
        "to_free": list(shown.in_use) if shown else [],
    }
    row["risk"] = _risks(row, rule)
    return row, blocked


def _about(medium: Medium, shown: Shown | None) -> dict[str, t.Any]:
    texts = ("serial", "kind", "asset_number", "classification", "encryption", "required_level", "host")
    return {
        **{name: getattr(medium, name) for name in texts},
        "set": medium_set(medium.serial),
        "make": medium.make or (shown.make if shown else ""),
        "model": medium.model or (shown.model if shown else ""),
        "bay": (shown.bay if shown else "") or medium.bay,
        "identity": shown.identity if shown else {},
        "size_bytes": shown.size if shown else int(medium.size_bytes or 0),
    }


@dataclasses.dataclass(frozen=True)
class _Way:
    """How a medium is destroyed where it is: C(steps) in their order, the C(level) that each of them reaches, and C(why) there are none."""

    steps: tuple[str, ...]
    level: str
    why: str


def _way(rule: MediaRule, shown: Shown, target: str) -> _Way:
    if rule.technique == NOTHING:
        return _Way((), "", "policy")
    able = shown.techniques
    possible = [name for name in _ORDER if name in able and able[name]["possible"] and not _misses(name, shown)]
    # What is to be destroyed in the end leaves its host as well sanitized as it can be.
    for level in (target,) if target != LEVELS[-1] else ("purge", "clear"):
        enough = [name for name in possible if satisfies(able[name]["level"], level)]
        if rule.technique == AUTO:
            first = max(enough, key=lambda name: (LEVELS.index(able[name]["level"]), -_ORDER.index(name)), default="")
        else:
            first = rule.technique if rule.technique in enough else ""
        if first:
            return _Way(tuple(dict.fromkeys([first, *(name for name in rule.fallback if name in enough)])), level, "")
    return _Way((), "", "no_technique")


def _misses(technique: str, shown: Shown) -> str:
    """Why a technique would leave a part of the medium as it is; empty where it would not."""
    if shown.namespaces > 1 and not reaches_all_namespaces(technique):
        return f"it reaches one of its {shown.namespaces} namespaces only"
    return ""


def _why_not(technique: str, shown: Shown) -> str:
    """Why a technique is not enough on a medium, as a clause."""
    found = shown.techniques[technique]
    return str(found["why"]) if not found["possible"] else _misses(technique, shown) or f"it reaches {found['level']} only"


def _impossible(rule: MediaRule, shown: Shown, way: _Way) -> t.Iterator[str]:
    """A technique that the policy names outright is not silently replaced by a shredder."""
    if way.steps or rule.technique in (AUTO, NOTHING):
        return
    known = rule.technique in shown.techniques
    why = _why_not(rule.technique, shown) if known else "its host does not know it for this medium"
    yield f"{rule.technique}, which the policy names, is not possible ({why}); name another technique, auto, or none for the shredder"


def _because(kind: str, shown: Shown) -> list[str]:
    """Why nothing on the host is enough: of the techniques for such media each reason once, since some can be helped."""
    prefix = _SPOKEN.get(kind, "")
    reasons: dict[str, list[str]] = {}
    for name in _ORDER:
        if name in shown.techniques and (name == OVERWRITE or name.startswith(prefix)):
            reasons.setdefault(_why_not(name, shown), []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def _against(medium: Medium, shown: Shown, policy: MediaPolicy) -> t.Iterator[str]:
    look = "look at the label, and correct the register"
    if shown.kind not in ("", medium.kind):
        yield f"it is {medium.kind} in the register and {shown.kind} by its own account; {look}"
    if medium.size_bytes and shown.sizes and int(medium.size_bytes) not in shown.sizes:
        yield f"it has {medium.size_bytes} bytes in the register and {shown.sizes[0]} by its own account; {look}"
    yield from shown.problems
    if shown.system:
        yield f"the system of {medium.host} runs from it; start the host from another medium first"
    drained, reasons = shown.drain["drained"], "; ".join(shown.drain["reasons"])
    if drained == "no" or (drained != "yes" and policy.undetermined == "refuse"):
        known = "it is not drained" if drained == "no" else "it cannot be told whether it is drained"
        yield f"{known} ({reasons or 'media_drain gave no reason'}); move what must be kept elsewhere, and plan again"


def _step(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: found[name] for name in ("technique", "level", "standard", "source", "confidence", "estimated_seconds")}


def _risks(row: t.Mapping[str, t.Any], rule: MediaRule) -> list[str]:
    """What is left open by what is planned, as names of sentences that the page has in each language."""
    steps = row["steps"]
    found = {
        # A tape has none.
        "spare_blocks": row["kind"] != "tape" and any(step["level"] == "clear" for step in steps),
        "own_encryption": any(step["technique"] in _OWN_ENCRYPTION for step in steps),
        "unverified_level": any(step["confidence"] == "unverified" for step in steps),
        "canaries_only": bool(steps) and row["verify"] == "canaries",
        "sample": bool(steps) and row["verify"] == "sample",
        "not_looked_into": row["drain"]["drained"] == "unknown",
        "due_recordings": bool(row["drain"]["verdicts"].get("due")),
        "carried_as_it_is": not steps,
        "degaussed_not_destroyed": row["physical"]["needed"] and rule.physical == "degauss",
    }
    return [name for name, holds in found.items() if holds]
