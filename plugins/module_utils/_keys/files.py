# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold a key or a copy of what holds it: destroyed by the overwrite engine, each named by its absolute path."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._erasure.files import overwrite_batch, why_ineffective
from .._erasure.filesystem import FilesystemFacts, FilesystemProbe
from .._erasure.names import remove, scrub_names, sync_directories, unscrub
from .._erasure.outcomes import FileResult
from .._erasure.schemes import find_scheme
from .._erasure.targets import Expected, OpenTarget, TargetRefusedError, look_at, open_target, refusal_of
from .._errors import DisposalError, RefusedError
from .._executor import Executor

__all__ = [
    "assess_file",
    "destroy_file",
    "destroy_noted",
    "facts_of",
    "inode_of",
    "mode_of",
    "proven_in",
    "require_destroyable",
    "require_plain",
]

_SCHEME = "random"


def require_plain(path: str, what: str) -> None:
    """:raises RefusedError: the path of C(what) is not absolute, or leads through a link."""
    if not os.path.isabs(path):
        raise RefusedError(f"{what} {path} is not an absolute path, so nothing was done; write it out")
    if os.path.realpath(path) != os.path.normpath(path):
        raise RefusedError(f"{what} {path} is or lies behind a symbolic link, so nothing was done; name the real one")


def _expected(path: str) -> Expected:
    facts = os.lstat(path)
    return Expected(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@contextlib.contextmanager
def _below_root(path: str) -> t.Iterator[tuple[int, str]]:
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root, os.path.normpath(path).lstrip("/")
    finally:
        os.close(root)


def require_destroyable(path: str, what: str) -> None:
    """Nothing, where the file can be overwritten and its name removed; reads only.

    :raises RefusedError: it cannot, or overwriting it would prove nothing.
    """
    require_plain(path, what)
    try:
        with _below_root(path) as below, look_at(*below, _expected(path)) as target:
            problem = why_ineffective([target])[0]
    except OSError as error:
        raise RefusedError(f"{what} {path} cannot be destroyed ({refusal_of(error).message}), so nothing was done") from error
    except RefusedError as error:
        raise RefusedError(f"{what} {path} cannot be destroyed ({error.message}), so nothing was done") from error
    if problem:
        raise RefusedError(
            f"{what} {path} cannot be destroyed by overwriting it ({problem}), so nothing was done; destroy the medium that holds it"
        )


def assess_file(path: str) -> FilesystemFacts:
    """What is known of the filesystem under a file.

    :raises OSError: the file cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return FilesystemProbe().assess(fd)
    finally:
        os.close(fd)


def facts_of(path: str) -> dict[str, t.Any]:
    """What recognises a file, for C(destroy_file) after an interruption too, which may have changed its time."""
    facts = os.lstat(path)
    return {"path": path, "dev": facts.st_dev, "ino": facts.st_ino, "size": facts.st_size}


def inode_of(path: str) -> list[tuple[int, int]]:
    """Device and inode of what a path leads to; none where that is nothing."""
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [(facts.st_dev, facts.st_ino)]


def mode_of(path: str) -> int:
    """Of what a path leads to, 0 where that is nothing."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def destroy_file(
    executor: Executor, facts: t.Mapping[str, t.Any], *, proven: t.Callable[[str], None] = lambda _aside: None
) -> FileResult | None:
    """Overwrite a file with noise, read it back, remove its name; C(None) where nothing has that name any more.

    :arg facts: what C(facts_of) gave.
    :arg proven: called once it is overwritten, with the name that it has for an instant before that goes too.
    :raises DisposalError: it is not what it was, or its name could not be removed.
    """
    path = facts["path"]
    if not os.path.lexists(path):
        return None
    expected = Expected(facts["dev"], facts["ino"], facts["size"], None)
    try:
        with _below_root(path) as below, open_target(executor, *below, expected) as target:
            result = overwrite_batch(executor, [target], find_scheme(_SCHEME))[0]
            if result.outcome == "destroyed":
                target.require_as_left()
                aside = f".{os.urandom(8).hex()}"
                proven(aside)
                _remove(executor, target, below, aside)
    except RefusedError as error:
        raise DisposalError(f"{path} could not be destroyed and removed ({error.message}); look at it, and run again") from error
    return result


def proven_in(steps: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> dict[str, str]:
    """The files that an earlier run has noted as overwritten, each with its other name.

    :arg steps: of that run, by name and what was told.
    """
    return {told["file"]: told["aside"] for step, told in steps if step == "overwritten" and "file" in told}


def destroy_noted(
    executor: Executor,
    facts: t.Mapping[str, t.Any],
    what: str,
    note: t.Callable[[str, t.Mapping[str, t.Any]], None],
    proven: t.Mapping[str, str],
) -> None:
    """The same, each step kept before it is taken; a file that is gone counts only where it was seen to be overwritten.

    :arg proven: paths of which an interrupted run has noted that, each with its other name.
    :raises DisposalError: it was not destroyed, or is not known to be.
    """
    path = facts["path"]
    if path in proven:
        _restore(executor, facts, proven[path])
    note("overwriting", {"file": path})
    result = destroy_file(executor, facts, proven=lambda aside: note("overwritten", {"file": path, "aside": aside}))
    if result is None and path not in proven:
        raise DisposalError(
            f"{what} {path} is not there any more and was not seen to be overwritten, so it may be elsewhere; put it back and run again",
            details={"outcome": "unknown"},
        )
    if result is None:
        note("overwritten", {"file": path, "aside": proven[path]})
    elif result.outcome != "destroyed":
        raise DisposalError(
            f"{what} {path} was not destroyed: {result.reason}; destroy the medium that holds it", details={"outcome": result.outcome}
        )


def _restore(executor: Executor, facts: t.Mapping[str, t.Any], aside: str) -> None:
    """Give a file the name back that an interrupted run had taken from it: whether it still is what was read back then is not known.

    :raises DisposalError: something else has the name.
    """
    path = facts["path"]
    try:
        with _below_root(path) as below:
            unscrub(executor, *below, aside, (facts["dev"], facts["ino"]))
    except OSError as error:
        raise DisposalError(
            f"{path} was overwritten, and its other name {aside} could not be taken back ({error.strerror}); look at its directory"
        ) from error


def _remove(executor: Executor, target: OpenTarget, below: tuple[int, str], aside: str) -> None:
    """:raises TargetRefusedError: it is not what it was, or somebody uses it; it has its name then.
    :raises DisposalError: its name may come back."""
    root, path = below
    try:
        try:
            scrub_names(executor, target, [aside])
            remove(executor, target)
        except TargetRefusedError:
            target.release()
            # Whoever takes it up again gives it back as well: why it stays is what is to be told.
            with contextlib.suppress(OSError):
                unscrub(executor, root, path, aside, target.identity)
            raise
        sync_directories(executor, [dir_fd for dir_fd, _name in target.names])
    except OSError as error:
        raise DisposalError(
            f"/{path} was overwritten, but the removal of its name may not last ({error.strerror}); look at its filesystem"
        ) from error
