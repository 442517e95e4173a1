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
from ansible_collections.recordings.disposal.plugins.module_utils._media import (
    behind,
    cartridge,
    hidden,
    labels,
    medium,
    mmc,
    opal,
    scsi,
    tape,
)
from ansible_collections.recordings.disposal.plugins.module_utils._media.guards import Use
from ansible_collections.recordings.disposal.plugins.module_utils._media.hidden import Hidden
from ansible_collections.recordings.disposal.plugins.module_utils._media.medium import look_at_media
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_ata import HEADER, identify
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_behind import ATA_72, SCAN_74
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_cartridge import (
    NOT_SUPPORTED,
    ONE_PARTITION,
    attributes,
    memory,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_mmc import ext_csd
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_nvme import LOGS, controller
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
        for module in (medium, behind, cartridge, hidden, labels, mmc, opal, scsi, tape):
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
        key += f" {words[1]}" if words[0] == "hdparm" else f" {words[2]}" if words[0] == "smartctl" else ""
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


def words_of(changes: dict[int, int]) -> Answer:
    """As C(hdparm --Istdout) prints them."""
    words = identify(changes)
    lines = [" ".join(f"{word:04x}" for word in words[start : start + 8]) for start in range(0, 256, 8)]
    return Answer(0, ("\n/dev/sda:\n" + "\n".join(lines) + "\n").encode(), "")


def blanks(value: t.Any, place: str = "") -> list[str]:
    """Where something is left blank, and where it is said of nothing that it is unavailable."""
    if isinstance(value, dict):
        return [found for key, each in value.items() for found in blanks(each, f"{place}.{key}")]
    if isinstance(value, list):
        return [found for each in value for found in blanks(each, f"{place}[]")]
    return [place] if value in ("", None) else []


SATA = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
SATA_DISK = {**SAS_DISK, "device__vendor": "ATA     \n", "device__model": "WDC WD40EFRX\n"}


def test_nothing_is_left_blank(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    host.world.disk("sdb", "8:16", bus=SATA, **{**SATA_DISK, "device__rev": "0A82\n"})
    host.world.disk("vda", "254:0", bus="pci0000:00/virtio1")
    host.world.disk("nvme0n1", "259:0", bus="pci0000:00/0000:00:1d.0/nvme/nvme0", device__serial="S4\n")
    host.drive()
    host.answers = {
        "hdparm --Istdout": words_of({59: 0xF000}),
        "hdparm --sanitize-status": Answer(0, (HEADER + "    State:    SD0 Sanitize Idle\n").encode(), ""),
        "nvme id-ctrl": Answer(0, controller(), ""),
        "nvme sanitize-log": Answer(0, bytes.fromhex(LOGS["never"][0]), ""),
        "mt": LOADED,
    }
    rows = host.rows()
    assert len(rows) == 5
    for name, row in rows.items():
        assert blanks(row) == [], name
        assert set(row) == set(rows["sda"])
    assert rows["nvme0n1"]["sanitize_log"] == {
        "state": "never",
        "percent": {"unavailable": "no sanitize is in progress"},
        "action": {"unavailable": "the device does not tell it"},
    }


def test_a_bridge_that_passes_nothing_through(host: Host) -> None:
    """hdparm prints zeros and ends with success; what the kernel shows is told all the same."""
    host.world.disk("sdb", "8:16", bus="pci0000:00/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", **SAS_DISK)
    zeros = "\n".join(" ".join(["0000"] * 8) for _line in range(32))
    host.answers = {"hdparm --Istdout": Answer(0, f"\n/dev/sdb:\n{zeros}\n".encode(), "SG_IO: bad/missing sense data, sb[]:  00\n")}
    row = host.rows()["sdb"]
    assert row["model"] == "ST4000NM0035" and "unavailable" in row["firmware"]
    assert "passes no ATA commands through" in row["encryption"]["ata_security"]["unavailable"]
    assert row["encryption"]["self_encrypting"] == {"unavailable": "the medium does not tell it"}
    assert technique(row, "ata_security_erase")["why"] == "it is not an ATA disk, or cannot be asked"
    assert row["sanitize_log"] == {"unavailable": "it is behind a bridge that may answer in its place"}


@pytest.mark.parametrize(
    ("status", "log", "why"),
    [
        (
            "    State:    SD2 Sanitize operation In Process\n    Progress: 0x8000 (50%)\n",
            ("in_progress", 50),
            "a sanitize is in progress (50 %)",
        ),
        ("    State:    SD1 Sanitize Frozen\n", ("frozen", None), "its sanitize is frozen"),
        ("    State:    SD0 Sanitize Idle\n    Last Sanitize Operation Completed Without Error\n", ("done", None), ""),
        ("    State:    SD0 Sanitize Idle\n", ("never", None), ""),
    ],
)
def test_what_an_ata_disk_is_doing(host: Host, status: str, log: tuple[str, int | None], why: str) -> None:
    host.world.disk("sda", "8:0", bus=SATA, **SATA_DISK)
    host.answers = {
        "hdparm --Istdout": words_of({59: 0xF000}),
        "hdparm --sanitize-status": Answer(0, (HEADER + status).encode(), ""),
        "hdparm -V": Answer(0, b"hdparm v9.65\n", ""),
    }
    row = host.rows()["sda"]
    assert row["sanitize_log"]["state"] == log[0]
    # Whoever reads one that is busy waits in the kernel until it is ready.
    assert ("unavailable" in row["contents"]) == (log[0] == "in_progress")
    assert row["sanitize_log"]["percent"] == ({"unavailable": "no sanitize is in progress"} if log[1] is None else log[1])
    for action in ("block", "crypto", "overwrite"):
        found = technique(row, f"ata_sanitize_{action}")
        assert found["possible"] == (not why) and found.get("why", "").startswith(why)
    assert technique(row, "ata_security_erase")["possible"] == (log[0] != "in_progress")
    assert row["free"] == (log[0] != "in_progress") and row["in_use_because"] == ([] if row["free"] else [why])


def test_an_ata_disk_whose_state_cannot_be_read(host: Host) -> None:
    host.world.disk("sda", "8:0", bus=SATA, **SATA_DISK)
    failed = "SANITIZE failed: Input/output error\nSANITIZE device error reason: Device in FROZEN state\n"
    host.answers = {"hdparm --Istdout": words_of({59: 0xF000}), "hdparm --sanitize-status": Answer(5, HEADER.encode(), failed)}
    row = host.rows()["sda"]
    assert "Device in FROZEN state" in row["sanitize_log"]["unavailable"]
    assert "so nothing could be proven" in technique(row, "ata_sanitize_block")["why"]
    # A disk that has no such feature set is not asked.
    host.asked.clear()
    host.answers["hdparm --Istdout"] = words_of({})
    assert host.rows()["sda"]["sanitize_log"] == {"unavailable": "the medium has no such log"}
    assert host.asked.count("hdparm") == 4


@pytest.mark.parametrize(("version", "possible"), [("hdparm v9.62\n", False), ("hdparm v9.65\n", True), ("", False)])
def test_the_hdparm_of_the_host(host: Host, version: str, possible: bool) -> None:
    host.world.disk("sda", "8:0", bus=SATA, **SATA_DISK)
    host.answers = {
        "hdparm --Istdout": words_of({59: 0xF000}),
        "hdparm --sanitize-status": Answer(0, (HEADER + "    State:    SD0 Sanitize Idle\n").encode(), ""),
        "hdparm -V": Answer(0, version.encode(), ""),
    }
    assert technique(host.rows()["sda"], "ata_sanitize_overwrite")["possible"] == possible


def test_a_drive_that_shows_no_size(host: Host) -> None:
    """As one does that was busy with a sanitize when the kernel looked at it; readers and what nobody has set up are no drives."""
    host.world.disk("sda", "8:0", bus=SAS, mebibytes=0, serial="ZC11", removable="0\n", **SAS_DISK)
    host.world.disk("sdb", "8:16", bus=SAS.replace("0:0:0:0", "0:0:1:0"), mebibytes=0, removable="1\n", **SAS_DISK)
    host.world.disk("loop0", "7:0", bus="virtual", mebibytes=0, removable="0\n")
    host.answers = {
        "sg_requests": Answer(0, fixed(2, 0x04, 0x1B, 0x8000), ""),
        "sg_opcodes": Answer(0, commands(command(0x48, 2), RSOC), ""),
    }
    rows = host.rows()
    assert set(rows) == {"sda"} and blanks(rows) == []
    assert rows["sda"]["size_bytes"]["unavailable"].startswith("it shows no size, as a drive does that is busy with itself")
    assert (rows["sda"]["sanitize_log"]["state"], rows["sda"]["sanitize_log"]["percent"]) == ("in_progress", 50)
    assert not rows["sda"]["free"] and "shows no size" in rows["sda"]["in_use_because"][0]
    assert rows["sda"]["in_use_because"][1] == "a sanitize is in progress (50 %)"
    (named,) = look_at_media({"serial": "ZC11"}, **host.world.roots)
    assert named == rows["sda"]


@pytest.mark.parametrize("mebibytes", [0, 64])
def test_a_scsi_drive_that_is_busy_with_itself_is_not_opened(host: Host, monkeypatch: pytest.MonkeyPatch, mebibytes: int) -> None:
    """Whoever opens one waits in the kernel until it is ready again."""

    def opened(device: t.Any, **roots: str) -> t.Any:
        raise AssertionError(f"{device.name} was opened")

    host.world.disk("sda", "8:0", bus=SAS, mebibytes=mebibytes, serial="ZC11", removable="0\n", **SAS_DISK)
    host.answers = {"sg_requests": Answer(0, fixed(2, 0x04, 0x1B, 0x8000), "")}
    monkeypatch.setattr(medium, "gather_use", opened)
    monkeypatch.setattr(medium, "find_signatures", opened)
    row = host.rows()["sda"]
    assert not row["free"] and "a sanitize is in progress (50 %)" in row["in_use_because"]
    assert "unavailable" in row["contents"] and "unavailable" in row["encryption"]["opal"] and "sg_raw" not in host.asked


@pytest.mark.parametrize(("rotation", "kind"), [(5400, "hdd"), (1, "sata_ssd")])
def test_a_sata_disk_behind_a_sas_controller(host: Host, rotation: int, kind: str) -> None:
    host.world.disk("sda", "8:0", bus=SAS, **SATA_DISK)
    # A translation layer that keeps the disk's own vendor is known by its page.
    host.world.disk("sdb", "8:16", bus=SAS.replace("0:0:0:0", "0:0:1:0"), **SAS_DISK, device__vpd_pg89=b"\0\x89\2\x38")
    host.answers = {"hdparm --Istdout": words_of({217: rotation})}
    for row in host.rows().values():
        assert (row["kind"], row["transport"]) == (kind, "sas")
        assert technique(row, "ata_security_erase")["possible"] and not technique(row, "scsi_format")["possible"]
    assert "sg_opcodes" not in host.asked


def driver(host: Host, bus: str, name: str) -> None:
    World.write(host.world.sys / "devices" / bus.partition("/target")[0] / "scsi_host" / "host0" / "proc_name", f"{name}\n")


def test_ufs_on_a_pci_controller(host: Host) -> None:
    bus = "pci0000:00/0000:00:12.5/host0/target0:0:0/0:0:0:0"
    host.world.disk("sda", "8:0", bus=bus, **SAS_DISK, queue__rotational="0\n")
    assert host.rows()["sda"]["kind"] == "sata_ssd"
    driver(host, bus, "ufshcd")
    assert host.rows()["sda"]["kind"] == "ufs"


def test_a_volume_of_a_controller_and_the_drives_behind_it(host: Host) -> None:
    bus = "pci0000:00/0000:03:00.0/host0/target0:2:0/0:2:0:0"
    host.world.disk("sda", "8:0", bus=bus, **{**SAS_DISK, "device__vendor": "DELL\n", "device__model": "PERC H730 Mini\n"})
    driver(host, bus, "megaraid_sas")
    host.answers = {
        "smartctl --scan": Answer(0, SCAN_74, ""),
        "smartctl --info": Answer(68, ATA_72, ""),
        "sg_opcodes": Answer(0, commands(command(0x48, 2), RSOC), ""),
    }
    row = host.rows()["sda"]
    assert row["kind"] == "volume" and [each["serial"] for each in row["behind"]] == ["JEJPJDPN", "JEJPJDPN"]
    assert not [each for each in row["techniques"] if each["possible"]]
    assert technique(row, "overwrite")["why"].startswith("it is a volume of a RAID controller")
    host.answers = {}
    assert host.rows()["sda"]["behind"] == {"unavailable": "the tool smartctl is not installed"}


def test_the_native_capacity(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.world.disk("sda", "8:0", bus=SATA, **SATA_DISK)
    host.world.disk("nvme0n1", "259:0", bus="pci0000:00/0000:00:1d.0/nvme/nvme0", device__serial="S4\n")
    host.answers = {"nvme id-ctrl": Answer(0, controller(tnvmcap=(280, (1 << 40).to_bytes(16, "little"))), "")}
    monkeypatch.setattr(medium, "ask_hidden", lambda device, **roots: Hidden("hidden", "hides 8 of its 108 sectors", real=108))
    rows = host.rows()
    assert rows["sda"]["hidden_capacity"] == {"state": "hidden", "told": "hides 8 of its 108 sectors", "native_bytes": 108 * 512}
    assert rows["nvme0n1"]["hidden_capacity"]["native_bytes"] == 1 << 40
    monkeypatch.setattr(medium, "ask_hidden", lambda device, **roots: Hidden("unknown", "cannot be read"))
    assert host.rows()["sda"]["hidden_capacity"]["native_bytes"] == {"unavailable": "cannot be read"}


@pytest.mark.parametrize(
    "words",
    [
        # nvme-cli 1.16 (RHEL 9.0), 2.3 (Debian 12) and later, of a drive that has no such log; and what all say of a node that is gone.
        "NVMe status: INVALID_FIELD: A reserved coded value or an unsupported value in a defined field(0x4002)",
        "NVMe status: Invalid Field in Command: A reserved coded value or an unsupported value in a defined field(0x2)",
        "NVMe status: Invalid Field in Command: A reserved coded value or an unsupported value in a defined field(0x4002)",
        "/dev/nvme0n1: No such file or directory",
    ],
)
def test_an_nvme_drive_that_has_no_sanitize_log(host: Host, words: str) -> None:
    host.world.disk("nvme0n1", "259:0", bus="pci0000:00/0000:00:1d.0/nvme/nvme0", device__serial="S4\n")
    host.answers = {
        "nvme id-ctrl": Answer(0, controller(sanicap=(328, b"\x02\0\0\0")), ""),
        "nvme sanitize-log": Answer(1, b"", f"{words}\n"),
    }
    row = host.rows()["nvme0n1"]
    assert row["sanitize_log"] == {"unavailable": words}
    assert technique(row, "nvme_sanitize_block")["why"] == "its sanitize log cannot be read, so nothing could be proven"


def test_the_bay_of_an_enclosure(host: Host) -> None:
    directory = host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
    assert host.rows()["sda"]["bay"] == {"unavailable": "the kernel shows no bay of an enclosure that it is in"}
    (directory / "device" / "enclosure_device:Slot 03").symlink_to(directory)
    assert host.rows()["sda"]["bay"] == "Slot 03"
