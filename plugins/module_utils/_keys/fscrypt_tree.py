# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted directory's tree as it lies: how much it holds, a sample of its files, who has them open, and what else has the same key."""

from __future__ import annotations

import os
import random
import stat
import typing as t

from .._errors import RefusedError
from .._media.mounts import MountFacts
from .fscrypt_kernel import KernelPolicy, can_encrypt, opens, policy_of

__all__ = ["Elsewhere", "Tree", "elsewhere", "open_inodes", "read_tree", "require_unused", "try_files"]

SAMPLE = 16


class Tree(t.NamedTuple):
    """What a walk through an encrypted directory found.

    :arg files: regular files in it, C(size) their bytes.
    :arg sample: paths of some of them, chosen at random.
    :arg busy: paths of what a process has open.
    """

    files: int
    size: int
    sample: tuple[str, ...]
    busy: tuple[str, ...]


class Elsewhere(t.NamedTuple):
    """What else has the same key.

    :arg found: the topmost directories each; C(looked) how many were looked at.
    :arg partial: where filesystems are mounted of which only a part can be seen.
    """

    found: list[str]
    looked: int
    partial: list[str]


def read_tree(directory: str, opened: t.AbstractSet[int] = frozenset()) -> Tree:
    """Walk through it; what is mounted in it is another filesystem and left out.

    :arg opened: inodes of its filesystem that processes have open.
    :raises RefusedError: a part of it cannot be listed.
    """
    files = size = 0
    sample: list[str] = []
    busy = [directory] if os.lstat(directory).st_ino in opened else []
    chance = random.SystemRandom()
    for entry, facts in _entries(directory):
        if facts.st_ino in opened:
            busy.append(entry)
        if not stat.S_ISREG(facts.st_mode):
            continue
        files, size = files + 1, size + facts.st_size
        if len(sample) < SAMPLE:
            sample.append(entry)
        elif chance.randrange(files) < SAMPLE:
            sample[chance.randrange(SAMPLE)] = entry
    return Tree(files, size, tuple(sample), tuple(busy))


def require_unused(directories: t.Sequence[str], *, on_unseen: str, proc_root: str = "/proc") -> tuple[Tree, list[str]]:
    """The first directory's tree with all that the others hold, and the processes that could not be looked at.

    :raises RefusedError: something in one of them is open, or may be.
    """
    trees: list[Tree] = []
    missed: list[str] = []
    for directory in directories:
        opened, unseen = open_inodes(os.lstat(directory).st_dev, proc_root=proc_root)
        if unseen and on_unseen != "report":
            raise RefusedError(
                f"{directory} was not touched because whether {unseen[0]} has something in it open cannot be determined, which counts as in use; "
                "run with the right to look at every process, or give on_unseen: report"
            )
        missed.extend(unseen)
        tree = read_tree(directory, opened.keys())
        if tree.busy:
            process = opened[os.lstat(tree.busy[0]).st_ino]
            raise RefusedError(
                f"{len(tree.busy)} files or directories in {directory} are in use, one of them by {process}, so nothing was done; "
                "stop what uses them, and run again"
            )
        trees.append(tree)
    return trees[0]._replace(files=sum(tree.files for tree in trees), size=sum(tree.size for tree in trees)), list(dict.fromkeys(missed))


def _entries(directory: str) -> t.Iterator[tuple[str, os.stat_result]]:
    device = os.lstat(directory).st_dev
    waiting = [directory]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(below) as listed:
                found = [(entry.path, entry.stat(follow_symlinks=False)) for entry in listed]
        except OSError as error:
            raise RefusedError(f"{below} cannot be listed ({error.strerror}), so nothing was done") from error
        for path, facts in found:
            if facts.st_dev == device:
                yield path, facts
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(path)


def try_files(directory: str, inodes: t.AbstractSet[int]) -> dict[int, int]:
    """For each of some files, found by their inodes since their names change with the key, what C(opens) says."""
    return {facts.st_ino: opens(path) for path, facts in _entries(directory) if facts.st_ino in inodes}


def elsewhere(policy: KernelPolicy, directory: str, mounts: t.Mapping[int, t.Sequence[MountFacts]]) -> Elsewhere:
    """Directories with the same key that do not lie in this one.

    :arg mounts: of the filesystems that are looked at, by their numbers.
    :raises RefusedError: one cannot be looked at, so that it may have the key.
    """
    facts = os.lstat(directory)
    found: list[str] = []
    looked, partial = 0, []
    for device, here in mounts.items():
        reached = [mount for mount in here if _is_of(mount.point, device)]
        if reached and device != facts.st_dev and not _may_encrypt(reached[0].point):
            continue
        if not any(mount.root == "/" for mount in reached):
            partial.append(here[0].point if here else directory)
        seen = {facts.st_ino} if device == facts.st_dev else set()
        before = len(seen)
        found.extend(_topmost(policy, device, [mount.point for mount in reached], seen))
        looked += len(seen) - before
    return Elsewhere(found, looked, partial)


def _is_of(point: str, device: int) -> bool:
    """Whether a mount can be seen, and nothing else is mounted over it; files can be mounted too, and have nothing in them."""
    try:
        facts = os.lstat(point)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unseen(point, error) from error
    return facts.st_dev == device and stat.S_ISDIR(facts.st_mode)


def _may_encrypt(point: str) -> bool:
    try:
        fd = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unseen(point, error) from error
    try:
        return can_encrypt(fd)
    finally:
        os.close(fd)


def _unseen(place: str, error: OSError) -> RefusedError:
    return RefusedError(
        f"whether {place} has the same key cannot be looked at ({error.strerror}), so nothing was done; it may be used by what it holds"
    )


def _topmost(policy: KernelPolicy, device: int, points: t.Sequence[str], seen: set[int]) -> t.Iterator[str]:
    """Those of one filesystem.

    :arg seen: inodes of directories that are looked at no more; all that are looked at are added.
    """
    waiting = list(reversed(points))
    while waiting:
        place = waiting.pop()
        try:
            facts = os.lstat(place)
            if facts.st_dev != device or facts.st_ino in seen:
                continue
            seen.add(facts.st_ino)
            if _has(place, policy):
                yield place
                continue
            with os.scandir(place) as listed:
                waiting.extend(entry.path for entry in listed if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            # Removed meanwhile, with all that it held.
            continue
        except OSError as error:
            raise _unseen(place, error) from error


def _has(place: str, policy: KernelPolicy) -> bool:
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = policy_of(fd)
    except RefusedError:
        # A policy of another version has no key of this one's.
        return False
    finally:
        os.close(fd)
    return found is not None and found.identifier == policy.identifier


def open_inodes(device: int, *, proc_root: str = "/proc") -> tuple[dict[int, str], list[str]]:
    """What processes have open on a filesystem, by the inode with the process; and the processes that could not be looked at."""
    found: dict[int, str] = {}
    unseen: list[str] = []
    own = str(os.getpid())
    for pid in sorted(os.listdir(proc_root)):
        if not pid.isdigit() or pid == own:
            continue
        try:
            held = _held(os.path.join(proc_root, pid), device)
        except OSError:
            unseen.append(f"process {pid}")
            continue
        found.update((inode, f"process {pid}") for inode in held)
    return found, unseen


def _held(process: str, device: int) -> set[int]:
    """Descriptors, working and root directories, and mapped files.

    :raises OSError: it cannot be looked at.
    """
    found: set[int] = set()
    try:
        paths = [os.path.join(process, "fd", name) for name in os.listdir(os.path.join(process, "fd"))]
        with open(os.path.join(process, "maps"), encoding="utf-8", errors="surrogateescape") as handle:
            rows = [line.split(None, 5) for line in handle]
    except (FileNotFoundError, ProcessLookupError):
        return found
    number = f"{os.major(device):02x}:{os.minor(device):02x}"
    found.update(int(row[4]) for row in rows if len(row) > 4 and row[3] == number)
    for path in (*paths, os.path.join(process, "cwd"), os.path.join(process, "root")):
        try:
            facts = os.stat(path)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            raise
        except OSError:
            continue
        if facts.st_dev == device:
            found.add(facts.st_ino)
    return found
