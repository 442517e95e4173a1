# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mutation for each guard of a sanitize: with the guard a medium is refused or not believed; without it, it would be erased or certified.

So each of the tests elsewhere that rests on such a guard fails when the guard does not work.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._erasure import bearing, opened, sanitize, sanitized
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.bearing import BlockBearer, Remains
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.canary import Canaries
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.sanitize import Course, sanitize_medium
from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media import guards
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import RUNNING, Status
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import Use
from ansible_collections.recordings.disposal.plugins.module_utils._media.hidden import Hidden
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import Device
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import asked
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.asked import Task, reached_by, recheck
from ansible_collections.recordings.disposal.tests.system.device_bed import found, marked, sha256
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed
from ansible_collections.recordings.disposal.tests.system.test_sanitize_engine import DONE, KEY, SIZE, Scripted

Patch = pytest.MonkeyPatch


@dataclasses.dataclass
class Case:
    """One drive with something against it.

    :ivar words: that the guard says.
    :ivar arrange: makes it so; C(mutate) takes the guard away.
    """

    words: str
    mutate: t.Callable[[Patch], None]
    arrange: t.Callable[[Patch], None] = lambda patch: None
    firmware: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    changed: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    rechecks: bool = False


def used(name: str, value: t.Any) -> Case:
    """A use that one of the guards knows, and the decision without that guard."""

    def arrange(patch: Patch) -> None:
        hidden = Hidden("none", "")
        patch.setattr(bearing, "gather_use", lambda device: Use(device.name, **{"hidden": hidden, name: value}))

    def mutate(patch: Patch) -> None:
        decide, nothing = guards.decide_use, getattr(Use("x"), name)
        patch.setattr(guards, "decide_use", lambda use, **options: decide(dataclasses.replace(use, **{name: nothing}), **options))

    words = {"mounted": "it is mounted", "holders": "it is held by", "swaps": "in use as swap", "read_only": "it is read-only"}
    return Case(words.get(name, "system's disk"), mutate, arrange)


def patched(module: t.Any, name: str, value: t.Any) -> t.Callable[[Patch], None]:
    return lambda patch: patch.setattr(module, name, value)


def other_namespaces(patch: Patch) -> None:
    """A second namespace has come since the first one was looked at."""
    patch.setattr(asked, "count_namespaces", lambda device: 2)


CASES = {
    "identity": Case("its identity changed", patched(opened, "_another", lambda device: ""), changed={"sequence": ""}),
    **{name: used(name, value) for name, value in (("mounted", ("sdx on /mnt",)), ("holders", ("md0",)), ("swaps", ("/dev/sdx",)))},
    **{name: used(name, value) for name, value in (("read_only", True), ("system", ("/",)))},
    "namespaces": Case(
        "it has 2, and this host sees 1", patched(asked, "count_namespaces", lambda device: 1), other_namespaces, rechecks=True
    ),
    "running": Case(
        "a sanitize is in progress", patched(sanitize, "refuse_running", lambda names, now: None), firmware={"before": Status(RUNNING, 5)}
    ),
    "frozen": Case(
        "cannot be sanitized (frozen)",
        patched(sanitize, "require_idle", lambda firmware, names, ours: firmware.look()),
        firmware={"before": Status("frozen", action="overwrite")},
    ),
    "canaries": Case(
        "canaries are still there",
        patched(BlockBearer, "look_back", lambda self, look: Remains(0, 0)),
        firmware={"erases": lambda content: content},
    ),
    "transition": Case(
        "does not show that this command ran",
        patched(sanitized, "watched", lambda before, seen, after, action: "as if it were seen"),
        firmware={"script": [Status("done", action="block_erase")], "before": Status("done", action="block_erase")},
    ),
    "withheld": Case(
        "another cartridge is in it",
        patched(Scripted, "objection", lambda self: ""),
        firmware={"objects": "another cartridge is in it"},
    ),
}


def attempt(image: pathlib.Path, case: Case) -> tuple[str, str, int]:
    """The outcome, what was said, and how often the command was given."""
    device = dataclasses.replace(found(image), **case.changed)
    firmware = Scripted(image, DONE)
    firmware = dataclasses.replace(firmware, **case.firmware)
    nvme = dataclasses.replace(device, name="nvme0n1")
    task = Task(nvme, (nvme,), "nvme_sanitize_block", "clear", "purge")
    try:
        result = sanitize_medium(
            Executor(),
            firmware,
            [BlockBearer(device, Canaries(KEY, SIZE, 64))],
            Course(poll=0.05, on_unseen="report"),
            note=lambda step, told: None,
            recheck=(lambda: recheck(task)) if case.rechecks else lambda: "",
        )
    except RefusedError as error:
        return "refused", error.message, firmware.begun
    return result.outcome, result.reason or "", firmware.begun


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_the_guard_it_would_be_done_or_certified(bed: Bed, monkeypatch: Patch, name: str) -> None:
    case = CASES[name]
    image = bed.fill_image(marked(SIZE))
    bed.attach(image, direct_io=True)
    monkeypatch.setattr(asked, "find_device", lambda identity: dataclasses.replace(found(image), name="nvme0n1"))
    monkeypatch.setattr(asked, "namespaces_of", lambda device, devices: [device])
    monkeypatch.setattr(asked, "running_on", lambda device: Status("done"))
    case.arrange(monkeypatch)
    before = sha256(image)
    outcome, words, begun = attempt(image, case)
    assert outcome != "destroyed" and case.words in words, words
    if outcome == "refused":
        assert sha256(image) == before and begun == 0
    case.mutate(monkeypatch)
    outcome, words, begun = attempt(image, case)
    assert (outcome, begun) == ("destroyed", 1), words


def test_what_is_reached_is_counted_again() -> None:
    """By itself: what C(namespaces) above rests on."""
    with pytest.MonkeyPatch.context() as patch:
        device = Device("nvme0n1", "/dev/nvme0n1", 259, 0, SIZE, 512, 512, None, {"serial": ("S1",)}, asked={"serial": "S1"})
        other = dataclasses.replace(device, name="nvme0n2", facts={"serial": ("S1",), "wwn": ("eui.2",)}, asked={"wwn": "eui.2"})
        patch.setattr(asked, "list_devices", lambda: [])
        patch.setattr(asked, "running_on", lambda device: Status("done"))
        patch.setattr(asked, "namespaces_of", lambda device, devices: [device])
        patch.setattr(asked, "count_namespaces", lambda device: 1)
        patch.setattr(asked, "find_device", lambda identity: device)
        assert reached_by(device, "nvme_sanitize_block", all_namespaces=False) == (device,)
        task = Task(device, (device,), "nvme_sanitize_block", "clear", "purge")
        assert recheck(task) == ""
        patch.setattr(asked, "namespaces_of", lambda device, devices: [device, other])
        patch.setattr(asked, "count_namespaces", lambda device: 2)
        assert "it would reach nvme0n1, nvme0n2, and nvme0n1 were looked at" in recheck(task)
        patch.setattr(asked, "find_device", lambda identity: dataclasses.replace(device, minor=7))
        assert recheck(task) == "nvme0n1 is no longer the device that was looked at"
