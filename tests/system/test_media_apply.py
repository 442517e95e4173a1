# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approved plans of media on loop devices: what is refused before a byte changes, what is destroyed, and what a run that was killed leaves to the next."""

from __future__ import annotations

import copy
import json
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.tests.system import media_bed
from ansible_collections.recordings.disposal.tests.system.device_bed import markers, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed, run
from ansible_collections.recordings.disposal.tests.system.media_bed import APPROVERS, AUTHOR, HOST, MediaWorld
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._evidence.evidence_world import Keys


@pytest.fixture
def world(bed: Bed, tmp_path: pathlib.Path) -> MediaWorld:
    return MediaWorld(bed, Keys(tmp_path))


def digests(world: MediaWorld) -> dict[str, str]:
    return {serial: sha256(image) for serial, image in world.images.items()}


def unsigned(world: MediaWorld) -> dict[str, t.Any]:
    world.approve(signers=())
    return {}


def signed_by_one(world: MediaWorld) -> dict[str, t.Any]:
    world.approve(signers=APPROVERS[:1])
    return {}


def signed_by_the_author(world: MediaWorld) -> dict[str, t.Any]:
    world.approve(signers=(AUTHOR, APPROVERS[0]))
    return {}


def signed_for_another_plan(world: MediaWorld) -> dict[str, t.Any]:
    signatures = world.signatures
    world.approve(plan_id="media-2")
    return {"signatures": signatures}


def other_rows(world: MediaWorld) -> dict[str, t.Any]:
    return {"plan": world.plan.replace('"serial":"S1"', '"serial":"S7"')}


def no_rows(_world: MediaWorld) -> dict[str, t.Any]:
    return {"plan": ""}


def another_host(_world: MediaWorld) -> dict[str, t.Any]:
    return {"host": "rec2"}


def expired(world: MediaWorld) -> dict[str, t.Any]:
    world.approve(created="2026-01-01T00:00:00Z", expires="2026-01-02T00:00:00Z")
    return {}


def blocked(world: MediaWorld) -> dict[str, t.Any]:
    hosts = copy.deepcopy(world.manifest["hosts"])
    hosts[HOST]["blocked"] = ["S1: it is not drained"]
    world.approve(hosts=hosts)
    return {}


def of_recordings(world: MediaWorld) -> dict[str, t.Any]:
    world.approve(format="recordings.disposal/manifest/1")
    return {}


def a_hold_since(world: MediaWorld) -> dict[str, t.Any]:
    (world.state / "holds").mkdir(mode=0o700)
    hold = {
        "id": "h-1",
        "placed": "2026-11-27T00:00:00Z",
        "match": {"source": "pbx"},
        "reason": "dispute",
        "placed_by": "legal",
        "review_by": "2099-01-01",
    }
    (world.state / "holds" / "h-1.json").write_text(json.dumps(hold), encoding="utf-8")
    return {}


def too_many_at_once(_world: MediaWorld) -> dict[str, t.Any]:
    return {"parallel": 0}


REFUSED = [
    (unsigned, "2 approvals needed, none counts"),
    (signed_by_one, "2 approvals needed, 1 counts"),
    (signed_by_the_author, "is the plan's author, who does not count"),
    (signed_for_another_plan, "is not approved"),
    (other_rows, "was approved, so nothing was done; use the plan's own files"),
    (no_rows, "was approved, so nothing was done; use the plan's own files"),
    (another_host, "does not name the host rec2"),
    (expired, "is stale, so nothing was done: it expired at 2026-01-02T00:00:00Z"),
    (blocked, "beyond a limit, so nothing was done: S1: it is not drained"),
    (of_recordings, "has the format 'recordings.disposal/manifest/1', not recordings.disposal/media-manifest/1"),
    (a_hold_since, "the legal holds are not those that the plan media-1 was made under"),
    (too_many_at_once, "parallel is 0, not from 1 to 32"),
]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_refused_as_a_whole(world: MediaWorld, change: t.Callable[[MediaWorld], dict[str, t.Any]], words: str, check: bool) -> None:
    world.raw("S1")
    world.approve()
    given = change(world)
    before = digests(world)
    with pytest.raises((RefusedError, EvidenceError)) as refused:
        world.apply(check=check, **given)
    assert words in refused.value.message
    assert digests(world) == before
    assert [path.name for path in world.state.iterdir() if path.name != "holds"] == []


def mounted(world: MediaWorld) -> str:
    world.bed.mount(world.devices["S1"], "ext4")
    return "it is mounted"


def a_file_since(world: MediaWorld) -> str:
    point = world.bed.mount(world.devices["S1"], "ext4")
    (point / "call.wav").write_bytes(b"a call that came after the plan")
    world.bed.unmount(point)
    return "what is on it is not what was there when the plan was made"


def gone(world: MediaWorld) -> str:
    world.bed.detach(world.devices["S1"])
    return "no device on this host has"


def shrunk(world: MediaWorld) -> str:
    row = world.rows[0]
    row["identity"] = {**row["identity"], "size_bytes": row["size_bytes"] * 2}
    world.approve()
    return "smaller than the"


def a_filesystem_since(world: MediaWorld) -> str:
    """On a medium into which nobody could look when the plan was made."""
    world.rows[0]["drain"] = {**world.rows[0]["drain"], "drained": "unknown", "filesystems": []}
    world.approve()
    return "what is on it is not what was there when the plan was made"


@pytest.mark.parametrize("change", [mounted, a_file_since, a_filesystem_since, gone, shrunk])
def test_a_medium_that_is_not_as_planned_stays_as_it_is_and_stops_no_other(
    world: MediaWorld, change: t.Callable[[MediaWorld], str]
) -> None:
    first, second = world.empty_filesystem("S1"), world.raw("S2")
    world.approve()
    words = change(world)
    before = sha256(first)
    with pytest.raises(RefusedError) as refused:
        world.apply(check=True)
    assert "S1" in refused.value.message and words in refused.value.message
    assert sha256(first) == before and not (world.state / "runs").exists() and markers(second)
    with pytest.raises(DisposalError) as failed:
        world.apply()
    result = failed.value.details
    assert "1 of 2 media were not destroyed" in failed.value.message and words in failed.value.message
    assert sha256(first) == before and not markers(second)
    told = {row["serial"]: row["outcome"] for row in result["media"]}
    assert told == {"S1": "not_destroyed", "S2": "destroyed"}
    assert (result["outcome"], result["counts"]) == ("not_destroyed", {"destroyed": 1, "not_destroyed": 1, "unknown": 0})
    records = {record["proof"]["serial"] if record["proof"] else "S1": record for record in world.records(result)}
    assert records["S1"]["level"]["achieved"] == "none" and words in records["S1"]["reason"][0]
    # A run that has ended is not begun anew, and does not turn into a success.
    with pytest.raises(DisposalError, match=r"has ended, and 1 of its 2 media were not destroyed: S1: .*by a work order, or plan again"):
        world.apply()
    assert sha256(first) == before


@pytest.mark.parametrize("check", [False, True])
def test_what_is_not_released_any_more_stays_as_it_is(world: MediaWorld, check: bool) -> None:
    first, second = world.raw("S1"), world.raw("S2")
    world.approve()
    before = sha256(first)
    with pytest.raises(DisposalError) as refused:
        world.apply(check=check, released=["s 2"])
    assert "S1: the register does not have it as released any more" in refused.value.message
    assert sha256(first) == before and bool(markers(second)) == check


def test_what_was_begun_is_brought_to_its_end_though_it_is_not_released_any_more(world: MediaWorld) -> None:
    world.raw("S1")
    world.approve()
    world.apply(released=["S1"])
    assert world.apply(released=[])["outcome"] == "destroyed"


def test_the_four_runs(world: MediaWorld) -> None:
    world.empty_filesystem("S1")
    world.raw("S2")
    world.raw("S3", verify="sample", sample_share=50)
    world.approve()
    before = digests(world)
    rehearsal = world.apply(check=True)
    assert rehearsal["changed"] and rehearsal["outcome"] == "not_destroyed"
    assert digests(world) == before and not list(world.state.iterdir())
    result = world.apply()
    assert (result["outcome"], result["changed"], result["counts"]["destroyed"]) == ("destroyed", True, 3)
    assert result["level"]["required"] == result["level"]["achieved"] == "clear"
    assert not any(map(markers, world.images.values()))
    done = digests(world)
    for check in (False, True):
        again = world.apply(check=check)
        assert (again["outcome"], again["changed"], again["run"]) == ("destroyed", False, result["run"])
        assert again["journal"] == result["journal"]
    assert digests(world) == done
    proofs = {record["proof"]["serial"]: record["proof"] for record in world.records(result)}
    assert {serial: proof["verify"]["verdict"] for serial, proof in proofs.items()} == dict.fromkeys(("S1", "S2", "S3"), "clean")
    assert proofs["S1"]["verify"]["read_bytes"] == 8 << 20 and proofs["S3"]["verify"]["sample"]["one_of"] == 2
    assert proofs["S1"]["tools"] == [{"name": "recordings.disposal", "version": "0.1.0"}]
    # Nobody could look into the others, which whoever approved knew.
    assert any("could not be looked at" in limit for limit in proofs["S2"]["limits"])
    assert not any("could not be looked at" in limit for limit in proofs["S1"]["limits"])
    opening = world.records(result, "open")[0]
    assert {item["principal"] for item in opening["approvals"]} == set(APPROVERS)
    assert (opening["manifest"], opening["plan"]) == (digest(world.data), world.manifest["hosts"][HOST]["plan"]["digest"])


def test_what_was_written_since_is_told(world: MediaWorld) -> None:
    image = world.raw("S1")
    world.approve()
    world.apply()
    device = world.devices["S1"]
    run("dd", "if=/dev/urandom", f"of={device}", "bs=4096", "count=1", "conv=fsync,notrunc", "oflag=direct")
    before = sha256(image)
    for check in (False, True):
        with pytest.raises(DisposalError, match="1 media that this run destroyed are not as it left them: S1: it holds something else"):
            world.apply(check=check)
    assert sha256(image) == before


def test_what_has_left_the_host_is_believed(world: MediaWorld) -> None:
    world.raw("S1")
    world.approve()
    first = world.apply()
    world.bed.detach(world.devices["S1"])
    again = world.apply()
    assert (again["outcome"], again["changed"], again["journal"]) == ("destroyed", False, first["journal"])


@pytest.mark.parametrize("whom", ["the run", "the act"])
def test_killed_and_gone_on_with(world: MediaWorld, whom: str) -> None:
    first, second = world.raw("S1", mib=384), world.raw("S2", mib=384)
    world.approve()
    parameters = world.bed.new("parameters")
    parameters.write_text(json.dumps(world.params()), encoding="utf-8")
    # Behind the one that is to stop it, however busy the machine is.
    command = ["nice", "-n", "19", sys.executable, media_bed.__file__, str(parameters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(list((world.state / "jobs").glob("*.checkpoint"))) < 2:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        children = [int(pid) for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        assert len(children) == 2
        if whom == "the run":
            process.send_signal(signal.SIGKILL)
            process.wait()
            # Nothing goes on without the one that accounts for it.
            for pid in children:
                while pathlib.Path(f"/proc/{pid}").exists():
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
        else:
            subprocess.run(["kill", "-KILL", str(children[0])], check=True)
            output, _nothing = process.communicate(timeout=120)
            told = json.loads(output)
            assert told["failed"] and told["outcome"] == "unknown" and "its process was ended by signal 9" in told["msg"]
            assert "run the same task again" in told["msg"]
            assert sum(row["outcome"] == "destroyed" for row in told["media"]) == 1
    assert markers(first) or markers(second)
    result = world.apply()
    assert (result["outcome"], result["counts"]) == ("destroyed", {"destroyed": 2, "not_destroyed": 0, "unknown": 0})
    assert not markers(first) and not markers(second)
    assert world.records(result, "close")[0]["interruptions"] == 1
    assert len(world.records(result)) == 2
