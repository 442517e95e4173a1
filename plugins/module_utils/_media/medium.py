# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a medium as a whole: what it is, what is on it, who uses it, and what could sanitize it. Nothing is written."""

from __future__ import annotations

import os
import re
import typing as t

from .._errors import RefusedError
from .._standards.techniques import techniques
from .abilities import Ability, Medium, abilities, busy_with
from .ata import Identified, SanitizeState, knows_passes, parse_sanitize_status, parse_version, read_identify
from .behind import ask_behind
from .blocklayers import block_layers, host_driver
from .cartridge import Cartridge, look_into, reasons_against
from .guards import decide_use, gather_use
from .hidden import Hidden, ask_hidden, parse_identify
from .identity import Device, find_device, list_devices, namespaces_of, twins
from .kinds import Signs, decide_kind, decide_transport
from .labels import find_signatures
from .mmc import Emmc, ask_emmc, read_card
from .nvme import Controller, SanitizeLog, parse_controller, parse_sanitize_log
from .opal import ask_discovery
from .scsi import Characteristics, Operations, ScsiState, ask_characteristics, ask_operations, ask_state
from .scsi_node import command_path
from .tape import list_tapes
from .tape_row import tape_medium, tape_row
from .told import told
from .tools import Answer, ask, failure

__all__ = ["look_at_abilities", "look_at_media"]

Parsed = t.TypeVar("Parsed")
Overrides = t.Mapping[str, t.Mapping[str, str]]
_ENCRYPTED = ("crypto_LUKS", "BitLocker")
# Peripheral types: disk, simplified disk, and host-managed zoned disk.
_SCSI_DISKS = ("0", "14", "20")
_NO_SIZE = "it shows no size, as a drive does that is busy with itself, has failed or has no medium"


def look_at_media(
    identity: t.Mapping[str, str] | None,
    *,
    overrides: Overrides | None = None,
    sys_root: str = "/sys",
    run_root: str = "/run",
) -> list[dict[str, t.Any]]:
    """Every whole medium of this host, and every tape drive; or the one block device that an identity names.

    A drive that shows no size is one, as it may be busy with itself; a reader without a medium, or a device that nobody has set up, is none.

    :arg overrides: levels of a policy, as C(techniques) takes them.
    :raises RefusedError: the identity names none or several, the host shows no devices, or an override is faulty.
    """
    techniques(overrides)
    devices = list_devices(sys_root=sys_root, run_root=run_root)
    if identity is not None:
        wanted = [find_device(identity, sys_root=sys_root, run_root=run_root, sizeless=True)]
    else:
        wanted = [device for device in devices if not device.partition and (device.size or _is_drive(device, sys_root))]
    rows = [_Look(device, devices, sys_root, run_root, overrides).row() for device in wanted]
    return rows if identity is not None else [*rows, *(tape_row(drive, overrides) for drive in list_tapes(sys_root=sys_root))]


def look_at_abilities(
    device: Device | Cartridge, *, overrides: Overrides | None = None, sys_root: str = "/sys", run_root: str = "/run"
) -> list[Ability]:
    """What could sanitize one device, or one cartridge.

    :arg overrides: levels of a policy, as C(techniques) takes them.
    """
    if isinstance(device, Cartridge):
        reasons = reasons_against(device.drive, look_into(device.drive), on_unseen="report")
        return abilities(tape_medium(device.drive, reasons), overrides)
    return abilities(_Look(device, list_devices(sys_root=sys_root, run_root=run_root), sys_root, run_root).medium(), overrides)


def _is_drive(device: Device, sys_root: str) -> bool:
    """Whether a device without a size is a drive that is there, which no loop device, card reader or optical drive is."""
    directory = os.path.join(sys_root, "class", "block", device.name)
    try:
        with open(os.path.join(directory, "removable"), encoding="ascii") as handle:
            return handle.read().strip() == "0" and os.path.isdir(os.path.join(directory, "device"))
    except OSError:
        return False


class _Look:
    """One medium."""

    def __init__(
        self, device: Device, devices: t.Sequence[Device], sys_root: str, run_root: str, overrides: Overrides | None = None
    ) -> None:
        self.device, self.sys_root, self.run_root, self.overrides = device, sys_root, run_root, overrides
        self.directory = os.path.realpath(os.path.join(sys_root, "class", "block", device.parent or device.name))
        self.transport = decide_transport(self.directory)
        self.parts = [other for other in devices if other.parent == device.name]
        self.namespaces = [other.name for other in namespaces_of(device, devices)] if self.transport == "nvme" else []
        self.characteristics = Characteristics()
        self.twins = twins(device, devices)
        # An ATA disk calls itself so whatever it hangs on; page 89h is told by what translates for one.
        self.ata = self._text("device/vendor") == "ATA" or bool(self._page("vpd_pg89"))
        self.problems: dict[str, str] = {}

    def _text(self, *places: str) -> str:
        for place in places:
            try:
                with open(os.path.join(self.directory, *place.split("/")), encoding="utf-8", errors="replace") as handle:
                    text = handle.read().strip()
            except OSError:
                continue
            if text:
                return text
        return ""

    def _bay(self) -> str:
        """The name of its bay, where the enclosure tells the kernel which drive is in which (SES)."""
        mark = "enclosure_device:"
        try:
            names = sorted(os.listdir(os.path.join(self.directory, "device")))
        except OSError:
            return ""
        return next((name[len(mark) :].strip() for name in names if name.startswith(mark)), "")

    def _parsed(self, what: str, answer: Answer, parse: t.Callable[[bytes], Parsed]) -> Parsed | None:
        """What a tool's answer means; where it means nothing, C(problems) tells why."""
        if answer.code != 0:
            self.problems[what] = failure(answer)
            return None
        try:
            return parse(answer.output)
        except RefusedError as error:
            self.problems[what] = error.message
            return None

    def _ata(self) -> Identified | None:
        if not self.ata and self.transport != "usb":
            return None

        def parse(output: bytes) -> Identified:
            return read_identify(parse_identify(output.decode("utf-8", "replace")) or ())

        return self._parsed("ata", ask(["hdparm", "--Istdout", self.device.path]), parse)

    def _ata_state(self, ata: Identified | None) -> SanitizeState | None:
        """Of a disk that could sanitize itself; a bridge may answer in its place."""
        if ata is None or not ata.sanitize or self.transport == "usb":
            return None
        return parse_sanitize_status(ask(["hdparm", "--sanitize-status", self.device.path]))

    def _nvme(self) -> tuple[Controller | None, SanitizeLog | None]:
        if self.transport != "nvme":
            return None, None
        path = self.device.path
        return (
            self._parsed("nvme", ask(["nvme", "id-ctrl", "--raw-binary", path]), parse_controller),
            self._parsed("sanitize_log", ask(["nvme", "sanitize-log", "--raw-binary", path]), parse_sanitize_log),
        )

    def _page(self, name: str) -> bytes:
        try:
            with open(os.path.join(self.directory, "device", name), "rb") as handle:
                return handle.read()
        except OSError:
            return b""

    def _scsi(self, kind_of_device: str) -> tuple[Operations, Characteristics, ScsiState | None]:
        """Of a disk that speaks SCSI itself; an ATA disk and a bridge would let others answer for them."""
        if self.transport == "usb":
            return Operations(None, "it is behind a bridge that may answer in its place"), Characteristics(), None
        if not self._text("device/scsi_level") or kind_of_device not in _SCSI_DISKS or self.ata:
            return Operations(None), Characteristics(), None
        path = command_path(self.device, sys_root=self.sys_root)
        return ask_operations(path), ask_characteristics(path, self._page("vpd_pgb1")), ask_state(path)

    def _emmc(self) -> tuple[Emmc | None, str]:
        if self.transport != "mmc" or self._text("device/type") != "MMC":
            return None, ""
        card = os.path.basename(os.path.realpath(os.path.join(self.directory, "device")))
        return ask_emmc(self.device.path, os.path.join(self.sys_root, "kernel", "debug", card.partition(":")[0], card, "ext_csd"))

    def _kind(self, ata: Identified | None, scsi_says: Characteristics) -> str:
        layers = block_layers(*self.device.number, sys_root=self.sys_root)
        rotational = self._text("queue/rotational")
        scsi = self._text("device/type")
        signs = Signs(
            self.device.name,
            self.directory,
            layers[0].kind if layers else "disk",
            rotation=ata.rotation if ata else scsi_says.rotation,
            rotational=rotational == "1" if rotational else None,
            zoned=self._text("queue/zoned") not in ("", "none") or bool(ata and ata.zoned) or bool(scsi_says.zoned),
            mmc=scsi if self.transport == "mmc" else "",
            scsi=int(scsi) if scsi.isdigit() else None,
            model=self._text("device/model"),
            ata=self.ata,
            driver=host_driver(self.directory),
            raid_level=self._text("device/raid_level"),
        )
        return decide_kind(signs)

    def _behind(self, kind: str) -> t.Any:
        host = re.search(r"/host(\d+)/", self.directory)
        if kind != "volume" or host is None:
            return told(None, "it is no volume of a RAID controller")
        return told(*ask_behind(int(host[1])))

    def medium(self) -> Medium:
        """What deciding over techniques needs, asked of the device itself."""
        ata = self._ata()
        controller, log = self._nvme()
        operations, self.characteristics, state = self._scsi(self._text("device/type"))
        emmc, emmc_why = self._emmc()
        return Medium(
            self._kind(ata, self.characteristics),
            self.device.size,
            ata,
            self._ata_state(ata),
            ata is None or "overwrite" not in ata.sanitize or knows_passes(parse_version(ask(["hdparm", "-V"]).text)),
            controller,
            log,
            namespaces=max(len(self.namespaces), 1),
            scsi=operations.supported,
            scsi_why=operations.why,
            scsi_state=state,
            emmc=emmc,
            emmc_why=emmc_why,
            bridge=self.transport == "usb",
            in_order=self._text("queue/zoned") == "host-managed",
        )

    def row(self) -> dict[str, t.Any]:
        device, medium = self.device, self.medium()
        ata = medium.ata
        says_nothing = "the medium does not tell it"
        hidden = ask_hidden(device, sys_root=self.sys_root, run_root=self.run_root)
        return {
            "name": device.name,
            "kind": medium.kind,
            "transport": told(self.transport.replace("unknown", ""), "the kernel does not show what it hangs on"),
            "bridge": medium.bridge,
            "bay": told(self._bay(), "the kernel shows no bay of an enclosure that it is in"),
            "vendor": told(self._text("device/vendor"), says_nothing),
            "model": told((ata.model if ata else "") or self._text("device/model", "device/name"), says_nothing),
            "serial": told(list(device.facts.get("serial", ())), says_nothing),
            "wwn": told(list(device.facts.get("wwn", ())), says_nothing),
            "firmware": told(
                (ata.firmware if ata else "") or self._text("device/firmware_rev", "device/rev", "device/fwrev"), says_nothing
            ),
            "identity": device.identity,
            "size_bytes": told(device.size or None, _NO_SIZE),
            "sectors": {"logical": device.logical, "physical": device.physical},
            "hidden_capacity": {"state": hidden.state, "told": hidden.told, "native_bytes": self._native(hidden, medium.nvme)},
            "rotation": told(ata.rotation if ata else self.characteristics.rotation, says_nothing),
            "namespaces": told(self.namespaces, "it is not an NVMe drive"),
            "behind": self._behind(medium.kind),
            "mmc": self._mmc(medium.emmc, medium.emmc_why),
            "tape": {"unavailable": "it is no tape drive"},
            "encryption": self._encryption(medium),
            **self._use(medium),
            "sanitize_log": self._log(medium),
            "techniques": [ability.row() for ability in abilities(medium, self.overrides)],
        }

    def _unopened(self, medium: Medium) -> str:
        """Why the block device is left alone: the kernel has whoever opens or reads one that is busy with itself wait until it is ready again."""
        return busy_with(medium) if self.device.size else _NO_SIZE

    def _encryption(self, medium: Medium) -> dict[str, t.Any]:
        ata, controller = medium.ata, medium.nvme
        if self._unopened(medium):
            return dict.fromkeys(("volumes", "ata_security", "self_encrypting", "opal"), told(None, self._unopened(medium)))
        found = {each.name: find_signatures(each) for each in (self.device, *self.parts)}
        unread = [name for name, labels in found.items() if labels is None]
        volumes = sorted(name for name, labels in found.items() if set(labels or ()) & set(_ENCRYPTED))
        self.contents = {name: list(labels) for name, labels in found.items() if labels}
        trusted = ata.trusted if ata else controller.security if controller else None
        return {
            "volumes": {"unavailable": f"blkid cannot read {', '.join(unread)}"} if unread else volumes,
            "ata_security": sorted(ata.security) if ata else told(None, self.problems.get("ata", "it is not an ATA disk")),
            "self_encrypting": told(trusted, "the medium does not tell it"),
            "opal": self._opal(trusted),
        }

    def _opal(self, trusted: bool | None) -> dict[str, t.Any]:
        """The state of a self-encrypting drive's locking; drives that have said that they have none are not asked."""
        if self.transport == "usb":
            return {"unavailable": "it is behind a bridge that may answer in its place"}
        if trusted is False:
            return {"supported": False, "enabled": False, "locked": False, "kinds": []}
        if trusted is None and not (self._text("device/scsi_level") and self._text("device/type") in _SCSI_DISKS):
            return {"unavailable": "the medium does not tell it"}
        found, why = ask_discovery(self.device.path, nvme=self.transport == "nvme")
        if found is None:
            return {"unavailable": why}
        state = {"supported": found.supported, "enabled": found.enabled, "locked": found.locked, "kinds": list(found.kinds)}
        return {**state, "encrypts": found.encrypts, "shadow": found.shadow, "shadow_done": found.shadow_done}

    def _mmc(self, emmc: Emmc | None, why: str) -> dict[str, t.Any]:
        if self.transport != "mmc":
            return {"unavailable": "it is neither an eMMC device nor an SD card"}
        card = read_card(os.path.join(self.directory, "device"))
        row: dict[str, t.Any] = {"erase_bytes": told(card.preferred_erase_size, "the kernel does not tell it")}
        row["cid"] = told(card.cid, "the kernel does not tell it")
        nothing = why or "an SD card does not tell it"
        row["features"] = sorted(emmc.features) if emmc else told(None, nothing)
        return {**row, "wear": told(emmc.wear if emmc else "", "the device does not tell it" if emmc else nothing)}

    def _use(self, medium: Medium) -> dict[str, t.Any]:
        unopened = self._unopened(medium)
        if unopened:
            reasons = [unopened, *([busy_with(medium)] if busy_with(medium) not in ("", unopened) else [])]
            return {"contents": told(None, unopened), "system": told(None, unopened), "free": False, "in_use_because": reasons}
        use = gather_use(self.device, sys_root=self.sys_root, run_root=self.run_root)
        reasons = decide_use(use)
        if self.twins:
            reasons.append(f"{', '.join(self.twins)} shows the same identity (another path to it, or a serial that is not unique)")
        return {"contents": self.contents, "system": bool(use.system), "free": not reasons, "in_use_because": reasons}

    def _native(self, hidden: Hidden, controller: Controller | None) -> t.Any:
        """Bytes that it has with all that it hides; of an NVMe drive those of all its namespaces."""
        if controller:
            return told(controller.capacity, "the drive does not report it (TNVMCAP)")
        return told(hidden.real * self.device.logical or None, hidden.told)

    def _log(self, medium: Medium) -> dict[str, t.Any]:
        state, log = medium.scsi_state, medium.log
        if state and state.state.startswith("sanitize_"):
            return _progress(state.state.partition("_")[2], state.progress, "")
        if state:
            return {"unavailable": state.told or "a SCSI device tells of a sanitize only while it runs or where it failed"}
        if medium.ata_state:
            return self._ata_log(medium.ata_state)
        if log is None:
            nothing = "it is behind a bridge that may answer in its place" if medium.bridge else "the medium has no such log"
            return {"unavailable": self.problems.get("sanitize_log", nothing)}
        return _progress(log.state, log.progress, log.action)

    def _ata_log(self, state: SanitizeState) -> dict[str, t.Any]:
        if state.state == "unknown":
            return {"unavailable": state.told}
        return _progress("done" if state.succeeded else "never" if state.state == "idle" else state.state, state.progress, "")


def _progress(state: str, progress: int | None, action: str) -> dict[str, t.Any]:
    """A state with its percentage, which only one that is in progress has."""
    nothing = "no sanitize is in progress" if state != "in_progress" else "the device tells no progress"
    percent = None if progress is None or state != "in_progress" else progress * 100 // 65535
    return {"state": state, "percent": told(percent, nothing), "action": told(action, "the device does not tell it")}
