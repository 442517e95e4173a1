# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a bucket, against moto's server: no bucket without object lock, no object without retention, no secret anywhere."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.clock import utc_now
from ansible_collections.recordings.disposal.tests.system.evidence_bed import SECRET, Bucket, StoreWorld, buckets
from ansible_collections.recordings.disposal.tests.system.secret_watch import Watch, forms_of
from ansible_collections.recordings.disposal.tests.system.store_bed import free_port, private

STATEMENT = "runs/2026-11-23-4f1c/0/statement.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Bucket]:
    with buckets(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@pytest.fixture
def stored(server: Bucket, tmp_path: pathlib.Path) -> StoreWorld:
    return StoreWorld(tmp_path / "world", server.fresh(f"evidence-{time.monotonic_ns()}"))


def bucket_of(stored: StoreWorld) -> Bucket:
    assert isinstance(stored.place, Bucket)
    return stored.place


def test_a_bucket_without_object_lock(server: Bucket, tmp_path: pathlib.Path) -> None:
    place = server.fresh(f"unlocked-{time.monotonic_ns()}", lock=False)
    stored = StoreWorld(tmp_path / "world", place)
    stored.refused("has no object lock, so what is in it can be deleted, and nothing was done; enable it, or use another bucket")
    place.client().put_bucket_versioning(Bucket=place.name, VersioningConfiguration={"Status": "Enabled"})
    stored.refused("has no object lock, so what is in it can be deleted")


def test_a_bucket_that_is_not_there(stored: StoreWorld) -> None:
    stored.refused(
        "is not there, so nothing was done; make it with object lock", store=bucket_of(stored).options(bucket="nowhere-to-be-found")
    )


def test_a_server_that_does_not_answer(stored: StoreWorld) -> None:
    options = bucket_of(stored).options(endpoint_url=f"http://127.0.0.1:{free_port()}")
    stored.refused(r"could not be asked to be looked at \(EndpointConnectionError\)", store=options, check_too=False)


def test_credentials_that_others_can_read_or_that_are_none(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    path = private(tmp_path / "credentials", f"[default]\naws_access_key_id = x\naws_secret_access_key = {SECRET}\n")
    pathlib.Path(path).chmod(0o640)
    options = bucket_of(stored).options(credentials_file=path)
    stored.refused(r"is no file of yours that others cannot read \(mode 0640\), so nothing was done", store=options)
    pathlib.Path(path).write_text("[other]\n")
    pathlib.Path(path).chmod(0o600)
    result = stored.refused("there are no credentials for the bucket", store={**options, "profile": "other"}, check_too=False)
    assert SECRET not in json.dumps(result)


def test_what_is_stored_cannot_be_deleted_before_its_time(stored: StoreWorld) -> None:
    stored.store()
    place = bucket_of(stored)
    client = place.client()
    versions = place.versions()
    assert versions and all(each["IsLatest"] for each in versions)
    for each in versions:
        told = client.head_object(Bucket=place.name, Key=each["Key"])
        assert told["ObjectLockMode"] == "COMPLIANCE"
        assert told["ObjectLockRetainUntilDate"].isoformat() == "2036-11-23T23:00:00+00:00"
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            client.delete_object(Bucket=place.name, Key=each["Key"], VersionId=each["VersionId"])
    assert place.versions() == versions


def test_within_its_time_the_module_does_not_delete_either(stored: StoreWorld) -> None:
    """A shorter keep does not unlock."""
    stored.store()
    before = bucket_of(stored).files()
    result = stored.expire(keep="PT1S", remove=True)
    assert (result["changed"], result["expired"]) == (False, [])
    assert result["staying"][0]["reason"].endswith("keeps it until 2036-11-23T23:00:00Z")
    assert bucket_of(stored).files() == before


def test_a_marker_of_deletion_is_found(stored: StoreWorld) -> None:
    stored.store()
    place = bucket_of(stored)
    place.client().delete_object(Bucket=place.name, Key=f"disposal/{STATEMENT}")
    stored.refused(f"{STATEMENT} in the bucket .* has a delete marker, so somebody deleted it, so it is not as it was stored")


def test_a_legal_hold_keeps_a_run_that_has_expired(stored: StoreWorld) -> None:
    end = utc_now() + dt.timedelta(seconds=4)
    assert not stored.store(keep=end.strftime("%Y-%m-%dT%H:%M:%SZ")).get("failed")
    place = bucket_of(stored)
    place.client().put_object_legal_hold(Bucket=place.name, Key=f"disposal/{STATEMENT}", LegalHold={"Status": "ON"})
    time.sleep(max(0.0, (end - utc_now()).total_seconds()) + 1)
    result = stored.expire(keep="PT1S", remove=True)
    assert result["expired"] == [] and f"a legal hold is on {STATEMENT}" in result["staying"][0]["reason"]


def test_a_longer_keep_locks_for_longer_and_a_shorter_one_does_not_unlock(stored: StoreWorld) -> None:
    count = stored.store()["put"]["files"]
    place = bucket_of(stored)

    def ends() -> set[str]:
        heads = (place.client().head_object(Bucket=place.name, Key=each["Key"]) for each in place.versions())
        return {head["ObjectLockRetainUntilDate"].isoformat() for head in heads}

    assert stored.store(keep="P11Y", check_mode=True)["extended"] == count
    assert ends() == {"2036-11-23T23:00:00+00:00"}
    longer = stored.store(keep="P11Y")
    assert (longer["changed"], longer["extended"], longer["put"]["files"]) == (True, count, 0)
    assert ends() == {"2037-11-23T23:00:00+00:00"}
    assert stored.store(keep="P11Y")["changed"] is False
    assert stored.store(keep="P1Y")["changed"] is False
    assert ends() == {"2037-11-23T23:00:00+00:00"}


def test_governance_becomes_compliance_and_not_the_other_way(stored: StoreWorld) -> None:
    place = bucket_of(stored)
    place.mode = "GOVERNANCE"
    count = stored.store()["put"]["files"]
    place.mode = "COMPLIANCE"
    assert stored.store()["extended"] == count
    place.mode = "GOVERNANCE"
    assert stored.store()["changed"] is False
    told = place.client().head_object(Bucket=place.name, Key=f"disposal/{STATEMENT}")
    assert told["ObjectLockMode"] == "COMPLIANCE"


def test_the_server_keeps_the_digest_too(stored: StoreWorld) -> None:
    stored.store()
    place = bucket_of(stored)
    told = place.client().head_object(Bucket=place.name, Key=f"disposal/{STATEMENT}", ChecksumMode="ENABLED")
    line = json.loads(stored.world.ledger.read_bytes())
    assert base64.b64decode(told["ChecksumSHA256"]).hex() == line["statement"].removeprefix("sha256:")


_PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - recordings.disposal.evidence_store: {arguments}
"""


def test_the_secret_is_nowhere(stored: StoreWorld, tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(_PLAY.format(arguments=json.dumps(stored.arguments())))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(path for path in sys.path if path.endswith("collections"))}
    environment |= {"ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    with Watch(forms_of(SECRET.encode())) as watch:
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-vvvv", "-i", "localhost,", "-c", "local"]
        done = subprocess.run([*command, str(tmp_path / "play.yml")], capture_output=True, env=environment, check=False, timeout=180)
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    assert len(watch.commands) > 1 and not watch.found
    shown = done.stdout + done.stderr + (tmp_path / "ansible.log").read_bytes()
    assert b"object lock" in shown.lower() and not any(form in shown for form in forms_of(SECRET.encode()))
    assert not any(SECRET.encode() in data for data in bucket_of(stored).files().values())
