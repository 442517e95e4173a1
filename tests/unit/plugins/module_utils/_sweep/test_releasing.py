# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with a period's key, what must be kept and gets another one, and sets whose key was destroyed."""

from __future__ import annotations

import errno
import io
import os
import pathlib
import struct
import time
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.age import Label, read_header
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import fingerprint as name_of
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import public_of, recipient_text
from ansible_collections.recordings.disposal.plugins.module_utils._keys.reports import Reports
from ansible_collections.recordings.disposal.plugins.module_utils._keys.rewrapping import answer_all
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.encrypt_world import Hooked, opened
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.release_world import HELD, SPARE, ReleaseWorld, copy_of
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import HOST, fingerprint


@pytest.fixture
def world(tmp_path: pathlib.Path) -> ReleaseWorld:
    return ReleaseWorld(tmp_path)


def refused(world: ReleaseWorld, words: str, **more: t.Any) -> None:
    before = fingerprint(world.root)
    for check in (True, False):
        with pytest.raises(DisposalError, match=words):
            world.release(check=check, **more)
    assert fingerprint(world.root) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"class": "nothing"}, "has no class 'nothing' with encryption"),
        ({"kept_limit": 101}, "kept_limit is 101, not from 0 to 100"),
        ({"recipient": "age1nonsense"}, "recipient: "),
        ({"recipient": "AGE-SECRET-KEY-1QQQ"}, "recipient: the recipient is an identity, which is secret"),
        ({"answers": "/nowhere/answers"}, "/nowhere/answers cannot be read"),
        ({"plan": "sha256:" + "0" * 64}, "plan"),
    ],
)
def test_what_is_not_sensible_is_refused(world: ReleaseWorld, more: dict[str, t.Any], words: str) -> None:
    world.fill()
    refused(world, words, **more)


def test_what_goes_and_what_must_be_kept_is_counted(world: ReleaseWorld) -> None:
    world.fill(due=4, held=2)
    before = fingerprint(world.root)
    looked = world.release()
    report = looked["report"]
    assert fingerprint(world.root) == before and not looked["changed"]
    assert (report["sets"], report["kept"], report["plain"], report["others"], report["unread"]) == (6, 2, 0, 0, 0)
    assert report["reasons"] == {"held": 2} and len(report["samples"]) == 4
    text = pathlib.Path(looked["asks"]).read_text()
    assert text.count("\n") == 2 and HELD not in text and "in-" not in text and os.stat(looked["asks"]).st_mode & 0o777 == 0o600


def test_check_mode_asks_nothing(world: ReleaseWorld) -> None:
    world.fill()
    looked = world.release(check=True)
    assert looked["report"]["kept"] == 2 and looked["asks"] is None and not (world.state / "periods").exists()


def test_recordings_in_the_clear_and_unreadable_ones_are_told(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    world.record(days=world.days - 9, number=90)
    (first, _second) = world.plain
    spoilt = copy_of(first)
    spoilt.unlink()
    spoilt.symlink_to("/etc/hostname")
    report = world.release()["report"]
    assert report["plain"] == 1 and report["sets"] == 1


def test_a_recipient_besides_is_told(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    copy = copy_of(next(iter(world.plain)))
    data = copy.read_bytes()
    head, _sep, rest = data.partition(b"\n-> recordings.disposal/period")
    copy.write_bytes(head + b"\n-> somebody else\n\n-> recordings.disposal/period" + rest)
    assert world.release()["report"]["others"] == 1


def test_what_an_approved_plan_does_not_list_must_be_kept(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    digest = world.plan()["plan"]["digest"]
    assert world.release(plan=digest)["report"]["kept"] == 0
    late = world.record(days=world.days - 20, number=80)
    world.plain[late] = late.read_bytes()
    world.encrypt()
    report = world.release(plan=digest)["report"]
    assert report["kept"] == 1 and report["reasons"] == {"not_planned": 1}


def test_held_recordings_get_another_key_and_still_decrypt(world: ReleaseWorld) -> None:
    world.fill(due=4, held=2)
    answers = world.answers(world.release()["asks"])
    times = {path: os.stat(copy_of(path)).st_mtime_ns for path in world.plain}
    before = fingerprint(world.root)
    foreseen = world.release(answers=answers, check=True)
    assert foreseen["changed"] and fingerprint(world.root) == before
    done = world.release(answers=answers)
    assert done["changed"] and done["rewrapped"] == 2
    assert (done["report"]["sets"], done["report"]["kept"]) == (4, 0)
    for path, content in world.plain.items():
        key = SPARE if path in world.held() else world.identity
        assert opened(copy_of(path), key) == content and os.stat(copy_of(path)).st_mtime_ns == times[path]
    for path in world.held():
        with pytest.raises(AssertionError):
            opened(copy_of(path), world.identity)
    after = fingerprint(world.root)
    for check in (True, False):
        again = world.release(answers=answers, check=check)
        assert not again["changed"] and again["rewrapped"] == 0 and fingerprint(world.root) == after


def access_list(*, group: int) -> bytes:
    """An access list that lets a user 1000 read, as the kernel keeps it."""
    entries = ((1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, group, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def attached(path: pathlib.Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_what_is_attached_to_a_held_recording_stays(world: ReleaseWorld) -> None:
    world.fill(due=2, held=2)
    answers = world.answers(world.release()["asks"])
    first, second = (copy_of(path) for path in world.held())
    os.setxattr(first, "user.case", b"II K 17/26")
    os.setxattr(first, "user.empty", b"")
    os.setxattr(first, "system.posix_acl_access", access_list(group=0))
    before = [(attached(path), path.stat().st_mode) for path in (first, second)]
    # What a file gets from its directory is not what the old one had.
    for directory in dict.fromkeys((first.parent, second.parent)):
        os.setxattr(directory, "system.posix_acl_default", access_list(group=4))
    world.release(answers=answers)
    assert [(attached(path), path.stat().st_mode) for path in (first, second)] == before
    for path in world.held():
        assert opened(copy_of(path), SPARE) == world.plain[path]


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_a_held_recording_whose_attributes_cannot_be_set_stays_as_it_was(
    world: ReleaseWorld, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    world.fill(due=1, held=1)
    answers = world.answers(world.release()["asks"])
    os.setxattr(copy_of(world.held()[0]), "user.case", b"II K 17/26")
    before = fingerprint(world.root)

    def add_attribute(self: Executor, fd: int, name: str, value: bytes) -> None:
        if kind == "refused":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Executor, "add_attribute", add_attribute)
    words = {"refused": "could not be given its new header .No space left on device.", "lost": "its attributes or its access list are not"}
    with pytest.raises(DisposalError, match=words[kind]):
        world.release(answers=answers)
    assert fingerprint(world.root) == before and attached(copy_of(world.held()[0])) == {"user.case": b"II K 17/26"}


@pytest.mark.parametrize("change", ["content", "attribute"])
def test_a_held_recording_that_is_changed_meanwhile_is_left_alone(world: ReleaseWorld, change: str) -> None:
    world.fill(due=1, held=1)
    answers = world.answers(world.release()["asks"])
    copy = copy_of(world.held()[0])

    def act() -> None:
        time.sleep(0.02)
        if change == "attribute":
            os.setxattr(copy, "user.case", b"II K 17/26")
        else:
            with copy.open("ab") as handle:
                handle.write(b"more")

    with pytest.raises(DisposalError, match="it was changed while its new header was written, so it was left alone; run again"):
        world.release(answers=answers, executor=Hooked("give_name", act))
    assert copy.read_bytes().endswith(b"more") if change == "content" else attached(copy) == {"user.case": b"II K 17/26"}
    assert not list(copy.parent.glob(".*"))


def test_too_many_to_be_kept_are_more_likely_a_wrong_period(world: ReleaseWorld) -> None:
    world.fill(due=1, held=3)
    answers = world.answers(world.release()["asks"])
    refused(world, r"3 of 4 sets of calls \d+ must be kept, more than kept_limit \(50 %\)", answers=answers)


def test_answers_for_somebody_else_are_refused(world: ReleaseWorld) -> None:
    world.fill()
    answers = world.answers(world.release()["asks"])
    refused(world, "an answer for another recipient", answers=answers, new_recipient=recipient_text(public_of(bytes([1]) * 32)))
    text = pathlib.Path(answers).read_text()
    pathlib.Path(answers).write_text(text[:-9])
    refused(world, "is not of the form recordings.disposal/rewrap/1", answers=answers)


def test_a_header_of_another_key_is_not_answered(world: ReleaseWorld) -> None:
    world.fill()
    asks = world.release()["asks"]
    old, new = Label("calls", world.year, "0" * 32), Label("calls", "2099", name_of(public_of(SPARE)))
    with pytest.raises(RefusedError, match="does not go with the key of calls"):
        answer_all(Executor(), asks, str(world.path / "answers"), bytearray(world.identity), old, public_of(SPARE), new)
    assert not (world.path / "answers").exists()


@pytest.mark.parametrize("method", ["open_unnamed", "write", "fsync", "give_name", "rename", "sync_directory"])
def test_a_fault_on_the_way_leaves_each_recording_with_one_of_the_two_keys(world: ReleaseWorld, method: str) -> None:
    world.fill()
    answers = world.answers(world.release()["asks"])

    def fail() -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(DisposalError, match="a recording that must be kept still goes with the old key|cannot be written"):
        world.release(answers=answers, executor=Hooked(method, fail))
    for path in world.held():
        contents = []
        for key in (SPARE, world.identity):
            try:
                contents.append(opened(copy_of(path), key))
            except AssertionError:
                continue
        assert contents == [world.plain[path]]
    done = world.release(answers=answers)
    assert done["report"]["kept"] == 0 and [path.name for path in world.root.rglob(".*")] == []


def test_reports_that_speak_against_the_end_of_a_key(world: ReleaseWorld) -> None:
    world.fill(due=4, held=2)
    report = world.release()["report"]
    key = ("calls", world.year, name_of(public_of(world.identity)))
    good = {**report, "kept": 0}
    Reports([good], [HOST]).require(*key)
    for given, hosts, words in (
        ([report], [HOST], "2 recordings on pbx1 must be kept and go with the key"),
        ([good], [HOST, "pbx2"], "pbx2 did not report"),
        ([good], [], "no host is named"),
        ([good, good], [HOST], "reported twice"),
        ([{**good, "period": "1999"}], [HOST], "is about calls 1999"),
        ([{**good, "unread": 3}], [HOST], "3 files on pbx1 could not be looked at"),
        ([{**good, "time": "2020-01-01T00:00:00Z"}], [HOST], "seconds old, and holds may have come since"),
        ([{**good, "sets": "many"}], [HOST], "not of the form"),
    ):
        with pytest.raises(RefusedError, match=words):
            Reports(given, hosts).require(*key)
    assert Reports([{**good, "plain": 1}], [HOST]).first_write().state == "not_met"
    assert Reports([{**good, "others": 1}], [HOST]).no_other_key().state == "not_met"
    assert Reports([good], [HOST]).no_other_key().state == "met"


def test_sets_whose_key_is_gone_come_to_their_end(world: ReleaseWorld) -> None:
    world.fill(due=3, held=0)
    manifest = world.manifest(world.plan())
    done = world.apply(manifest, destroyed_keys=world.destroyed())
    assert done["counts"] == {"destroyed": 3, "not_destroyed": 0, "unknown": 0}
    assert done["outcome"] == "destroyed" and done["level"]["achieved"] == "clear"
    assert not any(path.is_file() for path in world.root.rglob("*"))
    outcomes = [record for record in world.journal() if record["type"] == "outcome"]
    assert all(record["technique"] == "crypto_erase" and record["proof"]["keys"] == ["00112233445566aa"] for record in outcomes)
    assert all(record["proof"]["in_the_clear"] == 1 and record["level"]["achieved"] == "clear" for record in outcomes)
    assert next(record for record in world.journal() if record["type"] == "open")["keys"][0]["period"] == world.year


def test_without_anything_in_the_clear_a_set_reaches_purge(world: ReleaseWorld) -> None:
    world.policy["sources"][0].pop("metadata")
    world.policy["classes"][0]["disposal"]["level"] = "purge"
    world.fill(due=2, held=0)
    for note in world.root.rglob("*.json"):
        note.unlink()
    done = world.apply(world.manifest(world.plan()), destroyed_keys=world.destroyed())
    assert done["counts"]["destroyed"] == 2 and done["level"] == {**done["level"], "required": "purge", "achieved": "purge"}


def test_purge_is_not_claimed_where_metadata_lay_in_the_clear(world: ReleaseWorld) -> None:
    world.policy["classes"][0]["disposal"]["level"] = "purge"
    world.fill(due=2, held=0)
    before = fingerprint(world.root)
    with pytest.raises(DisposalError):
        world.apply(world.manifest(world.plan()), destroyed_keys=world.destroyed())
    assert fingerprint(world.root) == before
    reasons = [record["reason"] for record in world.journal() if record["type"] == "outcome"]
    assert reasons == [["files beside it lie there in the clear, and overwriting them reaches less than purge"]] * 2


def test_sets_of_another_key_stay(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    before = fingerprint(world.root)
    with pytest.raises(DisposalError):
        world.apply(world.manifest(world.plan()), destroyed_keys=world.destroyed(recipient="0" * 32))
    assert fingerprint(world.root) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [({"outcome": "unknown"}, "is unknown, not destroyed"), ({"recipient": "x"}, "not of the form"), ({"level": "none"}, "not destroyed")],
)
def test_keys_that_are_not_destroyed_are_refused(world: ReleaseWorld, more: dict[str, str], words: str) -> None:
    world.fill(due=2, held=0)
    before = fingerprint(world.root)
    with pytest.raises(RefusedError, match=words):
        world.apply(world.manifest(world.plan()), destroyed_keys=world.destroyed(**more))
    assert fingerprint(world.root) == before


def test_a_hold_that_came_after_the_plan_keeps_a_set_whose_key_is_gone(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    manifest = world.manifest(world.plan())
    hold = {"id": "case-2", "reason": "test", "placed": "2020-01-01", "placed_by": "ewa@example.com", "review_by": "2099-01-01"}
    world.holds = [{**hold, "match": {"source": ["pbx"]}}]
    before = fingerprint(world.root)
    done = world.apply(manifest, destroyed_keys=world.destroyed())
    assert done["counts"] == {"destroyed": 0, "not_destroyed": 2, "unknown": 0}
    assert all("held" in str(record["reason"]) for record in world.journal() if record["type"] == "outcome")
    assert fingerprint(world.root) == before


@pytest.mark.parametrize("name", ["{}.bak", "{}.AGE", "moved-away", ".{}.tmp-by-hand"])
def test_a_renamed_recording_is_kept_and_gets_the_other_key(world: ReleaseWorld, name: str) -> None:
    """A name says nothing of the key that a file goes with, and what nothing classifies is kept."""
    world.fill(due=3, held=0)
    (first, *_others) = world.plain
    moved = copy_of(first).with_name(name.format(copy_of(first).stem.removesuffix(".wav")))
    copy_of(first).rename(moved)
    looked = world.release()
    assert (looked["report"]["sets"], looked["report"]["kept"]) == (3, 1), looked["report"]
    done = world.release(answers=world.answers(looked["asks"]))
    assert done["rewrapped"] == 1 and done["report"]["kept"] == 0
    assert opened(moved, SPARE) == world.plain[first]


def test_a_recording_of_another_period_that_got_the_key_is_seen(world: ReleaseWorld) -> None:
    """One key under two labels, as where recipients were mixed up: what counts is the key."""
    world.fill(due=2, held=0)
    this_year = str(int(world.year) + 1)
    world.identities[this_year] = world.identity
    late = world.record(days=1, number=80)
    content = late.read_bytes()
    world.encrypt(recipients=[entry for entry in world.recipients if entry["period"] == this_year])
    looked = world.release()
    assert world.period_of(copy_of(late)) == this_year
    assert (looked["report"]["sets"], looked["report"]["kept"]) == (3, 1), looked["report"]
    done = world.release(answers=world.answers(looked["asks"]))
    assert done["rewrapped"] == 1 and done["report"]["kept"] == 0 and opened(copy_of(late), SPARE) == content


def test_what_may_be_of_the_period_and_lies_in_the_clear_is_told(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    odd = world.record(days=world.days - 9, number=91)
    os.link(odd, world.path / "other-name")
    report = world.release()["report"]
    assert (report["plain"], report["undecided"]) in ((0, 1), (1, 0)), report
    first = Reports([{**report, "plain": 0, "undecided": 1}], [HOST]).first_write()
    assert (
        first.state == "unknown" and "1 recordings on pbx1 lie there in the clear and may be of the class and period" in first.looked_at[0]
    )


def test_a_file_with_two_labels_is_not_passed_over(world: ReleaseWorld) -> None:
    world.fill(due=2, held=0)
    (first, _second) = world.plain
    whole = copy_of(first).read_bytes()
    header = read_header(io.BytesIO(whole))
    label = next(line for line in header.raw.split(b"\n") if Label("calls", world.year, "").period.encode() in line)
    copy_of(first).write_bytes(whole.replace(label + b"\n", label + b"\n\n" + label + b"\n", 1))
    assert world.release()["report"]["unread"] == 1
