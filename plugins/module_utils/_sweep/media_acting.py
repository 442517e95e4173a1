# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of one medium, done: its techniques in their order, then a look at the medium by reading only."""

from __future__ import annotations

import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.clock import time_text, utc_now
from .._executor import Executor
from .._media.choosing import AUTO
from .._media.planned import OVERWRITE, PlannedMedium
from .._media.tools import ask
from .act_options import OVERWRITE_OPTIONS, SANITIZE_OPTIONS, VERIFY_OPTIONS, with_defaults
from .media_recheck import uncompared
from .sanitizing import sanitize_of
from .state import StateDir
from .subject import find_subject
from .unfinished import interrupted
from .verifying import verify_medium
from .version import VERSION
from .whole import overwrite_device_of

__all__ = ["act_on_medium", "still_as_left"]

_TOOLS = {
    "nvme": ("nvme-cli", ["nvme", "version"]),
    "ata": ("hdparm", ["hdparm", "-V"]),
    "scsi": ("sg3-utils", ["sg_sanitize", "--version"]),
    "mmc": ("mmc-utils", ["mmc", "--version"]),
    "tape": ("mt", ["mt", "--version"]),
}
_VERDICTS = {
    "residue": ("not_destroyed", "something is left on it that should not be"),
    "unknown": ("unknown", "not all of it could be read afterwards"),
}


def act_on_medium(medium: PlannedMedium, params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """What became of it: C(outcome), C(reason), C(level), C(technique), C(proof), and C(running) where it goes on in the drive.

    Nothing is raised: whatever stops it is told of this medium, and no other has to wait for it.
    """
    begun = time_text(utc_now())
    try:
        result, said = _tried(medium, params, executor, check_mode=check_mode)
    except (DisposalError, OSError) as error:
        message = error.message if isinstance(error, DisposalError) else str(error)
        return {**_nothing(medium, message), "running": False}
    outcome, reasons = result["outcome"], [text for text in (said or result.get("reason"),) if text]
    told = {"running": bool(result.get("running")), "percent": result.get("percent"), "changed": bool(result["changed"])}
    if check_mode or told["running"]:
        return {**_nothing(medium, *reasons), **told, "refused": bool(said)}
    verify: dict[str, t.Any] = {
        "verdict": "not_done",
        "why": "it was not destroyed",
        "read_bytes": 0,
        "size_bytes": medium.size,
        "sample": None,
        "limits": [],
    }
    if outcome == "destroyed":
        verify = _looked_at(medium, result, params["state_dir"])
        against = _VERDICTS.get(verify["verdict"])
        if against:
            outcome, reasons = against[0], [f"{against[1]}: {verify['why']}"]
    level = {**result["level"], "required": medium.level}
    if outcome != "destroyed":
        level["achieved"] = "none"
    return {
        **told,
        "outcome": outcome,
        "reason": reasons,
        "level": level,
        "technique": result.get("technique") or OVERWRITE,
        "proof": _proof(medium, result, verify, begun),
    }


def _nothing(medium: PlannedMedium, *reasons: str) -> dict[str, t.Any]:
    level = {"required": medium.level, "achieved": "none", "standard": ""}
    return {
        "outcome": "not_destroyed",
        "reason": list(reasons),
        "level": level,
        "technique": medium.steps[0],
        "proof": None,
        "changed": False,
    }


def _tried(medium: PlannedMedium, params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> tuple[dict[str, t.Any], str]:
    """The result of the last technique that was tried, and what a failure said."""
    steps = _left_to_try(medium, params)
    while True:
        firmware = list(steps[: steps.index(OVERWRITE)] if OVERWRITE in steps else steps)
        try:
            if firmware:
                return sanitize_of(_sanitize_params(medium, params, firmware), executor, check_mode=check_mode), ""
            return overwrite_device_of(_overwrite_params(medium, params), executor, check_mode=check_mode), ""
        except DisposalError as error:
            result = error.details
            rest = steps[len(firmware) if firmware else 1 :]
            # Only what has been begun and has failed for good is followed by something else.
            if "level" not in result or not result.get("run"):
                raise
            if result.get("running") or result["outcome"] == "unknown" or not rest:
                return result, error.message
            steps = rest


def _left_to_try(medium: PlannedMedium, params: t.Mapping[str, t.Any]) -> t.Sequence[str]:
    """The techniques from the one on that an interrupted run had begun."""
    if medium.steps[0] == OVERWRITE:
        return medium.steps
    found = interrupted(StateDir(params["state_dir"], Executor()), find_subject(_named(medium)), _sanitize_params(medium, params, [AUTO]))
    if found is None or not found.issued:
        return medium.steps
    technique = found.task.technique
    if technique not in medium.steps:
        raise RefusedError(
            f"an earlier run with {technique} over {medium.serial} was interrupted, and the plan does not name it, so nothing was done; "
            "have it brought to its end first, by sanitize"
        )
    return medium.steps[medium.steps.index(technique) :]


def _named(medium: PlannedMedium) -> dict[str, str]:
    return {key: str(value) for key, value in medium.identity.items()}


def _sanitize_params(medium: PlannedMedium, params: t.Mapping[str, t.Any], steps: t.Sequence[str]) -> dict[str, t.Any]:
    tape = "cartridge" in medium.identity
    return with_defaults(
        SANITIZE_OPTIONS,
        device=dict(medium.identity),
        level=medium.level,
        technique=steps[0],
        fallback=list(steps[1:]),
        all_namespaces=medium.all_namespaces,
        canaries=medium.canaries,
        verify="canaries",
        poll=params["poll"],
        timeout=None if tape else params["timeout"],
        on_unseen=params["on_unseen"],
        # Which holds are in force was compared with the plan; none of them is about what is on it.
        holds="checked",
        io_priority=params["io_priority"],
        state_dir=params["state_dir"],
    )


def _overwrite_params(medium: PlannedMedium, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return with_defaults(
        OVERWRITE_OPTIONS,
        device=dict(medium.identity),
        level=medium.level,
        on_unseen=params["on_unseen"],
        holds="checked",
        io_priority=params["io_priority"],
        state_dir=params["state_dir"],
    )


def _looked_at(medium: PlannedMedium, result: t.Mapping[str, t.Any], state_dir: str) -> dict[str, t.Any]:
    """What is read of the medium after it was destroyed."""
    laid = result.get("canaries") or {}
    only = {"verdict": "clean", "read_bytes": laid.get("laid", 0) * 4096, "size_bytes": medium.size, "sample": None, "limits": []}
    if medium.verify == "canaries" and laid:
        return {**only, "why": "only the canaries were read"}
    given: dict[str, t.Any] = {"expect": "zeros"}
    if laid:
        given = {"expect": "no_canaries", "canaries": os.path.join(state_dir, "runs", result["run"], "canaries-0.json")}
    try:
        seen = verify_medium(
            with_defaults(
                VERIFY_OPTIONS,
                device=dict(medium.identity),
                verify="all" if medium.verify == "all" else "sample",
                sample_share=medium.sample_share,
                on_residue="report",
                **given,
            )
        )
    except DisposalError as error:
        return {**only, "verdict": "unknown", "read_bytes": 0, "why": error.message}
    why = (
        f"{seen['residue_bytes']} bytes, {seen['beginnings_count']} beginnings of files and {seen['canaries']['left']} canaries are left, "
        f"and {seen['bad_bytes']} bytes could not be read"
    )
    told = {key: seen[key] for key in ("verdict", "read_bytes", "size_bytes", "sample", "limits")}
    return {**told, "why": "" if seen["verdict"] == "clean" else why}


def _proof(medium: PlannedMedium, result: t.Mapping[str, t.Any], verify: dict[str, t.Any], begun: str) -> dict[str, t.Any]:
    technique = str(result.get("technique") or OVERWRITE)
    limits = [*(result.get("limits") or ()), *verify.pop("limits")]
    if medium.drained != "yes":
        limits.append("whether anything that must be kept was on it could not be looked at; whoever approved the plan answers for that")
    volumes = uncompared(medium)
    if volumes:
        limits.append(f"what lay on {', '.join(volumes)} was looked at when the plan was made, and not again just before")
    if medium.all_namespaces:
        limits.append("canaries were looked for on each of its namespaces, and besides them only the one that is named was read")
    journal = result.get("journal") or {}
    # After a failure nobody knows of a drive whether it still works.
    return {
        "serial": medium.serial,
        "identity": dict(medium.identity),
        "run": result["run"],
        "journal": {key: journal.get(key) for key in ("head", "records")},
        "tried": list(result.get("tried") or ()),
        "canaries": dict(result.get("canaries") or {}),
        "transition": str(result.get("transition") or ""),
        "verify": verify,
        "tools": tools_of(technique),
        "begun": begun,
        "ended": time_text(utc_now()),
        "operational": True if verify["verdict"] == "clean" else None,
        "limits": list(dict.fromkeys(limits)),
    }


def tools_of(technique: str) -> list[dict[str, str]]:
    """The tools by which a technique is carried out, with their versions as they tell them."""
    found = [{"name": "recordings.disposal", "version": VERSION}]
    known = _TOOLS.get(technique.partition("_")[0])
    if known:
        answer = ask(known[1], seconds=10)
        first = next((line.strip() for line in f"{answer.text}\n{answer.errors}".splitlines() if line.strip()), "")
        found.append({"name": known[0], "version": first[:120] or "not told"})
    return found


def still_as_left(medium: PlannedMedium, params: t.Mapping[str, t.Any], check: Executor) -> str:
    """Why a medium that was destroyed does not hold any more what it was left with; empty where it does, or is not in this host any more.

    :arg check: an executor that cannot write.
    """
    try:
        find_subject(_named(medium))
    except RefusedError:
        return ""
    told = act_on_medium(medium, params, check, check_mode=True)
    if told.get("refused") or told["reason"]:
        return "; ".join(told["reason"])
    return "it holds something else than what it was left with" if told["changed"] else ""
