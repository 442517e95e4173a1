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
from ._media_policy import NOTHING, OVERWRITE, MediaPolicy, MediaRule
from ._register import Medium, Register
from ._shown_media import Shown

__all__ = ["Chosen", "choose_media", "plan_medium"]

_OWN_ENCRYPTION = ("nvme_sanitize_crypto", "ata_sanitize_crypto", "scsi_sanitize_crypto", "nvme_format_crypto")
# Firmware first, in the order of sanitize; what it cannot, an overwrite may.
_ORDER = (*TECHNIQUES, OVERWRITE)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Media that are to leave service, by host; C(dead) are the keys of those that no host can reach any more."""

    hosts: dict[str, list[Medium]]
    dead: frozenset[str]


def choose_media(register: Register, *, serials: t.Sequence[str], dead: t.Sequence[str], hosts: t.Collection[str] = ()) -> Chosen:
    """The media of a plan: those that are named, else all that are released.

    :arg hosts: only media of these, where any is named.
    :raises RefusedError: one cannot be planned; every one is named.
    """
    faults: list[str] = []
    wanted: dict[str, Medium] = {}
    for serial in [*serials, *dead]:
        key = serial_key(serial)
        medium = register.media.get(key)
        if not key:
            faults.append("a serial is blank; name the medium")
        elif medium is None:
            faults.append(f"{serial} is not in the register; correct the serial, or enter the medium and release it first")
        elif medium.state != "released":
            faults.append(f"{medium.serial} is {medium.state}, and only what is released is planned; record what comes first")
        elif key in wanted:
            faults.append(f"{medium.serial} is named twice; name each medium once")
        else:
            wanted[key] = medium
    if not serials and not dead:
        wanted = {key: medium for key, medium in register.media.items() if medium.state == "released"}
    chosen: dict[str, list[Medium]] = {}
    for medium in wanted.values():
        if not medium.host:
            faults.append(
                f"{medium.serial} has no host in the register, so nobody knows where it is; name the host that it is in, or was in"
            )
        elif not hosts or medium.host in hosts:
            chosen.setdefault(medium.host, []).append(medium)
    if faults:
        rest = f" (and {len(faults) - 10} more)" if len(faults) > 10 else ""
        raise RefusedError(f"there is no plan: {'; '.join(faults[:10])}{rest}", details={"problems": faults[:100]})
    if not chosen:
        raise RefusedError(
            "there is no plan: no medium of these hosts is released; release what is to leave service (media_register, state: moved)"
        )
    return Chosen({host: chosen[host] for host in sorted(chosen)}, frozenset(map(serial_key, dead)))


def plan_medium(medium: Medium, shown: Shown | None, policy: MediaPolicy) -> tuple[dict[str, t.Any], list[str]]:
    """The plan's row of a medium, and why it may not be carried out, one sentence each.

    :arg shown: what its host shows of it; C(None) where it is dead, and goes to the shredder as it is.
    """
    rule = policy.rule(medium.kind)
    blocked: list[str] = []
    target = "clear" if medium.required_level == "none" else medium.required_level
    able = shown.able() if shown else {}
    steps: list[str] = []
    why = "dead"
    if shown is not None:
        steps, level, why = _steps(rule, able, target, every_namespace=shown.namespaces > 1)
        blocked.extend(f"{medium.serial}: {sentence}" for sentence in [*_against(medium, shown, policy), *_impossible(rule, steps, able)])
    needed = target == "destroy" or not steps
    if needed and not satisfies(PHYSICAL[rule.physical].level, medium.required_level):
        blocked.append(
            f"{medium.serial}: {rule.physical}, which the policy names, reaches {PHYSICAL[rule.physical].level} and "
            f"{medium.required_level} is required; name a technique that reaches it"
        )
    row = {
        **_about(medium, shown),
        "level": level if steps else "",
        "steps": [_step(able[name]) for name in steps],
        "verify": rule.verify if medium.kind != "tape" else "canaries",
        "sample_share": rule.sample_share,
        "canaries": rule.canaries,
        "all_namespaces": shown is not None and shown.namespaces > 1,
        "physical": {"needed": needed, "technique": rule.physical, "why": "" if not needed else "required" if steps else why},
        "on_failure": rule.physical,
        "destination": rule.destination,
        "classification_after": rule.classification_after,
        "drain": shown.drain_told() if shown else {"drained": "unknown", "reasons": [], "limits": [], "filesystems": [], "verdicts": {}},
        "to_free": list(shown.in_use) if shown else [],
    }
    row["risk"] = _risks(row, rule, able)
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


def _steps(rule: MediaRule, able: t.Mapping[str, dict[str, t.Any]], target: str, *, every_namespace: bool) -> tuple[list[str], str, str]:
    """The techniques to try in order, the level that each of them reaches, and why there are none."""
    if rule.technique == NOTHING:
        return [], "", "policy"
    possible = [
        name for name in _ORDER if name in able and able[name]["possible"] and (not every_namespace or reaches_all_namespaces(name))
    ]
    # What is to be destroyed in the end leaves its host as well sanitized as it can be.
    for level in (target,) if target != LEVELS[-1] else ("purge", "clear"):
        enough = [name for name in possible if satisfies(able[name]["level"], level)]
        if rule.technique == AUTO:
            first = max(enough, key=lambda name: (LEVELS.index(able[name]["level"]), -_ORDER.index(name)), default="")
        else:
            first = rule.technique if rule.technique in enough else ""
        if first:
            return list(dict.fromkeys([first, *(name for name in rule.fallback if name in enough)])), level, ""
    return [], "", "no_technique"


def _impossible(rule: MediaRule, steps: t.Sequence[str], able: t.Mapping[str, dict[str, t.Any]]) -> t.Iterator[str]:
    """A technique that the policy names outright is not silently replaced by a shredder."""
    if steps or rule.technique in (AUTO, NOTHING):
        return
    found = able.get(rule.technique)
    why = "its host does not know it for this medium" if found is None else str(found.get("why") or f"it reaches {found['level']} only")
    yield f"{rule.technique}, which the policy names, is not possible ({why}); name another technique, auto, or none for the shredder"


def _against(medium: Medium, shown: Shown, policy: MediaPolicy) -> t.Iterator[str]:
    if shown.kind not in ("", medium.kind):
        yield f"it is {medium.kind} in the register and {shown.kind} by its own account; look at the label, and correct the register"
    if medium.size_bytes and shown.sizes and int(medium.size_bytes) not in shown.sizes:
        yield f"it has {medium.size_bytes} bytes in the register and {shown.size} by its own account; look at the label, and correct the register"
    yield from shown.problems
    if shown.system:
        yield f"the system of {medium.host} runs from it; start the host from another medium first"
    drained = shown.drain.get("drained")
    if drained == "no" or (drained != "yes" and policy.undetermined == "refuse"):
        reasons = "; ".join(shown.drain.get("reasons") or ["media_drain has not looked at it"])
        known = "it is not drained" if drained == "no" else "it cannot be told whether it is drained"
        yield f"{known} ({reasons}); move what must be kept elsewhere, and plan again"


def _step(found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    seconds = found.get("estimated_seconds")
    told = {name: str(found[name]) for name in ("technique", "level", "standard", "source", "confidence")}
    return {**told, "estimated_seconds": seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None}


def _risks(row: t.Mapping[str, t.Any], rule: MediaRule, able: t.Mapping[str, dict[str, t.Any]]) -> list[str]:
    """What is left open by what is planned, as names of sentences that the page has in each language."""
    names = [step["technique"] for step in row["steps"]]
    found = {
        "spare_blocks": any(able[name]["level"] == "clear" for name in names),
        "own_encryption": any(name in _OWN_ENCRYPTION for name in names),
        "unverified_level": any(able[name]["confidence"] == "unverified" for name in names),
        "canaries_only": bool(names) and row["verify"] == "canaries",
        "sample": bool(names) and row["verify"] == "sample",
        "not_looked_into": row["drain"]["drained"] == "unknown" and bool(names),
        "due_recordings": bool(row["drain"].get("verdicts", {}).get("due")),
        "carried_as_it_is": not names,
        "degaussed_not_destroyed": row["physical"]["needed"] and rule.physical == "degauss",
    }
    return [name for name, holds in found.items() if holds]
