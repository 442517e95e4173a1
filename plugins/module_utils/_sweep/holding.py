# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Place and release legal holds as documents in a directory, one file for each."""

from __future__ import annotations

import json
import os
import time
import typing as t

from .._errors import RefusedError
from .._executor import Executor
from .._recordings.calendar import rfc3339
from .._retention.holds import DEFAULT_COOLING, load_holds
from .state import StateDir, named_documents

__all__ = ["hold_changes", "refuse_holds"]

_CONTENT = ("match", "where", "reason", "placed_by", "review_by", "cooling")


def refuse_holds(state: StateDir, checked: str) -> None:
    """Refuse what no policy speaks of while legal holds are in force on the host.

    :arg checked: C(checked) where somebody has made sure that none is about it.
    :raises RefusedError: one is in force, or what stands there cannot be understood.
    """
    holds, _generation = load_holds(state.hold_documents())
    standing = [hold.id for hold in holds if hold.active(int(time.time()))]
    if standing and checked != "checked":
        raise RefusedError(
            f"legal holds are in force on this host ({', '.join(standing[:3])}{' and others' if len(standing) > 3 else ''}), and without a policy "
            "nobody can tell whether they are about what is to be overwritten, so nothing was done; use retention_apply, or make sure and give "
            "holds: checked"
        )


def hold_changes(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """Bring a hold into the wanted state; the result of C(legal_hold).

    :raises PolicyError: the hold is not valid.
    :raises RefusedError: it stands already with other contents, or there is none to release.
    """
    directory = params["dir"]
    if not os.path.isabs(directory):
        raise RefusedError(
            f"the directory of holds {directory} is not an absolute path, so the hold might lie where nothing reads it; write it out"
        )
    for place in (directory, os.path.dirname(directory.rstrip("/"))):
        if os.path.islink(place):
            raise RefusedError(f"the directory of holds {directory} is, or lies in, a symbolic link ({place}); name the real directory")
    now = rfc3339(int(time.time()))
    found = {
        name: document
        for name, document in named_documents(directory).items()
        if isinstance(document, dict) and document.get("id") == params["id"]
    }
    if len(found) > 1:
        raise RefusedError(f"the hold {params['id']} stands in several files of {directory} ({', '.join(found)}); keep one of them")
    # It is released in the file that it stands in, else that file would go on holding.
    name, standing = next(iter(found.items()), (f"{params['id']}.json", None))
    wanted = _released(params, standing, now) if params["state"] == "released" else _placed(params, standing, now)
    load_holds([wanted])
    changed = wanted != standing
    path = os.path.join(directory, name)
    if changed and not check_mode:
        try:
            executor.makedirs(directory)
            executor.replace_file(path, [json.dumps(wanted, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"])
        except OSError as error:
            raise RefusedError(
                f"the hold cannot be written to {path} ({error.strerror}), so it is not in force; make room and place it again"
            ) from error
    holds, generation = load_holds([wanted])
    return {
        "changed": changed,
        "id": wanted["id"],
        "state": "released" if wanted.get("released") else "present",
        # Not "path": Ansible would take that for a managed file and put its own state over the hold's.
        "document": path,
        "in_force_until": rfc3339(holds[0].until),
        "generation": generation,
        "diff": {"before": _text(standing), "after": _text(wanted), "before_header": path, "after_header": path},
    }


def _text(document: t.Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n" if document else ""


def _placed(params: t.Mapping[str, t.Any], standing: dict[str, t.Any] | None, now: str | None) -> dict[str, t.Any]:
    wanted = {name: params[name] for name in _CONTENT if params[name] is not None}
    if standing is None:
        return {"id": params["id"], "placed": now, **wanted}
    if standing.get("released"):
        raise RefusedError(f"the hold {params['id']} was released at {standing['released']}; place a new one under another id")
    differing = [name for name in _CONTENT if standing.get(name) != wanted.get(name)]
    if differing:
        raise RefusedError(
            f"the hold {params['id']} stands already with another {', '.join(differing)}; "
            "a hold is never narrowed silently: place a new one under another id, then release this one"
        )
    return standing


def _released(params: t.Mapping[str, t.Any], standing: dict[str, t.Any] | None, now: str | None) -> dict[str, t.Any]:
    if standing is None:
        raise RefusedError(f"there is no hold {params['id']} in {params['dir']}; correct the id")
    if standing.get("released"):
        if params["cooling"] not in (None, standing.get("cooling", DEFAULT_COOLING)):
            raise RefusedError(
                f"the hold {params['id']} was released at {standing['released']} with the cooling {standing.get('cooling', DEFAULT_COOLING)}, "
                "which a second release does not change; place a new hold under another id"
            )
        return standing
    released = {**standing, "released": now, "released_by": params["released_by"]}
    if params["cooling"] is not None:
        own, given = _ends(released), _ends({**released, "cooling": params["cooling"]})
        if given < own:
            raise RefusedError(
                f"the cooling {params['cooling']} ends on {rfc3339(given)}, before the cooling of the hold {params['id']} itself, "
                f"{standing.get('cooling', DEFAULT_COOLING)}, ends on {rfc3339(own)}; a release may only lengthen it: give a longer one, or none"
            )
        released["cooling"] = params["cooling"]
    return released


def _ends(released: dict[str, t.Any]) -> int:
    """When a released hold ends."""
    return load_holds([released])[0][0].until or 0
