# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An fscrypt directory: its key in the kernel, the wrapped key in the tool's metadata, its key file and copies of both."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .erasable import KeyTarget, Note, Steps
from .files import destroy_noted, facts_of, proven_in, require_destroyable, require_plain
from .fscrypt_copies import KeyCopies
from .fscrypt_kernel import ABSENT, PRESENT, KernelPolicy, policy_of, strength_of
from .fscrypt_metadata import Protector, identifier_of, opens_protector
from .fscrypt_places import forget_in, one_of_each, open_above, state_in
from .fscrypt_store import Known, known_of, mounts_that_encrypt, stored_at
from .fscrypt_tree import Tree, elsewhere, open_inodes, read_tree, require_unused, try_files
from .memory import look_in_memory, worst
from .preconditions import Gone, Precondition
from .recalled import Recalled, recalled_from
from .traces import Trace, no_stale_copy

__all__ = ["FscryptDirectory"]

LIMIT_TREE = "fscrypt leaves sizes, times, owners, extended attributes and the shape of the tree in the clear"
LIMIT_MOVED = "single encrypted files that were moved out of their directory were not looked for"
LIMIT_ELSEWHERE = "filesystems that are not mounted here were not looked at for the same key or protector"
_MOST_KEY = 64


class FscryptDirectory(KeyTarget):
    """One directory with a v2 policy, at its top.

    :arg key_file: of the key itself, or of a protector that a raw key opens; destroyed too, unless it opens a protector that stays.
    :arg protectors: C(keep), or C(destroy) for those that only this policy uses.
    :arg covers: other directories with the same key that are meant too.
    :arg backups: places in which copies may lie, C(None) where nobody has declared any.
    :arg scan: the whole block device is read for older copies of the metadata.
    """

    kind = "fscrypt"

    def __init__(
        self,
        directory: str,
        *,
        key_file: str | None = None,
        protectors: str = "keep",
        covers: t.Sequence[str] = (),
        backups: t.Sequence[str] | None = None,
        scan: bool = False,
        on_unseen: str = "refuse",
        proc_root: str = "/proc",
    ) -> None:
        require_plain(directory, "the directory")
        self.directory, self.key_file = os.path.normpath(directory), key_file
        self.protectors, self.covers, self.scan = protectors, [os.path.normpath(path) for path in covers], scan
        self.on_unseen, self.proc_root = on_unseen, proc_root
        self.name, self.size, self.limits = self.directory, 0, [LIMIT_TREE, LIMIT_MOVED, LIMIT_ELSEWHERE]
        self.copies = KeyCopies(backups)
        self._proven: t.Mapping[str, str] = {}
        self._looked: tuple[KernelPolicy, list[Known]] | None = None
        self._recalled: Recalled | None = None
        self._tree: Tree | None = None
        self._told_elsewhere = "nothing else was looked at for the same key"

    @property
    def subject(self) -> dict[str, t.Any]:
        return {"kind": self.kind, "directory": self.directory}

    def _policy(self, path: str) -> KernelPolicy | None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return policy_of(fd)
        finally:
            os.close(fd)

    @property
    def _places(self) -> list[str]:
        """One of the directories on each of their filesystems."""
        return one_of_each([self.directory, *self.covers])

    def _look(self) -> tuple[KernelPolicy, list[Known]]:
        """The policy, and what the tool knows of it on each filesystem.

        :raises RefusedError: it is no directory with a v2 policy, or what belongs to it cannot be read.
        """
        if self._looked is None:
            os.close(open_above(self.directory))
            try:
                policy = self._policy(self.directory)
            except OSError as error:
                raise RefusedError(
                    f"the encryption policy of {self.directory} cannot be read ({error.strerror}), so nothing was done; look at its filesystem"
                ) from error
            except RefusedError as error:
                raise RefusedError(
                    f"{self.directory} was not touched because {error.message}; overwrite its files, or destroy the medium"
                ) from error
            if policy is None:
                raise RefusedError(
                    f"{self.directory} is not encrypted with fscrypt, so nothing was done; correct the path, or overwrite its files"
                )
            numbers = [os.lstat(place).st_dev for place in self._places]
            self._looked = policy, [known_of(number, policy.identifier, proc_root=self.proc_root) for number in numbers]
        return self._looked

    def _key(self) -> tuple[bytes | None, bool]:
        """The key file's content, and whether it is the key itself.

        :raises RefusedError: it cannot be read, or opens nothing here.
        """
        if self.key_file is None or self._recalled is not None:
            return None, False
        policy, knowns = self._look()
        key = self._read_key(self.key_file)
        if identifier_of(key) == policy.identifier:
            return key, True
        if not any(opens_protector(key, each) for known in knowns for each in known.protectors()):
            raise RefusedError(
                f"the key file {self.key_file} is neither the key of {self.directory} nor that of a protector of it, so nothing was done; correct it"
            )
        return key, False

    def _read_key(self, path: str) -> bytes:
        """:raises RefusedError: it cannot be read."""
        require_plain(path, "the key file")
        try:
            with open(path, "rb") as handle:
                return handle.read(_MOST_KEY + 1)
        except OSError as error:
            raise RefusedError(f"the key file {path} cannot be read ({error.strerror}), so nothing was done; correct it") from error

    def require_ready(self) -> None:
        policy, knowns = self._look()
        above = os.path.dirname(self.directory)
        if above != self.directory and self._has_key(above):
            raise RefusedError(f"{self.directory} lies in a directory with the same key, so nothing was done; name the topmost one")
        self._require_covered(policy)
        if self._recalled is not None:
            self._recalled.require_gone(each["path"] for each in self._recalled.earlier["files"])
            for limit in self._recalled.limits():
                self._limit(limit)
        else:
            self._require_known(knowns)
        self.copies.require_ready(policy.identifier)
        self._require_unused()

    def _require_known(self, knowns: t.Sequence[Known]) -> None:
        """:raises RefusedError: what would have to be destroyed is not known, or cannot be."""
        key, itself = self._key()
        if any(known.stored is None for known in knowns) and not itself:
            raise RefusedError(
                f"no metadata of the fscrypt tool is kept for the key of {self.directory}, so what would have to be destroyed is not known and nothing "
                "was done; give the file of the key as key_file, or overwrite the files"
            )
        for path, what in self._files(key, itself=itself):
            require_destroyable(path, f"the {what}")

    def _has_key(self, path: str) -> bool:
        try:
            found = self._policy(path)
        except (OSError, RefusedError):
            return False
        return found is not None and found.identifier == self._look()[0].identifier

    def _require_covered(self, policy: KernelPolicy) -> None:
        """:raises RefusedError: the key opens more than was named, or less."""
        mounts = mounts_that_encrypt(os.lstat(self.directory).st_dev, proc_root=self.proc_root)
        found, looked, partial = elsewhere(policy, self.directory, mounts)
        missing = [path for path in self.covers if path not in found]
        if missing:
            raise RefusedError(
                f"{missing[0]} is no top of a directory with the key of {self.directory}, so nothing was done; correct covers"
            )
        foreign = [path for path in found if path not in self.covers]
        if foreign:
            raise RefusedError(
                f"the key of {self.directory} also opens {len(foreign)} other directories, {', '.join(foreign[:3])} among them, so nothing was done; "
                "name them under covers if they are meant too"
            )
        self._told_elsewhere = (
            f"{looked} directories outside it were looked at for the same key, on all mounted filesystems that can have it"
        )
        for point in partial:
            self._limit(f"a part of the filesystem of {point} is not mounted here and was not looked at for the same key")

    def _limit(self, text: str) -> None:
        if text not in self.limits:
            self.limits.append(text)

    def _require_unused(self) -> None:
        """:raises RefusedError: something in it is open, or may be."""
        self._tree, unseen = require_unused([self.directory, *self.covers], on_unseen=self.on_unseen, proc_root=self.proc_root)
        self.size = self._tree.size
        for process in unseen[:3]:
            self._limit(f"whether {process} had something in it open could not be determined")

    def _files(self, key: bytes | None, *, itself: bool) -> list[tuple[str, str]]:
        """All files that go, each with what it is."""
        policy, knowns = self._look()
        found: list[tuple[str, str]] = []
        going: list[Protector] = []
        for known in knowns:
            own = known.own if self.protectors == "destroy" else ()
            going.extend(own)
            if known.store is not None:
                found.append((known.store.policy_path(policy.identifier), "policy's metadata"))
                found.extend((known.store.protector_path(each.descriptor), "protector") for each in own)
        if self.key_file is not None and key is not None:
            if itself or any(opens_protector(key, each) for each in going):
                found.append((self.key_file, "key file"))
            else:
                self._limit("the key file opens a protector that stays, so it was left as it is")
        return found

    def preconditions(self) -> list[Precondition]:
        policy, knowns = self._look()
        key, itself = self._key()
        strength, told = strength_of(policy)
        first = "a policy can be set on an empty directory only, so nothing was ever written in it in the clear"
        return [
            Precondition("encrypted_from_first_write", "met", (first,)),
            Precondition("strength", strength, (told,)),
            self._other_keys(knowns),
            self.copies.precondition(policy.identifier),
            self._stale(policy, knowns, key if itself else None),
            self._memory(policy, key),
        ]

    def _stale(self, policy: KernelPolicy, knowns: t.Sequence[Known], key: bytes | None) -> Precondition:
        if self._recalled is not None:
            return self._recalled.saw("no_stale_copy", "the file is gone by now, so a look for older copies would prove nothing")
        needle = b"\x0a\x20" + policy.identifier.encode()
        stores = [known.store for known in knowns if known.store is not None]
        traces = [Trace(store.policy_path(policy.identifier), "policy's metadata", needle) for store in stores]
        if key is not None and self.key_file is not None:
            traces.append(Trace(self.key_file, "key file", key))
        return no_stale_copy(traces, self.limits, scan=self.scan)

    def _other_keys(self, knowns: t.Sequence[Known]) -> Precondition:
        name = "no_other_key"
        if self._recalled is not None:
            return self._recalled.saw(name, "the metadata of the fscrypt tool are gone by now, so nothing more can be seen of it")
        stored = [known.stored for known in knowns if known.stored is not None]
        if len(stored) < len(knowns):
            told = "a v2 policy has one key, but who wraps it is not known: the fscrypt tool keeps no metadata of it"
            return Precondition(name, "unknown", (told, self._told_elsewhere))
        sources = {each.descriptor: each.source for known in knowns for each in known.own}
        named = ", ".join(f"{each} ({sources.get(each, 'of others too')})" for policy in stored for each in policy.protectors)
        told = f"the policy's metadata goes as a whole, and with it what the protectors {named or 'none'} wrapped"
        return Precondition(name, "met", (told, self._told_elsewhere))

    def _memory(self, policy: KernelPolicy, key: bytes | None) -> Precondition:
        found = look_in_memory((), ("fscrypt",), secret=key, proc_root=self.proc_root)
        state = state_in(self._places, policy.identifier)
        told = [f"the kernel's keyring of the filesystem: {state}; it is made to forget the key before anything else"]
        states = [found.state]
        with contextlib.suppress(OSError), open(os.path.join(self.proc_root, "keys"), "rb") as handle:
            if b" fscrypt-p" in handle.read():
                states.append("unknown")
                told.append("the kernel's keyrings hold a key of the type fscrypt-provisioning, which may be this one")
        anew = Precondition(found.name, worst(states), (*told, *found.looked_at))
        return self._recalled.with_secret(anew) if self._recalled is not None else anew

    def opens(self) -> str:
        policy, _knowns = self._look()
        key, itself = self._key()
        told = []
        if key is not None:
            told.append("the key file is that of the policy" if itself else "the key file opens a protector of the policy")
        tree = self._tree or read_tree(self.directory)
        if state_in([self.directory], policy.identifier) == PRESENT and tree.sample:
            inodes = {os.lstat(path).st_ino for path in tree.sample}
            failed = [number for number in try_files(self.directory, inodes).values() if number]
            if failed:
                raise RefusedError(
                    f"the kernel has the key of {self.directory}, but {len(failed)} of its files cannot be read ({os.strerror(failed[0])}), "
                    "so nothing was done; look at the filesystem"
                )
            told.append(f"{len(inodes)} of {tree.files} files could be read")
        return ", ".join(told)

    def plan(self) -> dict[str, t.Any]:
        policy, _knowns = self._look()
        if self._recalled is not None:
            return self._recalled.plan(self.copies.found(policy.identifier))
        key, itself = self._key()
        tree = self._tree or read_tree(self.directory)
        files = [facts_of(path) for path, _what in self._files(key, itself=itself)]
        going = {each["path"] for each in files}
        copies = [each for each in self.copies.found(policy.identifier) if each["path"] not in going]
        return {
            "identifier": policy.identifier,
            "directories": self._places,
            "files": files,
            "copies": copies,
            # By inode: a name is personal, and looks different without the key.
            "sample": sorted(os.lstat(path).st_ino for path in tree.sample),
        }

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        self._proven = proven_in(steps)

    def recall(self, plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> bool:
        if self._look()[0].identifier != plan["identifier"] or self._key_is_there(plan["identifier"]):
            return False
        self._recalled = recalled_from(plan, found, steps)
        return self._recalled is not None

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        for directory in plan["directories"]:
            note("forgetting", {"identifier": plan["identifier"]})
            self._forget(executor, directory, plan["identifier"])
        self.copies.destroy(executor, plan["copies"], note, self._proven)
        for each in () if "recalled" in plan else plan["files"]:
            destroy_noted(executor, each, "what holds the key,", note, self._proven)

    def _forget(self, executor: Executor, directory: str, identifier: str) -> None:
        try:
            busy = forget_in(executor, directory, identifier)
        except OSError as error:
            raise DisposalError(
                f"the kernel could not be made to forget the key of {directory} ({error.strerror}); nothing else was destroyed, run again",
                details={"outcome": "not_destroyed"},
            ) from error
        if busy:
            raise DisposalError(
                f"files in {directory} were opened meanwhile and still hold its key ({self._busy(directory)}); nothing else was destroyed, "
                "stop what uses them, and run again",
                details={"outcome": "not_destroyed"},
            )

    def _busy(self, directory: str) -> str:
        opened, _unseen = open_inodes(os.lstat(directory).st_dev, proc_root=self.proc_root)
        busy = read_tree(directory, opened.keys()).busy
        return f"{len(busy)} are open" if busy else "which ones cannot be seen"

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        state = state_in(plan["directories"], plan["identifier"])
        left = [each["path"] for each in (*plan["files"], *plan["copies"]) if os.path.lexists(each["path"])]
        tried = try_files(self.directory, frozenset(plan["sample"]))
        seen: dict[str, t.Any] = {
            "key": state,
            "files": len(plan["files"]),
            "copies": len(plan["copies"]),
            "tried": len(tried),
            "no_key": sum(number == errno.ENOKEY for number in tried.values()),
        }
        if left:
            return Gone("left", f"{len(left)} files that hold the key are still there", seen)
        if state != ABSENT:
            return Gone("left", f"the kernel's keyring of the filesystem says that the key is {state}", seen)
        readable = sum(number == 0 for number in tried.values())
        if readable:
            return Gone("left", f"{readable} of {len(tried)} files can still be read", seen)
        # The run before saw all of the sample refused, of which files may have been removed since.
        wanted = len(tried) if "recalled" in plan else len(plan["sample"])
        if seen["no_key"] != wanted:
            return Gone("unknown", f"only {seen['no_key']} of {wanted} files were refused for want of the key", seen)
        return Gone("gone", "", seen)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        return {"identifier": self._look()[0].identifier}

    def still(self, left: t.Any) -> bool:
        try:
            found = self._policy(self.directory)
        except FileNotFoundError:
            return True
        except (OSError, RefusedError):
            return False
        if found is None or found.identifier != left["identifier"]:
            return False
        return not self._key_is_there(found.identifier)

    def _key_is_there(self, identifier: str) -> bool:
        """Whether the kernel, the tool's metadata or the key file have the key."""
        if state_in(self._places, identifier) != ABSENT:
            return True
        if any(stored_at(os.lstat(place).st_dev, identifier, proc_root=self.proc_root) is not None for place in self._places):
            return True
        return self.key_file is not None and os.path.lexists(self.key_file) and identifier_of(self._read_key(self.key_file)) == identifier
