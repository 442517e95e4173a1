# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a device may be destroyed: facts are gathered by reading only, and one pure function decides over them."""

from __future__ import annotations

import errno
import os
import stat
import time
import typing as t
from dataclasses import dataclass, field, replace

from .._errors import RefusedError
from .blocklayers import block_layers
from .claims import find_claims
from .hidden import Hidden, ask_hidden
from .identity import Device
from .mounts import parse_mountinfo, unescape
from .stack import Stack, rdev

__all__ = ["SYSTEM_POINTS", "Use", "decide_use", "find_openers", "gather_use", "require_free"]

SYSTEM_POINTS = ("/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/var/lib", "/var/log", "/etc", "/opt", "/home", "/root", "/tmp")

PATIENCE = 2.0


@dataclass(frozen=True)
class Use:
    """All that was seen of a device's use; each entry is a clause for a person.

    :arg mounted: of the device, its partitions and what is stacked on them, as the others.
    :arg zoned: host-managed: it takes writes only in order.
    :arg exclusive: why it cannot be opened for this process alone, empty where it can.
    :arg members: what on it belongs to more than the device, and C(keys) which hosts have registered with it, as C(Claims) has them.
    :arg unseen: processes of which it could not be determined whether they have it open.
    :arg unread: what else could not be determined; both count as in use.
    """

    name: str
    mounted: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    swaps: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    read_only: bool = False
    zoned: bool = False
    exclusive: str = ""
    openers: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    hidden: Hidden = field(default_factory=lambda: Hidden("unknown", "whether the disk hides capacity was not asked"))


def decide_use(use: Use, *, on_unseen: str = "refuse", on_member: str = "refuse") -> list[str]:
    """Why the device must not be destroyed, all reasons; empty where nothing speaks against it.

    :arg on_unseen: C(refuse), or C(report) where the caller names processes that could not be looked at as a limit of its proof.
    :arg on_member: C(refuse), or C(report) where what it is a member of is to be destroyed with it, and the caller names that.
    """
    reasons: list[str] = []
    if use.system:
        reasons.append(f"it is the system's disk (it carries {', '.join(use.system)})")
    if use.mounted:
        reasons.append(f"it is mounted ({', '.join(use.mounted)})")
    if use.swaps:
        reasons.append(f"it is in use as swap ({', '.join(use.swaps)})")
    if use.holders:
        reasons.append(f"it is held by {', '.join(use.holders)}")
    if use.exclusive:
        reasons.append(use.exclusive)
    if use.openers:
        reasons.append(f"it is open by {', '.join(use.openers)}")
    if use.read_only:
        reasons.append("it is read-only")
    if use.zoned:
        reasons.append("it is a host-managed zoned device, on which neither an overwrite nor canaries can be written in any place")
    if on_member != "report" and use.members:
        reasons.append(f"it belongs to more than itself: {'; '.join(use.members)}")
    if use.keys:
        reasons.append("; ".join(use.keys))
    if use.hidden.state in ("hidden", "unknown"):
        reasons.append(use.hidden.told)
    if on_unseen != "report":
        reasons.extend(f"whether {process} has it open cannot be determined, which counts as in use" for process in use.unseen[:3])
    reasons.extend(f"{what} cannot be determined, which counts as in use" for what in use.unread)
    return reasons


def require_free(use: Use, *, on_unseen: str = "refuse", on_member: str = "refuse") -> None:
    """Nothing, where the device may be destroyed; C(decide_use) tells what the options mean.

    :raises RefusedError: anything speaks against that.
    """
    reasons = decide_use(use, on_unseen=on_unseen, on_member=on_member)
    if reasons:
        raise RefusedError(
            f"{use.name} was not touched because {'; '.join(reasons)}; free the device, or correct the identity if another one was meant",
            details={"reasons": reasons},
        )


def find_openers(is_it: t.Callable[[os.stat_result], bool], *, proc_root: str = "/proc") -> tuple[list[str], list[str]]:
    """The processes that have something open, and those of which that could not be determined.

    :raises OSError: the processes cannot be listed.
    """
    found: list[str] = []
    unseen: list[str] = []
    for pid in sorted(os.listdir(proc_root)):
        if not pid.isdigit():
            continue
        try:
            if _has_open(os.path.join(proc_root, pid, "fd"), is_it):
                found.append(f"process {pid} ({_command(proc_root, pid)})")
        except OSError:
            unseen.append(f"process {pid}")
    return found, unseen


def _has_open(directory: str, is_it: t.Callable[[os.stat_result], bool]) -> bool:
    try:
        descriptors = os.listdir(directory)
    except (FileNotFoundError, ProcessLookupError):
        return False
    for descriptor in descriptors:
        try:
            facts = os.stat(os.path.join(directory, descriptor))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError as error:
            # A descriptor on a dead network mount is no device.
            if error.errno in (errno.ESTALE, errno.ENOTCONN, errno.EIO):
                continue
            raise
        if is_it(facts):
            return True
    return False


def _command(proc_root: str, pid: str) -> str:
    try:
        with open(os.path.join(proc_root, pid, "comm"), encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return "ended meanwhile"


class _Gathering(Stack):
    """One look at a device through C(/sys) and C(/proc)."""

    def __init__(self, device: Device, sys_root: str, proc_root: str) -> None:
        super().__init__(device.name, sys_root=sys_root)
        self.device, self.proc_root = device, proc_root
        self.unseen: list[str] = []
        # Files of loop devices, by device and inode: who has one open can write to it.
        self.files: set[tuple[int, int]] = set()
        self.around = dict(self.family)
        if device.parent:
            self.around[self.number(device.parent)] = device.parent
            self.note_holders(device.parent)

    def note_loops(self) -> None:
        """Loop devices over the device itself or over its file: the kernel lists them as no holder, and no process has it open."""
        backing = self.loops()
        own = {(facts.st_dev, facts.st_ino) for name, facts in backing.items() if name in self.around.values()}
        self.files.update(own)
        for name, facts in backing.items():
            if stat.S_ISBLK(facts.st_mode) and (os.major(facts.st_rdev), os.minor(facts.st_rdev)) in self.around:
                self.holders.append(name)
            elif (facts.st_dev, facts.st_ino) in own and name not in self.around.values():
                self.holders.append(f"{name} (over the same file)")

    def mounts(self) -> tuple[list[str], list[str]]:
        """Where the family is mounted, and which of the system's mount points lie on the device's disk."""
        mounted: list[str] = []
        system: list[str] = []
        disk = self.device.parent or self.device.name
        text = self.read(os.path.join(self.proc_root, "self", "mountinfo"), "what is mounted")
        mounts = parse_mountinfo(text)
        if len(mounts) != len(text.splitlines()):
            self.unread.append("what is mounted (the kernel's list has lines of an unknown form)")
        for mount in mounts.values():
            number = (mount.major, mount.minor)
            if mount.major == 0 and mount.source.startswith("/dev/"):
                # A filesystem over several devices has a number of its own; the others of its devices are found by opening exclusively.
                number = rdev(mount.source) or number
            if number in self.family:
                mounted.append(f"{self.family[number]} on {mount.point}")
            if mount.point in SYSTEM_POINTS and any(layer.name == disk for layer in block_layers(*number, sys_root=self.sys_root)):
                system.append(mount.point)
        return mounted, system

    def swaps(self) -> list[str]:
        found: list[str] = []
        for line in self.read(os.path.join(self.proc_root, "swaps"), "what is swapped to").splitlines()[1:]:
            path = unescape(line.split()[0])
            try:
                facts = os.stat(path)
            except OSError:
                self.unread.append(f"where the swap {path} lies")
                continue
            number = facts.st_rdev if stat.S_ISBLK(facts.st_mode) else facts.st_dev
            if (os.major(number), os.minor(number)) in self.family:
                found.append(path)
        return found

    def openers(self) -> list[str]:
        """The processes that have the device, its disk or anything stacked on it open."""
        try:
            found, unseen = find_openers(self._is_ours, proc_root=self.proc_root)
        except OSError:
            self.unread.append("which processes have it open")
            return []
        self.unseen.extend(unseen)
        return found

    def _is_ours(self, facts: os.stat_result) -> bool:
        if stat.S_ISBLK(facts.st_mode) and (os.major(facts.st_rdev), os.minor(facts.st_rdev)) in self.around:
            return True
        return (facts.st_dev, facts.st_ino) in self.files

    def flag(self, name: str, attribute: str, what: str) -> str:
        return self.read(os.path.join(self.directory(name), *attribute.split("/")), what)

    def exclusive(self) -> str:
        """Why the device cannot be claimed; it is opened for reading only, and closed at once."""
        try:
            fd = os.open(self.device.path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno == errno.EBUSY:
                return "the kernel or a process has claimed it for itself"
            self.unread.append(f"whether somebody has claimed it (opening failed: {error.strerror})")
            return ""
        try:
            facts = os.fstat(fd)
            if not stat.S_ISBLK(facts.st_mode) or (os.major(facts.st_rdev), os.minor(facts.st_rdev)) != self.device.number:
                self.unread.append(f"whether {self.device.path} is the device (it has another number)")
        finally:
            os.close(fd)
        return ""


def gather_use(
    device: Device, *, sys_root: str = "/sys", proc_root: str = "/proc", run_root: str = "/run", patience: float = PATIENCE
) -> Use:
    """Look at how a device is used. Nothing is written, and the device is opened for reading only.

    :arg patience: for how long a device that is merely open is looked at again, in seconds; udev opens each one briefly.
    """
    deadline = time.monotonic() + patience
    while True:
        use = _look(device, sys_root, proc_root, run_root)
        lasting = use.mounted or use.holders or use.swaps or use.system or use.read_only or use.zoned or use.unread
        if lasting or not (use.openers or use.exclusive) or time.monotonic() >= deadline:
            break
        time.sleep(0.2)
    claims = find_claims(device, sys_root=sys_root, run_root=run_root)
    return replace(use, members=claims.members, keys=claims.keys, unread=(*use.unread, *claims.unread))


def _look(device: Device, sys_root: str, proc_root: str, run_root: str) -> Use:
    look = _Gathering(device, sys_root, proc_root)
    look.note_loops()
    mounted, system = look.mounts()
    swaps = look.swaps()
    read_only = [look.flag(name, "ro", f"whether {name} is read-only") for name in (device.name, device.parent or device.name)]
    zoned = look.flag(device.parent or device.name, "queue/zoned", "whether it is a zoned device")
    openers = look.openers()
    exclusive = look.exclusive()
    return Use(
        name=device.name,
        mounted=tuple(mounted),
        holders=tuple(dict.fromkeys(look.holders)),
        swaps=tuple(swaps),
        system=tuple(system),
        read_only="1" in read_only,
        zoned=zoned == "host-managed",
        exclusive=exclusive,
        openers=tuple(openers),
        unseen=tuple(look.unseen),
        unread=tuple(look.unread),
        hidden=ask_hidden(device, sys_root=sys_root, run_root=run_root),
    )
