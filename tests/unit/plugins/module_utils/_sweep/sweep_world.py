# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording server in a directory, with everything that a sweep needs; real files, real keys, real modules' code."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.applying import apply_plan
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.planning import make_plan

KEY = "k" * 64
HOST = "pbx1"


def fingerprint(root: pathlib.Path) -> dict[str, tuple[t.Any, ...]]:
    """Every entry of a tree: kind, content, time of change, names."""
    found: dict[str, tuple[t.Any, ...]] = {}
    for directory, names, files in os.walk(root):
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            facts = os.lstat(path)
            content: str | None = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                content = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            found[os.path.relpath(path, root)] = (facts.st_mode, content, facts.st_mtime_ns if content else None, facts.st_nlink)
    return found


class World:
    """One host with a FreePBX root; C(now) is real, recordings get ages in days."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.root = path / "monitor"
        self.root.mkdir()
        self.state = path / "state"
        self.holds: list[dict[str, t.Any]] = []
        self.requests: list[dict[str, t.Any]] = []
        self.signatures: list[dict[str, str]] = []
        self.allowed_signers = ""
        self.policy: dict[str, t.Any] = {
            "id": "test",
            "version": "1",
            "owner": "owner@example.com",
            "review_by": "2099-01-01",
            "time_zone": "Europe/Warsaw",
            "sources": [{"name": "pbx", "layout": "freepbx", "roots": [str(self.root)], "metadata": [{"sidecar": "{stem}.json"}]}],
            "classes": [
                {
                    "name": "calls",
                    "start": {"event": "recording_start"},
                    "keep": "P90D",
                    "destroy_within": "P30D",
                    "legal_basis": "test",
                    "disposal": {"technique": "overwrite", "scheme": "nist_clear", "level": "clear"},
                }
            ],
            "limits": {"share": "100%", "clock_witness": "P3650D"},
        }

    def record(self, *, days: float, number: int = 0, src: str = "+48600100200", size: int = 5000, **sidecar: t.Any) -> pathlib.Path:
        """A recording of an age, with a sidecar; returns its audio file."""
        moment = time.time() - days * 86400
        local = time.localtime(moment)
        directory = self.root / time.strftime("%Y/%m/%d", local)
        directory.mkdir(parents=True, exist_ok=True)
        stem = f"in-+48225550100-{src}-{time.strftime('%Y%m%d-%H%M%S', local)}-{int(moment)}.{number}"
        audio = directory / f"{stem}.wav"
        audio.write_bytes((f"MARK{number:06d}".encode() * (size // 10 + 1))[:size])
        note = directory / f"{stem}.json"
        note.write_text(json.dumps({"duration": 30, **sidecar}))
        for path in (audio, note):
            os.utime(path, (moment, moment))
        return audio

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        return {
            "policy": self.policy,
            "holds": self.holds,
            "requests": self.requests,
            "state_dir": str(self.state),
            "identifiers_key": KEY,
            "controller_time": int(time.time()),
            "sources": None,
            "workers": 1,
            **more,
        }

    def plan(self, *, check: bool = False, on_limit: str = "fail") -> dict[str, t.Any]:
        return make_plan(self.params(on_limit=on_limit), CheckExecutor() if check else Executor(), check_mode=check)

    def manifest(self, planned: dict[str, t.Any], *, required: int = 0, hours: float = 24, author: str = "ewa@example.com") -> str:
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))
        part = {key: value for key, value in planned.items() if key not in ("changed", "warnings")}
        manifest = {
            "format": "recordings.disposal/manifest/1",
            "plan_id": "2026-11-23-test",
            "created": created,
            "expires": expires,
            "author": author,
            "approvals_required": required,
            "collection": "0.1.0",
            "policy": planned["policy"],
            "hosts": {HOST: part},
            "totals": {},
            "blocked": [],
        }
        return canonical(manifest).decode() + "\n"

    def apply_params(self, manifest: str, **more: t.Any) -> dict[str, t.Any]:
        return self.params(
            **{
                "manifest": manifest,
                "signatures": self.signatures,
                "allowed_signers": self.allowed_signers,
                "approvals_required": 0,
                "destroyed_keys": [],
                "host": HOST,
                **more,
            }
        )

    def apply(self, manifest: str, *, check: bool = False, executor: Executor | None = None, **more: t.Any) -> dict[str, t.Any]:
        chosen = CheckExecutor() if check else executor or Executor()
        return apply_plan(self.apply_params(manifest, **more), chosen, check_mode=check)

    def journal(self) -> list[dict[str, t.Any]]:
        (path,) = (self.state / "runs").glob("*/journal.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def key(self, name: str) -> pathlib.Path:
        """A signing key, made once."""
        path = self.path / f"{name}.key"
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def allow(self, principal: str, key: pathlib.Path, *, options: str = 'namespaces="plan@recordings.disposal"') -> None:
        public = " ".join(key.with_suffix(".key.pub").read_text().split()[:2])
        self.allowed_signers += f"{principal} {options} {public}\n"

    def sign(self, manifest: str, principal: str, key: pathlib.Path, *, namespace: str = "plan@recordings.disposal") -> None:
        done = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace], input=manifest.encode(), capture_output=True, check=True
        )
        self.signatures.append({"principal": principal, "signature": done.stdout.decode()})
