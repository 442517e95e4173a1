# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in AWS KMS, through the library boto3. They are destroyed only after a waiting period of 7 to 30 days."""

from __future__ import annotations

import typing as t

from ..._executor import Executor
from .secretfiles import require_private
from .store import MET, NOT_MET, UNKNOWN, Copies, Key, KeyState, KeyStore, StoreRefusedError, library, time_told

__all__ = ["AwsKmsStore"]

_ALIAS = "alias/"
_TAG = "recordings-disposal-key"
_CONTEXT = "recordings.disposal"

_KINDS: t.Mapping[str, str] = {
    "NotFoundException": "missing",
    "InvalidCiphertextException": "wrong",
    "IncorrectKeyException": "wrong",
    "AlreadyExistsException": "exists",
    "KMSInvalidStateException": "pending",
    "DisabledException": "unfit",
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidSignatureException"), "denied"),
    **dict.fromkeys(("InvalidClientTokenId", "ExpiredTokenException", "IncompleteSignature", "MissingAuthenticationToken"), "denied"),
    **dict.fromkeys(("ThrottlingException", "DependencyTimeoutException", "KMSInternalException", "RequestTimeout"), "unreachable"),
}


class AwsKmsStore(KeyStore):
    """Symmetric keys of one region, made there by AWS itself, found by an alias and known by their ARN, which tells account and region."""

    kind: t.ClassVar[str] = "aws_kms"
    way_back: t.ClassVar[str] = "cancel its deletion (kms:CancelKeyDeletion) and enable it"

    def __init__(
        self,
        executor: Executor,
        *,
        region: str,
        endpoint_url: str = "",
        credentials_file: str = "",
        profile: str = "",
        window_days: int = 30,
    ) -> None:
        super().__init__(executor)
        self.region, self.endpoint_url, self.window_days = region, endpoint_url, window_days
        self.place = f"AWS KMS in {region}" + (f" at {endpoint_url}" if endpoint_url else "")
        boto3 = library("boto3", "boto3", "a key store of the kind aws_kms")
        self._errors: t.Any = library("botocore.exceptions", "boto3", "a key store of the kind aws_kms")
        session = library("botocore.session", "boto3", "a key store of the kind aws_kms").Session(profile=profile or None)
        if credentials_file:
            session.set_config_variable("credentials_file", require_private(credentials_file, "the credentials"))
        config = library("botocore.config", "boto3", "a key store of the kind aws_kms").Config(
            connect_timeout=10, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"}
        )
        self._client: t.Any = self._ask(
            "be used",
            lambda: boto3.Session(botocore_session=session, region_name=region).client(
                "kms", endpoint_url=endpoint_url or None, config=config
            ),
        )

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "region": self.region, "endpoint_url": self.endpoint_url}

    def find(self, name: str) -> Key | None:
        data = self._read(_ALIAS + name)
        return None if data is None or str(data["KeyState"]).startswith("Pending") else Key(name, str(data["Arn"]))

    def _make(self, name: str, *, resume: bool) -> Key:
        if self._read(_ALIAS + name) is not None:
            raise StoreRefusedError(
                "exists", f"{self.place} had a key {name}, which waits for its destruction, so the name is taken; choose another prefix"
            )
        arn = self._left_behind(name) if resume else None
        if arn is None:
            made = self.executor.call(
                f"make the key {name} in {self.place}",
                lambda: self._ask(
                    f"make the key {name}",
                    lambda: self._client.create_key(
                        Description=f"recordings.disposal {name}",
                        KeyUsage="ENCRYPT_DECRYPT",
                        KeySpec="SYMMETRIC_DEFAULT",
                        Origin="AWS_KMS",
                        MultiRegion=False,
                        Tags=[{"TagKey": _TAG, "TagValue": name}],
                    ),
                ),
            )
            arn = str(made["KeyMetadata"]["Arn"])
        target = arn
        self.executor.call(
            f"name the key {name} in {self.place}",
            lambda: self._ask(
                f"name the key {name}", lambda: self._client.create_alias(AliasName=_ALIAS + name, TargetKeyId=target.rpartition("/")[2])
            ),
        )
        return Key(name, arn)

    def _left_behind(self, name: str) -> str | None:
        """A key that an interrupted call made and did not come to name."""
        arns = [str(entry["KeyArn"]) for page in self._pages("list_keys") for entry in page["Keys"]]
        return next((arn for arn in arns if self._is_marked(arn, name)), None)

    def _is_marked(self, arn: str, name: str) -> bool:
        """Whether a key was made for a name and can be used; other people's keys need not let themselves be asked."""
        try:
            tags = self._ask("list the tags of a key", lambda: self._client.list_resource_tags(KeyId=arn))["Tags"]
            if {"TagKey": _TAG, "TagValue": name} not in tags:
                return False
            self._require_usable(Key(name, arn))
        except StoreRefusedError as error:
            if error.kind in ("denied", "missing", "pending"):
                return False
            raise
        return True

    def wrap(self, key: Key, secret: bytes, context: str) -> bytes:
        self._require_usable(key)
        answer = self._ask(
            f"wrap by the key {key.name}",
            lambda: self._client.encrypt(KeyId=self._known_as(key), Plaintext=secret, EncryptionContext={_CONTEXT: context}),
            key,
        )
        return t.cast(bytes, answer["CiphertextBlob"])

    def unwrap(self, key: Key, wrapped: bytes, context: str) -> bytes:
        self._require_usable(key)
        answer = self._ask(
            f"unwrap by the key {key.name}",
            lambda: self._client.decrypt(KeyId=self._known_as(key), CiphertextBlob=wrapped, EncryptionContext={_CONTEXT: context}),
            key,
        )
        return t.cast(bytes, answer["Plaintext"])

    @staticmethod
    def _known_as(key: Key) -> str:
        return key.id or _ALIAS + key.name

    def _require_usable(self, key: Key) -> None:
        """:raises StoreRefusedError: the key is gone, waits for its destruction, or cannot be used."""
        data = self._read(self._known_as(key))
        if data is None:
            raise self._no_key(key)
        if str(data["KeyState"]).startswith("PendingDeletion"):
            raise self._pending(key, _until(data))
        if data["KeyState"] != "Enabled":
            raise StoreRefusedError(
                "unfit", f"the key {key.name} of {self.place} is in the state {data['KeyState']}; enable it and run again"
            )

    def _look(self, key: Key) -> KeyState:
        if key.id and key.id.split(":")[3:4] != [self.region]:
            return KeyState("unknown", f"the key {key.name} is {key.id}, which is not in {self.place}; correct the region")
        data = self._read(self._known_as(key))
        if data is None:
            told = f"{self.place} answers that it has no key {key.id or key.name}"
            return KeyState("gone", told) if key.id else KeyState("absent", told)
        state, until = str(data["KeyState"]), _until(data)
        told = f"{self.place} has the key {key.name} ({data['Arn']}) in the state {state}"
        if until is not None:
            told += f"; it will be destroyed after {time_told(until)}, and until then that can be taken back"
        pending = state in ("PendingDeletion", "PendingReplicaDeletion")
        return KeyState(
            "pending" if pending else "present",
            told,
            until,
            None if pending else self._versions(str(data["KeyId"])),
            str(data.get("KeySpec", "")),
            256 if data.get("KeySpec") == "SYMMETRIC_DEFAULT" else None,
            (*_copies(data), *((Copies("waiting", NOT_MET, "the waiting period is not over"),) if pending else ())),
        )

    def _versions(self, mark: str) -> int | None:
        """One for each rotation and the first; all of them go with the key."""
        try:
            answer = self._ask("list rotations", lambda: self._client.list_key_rotations(KeyId=mark))
        except StoreRefusedError:
            return None
        return None if answer.get("Truncated") else 1 + len(answer["Rotations"])

    def _destroy(self, key: Key) -> None:
        mark = str((self._read(self._known_as(key)) or {}).get("KeyId") or key.id.rpartition("/")[2])
        try:
            self.executor.call(
                f"schedule the destruction of the key {key.name} of {self.place}",
                lambda: self._ask(
                    f"schedule the destruction of the key {key.name}",
                    lambda: self._client.schedule_key_deletion(KeyId=mark, PendingWindowInDays=self.window_days),
                    key,
                ),
            )
        except StoreRefusedError as error:
            if error.kind == "denied":
                raise StoreRefusedError("not_allowed", f"{error.message}; the key is still there") from None
            raise

    def names(self) -> list[str]:
        aliases = (alias["AliasName"][len(_ALIAS) :] for page in self._pages("list_aliases") for alias in page["Aliases"])
        return sorted(name for name in aliases if not name.startswith("aws/"))

    def _pages(self, operation: str) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self._ask(operation, lambda: list(self._client.get_paginator(operation).paginate())))

    def _read(self, known_as: str) -> dict[str, t.Any] | None:
        try:
            answer = self._ask(f"describe the key {known_as}", lambda: self._client.describe_key(KeyId=known_as))
        except StoreRefusedError as error:
            if error.kind == "missing":
                return None
            raise
        return t.cast("dict[str, t.Any]", answer["KeyMetadata"])

    def _ask(self, doing: str, request: t.Callable[[], t.Any], key: Key | None = None) -> t.Any:
        """Do a request; whatever goes wrong becomes one sentence."""
        try:
            return request()
        except self._errors.ClientError as error:
            raise self._refusal(doing, error.response, key) from None
        except (self._errors.NoCredentialsError, self._errors.PartialCredentialsError, self._errors.ProfileNotFound) as error:
            raise StoreRefusedError(
                "denied", f"there are no credentials for {self.place} ({type(error).__name__}), so nothing was done; give credentials_file"
            ) from None
        except (self._errors.BotoCoreError, ValueError) as error:
            raise StoreRefusedError(
                "unreachable",
                f"{self.place} could not be asked to {doing} ({type(error).__name__}), so what became of it is not known; "
                "see that region and endpoint_url are right and can be reached from this host",
            ) from None

    def _refusal(self, doing: str, response: t.Mapping[str, t.Any], key: Key | None) -> StoreRefusedError:
        told = response.get("Error") or {}
        failed = int((response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0) >= 500
        code, words = str(told.get("Code", "")), " ".join(str(told.get("Message", "")).split())
        kind = _KINDS.get(code, "unreachable" if failed else "unfit")
        if key is not None and kind in ("missing", "wrong", "pending"):
            return {"missing": self._no_key, "wrong": self._wrong, "pending": self._pending}[kind](key)
        if kind == "denied":
            return StoreRefusedError(
                "denied", f"{self.place} does not permit these credentials to {doing} ({code}: {words}); extend their policy or renew them"
            )
        return StoreRefusedError(kind, f"{self.place} was asked to {doing} and answered {code}: {words[:200]}")


def _until(data: t.Mapping[str, t.Any]) -> int | None:
    """When a waiting period ends."""
    date = data.get("DeletionDate")
    return None if date is None else int(date.timestamp())


def _copies(data: t.Mapping[str, t.Any]) -> tuple[Copies, ...]:
    """What the description of a key tells of copies."""
    origin = data.get("Origin")
    if origin == "AWS_KMS":
        exportable = Copies("exportable", MET, "AWS made the key and gives it to nobody")
    elif origin == "EXTERNAL":
        exportable = Copies("exportable", NOT_MET, "the key was imported, and may still be where it came from")
    else:
        exportable = Copies("exportable", UNKNOWN, f"the key is kept outside of AWS KMS ({origin}), whose backups AWS does not tell")
    replicas = [str(key.get("Region")) for key in (data.get("MultiRegionConfiguration") or {}).get("ReplicaKeys") or ()]
    if replicas:
        several = Copies("replicas", NOT_MET, f"the key has replicas in {', '.join(sorted(replicas))}, which are destroyed one by one")
    elif data.get("MultiRegion") is False:
        several = Copies("replicas", MET, "the key is of this region only")
    else:
        several = Copies("replicas", UNKNOWN, "the key is one of several regions, or it is not told")
    return exportable, several
