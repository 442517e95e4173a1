# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwrite one whole block device and prove it: past the page cache, pass by pass, resumable, read back from the device."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import typing as t

from .._errors import RefusedError
from .._evidence.canonical import digest_of
from .._executor import Executor
from .._media.guards import gather_use, require_free
from .._media.identity import Device, same_medium
from .._media.labels import find_signatures
from .checkpoint import Checkpoint, Progress, Sums
from .filesystem import LIMIT_BACKING, FilesystemFacts, FilesystemProbe
from .keystream import CHUNK, Source, new_key, open_source
from .opened import drop_buffers, open_device, recheck, reread_partitions
from .outcomes import DeviceResult, Observed, Tally, as_asked, judge
from .rangeio import BLOCK_ERRORS, STEP, Readback, Stream, drop_cached, verify_range, write_range, write_tail
from .schemes import RANDOM, VERIFY, Scheme
from .workers import Buffers, Workers

__all__ = ["DeviceResult", "overwrite_device", "require_fit"]

THREADS = 8
# Between two checkpoints, in seconds, and the bytes that lie between them whatever the device's speed.
INTERVAL = 5.0
WINDOW = (64 * CHUNK, 8192 * CHUNK)

Range = tuple[int, int]


class _Plan(t.NamedTuple):
    """What was asked for, checked."""

    device: Device
    scheme: Scheme
    verify: str
    share: float
    threads: int
    pace: t.Callable[[int], None]
    report: t.Callable[[t.Mapping[str, t.Any]], None]

    def reads_back(self, index: int) -> bool:
        return self.verify == "all" or (self.verify in ("last", "sample") and index == len(self.scheme.passes) - 1)

    @property
    def digest(self) -> str:
        """Of the scheme and the verification, by which a checkpoint is recognised."""
        passes = [None if each.pattern is None else each.pattern.hex() for each in self.scheme.passes]
        return digest_of({"passes": passes, "verify": self.verify, "share_ppm": round(self.share * 1_000_000)})

    @property
    def body(self) -> int:
        """The end of the last whole sector; a real device has nothing behind it."""
        return self.device.size // self.device.logical * self.device.logical

    def drawn(self, seed: str) -> t.Iterator[Range]:
        """The ranges to read back, in order: all, or of each stretch one at a random place, and always the first and the last."""
        count = -(-self.device.size // CHUNK)
        if self.verify != "sample":
            yield from ((index * CHUNK, min((index + 1) * CHUNK, self.device.size)) for index in range(count))
            return
        strata = max(1, min(count, -int(-count * self.share // 1)))
        last = -1
        for number in range(strata):
            low, high = number * count // strata, (number + 1) * count // strata
            picked = int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big")
            for index in sorted(
                {low + picked % (high - low), *([0] if number == 0 else []), *([count - 1] if number == strata - 1 else [])}
            ):
                if index > last:
                    last = index
                    yield index * CHUNK, min((index + 1) * CHUNK, self.device.size)


def overwrite_device(
    executor: Executor,
    device: Device,
    scheme: Scheme,
    *,
    verify: str | None = None,
    share: float = 0.1,
    threads: int = THREADS,
    pace: t.Callable[[int], None] | None = None,
    checkpoint_path: str | None = None,
    resume: bool = False,
    on_unseen: str = "refuse",
    on_member: str = "refuse",
    on_ineffective: str = "fail",
    report: t.Callable[[t.Mapping[str, t.Any]], None] | None = None,
) -> DeviceResult:
    """Overwrite a device that C(_media.identity.find_device) found, all passes, and read it back.

    The guards look at it first, and its identity is compared once more on the open descriptor. Nothing is written before the checkpoint is.

    :arg verify: C(none), C(sample) (of the last pass), C(last), C(all); the scheme's own where it is C(None).
        Without reading back the outcome is C(unknown) at best; a sample is named as a limit.
    :arg share: of the device, that a sample reads back, above 0 and at most 1.
    :arg threads: at most; each has 2 MiB of buffers.
    :arg pace: called with the bytes of each chunk before it is moved, by several threads at once; it may sleep.
    :arg checkpoint_path: a file in a directory of the caller's, which only he can read; without one a killed run begins anew.
    :arg resume: go on where the checkpoint says; otherwise begin anew.
    :arg on_unseen: C(report) names processes that could not be looked at as a limit instead of refusing.
    :arg on_member: C(report) destroys what the device is a member of with it, and names that as a limit instead of refusing.
    :arg on_ineffective: C(report) also writes where what lies below the device does not overwrite in place, and ends in C(unknown) at best.
    :arg report: called after each stretch with C(pass), C(passes), C(phase), C(done), C(total) (bytes).
    :raises RefusedError: an option, a guard, the identity or the checkpoint speaks against it; nothing was written.
    """
    plan = _Plan(device, scheme, verify or scheme.verify, share, threads, pace or (lambda _length: None), report or (lambda told: None))
    _check_options(plan)
    if resume and not checkpoint_path:
        raise RefusedError("resume needs the path of the checkpoint, so nothing was written; give it, or begin anew")
    facts, limits = require_fit(device, scheme, on_unseen=on_unseen, on_member=on_member, on_ineffective=on_ineffective)
    header = {"identity": device.identity, "scheme": plan.digest}
    checkpoint = (
        Checkpoint(
            executor, checkpoint_path, header, lambda identity: isinstance(identity, dict) and same_medium(identity, device.identity)
        )
        if checkpoint_path
        else None
    )
    earlier = checkpoint.load() if checkpoint else None
    fd = open_device(executor, device)
    try:
        run = _Run(executor, fd, plan, facts, checkpoint, earlier if resume else None, limits)
        try:
            return run.finish(run.go())
        finally:
            run.workers.close()
    finally:
        os.close(fd)


def _check_options(plan: _Plan) -> None:
    if plan.verify not in VERIFY:
        raise RefusedError(f"verify is {plan.verify!r}, so nothing was written; give one of {', '.join(VERIFY)}")
    if not 0 < plan.share <= 1:
        raise RefusedError(f"share is {plan.share}, so nothing was written; give the part to read back as a number above 0 and at most 1")
    if plan.threads < 1:
        raise RefusedError(f"threads is {plan.threads}, so nothing was written; give at least 1")


def require_fit(
    device: Device, scheme: Scheme, *, on_unseen: str, on_member: str, on_ineffective: str
) -> tuple[FilesystemFacts, list[str]]:
    """What lies below the device, and the limits of the proof, once nothing speaks against overwriting it; only reads.

    :raises RefusedError: a guard, what lies below, or the missing library cryptography speaks against it.
    """
    facts = FilesystemProbe().assess_device(device.major, device.minor)
    if not facts.in_place and on_ineffective == "fail":
        raise RefusedError(f"{device.name} was not touched, because overwriting it would prove nothing: {facts.reason}")
    if any(each.pattern is None for each in scheme.passes):
        open_source(RANDOM).wipe()
    use = gather_use(device)
    require_free(use, on_unseen=on_unseen, on_member=on_member)
    limits = [*facts.limits, *([use.hidden.told] if use.hidden.state == "unasked" else [])]
    limits += [f"it belonged to more than itself: {member}" for member in use.members]
    return facts, limits + [f"whether {process} had the device open could not be determined" for process in use.unseen[:3]]


class _Run:
    """One overwrite on its way."""

    def __init__(
        self,
        executor: Executor,
        fd: int,
        plan: _Plan,
        facts: FilesystemFacts,
        checkpoint: Checkpoint | None,
        earlier: Progress | None,
        limits: list[str],
    ) -> None:
        self.executor, self.fd, self.plan, self.facts, self.checkpoint, self.limits = executor, fd, plan, facts, checkpoint, limits
        self.state = earlier or Progress(seed=os.urandom(16).hex())
        self.resumed = (self.state.index + 1, self.state.phase, self.state.next) if earlier else None
        self.moved = 0
        if earlier and earlier.phase == "verify":
            self._read_back_anew()
        self.workers = Workers(plan.threads)
        self.flush_error = 0
        self.window = WINDOW[0]

    def _read_back_anew(self) -> None:
        """Between two runs anybody may have written to the device, so what an earlier one read back proves nothing; what it found does."""
        state = self.state
        state.earlier = Sums(differing=state.sums.differing, unread=state.sums.unread).worse(state.earlier)
        state.sums = Sums(written=state.sums.written)
        state.next, state.seed = 0, os.urandom(16).hex()

    def go(self) -> bool:
        """All passes that are left; false where the device takes no more."""
        while self.state.index < len(self.plan.scheme.passes):
            source = self._source()
            try:
                if self.state.phase == "write":
                    if not self._write(source):
                        return False
                    self._turn("verify", self.state.index)
                if self.plan.reads_back(self.state.index) and not self._verify(source):
                    return False
            finally:
                source.wipe()
            self._turn("write", self.state.index + 1)
        return True

    def _source(self) -> Source:
        """The bytes of this pass, with the key that an earlier run began it with."""
        pass_ = self.plan.scheme.passes[self.state.index]
        key: bytearray | None = None
        if pass_.pattern is None:
            begun = self.state.next > 0 or self.state.phase == "verify"
            key = self.checkpoint.load_key() if begun and self.checkpoint else new_key()
            if not begun and self.checkpoint:
                self._first(lambda checkpoint: checkpoint.keep_key(key or bytearray()))
        self._first(lambda checkpoint: checkpoint.save(self.state))
        source = open_source(pass_, key=key)
        if key is not None:
            key[:] = bytes(len(key))
        return source

    def _first(self, act: t.Callable[[Checkpoint], None]) -> None:
        """Before a pass's first byte the checkpoint must be written."""
        if self.checkpoint is None:
            return
        try:
            act(self.checkpoint)
        except OSError as error:
            raise RefusedError(
                f"the checkpoint of {self.plan.device.name} cannot be written ({error.strerror}), so pass {self.state.index + 1} was not begun; "
                "make room for it and run again"
            ) from error

    def _turn(self, phase: str, index: int) -> None:
        """The next phase or pass; a pass that is over leaves its sums, and its key is wiped."""
        state = self.state
        state.phase, state.next = phase, 0
        if index == state.index:
            return
        state.index = index
        if index < len(self.plan.scheme.passes):
            state.earlier, state.sums = state.sums.worse(state.earlier), Sums()
        self._save()
        if self.checkpoint:
            self.checkpoint.drop_key()

    def _save(self) -> None:
        """Later on a checkpoint that cannot be written costs only time after a crash."""
        if self.checkpoint is None or self.flush_error:
            return
        try:
            self.checkpoint.save(self.state)
        except OSError as error:
            told = f"a checkpoint could not be written ({error.strerror})"
            if told not in self.limits:
                self.limits.append(told)

    def _stream(self, source: Source) -> Stream:
        device = self.plan.device
        # A drive that keeps larger sectors than it shows can replace a bad one only when all of it is written.
        step = max(device.logical, min(device.physical, STEP))
        return Stream(self.fd, source, 0, align=device.logical, step=step, pause=self.plan.pace)

    def _windows(self, ranges: t.Iterator[Range]) -> t.Iterator[list[Range]]:
        """Ranges that lie between two checkpoints: as many as the device takes in a few seconds."""
        window: list[Range] = []
        size = 0
        began = time.monotonic()
        for each in ranges:
            window.append(each)
            size += each[1] - each[0]
            if size >= self.window:
                yield window
                took = max(time.monotonic() - began, 0.001)
                self.window = min(max(int(size / took * INTERVAL), WINDOW[0]), WINDOW[1])
                window, size, began = [], 0, time.monotonic()
        if window:
            yield window

    def _told(self, total: int) -> None:
        state = self.state
        told = {"pass": state.index + 1, "passes": len(self.plan.scheme.passes), "phase": state.phase, "done": state.next, "total": total}
        self.plan.report(told)

    def _write(self, source: Source) -> bool:
        stream, state, size, body = self._stream(source), self.state, self.plan.device.size, self.plan.body

        def write(job: Range, buffers: Buffers) -> tuple[int, Tally]:
            tally = Tally()
            write_range(self.executor, stream, job[0], job[1], buffers, tally)
            return job[0], tally

        chunks = ((start, min(start + CHUNK, body)) for start in range(state.next, body, CHUNK))
        for window in self._windows(chunks):
            done = [tally for _start, tally in sorted(self.workers.run(window, write), key=lambda item: item[0])]
            for tally in done:
                state.sums.written.add(tally)
                self.moved += tally.bytes
            if _takes_no_more(done):
                return False
            self._flush()
            state.next = window[-1][1]
            self._save()
            self._told(size)
        if body < size:
            write_tail(self.executor, stream, (body, size), Buffers(), state.sums.written)
        self._flush()
        return True

    def _flush(self) -> None:
        try:
            self.executor.fsync(self.fd)
        except OSError as error:
            self.flush_error = self.flush_error or error.errno or errno.EIO

    def _verify(self, source: Source) -> bool:
        stream, state = self._stream(source), self.state
        problem = drop_buffers(self.executor, self.fd)
        if problem and problem not in self.limits:
            self.limits.append(problem)
        if drop_cached(self.facts.backing_files) and LIMIT_BACKING not in self.limits:
            self.limits.append(LIMIT_BACKING)

        def verify(job: Range, buffers: Buffers) -> tuple[int, Readback]:
            found = Readback()
            verify_range(stream, job[0], job[1], buffers, found)
            return job[0], found

        for window in self._windows(each for each in self.plan.drawn(state.seed) if each[0] >= state.next):
            done = [found for _start, found in sorted(self.workers.run(window, verify), key=lambda item: item[0])]
            for found in done:
                state.sums.verified_bytes += found.verified_bytes
                state.sums.differing.add(found.differing)
                state.sums.unread.add(found.unread)
            if _takes_no_more([found.unread for found in done]) and not any(found.verified_bytes for found in done):
                return False
            state.next = window[-1][1]
            self._save()
            self._told(self.plan.device.size)
        return True

    def finish(self, complete: bool) -> DeviceResult:
        """Look at the device once more, judge, and leave nothing behind that is not needed."""
        plan, device = self.plan, self.plan.device
        sums = self.state.sums.worse(self.state.earlier)
        to_verify = sum(end - start for start, end in plan.drawn(self.state.seed)) if plan.verify == "sample" else device.size
        seen = Observed(
            device.size,
            written=sums.written,
            verified_bytes=sums.verified_bytes,
            differing=sums.differing,
            unread=sums.unread,
            flush_error=self.flush_error,
            ineffective=recheck(self.fd, device) or self.facts.reason,
        )
        outcome, reason = judge(seen)
        partitions = reread_partitions(self.executor, self.fd, device)
        signatures = find_signatures(device)
        if complete and signatures and outcome == "destroyed" and plan.scheme.passes[-1].pattern is not None:
            outcome, reason = "unknown", f"a signature ({', '.join(signatures)}) is found on the device after it was overwritten"
        if plan.verify == "sample":
            self.limits.append(f"only a sample was read back: {to_verify} of {device.size} bytes, at random places")
        if complete and self.checkpoint:
            self._forget(self.checkpoint)
        spoilt = next((each for each in (sums.written, sums.differing, sums.unread) if each.bad_bytes), Tally())
        return DeviceResult(
            outcome=outcome,
            reason=reason,
            identity=device.identity,
            size=device.size,
            logical=device.logical,
            bytes=sums.written.bytes,
            moved=self.moved,
            verified_bytes=sums.verified_bytes,
            to_verify=to_verify if plan.verify != "none" else 0,
            passes=self.state.index if complete or self.state.phase == "write" else self.state.index + 1,
            verify=plan.verify,
            bad_lbas=tuple((start // device.logical, (start + length - 1) // device.logical) for start, length in spoilt.bad),
            bad_ranges=spoilt.bad_ranges,
            bad_bytes=spoilt.bad_bytes,
            limits=tuple(dict.fromkeys(self.limits)),
            signatures=signatures,
            partitions=partitions,
            resumed=self.resumed,
            stopped=not complete,
            asked=complete and as_asked(seen, plan.verify),
        )

    def _forget(self, checkpoint: Checkpoint) -> None:
        try:
            checkpoint.wipe()
        except OSError as error:
            self.limits.append(f"the checkpoint and its key could not be removed ({error.strerror})")


def _takes_no_more(done: t.Sequence[Tally]) -> bool:
    """Whether an error says more than that a block is bad, or nothing at all went well in a long stretch."""
    if any(tally.error not in (0, *BLOCK_ERRORS) for tally in done):
        return True
    return len(done) >= 8 and all(tally.bad_bytes and not tally.bytes for tally in done)
