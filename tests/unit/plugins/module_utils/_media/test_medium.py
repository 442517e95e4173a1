# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's media as a whole: who is asked, and that what cannot be read is told as unavailable. Answers are those of the parsers' own tests."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media import cartridge, hidden, labels, medium, mmc, opal, scsi, tape
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import Use
from ansible_collections.recordings.disposal.plugins.module_utils._media.hidden import Hidden
from ansible_collections.recordings.disposal.plugins.module_utils._media.medium import look_at_media
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_cartridge import (
    NOT_SUPPORTED,
    ONE_PARTITION,
    attributes,
    memory,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_mmc import ext_csd
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_nvme import controller
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_opal import ANSWER, dump
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_scsi import RSOC, command, commands, fixed, page
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_tape import mt_st

SAS = "pci0000:00/0000:00:05.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0"
SAS_DISK = {"device__type": "0\n", "device__scsi_level": "7\n", "device__vendor": "SEAGATE \n", "device__model": "ST4000NM0035\n"}
LOADED = Answer(0, mt_st("41010000", " BOT ONLINE IM_REP_EN").encode(), "")


class Host:
    """A world whose tools answer what a test says; the others are not installed."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        for module in (medium, cartridge, hidden, labels, mmc, opal, scsi, tape):
            if hasattr(module, "ask"):
                monkeypatch.setattr(module, "ask", self._ask)
        monkeypatch.setattr(medium, "find_signatures", lambda device: ())
        monkeypatch.setattr(cartridge, "find_openers", lambda is_it, proc_root: ([], []))
        free = Use("x", hidden=Hidden("none", "the disk hides no capacity"))
        monkeypatch.setattr(medium, "gather_use", lambda device, **roots: free)

    def _ask(self, words: t.Sequence[str], **_seconds: float) -> Answer:
        self.asked.append(words[0])
        key = f"{words[0]} {words[1]}" if words[0] in ("nvme", "mmc") else words[0]
        key += " --sa=3" if "--sa=3" in words else ""
        return self.answers.get(key, Answer(None, b"", "", f"the tool {words[0]} is not installed"))

    def rows(self, **options: t.Any) -> dict[str, dict[str, t.Any]]:
        return {row["name"]: row for row in look_at_media(None, **options, **self.world.roots)}

    def drive(self) -> None:
        place = self.world.sys / "devices" / SAS.replace("0:0:0:0", "0:0:1:0") / "scsi_tape" / "nst0"
        for name, text in (
            ("device/vendor", "IBM\n"),
            ("device/model", "ULT3580-HH8\n"),
            ("device/rev", "N9M1\n"),
            ("options", "0x00000107\n"),
        ):
            World.write(place / name, text)
        (self.world.sys / "class" / "scsi_tape").mkdir(parents=True)
        (self.world.sys / "class" / "scsi_tape" / "nst0").symlink_to(place)


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(World(tmp_path), monkeypatch)


def technique(row: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    (found,) = (each for each in row["techniques"] if each["technique"] == name)
    return t.cast("dict[str, t.Any]", found)


def test_a_sas_disk(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK, device__vpd_pgb1=page(10000))
    host.answers = {"sg_opcodes": Answer(0, commands(command(0x48, 3), RSOC), ""), "sg_raw": Answer(0, ANSWER, "")}
    row = host.rows()["sda"]
    assert (row["kind"], row["rotation"], row["transport"]) == ("sas_hdd", 10000, "sas")
    assert (
        technique(row, "scsi_sanitize_crypto")["level"] == "purge"
        and technique(row, "scsi_format")["why"] == "the device does not offer it"
    )
    assert row["encryption"]["opal"]["locked"] and row["encryption"]["opal"]["kinds"] == ["opal_2"]
    assert row["free"] and row["tape"] == {"unavailable": "it is no tape drive"}


@pytest.mark.parametrize(
    ("sense", "log", "why"),
    [
        (fixed(2, 0x04, 0x1B, 0x8000), {"state": "in_progress", "percent": 50}, "a sanitize is in progress (50 %)"),
        (fixed(2, 0x04, 0x1B), {"state": "in_progress"}, "a sanitize is in progress"),
        (
            fixed(2, 0x04, 0x04, 0x4000),
            {"unavailable": "a SCSI device tells of a sanitize only while it runs or where it failed"},
            "a format is in",
        ),
        (fixed(3, 0x31, 0x03), {"state": "failed"}, ""),
        (fixed(2, 0x3A, 0), {"unavailable": "the device is not ready (sense 02/3a/00)"}, ""),
    ],
)
def test_what_a_scsi_device_is_doing(host: Host, sense: bytes, log: dict[str, t.Any], why: str) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    host.answers = {"sg_opcodes": Answer(0, commands(command(0x48, 2), RSOC), ""), "sg_requests": Answer(0, sense, "")}
    row = host.rows()["sda"]
    assert {key: row["sanitize_log"].get(key) for key in log} == log
    found = technique(row, "scsi_sanitize_block")
    assert found["possible"] == (not why) and found.get("why", "").startswith(why)


def test_a_sas_disk_without_tools(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK, queue__rotational="1\n")
    row = host.rows()["sda"]
    assert row["kind"] == "sas_hdd" and row["rotation"] == {"unavailable": "the medium does not tell it"}
    assert technique(row, "scsi_sanitize_block")["why"] == "the tool sg_opcodes is not installed"
    assert row["encryption"]["opal"] == {"unavailable": "the tool sg_raw is not installed"}


def test_a_bridge_is_not_asked_in_place_of_what_is_behind_it(host: Host) -> None:
    host.world.disk("sdb", "8:16", bus="pci0000:00/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", **SAS_DISK)
    row = host.rows()["sdb"]
    assert technique(row, "scsi_sanitize_block")["why"].startswith("it is behind a bridge")
    assert row["encryption"]["opal"]["unavailable"].startswith("it is behind a bridge") and set(host.asked) == {"hdparm"}


def test_an_ata_disk_is_not_asked_by_scsi(host: Host) -> None:
    sata = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
    host.world.disk("sda", "8:0", bus=sata, **{**SAS_DISK, "device__vendor": "ATA     \n"})
    assert (
        technique(host.rows()["sda"], "scsi_format")["why"].startswith("it is not a SCSI device that tells")
        and "sg_opcodes" not in host.asked
    )


def test_an_nvme_drive(host: Host) -> None:
    bus = "pci0000:00/0000:00:1d.0/nvme/nvme0"
    host.world.disk("nvme0n1", "259:0", bus=bus, device__serial="S4EWNX0N123456\n", wwid="eui.0025385b71b00d3d\n")
    host.answers = {"nvme id-ctrl": Answer(0, controller(oacs=(256, b"\x01\x00")), ""), "nvme security-recv": Answer(0, dump(ANSWER), "")}
    found = host.rows()["nvme0n1"]["encryption"]
    assert found["self_encrypting"] is True and found["opal"]["enabled"] and found["opal"]["encrypts"]
    host.answers["nvme id-ctrl"] = Answer(0, controller(oacs=(256, b"\x02\x00")), "")
    host.asked.clear()
    assert host.rows()["nvme0n1"]["encryption"]["opal"] == {"supported": False, "enabled": False, "locked": False, "kinds": []}


@pytest.mark.parametrize(("mmc_type", "kind"), [("MMC\n", "emmc"), ("SD\n", "sd")])
def test_an_emmc_device_and_a_card(host: Host, mmc_type: str, kind: str) -> None:
    bus = "platform/soc/mmc_host/mmc0/mmc0:0001"
    directory = host.world.disk("mmcblk0", "179:0", bus=bus)
    World.write(directory.parent.parent / "type", mmc_type)
    World.write(directory.parent.parent / "cid", "150100\n")
    (directory / "device").symlink_to(directory.parent.parent)
    World.write(host.world.sys / "kernel" / "debug" / "mmc0" / "mmc0:0001" / "ext_csd", ext_csd())
    row = host.rows()["mmcblk0"]
    assert row["kind"] == kind and row["mmc"]["cid"] == "150100"
    sanitize = technique(row, "mmc_sanitize")
    if kind == "sd":
        assert sanitize["why"] == "SD cards have no such command" and "unavailable" in row["mmc"]["features"]
    else:
        assert sanitize["level"] == "purge" and sanitize["confidence"] == "unverified" and row["mmc"]["wear"] == "normal"


def test_an_emmc_device_without_tools(host: Host) -> None:
    directory = host.world.disk("mmcblk0", "179:0", bus="platform/soc/mmc_host/mmc0/mmc0:0001")
    World.write(directory.parent.parent / "type", "MMC\n")
    (directory / "device").symlink_to(directory.parent.parent)
    row = host.rows()["mmcblk0"]
    assert technique(row, "mmc_sanitize")["why"] == "its EXT_CSD cannot be read (the tool mmc is not installed)"
    assert row["mmc"]["features"] == {"unavailable": "the tool mmc is not installed"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "the state of the tape cannot be read (the tool mt is not installed)"),
        (
            Answer(1, b"", "/dev/nst0: Device or resource busy\n"),
            "the state of the tape cannot be read (/dev/nst0: Device or resource busy)",
        ),
        (Answer(0, mt_st("50000", " DR_OPEN IM_REP_EN").encode(), ""), "no tape is loaded, or it is not ready"),
        (Answer(0, mt_st("45010000", " BOT WR_PROT ONLINE IM_REP_EN").encode(), ""), "the tape is write-protected"),
        (Answer(0, b"drive type = 114\ndrive status = 0\n", ""), "this mt does not tell whether a tape is loaded"),
    ],
)
def test_a_tape_that_cannot_be_erased(host: Host, answer: Answer | None, why: str) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    host.drive()
    host.answers = {"mt": answer} if answer else {}
    row = host.rows()["nst0"]
    assert technique(row, "tape_erase_long")["why"].startswith(why) and not row["free"] and row["in_use_because"]


def test_a_tape_drive_is_told_in_the_form_of_the_others(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    host.drive()
    host.answers = {"mt": LOADED, "sg_read_attr": Answer(0, memory(), ""), "sg_read_attr --sa=3": Answer(0, ONE_PARTITION, "")}
    rows = host.rows()
    assert set(rows["nst0"]) == set(rows["sda"]) and rows["nst0"]["kind"] == "tape"
    assert rows["nst0"]["in_use_because"] == [] and rows["nst0"]["free"]
    assert technique(rows["nst0"], "tape_erase_long")["level"] == "clear" and rows["nst0"]["tape"]["density"] == 0x5C
    assert technique(rows["nst0"], "overwrite")["why"] == "it is tape" and rows["nst0"]["size_bytes"] == {
        "unavailable": "a tape drive has none"
    }
    assert rows["nst0"]["tape"]["cartridge"] == {
        **{"serial": "HA7T00C019", "barcode": "DCC001L8", "manufacturer": "FUJIFILM", "type": "data"},
        **{"capacity_bytes": 11444224 << 20, "partitions": 1},
    }


def test_a_cartridge_without_a_memory_has_no_identity(host: Host) -> None:
    host.drive()
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    host.answers = {"mt": LOADED, "sg_read_attr": NOT_SUPPORTED}
    row = host.rows()["nst0"]
    assert row["tape"]["loaded"] is True and row["tape"]["cartridge"]["unavailable"].startswith("Read attribute command not supported")
    assert not row["free"] and "so it has no identity" in technique(row, "tape_erase_long")["why"]
    # A memory that tells little is told as that.
    host.answers = {"mt": LOADED, "sg_read_attr": Answer(0, attributes(), ""), "sg_read_attr --sa=3": NOT_SUPPORTED}
    row = host.rows()["nst0"]
    assert all("unavailable" in value for value in row["tape"]["cartridge"].values()) and not row["free"]


def test_paths_to_one_drive_are_not_free(host: Host) -> None:
    for name, number in (("sda", "8:0"), ("sdb", "8:16")):
        host.world.disk(name, number, bus=SAS, **SAS_DISK, device__wwid="naa.5000c500a1b2c3d4\n")
    rows = host.rows()
    assert not rows["sda"]["free"] and not rows["sdb"]["free"]
    assert rows["sda"]["in_use_because"] == ["sdb shows the same identity (another path to it, or a serial that is not unique)"]


def test_levels_of_a_policy(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    own = {"overwrite": {"level": "none", "standard": "ours, 3", "source": "board"}}
    row = technique(host.rows(overrides=own)["sda"], "overwrite")
    assert (row["level"], row["standard"], row["source"], row["confidence"]) == ("none", "ours, 3", "board", "policy")
    with pytest.raises(RefusedError, match="the level of the technique overwrite must have"):
        host.rows(overrides={"overwrite": {"level": "purge"}})
