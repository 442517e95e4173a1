# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._media import volume_groups
from ansible_collections.recordings.disposal.plugins.module_utils._media.private_mounts import UnseenError
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.plugins.module_utils._media.volume_groups import inactive_volumes
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World

GROUP = "bC7Dxa-2mEv-Wz1J-9gkr-tYp0-Q4hs-LnUo3e"
VOLUMES = {"one": "AAAAAA-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa1", "two": "BBBBBB-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbb2"}


def report(kind: str, *rows: dict[str, str]) -> Answer:
    """As lvm2 2.03.16 writes it."""
    return Answer(0, json.dumps({"report": [{kind: list(rows)}]}, indent=4).encode(), "")


def row(name: str, segtype: str = "linear") -> dict[str, str]:
    return {"lv_name": name, "lv_uuid": VOLUMES.get(name, "CCCCCC-cccc-cccc-cccc-cccc-cccc-ccccc3"), "segtype": segtype}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """The answers of lvm's tools, which every test may change."""
    answers = {"pvs": report("pv", {"vg_uuid": GROUP}), "lvs": report("lv", row("one"), row("two"), row("pool", "thin-pool"))}

    def ask(command: t.Sequence[str]) -> Answer:
        assert "--readonly" in command and ("/dev/sdb1" in command or f"vg_uuid={GROUP}" in command)
        return answers[command[0]]

    monkeypatch.setattr(volume_groups, "ask", ask)
    return answers


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    world = World(tmp_path)
    for number, name in enumerate(VOLUMES):
        uuid = f"LVM-{GROUP}{VOLUMES[name]}".replace("-", "").replace("LVM", "LVM-")
        world.disk(f"dm-{number}", f"253:{number}", dm__uuid=f"{uuid}\n", dm__name=f"calls-{name}\n")
    return world


def inactive(world: World) -> list[str]:
    return inactive_volumes("/dev/sdb1", sys_root=str(world.sys))


def test_all_are_active(asked: dict[str, Answer], world: World) -> None:
    assert inactive(world) == []


def test_one_is_not(asked: dict[str, Answer], world: World) -> None:
    (world.sys / "block" / "dm-1").unlink()
    assert inactive(world) == ["two"]
    asked["lvs"] = report("lv", row("one"), row("other", "thin"), row("mirrored", "raid1"))
    assert inactive(world) == ["mirrored", "other"]


@pytest.mark.parametrize(
    ("tool", "answer", "words"),
    [
        (
            "pvs",
            Answer(None, b"", "", "the tool pvs is not installed"),
            "its volume group cannot be asked for (the tool pvs is not installed)",
        ),
        ("pvs", Answer(5, b"", "  Failed to find physical volume"), "cannot be asked for (Failed to find physical volume); install lvm2"),
        ("pvs", report("pv", {"vg_uuid": ""}), "lvm knows no volume group that it belongs to"),
        ("pvs", report("pv"), "lvm knows no volume group that it belongs to"),
        ("pvs", Answer(0, b"WARNING", ""), "what lvm tells of its volume group is not understood"),
        ("lvs", Answer(0, b'{"report": 7}', ""), "what lvm tells of its volume group is not understood"),
        ("lvs", Answer(5, b"", "  Volume group is exported"), "cannot be asked for (Volume group is exported)"),
    ],
)
def test_what_cannot_be_told(asked: dict[str, Answer], world: World, tool: str, answer: Answer, words: str) -> None:
    asked[tool] = answer
    with pytest.raises(UnseenError) as caught:
        inactive(world)
    assert words in caught.value.message
