# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the one block device that an identity names: by serial, WWN, partition's or volume's UUID or a loop device's file, never by path alone."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from .._errors import RefusedError
from .blocklayers import loop_backing

__all__ = [
    "CARTRIDGE_OPTIONS",
    "DEVICE_OPTIONS",
    "DISK_OPTIONS",
    "IDENTITY_KEYS",
    "Device",
    "find_device",
    "given_identity",
    "list_devices",
    "namespaces_of",
    "parse_uevent",
    "parse_udev",
    "parse_vpd_serial",
    "plain_volume",
    "plain_wwn",
    "same_medium",
    "twins",
]

# What names a device; size_bytes only narrows.
IDENTITY_KEYS = ("serial", "wwn", "partuuid", "volume_uuid", "backing_file")
_SIZE = "size_bytes"
# The suboptions of a module's option C(device): of a whole disk, of a disk, a partition or a volume over others, of a disk or a cartridge.
DISK_OPTIONS: dict[str, dict[str, t.Any]] = {
    "serial": {"type": "str"},
    "wwn": {"type": "str"},
    "backing_file": {"type": "str"},
    "size_bytes": {"type": "int"},
}
DEVICE_OPTIONS: dict[str, dict[str, t.Any]] = {**DISK_OPTIONS, "partuuid": {"type": "str"}, "volume_uuid": {"type": "str"}}
CARTRIDGE_OPTIONS: dict[str, dict[str, t.Any]] = {**DISK_OPTIONS, "cartridge": {"type": "str"}}
_SECTOR = 512
_WWN_PREFIX = re.compile(r"^(?:0x|naa\.|eui\.|uuid\.|nguid\.)")

Facts = t.Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Device:
    """One block device as the kernel shows it.

    :arg name: the kernel's name; C(path) is its node below /dev.
    :arg size: bytes.
    :arg logical: sector size in which it is addressed, in bytes; C(physical) that in which it is kept.
    :arg parent: the whole disk's name of a partition, C(None) of a whole disk.
    :arg facts: all serials, WWNs, UUIDs of partitions and volumes, and backing files found, by the identity's keys; a partition has its disk's too.
    :arg asked: the identity by which it was found.
    :arg sequence: the kernel's number of this medium's appearance, empty before Linux 5.15.
    """

    name: str
    path: str
    major: int
    minor: int
    size: int
    logical: int
    physical: int
    parent: str | None
    facts: Facts
    sequence: str = ""
    asked: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def partition(self) -> bool:
        return self.parent is not None

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor."""
        return self.major, self.minor

    @property
    def identity(self) -> dict[str, t.Any]:
        """What recognises the medium after a restart, as plain data."""
        kind = "partition" if self.partition else "disk"
        return {"kind": kind, "size": self.size, "facts": {key: list(values) for key, values in sorted(self.facts.items())}}


def parse_uevent(text: str) -> dict[str, str]:
    """The C(KEY=value) lines of a C(uevent) file."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def parse_udev(text: str) -> dict[str, str]:
    """The properties (C(E:) lines) of one entry of udev's database."""
    return parse_uevent("\n".join(line[2:] for line in text.splitlines() if line.startswith("E:")))


def parse_vpd_serial(page: bytes) -> str:
    """The serial of a SCSI unit serial number page (80h); empty where it has another form."""
    if len(page) < 4 or page[1] != 0x80:
        return ""
    length = int.from_bytes(page[2:4], "big")
    return page[4 : 4 + length].decode("ascii", "replace").strip(" \0")


def plain_wwn(text: str) -> str:
    """A WWN, EUI or NGUID without the prefixes and signs in which tools differ."""
    plain = _WWN_PREFIX.sub("", " ".join(text.lower().split()))
    return plain if plain.startswith("t10.") else re.sub("[-: ]", "", plain)


def plain_volume(text: str) -> str:
    """The UUID of an MD array without the signs in which tools differ; one of the device mapper as it is."""
    plain = re.sub("[-:]", "", text.lower())
    return plain if re.fullmatch("[0-9a-f]{32}", plain) else text


def _text(*parts: str) -> str:
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def _page(*parts: str) -> bytes:
    try:
        with open(os.path.join(*parts), "rb") as handle:
            return handle.read()
    except OSError:
        return b""


def _unique(values: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _disk_facts(directory: str, name: str, udev: t.Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    serials = [
        _text(directory, "serial"),
        _text(directory, "device", "serial"),
        parse_vpd_serial(_page(directory, "device", "vpd_pg80")),
        udev.get("ID_SERIAL_SHORT", ""),
    ]
    names = [_text(directory, *place) for place in (("wwid",), ("eui",), ("nguid",), ("uuid",), ("device", "wwid"))]
    names += [udev.get("ID_WWN", ""), udev.get("ID_WWN_WITH_EXTENSION", "")]
    # An NVMe namespace without an identifier of that kind shows zeros.
    wwns = (wwn for wwn in map(plain_wwn, names) if wwn.strip("0 "))
    backing = loop_backing(directory, name) if os.path.isdir(os.path.join(directory, "loop")) else None
    volumes = [_text(directory, "dm", "uuid"), _text(directory, "md", "uuid"), udev.get("DM_UUID", ""), udev.get("MD_UUID", "")]
    found = {
        "serial": _unique(serials),
        "wwn": _unique(wwns),
        "volume_uuid": _unique(map(plain_volume, volumes)),
        "backing_file": _unique([backing or ""]),
    }
    return {key: values for key, values in found.items() if values}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _device(directory: str, disk: str, run_root: str, disk_facts: Facts | None = None) -> Device | None:
    """One device; C(None) where it is gone or has no node."""
    name = os.path.basename(directory)
    number = re.fullmatch(r"(\d+):(\d+)", _text(directory, "dev"))
    if number is None or _text(directory, "hidden") == "1":
        return None
    uevent = parse_uevent(_text(directory, "uevent"))
    udev = parse_udev(_text(run_root, "udev", "data", f"b{number[0]}"))
    if disk_facts is None:
        facts = _disk_facts(directory, name, udev)
    else:
        partuuid = _unique(each.lower() for each in (uevent.get("PARTUUID", ""), udev.get("ID_PART_ENTRY_UUID", "")))
        facts = {**disk_facts, **({"partuuid": partuuid} if partuuid else {})}
    return Device(
        name=name,
        path="/dev/" + uevent.get("DEVNAME", name.replace("!", "/")),
        major=int(number[1]),
        minor=int(number[2]),
        size=_number(_text(directory, "size")) * _SECTOR,
        logical=_number(_text(disk, "queue", "logical_block_size")) or _SECTOR,
        physical=_number(_text(disk, "queue", "physical_block_size")) or _SECTOR,
        parent=os.path.basename(disk) if disk_facts is not None else None,
        facts=facts,
        sequence=_text(disk, "diskseq"),
    )


def list_devices(*, sys_root: str = "/sys", run_root: str = "/run") -> list[Device]:
    """Every disk and partition that the kernel shows.

    :raises RefusedError: the kernel shows none at all.
    """
    block = os.path.join(sys_root, "block")
    try:
        names = sorted(os.listdir(block))
    except OSError as error:
        raise RefusedError(f"the block devices cannot be listed in {block} ({error.strerror}), so no device can be named") from error
    devices: list[Device] = []
    for name in names:
        disk = os.path.realpath(os.path.join(block, name))
        whole = _device(disk, disk, run_root)
        if whole is None:
            continue
        devices.append(whole)
        try:
            below = sorted(os.listdir(disk))
        except OSError:
            continue
        for entry in below:
            if os.path.exists(os.path.join(disk, entry, "partition")):
                part = _device(os.path.join(disk, entry), disk, run_root, whole.facts)
                devices.extend([part] if part else [])
    return devices


def _checked(identity: t.Mapping[str, str]) -> dict[str, str]:
    """The identity's own faults, and its values as they are compared."""
    wanted: dict[str, str] = {}
    for key, value in identity.items():
        text = str(value).strip()
        if key in ("path", "device", "name") or (key != "backing_file" and text.startswith("/dev/")):
            raise RefusedError(
                f"{text} is a path, and paths change from one boot to the next; name the device by {', '.join(IDENTITY_KEYS[:-1])}"
            )
        if key not in (*IDENTITY_KEYS, _SIZE):
            raise RefusedError(f"the identity has the unknown key {key!r}; allowed are {', '.join((*IDENTITY_KEYS, _SIZE))}")
        if not text:
            raise RefusedError(f"the identity's {key} is empty, which would name no device or any; give its value or leave the key out")
        wanted[key] = {"wwn": plain_wwn, "partuuid": str.lower, "volume_uuid": plain_volume}.get(key, str)(text)
    if not any(key in wanted for key in IDENTITY_KEYS):
        raise RefusedError(f"the identity names no device; give at least one of {', '.join(IDENTITY_KEYS)}")
    if _SIZE in wanted and not wanted[_SIZE].isdigit():
        raise RefusedError(f"the identity's {_SIZE} is {wanted[_SIZE]!r}, which is no whole number of bytes; correct the register")
    if "backing_file" in wanted:
        wanted["backing_file"] = os.path.realpath(wanted["backing_file"])
    return wanted


def _shown(wanted: t.Mapping[str, str]) -> str:
    return " and ".join(f"{key} {value}" for key, value in wanted.items() if key != _SIZE)


def find_device(identity: t.Mapping[str, str], *, sys_root: str = "/sys", run_root: str = "/run", sizeless: bool = False) -> Device:
    """The one device that has every key of the identity.

    C(serial), C(wwn) (also EUI and NGUID), C(volume_uuid) and C(backing_file) name a whole disk, C(partuuid) names a partition, with the others its disk's.

    :arg identity: C(size_bytes) is the size that the register expects.
    :arg sizeless: a device that shows no size now is meant too, as one that is busy with a sanitize after a restart.
    :raises RefusedError: the identity is faulty, no device or several have it, or the size is not the expected one.
    """
    wanted = _checked(identity)
    named = {key: value for key, value in wanted.items() if key != _SIZE}
    devices = list_devices(sys_root=sys_root, run_root=run_root)
    matches = [
        device
        for device in devices
        if device.partition == ("partuuid" in named) and all(value in device.facts.get(key, ()) for key, value in named.items())
    ]
    if not matches:
        raise RefusedError(f"no device on this host has {_shown(wanted)}; check the register, and that the device is connected")
    if len(matches) > 1:
        raise RefusedError(
            f"{len(matches)} devices have {_shown(wanted)}: {', '.join(device.name for device in matches)} (several paths to one medium, "
            "several namespaces, or a serial that is not unique); add an identity that only one of them has"
        )
    device = matches[0]
    others = twins(device, devices)
    if others:
        raise RefusedError(
            f"{device.name} ({_shown(wanted)}) and {', '.join(others)} may be one medium: they have the same size and no fact that "
            "differs (several paths to it, or a serial that is not unique), and what holds one path is not seen on the other; leave one of them connected"
        )
    if device.size == 0 and sizeless:
        return Device(**{**device.__dict__, "asked": dict(identity)})
    if device.size == 0:
        raise RefusedError(f"{device.name} ({_shown(wanted)}) shows no size, as a drive without a medium or a failed one does; look at it")
    if _SIZE in wanted and device.size != int(wanted[_SIZE]):
        less = "smaller" if device.size < int(wanted[_SIZE]) else "larger"
        raise RefusedError(
            f"{device.name} ({_shown(wanted)}) has {device.size} bytes, {less} than the {wanted[_SIZE]} that the register expects; "
            "it is another medium or part of it is hidden, so correct the register or look at the drive"
        )
    return Device(**{**device.__dict__, "asked": dict(identity)})


def given_identity(device: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The identity that a task's option C(device) gives: what was left out names nothing."""
    return {key: str(value) for key, value in device.items() if value is not None}


def namespaces_of(device: Device, devices: t.Iterable[Device]) -> list[Device]:
    """All NVMe namespaces of the device's drive that this host sees, by its serial number; only itself of another device."""
    serial = device.facts.get("serial")
    if not device.name.startswith("nvme") or not serial:
        return [device]
    return [other for other in devices if not other.partition and other.name.startswith("nvme") and other.facts.get("serial") == serial]


def same_medium(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> bool:
    """Whether two values of C(Device.identity) tell of one medium: the same size, a fact in common and none that contradicts."""
    if (one.get("kind"), one.get("size")) != (other.get("kind"), other.get("size")):
        return False
    mine, theirs = one.get("facts") or {}, other.get("facts") or {}
    common = [key for key in mine if key in theirs]
    return bool(common) and all(set(mine[key]) & set(theirs[key]) for key in common)


def twins(device: Device, devices: t.Iterable[Device]) -> list[str]:
    """The names of other disks that cannot be told from this one: other paths to it, or disks to which a maker gave one serial."""
    if device.partition or not device.size:
        return []
    others = (other for other in devices if not other.partition and other.name != device.name)
    return [other.name for other in others if same_medium(device.identity, other.identity)]
