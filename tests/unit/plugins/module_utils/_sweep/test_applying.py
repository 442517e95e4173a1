# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import time

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, EvidenceError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.restoring import restore
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World, fingerprint


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


def outcomes(world: World) -> dict[str, str]:
    return {record["set"]: record["outcome"] for record in world.journal() if record["type"] == "outcome"}


def test_the_four_runs(world: World) -> None:
    old = [world.record(days=200 + number, number=number) for number in range(20)]
    young = world.record(days=10, number=99)
    manifest = world.manifest(world.plan())
    before = fingerprint(world.path)
    checked = world.apply(manifest, check=True)
    assert checked["changed"] and checked["delta"]["as_planned"] == 20
    assert fingerprint(world.path) == before
    done = world.apply(manifest)
    assert done["changed"] and done["outcome"] == "destroyed" and done["counts"] == {"destroyed": 20, "not_destroyed": 0, "unknown": 0}
    assert not any(path.exists() or path.with_suffix(".json").exists() for path in old)
    assert young.exists() and young.with_suffix(".json").exists()
    after = fingerprint(world.path)
    again = world.apply(manifest)
    assert not again["changed"] and again["counts"] == done["counts"] and again["journal"] == done["journal"]
    checked_again = world.apply(manifest, check=True)
    assert not checked_again["changed"]
    assert fingerprint(world.path) == after


def refused(world: World, manifest: str, *words: str, error: type[DisposalError] = RefusedError) -> None:
    """Applying is refused with the words, and not a byte of the recordings has changed."""
    before = fingerprint(world.root)
    with pytest.raises(error) as caught:
        world.apply(manifest)
    for word in words:
        assert word in caught.value.message, caught.value.message
    assert fingerprint(world.root) == before


def test_an_edited_plan_file_is_refused(world: World) -> None:
    world.record(days=200)
    planned = world.plan()
    path = pathlib.Path(planned["plan"]["path"])
    path.write_text(path.read_text().replace('"verdict":"due"', '"verdict":"due" '))
    refused(world, world.manifest(planned), "not the one that was approved", "plan again", error=EvidenceError)


def test_a_missing_plan_file_is_refused(world: World) -> None:
    world.record(days=200)
    planned = world.plan()
    pathlib.Path(planned["plan"]["path"]).unlink()
    refused(world, world.manifest(planned), "cannot be read", error=EvidenceError)


def test_another_policy_is_refused_with_the_delta(world: World) -> None:
    world.record(days=200)
    world.record(days=100, number=1)
    manifest = world.manifest(world.plan())
    world.policy = {**world.policy, "classes": [{**world.policy["classes"][0], "keep": "P150D"}]}
    refused(world, manifest, "stale", "policy has other contents", "0 of 2 sets are as planned")


def test_an_expired_plan_is_refused_with_the_delta(world: World) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan(), hours=-1)
    refused(world, manifest, "stale", "it expired at", "1 of 1 sets are as planned")


def test_a_clock_a_year_apart_is_refused(world: World) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan())
    before = fingerprint(world.root)
    with pytest.raises(RefusedError, match="seconds apart"):
        world.apply(manifest, controller_time=int(time.time()) - 365 * 86400)
    assert fingerprint(world.root) == before


def test_another_host_is_refused(world: World) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan())
    before = fingerprint(world.root)
    with pytest.raises(EvidenceError, match="does not name the host other"):
        world.apply(manifest, host="other")
    assert fingerprint(world.root) == before


@pytest.mark.parametrize("kind", ["one", "twice", "author", "namespace", "other manifest", "expired key"])
def test_approvals_that_do_not_count(world: World, kind: str) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan(), required=2)
    anna, bartek, ewa = world.key("anna"), world.key("bartek"), world.key("ewa")
    world.allow("anna@example.com", anna)
    old = (
        'namespaces="plan@recordings.disposal",valid-before="20200101"'
        if kind == "expired key"
        else 'namespaces="plan@recordings.disposal"'
    )
    world.allow("bartek@example.com", bartek, options=old)
    world.allow("ewa@example.com", ewa)
    world.sign(manifest, "anna@example.com", anna)
    if kind == "twice":
        world.sign(manifest, "anna@example.com", anna)
    elif kind == "author":
        world.sign(manifest, "ewa@example.com", ewa)
    elif kind == "namespace":
        world.sign(manifest, "bartek@example.com", bartek, namespace="evidence@recordings.disposal")
    elif kind == "other manifest":
        world.sign(manifest.replace("test", "best"), "bartek@example.com", bartek)
    elif kind == "expired key":
        world.sign(manifest, "bartek@example.com", bartek)
    refused(world, manifest, "2 approvals needed, 1 counts (anna@example.com)")


def test_two_distinct_approvals_are_enough(world: World) -> None:
    path = world.record(days=200)
    manifest = world.manifest(world.plan(), required=2)
    for name in ("anna", "bartek"):
        world.allow(f"{name}@example.com", world.key(name))
        world.sign(manifest, f"{name}@example.com", world.key(name))
    assert world.apply(manifest)["outcome"] == "destroyed"
    assert not path.exists()
    assert [item["principal"] for item in world.journal()[0]["approvals"]] == ["anna@example.com", "bartek@example.com"]


@pytest.mark.parametrize("change", ["replaced", "grown", "hard-linked", "symlink", "sidecar changed", "member added", "parent symlink"])
def test_a_set_that_changed_after_the_plan_is_skipped(world: World, change: str, tmp_path: pathlib.Path) -> None:
    changed = world.record(days=200, number=1)
    other = world.record(days=300, number=2)
    manifest = world.manifest(world.plan())
    content, times = changed.read_bytes(), changed.stat()
    if change == "replaced":
        copy = changed.with_name("copy")
        copy.write_bytes(content)
        os.utime(copy, ns=(times.st_mtime_ns, times.st_mtime_ns))
        copy.rename(changed)
    elif change == "grown":
        with changed.open("ab") as handle:
            handle.write(b"more")
        os.utime(changed, ns=(times.st_mtime_ns, times.st_mtime_ns))
    elif change == "hard-linked":
        os.link(changed, tmp_path / "second name")
    elif change == "symlink":
        aside = tmp_path / "aside.wav"
        changed.rename(aside)
        changed.symlink_to(aside)
    elif change == "sidecar changed":
        changed.with_suffix(".json").write_text('{"duration": 31}')
    elif change == "member added":
        changed.with_suffix(".txt").write_text("a transcript")
        os.utime(changed.with_suffix(".txt"), ns=(times.st_mtime_ns, times.st_mtime_ns))
    elif change == "parent symlink":
        moved = tmp_path / "moved"
        changed.parent.rename(moved)
        changed.parent.symlink_to(moved)
    before = {name: facts for name, facts in fingerprint(tmp_path).items() if name.startswith(("monitor", "aside", "second", "moved"))}
    result = world.apply(manifest)
    assert result["outcome"] == "not_destroyed" and result["counts"] == {"destroyed": 1, "not_destroyed": 1, "unknown": 0}
    assert not other.exists()
    after = fingerprint(tmp_path)
    gone = {str(other.relative_to(tmp_path)), str(other.with_suffix(".json").relative_to(tmp_path))}
    assert {name: after.get(name) for name in before if name not in gone} == {
        name: facts for name, facts in before.items() if name not in gone
    }


def test_an_ended_run_says_what_it_left_and_another_plan_takes_it_up(world: World) -> None:
    changed = world.record(days=200, number=1)
    world.record(days=300, number=2)
    planned = world.plan()
    manifest = world.manifest(planned)
    facts = changed.stat()
    os.utime(changed)
    assert world.apply(manifest)["counts"] == {"destroyed": 1, "not_destroyed": 1, "unknown": 0}
    os.utime(changed, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    again = world.apply(manifest)
    assert not again["changed"] and changed.exists()
    assert "has ended, and 1 of its sets were not destroyed" in again["warnings"][0] and "plan again" in again["warnings"][0]
    second = world.plan()
    assert second["plan"]["digest"] != planned["plan"]["digest"] and not world.plan()["changed"]
    assert world.apply(world.manifest(second))["outcome"] == "destroyed"
    assert not changed.exists()


def test_a_restored_set_is_planned_and_quarantined_once_more(world: World) -> None:
    path = world.record(days=200, number=1)
    world.record(days=1, number=7)
    world.policy["quarantine"] = "P7D"
    planned = world.plan()
    world.apply(world.manifest(planned))
    restore(world.params(sets=None, run=None), Executor(), check_mode=False)
    assert path.exists()
    second = world.plan()
    assert second["verdicts"]["due"]["sets"] == 1 and second["plan"]["digest"] != planned["plan"]["digest"]
    assert world.apply(world.manifest(second))["changed"] and not path.exists()


@pytest.mark.parametrize("times", ["old", "new"])
def test_a_destroyed_set_that_is_back_is_told_by_the_next_run(world: World, times: str) -> None:
    path = world.record(days=200, number=1)
    manifest = world.manifest(world.plan())
    content, facts = path.read_bytes(), path.stat()
    world.apply(manifest)
    path.write_bytes(content)
    if times == "old":
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    refused(world, manifest, "1 sets that this run destroyed are at their old places again", error=DisposalError)


def test_a_hold_between_plan_and_apply_holds(world: World) -> None:
    held = world.record(days=200, number=1, src="+48111")
    other = world.record(days=200, number=2, src="+48222")
    manifest = world.manifest(world.plan())
    world.holds = [{"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48111"]}}]
    result = world.apply(manifest)
    assert held.exists() and not other.exists()
    (record,) = [item for item in world.journal() if item["type"] == "outcome" and item["outcome"] == "not_destroyed"]
    assert record["reason"] == ["held since the plan: hold:H-1"]
    assert result["outcome"] == "not_destroyed"


def test_a_hold_on_the_host_during_the_first_pass_holds(world: World) -> None:
    held = world.record(days=200, number=1, src="+48111")
    other = world.record(days=200, number=2, src="+48222")
    manifest = world.manifest(world.plan())

    class Placing(Executor):
        """Places a hold as soon as the run takes its lock, before the host is walked."""

        def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
            holds = world.state / "holds"
            if not holds.exists():
                holds.mkdir(mode=0o700)
                hold = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law", "match": {"src": ["+48111"]}}
                (holds / "H-1.json").write_text(json.dumps(hold))
            return super().pwrite(fd, data, offset)

    world.apply(manifest, executor=Placing())
    assert held.exists() and not other.exists()


def test_two_holds_of_one_id_hold_both(world: World) -> None:
    paths = [world.record(days=200, number=number, src=f"+4811{number}") for number in (1, 2)]
    manifest = world.manifest(world.plan())
    common = {"id": "H-1", "reason": "case", "placed": "2026-01-01", "placed_by": "law"}
    world.holds = [{**common, "match": {"src": ["+48111"]}}, {**common, "match": {"src": ["+48112"]}}]
    world.apply(manifest)
    assert all(path.exists() for path in paths)


def test_quarantine_and_destruction_later(world: World) -> None:
    path = world.record(days=200, number=1)
    world.record(days=1, number=7)
    world.policy["quarantine"] = "P7D"
    before = path.read_bytes()
    result = world.apply(world.manifest(world.plan()))
    assert result["changed"] and not path.exists() and result["counts"]["not_destroyed"] == 1
    (moved,) = world.root.glob(".recordings-disposal/*/*/*/*/*.wav")
    assert moved.read_bytes() == before
    assert world.plan()["verdicts"]["retained"]["sets"] == 2
    base = moved.parents[3]
    base.rename(base.with_name("20260101T000000Z" + base.name[16:]))
    planned = world.plan()
    assert planned["verdicts"]["due"]["sets"] == 1
    for run in (world.state / "runs").iterdir():
        run.rename(world.path / run.name)
    assert world.apply(world.manifest(planned))["outcome"] == "destroyed"
    assert not list(world.root.glob(".recordings-disposal/*/**/*"))


def test_a_hold_on_the_host_that_would_not_be_read_is_refused(world: World) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan())
    (world.state / "holds").mkdir(mode=0o700)
    (world.state / "holds" / "case.yml").write_text("{}")
    refused(world, manifest, "case.yml is not a .json file, so it would not be read")


def test_a_state_directory_of_another_user_is_refused(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    world.record(days=200)
    manifest = world.manifest(world.plan())
    os.chown(world.state, 65534, 65534)
    refused(world, manifest, "belongs to another user")


def test_a_relative_state_directory_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.record(days=200)
    manifest = world.manifest(world.plan())
    monkeypatch.chdir(world.path)
    world.state = pathlib.Path("state")
    refused(world, manifest, "the state directory state is not an absolute path")


def test_a_root_on_another_device_is_refused(world: World) -> None:
    path = world.record(days=200)
    planned = world.plan()
    plan = pathlib.Path(planned["plan"]["path"])
    device = path.stat().st_dev
    text = plan.read_text().replace(f'"dev":{device},', f'"dev":{device + 1},')
    digest = hashlib.sha256(text.encode()).hexdigest()
    plan.with_name(f"{digest}.jsonl").write_text(text)
    planned["plan"]["digest"] = f"sha256:{digest}"
    refused(world, world.manifest(planned), "is on another device than when it was planned; mount it")
