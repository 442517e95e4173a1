# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a KMIP server, through the library PyKMIP."""

from __future__ import annotations

import contextlib
import logging
import secrets
import typing as t

from ..._executor import CheckModeWriteError, Executor
from .sealing import open_sealed, require_cryptography, seal
from .secretfiles import read_secret, require_private
from .store import MET, NOT_MET, UNKNOWN, Copies, Key, KeyState, KeyStore, StoreRefusedError, library

__all__ = ["KmipStore"]

_BLOCK = 16
_NEEDED_BY = "a key store of the kind kmip"
_KINDS: t.Mapping[str, str] = {
    "ITEM_NOT_FOUND": "missing",
    "OBJECT_DESTROYED": "missing",
    "PERMISSION_DENIED": "denied",
    "AUTHENTICATION_NOT_SUCCESSFUL": "denied",
    "CRYPTOGRAPHIC_FAILURE": "wrong",
    "BAD_CRYPTOGRAPHIC_PARAMETERS": "wrong",
}
_ATTRIBUTES = ["Name", "State", "Initial Date", "Cryptographic Algorithm", "Cryptographic Length", "Extractable", "Never Extractable"]


class KmipStore(KeyStore):
    """AES keys that encrypt on the server. Associated data are not part of KMIP before 1.4, so what is wrapped by the server is a key of one
    use only, and that seals the secret and its context.

    The id of a key tells its unique identifier and when it was made.
    """

    kind: t.ClassVar[str] = "kmip"

    def __init__(
        self,
        executor: Executor,
        *,
        host: str,
        port: int = 5696,
        ca_file: str,
        cert_file: str,
        key_file: str,
        username: str = "",
        password_file: str = "",
    ) -> None:
        super().__init__(executor)
        self.host, self.port = host, port
        self.place = f"the KMIP server {host}:{port}"
        require_cryptography(_NEEDED_BY)
        self._pie: t.Any = library("kmip.pie.client", "PyKMIP", _NEEDED_BY)
        self._enums: t.Any = library("kmip.core.enums", "PyKMIP", _NEEDED_BY)
        self._errors: t.Any = library("kmip.pie.exceptions", "PyKMIP", _NEEDED_BY)
        self._factory: t.Any = library("kmip.core.factories.attributes", "PyKMIP", _NEEDED_BY).AttributeFactory()
        # The library would write what it is about, and what fails, to the standard error.
        log = logging.getLogger("kmip")
        log.propagate = False
        log.addHandler(logging.NullHandler())
        self._options: dict[str, t.Any] = {
            "hostname": host,
            "port": port,
            "ca": ca_file,
            "cert": cert_file,
            "key": require_private(key_file, "the client's key"),
            "username": username or None,
            "password": read_secret(password_file, "the password") if password_file else None,
            # Its own configuration files would be asked for what is left out.
            "config": "recordings.disposal",
        }

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "host": self.host, "port": str(self.port)}

    def find(self, name: str) -> Key | None:
        with self._session(f"look for the key {name}") as client:
            found = [(uid, told) for uid in self._located(client, name) if (told := self._tells(client, uid)) and not _is_gone(told)]
        if len(found) > 1:
            raise StoreRefusedError(
                "unfit", f"{self.place} has {len(found)} keys by the name {name}, so nothing was done; remove those that are not meant"
            )
        return Key(name, _id(*found[0])) if found else None

    def _located(self, client: t.Any, name: str = "") -> list[str]:
        kind = self._attribute("OBJECT_TYPE", self._enums.ObjectType.SYMMETRIC_KEY)
        return list(client.locate(attributes=[kind, self._attribute("NAME", name)] if name else [kind]))

    def _attribute(self, kind: str, value: t.Any) -> t.Any:
        return self._factory.create_attribute(getattr(self._enums.AttributeType, kind), value)

    def _make(self, name: str, *, resume: bool) -> Key:
        masks = [self._enums.CryptographicUsageMask.ENCRYPT, self._enums.CryptographicUsageMask.DECRYPT]
        with self._session(f"make the key {name}") as client:
            uid = self.executor.call(
                f"make the key {name} in {self.place}",
                lambda: client.create(self._enums.CryptographicAlgorithm.AES, 256, name=name, cryptographic_usage_mask=masks),
            )
            key = Key(name, _id(str(uid), self._tells(client, uid) or {}))
        return self._finish(key)

    def _finish(self, key: Key) -> Key:
        with self._session(f"activate the key {key.name}") as client:
            uid, told = self._same(client, key)
            if told.get("State") == "PRE_ACTIVE":
                self.executor.call(f"activate the key {key.name} of {self.place}", lambda: client.activate(uid))
        self._require_fit(key, self.look(key))
        return key

    def _require_fit(self, key: Key, state: KeyState) -> None:
        if state.strength != MET or any(copies.met == NOT_MET for copies in state.copies):
            unfit = [copies.text for copies in state.copies if copies.met == NOT_MET]
            raise StoreRefusedError(
                "unfit",
                f"the key {key.name} of {self.place} cannot be destroyed for certain, or is too short "
                f"({'; '.join(unfit) or state.algorithm or state.told}), so nothing was wrapped by it; have the collection make its keys itself",
            )

    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        once, iv = secrets.token_bytes(32), secrets.token_bytes(_BLOCK)
        with self._session(f"wrap by the key {key.name}", key) as client:
            uid = self._usable(client, key)
            wrapped, _iv = client.encrypt(once, uid=uid, cryptographic_parameters=self._manner(), iv_counter_nonce=iv)
        return b"".join((iv, bytes([len(wrapped)]), wrapped, seal(once, secret, context)))

    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        iv, end = wrapped[:_BLOCK], _BLOCK + 1 + (wrapped[_BLOCK] if len(wrapped) > _BLOCK else 0)
        with self._session(f"unwrap by the key {key.name}", key) as client:
            uid = self._usable(client, key)
            try:
                once = client.decrypt(wrapped[_BLOCK + 1 : end], uid=uid, cryptographic_parameters=self._manner(), iv_counter_nonce=iv)
            except self._errors.KmipOperationFailure as error:
                # Servers tell of bad padding in several ways, a general failure among them.
                if error.reason.name in ("GENERAL_FAILURE", "INVALID_FIELD", "INVALID_DATA_TYPE"):
                    raise self._wrong(key) from None
                raise
        secret = open_sealed(once, wrapped[end:], context) if len(once) == 32 else None
        if secret is None:
            raise self._wrong(key)
        return secret

    def _manner(self) -> dict[str, t.Any]:
        return {
            "cryptographic_algorithm": self._enums.CryptographicAlgorithm.AES,
            "block_cipher_mode": self._enums.BlockCipherMode.CBC,
            "padding_method": self._enums.PaddingMethod.PKCS5,
        }

    def _look(self, key: Key) -> KeyState:
        with self._session(f"tell of the key {key.name}") as client:
            uid = key.id.partition("/")[0] if key.id else next(iter(self._located(client, key.name)), None)
            told = self._tells(client, uid) if uid else None
        if told is None:
            words = f"{self.place} answers that it has no key {key.name}" + (f" with the unique identifier {uid}" if uid else "")
            return KeyState("gone", words, copies=(_BACKUPS,)) if key.id else KeyState("absent", words)
        if key.id and _id(str(uid), told) != key.id:
            return KeyState(
                "gone", f"{self.place} has another object by the unique identifier {uid}, made at another time", copies=(_BACKUPS,)
            )
        if key.name not in told["Name"]:
            return KeyState("unknown", f"{self.place} has the unique identifier {uid} under another name than {key.name}")
        state = str(told.get("State", "not told"))
        words = f"{self.place} has the key {key.name} with the unique identifier {uid} in the state {state}"
        if _is_gone(told):
            return KeyState("gone", words, copies=(_BACKUPS,))
        length = told.get("Cryptographic Length")
        algorithm = str(told.get("Cryptographic Algorithm", ""))
        bits = length if isinstance(length, int) and algorithm == "AES" else None
        return KeyState("present", words, None, 1, algorithm, bits, (_exportable(told), _BACKUPS))

    def _destroy(self, key: Key) -> None:
        revoked = False
        reason = self._enums.RevocationReasonCode.CESSATION_OF_OPERATION
        try:
            with self._session(f"destroy the key {key.name}") as client:
                uid, told = self._same(client, key)
                if told.get("State") == "ACTIVE":
                    self.executor.call(f"revoke the key {key.name} of {self.place}", lambda: client.revoke(reason, uid))
                    revoked = True
                self.executor.call(f"destroy the key {key.name} of {self.place}", lambda: client.destroy(uid))
        except StoreRefusedError as error:
            if error.kind == "denied":
                after = "the key was revoked but is still there" if revoked else "the key is still there"
                raise StoreRefusedError("not_allowed", f"{error.message}; {after}") from None
            raise

    def names(self) -> list[str]:
        with self._session("list the keys") as client:
            told = [self._tells(client, uid) for uid in self._located(client)]
        return sorted({name for one in told if one and not _is_gone(one) for name in one["Name"]})

    def _same(self, client: t.Any, key: Key) -> tuple[str, dict[str, t.Any]]:
        """The unique identifier and the attributes of a key that is there.

        :raises StoreRefusedError: it is not.
        """
        uid = key.id.partition("/")[0] if key.id else next(iter(self._located(client, key.name)), "")
        told = self._tells(client, uid) if uid else None
        if told is None or _is_gone(told) or (key.id and _id(uid, told) != key.id):
            raise self._no_key(key)
        return uid, told

    def _usable(self, client: t.Any, key: Key) -> str:
        """The unique identifier of a key that may be used."""
        uid, told = self._same(client, key)
        if told.get("State") in ("DEACTIVATED", "COMPROMISED"):
            raise self._pending(key)
        return uid

    def _tells(self, client: t.Any, uid: str) -> dict[str, t.Any] | None:
        """The attributes of an object, names as a list; C(None) where there is none."""
        try:
            _uid, attributes = client.get_attributes(uid, _ATTRIBUTES)
        except self._errors.KmipOperationFailure as error:
            if _KINDS.get(error.reason.name) == "missing":
                return None
            raise
        told: dict[str, t.Any] = {"Name": []}
        for attribute in attributes:
            name, value = str(attribute.attribute_name.value), attribute.attribute_value
            if name == "Name":
                told["Name"].append(str(value.name_value.value))
            else:
                told[name] = getattr(value.value, "name", value.value)
        return told

    @contextlib.contextmanager
    def _session(self, doing: str, key: Key | None = None) -> t.Iterator[t.Any]:
        """A connection, closed afterwards; whatever goes wrong becomes one sentence."""
        try:
            with self._pie.ProxyKmipClient(**self._options) as client:
                yield client
        except (StoreRefusedError, CheckModeWriteError):
            raise
        except self._errors.KmipOperationFailure as error:
            raise self._refusal(doing, error, key) from None
        except Exception as error:
            # The library tells a broken connection in many ways, some of them its own.
            raise StoreRefusedError(
                "unreachable",
                f"{self.place} could not be asked to {doing} ({type(error).__name__}), so what became of it is not known; "
                "see that it runs, that ca_file is its authority's, and that it takes cert_file",
            ) from None

    def _refusal(self, doing: str, error: t.Any, key: Key | None) -> StoreRefusedError:
        kind = _KINDS.get(error.reason.name, "unfit")
        words = f"{error.reason.name}: {' '.join(str(error.message).split())}"
        if key is not None and kind in ("missing", "wrong"):
            return self._no_key(key) if kind == "missing" else self._wrong(key)
        if kind == "denied":
            return StoreRefusedError(
                "denied", f"{self.place} does not permit this client to {doing} ({words}); extend its operation policy"
            )
        return StoreRefusedError(kind, f"{self.place} was asked to {doing} and answered {words}; see its log")


_BACKUPS = Copies("backups", UNKNOWN, "backups, archived copies and replicas of the server are not told by KMIP")


def _id(uid: str, told: t.Mapping[str, t.Any]) -> str:
    return f"{uid}/{told.get('Initial Date', '')}"


def _is_gone(told: t.Mapping[str, t.Any]) -> bool:
    return str(told.get("State")).startswith("DESTROYED")


def _exportable(told: t.Mapping[str, t.Any]) -> Copies:
    if told.get("Never Extractable") is True:
        return Copies("exportable", MET, "the server tells that the key was never extractable")
    if told.get("Extractable") is True:
        return Copies("exportable", NOT_MET, "the server tells that the key is extractable")
    return Copies("exportable", UNKNOWN, "the server does not tell whether a client can have the key itself (Get)")
