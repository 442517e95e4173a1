# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a git repository: one commit for each run, on a branch that only grows."""

from __future__ import annotations

import datetime as dt
import errno
import functools
import glob
import os
import re
import subprocess
import tempfile
import typing as t

from ..module_utils._errors import RefusedError
from ..module_utils._evidence.clock import utc_now
from ..module_utils._executor import Executor
from ._store import CHUNK, ROOMS, Held, Item, Store, Unit, stream_digest, worded

__all__ = ["GitStore"]

_SECONDS = 3600
_WHO = "recordings.disposal <evidence@recordings.disposal>"
_KEPT = {"receive.denyNonFastForwards": "true", "receive.denyDeletes": "true"}
_MODE = "100644"
_BRANCH = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"


class GitStore(Store):
    kind: t.ClassVar[str] = "git"

    def __init__(self, executor: Executor, *, path: str, branch: str = "evidence") -> None:
        super().__init__(executor)
        if not re.fullmatch(_BRANCH, branch):
            raise RefusedError("store.branch is no simple name of a branch, such as evidence, so nothing was done; correct it")
        self.path, self.branch = path, f"refs/heads/{branch}"
        self._stored = f"refs/recordings-disposal/{branch}"
        self.place = f"the git repository {path}"

    def describe(self) -> dict[str, t.Any]:
        return {"kind": self.kind, "path": self.path, "branch": self.branch, "commit": self._tip(self.branch) if self._there() else None}

    def _there(self) -> bool:
        return os.path.lexists(self.path) and bool(os.listdir(self.path))

    def _environment(self) -> dict[str, str]:
        """No configuration but the repository's own: no hook, signature or filter of whoever runs this."""
        path = os.environ.get("PATH") or os.defpath
        fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
        return {"PATH": path, "LC_ALL": "C", "TZ": "UTC0", "HOME": "/nonexistent", **fixed}

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-c", "core.hooksPath=/dev/null", f"--git-dir={self.path}", *arguments]

    def _git(self, *arguments: str, data: bytes = b"", accept: t.Collection[int] = (0,)) -> subprocess.CompletedProcess[bytes]:
        try:
            done = subprocess.run(
                self._command(*arguments), input=data, capture_output=True, env=self._environment(), timeout=_SECONDS, check=False
            )
        except FileNotFoundError as error:
            raise RefusedError("git is missing on the controller, so nothing was done; install the package git") from error
        except subprocess.TimeoutExpired as error:
            raise RefusedError(f"git {arguments[0]} did not end within {_SECONDS} seconds; look what holds it up") from error
        if done.returncode not in accept:
            raise self._failed(arguments[0], done.stderr)
        return done

    def _failed(self, what: str, said: bytes) -> RefusedError:
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        told = next((line for line in lines if re.match("(?:fatal|error):", line)), lines[-1] if lines else "no reason is given")
        # Git has words of its own for a disk that is full.
        said_all = "\n".join(lines).replace("Out of diskspace", os.strerror(errno.ENOSPC))
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            if os.strerror(number) in said_all:
                return worded(OSError(number, os.strerror(number)), self.place)
        return RefusedError(f"{self.place} cannot be used: git {what} says {told[:300]!r}; repair that, and run again")

    def _tip(self, ref: str) -> str | None:
        done = self._git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", accept=(0, 1))
        return done.stdout.decode("ascii").strip() or None

    def check(self) -> list[str]:
        if not self._there():
            return []
        if not os.path.isfile(os.path.join(self.path, "HEAD")) or self._git("rev-parse", "--is-bare-repository").stdout.strip() != b"true":
            raise RefusedError(
                f"{self.path} is no bare git repository, so nothing was done; name one, or a directory that is not there yet"
            )
        for name, wanted in _KEPT.items():
            if self._git("config", "--type=bool", "--get", name, accept=(0, 1)).stdout.decode().strip() != wanted:
                how = f"git --git-dir={self.path} config {name} {wanted}"
                raise RefusedError(f"{self.place} lets its history be rewritten ({name} is not set), so nothing was done; run: {how}")
        tip, stored = self._tip(self.branch), self._tip(self._stored)
        if stored is not None and (tip is None or self._git("merge-base", "--is-ancestor", stored, tip, accept=(0, 1)).returncode):
            raise RefusedError(
                f"the branch {self.branch} of {self.place} was rewritten: {stored[:12]}, which was stored, is no longer in its history, so nothing "
                "was done; find out who did that, and put the branch back from a copy"
            )
        strange = sorted({name.partition("/")[0] for name in self._tree()} - set(ROOMS)) if tip else []
        if strange:
            raise RefusedError(
                f"the branch {self.branch} of {self.place} holds {strange[0]!a}, which is not of a store; name another branch"
            )
        return ["Its branch only grew since it was stored last, and takes no push that would rewrite it.", *self._fsck()]

    def _fsck(self) -> list[str]:
        done = self._git("fsck", "--full", "--strict", "--no-dangling", "--no-progress", accept=range(256))
        if done.returncode:
            told = (done.stdout + done.stderr).decode("utf-8", "replace").split("\n")[0][:300]
            raise RefusedError(f"{self.place} is damaged: git fsck says {told!r}; put it back from a copy")
        return ["git fsck finds every object whole."]

    def make(self) -> bool:
        return not self._there()

    def opened(self) -> None:
        if self._there():
            return
        try:
            self.executor.makedirs(self.path)
        except OSError as error:
            raise worded(error, self.place) from error
        name = self.branch.rpartition("/")[2]
        self.executor.call(f"make {self.place}", lambda: self._git("init", "--quiet", "--bare", "--template=", f"--initial-branch={name}"))
        for key, value in {**_KEPT, "gc.auto": "0", "core.logAllRefUpdates": "true"}.items():
            self.executor.call(f"configure {self.place}", functools.partial(self._git, "config", key, value))

    def _tree(self) -> dict[str, tuple[str, str, int]]:
        """By name, mode, object and size of all that the branch has."""
        if not self._there() or self._tip(self.branch) is None:
            return {}
        found = {}
        for line in self._git("ls-tree", "-r", "-z", "-l", "--full-tree", self.branch).stdout.split(b"\0"):
            if line:
                facts, _tab, name = line.partition(b"\t")
                mode, _kind, mark, size = facts.decode("ascii").split()
                found[name.decode("utf-8", "replace")] = (mode, mark, int(size) if size.isdigit() else 0)
        return found

    def held(self) -> dict[str, Held]:
        return {
            name: Held(size, "" if mode == _MODE else f"has the mode {mode}", mark=mark)
            for name, (mode, mark, size) in self._tree().items()
        }

    def digests(self, names: t.Collection[str]) -> dict[str, str]:
        marks = {name: held.mark for name, held in self.held().items() if name in names}
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{mark}\n" for mark in marks.values()).encode("ascii"))
            asked.seek(0)
            with subprocess.Popen(
                self._command("cat-file", "--batch"),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
            ) as process:
                output = t.cast("t.IO[bytes]", process.stdout)
                found = {name: self._next(output, name) for name in marks}
        return found

    def _next(self, output: t.IO[bytes], name: str) -> str:
        header = output.readline().split()
        if len(header) != 3:
            raise RefusedError(f"{name} cannot be read from {self.place}; run git fsck there, and put it back from a copy")
        left = int(header[2])

        def chunks() -> t.Iterator[bytes]:
            nonlocal left
            while left:
                chunk = output.read(min(left, CHUNK))
                if not chunk:
                    raise RefusedError(f"{name} ends too early in {self.place}; run git fsck there, and put it back from a copy")
                left -= len(chunk)
                yield chunk

        digest = stream_digest(chunks())[0]
        output.read(1)
        return digest

    def read(self, name: str) -> bytes:
        return self._git("cat-file", "blob", f"{self.branch}:{name}").stdout

    def put(self, unit: Unit, items: t.Sequence[Item], until: dt.datetime) -> None:
        before = set(self._leftovers())
        self.executor.call(f"commit to {self.place}", lambda: self._import(unit, items, before))

    def _leftovers(self) -> list[str]:
        return glob.glob(f"{glob.escape(self.path)}/objects/pack/tmp_*") + glob.glob(f"{glob.escape(self.path)}/fast_import_crash_*")

    def _import(self, unit: Unit, items: t.Sequence[Item], before: t.Collection[str]) -> None:
        """One commit by C(git fast-import), which takes all of it or nothing, and never moves a branch back."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command("fast-import", "--quiet", "--done", "--date-format=raw"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=self._environment(),
            )
            entrance = t.cast("t.IO[bytes]", process.stdin)
            broken: OSError | None = None
            try:
                try:
                    for chunk in self._stream(unit, items):
                        entrance.write(chunk)
                finally:
                    entrance.close()
            except BrokenPipeError:
                pass
            except OSError as error:
                broken = error
            code = process.wait()
            if code or broken:
                for path in set(self._leftovers()) - set(before):
                    os.unlink(path)
                if broken:
                    raise worded(broken, self.place) from broken
                errors.seek(0)
                raise self._failed("fast-import", errors.read())

    def _stream(self, unit: Unit, items: t.Sequence[Item]) -> t.Iterator[bytes]:
        moment = int(utc_now().timestamp())
        message = f"evidence: {unit.title}\n".encode()
        head = f"feature done\ncommit {self.branch}\ncommitter {_WHO} {moment} +0000\ndata {len(message)}\n".encode()
        yield head + message
        if self._tip(self.branch) is not None:
            yield f"from {self.branch}^0\n".encode()
        for item in items:
            yield f'M {_MODE} inline "{item.name}"\ndata {item.size}\n'.encode()
            yield from item.chunks()
            yield b"\n"
        yield f"reset {self._stored}\nfrom {self.branch}\n\ndone\n".encode()

    def remove(self, names: t.Collection[str]) -> None:
        raise RefusedError(
            f"{self.place} keeps in its history whatever was in it, so nothing was removed; where evidence has to go, use a store of another kind, "
            "or make a new repository of what is kept, and destroy this one"
        )
