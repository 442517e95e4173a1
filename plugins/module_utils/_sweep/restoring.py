# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring quarantined sets back."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import DisposalError
from .._executor import Executor
from .._jobs.lock import host_lock
from .._recordings.sets import RecordingSet
from .._recordings.walk import open_root
from .._retention.planner import Place, Planner
from .aside import move_back, remove_empty
from .inputs import gather
from .state import StateDir

__all__ = ["restore"]


def restore(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(retention_restore).

    :raises DisposalError: something could not be restored; what could is back.
    """
    state = StateDir(params["state_dir"], executor)
    inputs = gather(params, state)
    wanted = None if params["sets"] is None else set(params["sets"])
    restored = 0
    left: dict[str, int] = {}
    planner = inputs.planner()
    with contextlib.ExitStack() as stack:
        stack.callback(planner.close)
        if not check_mode:
            stack.enter_context(host_lock(state.path, executor, purpose="restore"))
        for place in planner.places():
            if place.entered is None or (params["run"] and not place.base.endswith(f"-{params['run']}")):
                continue
            for recording_set in _sets(planner, place):
                identifier = inputs.identifiers.of(place.source.name, place.path, recording_set.key)
                if wanted is not None and identifier not in wanted:
                    continue
                reason = None if check_mode else _moved_back(executor, place, recording_set)
                if reason is None:
                    restored += 1
                else:
                    left[reason] = left.get(reason, 0) + 1
    result = {"changed": restored > 0, "restored": restored, "left": left}
    if left:
        reasons = ", ".join(f"{count}: {reason}" for reason, count in sorted(left.items()))
        raise DisposalError(
            f"{sum(left.values())} quarantined sets could not be restored ({reasons}), {restored} are back; clear their places and run again",
            details=result,
        )
    return result


def _sets(planner: Planner, place: Place) -> list[RecordingSet]:
    # The whole list first: moving files while their directory is read could show some twice.
    return [recording_set for recording_set, _fd in planner.resolvers[place.source.name].walk(place.fd, "", {})]


def _moved_back(executor: Executor, place: Place, recording_set: RecordingSet) -> str | None:
    root_fd = open_root(place.root)
    try:
        move_back(executor, place.fd, root_fd, [member.path for member in recording_set.members])
        remove_empty(executor, root_fd, f"{place.base}/{recording_set.directory}".rstrip("/"))
    except FileExistsError:
        return "a file stands at its old place"
    except OSError as error:
        return str(error.strerror or error)
    finally:
        os.close(root_fd)
    return None
