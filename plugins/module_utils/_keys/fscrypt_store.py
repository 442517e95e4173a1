# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the C(fscrypt) tool keeps what it knows of policies: read on every mounted filesystem, since protectors may serve several."""

from __future__ import annotations

import os
import typing as t

from .._errors import RefusedError
from .._media.mounts import MountFacts, parse_mountinfo
from .fscrypt_metadata import Policy, Protector, parse_policy, parse_protector

__all__ = ["Known", "Store", "known_of", "mounts_that_encrypt", "stored_at"]

_MOST_BYTES = 1 << 20
# Of filesystems that the kernel can encrypt by directory.
_TYPES = ("ext4", "f2fs", "ubifs", "ceph")


def all_mounts(*, proc_root: str = "/proc") -> list[MountFacts]:
    """:raises RefusedError: they cannot be read."""
    try:
        with open(os.path.join(proc_root, "self", "mountinfo"), encoding="utf-8", errors="surrogateescape") as handle:
            return list(parse_mountinfo(handle.read()).values())
    except OSError as error:
        raise RefusedError(f"what is mounted cannot be read ({error.strerror}), so nothing was done") from error


def mounts_of(number: int, mounts: t.Sequence[MountFacts]) -> list[MountFacts]:
    """The mounts of one filesystem, those that show all of it first."""
    own = [mount for mount in mounts if (mount.major, mount.minor) == (os.major(number), os.minor(number))]
    return sorted(own, key=lambda mount: (mount.root != "/", mount.point))


def mounts_that_encrypt(number: int, *, proc_root: str = "/proc") -> dict[int, list[MountFacts]]:
    """The mounts of each filesystem that may have encrypted directories, by its number.

    :arg number: of the one that comes first, of whatever type.
    """
    mounts = all_mounts(proc_root=proc_root)
    numbers = [os.makedev(mount.major, mount.minor) for mount in mounts if mount.type in _TYPES]
    return {each: mounts_of(each, mounts) for each in dict.fromkeys((number, *numbers))}


class Known(t.NamedTuple):
    """What is known of a policy before anything is done.

    :arg stored: the tool's metadata of it, with the filesystem's store; C(None) where there is none.
    :arg own: protectors of this filesystem that no other policy uses; C(others) those that are used or kept elsewhere, and logins.
    """

    store: Store | None
    stored: Policy | None
    own: tuple[Protector, ...]
    others: tuple[str, ...]

    def protectors(self) -> list[Protector]:
        """All that are kept on this filesystem."""
        found = [self.store.protector(name) for name in self.stored.protectors] if self.store and self.stored else []
        return [each for each in found if each is not None]


class Store:
    """The tool's directory on one filesystem.

    :arg point: where that is mounted.
    """

    def __init__(self, point: str) -> None:
        self.directory = os.path.join(point, ".fscrypt")

    def policy_path(self, identifier: str) -> str:
        return os.path.join(self.directory, "policies", identifier)

    def protector_path(self, descriptor: str) -> str:
        return os.path.join(self.directory, "protectors", descriptor)

    def policy(self, identifier: str) -> Policy | None:
        """:raises RefusedError: it is there and cannot be understood."""
        path = self.policy_path(identifier)
        data = _read(path)
        if data is None:
            return None
        try:
            found = parse_policy(data)
        except RefusedError as error:
            raise RefusedError(f"the policy's metadata {path} cannot be understood ({error.message}), so nothing was done") from error
        if found.identifier != identifier:
            raise RefusedError(f"the policy's metadata {path} is of another key, {found.identifier}, so nothing was done; look at it")
        return found

    def protector(self, descriptor: str) -> Protector | None:
        """C(None) where it is not kept here, but on another filesystem or nowhere.

        :raises RefusedError: it is there and cannot be understood.
        """
        path = self.protector_path(descriptor)
        data = _read(path)
        if data is None:
            return None
        try:
            return parse_protector(data)
        except RefusedError as error:
            raise RefusedError(f"the protector {path} cannot be understood ({error.message}), so nothing was done") from error

    def policies(self) -> t.Iterator[tuple[str, bytes]]:
        """Each policy's path and what its file holds.

        :raises RefusedError: they cannot be read, so that they may use anything.
        """
        directory = os.path.join(self.directory, "policies")
        try:
            names = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise RefusedError(f"the policies in {directory} cannot be listed ({error.strerror}), so nothing was done") from error
        for name in names:
            path = os.path.join(directory, name)
            data = _read(path)
            if data is not None:
                yield path, data


def known_of(number: int, identifier: str, *, proc_root: str = "/proc") -> Known:
    """What the tool's metadata say of a policy.

    :arg number: of its filesystem.
    :raises RefusedError: they cannot be read or understood.
    """
    mounts = all_mounts(proc_root=proc_root)
    stores = stores_of(mounts)
    store = stored_at(number, identifier, proc_root=proc_root)
    stored = store.policy(identifier) if store else None
    own: list[Protector] = []
    others: list[str] = []
    for descriptor in stored.protectors if stored else ():
        found = store.protector(descriptor) if store else None
        if found is not None and found.source != "pam_passphrase" and len(users_of(descriptor, stores)) == 1:
            own.append(found)
        else:
            others.append(descriptor)
    return Known(store, stored, tuple(own), tuple(others))


def stored_at(number: int, identifier: str, *, proc_root: str = "/proc") -> Store | None:
    """The store that has a policy's metadata on its filesystem."""
    here = stores_of(mounts_of(number, all_mounts(proc_root=proc_root)))
    return next((each for each in here if each.policy(identifier) is not None), None)


def stores_of(mounts: t.Sequence[MountFacts]) -> list[Store]:
    """One for each filesystem that has the tool's directory, whatever number of times it is mounted."""
    stores: dict[tuple[int, int], Store] = {}
    for mount in mounts:
        store = Store(mount.point)
        try:
            facts = os.stat(store.directory)
        except OSError:
            continue
        stores.setdefault((facts.st_dev, facts.st_ino), store)
    return list(stores.values())


def users_of(descriptor: str, stores: t.Sequence[Store]) -> list[str]:
    """Paths of the policies' files that name a protector."""
    return [path for store in stores for path, data in store.policies() if descriptor.encode() in data]


def _read(path: str) -> bytes | None:
    """What a file holds, C(None) where there is none.

    :raises RefusedError: it cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror}), so nothing was done") from error
    try:
        return os.read(fd, _MOST_BYTES)
    finally:
        os.close(fd)
