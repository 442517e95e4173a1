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
_MOST_SAID = 300

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

    :arg most: how many at once, from 1 up.
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
                    if isinstance(child, str):
                        yield job, None, child
                        continue
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
                    yield (job, *_told(_code(child), child.data))
        finally:
            for _job, child in running.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
            for _job, child in running.values():
                _code(child)


def _begun(job: Job, act: t.Callable[[Job], dict[str, t.Any]]) -> _Child | str:
    """A process that acts, or why there is none."""
    parent, pipe = os.getpid(), list[int]()
    try:
        pipe += os.pipe()
        pid = os.fork()
    except OSError as error:
        for fd in pipe:
            os.close(fd)
        return f"no process could be begun for it ({error.strerror})"
    output, entrance = pipe
    if pid == 0:
        os.close(output)
        _act(job, act, entrance, parent)
    os.close(entrance)
    return _Child(pid, output, bytearray())


def _act(job: Job, act: t.Callable[[Job], dict[str, t.Any]], entrance: int, parent: int) -> t.NoReturn:
    """Act, and leave the result in the pipe; never returns into what the parent does."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # It may have ended before that was said.
        if os.getppid() == parent:
            try:
                said, failed = json.dumps(act(job)), 0
            except Exception as error:
                said, failed = f"{type(error).__name__}: {error}", 1
            with open(entrance, "wb") as file:
                file.write(said.encode("utf-8", "backslashreplace"))
            code = failed
    finally:
        os._exit(code)


def _code(child: _Child) -> int:
    """How a child that has ended, or is about to, did so."""
    os.close(child.output)
    _pid, status = os.waitpid(child.pid, 0)
    return os.waitstatus_to_exitcode(status)


def _told(code: int, data: bytes | bytearray) -> tuple[dict[str, t.Any] | None, str]:
    if code < 0:
        return None, f"its process was ended by signal {-code}"
    if code == 0:
        with contextlib.suppress(ValueError):
            found: dict[str, t.Any] = json.loads(data)
            return found, ""
    said = " ".join(data.decode("utf-8", "replace").split())[:_MOST_SAID]
    return None, f"its process ended without a result ({said})" if code and said else "its process ended without a result"
