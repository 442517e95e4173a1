# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several long acts at once, each in a process of its own, so that one that hangs or dies stops no other."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import typing as t

__all__ = ["each_in_a_child"]

_PR_SET_PDEATHSIG = 1
_PIECE = 1 << 16

Job = t.TypeVar("Job")


class _Child(t.NamedTuple):
    pid: int
    output: int
    data: bytearray


def each_in_a_child(
    jobs: t.Iterable[Job], act: t.Callable[[Job], dict[str, t.Any]], *, most: int
) -> t.Iterator[tuple[Job, dict[str, t.Any] | None, str]]:
    """What C(act) returns of each job, as it ends, with C(None) and a clause for a person where its process ended without a result.

    The next job is asked for, and begun, when there is room for it. Children end with the process that began them.

    :arg most: how many at once.
    """
    source = iter(jobs)
    running: dict[int, tuple[Job, _Child]] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while True:
                while len(running) < most:
                    job = next(source, None)
                    if job is None:
                        break
                    child = _begun(job, act)
                    running[child.output] = (job, child)
                    selector.register(child.output, selectors.EVENT_READ)
                if not running:
                    return
                for key, _events in selector.select():
                    job, child = running[key.fd]
                    piece = os.read(key.fd, _PIECE)
                    if piece:
                        child.data.extend(piece)
                        continue
                    selector.unregister(key.fd)
                    del running[key.fd]
                    yield (job, *_ended(child))
        finally:
            for _job, child in running.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
                _ended(child)


def _begun(job: Job, act: t.Callable[[Job], dict[str, t.Any]]) -> _Child:
    output, entrance = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(output)
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            # It may have ended before that was said.
            if os.getppid() == parent:
                with open(entrance, "wb") as file:
                    file.write(json.dumps(act(job)).encode())
                code = 0
        finally:
            os._exit(code)
    os.close(entrance)
    return _Child(pid, output, bytearray())


def _ended(child: _Child) -> tuple[dict[str, t.Any] | None, str]:
    os.close(child.output)
    _pid, status = os.waitpid(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        found: dict[str, t.Any] = json.loads(child.data)
        return found, ""
    return None, f"its process was ended by signal {-code}" if code < 0 else "its process ended without a result"
