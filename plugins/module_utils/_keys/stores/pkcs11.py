# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in a hardware security module, or what behaves like one, through its PKCS#11 library and the library python-pkcs11."""

from __future__ import annotations

import contextlib
import os
import secrets
import ssl
import typing as t

from ..._executor import Executor
from .secretfiles import read_secret
from .store import MET, NOT_MET, UNKNOWN, Copies, Key, KeyState, KeyStore, StoreRefusedError, library

__all__ = ["Pkcs11Store"]

_NONCE = 12
_TAG_BITS = 128


class Pkcs11Store(KeyStore):
    """AES keys as objects of a token: private, sensitive, not extractable, neither to be copied nor changed.

    The id of a key tells the token's serial number and the object's C(CKA_ID).
    """

    kind: t.ClassVar[str] = "pkcs11"

    def __init__(self, executor: Executor, *, module: str, token: str, pin_file: str) -> None:
        super().__init__(executor)
        self.module, self.token = module, token
        self.place = f"the token {token} of {module}"
        self._pkcs11: t.Any = library("pkcs11", "python-pkcs11", "a key store of the kind pkcs11")
        self._errors: t.Any = library("pkcs11.exceptions", "python-pkcs11", "a key store of the kind pkcs11")
        self._pin = read_secret(pin_file, "the PIN")

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "module": self.module, "token": self.token}

    def find(self, name: str) -> Key | None:
        with self._session() as (serial, session):
            found = self._objects(session, {self._attribute("LABEL"): name})
            if len(found) > 1:
                raise StoreRefusedError(
                    "unfit", f"{self.place} has {len(found)} keys by the name {name}, so nothing was done; remove those that are not meant"
                )
            return Key(name, f"{serial}/{bytes(found[0][self._attribute('ID')]).hex()}") if found else None

    def _make(self, name: str, *, resume: bool) -> Key:
        with self._session(write=True) as (serial, session):
            mark = secrets.token_bytes(16)

            def make() -> None:
                session.generate_key(
                    self._pkcs11.KeyType.AES, 256, id=mark, label=name, store=True, template={self._attribute(k): v for k, v in _TEMPLATE}
                )

            with self._asked(f"make the key {name}"):
                self.executor.call(f"make the key {name} in {self.place}", make)
        return self._finish(Key(name, f"{serial}/{mark.hex()}"))

    def _finish(self, key: Key) -> Key:
        self._require_fit(key, self.look(key))
        return key

    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        with self._session() as (serial, session):
            found = self._require(session, serial, key)
            self._require_fit(key, self._state(key, found))
            nonce = secrets.token_bytes(_NONCE)
            with self._asked(f"wrap by the key {key.name}"):
                return nonce + bytes(found.encrypt(secret, **self._manner(nonce, context)))

    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        with self._session() as (serial, session):
            found = self._require(session, serial, key)
            if len(wrapped) < _NONCE + _TAG_BITS // 8:
                raise self._wrong(key)
            # What does not fit, tokens tell in many ways, a general error among them.
            told = ("EncryptedDataInvalid", "EncryptedDataLenRange", "GeneralError", "FunctionFailed", "DataInvalid", "SignatureInvalid")
            try:
                return bytes(found.decrypt(wrapped[_NONCE:], **self._manner(wrapped[:_NONCE], context)))
            except self._errors.PKCS11Error as error:
                if isinstance(error, tuple(getattr(self._errors, name) for name in told)):
                    raise self._wrong(key) from None
                raise self._refusal(f"unwrap by the key {key.name}", error) from None

    def _manner(self, nonce: bytes, context: str) -> dict[str, t.Any]:
        parameters = self._pkcs11.GCMParams(nonce, context.encode(), _TAG_BITS)
        return {"mechanism": self._pkcs11.Mechanism.AES_GCM, "mechanism_param": parameters}

    def _look(self, key: Key) -> KeyState:
        with self._session() as (serial, session):
            if key.id and key.id.partition("/")[0] != serial:
                return KeyState("unknown", f"{self.place} is not the one that had the key {key.name}: its serial number is {serial}")
            found = self._same(session, key)
            if found is not None:
                return self._state(key, found)
            told = f"{self.place} (serial number {serial}) answers that it has no key {key.name}"
            return KeyState("gone", told, copies=(_BACKUPS,)) if key.id else KeyState("absent", told)

    def _state(self, key: Key, found: t.Any) -> KeyState:
        told = {name: self._tells(found, name) for name in ("NEVER_EXTRACTABLE", "ALWAYS_SENSITIVE", "COPYABLE", "LOCAL", "VALUE_LEN")}
        algorithm = str(getattr(found.key_type, "name", found.key_type))
        length = told["VALUE_LEN"]
        return KeyState(
            "present",
            f"{self.place} has the key {key.name}",
            versions=1,
            algorithm=algorithm,
            bits=length * 8 if isinstance(length, int) and algorithm == "AES" else None,
            copies=(
                _attribute_copies("exportable", "CKA_NEVER_EXTRACTABLE", told["NEVER_EXTRACTABLE"], wanted=True),
                _attribute_copies("sensitive", "CKA_ALWAYS_SENSITIVE", told["ALWAYS_SENSITIVE"], wanted=True),
                _attribute_copies("copyable", "CKA_COPYABLE", told["COPYABLE"], wanted=False),
                _attribute_copies("imported", "CKA_LOCAL", told["LOCAL"], wanted=True),
                _BACKUPS,
            ),
        )

    def _destroy(self, key: Key) -> None:
        with self._session(write=True) as (serial, session):
            found = self._require(session, serial, key)
            if self._tells(found, "DESTROYABLE") is False:
                raise StoreRefusedError(
                    "not_allowed",
                    f"the key {key.name} of {self.place} is marked as one that is not to be destroyed (CKA_DESTROYABLE is false)"
                    ", so it is still there; destroy it by re-initializing the token",
                )
            with self._asked(f"destroy the key {key.name}"):
                self.executor.call(f"destroy the key {key.name} of {self.place}", found.destroy)

    def names(self) -> list[str]:
        with self._session() as (_serial, session):
            return sorted(str(found[self._attribute("LABEL")]) for found in self._objects(session, {}))

    def _attribute(self, name: str) -> t.Any:
        return getattr(self._pkcs11.Attribute, name)

    def _tells(self, found: t.Any, name: str) -> t.Any:
        """An attribute; C(None) where the token does not tell it."""
        try:
            return found[self._attribute(name)]
        except (self._errors.PKCS11Error, NotImplementedError):
            return None

    def _objects(self, session: t.Any, wanted: dict[t.Any, t.Any]) -> list[t.Any]:
        with self._asked("look for keys"):
            return list(session.get_objects({self._attribute("CLASS"): self._pkcs11.ObjectClass.SECRET_KEY, **wanted}))

    def _same(self, session: t.Any, key: Key) -> t.Any:
        mark = key.id.partition("/")[2]
        wanted = {self._attribute("ID"): bytes.fromhex(mark)} if mark else {self._attribute("LABEL"): key.name}
        found = self._objects(session, wanted)
        return found[0] if found else None

    def _require(self, session: t.Any, serial: str, key: Key) -> t.Any:
        found = self._same(session, key) if not key.id or key.id.partition("/")[0] == serial else None
        if found is None:
            raise self._no_key(key)
        return found

    def _require_fit(self, key: Key, state: KeyState) -> None:
        unfit = [copies.text for copies in state.copies if copies.met == NOT_MET]
        if unfit or state.strength != MET:
            raise StoreRefusedError(
                "unfit",
                f"the key {key.name} of {self.place} cannot be destroyed for certain, or is too short "
                f"({'; '.join(unfit) or state.algorithm or state.told}), so nothing was wrapped by it; "
                "have the collection make its keys itself, or see which attributes the token takes",
            )

    @contextlib.contextmanager
    def _session(self, *, write: bool = False) -> t.Iterator[tuple[str, t.Any]]:
        """The token's serial number and an open session, closed afterwards."""
        if not os.path.exists(self.module):
            raise StoreRefusedError(
                "unfit", f"there is no PKCS#11 library {self.module}, so nothing was done; install it or correct module"
            )
        with self._asked("open a session"):
            tokens = list(self._pkcs11.lib(self.module).get_tokens(token_label=self.token))
        if len(tokens) != 1:
            found = "no token" if not tokens else f"{len(tokens)} tokens"
            raise StoreRefusedError(
                "unreachable",
                f"{self.module} has {found} by the label {self.token}, so nothing is known of its keys; plug it in, or correct token and the "
                "library's own configuration",
            )
        with self._asked("open a session"):
            session = tokens[0].open(rw=write, user_pin=self._pin)
        try:
            with session:
                serial = tokens[0].serial
                yield (serial.decode("ascii", "replace") if isinstance(serial, bytes) else str(serial)).strip("\0 "), session
        finally:
            _forget_errors()

    @contextlib.contextmanager
    def _asked(self, doing: str) -> t.Iterator[None]:
        try:
            yield
        except self._errors.PKCS11Error as error:
            raise self._refusal(doing, error) from None

    def _refusal(self, doing: str, error: Exception) -> StoreRefusedError:
        name = type(error).__name__
        if name in ("PinIncorrect", "PinInvalid", "PinLenRange"):
            return StoreRefusedError(
                "denied",
                f"{self.place} does not take the PIN, so it was not asked to {doing}; correct the file before the token locks itself",
            )
        if name in ("PinLocked", "PinExpired", "UserPinNotInitialized"):
            return StoreRefusedError("sealed", f"{self.place} is locked ({name}), so it was not asked to {doing}; have its PIN set anew")
        if name in _MISUSED:
            return StoreRefusedError("denied", f"{self.place} does not permit this user to {doing} ({name}); see its roles")
        if name in _AWAY:
            return StoreRefusedError("unreachable", f"{self.place} could not be asked to {doing} ({name}); see that the token is there")
        return StoreRefusedError("unfit", f"{self.place} was asked to {doing} and answered {name}: {error}; see the token's own log")


_TEMPLATE: tuple[tuple[str, bool], ...] = (
    *((name, True) for name in ("TOKEN", "PRIVATE", "SENSITIVE", "DESTROYABLE", "ENCRYPT", "DECRYPT")),
    *((name, False) for name in ("EXTRACTABLE", "MODIFIABLE", "COPYABLE", "WRAP", "UNWRAP", "DERIVE", "SIGN", "VERIFY")),
)
_MISUSED = ("UserNotLoggedIn", "UserTooManyTypes", "TokenWriteProtected", "SessionReadOnly", "FunctionRejected", "AttributeReadOnly")
_AWAY = ("DeviceError", "DeviceRemoved", "TokenNotPresent", "TokenNotRecognised", "SessionClosed", "SessionHandleInvalid", "SlotIDInvalid")
_BACKUPS = Copies("backups", UNKNOWN, "backups of the token, copies on other tokens and what its own storage keeps are not told by PKCS#11")


def _forget_errors() -> None:
    """Libraries of tokens share OpenSSL with Python and leave errors in its queue, which the next TLS connection would take for its own.

    What Python refuses itself empties the queue.
    """
    with contextlib.suppress(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers("none")


def _attribute_copies(what: str, attribute: str, value: t.Any, *, wanted: bool) -> Copies:
    if not isinstance(value, bool):
        return Copies(what, UNKNOWN, f"the token does not tell {attribute}")
    return Copies(what, MET if value is wanted else NOT_MET, f"{attribute} is {'true' if value else 'false'}")
