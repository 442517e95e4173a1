# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed run, and stores for it: a directory, a git repository, a bucket of moto's server."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import stat
import subprocess
import sys
import typing as t

from ansible_collections.recordings.disposal.plugins.action.evidence_store import ActionModule
from ansible_collections.recordings.disposal.tests.system.loop_bed import not_run
from ansible_collections.recordings.disposal.tests.system.store_bed import free_port, private, serving
from ansible_collections.recordings.disposal.tests.unit.plugins.action.action_world import run_action
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.run_world import SIGNER, RunWorld

__all__ = ["BUCKET", "KEY_ID", "SECRET", "Bucket", "Directory", "Place", "Repository", "StoreWorld", "buckets"]

KEY_ID, SECRET = "AKIATESTTESTTESTTEST", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYsecret4tests"
BUCKET = "evidence-of-disposal"


class Place(t.Protocol):
    """What the tests do with a store besides the module."""

    def options(self) -> dict[str, t.Any]: ...
    def files(self) -> dict[str, bytes]: ...
    def damage(self, name: str, data: bytes) -> None: ...


class Directory:
    def __init__(self, path: pathlib.Path, **more: t.Any) -> None:
        self.path, self.more = path, more

    def options(self) -> dict[str, t.Any]:
        return {"kind": "directory", "path": str(self.path), **self.more}

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.path)): path.read_bytes() for path in sorted(self.path.rglob("*")) if path.is_file()}

    def modes(self) -> set[tuple[str, int]]:
        """Of files and directories, the top one too."""
        paths = [self.path, *self.path.rglob("*")]
        return {("file" if path.is_file() else "directory", stat.S_IMODE(path.stat().st_mode)) for path in paths}

    def damage(self, name: str, data: bytes) -> None:
        path = self.path / name
        path.chmod(0o600)
        path.write_bytes(data)
        path.chmod(0o400)


class Repository:
    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def options(self) -> dict[str, t.Any]:
        return {"kind": "git", "path": str(self.path)}

    def git(self, *arguments: str, data: bytes = b"") -> bytes:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{who}_NAME": "eve", f"GIT_{who}_EMAIL": "eve@example.com"}
        done = subprocess.run(["git", f"--git-dir={self.path}", *arguments], input=data, capture_output=True, check=True, env=environment)
        return done.stdout

    def files(self) -> dict[str, bytes]:
        if not self.path.exists():
            return {}
        names = self.git("ls-tree", "-r", "-z", "--name-only", "evidence").decode().split("\0")
        return {name: self.git("cat-file", "blob", f"evidence:{name}") for name in names if name}

    def damage(self, name: str, data: bytes) -> None:
        """By a commit of somebody else."""
        mark = self.git("hash-object", "-w", "--stdin", data=data).decode().strip()
        lines = self.git("ls-tree", "-r", "evidence").decode().splitlines()
        index = [f"100644 {mark}\t{name}" if line.endswith(f"\t{name}") else line.replace(" blob ", " ") for line in lines]
        with contextlib.suppress(FileNotFoundError):
            (self.path / "index").unlink()
        self.git("update-index", "--index-info", data=("\n".join(index) + "\n").encode())
        tree = self.git("write-tree").decode().strip()
        commit = self.git("commit-tree", tree, "-p", "evidence", "-m", "x").decode().strip()
        self.git("update-ref", "refs/heads/evidence", commit)


class Bucket:
    """moto's server, with a bucket that has object lock."""

    def __init__(self, directory: pathlib.Path, port: int) -> None:
        self.directory, self.endpoint_url = directory, f"http://127.0.0.1:{port}"
        self.name, self.mode = BUCKET, "COMPLIANCE"
        self.credentials_file = private(
            directory / "credentials", f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
        )

    def options(self, **others: t.Any) -> dict[str, t.Any]:
        told = {
            "region": "eu-central-1",
            "endpoint_url": self.endpoint_url,
            "credentials_file": self.credentials_file,
            "prefix": "disposal/",
        }
        return {"kind": "s3", "bucket": self.name, "mode": self.mode, **told, **others}

    def client(self) -> t.Any:
        import boto3

        given = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
        return boto3.client("s3", region_name="eu-central-1", endpoint_url=self.endpoint_url, **given)

    def fresh(self, name: str, *, lock: bool = True) -> Bucket:
        """Another bucket of the same server."""
        made = Bucket.__new__(Bucket)
        made.__dict__.update(self.__dict__, name=name)
        where = {"LocationConstraint": "eu-central-1"}
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock, CreateBucketConfiguration=where)
        return made

    def versions(self) -> list[dict[str, t.Any]]:
        return self.client().list_object_versions(Bucket=self.name).get("Versions", [])

    def files(self) -> dict[str, bytes]:
        client = self.client()
        names = [each["Key"] for each in client.list_objects_v2(Bucket=self.name).get("Contents", [])]
        return {name.removeprefix("disposal/"): client.get_object(Bucket=self.name, Key=name)["Body"].read() for name in names}

    def damage(self, name: str, data: bytes) -> None:
        self.client().put_object(Bucket=self.name, Key=f"disposal/{name}", Body=data)


@contextlib.contextmanager
def buckets(directory: pathlib.Path) -> t.Iterator[Bucket]:
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("boto3") is None:
        not_run("the Python packages moto and boto3 are not installed")
    port = free_port()
    with serving([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], directory / "moto.log", port):
        yield Bucket(directory, port)


class StoreWorld:
    """:ivar world: a sealed run with its ledger."""

    def __init__(self, path: pathlib.Path, place: Place) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.place = path, place
        self.world = RunWorld(path).swept()
        self.world.seal()
        self.run = self.world.run.name
        (path / "signers").write_text(self.world.signers, encoding="ascii")

    def arguments(self, **changes: t.Any) -> dict[str, t.Any]:
        told = {
            "source": str(self.world.state),
            "store": self.place.options(),
            "keep": "P10Y",
            "allowed_signers": str(self.path / "signers"),
            "signer": SIGNER,
        }
        return {name: value for name, value in {**told, **changes}.items() if value is not None}

    def store(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        return run_action(ActionModule, "evidence_store", self.arguments(**changes), check_mode=check_mode)

    def expire(self, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        return self.store(check_mode=check_mode, **{"state": "expired", "source": None, "allowed_signers": None, "signer": None, **changes})

    def refused(self, words: str, *, check_too: bool = True, **changes: t.Any) -> dict[str, t.Any]:
        """The task fails with these words and the store is as it was."""
        import re

        result: dict[str, t.Any] = {}
        before = self.place.files()
        for check_mode in (True, False) if check_too else (False,):
            result = self.store(check_mode=check_mode, **changes)
            assert result.get("failed") and re.search(words, result["msg"]), result
            assert self.place.files() == before
        return result
