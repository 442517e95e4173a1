# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a task names, without policy and plan: listed, looked at as a whole, and then as rows that a C(Destroyer) takes."""

from __future__ import annotations

import dataclasses
import hmac
import os
import stat
import typing as t

from .._erasure.files import why_ineffective
from .._erasure.filesystem import FilesystemProbe
from .._erasure.targets import Expected, TargetRefusedError, look_at
from .._errors import RefusedError
from .._evidence.canonical import canonical
from .._recordings.walk import mount_of, open_root, opened_below, walk
from .._retention.rows import FORMAT
from .manner import Manner

__all__ = ["SOURCE", "Listing", "encode_rows", "list_paths", "refuse_unfit"]

SOURCE = "paths"
_TOLD = 3


@dataclasses.dataclass
class Listing:
    """What the given paths hold.

    :ivar files: by root and then by (device, inode) the names below the root, in order, with what C(lstat) says.
    :ivar directories: directories that were given or lie in such, below their root, deepest last.
    :ivar passed_over: what is neither file nor directory, by kind.
    """

    files: dict[str, dict[tuple[int, int], tuple[os.stat_result, list[str]]]] = dataclasses.field(default_factory=dict)
    directories: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    passed_over: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(files) for files in self.files.values())

    def add(self, root: str, path: str, facts: os.stat_result) -> None:
        names = self.files.setdefault(root, {}).setdefault((facts.st_dev, facts.st_ino), (facts, []))[1]
        if path not in names:
            names.append(path)


def _below(path: str, roots: t.Sequence[str]) -> tuple[str, str]:
    """The root that a path lies in, and the rest of it.

    :raises RefusedError: none.
    """
    if not os.path.isabs(path) or os.path.normpath(path) != path.rstrip("/"):
        raise RefusedError(f"the path {path!r} is not absolute and plain (no . or .., no empty part), so nothing was done; write it out")
    path = path.rstrip("/")
    for root in sorted(roots, key=len, reverse=True):
        if path.startswith(root.rstrip("/") + "/"):
            return root, path[len(root.rstrip("/")) + 1 :]
    raise RefusedError(
        f"the path {path} lies below none of the roots {', '.join(roots)}, so nothing was done; correct it, or name its root"
    )


def list_paths(paths: t.Sequence[str], roots: t.Sequence[str], *, recurse: bool) -> tuple[Listing, list[str]]:
    """Every regular file that the paths name or hold, and the paths at which nothing stands.

    :raises RefusedError: a path outside the roots, behind or at a symbolic link, a directory without C(recurse), or no regular file.
    """
    for root in roots:
        for other in roots:
            if f"{other.rstrip('/')}/".startswith(f"{root.rstrip('/')}/") and root != other:
                raise RefusedError(f"the root {other} lies in the root {root}, so nothing was done; name one of them")
    listing = Listing()
    missing = []
    for path in dict.fromkeys(paths):
        root, rest = _below(path, roots)
        fd = open_root(root)
        try:
            if not _take(listing, fd, root, rest, path, recurse=recurse):
                missing.append(path)
        finally:
            os.close(fd)
    return listing, missing


def _take(listing: Listing, root_fd: int, root: str, rest: str, path: str, *, recurse: bool) -> bool:
    parent, _slash, name = rest.rpartition("/")
    try:
        with opened_below(root_fd, parent) as fd:
            if mount_of(fd) != mount_of(root_fd):
                raise RefusedError(
                    f"the path {path} lies on something that is mounted below the root {root}, so nothing was done; name that mount as its root"
                )
            facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode):
                listing.add(root, rest, facts)
            elif stat.S_ISDIR(facts.st_mode):
                if not recurse:
                    raise RefusedError(f"the path {path} is a directory, so nothing was done; name its files, or give recurse: true")
                with opened_below(fd, name) as below:
                    _take_tree(listing, below, root, rest)
            else:
                what = "a symbolic link, and links are never followed" if stat.S_ISLNK(facts.st_mode) else "neither a file nor a directory"
                raise RefusedError(f"the path {path} is {what}, so nothing was done; name the file itself")
    except FileNotFoundError:
        return False
    except OSError as error:
        why = (
            "what is on its way is no directory, or a symbolic link, and links are never followed"
            if isinstance(error, NotADirectoryError)
            else str(error.strerror)
        )
        raise RefusedError(f"the path {path} cannot be opened: {why}; nothing was done; correct it") from error
    return True


def _take_tree(listing: Listing, fd: int, root: str, top: str) -> None:
    for directory in walk(fd, "", listing.passed_over):
        place = f"{top}/{directory.path}".rstrip("/")
        listing.directories.setdefault(root, []).append(place)
        for name, facts in directory.files:
            listing.add(root, f"{place}/{name}", facts)


def refuse_unfit(listing: Listing, manner: Manner) -> None:
    """Refuse the whole call where one of its files could not be overwritten, so that nothing is half done. Only reads.

    :raises RefusedError: with the first few reasons.
    """
    problems: list[str] = []
    count = 0
    for root, files in listing.files.items():
        root_fd = open_root(root)
        probe = FilesystemProbe()
        try:
            for facts, names in files.values():
                problem = _problem(root_fd, facts, names, probe, manner)
                if problem:
                    count += 1
                    if len(problems) < _TOLD:
                        problems.append(f"{root}/{names[0]}: {problem}")
        finally:
            os.close(root_fd)
    if problems:
        more = f", and {count - len(problems)} more" if count > len(problems) else ""
        raise RefusedError(
            f"{count} of {listing.count} files cannot be destroyed by overwriting, so nothing was done: {'; '.join(problems)}{more}; "
            "leave them out, or remove the reason"
        )


def _problem(root_fd: int, facts: os.stat_result, names: list[str], probe: FilesystemProbe, manner: Manner) -> str | None:
    if facts.st_nlink != len(names):
        return f"hard-linked: the file has {facts.st_nlink} names, and only {len(names)} of them in the given paths of this root"
    expected = Expected(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, tuple(names[1:]))
    try:
        with look_at(root_fd, names[0], expected, shared=manner.shared, unprotect=manner.unprotect, removes=manner.remove) as target:
            return why_ineffective([target], probe=probe)[0] if manner.on_ineffective == "fail" else None
    except TargetRefusedError as error:
        return error.message


def encode_rows(listing: Listing, *, method: t.Mapping[str, str], key: bytes) -> t.Iterator[bytes]:
    """The listing as a plan file, chunk by chunk: each file is a set, with all its names as members.

    :arg key: for the sets' names, which are keyed hashes of root and path.
    """
    yield canonical({"format": FORMAT, "identifiers": "hmac", "sources": []}) + b"\n"
    for root, files in sorted(listing.files.items()):
        for facts, names in sorted(files.values(), key=lambda item: item[1]):
            message = f"{root}\0{names[0]}".encode("utf-8", "surrogateescape")
            identity = {"dev": facts.st_dev, "ino": facts.st_ino, "mtime_ns": facts.st_mtime_ns, "nlink": facts.st_nlink}
            row = {
                **dict.fromkeys(("class", "start", "keep_until", "destroy_by")),
                "set": hmac.digest(key, message, "sha256").hex()[:32],
                "source": SOURCE,
                "root": root,
                "rule": SOURCE,
                "members": [{**identity, "path": name, "size": facts.st_size} for name in names],
                "method": method,
                "reason": [],
                "verdict": "due",
            }
            yield canonical(row) + b"\n"
