# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in the transit engine of OpenBao or HashiCorp Vault, through the library hvac."""

from __future__ import annotations

import base64
import re
import typing as t

from ..._executor import Executor
from .secretfiles import read_secret
from .store import MET, NOT_MET, UNKNOWN, Copies, Key, KeyState, KeyStore, StoreRefusedError, library

__all__ = ["VaultStore"]

_TYPE = "aes256-gcm96"
_BITS: t.Mapping[str, int] = {_TYPE: 256, "aes128-gcm96": 128, "chacha20-poly1305": 256, "xchacha20-poly1305": 256}
_LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(/.*)?")
_SECONDS = 30

# What the servers say, as a part of their answer, and the kind of refusal that it is.
_WORDS: tuple[tuple[str, str], ...] = (
    ("deletion is not allowed", "not_allowed"),
    ("encryption key not found", "missing"),
    ("could not delete key; not found", "missing"),
    ("message authentication failed", "wrong"),
    ("invalid ciphertext", "wrong"),
    ("missing ciphertext", "wrong"),
    ("no handler for route", "unfit"),
    ("namespace not found", "unfit"),
)


class VaultStore(KeyStore):
    """Keys of the type C(aes256-gcm96), not exportable, without plaintext backups.

    The id of a key tells the cluster, the namespace, the accessor of the engine and when the key was made, so that neither another server
    nor another engine at the same path is taken for the one that had it.
    """

    kind: t.ClassVar[str] = "vault"

    def __init__(
        self, executor: Executor, *, url: str, mount: str = "transit", namespace: str = "", ca_file: str = "", token_file: str = ""
    ) -> None:
        super().__init__(executor)
        self.url, self.mount, self.namespace = url.rstrip("/"), mount.strip("/"), namespace.strip("/")
        self.place = f"the transit engine {self.mount} of {self.url}" + (f" in the namespace {self.namespace}" if self.namespace else "")
        if not url.startswith("https://") and not _LOOPBACK.fullmatch(url):
            raise StoreRefusedError(
                "unfit", f"{url} is not https, so the token and keys could be read on the way, and nothing was done; give an https URL"
            )
        hvac = library("hvac", "hvac", "a key store of the kind vault")
        self._errors: t.Any = library("hvac.exceptions", "hvac", "a key store of the kind vault")
        verify = ca_file or None
        token = read_secret(token_file, "the token") if token_file else None
        self._client: t.Any = hvac.Client(url=self.url, token=token, verify=verify, namespace=self.namespace or None, timeout=_SECONDS)
        # The state of a server is told to everybody, and only outside of namespaces.
        self._anyone: t.Any = hvac.Client(url=self.url, token="", verify=verify, timeout=_SECONDS)
        if not self._client.token:
            raise StoreRefusedError(
                "denied", f"there is no token for {self.place}, so nothing was done; give token_file, or VAULT_TOKEN in the environment"
            )

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "url": self.url, "mount": self.mount, "namespace": self.namespace}

    def find(self, name: str) -> Key | None:
        engine = self._engine()
        data = self._read(name)
        return None if data is None else self._key(name, engine, data)

    def _make(self, name: str, *, resume: bool) -> Key:
        self.executor.call(
            f"make the key {name} in {self.place}",
            lambda: self._ask(
                f"make the key {name}",
                lambda: self._client.secrets.transit.create_key(
                    name, key_type=_TYPE, exportable=False, allow_plaintext_backup=False, derived=False, mount_point=self.mount
                ),
            ),
        )
        found = self.find(name)
        if found is None:
            raise StoreRefusedError("unfit", f"{self.place} said that it made the key {name} and does not have it; look at the server")
        return self._finish(found)

    def _finish(self, key: Key) -> Key:
        self._require_fit(key, self._require(key))
        return key

    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        # Asked first: the server makes a key anew where one is missing and the token is allowed to.
        self._require_fit(key, self._require(key))
        answer = self._ask(
            f"wrap by the key {key.name}",
            lambda: self._client.secrets.transit.encrypt_data(
                key.name, plaintext=_text(secret), associated_data=_text(context.encode()), mount_point=self.mount
            ),
            key,
        )
        return str(answer["data"]["ciphertext"]).encode("ascii")

    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        self._require(key)
        try:
            ciphertext = wrapped.decode("ascii")
        except UnicodeDecodeError:
            raise self._wrong(key) from None
        answer = self._ask(
            f"unwrap by the key {key.name}",
            lambda: self._client.secrets.transit.decrypt_data(
                key.name, ciphertext=ciphertext, associated_data=_text(context.encode()), mount_point=self.mount
            ),
            key,
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def _look(self, key: Key) -> KeyState:
        engine = self._engine()
        if key.id and not key.id.startswith(engine + "/"):
            return KeyState("unknown", f"{self.place} is not the one that had the key {key.name}: it tells another identity of itself")
        data = self._read(key.name)
        if data is None:
            told = f"{self.place} answers that it has no key {key.name}"
            return KeyState("gone", told, copies=(_BACKUPS,)) if key.id else KeyState("absent", told)
        if self._another(key, data):
            return KeyState("gone", f"{self.place} has another key by the name {key.name}, made at another time", copies=(_BACKUPS,))
        return self._state(key, data)

    def _state(self, key: Key, data: t.Mapping[str, t.Any]) -> KeyState:
        kind = str(data.get("type"))
        least = data.get("min_decryption_version")
        return KeyState(
            "present",
            f"{self.place} has the key {key.name} in {len(data.get('keys') or ())} versions, the oldest that decrypts is {least}, and "
            f"deletion is {'allowed' if data.get('deletion_allowed') else 'not allowed'}",
            versions=len(data.get("keys") or ()) or None,
            algorithm=kind,
            bits=_BITS.get(kind),
            copies=(
                _flag("exportable", data.get("exportable"), "that the key can be exported"),
                _flag("plaintext_backup", data.get("allow_plaintext_backup"), "plaintext backups of the key"),
                _flag("soft_deleted", data.get("soft_deleted", False), "a deleted key to be brought back (soft-delete)"),
                _flag("imported", data.get("imported_key", False), "that the key came from elsewhere"),
                _BACKUPS,
            ),
        )

    def _destroy(self, key: Key) -> None:
        transit = self._client.secrets.transit
        self._set_deletion(key, allowed=True)
        try:
            self.executor.call(
                f"delete the key {key.name} of {self.place}",
                lambda: self._ask(f"delete the key {key.name}", lambda: transit.delete_key(key.name, mount_point=self.mount), key),
            )
        except StoreRefusedError as error:
            if error.kind == "denied":
                self._set_deletion(key, allowed=False)
                raise StoreRefusedError("not_allowed", f"{error.message}; the key was left as it was") from None
            raise

    def _set_deletion(self, key: Key, *, allowed: bool) -> None:
        configure = self._client.secrets.transit.update_key_configuration
        try:
            self.executor.call(
                f"{'allow' if allowed else 'forbid'} the deletion of the key {key.name} of {self.place}",
                lambda: self._ask(
                    f"set deletion_allowed of the key {key.name}",
                    lambda: configure(key.name, deletion_allowed=allowed, mount_point=self.mount),
                    key,
                ),
            )
        except StoreRefusedError as error:
            if error.kind == "denied":
                raise StoreRefusedError(
                    "not_allowed",
                    f"deletion of the key {key.name} is not allowed in {self.place}, and this token may not allow it "
                    f"({error.message}), so the key is still there; give the token update on {self.mount}/keys/{key.name}/config",
                ) from None
            raise

    def names(self) -> list[str]:
        try:
            answer = self._ask("list the keys", lambda: self._client.secrets.transit.list_keys(mount_point=self.mount))
        except StoreRefusedError as error:
            if error.kind == "missing":
                return []
            raise
        return sorted(map(str, answer["data"]["keys"]))

    @staticmethod
    def _key(name: str, engine: str, data: t.Mapping[str, t.Any]) -> Key:
        return Key(name, f"{engine}/{_made(data)}")

    @staticmethod
    def _another(key: Key, data: t.Mapping[str, t.Any]) -> bool:
        """Whether what has the name now was made at another time. Of a key whose first version was cut off that is not told: it counts as the same."""
        return bool(key.id and _made(data)) and key.id.rpartition("/")[2] != _made(data)

    def _engine(self) -> str:
        """The identity of the server and of the engine."""
        health = self._ask("tell its state", lambda: self._anyone.sys.read_health_status(method="GET"))
        health = health.json() if hasattr(health, "json") else health
        if not isinstance(health, t.Mapping) or health.get("sealed") or not health.get("cluster_id"):
            raise self._sealed()
        answer = self._ask(f"tell what is mounted at {self.mount}", lambda: self._client.read(f"sys/internal/ui/mounts/{self.mount}"))
        engine = (answer or {}).get("data") or {}
        if engine.get("type") != "transit":
            raise StoreRefusedError(
                "unfit", f"there is no transit engine at {self.mount} of {self.url}, so nothing was done; correct mount and namespace"
            )
        return f"{health['cluster_id']}/{self.namespace}/{engine.get('accessor', '')}"

    def _read(self, name: str) -> t.Mapping[str, t.Any] | None:
        try:
            answer = self._ask(f"read the key {name}", lambda: self._client.secrets.transit.read_key(name, mount_point=self.mount))
        except StoreRefusedError as error:
            if error.kind == "missing":
                return None
            raise
        return t.cast("t.Mapping[str, t.Any]", answer["data"])

    def _require(self, key: Key) -> t.Mapping[str, t.Any]:
        """:raises StoreRefusedError: the key is not there, or another one has its name."""
        engine = self._engine()
        data = self._read(key.name)
        if key.id and not key.id.startswith(engine + "/"):
            raise StoreRefusedError(
                "unfit",
                f"{self.place} is not the one that has the key {key.name}: it tells another identity of itself; correct url, mount and "
                "namespace",
            )
        if data is None or self._another(key, data):
            raise self._no_key(key)
        return data

    def _require_fit(self, key: Key, data: t.Mapping[str, t.Any]) -> None:
        state = self._state(key, data)
        unfit = [copies.text for copies in state.copies if copies.met == NOT_MET]
        if state.strength != MET:
            unfit.append(f"its type is {state.algorithm}")
        if unfit:
            raise StoreRefusedError(
                "unfit",
                f"the key {key.name} of {self.place} cannot be destroyed for certain ({'; '.join(unfit)}), so nothing was wrapped by it; "
                f"use one of the type {_TYPE} that is not exportable and without plaintext backups",
            )

    def _ask(self, doing: str, request: t.Callable[[], t.Any], key: Key | None = None) -> t.Any:
        """Do a request; whatever goes wrong becomes one sentence."""
        try:
            return request()
        except self._errors.VaultError as error:
            raise self._refusal(doing, error, key) from None
        except OSError as error:
            trust = "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in str(error) else type(error).__name__
            raise StoreRefusedError(
                "unreachable",
                f"{self.url} could not be asked to {doing} ({trust}), so what became of it is not known; "
                "see that the server runs and can be reached from this host, and that ca_file is its authority's",
            ) from None
        except (ValueError, KeyError, TypeError):
            raise StoreRefusedError(
                "unreachable", f"{self.url} did not answer as a server of this kind does when asked to {doing}; correct the url"
            ) from None

    def _refusal(self, doing: str, error: t.Any, key: Key | None) -> StoreRefusedError:
        words = " ".join("; ".join(map(str, error.errors or ())).split())
        kind = next((kind for part, kind in _WORDS if part in words), "")
        if isinstance(error, self._errors.VaultDown) or "sealed" in words:
            return self._sealed()
        if isinstance(error, (self._errors.Forbidden, self._errors.Unauthorized)):
            return StoreRefusedError(
                "denied",
                f"{self.place} does not permit this token to {doing} ({words or 'permission denied'}); extend its policy or renew it",
            )
        if isinstance(error, self._errors.InvalidPath) and not kind:
            kind = "missing"
        if key is not None and kind == "missing":
            return self._no_key(key)
        if key is not None and kind == "wrong":
            return self._wrong(key)
        if isinstance(error, (self._errors.BadGateway, self._errors.RateLimitExceeded)):
            kind = "unreachable"
        return StoreRefusedError(
            kind or "unfit", f"{self.place} was asked to {doing} and answered: {words or type(error).__name__}; see its log"
        )

    def _sealed(self) -> StoreRefusedError:
        return StoreRefusedError(
            "sealed",
            f"{self.url} is sealed, or not initialized, and tells nothing of its keys, so nothing was done; unseal it and run again",
        )


_BACKUPS = Copies("backups", UNKNOWN, "snapshots and replicas of the server's storage, which it does not tell, may still hold the key")


def _flag(what: str, value: t.Any, allowed: str) -> Copies:
    if value is None:
        return Copies(what, UNKNOWN, f"the server does not say whether it allows {allowed}")
    return Copies(what, NOT_MET if value else MET, f"the server {'allows' if value else 'does not allow'} {allowed}")


def _made(data: t.Mapping[str, t.Any]) -> str:
    """When the first version of a key was made, as far as the server tells."""
    first = (data.get("keys") or {}).get("1", "")
    return str(first.get("creation_time", "") if isinstance(first, t.Mapping) else first)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
