# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each medium: decided over rows as the real look at media gives them."""

from __future__ import annotations

import copy
import pathlib
import re
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical
from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import Ability
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES, choose, reaches_all_namespaces
from ansible_collections.recordings.disposal.plugins.module_utils._media.filesystems import Filesystem
from ansible_collections.recordings.disposal.plugins.module_utils._media.inventory import Inventory
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.module_utils._standards.levels import LEVELS, satisfies
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import drained_of
from ansible_collections.recordings.disposal.plugins.plugin_utils import _media_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._language import LANGUAGES, load_language
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan import choose_media, plan_medium
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import read_media_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import STATES, Medium
from ansible_collections.recordings.disposal.plugins.plugin_utils._shown_media import Shown, drain_of, shown_medium
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import (
    BLOCK,
    CRYPTO,
    OVERWRITE,
    POLICY,
    SIZE,
    Looks,
    drained,
    medium_of,
    register_of,
    released,
)

Row = dict[str, t.Any]


@pytest.fixture
def looks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(tmp_path, monkeypatch)


def shown_of(medium: Medium, rows: t.Sequence[Row], found: Row | None = None) -> Shown:
    shown = shown_medium(medium, {"media": list(rows)}, drained(medium.serial) if found is None else found)
    assert isinstance(shown, Shown), shown
    return shown


def planned(medium: Medium, rows: t.Sequence[Row] | Row, found: Row | None = None, **rule: t.Any) -> tuple[dict[str, t.Any], list[str]]:
    """The row of a medium, and what speaks against it; C(rule) is that of its kind."""
    rows = [rows] if isinstance(rows, dict) else rows
    policy = {**POLICY, "rules": [{"kinds": [medium.kind], **rule}]} if rule else None
    return plan_medium(medium, shown_of(medium, rows, found), read_media_policy(policy))


def steps(row: Row) -> list[str]:
    return [step["technique"] for step in row["steps"]]


def without(row: Row, *techniques: str) -> Row:
    """The row of a drive on which some techniques are not possible."""
    done = copy.deepcopy(row)
    for each in done["techniques"]:
        if each["technique"] in techniques:
            each.update(possible=False, level="none", why="it is broken")
    return done


# Which media are planned.


@pytest.mark.parametrize("state", [state for state in STATES if state != "released"])
def test_only_what_is_released_is_planned(state: str) -> None:
    register = register_of(released("S1"), released("S2", state=state))
    for chosen in ({"serials": ["S2"], "dead": []}, {"serials": [], "dead": ["S2"]}):
        with pytest.raises(RefusedError, match=f"there is no plan: S2 is {state}, and only what is released is planned; record what comes"):
            choose_media(register, **chosen)
    assert [medium.serial for medium in choose_media(register, serials=[], dead=[]).hosts["rec1"]] == ["S1"]


@pytest.mark.parametrize(
    ("serials", "dead", "words"),
    [
        ([" "], [], "a serial is blank; name the medium"),
        ([], [""], "a serial is blank"),
        (["S1", "s 1"], [], "S1 is named twice; name each medium once"),
        ([], ["S1", "S1"], "S1 is named twice"),
        (["S9"], [], "S9 is not in the register; correct the serial, or enter the medium and release it first"),
        ([], ["S\u202e9"], "S\\u202e9 is not in the register"),
        (["S3"], [], "S3 has no host in the register; name the one that it is in, or was in"),
        (["S4"], [], "S4 is registered in rec2, which is none of the hosts of this plan; plan on that host too"),
    ],
)
def test_a_medium_that_cannot_be_planned(serials: list[str], dead: list[str], words: str) -> None:
    register = register_of(released("S1"), released("S2"), released("S3", kind="tape", host=""), released("S4", host="rec2"))
    with pytest.raises(RefusedError) as refused:
        choose_media(register, serials=serials, dead=dead, hosts=["rec1"])
    assert refused.value.message.startswith("there is no plan: ") and words in refused.value.message


def test_every_fault_of_a_choice_is_told() -> None:
    register = register_of(*(released(f"S{number}", state="destroyed") for number in range(12)))
    with pytest.raises(RefusedError, match=r"\(and 3 more\)") as refused:
        choose_media(register, serials=[f"S{number}" for number in range(12)] + ["X"], dead=["S3"])
    assert len(refused.value.details["problems"]) == 13


def test_who_is_chosen() -> None:
    register = register_of(
        *(released(serial, host=host) for serial, host in (("S1", "rec2"), ("S2", "rec1"), ("S3", "rec1"), ("S4", "gone"))),
        *(released("S5", state="in_service"), released("T1", kind="tape", host="")),
    )

    def chosen(**options: t.Any) -> dict[str, list[str]]:
        found = choose_media(register, **{"serials": [], "dead": [], **options})
        return {host: [medium.serial for medium in media] for host, media in found.hosts.items()}

    assert chosen(hosts=["rec1", "rec2"]) == {"rec1": ["S2", "S3"], "rec2": ["S1"]}
    assert chosen(hosts=["rec2"]) == {"rec2": ["S1"]}
    assert chosen(hosts=["rec3"]) == {}
    assert chosen(serials=["s 2"], hosts=["rec1"]) == {"rec1": ["S2"]}
    # What is dead may have been in a host that is no more, and does not push the others out.
    assert chosen(dead=["S4"], hosts=["rec1"]) == {"gone": ["S4"], "rec1": ["S2", "S3"]}
    assert chosen(serials=["S2"], dead=["S4"], hosts=["rec1"]) == {"gone": ["S4"], "rec1": ["S2"]}
    assert chosen(serials=["S4"], dead=["S4"], hosts=["rec1"]) == {"gone": ["S4"]}
    assert choose_media(register, serials=["S2"], dead=["S4", "s2"]).dead == {"s4", "s2"}
    # Without hosts nothing is passed over in silence.
    with pytest.raises(RefusedError, match="T1 has no host in the register"):
        chosen()


# By which techniques.


def drives(looks: Looks) -> dict[str, list[Row]]:
    """One drive of each sort, by its kind."""
    return {
        "sata_ssd": [looks.ata("S1")],
        "hdd": [looks.ata("S1", words={128: 0x0021})],
        "nvme": looks.nvme("S1", sanitize=CRYPTO | BLOCK | OVERWRITE),
        "sas_hdd": [looks.sas("S1")],
        "emmc": [looks.emmc("S1")],
        "usb": [looks.usb("S1")],
    }


def test_auto_takes_what_sanitize_would_take(looks: Looks) -> None:
    for kind, rows in drives(looks).items():
        able = {each["technique"]: each for each in rows[0]["techniques"]}
        told = [
            Ability(name, each["possible"], each.get("why", ""), each["level"], None) for name, each in able.items() if name in TECHNIQUES
        ]
        for level in ("clear", "purge"):
            row, blocked = planned(medium_of("S1", kind=kind, required_level=level), rows)
            assert blocked == [] and len(row["steps"]) <= 1
            try:
                expected, reached = choose(told, "auto", level, [], name="x"), level
            except RefusedError:
                # What no firmware reaches an overwrite may, and else a shredder.
                expected = ["overwrite"] if level == "clear" else []
                reached = level if expected else ""
            assert (steps(row), row["level"]) == (expected, reached), kind
            assert row["physical"]["needed"] == (not expected)
            assert all(satisfies(step["level"], level) for step in row["steps"])


def test_the_strongest_comes_first_and_the_cells_before_the_keys(looks: Looks) -> None:
    rows = looks.nvme("S1", sanitize=CRYPTO | BLOCK | OVERWRITE)
    medium = medium_of("S1", kind="nvme", required_level="clear")
    taken = []
    for _time in range(6):
        row, _blocked = planned(medium, rows)
        taken += steps(row)
        rows = [without(rows[0], *taken)]
    assert taken == [
        *("nvme_sanitize_block", "nvme_sanitize_overwrite", "nvme_sanitize_crypto"),
        *("nvme_format_user_data", "nvme_format_crypto", "overwrite"),
    ]


def test_no_level_below_the_required_one(looks: Looks) -> None:
    weak = looks.ata("S1", words={217: 1, 128: 0x0001})
    row, blocked = planned(medium_of("S1", required_level="purge"), weak, fallback=["ata_security_erase", "overwrite"])
    assert (steps(row), row["level"], blocked) == ([], "", [])
    assert row["physical"] == {
        **{"needed": True, "technique": "shred", "why": "no_technique"},
        "because": [
            "ata_sanitize_block, ata_sanitize_overwrite, ata_sanitize_crypto: the disk does not offer it (word 59)",
            "ata_security_erase_enhanced: the disk does not offer it (word 128)",
            "ata_security_erase, overwrite: it reaches clear only",
        ],
    }
    assert "carried_as_it_is" in row["risk"] and row["drain"]["drained"] == "yes"
    row, _blocked = planned(medium_of("S1", required_level="clear"), weak)
    assert (steps(row), row["level"]) == (["ata_security_erase"], "clear") and "spare_blocks" in row["risk"]


@pytest.mark.parametrize("required", ["none", "clear"])
def test_what_needs_no_level_is_cleared(looks: Looks, required: str) -> None:
    row, blocked = planned(medium_of("S1", required_level=required), looks.ata("S1"))
    assert (steps(row), row["level"], row["physical"]["needed"], blocked) == (["ata_sanitize_block"], "clear", False, [])


def test_what_is_to_be_destroyed_is_sanitized_as_well_as_possible_before(looks: Looks) -> None:
    for words, expected in (
        ({217: 1, 59: 0xF000, 128: 0x0021}, (["ata_sanitize_block"], "purge")),
        ({217: 1, 128: 0x0001}, (["ata_security_erase"], "clear")),
        ({217: 1, 128: 0}, (["overwrite"], "clear")),
    ):
        row, blocked = planned(medium_of("S1", required_level="destroy"), looks.ata("S1", words=words))
        assert ((steps(row), row["level"]), blocked) == (expected, [])
        assert row["physical"] == {"needed": True, "technique": "shred", "why": "required", "because": []}
    row, blocked = planned(medium_of("S1", required_level="destroy"), looks.ata("S1"), technique="overwrite")
    assert (steps(row), row["level"], blocked) == (["overwrite"], "clear", [])
    row, _blocked = planned(medium_of("S1", required_level="destroy"), without(looks.ata("S1"), *TECHNIQUES, "overwrite"))
    assert (steps(row), row["physical"]["why"]) == ([], "no_technique")


@pytest.mark.parametrize(
    ("technique", "words", "required", "why"),
    [
        ("ata_sanitize_block", {217: 1}, "purge", "the disk does not offer it (word 59)"),
        ("overwrite", {217: 1, 59: 0xF000}, "purge", "it reaches clear only"),
        ("ata_security_erase", {217: 1, 128: 0x0029}, "clear", "its security is frozen"),
        ("nvme_sanitize_block", {217: 1}, "clear", "it is not an NVMe drive"),
        ("ata_sanitize_block", {217: 1}, "destroy", "the disk does not offer it (word 59)"),
    ],
)
def test_a_named_technique_that_is_impossible_blocks(looks: Looks, technique: str, words: dict[int, int], required: str, why: str) -> None:
    row, blocked = planned(medium_of("S1", required_level=required), looks.ata("S1", words=words), technique=technique)
    assert len(blocked) == 1 and blocked[0].startswith(f"S1: {technique}, which the policy names, is not possible ({why}")
    assert blocked[0].endswith("name another technique, auto, or none for the shredder") and steps(row) == []


def test_a_technique_that_the_host_does_not_know_blocks(looks: Looks) -> None:
    row = looks.ata("S1")
    row["techniques"] = [each for each in row["techniques"] if each["technique"] != "ata_sanitize_block"]
    _row, blocked = planned(medium_of("S1"), row, technique="ata_sanitize_block")
    assert "is not possible (its host does not know it for this medium)" in blocked[0]


def test_a_technique_that_is_not_told_whole_is_not_possible(looks: Looks) -> None:
    for spoil in ({"level": None}, {"standard": 7}, {"source": ""}, {"confidence": None}, {"possible": "yes"}):
        row = looks.ata("S1")
        for each in row["techniques"]:
            each.update(spoil)
        made, blocked = planned(medium_of("S1"), row)
        assert steps(made) == [] and blocked == []
    assert any("is not as this version of the collection writes it" in clause for clause in made["physical"]["because"])


def test_only_fallbacks_that_reach_the_level_and_only_those_that_are_named(looks: Looks) -> None:
    fallback = ["overwrite", "ata_security_erase", "ata_sanitize_crypto", "nvme_sanitize_block", "ata_security_erase_enhanced"]
    row, blocked = planned(medium_of("S1", required_level="purge"), looks.ata("S1"), fallback=fallback)
    assert steps(row) == ["ata_sanitize_block", "ata_sanitize_crypto", "ata_security_erase_enhanced"] and blocked == []
    row, _blocked = planned(medium_of("S1", required_level="clear"), looks.ata("S1"), technique="overwrite", fallback=fallback)
    assert steps(row) == ["overwrite", "ata_security_erase", "ata_sanitize_crypto", "ata_security_erase_enhanced"]
    row, _blocked = planned(medium_of("S1", required_level="clear"), looks.ata("S1"))
    assert steps(row) == ["ata_sanitize_block"]


def test_no_technique_by_the_policy(looks: Looks) -> None:
    row, blocked = planned(medium_of("S1"), looks.ata("S1"), technique="none", physical="disintegrate")
    assert (steps(row), row["level"], blocked) == ([], "", [])
    assert row["physical"] == {"needed": True, "technique": "disintegrate", "why": "policy", "because": []}


def test_several_namespaces_go_together_or_not_at_all(looks: Looks) -> None:
    rows = looks.nvme("S1", namespaces=3, native=10 << 30)
    medium = medium_of("S1", kind="nvme", required_level="clear", size_bytes=str(10 << 30))
    row, blocked = planned(medium, rows, fallback=["nvme_format_user_data", "overwrite", "nvme_sanitize_crypto"])
    assert (steps(row), blocked) == (["nvme_sanitize_block", "nvme_sanitize_crypto"], [])
    assert all(map(reaches_all_namespaces, steps(row)))
    assert (row["all_namespaces"], row["size_bytes"]) == (True, 10 << 30)
    assert row["identity"] == {"serial": "S1", "size_bytes": SIZE, "wwn": "0000000000000001"}
    for technique in ("overwrite", "nvme_format_user_data"):
        row, blocked = planned(medium, rows, technique=technique)
        assert f"{technique}, which the policy names, is not possible (it reaches one of its 3 namespaces only)" in blocked[0]
    row, blocked = planned(medium, looks.nvme("S1", sanitize=0, namespaces=2))
    assert (steps(row), blocked, row["physical"]["why"]) == ([], [], "no_technique")
    assert "nvme_format_user_data, nvme_format_crypto, overwrite: it reaches one of its 2 namespaces only" in row["physical"]["because"]
    # Where the drive does not tell what it holds in all, one namespace contradicts no register.
    assert planned(medium, looks.nvme("S1", namespaces=2))[1] == []
    assert "it has 5 bytes in the register" in planned(medium_of("S1", kind="nvme", size_bytes="5"), rows)[1][0]


@pytest.mark.parametrize("sort", ["no names", "paths", "one serial on two disks"])
def test_a_serial_that_several_show(looks: Looks, sort: str) -> None:
    if sort == "no names":
        rows, kind = looks.nvme("S1", namespaces=2, wwid=False), "nvme"
    elif sort == "paths":
        rows, kind = [looks.nvme("S1", namespaces=2)[0], looks.nvme("S1", namespaces=2)[0]], "nvme"
        rows[1]["name"] = "nvme1n1"
    else:
        rows, kind = [looks.ata("S1"), looks.ata("S1", name="sdb", wwn=["5002538f"])], "sata_ssd"
    _row, blocked = planned(medium_of("S1", kind=kind), rows)
    names = ", ".join(row["name"] for row in rows)
    assert blocked == [f"S1: its serial is shown by {names}, so nobody knows which is meant; leave one path, or look at the labels"]


# Tapes and what is no medium.


def test_a_tape(looks: Looks) -> None:
    medium = medium_of("HA7T00C019", kind="tape", required_level="clear")
    row, blocked = planned(medium, looks.tape(), verify="canaries", physical="degauss")
    assert (steps(row), row["identity"], blocked) == (["tape_erase_long"], {"cartridge": "HA7T00C019"}, [])
    assert (row["verify"], row["make"], row["size_bytes"]) == ("canaries", "FUJIFILM", 11444224 << 20)
    # A tape has no spare blocks.
    assert set(row["risk"]) == {"unverified_level", "canaries_only"}
    assert planned(medium, looks.tape())[0]["verify"] == "canaries"
    row, blocked = planned(medium_of("HA7T00C019", kind="tape"), looks.tape())
    assert (steps(row), blocked) == ([], [])
    assert row["physical"]["because"] == ["tape_erase_long: it reaches clear only", "overwrite: it is tape"]


def test_a_tape_that_is_in_no_drive(looks: Looks) -> None:
    told = shown_medium(medium_of("HA7T00C019", kind="tape"), {"media": [looks.tape(loaded=False)]}, {})
    assert (
        told == "HA7T00C019 is in no tape drive of its host; load it and look again, or name it under dead where no drive takes it any more"
    )


@pytest.mark.parametrize("serial", ["V1", "0011223344"])
def test_a_virtual_disk_and_a_volume_are_no_media(looks: Looks, serial: str) -> None:
    told = shown_medium(medium_of(serial), {"media": [looks.virtual("V1"), looks.volume()]}, {})
    assert told == f"{serial} is not shown by its host; reconcile the register, or name it under dead where it cannot be reached any more"


def test_a_drive_behind_a_controller(looks: Looks) -> None:
    told = shown_medium(medium_of("jejpjdpn"), {"media": [looks.ata("S1"), looks.volume()]}, {})
    assert str(told).startswith("jejpjdpn is behind sda, a volume of a RAID controller, where nothing but physical destruction reaches it")


@pytest.mark.parametrize("info", [{}, {"media": None}, {"media": [7, None, {"serial": 5, "tape": {"cartridge": {"unavailable": "x"}}}]}])
def test_a_medium_that_is_not_shown(info: Row) -> None:
    told = shown_medium(medium_of("S1"), info, {})
    assert isinstance(told, str)
    row, blocked = plan_medium(medium_of("S1", size_bytes="512"), told, read_media_policy(None))
    assert blocked == [told] and (row["steps"], row["physical"]["why"], row["size_bytes"]) == ([], "not_shown", 512)


def test_a_dead_medium_goes_to_the_shredder_as_it_is() -> None:
    row, blocked = plan_medium(medium_of("S1", size_bytes="512"), None, read_media_policy(None))
    assert blocked == [] and (row["steps"], row["level"], row["identity"]) == ([], "", {})
    assert row["physical"] == {"needed": True, "technique": "shred", "why": "dead", "because": []}
    assert row["drain"]["drained"] == "unknown" and row["risk"] == ["not_looked_into", "carried_as_it_is"]


# What speaks against it.


@pytest.mark.parametrize(
    ("medium", "words"),
    [
        ({"kind": "hdd"}, "it is hdd in the register and sata_ssd by its own account; look at the label, and correct the register"),
        ({"size_bytes": "4000787030016"}, f"it has 4000787030016 bytes in the register and {SIZE} by its own account"),
    ],
)
def test_a_register_that_is_contradicted(looks: Looks, medium: dict[str, str], words: str) -> None:
    _row, blocked = planned(medium_of("S1", **medium), looks.ata("S1"))
    assert blocked == [f"S1: {words}" if words.endswith("register") else f"S1: {words}; look at the label, and correct the register"]


def test_what_may_be_otherwise(looks: Looks) -> None:
    """A bridge answers for what is behind it; a disk may hide a part of itself; case and blanks tell no serials apart."""
    assert planned(medium_of("S1", kind="hdd"), looks.usb("S1"), technique="none")[1] == []
    hidden = looks.ata("S1", hidden_capacity={"state": "hidden", "told": "x", "native_bytes": 4096})
    assert planned(medium_of("S1", size_bytes="4096"), hidden)[1] == []
    row, blocked = planned(medium_of("ab 12"), looks.ata("AB12"), drained("ab 12"))
    assert blocked == [] and (row["serial"], row["identity"]["serial"], row["set"]) == ("ab 12", "AB12", medium_set("AB12"))


def test_the_systems_disk(looks: Looks) -> None:
    _row, blocked = planned(medium_of("S1"), looks.ata("S1", system=True))
    assert blocked == ["S1: the system of rec1 runs from it; start the host from another medium first"]
    unknown = looks.sas("S1", removable="0\n")
    _row, blocked = planned(medium_of("S1", kind="sas_hdd"), {**unknown, "system": {"unavailable": "it shows no size"}})
    assert blocked == ["S1: whether the system runs from it cannot be told (it shows no size); see to that, and look again"]


@pytest.mark.parametrize("undetermined", ["refuse", "accept"])
@pytest.mark.parametrize("state", ["no", "unknown"])
def test_what_is_not_drained(looks: Looks, state: str, undetermined: str) -> None:
    found = drained("S1", drained=state, reasons=["13 sets are held", "sda2 is encrypted"])
    policy = read_media_policy({**POLICY, "undetermined": undetermined})
    row, blocked = plan_medium(medium_of("S1"), shown_of(medium_of("S1"), [looks.ata("S1")], found), policy)
    known = {"no": "it is not drained", "unknown": "it cannot be told whether it is drained"}[state]
    sentence = f"S1: {known} (13 sets are held; sda2 is encrypted); move what must be kept elsewhere, and plan again"
    accepted = (state, undetermined) == ("unknown", "accept")
    assert blocked == ([] if accepted else [sentence])
    assert ("not_looked_into" in row["risk"]) == (state == "unknown") and row["drain"]["drained"] == state


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"media": []},
        drained("S2"),
        drained("S1", drained="YES"),
        drained("S1", drained=None),
        drained("S1", filesystems=None),
        drained("S1", filesystems=[{"device": "sda1", "type": "ext4"}]),
        drained("S1", filesystems="none"),
    ],
)
def test_what_media_drain_has_not_told_as_it_should_is_not_drained(looks: Looks, found: Row) -> None:
    row, blocked = planned(medium_of("S1"), looks.ata("S1"), found)
    assert len(blocked) == 1 and "it cannot be told whether it is drained (" in blocked[0]
    assert row["drain"]["drained"] == "unknown"
    # Whatever it was, it stays what it was.
    assert planned(medium_of("S1"), looks.ata("S1"), drained("S1", drained="no", filesystems=7))[0]["drain"]["drained"] == "no"


def test_what_the_plan_repeats_of_a_drain_check(looks: Looks) -> None:
    verdicts = {"due": 7, "held": "many", "retained": True, "x": -1}
    found = drained("S1", verdicts=verdicts, outside=2.5, copied=4, backup={"copied": "yes", "where": ["/srv/copies", 7]}, limits=["x", ""])
    row, _blocked = planned(medium_of("S1"), looks.ata("S1"), found)
    assert row["drain"] == {
        **{"drained": "yes", "reasons": [], "limits": ["x"], "verdicts": {"due": 7, "held": 0, "retained": 0, "x": 0}},
        "filesystems": drained("S1")["media"][0]["filesystems"],
        **{"outside": 0, "copied": 4, "backup": {"copied": "yes", "where": ["/srv/copies"]}},
    }
    assert "due_recordings" in row["risk"] and canonical(row)


def test_media_drain_tells_it_in_the_form_of_these_tests(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.disk("sda", "8:0", serial="S2\n")
    told = {"media": ["S1"], "state_dir": str(tmp_path / "state"), "holds": [], "copies": [], "policy": None, "other_files": "refuse"}
    real, ours = drained_of({**told, "mount_unmounted": True}, **world.roots), drained("S1")
    assert set(real) <= set(ours) and set(real["media"][0]) == set(ours["media"][0]) and real["holds"].keys() == ours["holds"].keys()
    filesystem = Filesystem("sda1", "/dev/sda1", (8, 1), "ext4")
    assert set(filesystem.row(Inventory(3, 4096, "sha256:0"))) == set(ours["media"][0]["filesystems"][0])
    assert "no device on this host has" in drain_of("S1", real)["reasons"][0] and drain_of("S1", real)["drained"] == "unknown"


ARRAY = {"name": "md0", "level": "raid1", "disks": 2, "degraded": 0, "members": ["S1", "S2"], "others": ["S3"]}


@pytest.mark.parametrize("serial", ["S1", "s1", "S3"])
def test_a_member_of_a_running_array(looks: Looks, serial: str) -> None:
    _row, blocked = planned(medium_of(serial), looks.ata(serial.upper()), drained(serial, arrays=[ARRAY]))
    assert len(blocked) == 1 and f"{serial}: it belongs to the running array md0; take it out of the array" in blocked[0]


@pytest.mark.parametrize("holder", ["md127", "md_d0", "sda1, md0 (home)", "dm-0 (x), md126"])
def test_what_an_array_holds_that_nobody_listed(looks: Looks, holder: str) -> None:
    busy = looks.ata("S1", in_use_because=[f"it is held by {holder}"])
    row, blocked = planned(medium_of("S1"), busy)
    assert len(blocked) == 1 and "it belongs to a running array; take it out of the array" in blocked[0]
    assert row["to_free"] == [f"it is held by {holder}"]
    assert planned(medium_of("S1"), looks.ata("S1", in_use_because=["it is held by dm-0 (cmd7)"]))[1] == []


def test_what_has_to_end_before(looks: Looks) -> None:
    """The numbers of processes change from one look to the next, and the plan does not."""
    told = [
        "it is mounted (sda1 on /srv/x)",
        "it is open by process 4242 (smartd), process 7 (a (b)",
        "whether process 99 has it open cannot be determined",
    ]
    row, blocked = planned(medium_of("S1"), looks.ata("S1", in_use_because=told))
    assert blocked == []
    assert row["to_free"] == [
        "it is mounted (sda1 on /srv/x)",
        "it is open by smartd, a (b",
        "whether a process has it open cannot be determined",
    ]


def test_degaussing_falls_short_of_destroy(looks: Looks) -> None:
    row, blocked = planned(medium_of("S1", kind="hdd", required_level="destroy"), looks.ata("S1", words={}), physical="degauss")
    assert blocked == ["S1: degauss, which the policy names, reaches purge and destroy is required; name a technique that reaches it"]
    assert "degaussed_not_destroyed" in row["risk"]
    row, blocked = planned(medium_of("S1", kind="hdd", required_level="purge"), looks.ata("S1", words={128: 0}), physical="degauss")
    assert (blocked, row["physical"]["technique"], row["on_failure"]) == ([], "degauss", "degauss")
    policy = read_media_policy({**POLICY, "rules": [{"kinds": ["tape"], "physical": "degauss"}]})
    _row, blocked = plan_medium(medium_of("T1", kind="tape", required_level="destroy"), None, policy)
    assert "T1: degauss, which the policy names, reaches purge and destroy is required" in blocked[0]


# The row.


def test_a_row_is_what_the_road_needs(looks: Looks) -> None:
    rule = {
        "fallback": "ata_sanitize_crypto",
        "verify": "all",
        "sample_share": 7,
        "canaries": 99,
        "physical": "melt",
        "destination": "other",
    }
    entry = {
        "asset_number": "IT-1",
        "classification": "secret",
        "encryption": "luks",
        "bay": "Slot 1",
        "make": "Own",
        "size_bytes": str(SIZE),
    }
    row, blocked = planned(medium_of("S1", **entry), looks.ata("S1", bay="Slot 9"), **rule, classification_after="public")
    assert blocked == []
    assert {key: value for key, value in row.items() if key not in ("steps", "drain")} == {
        **{
            "serial": "S1",
            "set": medium_set("S1"),
            "kind": "sata_ssd",
            "make": "Own",
            "model": "WDC WD40EFRX-68N32N0",
            "asset_number": "IT-1",
        },
        **{
            "classification": "secret",
            "encryption": "luks",
            "required_level": "purge",
            "host": "rec1",
            "bay": "Slot 9",
            "size_bytes": SIZE,
        },
        **{"identity": {"serial": "S1", "size_bytes": SIZE}, "level": "purge", "verify": "all", "sample_share": 7, "canaries": 99},
        **{"all_namespaces": False, "physical": {"needed": False, "technique": "melt", "why": "", "because": []}, "on_failure": "melt"},
        **{"destination": "other", "classification_after": "public", "to_free": [], "risk": ["own_encryption"]},
    }
    known = {"standard": "NIST SP 800-88 Rev. 2 (2025-09)", "source": "labels of openSeaChest's erase methods", "confidence": "P"}
    assert row["steps"] == [
        {"technique": technique, "level": "purge", **known, "estimated_seconds": None}
        for technique in ("ata_sanitize_block", "ata_sanitize_crypto")
    ]
    # So the kernel calls every ATA disk; it is no maker.
    assert planned(medium_of("S1"), looks.ata("S1"))[0]["make"] == "" and planned(medium_of("S1"), looks.ata("S1"))[0]["bay"] == ""


def test_how_long_it_lasts(looks: Looks) -> None:
    (step,) = planned(medium_of("S1", kind="nvme"), looks.nvme("S1"))[0]["steps"]
    assert step["estimated_seconds"] == 90
    for told, expected in ((0, 0), (True, None), (-1, None), ("90", None), (1.5, None), ({"unavailable": "x"}, None)):
        row = looks.ata("S1")
        for each in row["techniques"]:
            each["estimated_seconds"] = told
        assert planned(medium_of("S1"), row)[0]["steps"][0]["estimated_seconds"] == expected


def test_every_open_point_comes_from_what_is_planned(looks: Looks) -> None:
    found: set[str] = set()
    for kind, rows in drives(looks).items():
        for level in LEVELS:
            for rule in ({}, {"verify": "canaries"}, {"technique": "none"}, {"verify": "all", "fallback": ["ata_sanitize_crypto"]}):
                found |= set(planned(medium_of("S1", kind=kind, required_level=level), rows, **rule)[0]["risk"])
    found |= set(
        planned(medium_of("S1", kind="hdd", required_level="purge"), looks.ata("S1", words={128: 0}), physical="degauss")[0]["risk"]
    )
    found |= set(planned(medium_of("S1"), looks.ata("S1"), drained("S1", drained="unknown", verdicts={"due": 1}))[0]["risk"])
    for language in LANGUAGES:
        assert set(load_language(language).table("media_plan.risks")) == found


def test_every_reason_for_a_shredder_has_its_words() -> None:
    named = set(
        re.findall(r'"(required|no_technique|policy|dead|not_shown)"', pathlib.Path(_media_plan.__file__).read_text(encoding="utf-8"))
    )
    for language in LANGUAGES:
        assert set(load_language(language).table("media_plan.why")) == named == {"required", "no_technique", "policy", "dead", "not_shown"}
        assert set(load_language(language).table("media_plan.drains")) == {"yes", "no", "unknown"}
