# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work shared by forked processes, its results in order.

Each worker takes the next unit from a pipe, writes its rows to a temporary file of its own, and sends its counts over a pipe.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import struct
import tempfile
import typing as t

from .._errors import DisposalError

__all__ = ["fan_out"]

_Unit = t.TypeVar("_Unit")
_Result = t.TypeVar("_Result")
Work = t.Callable[[_Unit, t.Callable[[bytes], None]], _Result]
_INDEX = struct.Struct("<I")
_CHUNK = 1 << 20


def fan_out(units: t.Sequence[_Unit], work: Work[_Unit, _Result], *, workers: int) -> t.Iterator[tuple[t.Iterator[bytes], _Result]]:
    """For each unit, in order: its rows and what C(work) returned. C(work) gets the unit and a function that takes rows.

    :arg units: at most a few thousand, since their numbers must fit into a pipe.
    :raises DisposalError: what C(work) raised, or a worker that died.
    """
    context = multiprocessing.get_context("fork")
    queue, feed = os.pipe()
    pool: list[tuple[t.Any, multiprocessing.connection.Connection, t.BinaryIO]] = []
    try:
        for _number in range(min(workers, len(units))):
            spool = t.cast(t.BinaryIO, tempfile.TemporaryFile(prefix="recordings-disposal-"))  # noqa: SIM115 - closed once its rows are read
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=_worker, args=(units, work, queue, feed, spool, send), daemon=True)
            process.start()
            send.close()
            pool.append((process, receive, spool))
        for start in range(0, len(units), 1024):
            os.write(feed, b"".join(_INDEX.pack(index) for index in range(start, min(start + 1024, len(units)))))
        os.close(feed)
        feed = -1
        done = _collect(len(units), [receive for _process, receive, _spool in pool])
        for index in range(len(units)):
            number, start, end, result = done[index]
            yield _rows(pool[number][2], start, end), result
    finally:
        os.close(queue)
        if feed >= 0:
            os.close(feed)
        for process, receive, spool in pool:
            receive.close()
            process.terminate()
            process.join()
            spool.close()


def _collect(units: int, pipes: t.Sequence[multiprocessing.connection.Connection]) -> dict[int, t.Any]:
    done: dict[int, t.Any] = {}
    numbers = {pipe: number for number, pipe in enumerate(pipes)}
    while numbers:
        for ready in multiprocessing.connection.wait(list(numbers)):
            pipe = t.cast("multiprocessing.connection.Connection", ready)
            try:
                index, start, end, result = pipe.recv()
            except EOFError:
                del numbers[pipe]
                continue
            if isinstance(result, DisposalError):
                raise result
            done[index] = (numbers[pipe], start, end, result)
    if len(done) < units:
        raise DisposalError("a planning process ended early, so nothing was planned; look for memory limits on this host and run again")
    return done


def _rows(spool: t.BinaryIO, start: int, end: int) -> t.Iterator[bytes]:
    spool.seek(start)
    while start < end:
        chunk = spool.read(min(_CHUNK, end - start))
        start += len(chunk)
        yield chunk


def _writer(spool: t.BinaryIO) -> t.Callable[[bytes], None]:
    def write(rows: bytes) -> None:
        spool.write(rows)

    return write


def _worker(units: t.Sequence[_Unit], work: Work[_Unit, t.Any], queue: int, feed: int, spool: t.BinaryIO, send: t.Any) -> None:
    os.close(feed)
    while True:
        token = os.read(queue, _INDEX.size)
        if len(token) < _INDEX.size:
            break
        index = _INDEX.unpack(token)[0]
        start = spool.tell()
        result: t.Any
        try:
            result = work(units[index], _writer(spool))
            spool.flush()
        except DisposalError as error:
            result = error
        except OSError as error:
            result = DisposalError(f"planning stopped: {error.strerror or error}; make room or repair it, and plan again")
        send.send((index, start, spool.tell(), result))
    send.close()
