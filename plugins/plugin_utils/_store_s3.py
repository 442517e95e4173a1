# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a bucket with object lock (S3 and what speaks like it), through the library boto3."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import importlib
import io
import os
import stat
import typing as t
import urllib.parse

from ..module_utils._errors import RefusedError
from ..module_utils._executor import Executor
from ._store import ROOMS, Held, Item, Store, Unit, stream_digest

__all__ = ["MODES", "S3Store"]

MODES = ("COMPLIANCE", "GOVERNANCE")
_MOST_BYTES = 5 << 30
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403")


def _library(name: str) -> t.Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RefusedError(
            "a store of the kind s3 needs the Python library boto3, which the controller does not have, so nothing was done; "
            "install it for the Python that Ansible uses there"
        ) from None


def _private(path: str) -> str:
    """The path of a file that nobody else can read; its text is not told, since a secret may stand there by mistake."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        raise RefusedError("store.credentials_file cannot be read, so nothing was done; correct the path") from None
    if not stat.S_ISREG(facts.st_mode) or facts.st_mode & 0o077 or facts.st_uid not in (0, os.geteuid()):
        raise RefusedError(
            f"store.credentials_file is no file of yours that others cannot read (mode {stat.S_IMODE(facts.st_mode):04o}), so nothing was done; "
            "give it mode 0600, and change the secret"
        )
    return path


class S3Store(Store):
    kind: t.ClassVar[str] = "s3"

    def __init__(
        self,
        executor: Executor,
        *,
        bucket: str,
        region: str,
        mode: str,
        prefix: str = "",
        endpoint_url: str = "",
        credentials_file: str = "",
        profile: str = "",
        ca_file: str = "",
    ) -> None:
        super().__init__(executor)
        self.bucket, self.region, self.mode, self.prefix = bucket, region, mode, prefix
        self.endpoint_url = _checked_url(endpoint_url)
        self.place = f"the bucket {bucket}" + (f" at {endpoint_url}" if endpoint_url else f" in {region}")
        boto3, self._errors = _library("boto3"), _library("botocore.exceptions")
        session = _library("botocore.session").Session(profile=profile or None)
        if credentials_file:
            session.set_config_variable("credentials_file", _private(credentials_file))
        config = _library("botocore.config").Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path" if endpoint_url else "auto"},
        )
        told = {"endpoint_url": endpoint_url or None, "config": config, "verify": ca_file or None}
        self._client: t.Any = self._ask("be used", lambda: boto3.Session(botocore_session=session, region_name=region).client("s3", **told))
        self._versions: dict[str, list[str]] = {}

    def describe(self) -> dict[str, t.Any]:
        told = {"bucket": self.bucket, "region": self.region, "prefix": self.prefix, "endpoint_url": self.endpoint_url, "mode": self.mode}
        return {"kind": self.kind, **told}

    def _ask(self, doing: str, request: t.Callable[[], t.Any], *, absent: t.Collection[str] = ()) -> t.Any:
        """Do a request; whatever goes wrong becomes one sentence, but for the codes C(absent), which give nothing."""
        try:
            return request()
        except self._errors.ClientError as error:
            told = error.response.get("Error") or {}
            code, words = str(told.get("Code", "")), " ".join(str(told.get("Message", "")).split())[:200]
            if code in absent:
                return None
            if code in _DENIED:
                what = f"does not permit these credentials to {doing} ({code}: {words}); extend their policy or renew them"
            else:
                what = f"was asked to {doing} and answered {code}: {words}; what is whole there counts, run again once that is repaired"
            raise RefusedError(f"{self.place} {what}") from None
        except (self._errors.NoCredentialsError, self._errors.PartialCredentialsError, self._errors.ProfileNotFound) as error:
            raise RefusedError(
                f"there are no credentials for {self.place} ({type(error).__name__}), so nothing was done; give credentials_file"
            ) from None
        except (self._errors.BotoCoreError, self._errors.HTTPClientError, ValueError) as error:
            raise RefusedError(
                f"{self.place} could not be asked to {doing} ({type(error).__name__}); what is whole there counts, see that region and endpoint_url are "
                "right and can be reached from here, and run again"
            ) from None

    def check(self) -> list[str]:
        there = self._ask("be looked at", lambda: self._client.head_bucket(Bucket=self.bucket), absent=("404", "NoSuchBucket"))
        if there is None:
            raise RefusedError(
                f"{self.place} is not there, so nothing was done; make it with object lock, which cannot be forgotten afterwards"
            )
        absent = ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")
        lock = self._ask("tell its object lock", lambda: self._client.get_object_lock_configuration(Bucket=self.bucket), absent=absent)
        if ((lock or {}).get("ObjectLockConfiguration") or {}).get("ObjectLockEnabled") != "Enabled":
            raise RefusedError(
                f"{self.place} has no object lock, so what is in it can be deleted, and nothing was done; enable it, or use another bucket"
            )
        versioning = self._ask("tell its versioning", lambda: self._client.get_bucket_versioning(Bucket=self.bucket))
        if versioning.get("Status") != "Enabled":
            raise RefusedError(f"{self.place} keeps no versions (versioning is not enabled), so nothing was done; enable it")
        return ["Object lock and versioning are enabled."]

    def make(self) -> bool:
        return False

    def held(self) -> dict[str, Held]:
        self._versions = {}
        marked: set[str] = set()
        sizes: dict[str, int] = {}
        for room in ROOMS:
            prefix = f"{self.prefix}{room}/"
            pages = self._ask("list its versions", functools.partial(self._pages, prefix))
            for page in pages:
                for each in page.get("Versions") or ():
                    name = str(each["Key"]).removeprefix(self.prefix)
                    self._versions.setdefault(name, []).append(str(each["VersionId"]))
                    sizes[name] = int(each["Size"])
                marked.update(str(each["Key"]).removeprefix(self.prefix) for each in page.get("DeleteMarkers") or ())
        found = {}
        for name, versions in self._versions.items():
            fault = f"has {len(versions)} versions, so somebody wrote it anew" if len(versions) > 1 else ""
            found[name] = Held(sizes[name], "has a delete marker, so somebody deleted it" if name in marked else fault)
        return found

    def _pages(self, prefix: str) -> list[dict[str, t.Any]]:
        return list(self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix))

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + name, "VersionId": self._versions[name][0]}

    def _head(self, name: str) -> dict[str, t.Any]:
        told = self._ask(f"tell of {name}", lambda: self._client.head_object(**self._object(name), ChecksumMode="ENABLED"))
        return t.cast("dict[str, t.Any]", told)

    def digests(self, names: t.Collection[str]) -> dict[str, str]:
        return {name: stream_digest(self._chunks(name))[0] for name in names}

    def _chunks(self, name: str) -> t.Iterator[bytes]:
        answer = self._ask(f"give {name}", lambda: self._client.get_object(**self._object(name)))
        parts = answer["Body"].iter_chunks(1 << 20)
        while True:
            chunk = self._ask(f"give {name}", lambda: next(parts, None))
            if chunk is None:
                return
            yield chunk

    def read(self, name: str) -> bytes:
        return b"".join(self._chunks(name))

    def put(self, unit: Unit, items: t.Sequence[Item], until: dt.datetime) -> None:
        for item in items:
            if item.size > _MOST_BYTES:
                raise RefusedError(f"{item.name} is longer than the {_MOST_BYTES} bytes that a bucket takes whole, so it is not stored")
            made = self.executor.call(f"put {item.name} into {self.place}", functools.partial(self._put, item, until))
            if not made.get("VersionId"):
                raise RefusedError(f"{self.place} took {item.name} and names no version of it, so it keeps none; enable versioning")
            self._versions[item.name] = [str(made["VersionId"])]
            self._require_lock(item.name, until)

    def _put(self, item: Item, until: dt.datetime) -> dict[str, t.Any]:
        checksum = base64.b64encode(bytes.fromhex(item.digest[7:])).decode("ascii")
        told: dict[str, t.Any] = {
            "Bucket": self.bucket,
            "Key": self.prefix + item.name,
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": checksum,
        }
        told |= {"ObjectLockMode": self.mode, "ObjectLockRetainUntilDate": until, "IfNoneMatch": "*"}
        try:
            with io.BytesIO(item.data) if item.data is not None else open(item.path, "rb") as file:
                made = self._ask(f"take {item.name}", functools.partial(self._client.put_object, Body=file, **told))
        except OSError as error:
            raise RefusedError(f"{item.path} cannot be read ({error.strerror}), so it is not stored; repair that, and run again") from error
        return t.cast("dict[str, t.Any]", made)

    def _require_lock(self, name: str, until: dt.datetime) -> None:
        told = self._head(name)
        if told.get("ObjectLockMode") not in (self.mode, "COMPLIANCE") or not _as_long(told.get("ObjectLockRetainUntilDate"), until):
            raise RefusedError(
                f"{self.place} took {name} and does not hold it until {until:%Y-%m-%dT%H:%M:%SZ} in the mode {self.mode}, so it is no store for evidence"
            )

    def extend(self, names: t.Collection[str], until: dt.datetime, held: t.Mapping[str, Held], *, check_mode: bool) -> int:
        count = 0
        for name in names:
            told = self._head(name)
            mode = "COMPLIANCE" if told.get("ObjectLockMode") == "COMPLIANCE" else self.mode
            if told.get("ObjectLockMode") == mode and _as_long(told.get("ObjectLockRetainUntilDate"), until):
                continue
            count += 1
            if not check_mode:
                end = max(until, told.get("ObjectLockRetainUntilDate") or until)
                self.executor.call(f"keep {name} longer in {self.place}", functools.partial(self._retain, name, mode, end))
                self._require_lock(name, until)
        return count

    def _retain(self, name: str, mode: str, end: dt.datetime) -> None:
        given = {**self._object(name), "Retention": {"Mode": mode, "RetainUntilDate": end}}
        self._ask(f"keep {name} longer", functools.partial(self._client.put_object_retention, **given))

    def locked(self, name: str) -> tuple[dt.datetime | None, bool]:
        """Until when the bucket refuses to delete an object, and whether somebody placed a legal hold on it."""
        told = self._head(name)
        return told.get("ObjectLockRetainUntilDate"), told.get("ObjectLockLegalHoldStatus") == "ON"

    def remove(self, names: t.Collection[str]) -> None:
        for name in names:
            for version in self._versions.get(name, ()):
                given = {"Bucket": self.bucket, "Key": self.prefix + name, "VersionId": version}
                request = functools.partial(self._client.delete_object, **given)
                self.executor.call(f"delete {name} from {self.place}", functools.partial(self._ask, f"delete {name}", request))


def _as_long(end: dt.datetime | None, until: dt.datetime) -> bool:
    return end is not None and end >= until


def _checked_url(url: str) -> str:
    """:raises RefusedError: secrets would be sent in the clear, or stand in the address."""
    if not url:
        return url
    try:
        parts = urllib.parse.urlsplit(url)
        name, secret = parts.username, parts.password
    except ValueError:
        raise RefusedError("store.endpoint_url is no address, so nothing was done; correct it") from None
    if name is not None or secret is not None:
        raise RefusedError(
            "store.endpoint_url holds a name or a password, which would be shown, so nothing was done; give credentials_file"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise RefusedError("store.endpoint_url is no https address, so nothing was done; http is allowed on the loopback only")
    return url
