# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotate journals of runs that are over and sealed: pack one where it lies, later take it off the host.

Nothing is done on the strength of a name or of what somebody says alone. The journal must have the very bytes that a statement sealed, be
whole and ended, and lie by itself in a directory that nobody else can write. A packed one is read back before the journal goes, and that
one goes is announced in C(rotated.jsonl), on stable storage, before. Cut off anywhere, the next call goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import io
import os
import re
import stat
import typing as t
import zlib

from .._errors import DisposalError, EvidenceError, RefusedError
from .._executor import Executor
from .chain import ChainReader, ChainWriter, Record
from .clock import parse_time, time_text, utc_now
from .journal import JournalState, require_time
from .rotated import JOURNAL, PACKED, RotatedAway, Unpacked, journal_opened, line_of, read_rotated, rotated_path

__all__ = ["Ages", "KeptError", "Rotator", "Sealed"]

RUN_NAME = re.compile("[0-9a-f]{16}", re.ASCII)
_HALF = f"{PACKED}.tmp"
_CHUNK = 1 << 18
# Of a clock that was set back a little nothing follows.
_TOLERANCE = 300
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class KeptError(Exception):
    """Why a journal stays as it is, as the end of a sentence on it."""


@dataclasses.dataclass(frozen=True)
class Sealed:
    """What a statement says of a journal; C(run) is the run's name on the host, C(plan) the one on the controller."""

    run: str
    plan: str
    host: str
    manifest: str
    journal: str
    records: int
    head: str
    statement: str

    @classmethod
    def of(cls, told: t.Mapping[str, t.Any]) -> Sealed:
        """:raises RefusedError: a field is missing or of another kind, or the run's name is none."""
        kinds = {field.name: int if field.name == "records" else str for field in dataclasses.fields(cls)}
        good = all(told.get(name).__class__ is kind and told[name] for name, kind in kinds.items())
        if not good or not RUN_NAME.fullmatch(told["run"]):
            raise RefusedError(f"sealed: {str(dict(told))[:200]} is not what the controller tells of a sealed journal, so nothing was done")
        return cls(**{name: told[name] for name in kinds})


@dataclasses.dataclass(frozen=True)
class Ages:
    """C(pack) and C(remove) say of a time, in seconds since 1970, whether what was last written then is old enough C(now)."""

    now: int
    pack: t.Callable[[int], bool]
    remove: t.Callable[[int], bool]

    def require_past(self, moment: float) -> None:
        """:raises KeptError: it is yet to come, so nobody knows how old the journal is."""
        if moment > self.now + _TOLERANCE:
            raise KeptError("bears a time that is yet to come, so its age cannot be told; look at the clock")


@dataclasses.dataclass
class _Found:
    """A journal, open and locked: C(name) of its file, C(bytes) what it holds, C(file) where that is read."""

    name: str
    facts: os.stat_result
    file: t.BinaryIO


class Rotator:
    """Rotates below one state directory, whose lock the caller holds."""

    def __init__(self, state_dir: str, executor: Executor, ages: Ages, *, check_mode: bool) -> None:
        self.state_dir = state_dir
        self.runs = os.path.join(state_dir, "runs")
        self.freed = 0
        self._executor = executor
        self._ages = ages
        self._check_mode = check_mode

    def candidates(self) -> list[str]:
        """Runs of plans whose journals look as if they were old enough; only the file's time and the first record are looked at."""
        return [name for name in self._names() if self._is_candidate(name)]

    def unfinished(self) -> list[RotatedAway]:
        """Journals that were announced to go and did not go altogether."""
        known = read_rotated(self.state_dir)
        return [known[name] for name in self._names() if name in known]

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.runs) if RUN_NAME.fullmatch(name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DisposalError(f"the runs {self.runs} cannot be listed ({error.strerror}); repair that and run again") from error

    def _is_candidate(self, name: str) -> bool:
        return self._looks_old(name) and self._is_of_a_plan(name)

    def _is_of_a_plan(self, name: str) -> bool:
        """Whether the run carried out a manifest, as far as that can be told; no statement seals another one."""
        with contextlib.suppress(DisposalError, OSError):
            file, shown = journal_opened(os.path.join(self.runs, name, JOURNAL))
            with file:
                return next(iter(ChainReader(file, shown)), {}).get("manifest") is not None
        return True

    def _looks_old(self, name: str) -> bool:
        for file, due in ((JOURNAL, self._ages.pack), (PACKED, self._ages.remove)):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                moment = os.lstat(os.path.join(self.runs, name, file)).st_mtime
                return due(int(moment)) or moment > self._ages.now + _TOLERANCE
        return False

    def finish(self, line: RotatedAway) -> None:
        """Take away a journal that was announced to go.

        :raises KeptError: what lies there is not that one.
        :raises OSError: it cannot be removed.
        """
        with self._directory(line.run) as (runs_fd, fd):
            for name in self._names_in(fd) - {_HALF}:
                with self._opened(fd, name) as found:
                    if _digest(found.file) != line.journal:
                        raise KeptError(f"was taken off at {line.time}, and another one lies there since; find out who put it there")
            self._take_away(line.run, runs_fd, fd)

    def rotate(self, sealed: Sealed) -> str:
        """What was done to a run's journal, or would be in check mode: C(compressed), C(removed), or nothing, then empty.

        :raises KeptError: something speaks against it, and nothing was changed.
        :raises OSError: it cannot be written or removed.
        :raises DisposalError: that it goes cannot be announced.
        """
        with self._directory(sealed.run) as (runs_fd, fd):
            names = self._names_in(fd) - {_HALF}
            if not names:
                raise KeptError("is missing, and nothing tells that it was rotated; look who removed it")
            with contextlib.ExitStack() as stack:
                found = [stack.enter_context(self._opened(fd, name)) for name in sorted(names)]
                last = [self._verified(each, sealed) for each in found][0]
                moment = max(parse_time(last).timestamp(), *(each.facts.st_mtime for each in found))
                self._ages.require_past(moment)
                if self._ages.remove(int(moment)):
                    self._remove(sealed, found[0], last, runs_fd, fd)
                    return "removed"
                if found[0].name == JOURNAL and self._ages.pack(int(moment)):
                    self._pack(fd, found[0], sealed, packed=len(found) > 1)
                    return "compressed"
        return ""

    @contextlib.contextmanager
    def _directory(self, run: str) -> t.Iterator[tuple[int, int]]:
        """Descriptors of C(runs) and of the run's directory in it, both nobody else's."""
        with contextlib.ExitStack() as stack:
            fds: list[int] = []
            for name, within in ((self.runs, None), (run, 0)):
                try:
                    fd = os.open(name, _DIRECTORY, dir_fd=None if within is None else fds[within])
                except FileNotFoundError as error:
                    raise KeptError("is missing with its directory, and nothing tells that it was rotated; look who removed it") from error
                except OSError as error:
                    raise KeptError(
                        f"lies below {name}, which is no directory of its own ({error.strerror}); look what put it there"
                    ) from error
                stack.callback(os.close, fd)
                facts = os.fstat(fd)
                if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                    raise KeptError(f"lies below {name}, which others can write; look what they did, and close it")
                fds.append(fd)
            yield fds[0], fds[1]

    @staticmethod
    def _names_in(fd: int) -> set[str]:
        names = set(os.listdir(fd))
        others = sorted(names - {JOURNAL, PACKED, _HALF})
        if others:
            raise KeptError(f"does not lie by itself: {others[0][:100]!r} is there too, which this run did not need")
        return names

    @contextlib.contextmanager
    def _opened(self, dir_fd: int, name: str) -> t.Iterator[_Found]:
        try:
            fd = os.open(name, _FILE, dir_fd=dir_fd)
        except OSError as error:
            raise KeptError(f"cannot be opened as {name}, or is a link ({error.strerror}); look what put it there") from error
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, fd)
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_uid != os.geteuid():
                raise KeptError(f"is not a regular file of its own ({name}); look what put it there")
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise KeptError("is being written by another process") from error
            raw = stack.enter_context(open(fd, "rb", buffering=_CHUNK, closefd=False))
            if name == PACKED:
                raw = stack.enter_context(io.BufferedReader(Unpacked(raw), _CHUNK))
            yield _Found(name, facts, raw)

    @staticmethod
    def _verified(found: _Found, sealed: Sealed) -> str:
        """The last time that a journal tells, which is exactly the one that was sealed, and ended."""
        reader = ChainReader(found.file, found.name)
        state = JournalState(found.name)
        last = ""
        try:
            for record in reader:
                require_time(record, reader)
                state.apply(record)
                last = max(last, record["time"])
        except EvidenceError as error:
            raise KeptError(f"is not what was sealed: {error.message}") from error
        opening = state.opening or {}
        if (reader.file_digest, reader.count, reader.head) != (sealed.journal, sealed.records, sealed.head):
            raise KeptError(
                f"is not the one that the statement {sealed.statement} sealed, so it was changed or went on since; fetch it and seal the run again, "
                "or find out who changed it"
            )
        for name in ("run", "host", "manifest"):
            if opening.get(name) != getattr(sealed, name):
                raise KeptError(f"names the {name} {opening.get(name)!r}, not {getattr(sealed, name)!r}; it is another run's")
        if not state.closed:
            raise KeptError("has no end, so its run is to be gone on with")
        return last

    def _pack(self, fd: int, found: _Found, sealed: Sealed, *, packed: bool) -> None:
        """Put the packed journal in the place of the journal; a packed one that is there already was verified."""
        if self._check_mode:
            return
        size = found.facts.st_size
        if not packed:
            self._write_packed(fd, found, sealed)
        self._require_same(fd, found)
        self._executor.unlink(JOURNAL, dir_fd=fd)
        self._executor.sync_directory(fd)
        self.freed += size - os.stat(PACKED, dir_fd=fd, follow_symlinks=False).st_size

    def _write_packed(self, fd: int, found: _Found, sealed: Sealed) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._executor.unlink(_HALF, dir_fd=fd)
        out = self._executor.open(_HALF, os.O_RDWR | os.O_CREAT | os.O_EXCL, dir_fd=fd)
        try:
            # Of gzip's form, without name and time, so that the same journal gives the same bytes.
            pack = zlib.compressobj(6, zlib.DEFLATED, 31)
            found.file.seek(0)
            while chunk := found.file.read(_CHUNK):
                self._executor.write(out, pack.compress(chunk))
            self._executor.write(out, pack.flush())
            self._executor.set_facts(out, found.facts)
            self._executor.fsync(out)
            os.posix_fadvise(out, 0, 0, os.POSIX_FADV_DONTNEED)
            os.lseek(out, 0, os.SEEK_SET)
            with open(out, "rb", closefd=False) as raw, io.BufferedReader(Unpacked(raw), _CHUNK) as written:
                if _digest(written) != sealed.journal:
                    raise KeptError("reads otherwise once it is compressed; look at the disk")
            self._executor.rename(_HALF, PACKED, src_dir_fd=fd, dst_dir_fd=fd)
        except BaseException:
            with contextlib.suppress(OSError):
                self._executor.unlink(_HALF, dir_fd=fd)
            raise
        finally:
            os.close(out)
        self._executor.sync_directory(fd)

    @staticmethod
    def _require_same(fd: int, found: _Found) -> None:
        """:raises KeptError: the name leads to another file than the one that was read, or that was written meanwhile."""
        now = os.stat(found.name, dir_fd=fd, follow_symlinks=False)
        if any(getattr(now, key) != getattr(found.facts, key) for key in ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")):
            raise KeptError("was replaced or written while it was read; look who does that")

    def _remove(self, sealed: Sealed, found: _Found, last: str, runs_fd: int, fd: int) -> None:
        if self._check_mode:
            return
        line = RotatedAway(
            **{name: getattr(sealed, name) for name in ("run", "plan", "host", "journal", "records", "head", "statement")},
            bytes=found.file.seek(0, os.SEEK_END),
            ended=last,
            time=time_text(utc_now()),
        )
        path = rotated_path(self.state_dir)
        self._require_same(fd, found)

        def check(record: Record) -> None:
            line_of(record, path)

        with ChainWriter(path, executor=self._executor, fold=check) as writer:
            writer.put(line.record())
            writer.sync()
        self._take_away(sealed.run, runs_fd, fd)

    def _take_away(self, run: str, runs_fd: int, fd: int) -> None:
        if self._check_mode:
            return
        # The journal last: whoever is cut off here finds it, and what lies there is the same.
        for name in (_HALF, PACKED, JOURNAL):
            with contextlib.suppress(FileNotFoundError):
                size = os.stat(name, dir_fd=fd, follow_symlinks=False).st_size
                self._executor.unlink(name, dir_fd=fd)
                self.freed += size
        self._executor.sync_directory(fd)
        self._executor.rmdir(run, dir_fd=runs_fd)
        self._executor.sync_directory(runs_fd)


def _digest(file: t.BinaryIO) -> str:
    total = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        total.update(chunk)
    return f"sha256:{total.hexdigest()}"
