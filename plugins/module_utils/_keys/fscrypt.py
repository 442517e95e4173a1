# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An fscrypt directory: its key in the kernel, the wrapped key in the tool's metadata, its key file and copies of both."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .backups import Backups, Read
from .erasable import KeyTarget, Note, Steps
from .files import destroy_noted, facts_of, proven_in, require_destroyable, require_plain
from .fscrypt_kernel import ABSENT, PRESENT, KernelPolicy, forget_key, key_state, policy_of, strength_of
from .fscrypt_metadata import identifier_of, opens_protector, parse_policy
from .fscrypt_store import Known, known_of, stored_at
from .fscrypt_tree import Tree, elsewhere, open_inodes, read_tree, try_files
from .memory import look_in_memory, worst
from .preconditions import Gone, Precondition
from .traces import Trace, no_stale_copy

__all__ = ["FscryptDirectory", "KeyCopies"]

LIMIT_TREE = "fscrypt leaves sizes, times, owners, extended attributes and the shape of the tree in the clear"
LIMIT_MOVED = "single encrypted files that were moved out of their directory were not looked for"
LIMIT_ELSEWHERE = "filesystems that are not mounted were not looked at for the same key or protector"
_MOST_KEY = 64
_LONGEST = 4096


class KeyCopies(Backups):
    """Copies of the key, in bytes or in hexadecimal, and of the policy's metadata in the declared places."""

    what, many, whose = "copy of the key", "copies of the key", "copy of this key or of its policy's metadata"

    def recognises(self, read: Read, uuid: str) -> bool:
        data = read(0, _LONGEST)
        texts = [data, data.rstrip(b"\r\n")]
        with contextlib.suppress(ValueError):
            texts.append(bytes.fromhex(data.decode("ascii").strip()))
        if any(identifier_of(text) == uuid for text in texts):
            return True
        try:
            return parse_policy(data).identifier == uuid
        except RefusedError:
            return False


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
        self._looked: tuple[KernelPolicy, Known] | None = None
        self._tree: Tree | None = None
        self._told_elsewhere = "nothing else was looked at for the same key"

    @property
    def subject(self) -> dict[str, t.Any]:
        return {"kind": self.kind, "directory": self.directory}

    def _open_above(self) -> int:
        """Its parent, by which the filesystem is told things: whoever has the directory itself open holds its key.

        :raises RefusedError: there is no such directory, or its parent is on another filesystem.
        """
        above = os.path.dirname(self.directory)
        try:
            facts = os.lstat(self.directory)
            if not stat.S_ISDIR(facts.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            fd = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise RefusedError(f"{self.directory} cannot be opened ({error.strerror}), so nothing was done; correct the path") from error
        if os.fstat(fd).st_dev != facts.st_dev:
            os.close(fd)
            raise RefusedError(
                f"something is mounted on {self.directory}, so nothing was done; name the directory by a path within its own filesystem"
            )
        return fd

    def _policy(self, path: str) -> KernelPolicy | None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return policy_of(fd)
        finally:
            os.close(fd)

    def _look(self) -> tuple[KernelPolicy, Known]:
        """:raises RefusedError: it is no directory with a v2 policy, or what belongs to it cannot be read."""
        if self._looked is None:
            os.close(self._open_above())
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
            self._looked = policy, known_of(os.lstat(self.directory).st_dev, policy.identifier, proc_root=self.proc_root)
        return self._looked

    def _key(self) -> tuple[bytes | None, bool]:
        """The key file's content, and whether it is the key itself.

        :raises RefusedError: it cannot be read, or opens nothing here.
        """
        if self.key_file is None:
            return None, False
        policy, known = self._look()
        require_plain(self.key_file, "the key file")
        try:
            with open(self.key_file, "rb") as handle:
                key = handle.read(_MOST_KEY + 1)
        except OSError as error:
            raise RefusedError(
                f"the key file {self.key_file} cannot be read ({error.strerror}), so nothing was done; correct it"
            ) from error
        if identifier_of(key) == policy.identifier:
            return key, True
        if not any(opens_protector(key, each) for each in known.protectors()):
            raise RefusedError(
                f"the key file {self.key_file} is neither the key of {self.directory} nor that of a protector of it, so nothing was done; correct it"
            )
        return key, False

    def require_ready(self) -> None:
        policy, known = self._look()
        above = os.path.dirname(self.directory)
        if above != self.directory and self._has_key(above):
            raise RefusedError(f"{self.directory} lies in a directory with the same key, so nothing was done; name the topmost one")
        self._require_covered(policy, known)
        key, itself = self._key()
        if known.stored is None and not itself:
            raise RefusedError(
                f"no metadata of the fscrypt tool is kept for the key of {self.directory}, so what would have to be destroyed is not known and nothing "
                "was done; give the file of the key as key_file, or overwrite the files"
            )
        for path, what in self._files(key, itself=itself):
            require_destroyable(path, f"the {what}")
        self.copies.require_ready(policy.identifier)
        self._require_unused()

    def _has_key(self, path: str) -> bool:
        try:
            found = self._policy(path)
        except (OSError, RefusedError):
            return False
        return found is not None and found.identifier == self._look()[0].identifier

    def _require_covered(self, policy: KernelPolicy, known: Known) -> None:
        """:raises RefusedError: the key opens more than was named, or less."""
        found, looked = elsewhere(policy, self.directory, known.points)
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
        part = f"{looked} directories outside it were looked at for the same key"
        self._told_elsewhere = part
        if not known.whole:
            self._limit("a part of the filesystem is not mounted here and was not looked at for the same key")

    def _limit(self, text: str) -> None:
        if text not in self.limits:
            self.limits.append(text)

    def _require_unused(self) -> None:
        """:raises RefusedError: something in it is open, or may be."""
        opened, unseen = open_inodes(os.lstat(self.directory).st_dev, proc_root=self.proc_root)
        if unseen and self.on_unseen != "report":
            raise RefusedError(
                f"{self.directory} was not touched because whether {unseen[0]} has something in it open cannot be determined, which counts as in use; "
                "run with the right to look at every process, or give on_unseen: report"
            )
        for process in unseen[:3]:
            self._limit(f"whether {process} had something in it open could not be determined")
        self._tree = read_tree(self.directory, opened.keys())
        for path in self.covers:
            more = read_tree(path, opened.keys())
            busy = self._tree.busy + more.busy
            self._tree = self._tree._replace(files=self._tree.files + more.files, size=self._tree.size + more.size, busy=busy)
        self.size = self._tree.size
        if self._tree.busy:
            process = opened[os.lstat(self._tree.busy[0]).st_ino]
            raise RefusedError(
                f"{len(self._tree.busy)} files or directories in {self.directory} are in use, one of them by {process}, so nothing was done; "
                "stop what uses them, and run again"
            )

    def _files(self, key: bytes | None, *, itself: bool) -> list[tuple[str, str]]:
        """All files that go, each with what it is."""
        policy, known = self._look()
        found: list[tuple[str, str]] = []
        going = known.own if self.protectors == "destroy" else ()
        if known.store is not None:
            found.append((known.store.policy_path(policy.identifier), "policy's metadata"))
            found.extend((known.store.protector_path(each.descriptor), "protector") for each in going)
        if self.key_file is not None and key is not None:
            if itself or any(opens_protector(key, each) for each in going):
                found.append((self.key_file, "key file"))
            else:
                self._limit("the key file opens a protector that stays, so it was left as it is")
        return found

    def preconditions(self) -> list[Precondition]:
        policy, known = self._look()
        key, itself = self._key()
        strength, told = strength_of(policy)
        traces = []
        if known.store is not None:
            path = known.store.policy_path(policy.identifier)
            traces.append(Trace(path, "policy's metadata", b"\x0a\x20" + policy.identifier.encode()))
        if itself and self.key_file is not None:
            traces.append(Trace(self.key_file, "key file", key))
        first = "a policy can be set on an empty directory only, so nothing was ever written in it in the clear"
        return [
            Precondition("encrypted_from_first_write", "met", (first,)),
            Precondition("strength", strength, (told,)),
            self._other_keys(known),
            self.copies.precondition(policy.identifier),
            no_stale_copy(traces, self.limits, scan=self.scan),
            self._memory(policy, key),
        ]

    def _other_keys(self, known: Known) -> Precondition:
        name = "no_other_key"
        if known.stored is None:
            told = "a v2 policy has one key, but who wraps it is not known: the fscrypt tool keeps no metadata of it"
            return Precondition(name, "unknown", (told, self._told_elsewhere))
        sources = {each.descriptor: each.source for each in known.own}
        named = ", ".join(f"{each} ({sources.get(each, 'of others too')})" for each in known.stored.protectors)
        told = f"the policy's metadata goes as a whole, and with it what the protectors {named or 'none'} wrapped"
        return Precondition(name, "met", (told, self._told_elsewhere))

    def _memory(self, policy: KernelPolicy, key: bytes | None) -> Precondition:
        found = look_in_memory((), ("fscrypt",), secret=key, proc_root=self.proc_root)
        state = self._state(policy.identifier)
        told = [f"the kernel's keyring of the filesystem: {state}; it is made to forget the key before anything else"]
        states = [found.state]
        with contextlib.suppress(OSError), open(os.path.join(self.proc_root, "keys"), "rb") as handle:
            if b" fscrypt-p" in handle.read():
                states.append("unknown")
                told.append("the kernel's keyrings hold a key of the type fscrypt-provisioning, which may be this one")
        return Precondition(found.name, worst(states), (*told, *found.looked_at))

    def _state(self, identifier: str) -> str:
        fd = self._open_above()
        try:
            return key_state(fd, identifier)
        finally:
            os.close(fd)

    def opens(self) -> str:
        policy, _known = self._look()
        key, itself = self._key()
        told = []
        if key is not None:
            told.append("the key file is that of the policy" if itself else "the key file opens a protector of the policy")
        tree = self._tree or read_tree(self.directory)
        if self._state(policy.identifier) == PRESENT and tree.sample:
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
        policy, _known = self._look()
        key, itself = self._key()
        tree = self._tree or read_tree(self.directory)
        files = [facts_of(path) for path, _what in self._files(key, itself=itself)]
        going = {each["path"] for each in files}
        copies = [each for each in self.copies.found(policy.identifier) if each["path"] not in going]
        return {
            "identifier": policy.identifier,
            "files": files,
            "copies": copies,
            # By inode: a name is personal, and looks different without the key.
            "sample": sorted(os.lstat(path).st_ino for path in tree.sample),
        }

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        self._proven = proven_in(steps)

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        note("forgetting", {"identifier": plan["identifier"]})
        fd = self._open_above()
        try:
            busy = forget_key(executor, fd, plan["identifier"])
        except OSError as error:
            if error.errno != errno.ENOKEY:
                raise DisposalError(
                    f"the kernel could not be made to forget the key of {self.directory} ({error.strerror}); nothing else was destroyed, run again",
                    details={"outcome": "not_destroyed"},
                ) from error
            busy = False
        finally:
            os.close(fd)
        if busy:
            raise DisposalError(
                f"files in {self.directory} were opened meanwhile and still hold its key ({self._busy()}); nothing else was destroyed, "
                "stop what uses them, and run again",
                details={"outcome": "not_destroyed"},
            )
        self.copies.destroy(executor, plan["copies"], note, self._proven)
        for each in plan["files"]:
            destroy_noted(executor, each, "what holds the key,", note, self._proven)

    def _busy(self) -> str:
        opened, _unseen = open_inodes(os.lstat(self.directory).st_dev, proc_root=self.proc_root)
        busy = read_tree(self.directory, opened.keys()).busy
        return f"{len(busy)} are open" if busy else "which ones cannot be seen"

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        state = self._state(plan["identifier"])
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
        if seen["no_key"] != len(plan["sample"]):
            return Gone("unknown", f"only {seen['no_key']} of {len(plan['sample'])} files were refused for want of the key", seen)
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
        if found is None or found.identifier != left["identifier"] or self._state(found.identifier) != ABSENT:
            return False
        if stored_at(os.lstat(self.directory).st_dev, found.identifier, proc_root=self.proc_root) is not None:
            return False
        return self.key_file is None or not os.path.lexists(self.key_file) or not self._key()[1]
