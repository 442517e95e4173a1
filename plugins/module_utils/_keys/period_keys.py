# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One age identity (X25519) for a retention class and a period, wrapped by a key of a store; destroying that key destroys the period.

The document beside it is no secret: it holds the recipient, and the identity only as the store wrapped it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import time
import typing as t
from dataclasses import dataclass

from .._errors import RefusedError
from .._evidence.canonical import canonical
from .._executor import Executor
from .stores.store import Key, KeyState, KeyStore, StoreRefusedError, check_name, library

__all__ = [
    "PeriodKey",
    "create_period_key",
    "destroy_period_key",
    "key_name",
    "load_period_key",
    "look_at_period_key",
    "unwrap_identity",
]

FORMAT = "recordings.disposal/period-key/1"
PREFIX = "recordings"
_INTENT = "recordings.disposal/period-key-intent/1"
# As the labels of encrypted files have them.
_PERIOD = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]|Q[1-4]))?")
_CLASS = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_BYTES = 32


@dataclass(frozen=True)
class PeriodKey:
    """What the document tells.

    :ivar class_name: the retention class.
    :ivar period: such as C(2026-03), C(2026-Q1) or C(2026).
    :ivar recipient: the public key.
    :ivar store: where its store is.
    :ivar wrapped: the identity as the store wrapped it.
    :ivar created: in seconds since 1970 UTC.
    """

    class_name: str
    period: str
    recipient: bytes
    store: t.Mapping[str, str]
    key: Key
    wrapped: bytes
    created: int

    @property
    def context(self) -> str:
        """What the identity is bound to when it is wrapped."""
        return f"{FORMAT} {self.class_name} {self.period} {self.recipient.hex()}"

    def document(self) -> dict[str, t.Any]:
        """As plain data, without secrets."""
        return {
            "format": FORMAT,
            "class": self.class_name,
            "period": self.period,
            "recipient": self.recipient.hex(),
            "store": dict(self.store),
            "key": self.key._asdict(),
            "wrapped": base64.b64encode(self.wrapped).decode("ascii"),
            "created": self.created,
        }


def key_name(class_name: str, period: str, *, prefix: str = PREFIX) -> str:
    """The name of the store's key and of the document.

    :raises RefusedError: it cannot be a name.
    """
    if not _PERIOD.fullmatch(period):
        raise RefusedError(f"{period!r} is not a period: write a month, quarter or year as 2026-03, 2026-Q1 or 2026")
    if not _CLASS.fullmatch(class_name):
        raise RefusedError(
            f"{class_name!r} is not a class: small letters, digits, dots, underscores and hyphens; take the name from the policy"
        )
    # Not every store takes a dot or a capital letter; two classes never share a name.
    plain = class_name.replace("_", "_u").replace(".", "_d")
    return check_name(f"{prefix}-{plain}-{period.lower()}")


def create_period_key(
    store: KeyStore, class_name: str, period: str, directory: str, executor: Executor, *, prefix: str = PREFIX
) -> PeriodKey:
    """The period's key: the one that is there, or a new one. Killed at any point, the same call brings it to its end.

    An intent is written before the store is asked for a key, so that a key which nobody has a document of is taken up again,
    and one that somebody else made is not.

    :arg directory: of the documents.
    :raises RefusedError: the store refused, the period's key was destroyed, or what is in the directory is not what was asked for.
    """
    name = key_name(class_name, period, prefix=prefix)
    path, intent = os.path.join(directory, f"{name}.json"), os.path.join(directory, f"{name}.begun")
    found = load_period_key(directory, class_name, period, prefix=prefix)
    if found is not None:
        _require_living(look_at_period_key(store, found), found)
        _forget(executor, intent)
        return found
    resume = _begin(executor, store, intent, name)
    try:
        key = store.create(name, resume=resume)
    except StoreRefusedError as error:
        if error.kind == "exists":
            _forget(executor, intent)
        raise
    made = _wrapped(store, class_name, period, key)
    _write(executor, path, made.document())
    _forget(executor, intent)
    return made


def _wrapped(store: KeyStore, class_name: str, period: str, key: Key) -> PeriodKey:
    """A new identity, wrapped, and found to come back."""
    x25519, raw = _libraries()
    private = x25519.X25519PrivateKey.generate()
    identity = private.private_bytes(raw.Encoding.Raw, raw.PrivateFormat.Raw, raw.NoEncryption())
    recipient = _recipient(private)
    bare = PeriodKey(class_name, period, recipient, store.describe(), key, b"", int(time.time()))
    made = PeriodKey(class_name, period, recipient, bare.store, key, store.wrap(key, identity, bare.context), bare.created)
    if unwrap_identity(store, made) != identity:
        raise RefusedError(
            f"{store.place} gave another identity back than it was given to wrap, so the key {key.name} is not used; look at the store"
        )
    return made


def load_period_key(directory: str, class_name: str, period: str, *, prefix: str = PREFIX) -> PeriodKey | None:
    """What the document of a period tells; C(None) where there is none.

    :raises RefusedError: it cannot be read, or is another one's.
    """
    path = os.path.join(directory, f"{key_name(class_name, period, prefix=prefix)}.json")
    document = _read(path)
    if document is None:
        return None
    try:
        found = PeriodKey(
            class_name=_text(document["class"]),
            period=_text(document["period"]),
            recipient=bytes.fromhex(_text(document["recipient"])),
            store={_text(name): _text(value) for name, value in document["store"].items()},
            key=Key(_text(document["key"]["name"]), _text(document["key"]["id"])),
            wrapped=base64.b64decode(_text(document["wrapped"]), validate=True),
            created=int(document["created"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        found = None
    expected = (class_name, period, key_name(class_name, period, prefix=prefix))
    if found is None or document.get("format") != FORMAT or len(found.recipient) != _BYTES or not found.key.id:
        raise RefusedError(f"the document {path} is not what this collection wrote, so nothing was done; bring it back from a copy")
    if (found.class_name, found.period, found.key.name) != expected:
        raise RefusedError(
            f"the document {path} is that of {found.class_name} {found.period}, so nothing was done; bring the right one back"
        )
    return found


def unwrap_identity(store: KeyStore, period_key: PeriodKey) -> bytes:
    """The identity: 32 bytes, to be kept in memory only.

    :raises StoreRefusedError: of the kind C(missing) where the store's key is gone.
    :raises RefusedError: what came back does not belong to the recipient.
    """
    _require_store(store, period_key)
    identity = store.unwrap(period_key.key, period_key.wrapped, period_key.context)
    x25519, _raw = _libraries()
    private = x25519.X25519PrivateKey.from_private_bytes(identity) if len(identity) == _BYTES else None
    if private is None or _recipient(private) != period_key.recipient:
        raise RefusedError(
            f"what {store.place} unwrapped is not the identity of {period_key.class_name} {period_key.period}, so it is not used; "
            "bring the document back from a copy"
        )
    return identity


def look_at_period_key(store: KeyStore, period_key: PeriodKey) -> KeyState:
    """What the store says of the period's key.

    :raises RefusedError: it is another store than the one that had it.
    """
    _require_store(store, period_key)
    return store.look(period_key.key)


def destroy_period_key(store: KeyStore, period_key: PeriodKey) -> KeyState:
    """Have the store destroy the period's key; the document stays, since it tells what was destroyed.

    :raises StoreRefusedError: the store refused, and still has the key.
    :raises RefusedError: it is another store than the one that had it.
    """
    _require_store(store, period_key)
    return store.destroy(period_key.key)


def _require_living(state: KeyState, period_key: PeriodKey) -> None:
    """:raises StoreRefusedError: the key was destroyed; where the store cannot be asked it counts as there, since recipients work without it."""
    if state.state in ("gone", "pending"):
        raise StoreRefusedError(
            "missing" if state.state == "gone" else "pending",
            f"the key of {period_key.class_name} {period_key.period} was destroyed ({state.told}), so nothing is encrypted for it, which nobody "
            "could decrypt; see why recordings of that period are still to be encrypted",
        )


def _libraries() -> tuple[t.Any, t.Any]:
    names = ("cryptography.hazmat.primitives.asymmetric.x25519", "cryptography.hazmat.primitives.serialization")
    x25519, raw = (library(name, "cryptography", "a period's key") for name in names)
    return x25519, raw


def _recipient(private: t.Any) -> bytes:
    _x25519, raw = _libraries()
    return t.cast(bytes, private.public_key().public_bytes(raw.Encoding.Raw, raw.PublicFormat.Raw))


def _require_store(store: KeyStore, period_key: PeriodKey) -> None:
    if store.describe() != dict(period_key.store):
        told = ", ".join(f"{name} {value}" for name, value in sorted(period_key.store.items()) if value)
        raise RefusedError(
            f"the key {period_key.key.name} is kept in another store ({told}) than {store.place}, which was given, so nothing was done; give that one"
        )


def _begin(executor: Executor, store: KeyStore, intent: str, name: str) -> bool:
    """Write the intent; whether an earlier call had."""
    document = {"format": _INTENT, "name": name, "store": store.describe()}
    left = _read(intent)
    if left is None:
        if store.find(name) is None:
            _write(executor, intent, document)
        return False
    if left != document:
        raise RefusedError(f"{intent} tells of a key that was begun in another store, so nothing was done; finish it there, or remove it")
    return True


def _write(executor: Executor, path: str, document: t.Mapping[str, t.Any]) -> None:
    try:
        executor.makedirs(os.path.dirname(path))
        executor.replace_file(path, [canonical(document) + b"\n"])
    except OSError as error:
        raise RefusedError(f"{path} cannot be written ({error.strerror}); make room or correct the directory, and run again") from error


def _forget(executor: Executor, intent: str) -> None:
    if os.path.lexists(intent):
        executor.unlink(intent)
        executor.sync_directory(os.path.dirname(intent))


def _read(path: str) -> dict[str, t.Any] | None:
    try:
        with open(path, "rb") as handle:
            found = json.loads(handle.read(1 << 20))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(
            f"the document {path} cannot be read ({error.strerror}), so nothing was done; repair that and run again"
        ) from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedError(f"the document {path} is not what this collection wrote, so nothing was done; bring it back from a copy")
    return found


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
