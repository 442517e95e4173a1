# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks over several hosts: encrypted, held on one of them, the key destroyed for all, the sweep brings the sets to their end."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import typing as t

import pytest
import yaml

from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import identity_text
from ansible_collections.recordings.disposal.plugins.module_utils._keys.period_keys import load_period_key, unwrap_identity
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import open_store
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.store import StoreRefusedError
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, not_run
from ansible_collections.recordings.disposal.tests.system.secret_watch import Watch, files_with, forms_of
from ansible_collections.recordings.disposal.tests.system.test_waves import Fleet

HELD = "+48600100299"


class KeyedFleet(Fleet):
    """Hosts whose calls are encrypted with a key for each year, and a key store that is a directory of the controller."""

    hosts = ("a", "b")

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path)
        for host in self.hosts:
            shutil.rmtree(path / host)
        self.year = int(time.strftime("%Y")) - 1
        (path / "store").mkdir(mode=0o700)
        (path / "holds").mkdir()
        self.store = {"kind": "directory", "path": str(path / "store")}
        policy = yaml.safe_load((path / "policy.yml").read_text())
        policy["classes"][0].update(
            encryption={"period": "year"}, destroy_within="P1Y", disposal={"technique": "crypto_erase", "level": "purge"}
        )
        (path / "policy.yml").write_text(yaml.safe_dump(policy))
        hold = {"id": "case-1", "reason": "test", "placed": "2020-01-01", "placed_by": "ewa@example.com", "review_by": "2099-01-01"}
        (path / "holds" / "case-1.yml").write_text(yaml.safe_dump({**hold, "match": {"source": [self.hosts[0]], "src": [HELD]}}))
        self.variables.update(
            disposal_holds_dir=str(path / "holds"),
            disposal_key_store=self.store,
            disposal_keys_dir=str(path / "keys"),
            disposal_key_host_state_dir=str(path / "key-state"),
            disposal_periods=[{"class": "calls", "period": str(self.year)}],
            disposal_class="calls",
            disposal_period=str(self.year),
            disposal_to_period=str(self.year + 1),
            disposal_declared=dict.fromkeys(
                ("encrypted_from_first_write", "no_backup", "not_in_memory", "no_store_copies"), "test plan 7, signed"
            ),
        )
        self.plain: dict[pathlib.Path, bytes] = {}
        for host in self.hosts:
            for number in range(10):
                path_ = self.said(host, number, HELD if (host, number) == (self.hosts[0], 3) else "+48600100200")
                self.plain[path_] = path_.read_bytes()

    def said(self, host: str, number: int, src: str) -> pathlib.Path:
        moment = time.mktime((self.year, 7, 1 + number, 12, 0, 0, 0, 0, -1))
        local = time.localtime(moment)
        directory = self.path / host / "monitor" / time.strftime("%Y/%m/%d", local)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"in-+48225550100-{src}-{time.strftime('%Y%m%d-%H%M%S', local)}-{int(moment)}.{number}.wav"
        path.write_bytes(f"SAID-{host}-{number}-".encode() * 900)
        os.utime(path, (moment, moment))
        return path

    def copies(self) -> dict[pathlib.Path, pathlib.Path]:
        return {path: path.with_name(f"{path.name}.age") for path in self.plain if path.with_name(f"{path.name}.age").exists()}

    def identity(self, period: int) -> bytes:
        found = load_period_key(str(self.path / "keys"), "calls", str(period))
        assert found is not None
        return unwrap_identity(open_store(self.store, Executor()), found)

    def secrets(self) -> list[bytes]:
        """The private keys that there are, and what the store wraps them with, in all forms."""
        identities = []
        for year in (self.year, self.year + 1):
            with contextlib.suppress(AssertionError, StoreRefusedError):
                identities.append(self.identity(year))
        texts = [identity_text(each).encode() for each in identities]
        wrapping = [path.read_bytes() for path in (self.path / "store").glob("*.key")]
        assert len(texts) == len(wrapping) > 0
        return [*texts, *(form for each in (*identities, *wrapping) for form in forms_of(each))]

    def opened(self, copy: pathlib.Path, period: int) -> bytes | None:
        """What stock age makes of a file with a period's key; none where that does not open it."""
        identity = self.path / "identity"
        identity.write_text(identity_text(self.identity(period)) + "\n")
        done = subprocess.run(["age", "-d", "-i", str(identity), str(copy)], capture_output=True, check=False)
        identity.unlink()
        return done.stdout if done.returncode == 0 else None


@pytest.fixture
def fleet(bed: Bed) -> t.Iterator[KeyedFleet]:
    if not shutil.which("age"):
        not_run("the tool age is not installed")
    yield KeyedFleet(bed.directory)


def need(done: subprocess.CompletedProcess[str], *, code: int = 0) -> str:
    assert done.returncode == code, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def loud(fleet: KeyedFleet, module: str, *, code: int = 0) -> str:
    """Run C(destroy_period) as talkative as it can be, C(module) among what it runs; no secret shows in it, in a process, or outside the store."""
    keep = {
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TEMP": str(fleet.path / "remote"),
        "ANSIBLE_LOG_PATH": str(fleet.path / "log"),
    }
    fleet.environment = keep
    secrets = fleet.secrets()
    with Watch(secrets) as watch:
        output = need(fleet.play("destroy_period", "-vvv"), code=code)
    fleet.environment = {}
    assert any(f"AnsiballZ_{module}".encode() in command for command in watch.commands) and not watch.found
    # A key that was made meanwhile is among them now.
    secrets += fleet.secrets()
    assert f"AnsiballZ_{module}" in output and not [secret for secret in secrets if secret in output.encode()]
    left = [path for path in fleet.path.rglob("*") if path.is_file() and path.parent != fleet.path / "store"]
    assert fleet.path / "log" in left and any(module in path.name for path in left) and not files_with(secrets, left)
    shutil.rmtree(fleet.path / "remote")
    (fleet.path / "log").unlink()
    return output


def test_from_plaintext_to_no_key(fleet: KeyedFleet) -> None:
    need(fleet.play("encrypt"))
    assert len(fleet.copies()) == len(fleet.plain) and not any(path.exists() for path in fleet.plain)
    held = next(copy for path, copy in fleet.copies().items() if HELD in path.name)
    first = next(iter(fleet.copies().items()))
    assert fleet.opened(first[1], fleet.year) == fleet.plain[first[0]]

    refused = fleet.play("destroy_period", "-e", "disposal_approvals_required=1")
    assert "No plan is named and 1 approvals are required" in need(refused, code=2)
    # The hold is on the first host: without it, nothing would speak against the end of the key.
    for more, words in (
        (["--limit", fleet.hosts[1]], f"the play is limited to {fleet.hosts[1]}"),
        (["-e", f"disposal_hosts={fleet.hosts[1]}"], f"{fleet.hosts[0]} take no part"),
        (["-e", json.dumps({"disposal_key_hosts": [*fleet.hosts, "retired"]})], "retired take no part"),
    ):
        left_out = fleet.play("destroy_period", *more)
        assert words in " ".join(need(left_out, code=2).split()), left_out.stdout[-3000:]
    hold = yaml.safe_load((fleet.path / "holds" / "case-1.yml").read_text())
    wide = fleet.path / "holds" / "case-2.yml"
    wide.write_text(yaml.safe_dump({**hold, "id": "case-2", "match": {"source": [fleet.hosts[1]]}}))
    assert "must be kept, more than kept_limit (10 %)" in loud(fleet, "period_rewrap", code=2)
    assert fleet.opened(first[1], fleet.year) == fleet.plain[first[0]] and not (fleet.path / "disposal" / "destroyed_keys.json").exists()

    wide.unlink()
    loud(fleet, "crypto_erase")
    (keys,) = json.loads((fleet.path / "disposal" / "destroyed_keys.json").read_text())
    assert (keys["class"], keys["period"], keys["outcome"], keys["level"]) == ("calls", str(fleet.year), "destroyed", "purge")
    with pytest.raises(StoreRefusedError):
        fleet.opened(first[1], fleet.year)
    original = next(path for path, copy in fleet.copies().items() if copy == held)
    for copy in fleet.copies().values():
        assert fleet.opened(copy, fleet.year + 1) == (fleet.plain[original] if copy == held else None)
    again = need(fleet.play("destroy_period"))
    assert again.count("changed=0") == len(fleet.hosts)

    late = fleet.said(fleet.hosts[1], 12, "+48600100200")
    content = late.read_bytes()
    assert "no recipient" in need(fleet.play("encrypt"), code=2)
    assert late.read_bytes() == content and not late.with_name(f"{late.name}.age").exists()
    late.unlink()

    need(fleet.play("sweep"))
    assert list(fleet.copies().values()) == [held]
    (run,) = (fleet.path / "disposal" / "runs").glob("*/statement.json")
    given = {name: fleet.variables[name] for name in ("disposal_state_dir", "disposal_allowed_signers", "disposal_signer")}
    need(fleet.play("verify", "-e", json.dumps({**given, "disposal_plan_id": run.parent.name})))
    assert not [path for path in (fleet.path / "disposal").rglob("*") if path.is_file() and b"SAID-" in path.read_bytes()]
