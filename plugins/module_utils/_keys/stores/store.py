# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key-encrypting keys by name, whatever keeps them: the interface, what can be known of a key, and the refusals.

A key never leaves its store (but for the directory, which is its own store); what is wrapped by it can be unwrapped only while it is there.
"""

from __future__ import annotations

import abc
import importlib
import re
import time
import typing as t

from ..._errors import RefusedError
from ..._executor import Executor

__all__ = [
    "MET",
    "NOT_MET",
    "UNKNOWN",
    "Copies",
    "Key",
    "KeyState",
    "KeyStore",
    "StoreRefusedError",
    "check_name",
    "library",
    "time_told",
]

MET = "met"
NOT_MET = "not_met"
UNKNOWN = "unknown"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?")
LEAST_BITS = 128


class StoreRefusedError(RefusedError):
    """A store did not do what it was asked for, and nothing was changed.

    :arg kind: C(unreachable) no answer, or none that can be trusted; C(sealed); C(denied) no permission, or a wrong secret;
        C(not_allowed) the key may not be deleted; C(missing) no such key; C(exists) the name is taken; C(unfit) the store or the key
        is not what is needed; C(pending) the key's destruction was begun; C(wrong) what was to be unwrapped is damaged, or belongs
        to something else; C(library) a Python library is missing.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message, details={"kind": kind})
        self.kind = kind


class Key(t.NamedTuple):
    """A key as its store knows it.

    :arg id: what the store itself calls this very key, so that another one of the same name is not taken for it. Whoever holds
        it knows that the key was there once.
    """

    name: str
    id: str


class Copies(t.NamedTuple):
    """Whether copies of the key may be left, in one respect.

    :arg what: such as C(exportable), C(backups), C(replicas), C(soft_deleted), C(imported), C(medium) or C(waiting).
    :arg met: C(met) where none can be, C(not_met), or C(unknown).
    """

    what: str
    met: str
    text: str


class KeyState(t.NamedTuple):
    """What a store says of a key.

    :arg state: C(present); C(pending) it can no longer be used and will be destroyed; C(gone) the store had it and has it no more;
        C(absent) the store has no such key, and whether it ever had is not known; C(unknown) the store could not be asked, or cannot tell.
    :arg until: when a waiting period ends, in seconds since 1970 UTC.
    :arg versions: how many versions of the key there are.
    :arg told: what the store said, in words.
    """

    state: str
    told: str
    until: int | None = None
    versions: int | None = None
    algorithm: str = ""
    bits: int | None = None
    copies: tuple[Copies, ...] = ()

    @property
    def strength(self) -> str:
        """Whether the key is strong enough: C(met), C(not_met) or C(unknown)."""
        if self.bits is None:
            return UNKNOWN
        return MET if self.bits >= LEAST_BITS else NOT_MET

    def row(self) -> dict[str, t.Any]:
        """As plain data for a result or a record."""
        return {**self._asdict(), "copies": [copies._asdict() for copies in self.copies], "strength": self.strength}


def time_told(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def check_name(name: str) -> str:
    """The name, if every store can take it.

    :raises RefusedError: it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise RefusedError(
            f"{name!r} cannot be the name of a key: up to 100 small letters, digits, hyphens and underscores, the first and the last a letter or "
            "a digit; change the prefix, the class or the period that it is made of"
        )
    return name


def library(name: str, package: str, needed_by: str) -> t.Any:
    """Import a client library where it is used.

    :raises StoreRefusedError: it is not there.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise StoreRefusedError(
            "library",
            f"{needed_by} needs the Python library {package}, which this host does not have, so nothing was done; "
            "install it for the Python that Ansible uses there",
        ) from None


class KeyStore(abc.ABC):
    """Keeps keys. What changes a store goes through the executor, so check mode cannot.

    :cvar kind: as the option C(kind) names it.
    :cvar way_back: what makes a key usable again whose destruction was begun.
    :ivar place: where it is, for sentences.
    """

    kind: t.ClassVar[str]
    way_back: t.ClassVar[str] = "bring it back from a backup of the store"
    place: str

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    @abc.abstractmethod
    def describe(self) -> dict[str, str]:
        """Where the store is, without secrets, for a document; the same store has the same description."""

    def create(self, name: str, *, resume: bool = False) -> Key:
        """Make a key of 256 bits that cannot be taken out of the store.

        :arg resume: a key of that name is this caller's own, from a call that was interrupted, and is brought to its end.
        :raises StoreRefusedError: the name is taken, or the store refused.
        """
        check_name(name)
        found = self.find(name)
        if found is None:
            return self._make(name, resume=resume)
        if not resume:
            raise StoreRefusedError(
                "exists",
                f"{self.place} already has a key {name}, and nothing here tells that it was made for this, so it was left alone; "
                "bring back the document that belongs to it, or choose another prefix",
            )
        return self._finish(found)

    @abc.abstractmethod
    def find(self, name: str) -> Key | None:
        """The key of that name that is there and was not destroyed, if any.

        :raises StoreRefusedError: the store cannot be asked.
        """

    @abc.abstractmethod
    def _make(self, name: str, *, resume: bool) -> Key:
        """Make a key whose name is free."""

    def _finish(self, key: Key) -> Key:
        """Bring an interrupted C(_make) to its end."""
        return key

    @abc.abstractmethod
    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        """Encrypt a secret under the key; the context, which is no secret, must be the same when it is unwrapped.

        :raises StoreRefusedError: there is no such key, or the store refused.
        """

    @abc.abstractmethod
    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        """The secret.

        :raises StoreRefusedError: of the kind C(missing) where there is no such key any more.
        """

    @abc.abstractmethod
    def _look(self, key: Key) -> KeyState:
        """Ask the store about a key.

        :raises StoreRefusedError: it cannot be asked.
        """

    @abc.abstractmethod
    def _destroy(self, key: Key) -> None:
        """Have a key destroyed that is there.

        :raises StoreRefusedError: the store refused, or did not answer.
        """

    @abc.abstractmethod
    def names(self) -> list[str]:
        """The names of the keys that are there.

        :raises StoreRefusedError: the store cannot be asked.
        """

    def look(self, key: Key) -> KeyState:
        """What the store says of a key; C(unknown), with the reason, where it cannot be asked."""
        try:
            return self._look(key)
        except StoreRefusedError as error:
            return KeyState("unknown", error.message)

    def destroy(self, key: Key) -> KeyState:
        """Have a key destroyed, and say what the store says of it afterwards; nothing is done to one that is gone or going.

        :raises StoreRefusedError: the store refused, and still has the key.
        """
        before = self._look(key)
        if before.state != "present":
            return before
        try:
            self._destroy(key)
        except StoreRefusedError as error:
            after = self.look(key)
            if after.state in ("gone", "pending"):
                return after
            if error.kind != "unreachable" or after.state == "present":
                raise
            return KeyState("unknown", f"whether the order to destroy the key arrived is not known: {error.message}")
        return self.look(key)

    def _no_key(self, key: Key) -> StoreRefusedError:
        return StoreRefusedError(
            "missing",
            f"{self.place} has no key {key.name}, so nothing that was wrapped by it can be unwrapped; if that is not meant, restore it",
        )

    def _pending(self, key: Key, until: int | None = None) -> StoreRefusedError:
        """:arg until: when a waiting period ends, in seconds since 1970 UTC."""
        when = "" if until is None else f" and ends after {time_told(until)}"
        return StoreRefusedError(
            "pending",
            f"the destruction of the key {key.name} of {self.place} was begun{when}, so it is used no more; if nothing that goes with it must be "
            f"kept, have it destroyed to the end, else {self.way_back} first, give what must be kept another key, and have this one destroyed again",
        )

    def _wrong(self, key: Key) -> StoreRefusedError:
        return StoreRefusedError(
            "wrong",
            f"what was to be unwrapped by the key {key.name} of {self.place} is damaged, or was wrapped for something else; "
            "restore the document that it came from",
        )
