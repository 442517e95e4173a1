# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a host's plan: one pass, a content-addressed plan file, counts."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t

from .._errors import DisposalError, RefusedError
from .._evidence.canonical import canonical
from .._executor import Executor
from .._recordings.calendar import rfc3339
from .._retention.rows import header, plan_path
from .inputs import Inputs, gather
from .state import StateDir

__all__ = ["PlanWriter", "make_plan"]

_BUFFER = 1 << 20


class PlanWriter:
    """Takes rows, keeps their digest, and writes them where writing is allowed."""

    def __init__(self, state: StateDir, *, check_mode: bool) -> None:
        self.state = state
        self.rows = -1
        self.size = 0
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._path = ""
        self._fd = -1
        if not check_mode:
            directory = state.make("plans")
            _remove_leftovers(state, directory)
            self._path = os.path.join(directory, f".plan.{os.getpid()}.tmp")
            self._fd = state.executor.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def emit(self, rows: bytes) -> None:
        self.rows += rows.count(b"\n")
        self.size += len(rows)
        self._digest.update(rows)
        if self._fd >= 0:
            self._buffer += rows
            if len(self._buffer) >= _BUFFER:
                self._write()

    @property
    def digest(self) -> str:
        return f"sha256:{self._digest.hexdigest()}"

    def _write(self) -> None:
        self.state.executor.write(self._fd, bytes(self._buffer))
        self._buffer.clear()

    def keep(self) -> None:
        """Give the plan its name, which is its digest."""
        if self._fd < 0:
            return
        self._write()
        self.state.executor.fsync(self._fd)
        final = plan_path(self.state.path, self.digest)
        self.state.executor.rename(self._path, final)
        self.state.executor.sync_directory(os.path.dirname(final))
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            if os.path.exists(self._path):
                self.state.executor.unlink(self._path)


def _remove_leftovers(state: StateDir, directory: str) -> None:
    """Plans that a process which is no more had begun; they hold paths."""
    for name in os.listdir(directory):
        match = re.fullmatch(r"\.plan\.(\d+)\.tmp", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            state.executor.unlink(os.path.join(directory, name))


def make_plan(params: t.Mapping[str, t.Any], executor: Executor, *, check_mode: bool) -> dict[str, t.Any]:
    """The result of C(retention_plan).

    :raises DisposalError: anything that is not as it should be; then there is no plan file.
    """
    state = StateDir(params["state_dir"], executor)
    inputs = gather(params, state)
    writer = PlanWriter(state, check_mode=check_mode)
    planner = inputs.planner()
    try:
        simulated = rfc3339(inputs.now) if inputs.simulated else None
        first = header(
            inputs.policy, holds=inputs.generation, requests=inputs.requests_digest, after=state.left_behind(), simulated=simulated
        )
        writer.emit(canonical(first) + b"\n")
        tally = planner.plan(writer.emit)
        changed = not os.path.exists(plan_path(state.path, writer.digest))
        states = inputs.limits(tally, state.due_history())
        result = {
            "changed": changed,
            "as_of": rfc3339(inputs.now),
            **({} if simulated is None else {"simulated": True}),
            "plan": {"digest": writer.digest, "path": plan_path(state.path, writer.digest), "rows": writer.rows, "bytes": writer.size},
            "policy": inputs.policy.summary(),
            "holds": {"generation": inputs.generation, "active": sum(hold.active(inputs.now) for hold in inputs.holds)},
            **tally.result(inputs.policy),
            "limits": [item.row() for item in states],
            "blocked": [item.sentence for item in states if not item.ok],
            "warnings": [*inputs.warnings, *_warnings(inputs, tally.sources)],
        }
        if result["blocked"] and params["on_limit"] == "fail":
            raise RefusedError(
                f"the plan is beyond a limit, so there is none: {'; '.join(result['blocked'])}",
                details={key: value for key, value in result.items() if key not in ("changed", "warnings")},
            )
        writer.keep()
    except OSError as error:
        raise DisposalError(f"the plan cannot be written below {state.path} ({error.strerror}); make room and plan again") from error
    finally:
        planner.close()
        writer.close()
    return result


def _warnings(inputs: Inputs, sources: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if inputs.policy.review_by < (rfc3339(inputs.clock) or "")[:10]:
        yield f"the policy {inputs.policy.id} was to be reviewed by {inputs.policy.review_by}; have its owner {inputs.policy.owner} review it"
    for name, source in sources.items():
        for kind in ("other_filesystem", "too_deep"):
            if source.passed_over.get(kind):
                what = "directories mounted below its roots" if kind == "other_filesystem" else "directories nested too deeply"
                yield f"source {name} has {source.passed_over[kind]} {what}, which were not looked into; name them as roots"
