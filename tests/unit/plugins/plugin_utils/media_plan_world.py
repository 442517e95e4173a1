# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of plans of media share: drives as the real C(media_info) tells them, what C(media_drain) found, registers and plans over both."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.tools import Answer
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_manifest import MediaPlan, build_media_plan
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_plan import choose_media
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import read_media_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import Medium, Register, Row, read_register
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.media_world import World
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_ata import HEADER
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_behind import ATA_72, SCAN_74
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_cartridge import ONE_PARTITION, memory
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_medium import (
    LOADED,
    SAS,
    SAS_DISK,
    SATA,
    SATA_DISK,
    Host,
    words_of,
)
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_mmc import ext_csd
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_nvme import LOGS, controller
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.test_scsi import RSOC, command, commands, page
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.register_world import entry

__all__ = ["NOW", "POLICY", "SIZE", "Looks", "drained", "host_of", "plan_of", "register_of", "released"]

NOW = dt.datetime(2026, 11, 27, 10, 0, tzinfo=dt.timezone.utc)
SIZE = 64 << 20
POLICY = {"id": "media", "version": "1", "owner": "storage@example.com", "review_by": "2030-06-30"}
# SANICAP of a drive that offers a crypto erase, a block erase, an overwrite.
CRYPTO, BLOCK, OVERWRITE = 1, 2, 4
_IDLE = Answer(0, (HEADER + "    State:    SD0 Sanitize Idle\n").encode(), "")


class Looks:
    """Drives, each looked at by C(look_at_media) in a tree of its own."""

    def __init__(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.monkeypatch, self._numbers = path, monkeypatch, itertools.count()

    def _host(self) -> Host:
        return Host(World(self.path / f"look-{next(self._numbers)}"), self.monkeypatch)

    def ata(self, serial: str, *, words: dict[int, int] | None = None, bus: str = SATA, **changes: t.Any) -> dict[str, t.Any]:
        """A SATA disk; by default a flash disk with all that ATA has."""
        host = self._host()
        host.world.disk("sda", "8:0", bus=bus, serial=f"{serial}\n", **SATA_DISK)
        host.answers = {
            "hdparm --Istdout": words_of({217: 1, 59: 0xF000, 128: 0x0021} if words is None else words),
            "hdparm --sanitize-status": _IDLE,
            "hdparm -V": Answer(0, b"hdparm v9.65\n", ""),
        }
        return {**host.rows()["sda"], **changes}

    def nvme(
        self,
        serial: str,
        *,
        sanitize: int = CRYPTO | BLOCK,
        format_nvm: bool = True,
        namespaces: int = 1,
        wwid: bool = True,
        native: int = 0,
    ) -> list[dict[str, t.Any]]:
        """The rows of an NVMe drive's namespaces."""
        host = self._host()
        for number in range(1, namespaces + 1):
            told = {"device__serial": f"{serial}\n", **({"wwid": f"eui.{number:016x}\n"} if wwid else {})}
            host.world.disk(f"nvme0n{number}", f"259:{number}", bus="pci0000:00/0000:00:1d.0/nvme/nvme0", **told)
        fields = {"sanicap": (328, sanitize.to_bytes(4, "little")), "tnvmcap": (280, native.to_bytes(16, "little"))}
        if format_nvm:
            fields |= {"oacs": (256, b"\x02\x00"), "fna": (524, b"\x04")}
        host.answers = {
            "nvme id-ctrl": Answer(0, controller(**fields), ""),
            "nvme sanitize-log": Answer(0, bytes.fromhex(LOGS["crypto"][0]), ""),
        }
        rows = host.rows()
        return [rows[name] for name in sorted(rows)]

    def sas(self, serial: str, **attributes: str | bytes) -> dict[str, t.Any]:
        """A SAS disk that formats and sanitizes."""
        host = self._host()
        host.world.disk("sda", "8:0", bus=SAS, serial=f"{serial}\n", **{**SAS_DISK, "device__vpd_pgb1": page(10000), **attributes})
        host.answers = {"sg_opcodes": Answer(0, commands(command(0x48, 1), command(0x04, None), RSOC), "")}
        return host.rows()["sda"]

    def emmc(self, serial: str) -> dict[str, t.Any]:
        host = self._host()
        directory = host.world.disk("mmcblk0", "179:0", bus="platform/soc/mmc_host/mmc0/mmc0:0001", serial=f"{serial}\n")
        World.write(directory.parent.parent / "type", "MMC\n")
        (directory / "device").symlink_to(directory.parent.parent)
        World.write(host.world.sys / "kernel" / "debug" / "mmc0" / "mmc0:0001" / "ext_csd", ext_csd())
        return host.rows()["mmcblk0"]

    def usb(self, serial: str) -> dict[str, t.Any]:
        host = self._host()
        host.world.disk("sdb", "8:16", bus="pci0000:00/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0", serial=f"{serial}\n", **SAS_DISK)
        return host.rows()["sdb"]

    def virtual(self, serial: str) -> dict[str, t.Any]:
        host = self._host()
        host.world.disk("vda", "254:0", bus="pci0000:00/virtio1", serial=f"{serial}\n")
        return host.rows()["vda"]

    def volume(self) -> dict[str, t.Any]:
        """A volume of a RAID controller, with the drive JEJPJDPN behind it."""
        host = self._host()
        bus = "pci0000:00/0000:00:05.0/host0/target0:2:0/0:2:0:0"
        disk = {**SAS_DISK, "device__vendor": "AVAGO   \n", "device__model": "MR9361-8i\n"}
        host.world.disk("sda", "8:0", bus=bus, serial="0011223344\n", **disk)
        host.answers = {"smartctl --scan": Answer(0, SCAN_74, ""), "smartctl --info": Answer(68, ATA_72, "")}
        return host.rows()["sda"]

    def tape(self, *, loaded: bool = True) -> dict[str, t.Any]:
        """A tape drive, with the cartridge HA7T00C019 in it or none."""
        host = self._host()
        host.world.disk("sda", "8:0", bus=SAS, **SAS_DISK)
        host.drive()
        if loaded:
            host.answers = {"mt": LOADED, "sg_read_attr": Answer(0, memory(), ""), "sg_read_attr --sa=3": Answer(0, ONE_PARTITION, "")}
        return host.rows()["nst0"]


def drained(*serials: str, arrays: t.Sequence[dict[str, t.Any]] = (), **changes: t.Any) -> dict[str, t.Any]:
    """The result of C(media_drain) of media on which nothing is that must be kept; C(changes) are those of each medium."""
    filesystem = {"device": "sda1", "type": "ext4", "uuid": "0b1c", "mounted": "/srv/x", "stacked": False, "files": 3, "bytes": 4096}
    row = {
        **{"drained": "yes", "reasons": [], "limits": [], "filesystems": [{**filesystem, "inventory": digest(b"files")}], "outside": 0},
        "verdicts": dict.fromkeys(("due", "retained", "held", "unclassified", "conflict", "in_progress"), 0),
        **{"copied": 0, "backup": {"copied": "unknown", "where": []}, "samples": {"due": [{"set": "0" * 32}]}},
        **changes,
    }
    return {
        **{"changed": False, "failed": False, "as_of": "2026-11-27T09:00:00Z", "warnings": [], "policy": None},
        "holds": {"generation": digest(b"holds"), "active": 0},
        "media": [{"serial": serial, **copy.deepcopy(row)} for serial in serials],
        "arrays": list(arrays),
    }


def host_of(rows: t.Sequence[dict[str, t.Any]], found: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    """A host's results, each of its drives drained where nothing else is given."""
    serials = dict.fromkeys(row["serial"][0] for row in rows if isinstance(row.get("serial"), list))
    return {"info": {"changed": False, "failed": False, "media": list(rows)}, "drained": drained(*serials) if found is None else found}


def released(of: str, /, **changes: str) -> dict[str, str]:
    """An entry of a register, released; its size is left out."""
    return entry(of, **{"state": "released", "size_bytes": "", "make": "", "model": "", **changes})


def register_of(*entries: t.Mapping[str, str]) -> Register:
    return read_register("register.yml", (Row(f"row {number}", dict(each)) for number, each in enumerate(entries, 1)))


def medium_of(of: str, /, **changes: str) -> Medium:
    (medium,) = register_of(released(of, **changes)).media.values()
    return medium


def plan_of(
    register: Register,
    results: dict[str, t.Any],
    policy: dict[str, t.Any] | None = None,
    *,
    serials: t.Sequence[str] = (),
    dead: t.Sequence[str] = (),
    hosts: t.Sequence[str] = (),
    **options: t.Any,
) -> MediaPlan:
    told = {"author": "ewa@example.com", "approvals_required": 2, "expires_in": "P7D", "collection": "0.1.0", "now": NOW, **options}
    chosen = choose_media(register, serials=serials, dead=dead, hosts=hosts)
    return build_media_plan(register, chosen, copy.deepcopy(results), read_media_policy(policy), **told)
