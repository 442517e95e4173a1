# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._keys.memory import look_in_memory, worst
from ansible_collections.recordings.disposal.plugins.module_utils._keys.preconditions import Precondition

SECRET = b"sesame-4711"
# As /proc/keys shows them.
KEYS = "02d86f14 I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: empty\n"
STAT = "{pid} (name) S 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 0 0\n"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class Host:
    """What the kernel of a host shows below C(/proc) and C(/sys), and the rest of its root."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root, self.proc, self.sys = root, root / "proc", root / "sys"
        for directory in (self.proc, self.sys / "power", self.sys / "dev" / "block", root / "dev"):
            directory.mkdir(parents=True)
        (self.proc / "keys").write_text(KEYS)
        (self.proc / "swaps").write_text(SWAPS)
        (self.sys / "power" / "resume").write_text("0:0\n")
        self.process(1, b"PATH=/bin\0")

    def process(self, pid: int, environment: bytes | None, flags: int = 0x400100) -> None:
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "stat").write_text(STAT.format(pid=pid, flags=flags))
        if environment is not None:
            (self.proc / str(pid) / "environ").write_bytes(environment)

    def resume(self, content: bytes, offset: int = 0) -> None:
        (self.sys / "power" / "resume").write_text("8:2\n")
        (self.sys / "power" / "resume_offset").write_text(f"{offset}\n")
        (self.sys / "block" / "sda2").mkdir(parents=True)
        (self.sys / "dev" / "block" / "8:2").symlink_to(self.sys / "block" / "sda2")
        (self.root / "dev" / "sda2").write_bytes(content)

    def look(self, secret: bytes | None = SECRET) -> Precondition:
        roots = {"proc_root": str(self.proc), "sys_root": str(self.sys), "root": str(self.root)}
        return look_in_memory(["cryptsetup:UUID"], ["cryptsetup"], secret=secret, **roots)


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path)


def test_a_host_on_which_nothing_is_left(host: Host) -> None:
    host.process(2, None, flags=0x208040)
    found = host.look()
    assert (found.name, found.state) == ("not_in_memory", "met")
    assert found.looked_at == (
        "no key of it in the kernel's keyrings that /proc/keys shows",
        "not in the environments of 1 processes",
        "no swap is in use",
        "no device to resume from is set",
        "no core dump of cryptsetup in the usual places, of which there is none",
    )
    assert SECRET.decode() not in "".join(found.looked_at)


def _page(end: bytes, before: int = 0) -> bytes:
    return bytes(before) + bytes(4096 - len(end)) + end


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        (
            lambda host: (host.proc / "keys").write_text(f"{KEYS}1a2b I--Q--- 1 perm 3f010000 0 0 logon cryptsetup:UUID-d0: 64\n"),
            "not_met",
            "hold a key named",
        ),
        (lambda host: (host.proc / "keys").unlink(), "unknown", "the kernel's keyrings cannot be read"),
        (lambda host: host.process(77, b"KEY=" + SECRET + b"\0"), "not_met", "the environment of process 77 holds what opens it"),
        (lambda host: host.process(77, None), "unknown", "the environments of 1 processes cannot be read"),
        (
            lambda host: (host.proc / "swaps").write_text(f"{SWAPS}/dev/sda3 partition 1024 0 -2\n"),
            "unknown",
            "/dev/sda3, which is not encrypted",
        ),
        (lambda host: (host.proc / "swaps").write_text(f"{SWAPS}/swap\\040file file 1024 0 -2\n"), "unknown", "the swap area /swap file"),
        (lambda host: (host.proc / "swaps").write_text(f"{SWAPS}/dev/zram0 partition 1024 0 -2\n"), "met", "/dev/zram0 is in memory"),
        (lambda host: (host.proc / "swaps").unlink(), "unknown", "whether there is swap cannot be read"),
        (lambda host: host.resume(_page(b"SWAPSPACE2")), "met", "sda2 to resume from holds no hibernation image"),
        (lambda host: host.resume(_page(b"S1SUSPEND\0")), "not_met", "sda2 to resume from holds a hibernation image"),
        (lambda host: host.resume(_page(b"S1SUSPEND\0", 3 * 4096), offset=3), "not_met", "holds a hibernation image"),
        (lambda host: (host.resume(b""), (host.root / "dev" / "sda2").unlink()), "unknown", "sda2 to resume from cannot be read"),
    ],
)
def test_what_is_left(host: Host, change: t.Callable[[Host], object], state: str, words: str) -> None:
    change(host)
    found = host.look()
    assert found.state == state and any(words in told for told in found.looked_at), found
    assert SECRET.decode() not in "".join(found.looked_at)


def test_swap_that_is_encrypted(host: Host) -> None:
    place = host.sys / "class" / "block" / "dm-1" / "dm"
    place.mkdir(parents=True)
    (place / "uuid").write_text("CRYPT-PLAIN-swap\n")
    (host.proc / "swaps").write_text(f"{SWAPS}/dev/dm-1 partition 1024 0 -2\n")
    assert host.look().state == "met"


@pytest.mark.parametrize("pattern", ["|/usr/lib/systemd/systemd-coredump", "/srv/dumps/core.%e.%p"])
def test_core_dumps(host: Host, pattern: str) -> None:
    (host.proc / "sys" / "kernel").mkdir(parents=True)
    (host.proc / "sys" / "kernel" / "core_pattern").write_text(pattern)
    place = host.root / ("srv/dumps" if pattern.startswith("/") else "var/lib/systemd/coredump")
    place.mkdir(parents=True)
    (place / "core.asterisk.1").write_bytes(b"")
    assert host.look().state == "met"
    (place / "core.cryptsetup.0.zst").write_bytes(b"")
    assert host.look().state == "unknown" and "holds a core dump that may have the key" in "".join(host.look().looked_at)


def test_without_knowing_what_opens_it_environments_tell_nothing(host: Host) -> None:
    assert host.look(None).state == "unknown"


def test_the_worst_of_several() -> None:
    assert [worst(()), worst(("met", "unknown")), worst(("unknown", "not_met", "met"))] == ["met", "unknown", "not_met"]
